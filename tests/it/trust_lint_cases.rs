//! The trust policies of `tests/cases/lint/` and of `examples/06-public-trust-policies`: each with what it deserves, and safe ones.
//!
//! Expectations were written from the catalogue of rules. Everything above info has to be expected, and the other way round.
//! What is found in public in this shape stands in the examples; the files here have the corners.

use std::collections::BTreeMap;
use std::path::Path;

use jobpass::trust::TrustPolicy;
use jobpass::trust::lint::{Options, Report, Severity, lint, rules};
use serde_json::Value;

use crate::{public_trust_policies, trust_lint_workflows};

/// How many there are at least, and how many safe ones; the numbers only grow.
const AT_LEAST: (usize, usize) = (156, 48);
/// 2026-11-20, when the tokens of the battery are issued.
const NOW: i64 = 1_795_132_800;

struct Case {
    name: String,
    text: String,
    /// The worst severity of every rule that finds something above info.
    findings: BTreeMap<String, String>,
    /// A part of a subject that gets in.
    admits: Option<String>,
}

fn cases(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/lint").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let one = |case: &Value| Case {
        name: format!("{name}: {}", case["name"].as_str().unwrap()),
        text: serde_json::to_string_pretty(&case["trust"]).unwrap(),
        findings: serde_json::from_value(case["findings"].clone()).unwrap(),
        admits: case["admits"].as_str().map(str::to_owned),
    };
    document["cases"].as_array().unwrap().iter().map(one).collect()
}

/// Those that deserve findings, and those that are safe.
fn all() -> (Vec<Case>, Vec<Case>) {
    let mut both = (["aws.json", "gcp.json", "azure.json"].into_iter().flat_map(cases).collect(), cases("safe.json"));
    for row in public_trust_policies::rows() {
        let list: &mut Vec<Case> = if row.findings.is_empty() { &mut both.1 } else { &mut both.0 };
        list.push(Case { name: row.file, text: row.text, findings: row.findings, admits: row.admits });
    }
    both
}

fn report(case: &Case) -> Report {
    let trust = TrustPolicy::recognise(&case.text).unwrap_or_else(|error| panic!("{}: {}", case.name, error.message));
    lint(&trust, &Options { now: NOW, edge: None })
}

/// Every case's name and what is found in it.
pub(crate) fn reports() -> Vec<(String, Report)> {
    let (bad, safe) = all();
    let all = bad.iter().chain(&safe).map(|case| (case.name.clone(), report(case)));
    all.chain(trust_lint_workflows::reports()).collect()
}

/// The worst severity of every rule that found something above info.
fn found(report: &Report) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, Severity> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.severity > Severity::Info) {
        let known = all.entry(finding.rule.code.to_owned()).or_insert(finding.severity);
        *known = (*known).max(finding.severity);
    }
    all.into_iter().map(|(code, severity)| (code, severity.to_string())).collect()
}

fn wrong(case: &Case) -> Option<String> {
    let report = report(case);
    let found = found(&report);
    if found != case.findings {
        return Some(format!("{}: found {found:?}, expected {:?}", case.name, case.findings));
    }
    let admits = case.admits.as_deref()?;
    let all: Vec<&String> = report.findings.iter().flat_map(|finding| &finding.admits).collect();
    let shown = all.iter().any(|subject| subject.contains(admits));
    (!shown).then(|| format!("{}: {admits} is not among {all:?}", case.name))
}

