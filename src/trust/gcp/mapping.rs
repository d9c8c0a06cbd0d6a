//! Attribute mappings: what Google makes of a token, with the documented types and limits.
//!
//! Source: the REST reference of providers (`attributeMapping`) and "Workload Identity Federation", 2026-10: `google.subject`
//! is a string of at most 127 bytes, `google.groups` a list of strings, at most 50 `attribute.NAME` with names of at most 100
//! of `[a-z0-9_]`, an expression has at most 2048 characters, all values together at most 8 KB.

use super::cel::{self, Dialect, Scope, Stop, Value};
use super::hints;
use super::{Mapped, ProviderTrust, Steps};
use crate::claims::Claims;
use crate::trust::explanation::Node;
use crate::trust::{Verdict, join};

/// The longest `google.subject`, in bytes.
pub const SUBJECT_BYTES: usize = 127;
/// All mapped values together, in bytes. Documented are "8 KB": between 8000 and this the answer is undecided.
pub const MAPPED_BYTES: usize = 8_192;
/// The longest expression, in characters.
pub(super) const CHARACTERS: usize = 2_048;
const ATTRIBUTES: usize = 50;
const KEY_CHARACTERS: usize = 100;

/// Evaluates every mapping.
pub(super) fn map(trust: &ProviderTrust, claims: &Claims, steps: &mut Steps) -> Mapped {
    let base = format!("{}/attributeMapping", trust.base);
    let scope = Scope::new(Dialect::Google, vec![("assertion".to_owned(), assertion(claims))]);
    let mut mapped = Mapped { groups: Some(Vec::new()), ..Mapped::default() };
    let (mut bytes, mut has_subject, mut customs) = (0, false, 0);
    for (key, expression) in &trust.mapping {
        let (path, text) = (join(&base, key), expression.text.as_str());
        if let Some(node) = outside_limits(&path, key, text) {
            steps.push(("mapping", node));
        }
        let out = match &expression.parsed {
            Ok(expr) => scope.value(expr).and_then(|value| match &expression.refused {
                None => Ok(value),
                Some(why) => Err(Stop::Undecided(format!("no provider can be created with it: {why}"))),
            }),
            Err(why) => Err(Stop::Undecided(format!("it cannot be read: {why}"))),
        };
        let leaf =
            |presented: String, verdict| Node::leaf(&path, text, presented, verdict).what(format!("mapping of {key}"));
        let (step, node) = match (key.as_str(), key.strip_prefix("attribute."), &out) {
            ("google.subject", _, Ok(Value::Text(value))) if value.is_empty() => (
                "mapping",
                leaf(String::new(), Verdict::Unsupported)
                    .hint("what Google does with an empty subject is not documented"),
            ),
            ("google.subject", _, Ok(Value::Text(value))) => {
                mapped.subject = Some(value.clone());
                ("mapping", leaf(value.clone(), Verdict::Match))
            }
            ("google.subject", _, Ok(other)) => {
                ("mapping-type", wrong_type(leaf(other.to_string(), Verdict::Mismatch), other))
            }
            // A boolean or an error: neither is a string.
            ("google.subject", _, Err(Stop::NotTrue(why))) => ("mapping-type", leaf(why.clone(), Verdict::Mismatch)),
            ("google.groups", _, Ok(Value::List(items))) => {
                let texts = |item: &Value| if let Value::Text(text) = item { Some(text.clone()) } else { None };
                mapped.groups = items.iter().map(texts).collect();
                let verdict = if mapped.groups.is_some() { Verdict::Match } else { Verdict::Unsupported };
                ("mapping", leaf(Value::List(items.clone()).to_string(), verdict))
            }
            (_, Some(name), Ok(Value::Text(value))) => {
                mapped.attributes.push((name.to_owned(), Some(value.clone())));
                ("mapping", leaf(value.clone(), Verdict::Match))
            }
            (_, _, Err(Stop::Missing(claim))) => {
                ("mapping", hints::missing(leaf(String::new(), Verdict::Missing), claim, claims, true))
            }
            (_, _, Err(Stop::Error(why))) => ("mapping", leaf(why.clone(), Verdict::Mismatch)),
            (_, _, Err(stop)) => ("mapping", leaf(String::new(), Verdict::Unsupported).hint(stop.why())),
            (_, _, Ok(other)) => {
                let hint = format!("what Google does with a {} here is not documented", other.type_name());
                ("mapping", leaf(other.to_string(), Verdict::Unsupported).hint(hint))
            }
        };
        if node.verdict != Verdict::Match {
            match key.strip_prefix("attribute.") {
                Some(name) => mapped.attributes.push((name.to_owned(), None)),
                None if key == "google.groups" => mapped.groups = None,
                None => {}
            }
        }
        bytes += if node.verdict == Verdict::Match { size(&out) } else { 0 };
        has_subject |= key == "google.subject";
        customs += usize::from(key.starts_with("attribute."));
        steps.push((step, node));
    }
    if !has_subject {
        let node = Node::leaf(&base, "google.subject", "", Verdict::Missing).what("mapping of google.subject");
        steps.push(("mapping", node.hint("a provider has to map google.subject; usual is assertion.sub")));
    }
    if customs > ATTRIBUTES {
        let node =
            Node::leaf(&base, format!("at most {ATTRIBUTES} attributes"), format!("{customs}"), Verdict::Mismatch);
        steps.push(("mapping", node.what("number of custom attributes")));
    }
    sizes(&base, &mapped, bytes, claims, steps);
    mapped
}

