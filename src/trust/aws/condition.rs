//! The conditions of one statement: keys and operators all have to hold, of several values one.

use super::document::{Effect, Statement};
use super::keys::{Found, find};
use super::{Check, Request, Truth, Verdict};
use crate::trust::glob;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Like,
}

/// The checks of all conditions, and whether one of them holds the audience to a value.
pub(super) fn check(statement: &Statement, place: &str, request: &Request<'_>) -> (Vec<Check>, bool) {
    let audience_key = format!("{}:aud", request.provider).to_lowercase();
    let (mut checks, mut tests_audience) = (Vec::new(), false);
    for (name, key, values) in &statement.conditions {
        let what = format!("{place}: {name} {key}");
        let Some(operator) = operator(name) else {
            checks.push(Check::new(format!("{what}: operator not understood"), list(values), "", Verdict::Unknown));
            continue;
        };
        tests_audience |= key.to_lowercase() == audience_key;
        checks.push(one(what, operator, key, values.as_deref(), statement.effect, request));
    }
    (checks, tests_audience)
}

/// Names of operators are compared without regard to case.
fn operator(name: &str) -> Option<Operator> {
    match name.to_lowercase().as_str() {
        "stringequals" => Some(Operator::Equals),
        "stringlike" => Some(Operator::Like),
        _ => None,
    }
}

fn list(values: &Option<Vec<String>>) -> String {
    values.as_ref().map_or_else(|| "values that are no texts".to_owned(), |values| values.join(" or "))
}

fn one(
    what: String,
    operator: Operator,
    key: &str,
    values: Option<&[String]>,
    effect: Effect,
    request: &Request<'_>,
) -> Check {
    let Some(values) = values else {
        return Check::new(what, "values that are no texts", "", Verdict::Unknown);
    };
    let expected = values.join(" or ");
    let (presented, sure) = match find(key, request) {
        Found::Value(text) => (text, true),
        Found::Perhaps(text) => (text, false),
        Found::Absent(why) => {
            // A positive operator on an absent key is false. A Deny that rests on that is safe only if the key really is
            // absent, and the list of keys grows: there it stays unknown.
            let verdict = if effect == Effect::Deny { Verdict::Unknown } else { Verdict::Missing };
            return Check::new(format!("{what}: {why}"), expected, "", verdict);
        }
        Found::Unknown(why) => return Check::new(format!("{what}: {why}"), expected, "", Verdict::Unknown),
    };
    if values.is_empty() {
        // The documentation contradicts itself about an empty list.
        return Check::new(what, "an empty list", presented, Verdict::Unknown);
    }
    let any = values.iter().map(|value| compare(operator, value, &presented)).fold(Truth::No, Truth::or);
    let verdict = match any {
        Truth::Yes if sure => Verdict::Match,
        Truth::Yes | Truth::Unknown => Verdict::Unknown,
        Truth::No if values.iter().any(|value| value.to_lowercase() == presented.to_lowercase()) => Verdict::CaseOnly,
        Truth::No => Verdict::Different,
    };
    let literal = operator == Operator::Equals && verdict == Verdict::Different && expected.contains(['*', '?']);
    let what = if literal { format!("{what}: `*` and `?` are plain characters here") } else { what };
    Check::new(what, expected, presented, verdict)
}

fn compare(operator: Operator, value: &str, presented: &str) -> Truth {
    // Variables are replaced by values this evaluator does not have.
    if value.contains("${") {
        return Truth::Unknown;
    }
    match operator {
        Operator::Equals => (value == presented).into(),
        // Bytes, UTF-16 units or characters: what `?` counts is not documented.
        Operator::Like if value.contains('?') && !presented.is_ascii() => Truth::Unknown,
        Operator::Like => glob::matches(value, presented).into(),
    }
}
