//! Role trust policies.

use jobpass::edge::Destination;
use jobpass::trust::{Decision, TrustPolicy};
use serde_json::{Map, Value, json};

use super::trust::{self, Asked};

/// Any text as a role trust policy.
pub fn check(data: &[u8]) {
    trust::check(Destination::Aws, data, &mut |file, asked, explanation| {
        let Some(statements) = statements(file) else { return };
        if explanation.decision == Decision::Allowed {
            assert!(
                statements.iter().any(|one| may_allow(one, asked)),
                "allowed by no statement that a plain reading knows"
            );
            assert!(!statements.iter().any(|one| surely_denies(one, asked)), "allowed beside a Deny that matches");
            closed(file, &statements, asked);
        }
        let order: Vec<Value> = statements.iter().rev().cloned().collect();
        assert_eq!(decide(file, order, asked), Some(explanation.decision), "the order of statements decides");
    });
}

/// The statements of a bare document; of other forms it is enough that they are read.
fn statements(file: &Value) -> Option<Vec<Value>> {
    match file.get("Statement")? {
        Value::Array(all) => Some(all.clone()),
        one => Some(vec![one.clone()]),
    }
}

/// The answer with other statements.
fn decide(file: &Value, statements: Vec<Value>, asked: &Asked<'_>) -> Option<Decision> {
    let mut other = file.clone();
    *other.get_mut("Statement")? = Value::Array(statements);
    let trust = TrustPolicy::parse(Destination::Aws, &other.to_string()).ok()?;
    Some(Asked { trust: &trust, ..*asked }.decision())
}

/// What closes a door that was open.
fn closed(file: &Value, all: &[Value], asked: &Asked<'_>) {
    let never = |statements: Vec<Value>, what: &str| {
        assert_ne!(decide(file, statements, asked), Some(Decision::Allowed), "allowed with {what}");
    };
    for principal in all.iter().filter_map(|one| one.get("Principal")) {
        for deny in [
            json!({"Effect": "Deny", "Principal": principal, "Action": "*"}),
            json!({"Effect": "Deny", "Principal": principal, "NotAction": "s3:*", "Condition": {"Null": {"aws:SecureTransport": "false"}}}),
            json!({"Effect": "Deny", "Principal": principal, "Action": "*", "Condition": {"StringOdd": {"a": "b"}}}),
        ] {
            // Only the principal that lets this token in is certain to keep it out.
            if may_be(principal, asked) {
                never([all, &[deny]].concat(), "a Deny of everything");
            }
        }
    }
    let each = |change: &dyn Fn(&mut Value)| {
        let mut changed = all.to_vec();
        changed.iter_mut().for_each(change);
        changed
    };
    let condition = |one: &mut Value, operator: &str, keys: Value| {
        let conditions = one.get_mut("Condition").and_then(Value::as_object_mut);
        match conditions {
            Some(conditions) => drop(conditions.insert(operator.to_owned(), keys)),
            None => one["Condition"] = json!({ operator: keys }),
        }
    };
    let allows: Vec<Value> = all.iter().filter(|one| one["Effect"] == "Allow").cloned().collect();
    never(all.iter().filter(|one| one["Effect"] != "Allow").cloned().collect(), "no statement that allows");
    never(each(&|one| one["Effect"] = "Deny".into()), "every statement a Deny");
    never(each(&|one| one["Principal"] = "*".into()), "anybody as principal");
    never(each(&|one| one["Action"] = "sts:AssumeRole".into()), "another action");
    never(each(&|one| condition(one, "StringOdd", json!({"a": "b"}))), "an operator that nobody knows");
    never(each(&|one| condition(one, "StringEquals", json!({"aws:Odd": "b"}))), "a key that nobody knows");
    never(each(&|one| one["Odd"] = true.into()), "an element that nobody knows");
    let without_denies = decide(file, allows, asked);
    assert_eq!(without_denies, Some(Decision::Allowed), "a Deny lets somebody in");
}

