//! Entra's federated identity credentials: issuer, audience and subject, each exactly, case included; or an expression.
//!
//! Source: Microsoft's "Workload identity federation considerations": no wildcards in a classic credential, exactly one
//! audience, 600 characters at most, 20 credentials at most.

mod document;
mod drift;
mod facts;
mod flexible;

pub use document::FederatedCredentials;
pub(super) use drift::said;
pub(in crate::trust) use facts::CredentialFacts;

use serde_json::Value;

use self::document::FederatedCredential;
use super::explanation::{Explanation, Node};
use super::{Truth, Verdict, join, subject};
use crate::claims::Claims;

/// The longest life of an external token that Entra takes, in seconds: `1.01:00:00` (AADSTS70023).
pub const TOKEN_LIFE_SECONDS: i64 = 90_000;
/// How many credentials an application or a user-assigned identity can have.
pub const CREDENTIALS: usize = 20;
/// The longest issuer, subject or audience, in characters.
const CHARACTERS: usize = 600;
/// The audiences of the clouds; those of newer sovereign clouds are not documented.
const AUDIENCES: [(&str, &str); 3] = [
    ("api://AzureADTokenExchange", "the public cloud"),
    ("api://AzureADTokenExchangeUSGov", "US Government"),
    ("api://AzureADTokenExchangeChina", "China"),
];

impl FederatedCredential {
    /// The comparisons in Entra's order: issuer, audience, subject, then what is not understood.
    fn check(&self, issuer: &str, claims: &Claims) -> Vec<Node> {
        let what = |what: &str| format!("{what} of credential `{}`", self.name);
        let node = Node::exact(join(&self.path, "issuer"), &self.issuer, Some(issuer)).what(what("issuer"));
        let mut parts = vec![of_issuer(node), self.audience(claims).what(what("audience"))];
        let presented = claims.value("sub").and_then(Value::as_str);
        let at = join(&self.path, "subject");
        parts.push(match (&self.flexible, &self.subject) {
            (Some(expression), _) => flexible::check(self, expression, claims),
            (None, Some(expected)) if expected.is_empty() && presented.is_none_or(str::is_empty) => {
                let node = Node::leaf(at, "a subject", presented.unwrap_or_default(), Verdict::Unsupported);
                node.what(what("subject")).hint("no credential can be created with an empty subject")
            }
            (None, Some(expected)) => of_subject(Node::exact(at, expected, presented)).what(what("subject")),
            (None, None) => {
                let node = Node::leaf(at, "a subject", presented.unwrap_or_default(), Verdict::Unsupported);
                node.what(what("subject"))
                    .hint("a flexible credential is shown whole by `az rest` on Graph's /beta only")
            }
        });
        for name in &self.unknown {
            let node = Node::leaf(join(&self.path, name), "a field that is understood", name, Verdict::Unsupported);
            parts.push(node.what(what("fields")));
        }
        let fields = [Some(&self.issuer), self.subject.as_ref()].into_iter().flatten().chain(&self.audiences);
        if let Some(longest) = fields.map(|text| text.chars().count()).max().filter(|longest| *longest > CHARACTERS) {
            let (most, met) = (format!("at most {CHARACTERS} characters"), format!("{longest} characters"));
            parts.push(Node::leaf(&self.path, most, met, Verdict::Unsupported).what(what("longest field")));
        }
        parts
    }

    fn audience(&self, claims: &Claims) -> Node {
        let presented = claims.audiences();
        let path = join(&self.path, "audiences");
        match (self.audiences.as_slice(), presented.as_slice()) {
            ([expected], [presented]) if expected.is_empty() && presented.is_empty() => {
                let node = Node::leaf(join(&path, "0"), "an audience", "", Verdict::Unsupported);
                node.hint("no credential can be created with an empty audience")
            }
            ([expected], [presented]) => of_audience(Node::exact(join(&path, "0"), expected, Some(presented))),
            ([expected], []) => Node::exact(join(&path, "0"), expected, None),
            // Documented is exactly one audience on either side.
            (expected, presented) => {
                let node = Node::leaf(path, expected.join(", "), presented.join(", "), Verdict::Unsupported);
                node.hint("exactly one audience is documented, in the credential and in the token")
            }
        }
    }
}

fn of_issuer(node: Node) -> Node {
    let (expected, presented) = (node.expected.clone(), node.presented.clone());
    if node.verdict != Verdict::Mismatch {
        node
    } else if expected.trim() != expected {
        node.hint("the credential's issuer has white space around it, which blocks the match")
    } else if expected.trim_end_matches('/') == presented.trim_end_matches('/') {
        node.hint("they differ in a slash at the end, which counts")
    } else {
        node
    }
}

