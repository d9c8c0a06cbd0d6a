//! `examples/06-public-trust-policies`: its README is the expectation, its files are what is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;

use crate::harness::{checkout, files_below, run_in};

const FOLDER: &str = "examples/06-public-trust-policies";
/// How many are as found in public, and how many safe; the numbers only grow.
const AT_LEAST: (usize, usize) = (81, 18);

/// A row of the README.
pub(crate) struct Row {
    /// From the checkout, with `/`.
    pub(crate) file: String,
    pub(crate) text: String,
    /// The worst severity of every rule that finds something above info.
    pub(crate) findings: BTreeMap<String, String>,
    /// The subject that gets in, where the row names one.
    pub(crate) admits: Option<String>,
    /// The safe one that it points at; none in the rows of the safe ones.
    instead: Option<String>,
}

/// The target of a cell that is one link.
fn link(cell: &str) -> &str {
    cell.split_once("](").and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or_else(|| panic!("no link: {cell}"))
}

/// Every row of the README's tables, in its order.
pub(crate) fn rows() -> Vec<Row> {
    let readme = fs::read_to_string(checkout().join(FOLDER).join("README.md")).unwrap();
    let lines = readme.lines().filter(|line| line.starts_with("| ["));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let file = format!("{FOLDER}/{}", link(cells[0]));
            let text = fs::read_to_string(checkout().join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            let [_, findings, who, instead, seen] = cells[..] else {
                assert_eq!(cells.len(), 2, "{line}");
                return Row { file, text, findings: BTreeMap::new(), admits: None, instead: None };
            };
            assert!(seen.len() > 5, "{line}");
            let pair = |one: &str| one.split_once(' ').map(|(code, how)| (code.to_owned(), how.to_owned())).unwrap();
            let subject = who.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')).map(str::to_owned);
            Row {
                file,
                text,
                findings: findings.split(", ").map(pair).collect(),
                admits: subject,
                instead: Some(format!("{FOLDER}/{}", link(instead))),
            }
        })
        .collect()
}

fn linted(args: &[&str]) -> (i32, Value) {
    let all = [&["trust", "lint", "--format", "json"], args].concat();
    let ran = run_in(&checkout(), &[], all);
    assert_eq!(ran.stderr, "", "{args:?}");
    (ran.code, serde_json::from_str(&ran.stdout).unwrap())
}

#[test]
fn every_public_trust_policy_has_a_row_and_every_row_a_file() {
    let all = rows();
    let named: BTreeSet<String> = all.iter().map(|row| row.file.clone()).collect();
    assert_eq!(named.len(), all.len(), "a file has two rows");
    let below = files_below(&checkout().join(FOLDER)).into_iter().filter(|path| !path.ends_with("README.md"));
    let there: BTreeSet<String> =
        below.map(|path| path.strip_prefix(checkout()).unwrap().display().to_string()).collect();
    assert_eq!(named, there);
    let (safe, public): (Vec<&Row>, Vec<&Row>) = all.iter().partition(|row| row.instead.is_none());
    assert!(public.len() >= AT_LEAST.0 && safe.len() >= AT_LEAST.1, "{} and {}", public.len(), safe.len());
    for cloud in ["aws", "gcp", "azure"] {
        let of = |row: &&&Row| row.file.starts_with(&format!("{FOLDER}/{cloud}/"));
        assert!(public.iter().filter(of).count() >= 10, "{cloud}");
    }
    for row in public {
        let instead = row.instead.as_deref().unwrap();
        assert!(safe.iter().any(|row| row.file == instead), "{} points at {instead}", row.file);
        assert!(!row.file.contains("/safe/") && instead.contains("/safe/"), "{}", row.file);
        let texts: Vec<&Row> = all.iter().filter(|other| other.text == row.text).collect();
        assert_eq!(texts.len(), 1, "{} stands twice", row.file);
    }
}

#[test]
fn the_public_trust_policies_get_what_their_readme_says() {
    let (code, document) = linted(&[FOLDER]);
    assert_eq!(code, 1);
    let all = rows();
    assert_eq!(document["summary"]["files"], all.len());
    let order = ["low", "medium", "high", "critical"];
    let rank = |severity: &str| order.iter().position(|one| *one == severity);
    let mut wrong = Vec::new();
    for row in &all {
        let (mut found, mut admitted) = (BTreeMap::<String, String>::new(), Vec::new());
        for one in document["findings"].as_array().unwrap().iter().filter(|one| one["file"] == row.file.as_str()) {
            let severity = one["severity"].as_str().unwrap();
            if severity == "info" {
                continue;
            }
            let known = found.entry(one["code"].as_str().unwrap().to_owned()).or_insert_with(|| severity.to_owned());
            if rank(severity) > rank(known) {
                severity.clone_into(known);
            }
            admitted.extend(one["admits"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()));
        }
        if found != row.findings {
            wrong.push(format!("{}: found {found:?}, the README says {:?}", row.file, row.findings));
        }
        match &row.admits {
            Some(subject) if !admitted.contains(&subject.as_str()) => {
                wrong.push(format!("{}: {subject} is not among {admitted:?}", row.file));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_safe_ones_beside_them_are_silent() {
    let (code, document) = linted(&[&format!("{FOLDER}/safe"), "--fail-on", "low"]);
    assert_eq!(code, 0, "{document:#}");
    assert!(document["summary"]["files"].as_u64().unwrap() >= AT_LEAST.1 as u64);
}
