//! What holds for every list of federated credentials, tried on many made ones.

use serde_json::{Value, json};

use super::*;
use crate::claims::github::ISSUER;
use crate::trust::testing::{Dice, ROUNDS, for_all};
use crate::trust::{Decision, json};

const AUDIENCE: &str = "api://AzureADTokenExchange";
const SUBJECTS: [&str; 4] = [
    "repo:acme/shop:ref:refs/heads/main",
    "repo:acme/shop:environment:prod",
    "repo:acme@1/shop@2:pull_request",
    "repo:acme/web:ref:refs/tags/v1",
];
const IDS: [&str; 2] = ["456789", "456780"];

fn token(subject: &str, id: &str) -> Claims {
    let mut claims = Claims::default();
    for (name, value) in
        [("aud", AUDIENCE), ("sub", subject), ("repository_id", id), ("job_workflow_ref", "acme/shop/w.yml@main")]
    {
        claims.set(name, value);
    }
    claims
}

fn exact(subject: &str) -> Value {
    json!({"name": "c", "issuer": ISSUER, "subject": subject, "audiences": [AUDIENCE]})
}

fn flexible(expression: &str) -> Value {
    let expression = json!({"value": expression, "languageVersion": 1});
    json!({"name": "f", "issuer": ISSUER, "audiences": [AUDIENCE], "claimsMatchingExpression": expression})
}

fn clause(dice: &mut Dice) -> String {
    match dice.next(5) {
        0 | 1 => format!("claims['sub'] eq '{}'", dice.pick(&SUBJECTS)),
        2 => {
            let subject = dice.pick(&SUBJECTS);
            let at = dice.next(subject.len());
            format!("claims['sub'] matches '{}*'", &subject[..at])
        }
        3 => format!("claims['repository_id'] eq '{}'", dice.pick(&IDS)),
        _ => "claims['job_workflow_ref'] matches 'acme/shop/w.yml@*'".to_owned(),
    }
}

fn credential(dice: &mut Dice) -> Value {
    match dice.next(5) {
        0 | 1 => exact(dice.pick(&SUBJECTS)),
        2 => exact(&dice.misspelt(SUBJECTS[0])),
        3 => flexible(&format!("{} and claims['repository_id'] eq '{}'", clause(dice), dice.pick(&IDS))),
        _ => flexible(&clause(dice)),
    }
}

fn answer(credentials: &[Value], issuer: &str, claims: &Claims) -> Decision {
    let text = Value::Array(credentials.to_vec()).to_string();
    let trust = FederatedCredentials::from_json(&json::parse(&text).unwrap()).unwrap();
    evaluate(&trust, issuer, claims).decision
}

#[test]
fn order_never_matters_and_a_credential_more_takes_nothing_away() {
    for_all(100, |dice, seed| {
        let mut all: Vec<Value> = (0..=dice.next(5)).map(|_| credential(dice)).collect();
        let claims = token(dice.pick(&SUBJECTS), dice.pick(&IDS));
        let before = answer(&all, ISSUER, &claims);
        dice.shuffle(&mut all);
        assert_eq!(answer(&all, ISSUER, &claims), before, "seed {seed}");
        let single = |one: &Value| answer(std::slice::from_ref(one), ISSUER, &claims) == Decision::Allowed;
        assert_eq!(before == Decision::Allowed, all.iter().any(single), "seed {seed}: no credential lets it in alone");
        all.push(credential(dice));
        assert!(before != Decision::Allowed || answer(&all, ISSUER, &claims) == before, "seed {seed}");
        before == Decision::Allowed
    });
}

