//! Every sentence that the cited cases make an explanation say, and every finding of the lint cases with the tokens that get in,
//! as snapshots: which answer is right stands in the cases, and here how it is told.
//!
//! `RENEW_SNAPSHOTS=1 cargo test --test it trust_words::` writes them anew; the diff is then read by a person.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jobpass::edge::Destination;
use jobpass::trust::Explanation;
use serde_json::Value;

use crate::terminal::held;
use crate::{federation_cases, trust_cases, trust_lint_cases};

/// Longer texts (the longest condition, a subject beyond the limit) are told by their beginning and length.
const LONGEST: usize = 160;

fn cut(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned).escape_debug().to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

/// Each line once, sorted: many cases say the same.
fn said(all: &[Explanation]) -> String {
    let mut lines = BTreeSet::new();
    for explanation in all {
        let document = explanation.document();
        for name in ["note", "step"] {
            lines.extend(document.get(name).map(|text| format!("{name}: {}", cut(text))));
        }
        for reason in document["reasons"].as_array().unwrap() {
            let word = |name: &str| reason.get(name).map(cut).unwrap_or_default();
            let mut line =
                format!("{} – {}: {} / {}", word("what"), word("verdict"), word("expected"), word("presented"));
            if reason.get("hint").is_some() {
                let _ = write!(line, " – {}", word("hint"));
            }
            lines.insert(line);
        }
    }
    lines.into_iter().collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn explanations() {
    held("words-aws", &said(&trust_cases::explanations()));
    held("words-gcp", &said(&federation_cases::explanations("gcp", Destination::Gcp)));
    held("words-azure", &said(&federation_cases::explanations("azure", Destination::Azure)));
}

#[test]
fn findings() {
    let mut out = String::new();
    for (name, report) in trust_lint_cases::reports() {
        let _ = writeln!(out, "{name} ({} tokens)", report.decisions);
        for one in &report.findings {
            let _ = writeln!(out, "  {} {} {}: {}", one.severity, one.rule.code, one.path, one.message);
            let _ = writeln!(out, "    {}", one.admits.join(", "));
            if let Some(token) = &one.token {
                let unlike =
                    one.unlike.iter().map(|name| format!("{name}={}", token.value(name).map(cut).unwrap_or_default()));
                let _ = writeln!(out, "    {}", unlike.collect::<Vec<_>>().join(" "));
            }
        }
    }
    held("words-lint", &out);
}
