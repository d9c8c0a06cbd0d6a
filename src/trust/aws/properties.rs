//! What holds for every trust policy, tried on many made ones.

use serde_json::{Map, Value, json};

use super::*;
use crate::trust::lint::{self, Options};
use crate::trust::testing::{Dice, ROUNDS, for_all};
use crate::trust::{Decision, Places, Rules, TrustPolicy, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

/// Operators that never hold on a key that is absent.
const POSITIVE: [&str; 8] = [
    "StringEquals",
    "StringLike",
    "StringEqualsIgnoreCase",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringLike",
    "NumericLessThan",
    "Bool",
    "ForAnyValue:StringEqualsIfExists",
];
const OTHERS: [&str; 7] = [
    "StringNotEquals",
    "StringNotLike",
    "StringEqualsIfExists",
    "ForAllValues:StringLike",
    "Null",
    "ArnNotLike",
    "StringNotEqualsIfExists",
];
const KEYS: [&str; 10] = [
    "token.actions.githubusercontent.com:sub",
    "token.actions.githubusercontent.com:repository",
    "token.actions.githubusercontent.com:ref",
    "token.actions.githubusercontent.com:environment",
    "token.actions.githubusercontent.com:event_name",
    "token.actions.githubusercontent.com:repository_owner_id",
    "gitlab.com:sub",
    "aws:SecureTransport",
    "aws:SourceIp",
    "token.actions.githubusercontent.com:aud",
];
const VALUES: [&str; 10] = [
    "repo:acme/shop:ref:refs/heads/main",
    "acme/shop",
    "refs/heads/main",
    "prod",
    "push",
    "true",
    "*",
    "acme/*",
    "${token.actions.githubusercontent.com:repository}",
    "sts.amazonaws.com",
];
const CLAIMS: [&str; 7] = ["sub", "aud", "repository", "ref", "environment", "event_name", "repository_owner_id"];

fn claims(dice: &mut Dice) -> Claims {
    let mut claims = Claims::default();
    for name in CLAIMS {
        if dice.next(5) > 0 {
            let value = if name == "aud" { "sts.amazonaws.com" } else { dice.pick(&VALUES[..5]) };
            claims.set(name, value);
        }
    }
    claims
}

fn statement(dice: &mut Dice, effect: &str, operators: &[&str]) -> Value {
    let mut condition = Map::new();
    if dice.next(4) > 0 {
        condition.insert("StringEquals".to_owned(), json!({ KEYS[9]: "sts.amazonaws.com" }));
    }
    for _ in 0..dice.next(3) {
        let values: Vec<&str> = (0..=dice.next(2)).map(|_| dice.pick(&VALUES)).collect();
        let value = if values.len() == 1 { json!(values[0]) } else { json!(values) };
        let operator = condition.entry(dice.pick(operators)).or_insert_with(|| json!({}));
        operator[dice.pick(&KEYS[..9])] = value;
    }
    let action =
        dice.pick(&["sts:AssumeRoleWithWebIdentity", "sts:*", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole"]);
    json!({ "Effect": effect, "Principal": { "Federated": PROVIDER }, "Action": action, "Condition": condition })
}

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn decide_text(text: &str, claims: &Claims) -> Decision {
    let trust = RoleTrust::from_json(&json::parse(text).unwrap()).unwrap();
    let asked = Asked { role: Some(ROLE), issuer: ISSUER, claims, seconds: None, session_name: None, known: &[] };
    evaluate(&trust, &asked).decision
}

fn decide(statements: &[Value], claims: &Claims) -> Decision {
    decide_text(&document(statements).to_string(), claims)
}

#[test]
fn a_claim_less_never_opens_what_positive_operators_closed() {
    for_all(80, |dice, seed| {
        let statements: Vec<Value> = (0..=dice.next(3)).map(|_| statement(dice, "Allow", &POSITIVE)).collect();
        let claims = claims(dice);
        let before = decide(&statements, &claims);
        for name in CLAIMS {
            let mut fewer = claims.clone();
            fewer.set(name, Value::Null);
            let after = decide(&statements, &fewer);
            let opened = before == Decision::Denied && after == Decision::Allowed;
            assert!(!opened, "seed {seed}: without {name}: {}", document(&statements));
        }
        before == Decision::Allowed
    });
}

#[test]
fn order_and_lists_of_one_do_not_matter() {
    for_all(80, |dice, seed| {
        let operators = [&POSITIVE[..], &OTHERS[..]].concat();
        let effect = |dice: &mut Dice| if dice.next(4) == 0 { "Deny" } else { "Allow" };
        let mut statements = Vec::new();
        for _ in 0..=dice.next(3) {
            let effect = effect(dice);
            statements.push(statement(dice, effect, &operators));
        }
        let claims = claims(dice);
        let before = decide(&statements, &claims);
        dice.shuffle(&mut statements);
        let other = shuffled(&document(&statements), dice, true);
        assert_eq!(decide_text(&other, &claims), before, "seed {seed}: {other}");
        before == Decision::Allowed
    });
}

/// The same value as text, its members in another order, and texts where lists may stand as lists of one.
fn shuffled(value: &Value, dice: &mut Dice, list: bool) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|(name, value)| {
                    let may_be_list = !["Version", "Effect", "Statement"].contains(&name.as_str());
                    format!("{}:{}", json!(name), shuffled(value, dice, may_be_list))
                })
                .collect();
            dice.shuffle(&mut members);
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(|item| shuffled(item, dice, false)).collect();
            dice.shuffle(&mut items);
            format!("[{}]", items.join(","))
        }
        Value::String(_) if list && dice.next(2) == 0 => format!("[{value}]"),
        other => other.to_string(),
    }
}