#[test]
fn a_claim_less_or_by_another_name_never_opens() {
    for_all(100, |dice, seed| {
        let all: Vec<Value> = (0..=dice.next(3)).map(|_| credential(dice)).collect();
        let claims = token(dice.pick(&SUBJECTS), dice.pick(&IDS));
        let before = answer(&all, ISSUER, &claims);
        for name in ["aud", "sub", "repository_id", "job_workflow_ref"] {
            let mut other = claims.as_map().clone();
            let value = other.remove(name).unwrap();
            let fewer = answer(&all, ISSUER, &Claims::new(other.clone()));
            assert!(before == Decision::Allowed || fewer != Decision::Allowed, "seed {seed}: without {name}");
            other.insert(dice.misspelt(name), value);
            let renamed = answer(&all, ISSUER, &Claims::new(other));
            assert!(renamed != Decision::Allowed || fewer == renamed, "seed {seed}: {name} by another name");
            let needed = name == "aud" || name == "sub";
            assert!(!needed || fewer != Decision::Allowed, "seed {seed}: allowed without {name}");
        }
        before == Decision::Allowed
    });
}

#[test]
fn another_letter_is_another_issuer_subject_or_audience() {
    for_all(ROUNDS as usize, |dice, seed| {
        let subject = dice.pick(&SUBJECTS);
        let (all, claims) = ([exact(subject)], token(subject, IDS[0]));
        assert_eq!(answer(&all, ISSUER, &claims), Decision::Allowed, "seed {seed}");
        assert_eq!(answer(&all, &dice.misspelt(ISSUER), &claims), Decision::Denied, "seed {seed}: issuer");
        for name in ["sub", "aud"] {
            let mut other = claims.clone();
            let value = dice.misspelt(&claims.text(name).unwrap());
            other.set(name, value.as_str());
            assert_eq!(answer(&all, ISSUER, &other), Decision::Denied, "seed {seed}: {name} {value}");
        }
        true
    });
}

#[test]
fn a_clause_more_never_opens() {
    for_all(30, |dice, seed| {
        let claims = token(dice.pick(&SUBJECTS), dice.pick(&IDS));
        let one = format!("{} and claims['repository_id'] eq '{}'", clause(dice), dice.pick(&IDS));
        let before = answer(&[flexible(&one)], ISSUER, &claims);
        let more = clause(dice);
        for text in [format!("{one} and {more}"), format!("{more} and {one}")] {
            let after = answer(&[flexible(&text)], ISSUER, &claims);
            // A clause over the subject can turn what is undecided for the lack of one into an answer.
            let lacks = !one.contains("'sub'");
            assert!(before == Decision::Allowed || after != Decision::Allowed || lacks, "seed {seed}: {text}");
            assert!(before != Decision::Denied || after == Decision::Denied, "seed {seed}: {text}");
        }
        before == Decision::Allowed
    });
}

#[test]
fn a_star_inside_of_a_segment_takes_what_stands_there_and_a_literal_takes_that_alone() {
    for_all(ROUNDS as usize, |dice, seed| {
        let subject = dice.pick(&SUBJECTS);
        // A run of letters between two of the characters that nobody says a star goes over.
        let segments: Vec<&str> = subject.split(['/', ':']).collect();
        let segment = segments[dice.next(segments.len())];
        let start = segment.as_ptr() as usize - subject.as_ptr() as usize;
        let with = |operator: &str, text: &str| {
            [flexible(&format!("claims['sub'] {operator} '{text}' and claims['repository_id'] eq '{}'", IDS[0]))]
        };
        let pattern = format!("{}*{}", &subject[..start], &subject[start + segment.len()..]);
        let claims = token(subject, IDS[0]);
        assert_eq!(answer(&with("matches", &pattern), ISSUER, &claims), Decision::Allowed, "seed {seed}: {pattern}");
        assert_eq!(answer(&with("matches", subject), ISSUER, &claims), Decision::Allowed, "seed {seed}: {subject}");
        assert_eq!(answer(&with("eq", &pattern), ISSUER, &claims), Decision::Denied, "seed {seed}: {pattern}");
        let other = token(&dice.misspelt(subject), IDS[0]);
        for operator in ["eq", "matches"] {
            let after = answer(&with(operator, subject), ISSUER, &other);
            assert_ne!(after, Decision::Allowed, "seed {seed}: {}", other.subject());
        }
        assert_eq!(
            answer(&with("eq", subject), ISSUER, &token(subject, IDS[1])),
            Decision::Denied,
            "seed {seed}: the id"
        );
        true
    });
}
