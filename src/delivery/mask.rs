//! Masks: `::add-mask::` lines that make GitHub's runner replace a text in every log line from then on.
//!
//! Each leaf secret once, never a document around it: the runner masks every line of what it is given, with no minimum
//! length, so a pretty-printed JSON document would blot out every `{`.

use zeroize::Zeroizing;

use crate::credential::Grant;
use crate::secret::Secret;

/// Shorter texts are not masked: they would blot out ordinary words.
pub const SHORTEST: usize = 8;

/// The leaf secrets of one grant: what the cloud issued, the ID token, and that token's signature (header and payload are
/// not secret, and whoever prints a token in pieces prints the signature too).
#[must_use]
pub fn of_grant(grant: &Grant) -> Vec<Secret> {
    let token = &grant.id_token.raw;
    let signature = token.reveal().rsplit('.').next().map(Secret::new);
    let leaves = grant.credential.secrets().into_iter().cloned().chain([token.clone()]).chain(signature);
    leaves.filter(|leaf| leaf.len() >= SHORTEST).collect()
}

/// The lines that register `masks`, to be printed before the first byte of them is written anywhere.
#[must_use]
pub fn lines(masks: &[Secret]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    let mut done: Vec<&Secret> = Vec::new();
    for mask in masks.iter().filter(|mask| mask.len() >= SHORTEST) {
        if done.iter().any(|other| other.matches(mask.reveal())) {
            continue;
        }
        done.push(mask);
        text.push_str("::add-mask::");
        text.push_str(&escape(mask.reveal()));
        text.push('\n');
    }
    text
}

/// A text as data of a workflow command: the runner turns `%25`, `%0D` and `%0A` back.
#[must_use]
pub fn escape(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn every_leaf_once_and_nothing_around_it() {
        let grants = [aws("deploy", true), gcp("main", true, |_, _| ()), azure("main", true, |_| ())];
        let masks: Vec<Secret> = grants.iter().flat_map(of_grant).collect();
        let text = lines(&masks);
        let raw = id_token("deploy").raw;
        for leaf in [
            "secret-of-deploy",
            "session-of-deploy+/=",
            raw.reveal(),
            "signature-of-deploy",
            "ya29.token-of-main",
            "entra-token-of-main",
        ] {
            assert_eq!(text.matches(&format!("::add-mask::{leaf}\n")).count(), 1, "{leaf}");
        }
        assert!(!text.contains("ASIA"), "a key id names the key and is shown in AWS's own logs");
        assert!(!text.contains('{'));
    }

    #[test]
    fn a_line_cannot_be_broken_out_of() {
        let text = lines(&[Secret::new("100%0A\r\n::set-env name=LD_PRELOAD::/x")]);
        assert_eq!(*text, "::add-mask::100%250A%0D%0A::set-env name=LD_PRELOAD::/x\n");
    }

    #[test]
    fn short_texts_are_not_masked() {
        assert!(lines(&[Secret::new("1234567"), Secret::new("")]).is_empty());
        assert!(!lines(&[Secret::new("12345678")]).is_empty());
    }
}