#[test]
fn an_operator_that_nobody_knows_never_allows() {
    for_all(80, |dice, seed| {
        let mut one = statement(dice, "Allow", &POSITIVE);
        let claims = claims(dice);
        let before = decide(std::slice::from_ref(&one), &claims);
        let odd = ["StringMatches", "NullIfExists", "ForAllValues:Odd", "StringEqualsAlways", ""][dice.next(5)];
        one["Condition"][odd] = json!({ dice.pick(&KEYS): dice.pick(&VALUES) });
        assert_ne!(decide(&[one.clone()], &claims), Decision::Allowed, "seed {seed}: {one}");
        // Nor is it overlooked in a Deny that would match otherwise.
        let deny = json!({ "Effect": "Deny", "Principal": { "Federated": PROVIDER }, "Action": "*", "Condition": { odd: { "a": "b" } } });
        one["Condition"].as_object_mut().unwrap().remove(odd);
        assert_ne!(decide(&[one, deny], &claims), Decision::Allowed, "seed {seed}");
        before == Decision::Allowed
    });
}

#[test]
fn a_deny_wins_and_never_opens() {
    for_all(80, |dice, seed| {
        let operators = [&POSITIVE[..], &OTHERS[..]].concat();
        let mut statements: Vec<Value> = (0..=dice.next(3)).map(|_| statement(dice, "Allow", &operators)).collect();
        let claims = claims(dice);
        let before = decide(&statements, &claims);
        let deny = statement(dice, "Deny", &operators);
        statements.insert(dice.next(statements.len() + 1), deny);
        let after = decide(&statements, &claims);
        assert!(before == Decision::Allowed || after == before || after == Decision::Denied, "seed {seed}");
        assert!(before == Decision::Allowed || after != Decision::Allowed, "seed {seed}: a Deny let somebody in");
        statements.push(json!({ "Effect": "Deny", "Principal": { "Federated": PROVIDER }, "Action": "*" }));
        assert_eq!(decide(&statements, &claims), Decision::Denied, "seed {seed}");
        before == Decision::Allowed
    });
}

#[test]
fn another_letter_in_a_subject_is_another_subject() {
    for_all(ROUNDS as usize, |dice, seed| {
        let subject = "repo:acme/shop:ref:refs/heads/main";
        let mut claims = Claims::default();
        claims.set("aud", "sts.amazonaws.com");
        claims.set("sub", dice.misspelt(subject));
        let condition = json!({ "StringEquals": { KEYS[9]: "sts.amazonaws.com", KEYS[0]: subject } });
        let statement = json!({ "Effect": "Allow", "Principal": { "Federated": PROVIDER }, "Action": "sts:*", "Condition": condition });
        assert_eq!(decide(&[statement], &claims), Decision::Denied, "seed {seed}");
        true
    });
}

/// The rules that say what a condition does with a claim that is not there, and those that say that anybody gets in.
const ON_ABSENCE: [&str; 6] = ["TP001", "TP002", "TP030", "TP031", "TP032", "TP033"];

#[test]
fn what_opens_when_a_claim_goes_is_reported() {
    let mut opened = 0;
    for_all(60, |dice, seed| {
        let statements = [statement(dice, "Allow", &OTHERS)];
        let claims = claims(dice);
        let before = decide(&statements, &claims);
        for name in CLAIMS {
            let mut fewer = claims.clone();
            fewer.set(name, Value::Null);
            if before != Decision::Denied || decide(&statements, &fewer) != Decision::Allowed {
                continue;
            }
            opened += 1;
            let text = document(&statements).to_string();
            // `Null` asks for the absence by name: that is no oversight.
            let asked = text.contains("\"Null\"");
            let rules = Rules::Aws(RoleTrust::from_json(&json::parse(&text).unwrap()).unwrap());
            let trust = TrustPolicy { rules, places: Places::default() };
            let report = lint::lint(&trust, &Options::default());
            let told = report.findings.iter().any(|finding| ON_ABSENCE.contains(&finding.rule.code));
            assert!(told || asked, "seed {seed}: without {name} nobody is told of {text}");
        }
        before == Decision::Allowed
    });
    assert!(opened >= 10, "only {opened} opened");
}