/// The token's claims as `assertion`.
pub(super) fn assertion(claims: &Claims) -> Value {
    Value::Map(claims.as_map().iter().map(|(name, value)| (Value::Text(name.clone()), Value::claim(value))).collect())
}

fn wrong_type(node: Node, value: &Value) -> Node {
    let kind = value.type_name();
    node.hint(format!(
        "google.subject has to be a string, this is a {kind}: Google answers that it must be of type STRING"
    ))
}

/// What no provider can have been created with.
fn outside_limits(path: &str, key: &str, text: &str) -> Option<Node> {
    let name = key.strip_prefix("attribute.");
    let good = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let length = text.chars().count();
    let (expected, presented, verdict) = if length > CHARACTERS {
        (format!("at most {CHARACTERS} characters"), format!("{length} characters"), Verdict::Mismatch)
    } else if key.chars().count() > KEY_CHARACTERS {
        (
            format!("a key of at most {KEY_CHARACTERS} characters"),
            format!("{} characters", key.chars().count()),
            Verdict::Mismatch,
        )
    } else if name.is_some_and(|name| !good(name)) {
        ("attribute. and a name of a-z, 0-9 and _".to_owned(), key.to_owned(), Verdict::Mismatch)
    } else if name.is_none() && !["google.subject", "google.groups"].contains(&key) {
        ("google.subject, google.groups or attribute.NAME".to_owned(), key.to_owned(), Verdict::Unsupported)
    } else {
        return None;
    };
    Some(Node::leaf(path, expected, presented, verdict).what(format!("limits of the mapping of {key}")))
}

fn size(out: &cel::Out) -> usize {
    match out {
        Ok(Value::Text(text)) => text.len(),
        Ok(Value::List(items)) => {
            items.iter().map(|item| if let Value::Text(text) = item { text.len() } else { 0 }).sum()
        }
        _ => 0,
    }
}

fn sizes(base: &str, mapped: &Mapped, bytes: usize, claims: &Claims, steps: &mut Steps) {
    let size = |path: String, what: &str, limit: usize, bytes: usize, verdict| {
        Node::leaf(path, format!("at most {limit} bytes"), format!("{bytes} bytes"), verdict).what(what)
    };
    if let Some(subject) = &mapped.subject {
        let verdict = if subject.len() <= SUBJECT_BYTES { Verdict::Match } else { Verdict::Mismatch };
        let node = size(join(base, "google.subject"), "size of google.subject", SUBJECT_BYTES, subject.len(), verdict);
        steps.push(("subject-size", hints::subject_size(node, subject, claims)));
    }
    let verdict = match bytes {
        0..=8_000 => Verdict::Match,
        8_001..=MAPPED_BYTES => Verdict::Unsupported,
        _ => Verdict::Mismatch,
    };
    steps.push(("mapping", size(base.to_owned(), "size of all mapped values", MAPPED_BYTES, bytes, verdict)));
}
