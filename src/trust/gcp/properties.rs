//! What holds for every provider, tried on many made ones.

use serde_json::{Value, json};

use super::*;
use crate::claims::github::ISSUER;
use crate::trust::testing::{Dice, ROUNDS, for_all};
use crate::trust::{Decision, json};

const NAME: &str = "projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";
const POOL: &str = "iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/ci-pool";
const CLAIMS: [&str; 6] = ["sub", "repository", "ref", "environment", "event_name", "repository_owner_id"];
const VALUES: [&str; 5] = ["repo:acme/shop:ref:refs/heads/main", "acme/shop", "refs/heads/main", "prod", "123456"];

fn claims(dice: &mut Dice) -> Claims {
    let mut claims = Claims::default();
    claims.set("aud", "a");
    claims.set("sub", VALUES[0]);
    for name in CLAIMS {
        if dice.next(5) > 0 {
            claims.set(name, dice.pick(&VALUES));
        }
    }
    claims
}

/// One comparison that is never true of a claim that is not there.
fn positive(dice: &mut Dice) -> String {
    let (name, value) = (dice.pick(&CLAIMS), dice.pick(&VALUES));
    let (first, _) = value.split_at(value.len() / 2);
    match dice.next(9) {
        0 | 1 => format!("assertion.{name} == '{value}'"),
        2 => format!("assertion['{name}'] in ['{value}', '{}']", dice.pick(&VALUES)),
        3 => format!("assertion.{name}.startsWith('{first}')"),
        4 => format!("assertion.{name}.matches('^{first}.*$')"),
        5 => format!("'{value}' == assertion.{name}"),
        6 => format!("has(assertion.{name})"),
        7 => format!("assertion.{name}.split('/')[0] == '{}'", value.split('/').next().unwrap()),
        _ => "google.subject == 'me'".to_owned(),
    }
}

/// One that may be.
fn any(dice: &mut Dice) -> String {
    let (name, value) = (dice.pick(&CLAIMS), dice.pick(&VALUES));
    match dice.next(6) {
        0 => format!("assertion.{name} != '{value}'"),
        1 => format!("!has(assertion.{name})"),
        2 => format!("(has(assertion.{name}) ? assertion.{name} : 'none') == 'none'"),
        3 => format!("!assertion.{name}.contains('{value}')"),
        4 => format!("assertion.{name} > '{value}'"),
        _ => positive(dice),
    }
}

fn tree(dice: &mut Dice, atom: fn(&mut Dice) -> String, depth: usize) -> String {
    if depth == 0 || dice.next(3) == 0 {
        return atom(dice);
    }
    let (one, two) = (tree(dice, atom, depth - 1), tree(dice, atom, depth - 1));
    if dice.next(2) == 0 { format!("({one} && {two})") } else { format!("({one} || {two})") }
}

fn file(condition: &str) -> Value {
    json!({"provider": {
        "name": NAME, "oidc": {"issuerUri": ISSUER, "allowedAudiences": ["a"]},
        "attributeMapping": {"google.subject": "'me'"}, "attributeCondition": condition,
    }})
}

fn answer(file: &Value, claims: &Claims) -> Decision {
    let trust = ProviderTrust::from_json(&json::parse(&file.to_string()).unwrap()).unwrap();
    evaluate_file(&trust, ISSUER, claims).decision
}

fn decide(condition: &str, claims: &Claims) -> Decision {
    answer(&file(condition), claims)
}

/// Without one claim at a time.
fn fewer(claims: &Claims) -> impl Iterator<Item = (&'static str, Claims)> {
    CLAIMS.into_iter().filter(|name| claims.value(name).is_some()).map(|name| {
        let mut all = claims.as_map().clone();
        all.remove(name);
        (name, Claims::new(all))
    })
}

#[test]
fn a_claim_less_never_opens_what_does_not_ask_for_its_absence() {
    for_all(100, |dice, seed| {
        let (condition, claims) = (tree(dice, positive, 3), claims(dice));
        let before = decide(&condition, &claims);
        for (name, fewer) in fewer(&claims) {
            let opened = before != Decision::Allowed && decide(&condition, &fewer) == Decision::Allowed;
            assert!(!opened, "seed {seed}: without {name}: {condition}");
        }
        before == Decision::Allowed
    });
}

/// Reading a claim that is not there is an error, so a comparison that is negated opens nothing either; only asking does.
#[test]
fn a_claim_less_opens_only_where_has_asks_for_it() {
    let mut opened = 0;
    for_all(100, |dice, seed| {
        let (condition, claims) = (tree(dice, any, 3), claims(dice));
        let before = decide(&condition, &claims);
        for (name, fewer) in fewer(&claims) {
            if before == Decision::Denied && decide(&condition, &fewer) == Decision::Allowed {
                opened += 1;
                assert!(
                    condition.contains(&format!("has(assertion.{name})")),
                    "seed {seed}: without {name}: {condition}"
                );
            }
        }
        before == Decision::Allowed
    });
    assert!(opened >= 10, "only {opened} opened");
}

