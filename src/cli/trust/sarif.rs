//! Findings as SARIF 2.1.0 (OASIS, errata 01), with what GitHub's code scanning asks for beyond the schema: a path from the
//! working directory (which is to be the repository's root), a whole region, and the fingerprint of its line.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::lines::Lines;
use super::lint::{Found, put};
use crate::files;
use crate::trust::lint::{self, Rule, Severity};
use crate::trust::{MOST_BYTES, Place};
use crate::world::World;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
const PAGES: &str = "https://github.com/jobpass/jobpass/blob/main/docs/rules.md";

/// One run with the rules and what they found; exempted findings are there as suppressed ones.
pub(super) fn document(found: &[Found], world: &World) -> Value {
    let rules: Vec<&Rule> = lint::rules().collect();
    let mut known = BTreeMap::new();
    for one in found {
        known.entry(one.path.as_path()).or_insert_with(|| Artifact::of(one, world));
    }
    let result = |one: &Found| known.get(one.path.as_path()).map(|artifact| result(one, artifact, &rules));
    let results: Vec<Value> = found.iter().filter_map(result).collect();
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

/// What code scanning sorts by: a number above 0 and up to 10 as text; what is only worth knowing has none.
fn weight(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.0"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}

fn of_rule(rule: &Rule) -> Value {
    let mut properties = json!({"tags": ["security"]});
    if let Some(weight) = weight(rule.severity) {
        put(&mut properties, "security-severity", weight);
    }
    json!({
        "id": rule.code,
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "helpUri": format!("{PAGES}#{}", rule.code.to_lowercase()),
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": properties,
    })
}

/// The file of findings: what it is called here, and its lines.
struct Artifact {
    uri: String,
    lines: Option<Lines>,
}

impl Artifact {
    fn of(found: &Found, world: &World) -> Artifact {
        // Alerts are shown at the file itself: a link to it, or `./` before it, would be another one.
        let real = |path: &Path| path.canonicalize().ok();
        let (path, directory) = (real(&found.path), world.directory.as_deref().and_then(real));
        let below = path.as_deref().zip(directory.as_deref()).and_then(|(path, root)| path.strip_prefix(root).ok());
        let text = files::read_limited(&found.path, MOST_BYTES as u64).ok();
        let text = text.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        Artifact { uri: uri(&below.unwrap_or(&found.path).display().to_string()), lines: text.map(Lines::of) }
    }

    /// From the place to the end of its line; code scanning wants all four.
    fn region(&self, place: Place) -> Value {
        let width = self.lines.as_ref().and_then(|lines| lines.width(place.line)).unwrap_or_default();
        json!({
            "startLine": place.line, "startColumn": place.column,
            "endLine": place.line, "endColumn": (width + 1).max(place.column),
        })
    }
}

fn result(found: &Found, artifact: &Artifact, rules: &[&Rule]) -> Value {
    let finding = &found.finding;
    let mut message = finding.message.clone();
    if let Some(subject) = finding.admits.first() {
        message.push_str(&format!(": {subject}"));
    }
    // What is wrong with a whole file is shown at its beginning.
    let place = finding.place.unwrap_or(Place { line: 1, column: 1 });
    let location = json!({"artifactLocation": {"uri": artifact.uri}, "region": artifact.region(place)});
    let mut fingerprints = json!({"jobpass/v1": format!("{}:{}", finding.rule.code, finding.path)});
    if let Some(hash) = artifact.lines.as_ref().and_then(|lines| lines.hash(place.line)) {
        put(&mut fingerprints, "primaryLocationLineHash", hash);
    }
    let mut result = json!({
        "ruleId": finding.rule.code,
        "level": level(finding.severity),
        "message": {"text": message},
        "locations": [{
            "physicalLocation": location,
            "logicalLocations": [{"fullyQualifiedName": if finding.path.is_empty() { "/" } else { &finding.path }}],
        }],
        "partialFingerprints": fingerprints,
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