/// One Allow with the audience and this condition.
fn only(condition: Value) -> [Value; 1] {
    let mut condition = condition;
    let audience = condition.get_mut("StringEquals").and_then(Value::as_object_mut);
    match audience {
        Some(keys) => drop(keys.insert(KEYS[9].to_owned(), "sts.amazonaws.com".into())),
        None => condition["StringEquals"] = json!({ KEYS[9]: "sts.amazonaws.com" }),
    }
    [json!({ "Effect": "Allow", "Principal": { "Federated": PROVIDER }, "Action": ASSUME, "Condition": condition })]
}

/// A claim that AWS fills, its key and a value of its own.
fn filled(dice: &mut Dice) -> (&'static str, String, &'static str) {
    let name = dice.pick(&["sub", "repository", "ref", "environment", "workflow", "actor"]);
    (name, format!("token.actions.githubusercontent.com:{name}"), dice.pick(&VALUES[..5]))
}

fn token(name: &str, value: &str) -> Claims {
    let mut claims = Claims::default();
    claims.set("aud", "sts.amazonaws.com");
    claims.set("sub", "someone");
    claims.set(name, value);
    claims
}

#[test]
fn a_star_takes_any_run_and_a_literal_in_its_place_takes_that_run_alone() {
    for_all(ROUNDS as usize, |dice, seed| {
        let (name, key, value) = filled(dice);
        let (from, to) = (dice.next(value.len() + 1), dice.next(value.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        let pattern = format!("{}*{}", &value[..from], &value[to..]);
        let with = |operator: &str, text: &str| only(json!({ operator: { &key: text } }));
        assert_eq!(
            decide(&with("StringLike", &pattern), &token(name, value)),
            Decision::Allowed,
            "seed {seed}: {pattern}"
        );
        assert_eq!(decide(&with("StringLike", value), &token(name, value)), Decision::Allowed, "seed {seed}");
        assert_eq!(
            decide(&with("StringEquals", &pattern), &token(name, value)),
            Decision::Denied,
            "seed {seed}: {pattern}"
        );
        let other = format!("{}{}{}", &value[..from], dice.misspelt(&format!("{}-", &value[from..to])), &value[to..]);
        assert_eq!(decide(&with("StringLike", value), &token(name, &other)), Decision::Denied, "seed {seed}: {other}");
        true
    });
}

#[test]
fn an_operator_and_its_negation_are_opposites_on_a_key_that_is_there() {
    for_all(ROUNDS as usize, |dice, seed| {
        let (name, key, value) = filled(dice);
        let listed = dice.pick(&VALUES[..8]);
        for (positive, negative) in [
            ("StringEquals", "StringNotEquals"),
            ("StringLike", "StringNotLike"),
            ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        ] {
            let answers = [positive, negative]
                .map(|operator| decide(&only(json!({ operator: { &key: [listed, "none"] } })), &token(name, value)));
            let opposite =
                matches!(answers, [Decision::Allowed, Decision::Denied] | [Decision::Denied, Decision::Allowed]);
            assert!(opposite, "seed {seed}: {positive} {listed} on {value}: {answers:?}");
        }
        true
    });
}

#[test]
fn another_letter_or_another_name_is_another_claim_and_case_of_names_is_none() {
    for_all(ROUNDS as usize, |dice, seed| {
        let (name, key, value) = filled(dice);
        let operator = dice.pick(&["StringEquals", "StringLike", "ForAnyValue:StringEquals"]);
        let rule = only(json!({ operator: { &key: value } }));
        assert_eq!(decide(&rule, &token(name, value)), Decision::Allowed, "seed {seed}");
        assert_eq!(decide(&rule, &token(name, &dice.misspelt(value))), Decision::Denied, "seed {seed}: a letter");
        assert_eq!(decide(&rule, &token(&dice.misspelt(name), value)), Decision::Denied, "seed {seed}: a name");
        let shouted = only(json!({ operator.to_uppercase(): { key.to_uppercase(): value } }));
        assert_eq!(decide(&shouted, &token(name, value)), Decision::Allowed, "seed {seed}: names in capitals");
        true
    });
}