#[test]
fn the_same_in_other_words_has_the_same_answer() {
    for_all(150, |dice, seed| {
        let (a, b, claims) = (tree(dice, any, 2), tree(dice, any, 2), claims(dice));
        let both = |one: &str, two: &str| {
            let answers = [decide(one, &claims), decide(two, &claims)];
            assert_eq!(answers[0], answers[1], "seed {seed}: {one} and {two}");
            answers[0]
        };
        both(&format!("({a}) && ({b})"), &format!("({b}) && ({a})"));
        both(&format!("({a}) || ({b})"), &format!("({b}) || ({a})"));
        both(&format!("({a}) || false"), &format!("({a}) && true"));
        both(&format!("({a}) && ({a})"), &a);
        both(&format!("({a}) || (({a}) && ({b}))"), &format!("({a}) || (({b}) && ({a}))"));
        both(&a, &format!("({a})")) == Decision::Allowed
    });
}

/// *Not true* is finer than false: what is turned around twice may be undecided, but never turns from a no into a yes.
#[test]
fn negation_never_makes_a_yes_of_a_no() {
    for_all(150, |dice, seed| {
        let (a, b, claims) = (tree(dice, any, 2), tree(dice, any, 2), claims(dice));
        let before = decide(&a, &claims);
        let twice = decide(&format!("!(!({a}))"), &claims);
        assert!(
            twice == before || before == Decision::Denied && twice == Decision::Undecided,
            "seed {seed}: {a}: {before}, {twice}"
        );
        let once = decide(&format!("!({a})"), &claims);
        assert!(!(before == Decision::Allowed && once != Decision::Denied), "seed {seed}: {a}: {before}, {once}");
        assert!(!(once == Decision::Allowed && before != Decision::Denied), "seed {seed}: {a}: {before}, {once}");
        for (one, two) in [
            (format!("!(({a}) && ({b}))"), format!("!({a}) || !({b})")),
            (format!("!(({a}) || ({b}))"), format!("!({a}) && !({b})")),
        ] {
            let answers = [decide(&one, &claims), decide(&two, &claims)];
            let against = answers.contains(&Decision::Allowed) && answers.contains(&Decision::Denied);
            assert!(!against, "seed {seed}: {one} and {two}: {answers:?}");
        }
        before == Decision::Allowed
    });
}

#[test]
fn another_letter_or_another_name_is_another_claim() {
    for_all(ROUNDS as usize, |dice, seed| {
        let (name, value) = (dice.pick(&CLAIMS[1..]), dice.pick(&VALUES));
        let token = |name: &str, value: &str| {
            let mut claims = Claims::default();
            claims.set("aud", "a");
            claims.set("sub", "s");
            claims.set(name, value);
            claims
        };
        for [yes, no] in [
            [format!("assertion.{name} == '{value}'"), format!("assertion.{name} != '{value}'")],
            [format!("assertion.{name} in ['{value}']"), format!("!(assertion.{name} in ['{value}'])")],
            [format!("assertion.{name}.matches('^{value}$')"), format!("!assertion.{name}.matches('^{value}$')")],
        ] {
            let (same, other) = (token(name, value), token(name, &dice.misspelt(value)));
            let renamed = token(&dice.misspelt(name), value);
            let answers = [&same, &other, &renamed].map(|claims| [decide(&yes, claims), decide(&no, claims)]);
            use Decision::{Allowed, Denied};
            assert_eq!(answers, [[Allowed, Denied], [Denied, Allowed], [Denied, Denied]], "seed {seed}: {yes}");
        }
        true
    });
}

#[test]
fn order_never_matters_and_a_member_more_takes_nothing_away() {
    for_all(100, |dice, seed| {
        let mut claims = claims(dice);
        let repository = dice.pick(&VALUES);
        claims.set("repository", repository);
        let mut members: Vec<String> = (0..=dice.next(4))
            .map(|_| match dice.next(4) {
                0 => format!("principalSet://{POOL}/attribute.repository/{}", dice.pick(&VALUES)),
                1 => format!("principal://{POOL}/subject/{}", dice.pick(&VALUES)),
                2 => format!("principalSet://{POOL}/attribute.none/x"),
                _ => format!("principalSet://{POOL}/attribute.repository/{}", dice.misspelt(repository)),
            })
            .collect();
        let of = |members: &[String], claims: &Claims| {
            let mut file = file("true");
            file["provider"]["attributeMapping"] =
                json!({"google.subject": "assertion.sub", "attribute.repository": "assertion.repository"});
            file["bindings"] = json!([{"role": "roles/viewer", "members": members}]);
            answer(&file, claims)
        };
        let before = of(&members, &claims);
        dice.shuffle(&mut members);
        assert_eq!(of(&members, &claims), before, "seed {seed}: {members:?}");
        let named = |member: &String| {
            *member == format!("principalSet://{POOL}/attribute.repository/{repository}")
                || *member == format!("principal://{POOL}/subject/{}", claims.subject())
        };
        assert_eq!(before == Decision::Allowed, members.iter().any(named), "seed {seed}: {members:?}");
        members.push(format!("principal://{POOL}/subject/{}", dice.pick(&["nobody", VALUES[0]])));
        assert!(before != Decision::Allowed || of(&members, &claims) == before, "seed {seed}: {members:?}");
        before == Decision::Allowed
    });
}
