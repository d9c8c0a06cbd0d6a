//! The cases of `tests/cases/trust/{gcp,azure}`: trust policy, claims, the decision that the documents give, and where it rests.
//!
//! `base.json` has the trust policy, claims and issuer that every case starts from; a case changes them by merging
//! (RFC 7396: `null` removes). Every case has a source, its own or its file's, and where the document is silent a `why`.
//! Expectations are written from the documents, not from what the program says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jobpass::claims::Claims;
use jobpass::edge::Destination;
use jobpass::edge::gcp::{Provider, Target, UNIVERSE};
use jobpass::trust::{Explanation, Rules, TrustPolicy, azure, gcp};
use serde_json::{Map, Value};

fn folder(cloud: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/trust").join(cloud)
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let object = target.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            object.remove(name);
        } else {
            merge(object.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// One case with everything it starts from.
struct Case {
    title: String,
    case: Value,
    trust: Value,
    claims: Value,
    issuer: String,
    account: Option<String>,
}

fn cases(cloud: &str) -> Vec<Case> {
    let base = read(&folder(cloud).join("base.json"));
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder(cloud)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    let mut titles = BTreeSet::new();
    for file in files.iter().filter(|path| !path.ends_with("base.json")) {
        let document = read(file);
        let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
        for (at, case) in document["cases"].as_array().unwrap().iter().enumerate() {
            let title = format!("{cloud}/{stem} {}: {}", at + 1, case["name"].as_str().unwrap());
            let cited = case.get("source").unwrap_or(&document["source"]);
            assert!(
                cited.as_str().is_some_and(|cited| cited.contains("20")),
                "{title} names no document with its date"
            );
            for name in case.as_object().unwrap().keys() {
                const KNOWN: [&str; 12] = [
                    "name", "decision", "path", "verdict", "step", "hint", "source", "why", "trust", "claims",
                    "issuer", "account",
                ];
                assert!(KNOWN.contains(&name.as_str()), "{title} has `{name}`");
            }
            let (mut trust, mut claims) = (base["trust"].clone(), base["claims"].clone());
            case.get("trust").inspect(|patch| merge(&mut trust, patch));
            case.get("claims").inspect(|patch| merge(&mut claims, patch));
            let of = |name: &str| case.get(name).unwrap_or(&base[name]).as_str().map(str::to_owned);
            assert!(titles.insert((case.clone().to_string(), stem.clone())), "{title} stands twice");
            all.push(Case {
                issuer: of("issuer").unwrap(),
                account: of("account"),
                title,
                case: case.clone(),
                trust,
                claims,
            });
        }
    }
    all
}

fn decide(
    destination: Destination,
    trust: &Value,
    claims: &Claims,
    issuer: &str,
    account: Option<&str>,
) -> Explanation {
    let policy = TrustPolicy::parse(destination, &trust.to_string()).unwrap();
    match &policy.rules {
        Rules::Gcp(rules) => match account {
            None => gcp::evaluate_file(rules, issuer, claims),
            Some(account) => gcp::evaluate(rules, &target(account), issuer, claims),
        },
        Rules::Azure(rules) => azure::evaluate(rules, issuer, claims),
        Rules::Aws(_) => panic!("AWS has cases of its own"),
    }
}

fn target(account: &str) -> Target {
    let name = "projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";
    Target {
        provider: Provider::parse(name).unwrap(),
        universe_domain: UNIVERSE.to_owned(),
        service_account: Some(account.to_owned()),
        project: None,
        scopes: Vec::new(),
        delegates: Vec::new(),
        id_token_audience: None,
        quota_project: None,
        request_reason: None,
    }
}

fn claims(value: &Value) -> Claims {
    Claims::new(value.as_object().unwrap().clone())
}

/// What is wrong with the answer; `None` when it is as expected.
fn wrong(case: &Case, answer: &Value) -> Option<String> {
    let expected = case.case["decision"].as_str().unwrap();
    if answer["decision"] != expected {
        return Some(format!("{}, expected {expected}", answer["decision"]));
    }
    if expected == "allow" {
        return None;
    }
    let path = case.case["path"].as_str().unwrap_or_else(|| panic!("{} says no path", case.title));
    let fits = |reason: &&Value| {
        let same = |name: &str| case.case.get(name).is_none_or(|wanted| reason[name] == *wanted);
        let hint =
            case.case["hint"].as_str().is_none_or(|hint| reason["hint"].as_str().is_some_and(|met| met.contains(hint)));
        reason["decides"] == true && reason["path"] == path && same("verdict") && hint
    };
    if !answer["reasons"].as_array().unwrap().iter().any(|reason| fits(&reason)) {
        return Some(format!("no reason as expected at {path}"));
    }
    let step = case.case.get("step");
    (answer.get("step") != step && step.is_some()).then(|| format!("step {:?}", answer.get("step")))
}

fn run(cloud: &str, destination: Destination, at_least: usize) {
    let all = cases(cloud);
    assert!(all.len() >= at_least, "{} cases of {cloud}: the number may only grow", all.len());
    let failures: Vec<String> = all
        .iter()
        .filter_map(|case| {
            let answer = decide(destination, &case.trust, &claims(&case.claims), &case.issuer, case.account.as_deref());
            let answer = answer.document();
            let reasons = serde_json::to_string_pretty(&answer["reasons"]).unwrap();
            wrong(case, &answer).map(|what| format!("{}\n  {what}\n{reasons}", case.title))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {} cases\n{}", failures.len(), all.len(), failures.join("\n\n"));
}

#[test]
fn google_decides_as_its_documents_say() {
    run("gcp", Destination::Gcp, 490);
}

#[test]
fn entra_decides_as_its_documents_say() {
    run("azure", Destination::Azure, 363);
}