/// The provider's name in the role's account, or in any where no role is asked for.
fn may_be(principal: &Value, asked: &Asked<'_>) -> bool {
    let host = asked.issuer.strip_prefix("https://").unwrap_or(asked.issuer);
    let fits = |name: &Value| {
        let Some(name) = name.as_str() else { return false };
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        let arn = matches!(parts.as_slice(), ["arn", _, "iam", "", account, resource]
            if (asked.role.is_none() || *account == "123456789012") && resource.strip_prefix("oidc-provider/") == Some(host));
        name == host || arn
    };
    match principal.get("Federated") {
        Some(Value::Array(all)) => all.iter().any(fits),
        Some(one) => fits(one),
        None => false,
    }
}

/// Whether a statement's plain conditions, those that a reader decides by eye, hold for the token. An over-estimate: what is not
/// plain is taken to hold.
fn may_allow(statement: &Value, asked: &Asked<'_>) -> bool {
    let plain = |operator: &str, key: &str, values: &Value| plain(operator, key, values, asked).unwrap_or(true);
    statement["Effect"] == "Allow" && may_be(&statement["Principal"], asked) && conditions(statement, &plain)
}

/// Whether it certainly denies: the whole of it is plain, and holds.
fn surely_denies(statement: &Value, asked: &Asked<'_>) -> bool {
    let known = ["Sid", "Effect", "Principal", "Action", "Condition"];
    let plain = |operator: &str, key: &str, values: &Value| plain(operator, key, values, asked).unwrap_or(false);
    let of = statement.as_object().is_some_and(|all| all.keys().all(|name| known.contains(&name.as_str())));
    let single = statement["Principal"].get("Federated").is_some_and(Value::is_string);
    of && single
        && statement["Effect"] == "Deny"
        && statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        && may_be(&statement["Principal"], asked)
        && conditions(statement, &plain)
}

fn conditions(statement: &Value, holds: &dyn Fn(&str, &str, &Value) -> bool) -> bool {
    let empty = Map::new();
    let all = statement.get("Condition").and_then(Value::as_object).unwrap_or(&empty);
    let mut keys = all.iter().flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, values)| (operator, key, values))
    });
    keys.all(|(operator, key, values)| holds(operator, key, values))
}

/// `StringEquals` and `StringLike` on a claim that AWS fills, without variables and beyond plain letters. `None` for anything else.
fn plain(operator: &str, key: &str, values: &Value, asked: &Asked<'_>) -> Option<bool> {
    let host = asked.issuer.strip_prefix("https://")?;
    let claim = key.strip_prefix(host)?.strip_prefix(':')?;
    if !["sub", "repository", "ref", "environment", "workflow", "repository_id", "actor"].contains(&claim) {
        return None;
    }
    let wild = match operator {
        "StringEquals" => false,
        "StringLike" => true,
        _ => return None,
    };
    let values: Vec<&str> = match values {
        Value::Array(all) => all.iter().map(Value::as_str).collect::<Option<_>>()?,
        one => vec![one.as_str()?],
    };
    let odd = |text: &str| text.contains("${") || !text.is_ascii();
    if values.is_empty() || values.iter().any(|text| odd(text)) {
        return None;
    }
    match asked.claims.value(claim) {
        None => Some(false),
        Some(Value::String(text)) if !text.is_empty() && text.is_ascii() => Some(
            values
                .iter()
                .any(|value| if wild { fits(value.as_bytes(), text.as_bytes()) } else { *value == text.as_str() }),
        ),
        _ => None,
    }
}

/// Wildcards by the book: a table of what fits what, one row per letter of the pattern.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match wanted {
                b'*' => row[at] || at > 0 && next[at - 1],
                b'?' => at > 0 && row[at - 1],
                letter => at > 0 && row[at - 1] && text[at - 1] == *letter,
            };
        }
        row = next;
    }
    row[text.len()]
}