#[test]
fn what_is_found_in_public_gets_what_it_deserves() {
    let (all, _) = all();
    let wrong: Vec<String> = all.iter().filter_map(wrong).collect();
    println!("{} trust policies", all.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    assert!(all.len() >= AT_LEAST.0, "{}", all.len());
}

#[test]
fn safe_ones_give_nothing_above_info() {
    let (_, all) = all();
    let wrong: Vec<String> = all.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
    assert!(all.len() >= AT_LEAST.1, "{}", all.len());
}

#[test]
fn a_finding_with_tokens_shows_the_first_as_a_whole() {
    let (found, safe) = all();
    for case in found.iter().chain(&safe) {
        for finding in report(case).findings {
            assert_eq!(finding.token.is_some(), !finding.admits.is_empty(), "{}", case.name);
            assert!(!finding.path.ends_with('/'), "{} {}", case.name, finding.path);
            if let Some(token) = finding.token {
                assert_eq!(finding.admits[0], token.subject());
                assert!(finding.place.is_some(), "{} {}", case.name, finding.path);
            }
        }
    }
}

#[test]
fn every_rule_that_is_looked_for_is_shown_to_find_something() {
    let all: Vec<String> = reports()
        .into_iter()
        .flat_map(|(_, report)| report.findings.into_iter().map(|finding| finding.rule.code.to_owned()))
        .collect();
    // About files and exemptions: tests/it/trust_lint.rs.
    let verbs = ["TP090", "TP091", "TP092"];
    let silent: Vec<&str> = rules()
        .filter(|rule| rule.not_here().is_none() && !verbs.contains(&rule.code))
        .map(|rule| rule.code)
        .filter(|code| !all.iter().any(|found| found == code))
        .collect();
    assert!(silent.is_empty(), "no case for {silent:?}");
}

#[test]
fn a_document_is_as_long_as_the_quotas_let_it_be() {
    let told = |characters: usize| {
        let document = |sid: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"{sid}","Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}},"Action":"sts:AssumeRoleWithWebIdentity"}}]}}"#
            )
        };
        let text = document(&"s".repeat(characters - document("").len()));
        let report = lint(&TrustPolicy::recognise(&text).unwrap(), &Options { now: NOW, edge: None });
        let most = report.findings.iter().find(|finding| finding.message.contains("characters without white space"));
        most.map(|finding| finding.message.rsplit(' ').next().unwrap().to_owned())
    };
    let most = [2_048, 2_049, 4_096, 4_097, 5_000].map(told);
    assert_eq!(most.map(Option::unwrap_or_default), ["", "2048", "2048", "4096", "4096"]);
}

#[test]
fn a_list_of_credentials_is_told_before_it_is_full() {
    let told = |count: usize| {
        let one = |at: usize| {
            format!(
                r#"{{"name":"c{at}","issuer":"https://token.actions.githubusercontent.com","subject":"repo:acme@65/shop@456789:environment:e{at}","audiences":["api://AzureADTokenExchange"]}}"#
            )
        };
        let text = format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(","));
        let report = lint(&TrustPolicy::recognise(&text).unwrap(), &Options { now: NOW, edge: None });
        report
            .findings
            .iter()
            .filter(|finding| finding.rule.code == "TP063")
            .map(|finding| finding.message.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(told(16), [""; 0]);
    assert_eq!(told(17), ["17 credentials of at most 20 are used"]);
}

#[test]
fn a_session_longer_than_the_edge_asks_for_is_told() {
    let edge = |ttl: &str| {
        let text = format!(
            "[edge.deploy]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/deploy\"\nregion = \"eu-central-1\"\nttl = \"{ttl}\"\n"
        );
        jobpass::edge::file::parse(&text, Path::new("jobpass.toml")).unwrap().edges.remove(0)
    };
    let told = |ttl: &str, seconds: u64| {
        let edge = edge(ttl);
        let text = format!(
            r#"{{"Role":{{"Arn":"arn:aws:iam::123456789012:role/deploy","MaxSessionDuration":{seconds},"AssumeRolePolicyDocument":{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"}},"Action":"sts:AssumeRoleWithWebIdentity"}}]}}}}}}"#
        );
        let report = lint(&TrustPolicy::recognise(&text).unwrap(), &Options { now: NOW, edge: Some(&edge) });
        report.findings.iter().any(|finding| finding.message.starts_with(&format!("sessions may last {seconds} s")))
    };
    assert_eq!(
        [told("1h", 3_600), told("1h", 3_601), told("15m", 3_600), told("15m", 7_200)],
        [false, true, false, true]
    );
    assert_eq!([told("2h", 7_200), told("2h", 7_201), told("2h", 3_600)], [false, true, false]);
}
