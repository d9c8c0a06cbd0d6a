//! Findings as SARIF 2.1.0 (OASIS, errata 01), as far as code scanning reads it.

use serde_json::{Value, json};

use super::lint::{Found, put};
use crate::trust::lint::{self, Rule, Severity};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const PAGES: &str = "https://github.com/jobpass/jobpass/blob/main/docs/rules.md";

/// One run with the rules and what they found; exempted findings are there as suppressed ones.
pub(super) fn document(found: &[Found]) -> Value {
    let rules: Vec<&Rule> = lint::rules().collect();
    let results: Vec<Value> = found.iter().map(|one| result(one, &rules)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "jobpass",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://github.com/jobpass/jobpass",
                "rules": rules.iter().map(|rule| of_rule(rule)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// What code scanning sorts by: a number from 0 to 10 as text.
fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

fn of_rule(rule: &Rule) -> Value {
    json!({
        "id": rule.code,
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "helpUri": format!("{PAGES}#{}", rule.code.to_lowercase()),
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"security-severity": weight(rule.severity), "tags": ["security"]},
    })
}

fn result(found: &Found, rules: &[&Rule]) -> Value {
    let finding = &found.finding;
    let mut message = finding.message.clone();
    if let Some(subject) = finding.admits.first() {
        message.push_str(&format!(": {subject}"));
    }
    let mut location = json!({"artifactLocation": {"uri": uri(&found.file)}});
    if let Some(place) = finding.place {
        put(&mut location, "region", json!({"startLine": place.line, "startColumn": place.column}));
    }
    let mut result = json!({
        "ruleId": finding.rule.code,
        "level": level(finding.severity),
        "message": {"text": message},
        "locations": [{
            "physicalLocation": location,
            "logicalLocations": [{"fullyQualifiedName": if finding.path.is_empty() { "/" } else { &finding.path }}],
        }],
        "partialFingerprints": {"jobpass/v1": format!("{}:{}", finding.rule.code, finding.path)},
        "properties": {"severity": finding.severity, "admits": finding.admits},
    });
    if let Some(at) = rules.iter().position(|rule| rule.code == finding.rule.code) {
        put(&mut result, "ruleIndex", at);
    }
    if let Some(exempt) = &found.exempt {
        put(
            &mut result,
            "suppressions",
            json!([{"kind": "external", "status": "accepted", "justification": exempt.reason}]),
        );
    }
    result
}

/// A path as a URI reference (RFC 3986): what a path may hold and a URI may not is percent-encoded.
fn uri(path: &str) -> String {
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let encoded: String =
        path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect();
    if encoded.starts_with('/') { format!("file://{encoded}") } else { encoded }
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_as_uris() {
        assert_eq!(uri("trust/deploy.json"), "trust/deploy.json");
        assert_eq!(uri("a b/ü:1.json"), "a%20b/%C3%BC%3A1.json");
        assert_eq!(uri("/srv/x.json"), "file:///srv/x.json");
    }
}
