//! What holds for every trust policy, tried on many made ones. The generator is deterministic: a failure names its seed.

use serde_json::{Map, Value, json};

use super::*;
use crate::trust::{Decision, json};

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
const ROUNDS: u64 = 800;

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next(from.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.next(at + 1));
        }
    }
}

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

/// Runs `property` on many seeds, and holds that it was tried on enough that are allowed to mean something.
fn for_all(least_allowed: usize, mut property: impl FnMut(&mut Dice, u64) -> bool) {
    let allowed =
        (1..=ROUNDS).filter(|seed| property(&mut Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)), *seed)).count();
    assert!(allowed >= least_allowed, "only {allowed} of {ROUNDS} were of any interest");
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
        let mut other: Vec<char> = subject.chars().collect();
        let at = dice.next(other.len());
        other[at] = if other[at].is_ascii_lowercase() { other[at].to_ascii_uppercase() } else { 'x' };
        let mut claims = Claims::default();
        claims.set("aud", "sts.amazonaws.com");
        claims.set("sub", other.into_iter().collect::<String>());
        let condition = json!({ "StringEquals": { KEYS[9]: "sts.amazonaws.com", KEYS[0]: subject } });
        let statement = json!({ "Effect": "Allow", "Principal": { "Federated": PROVIDER }, "Action": "sts:*", "Condition": condition });
        assert_eq!(decide(&[statement], &claims), Decision::Denied, "seed {seed}");
        true
    });
}
