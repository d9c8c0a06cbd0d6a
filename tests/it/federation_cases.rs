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

/// Every case's explanation.
pub(crate) fn explanations(cloud: &str, destination: Destination) -> Vec<Explanation> {
    let all = cases(cloud);
    let one =
        |case: &Case| decide(destination, &case.trust, &claims(&case.claims), &case.issuer, case.account.as_deref());
    all.iter().map(one).collect()
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
    run("gcp", Destination::Gcp, 553);
}

#[test]
fn entra_decides_as_its_documents_say() {
    run("azure", Destination::Azure, 374);
}

fn answer(destination: Destination, case: &Case, trust: &Value, claims: &Value) -> String {
    let claims = Claims::new(claims.as_object().unwrap().clone());
    let explanation = decide(destination, trust, &claims, &case.issuer, case.account.as_deref());
    explanation.document()["decision"].as_str().unwrap().to_owned()
}

const CLOUDS: [(&str, Destination); 2] = [("gcp", Destination::Gcp), ("azure", Destination::Azure)];

#[test]
fn removing_a_claim_lets_nobody_in() {
    for (cloud, destination) in CLOUDS {
        for case in cases(cloud).iter().filter(|case| case.case["decision"] != "allow") {
            // What asks for the absence of a claim, or of a text in it, is meant to open when it goes.
            let condition = case.trust["provider"]["attributeCondition"].as_str().unwrap_or_default();
            let mapping = case.trust["provider"]["attributeMapping"].to_string();
            if condition.contains(['!', '?']) || mapping.contains('?') {
                continue;
            }
            // Entra's limit on a token's life is read from these two; a token without them is refused before any of this.
            let times = case.case["step"] == "AADSTS70023";
            let names = case.claims.as_object().unwrap().keys();
            for name in names.filter(|name| !(times && ["iat", "exp"].contains(&name.as_str()))) {
                let mut claims = case.claims.clone();
                claims.as_object_mut().unwrap().remove(name);
                // Several audiences are undecided, and so is a long one: without one the answer is no, never yes.
                let after = answer(destination, case, &case.trust, &claims);
                assert_ne!(after, "allow", "{} without {name}", case.title);
            }
        }
    }
}

#[test]
fn order_does_not_matter() {
    for (cloud, destination) in CLOUDS {
        for case in cases(cloud) {
            let mut trust = case.trust.clone();
            reverse(&mut trust);
            assert_eq!(answer(destination, &case, &trust, &case.claims), case.case["decision"], "{}", case.title);
        }
    }
}

/// Turns the lists around whose order means nothing: bindings, members, credentials, allowed audiences.
fn reverse(trust: &mut Value) {
    if let Some(credentials) = trust.as_array_mut() {
        credentials.reverse();
    }
    if let Some(allowed) = trust.pointer_mut("/provider/oidc/allowedAudiences").and_then(Value::as_array_mut) {
        allowed.reverse();
    }
    for binding in trust.get_mut("bindings").and_then(Value::as_array_mut).into_iter().flatten() {
        binding["members"].as_array_mut().unwrap().reverse();
    }
    if let Some(bindings) = trust.get_mut("bindings").and_then(Value::as_array_mut) {
        bindings.reverse();
    }
}

#[test]
fn what_nobody_knows_is_never_allowed() {
    for (cloud, destination) in CLOUDS {
        for case in cases(cloud) {
            let mut trust = case.trust.clone();
            match &mut trust {
                Value::Array(credentials) => credentials.iter_mut().for_each(|one| one["future"] = 1.into()),
                Value::Object(file) if file.contains_key("provider") => file["provider"]["future"] = 1.into(),
                Value::Object(file) if file.contains_key("value") => {
                    file["value"].as_array_mut().unwrap().iter_mut().for_each(|one| one["future"] = 1.into());
                }
                one => one["future"] = 1.into(),
            }
            assert_ne!(answer(destination, &case, &trust, &case.claims), "allow", "{}", case.title);
        }
    }
}

/// Every condition of the cases, changed in a way whose effect is known.
fn conditions(change: impl Fn(&str) -> String, check: impl Fn(&Case, &str, &str)) {
    let mut seen = 0;
    for case in cases("gcp") {
        let Some(condition) = case.trust["provider"]["attributeCondition"].as_str() else { continue };
        if condition.trim().is_empty() || condition.contains("//") {
            continue;
        }
        let mut trust = case.trust.clone();
        trust["provider"]["attributeCondition"] = change(condition).into();
        check(&case, case.case["decision"].as_str().unwrap(), &answer(Destination::Gcp, &case, &trust, &case.claims));
        seen += 1;
    }
    assert!(seen > 400, "{seen}");
}

#[test]
fn an_unknown_function_is_never_allowed() {
    for change in [
        |condition: &str| format!("({condition}) && unheard(assertion.sub)"),
        |condition: &str| format!("unheard({condition})"),
        |condition: &str| format!("unheard(assertion.sub) ? ({condition}) : false"),
        |condition: &str| format!("!unheard(assertion.sub) && ({condition})"),
    ] {
        conditions(change, |case, _, after| assert_ne!(after, "allow", "{}", case.title));
    }
}

#[test]
fn a_condition_and_its_opposite_do_not_both_allow() {
    conditions(
        |condition| format!("!({condition})"),
        |case, before, after| assert!(!(before == "allow" && after == "allow"), "{}", case.title),
    );
    conditions(
        |condition| format!("({condition}) && !({condition})"),
        |case, _, after| assert_ne!(after, "allow", "{}", case.title),
    );
}

#[test]
fn parentheses_and_a_tautology_beside_it_change_nothing() {
    for change in [
        |condition: &str| format!("(({condition}))"),
        |condition: &str| format!("({condition}) && true"),
        |condition: &str| format!("false || ({condition})"),
        |condition: &str| format!("  {condition}\n"),
    ] {
        conditions(change, |case, before, after| {
            // The longest condition and the deepest one have no room for more.
            let full = case.title.contains("4096 characters") || case.title.contains("nested beyond");
            assert!(full || before == after, "{}: {before}, then {after}", case.title);
        });
    }
}

#[test]
fn no_text_breaks_the_reader() {
    const LETTERS: &str = "()[]{}.,:?!&|=<>+-*/%'\"\\ 0aé\u{0}u";
    let all: Vec<Case> = cases("gcp");
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for at in 0..6_000 {
        let case = &all[at % all.len()];
        let Some(condition) = case.trust["provider"]["attributeCondition"].as_str() else { continue };
        let mut text: Vec<char> = condition.chars().take(300).collect();
        for _ in 0..=random(4) {
            let (place, with) = (random(text.len() + 1), LETTERS.chars().nth(random(LETTERS.chars().count())).unwrap());
            match random(3) {
                0 => text.insert(place, with),
                1 if place < text.len() => text[place] = with,
                _ if place < text.len() => drop(text.remove(place)),
                _ => {}
            }
        }
        let mut trust = case.trust.clone();
        trust["provider"]["attributeCondition"] = text.iter().collect::<String>().into();
        let _ = answer(Destination::Gcp, case, &trust, &case.claims);
    }
}
