//! Federated credentials.

use jobpass::edge::Destination;
use jobpass::trust::{Decision, TrustPolicy};
use serde_json::{Value, json};

use super::input::with;
use super::trust::{self, Asked};

/// How many credentials one application can have.
const MOST: usize = 20;

/// Any text as federated credentials.
pub fn check(data: &[u8]) {
    trust::check(Destination::Azure, data, &mut |file, asked, explanation| {
        let Some(all) = file.as_array() else { return };
        let decide = |all: &[Value]| decide(all, asked);
        let decision = Some(explanation.decision);
        let reversed: Vec<Value> = all.iter().rev().cloned().collect();
        assert_eq!(decide(&reversed), decision, "the order of credentials decides");
        if explanation.decision != Decision::Allowed {
            return;
        }
        assert!((1..=MOST).contains(&all.len()), "allowed by {} credentials", all.len());
        assert!(all.iter().any(|one| decide(std::slice::from_ref(one)) == decision), "allowed by no credential alone");
        assert!(all.iter().any(|one| plainly(one, asked)), "allowed by none that a plain reading knows");
        let each = |change: &dyn Fn(&mut Value)| {
            let mut changed = all.clone();
            changed.iter_mut().for_each(change);
            decide(&changed)
        };
        let never = |after: Option<Decision>, what: &str| assert_ne!(after, decision, "allowed with {what}");
        never(decide(&[]), "no credential");
        never(each(&|one| one["odd"] = 1.into()), "a field that nobody knows");
        never(each(&|one| one["audiences"] = json!([])), "no audience");
        never(each(&|one| one["audiences"] = json!(["odd", "api://AzureADTokenExchange"])), "two audiences");
        never(each(&|one| grow(one, "issuer")), "an issuer with one letter more");
        never(each(&|one| grow(one, "subject")), "a subject, or an expression, with one letter more");
        if let Some(subject) = asked.claims.text("sub") {
            let other = with(asked.claims, "sub", format!("{subject}~"));
            let same = explanation_rests_on_wildcard(all);
            assert!(
                same || !Asked { claims: &other, ..*asked }.is_allowed(),
                "allowed with one letter more in the subject"
            );
        }
        if all.len() < MOST {
            let more = json!({"name": "more", "issuer": "https://odd.example", "subject": "odd", "audiences": ["odd"]});
            assert_eq!(decide(&[all.as_slice(), &[more]].concat()), decision, "a credential more takes away");
        }
    });
}

fn decide(all: &[Value], asked: &Asked<'_>) -> Option<Decision> {
    let text = Value::Array(all.to_vec()).to_string();
    let trust = TrustPolicy::parse(Destination::Azure, &text).ok()?;
    Some(Asked { trust: &trust, ..*asked }.decision())
}

/// A letter behind a field, here or in `properties`; an expression counts as the subject.
fn grow(credential: &mut Value, field: &str) {
    let fields = match credential.get("properties") {
        Some(Value::Object(_)) => &mut credential["properties"],
        _ => credential,
    };
    if field == "subject"
        && let Some(expression) = fields.pointer_mut("/claimsMatchingExpression/value")
    {
        *expression = format!("{}~", expression.as_str().unwrap_or_default()).into();
    } else if let Some(text) = fields.get(field).and_then(Value::as_str) {
        fields[field] = format!("{text}~").into();
    }
}

fn explanation_rests_on_wildcard(all: &[Value]) -> bool {
    all.iter().any(|one| one.to_string().contains(" matches '"))
}

/// Issuer and audience are the token's, and so is the subject where the credential has one.
fn plainly(credential: &Value, asked: &Asked<'_>) -> bool {
    let fields = match credential.get("properties") {
        Some(inner @ Value::Object(_)) => inner,
        _ => credential,
    };
    let claim = |name: &str| asked.claims.text(name);
    let audience = asked.claims.audiences();
    let expression = fields.pointer("/claimsMatchingExpression/value").and_then(Value::as_str);
    let subject = match (fields.get("subject").and_then(Value::as_str), expression) {
        (Some(subject), None) => claim("sub").as_deref() == Some(subject),
        (None, Some(expression)) => clauses(expression, asked),
        _ => false,
    };
    subject && fields["issuer"] == asked.issuer && audience.len() == 1 && fields["audiences"] == json!(audience)
}

/// Every `eq` is what the token has, and every `matches` begins with what the token's claim begins with.
fn clauses(expression: &str, asked: &Asked<'_>) -> bool {
    expression.split(" and claims[").all(|clause| {
        let clause = clause.trim_start_matches("claims[");
        let (name, rest) = clause.split_once("'] ").unwrap_or((clause, ""));
        let claim = asked.claims.text(name.trim_matches('\'')).unwrap_or_default();
        if let Some(value) = rest.strip_prefix("eq '") {
            return value.strip_suffix('\'') == Some(claim.as_str());
        }
        let Some(pattern) = rest.strip_prefix("matches '").and_then(|rest| rest.strip_suffix('\'')) else {
            return false;
        };
        let literal = pattern.split(['*', '?']).next().unwrap_or_default();
        claim.starts_with(literal)
    })
}