fn of_audience(node: Node) -> Node {
    if node.verdict != Verdict::Mismatch || node.is_case_only() {
        return node;
    }
    let cloud = |text: &str| AUDIENCES.iter().find(|(audience, _)| *audience == text).map(|(_, cloud)| *cloud);
    match (cloud(&node.expected), cloud(&node.presented)) {
        (Some(one), Some(other)) => {
            node.hint(format!("the credential is for {one}, the token's audience is that of {other}"))
        }
        (Some(_), None) => {
            let expected = node.expected.clone();
            node.hint(format!("the token was asked for with another audience: ask for `{expected}`"))
        }
        (None, _) => {
            node.hint("the credential's audience is none that Microsoft documents: it is fixed when it is created")
        }
    }
}

/// Two subjects that differ: where, and what is behind it.
fn of_subject(node: Node) -> Node {
    if node.verdict != Verdict::Mismatch {
        return node;
    }
    let (expected, presented) = (node.expected.clone(), node.presented.clone());
    let same = expected.chars().zip(presented.chars()).take_while(|(one, other)| one == other).count();
    let from = |text: &str| match text.chars().skip(same).take(12).collect::<String>() {
        rest if rest.is_empty() => "the end".to_owned(),
        rest => format!("`{rest}`"),
    };
    let node =
        node.hint(format!("first difference at character {}: {} and {}", same + 1, from(&expected), from(&presented)));
    if expected.contains(['*', '?']) {
        return node.hint("`*` and `?` are literal characters in a subject: only a flexible credential has wildcards");
    }
    match subject::story(&expected, &presented) {
        Some(story) => node.hint(story),
        None => node,
    }
}

/// Would one of the credentials take this token?
#[must_use]
pub fn evaluate(trust: &FederatedCredentials, issuer: &str, claims: &Claims) -> Explanation {
    let mut all = Vec::new();
    // How near the nearest credential comes decides what Entra answers.
    let mut nearest = (0, "AADSTS700211");
    for credential in &trust.all {
        let parts = credential.check(issuer, claims);
        nearest = nearest.max(nearness(&parts));
        all.push(Node::all(&credential.path, parts).what(format!("credential `{}`", credential.name)));
    }
    all.extend(trust.more.as_ref().map(|path| {
        let node = Node::leaf(path, "all credentials", "a part of them", Verdict::Unsupported);
        node.what("further credentials").hint("the list goes on: save the answers that its link leads to as well")
    }));
    let mut root = vec![Node::any("", all).what("federated identity credentials")];
    let mut step = nearest.1;
    if trust.all.len() > CREDENTIALS {
        let (most, met) = (format!("at most {CREDENTIALS}"), trust.all.len().to_string());
        let node = Node::leaf("", most, met, Verdict::Unsupported).what("number of credentials");
        root.push(node.hint(
            "one application has at most that many: these belong to several, and which one is asked is not told",
        ));
    }
    root.extend(subject::odd_audience(claims));
    let life = claims.seconds("exp").zip(claims.seconds("iat")).map(|(exp, iat)| exp.saturating_sub(iat));
    if let Some(life) = life.filter(|life| *life > TOKEN_LIFE_SECONDS) {
        step = "AADSTS70023";
        let (most, life) = (format!("at most {TOKEN_LIFE_SECONDS} s"), format!("{life} s"));
        root.push(Node::leaf("", most, life, Verdict::Mismatch).what("life of the ID token"));
    }
    // What is alone needs no level above it.
    let root = match root.len() {
        1 => root.pop().unwrap_or_else(|| Node::any("", Vec::new())),
        _ => Node::all("", root),
    };
    let denied = root.truth() == Truth::No;
    let explanation = Explanation::of(root).step(denied.then_some(step));
    if denied && step == "AADSTS7002138" {
        return explanation.note("a credential matches but for upper and lower case, which counts (AADSTS7002138)");
    }
    explanation
}

/// How far a credential agrees, with the code of what stands in the way: the more, the nearer.
fn nearness(parts: &[Node]) -> (u8, &'static str) {
    let holds = |node: &Node| node.verdict == Verdict::Match;
    let fits = |node: &Node| holds(node) || node.is_case_only();
    match parts {
        [issuer, audience, subject, ..] => {
            let three = [issuer, audience, subject];
            if three.iter().all(|node| fits(node)) && three.iter().any(|node| node.is_case_only()) {
                (4, "AADSTS7002138")
            } else if holds(issuer) && holds(audience) {
                (3, "AADSTS700213")
            } else if holds(issuer) {
                (2, "AADSTS700212")
            } else {
                (1, "AADSTS700211")
            }
        }
        _ => (1, "AADSTS700211"),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
