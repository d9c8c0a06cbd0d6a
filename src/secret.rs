//! A secret has one door.
//!
//! [`Secret`] has no `Debug`, no `Display`, no `Serialize`; [`Secret::reveal`] is the only way to its text, so a search for
//! `reveal(` lists every use (`tests/it/house.rs` holds the list of rooms that may). The memory is zeroed on drop; copies
//! inside HTTP and TLS buffers are outside our reach (see `docs/threat-model.md`).

use std::borrow::Cow;

use zeroize::Zeroizing;

/// Text that must not be shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(Zeroizing::new(text.into()))
    }

    /// The one door: the text itself, to be sent to the endpoint or handed to the tool it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True for the empty text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Compares in constant time, so that the time taken says nothing about the text.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        let (mine, theirs) = (self.0.as_bytes(), presented.as_bytes());
        mine.len() == theirs.len() && mine.iter().zip(theirs).fold(0u8, |all, (a, b)| all | (a ^ b)) == 0
    }
}

/// Text from outside is cut to this many bytes before it is shown.
pub const SHOWN_BYTES: usize = 512;

/// Makes text from outside fit to be shown: the given secrets and anything of a JWT's shape are replaced, control
/// characters become spaces, and the text is cut to [`SHOWN_BYTES`].
///
/// A secret of fewer than four characters is not searched for: it would blot out ordinary words.
#[must_use]
pub fn clean(text: &str, secrets: &[&Secret]) -> String {
    let mut text = Cow::Borrowed(text);
    for secret in secrets.iter().filter(|secret| secret.len() >= 4) {
        if text.contains(secret.reveal()) {
            text = Cow::Owned(text.replace(secret.reveal(), "***"));
        }
    }
    let mut out = String::new();
    // Words are what stands between blanks, quotes and the separators of JSON, XML and query strings.
    let boundary = |c: char| c.is_whitespace() || c.is_control() || "\"'<>&=,;{}[]()".contains(c);
    for piece in text.split_inclusive(boundary) {
        let word = piece.trim_end_matches(boundary);
        let tail = piece.get(word.len()..).unwrap_or_default();
        out.push_str(if looks_like_a_token(word) { "***" } else { word });
        out.extend(tail.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    if out.len() <= SHOWN_BYTES {
        return out;
    }
    let cut = (0..=SHOWN_BYTES).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
    format!("{} …", out.get(..cut).unwrap_or_default())
}

/// A JWT (`eyJ….….…`, RFC 7519 §3) or a Google access token (`ya29.…`).
fn looks_like_a_token(word: &str) -> bool {
    (word.starts_with("eyJ") && word.len() > 20 && word.contains('.')) || word.starts_with("ya29.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_removes_secrets_tokens_and_control_characters() {
        let secret = Secret::new("hunter2hunter2");
        let text = "bad \"hunter2hunter2\"\n::add-mask::x\u{1b}[31m eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln ya29.abc";
        let shown = clean(text, &[&secret]);
        assert_eq!(shown, "bad \"***\" ::add-mask::x [31m *** ***");
    }

    #[test]
    fn clean_cuts_on_a_character_boundary() {
        let shown = clean(&"ä".repeat(SHOWN_BYTES), &[]);
        assert!(shown.len() <= SHOWN_BYTES + 4, "{}", shown.len());
        assert!(shown.ends_with(" …"));
    }

    #[test]
    fn matches_tells_equal_from_prefix() {
        let secret = Secret::new("abcd");
        assert!(secret.matches("abcd"));
        assert!(!secret.matches("abc"));
        assert!(!secret.matches("abce"));
    }
}
