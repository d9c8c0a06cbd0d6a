//! What is behind a comparison that fails, and what to do: the known stories of Google's providers.

use super::SUBJECT_BYTES;
use crate::claims::Claims;
use crate::trust::explanation::Node;
use crate::trust::{Verdict, subject};

/// A claim or attribute that an expression reads and that is not there; `key` as CEL writes it.
pub(super) fn missing(node: Node, key: &str, claims: &Claims, in_mapping: bool) -> Node {
    let name = key.trim_matches('\'');
    if node.what.contains(&format!("attribute.{name}")) && !in_mapping {
        return node.hint(format!("the provider does not map attribute.{name}: add it to attributeMapping"));
    }
    let why = match name {
        "environment" => "the job names no environment",
        "head_ref" | "base_ref" => "only pull requests carry it",
        _ if claims.as_map().is_empty() => "the token has no claims",
        _ => "not every token carries it",
    };
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let (has, read) = if plain {
        (format!("has(assertion.{name})"), format!("assertion.{name}"))
    } else {
        (format!("{key} in assertion"), format!("assertion[{key}]"))
    };
    let instead = if in_mapping {
        format!("`{has} ? {read} : 'none'` in the mapping takes tokens without it")
    } else {
        format!("`{has} && …` asks without an error")
    };
    node.hint(format!("the token has no `{name}` here ({why}), which is an error and never true; {instead}"))
}

/// Two texts of a condition that differ.
pub(super) fn condition(node: Node) -> Node {
    if node.is_case_only() {
        return node.hint("they differ in upper and lower case only, and Google compares case");
    }
    let equality = node.what.contains("==") && !node.what.contains("matches");
    if equality && node.expected.contains('*') {
        return node.hint("a `*` is a literal character in CEL: startsWith() or extract() compare a part");
    }
    let (expected, presented) = (node.expected.clone(), node.presented.clone());
    subject(node, &expected, &presented)
}

/// The stories of GitHub's subjects.
pub(super) fn subject(node: Node, expected: &str, presented: &str) -> Node {
    if node.verdict != Verdict::Mismatch {
        return node;
    }
    match subject::story(expected, presented) {
        Some(story) => node.hint(story),
        None => node,
    }
}

/// A subject that is too long, or would be in GitHub's form with ids.
pub(super) fn subject_size(node: Node, subject: &str, claims: &Claims) -> Node {
    let shorter = "map something shorter: a part by extract(), or repository_id and ref";
    if subject.len() > SUBJECT_BYTES {
        return node.hint(format!("google.subject has {} bytes: {shorter}", subject.len()));
    }
    let id = |name: &str| claims.text(name);
    let longer = id("repository_owner_id")
        .zip(id("repository_id"))
        .and_then(|(owner, repository)| subject::with_ids(subject, &owner, &repository).map(|text| text.len()));
    match longer {
        Some(bytes) if bytes > SUBJECT_BYTES => {
            node.hint(format!("with ids, GitHub's newer form, it would have {bytes} bytes and be refused: {shorter}"))
        }
        _ => node,
    }
}
