//! The conditions of one statement: keys and operators all have to hold, of several values one.

use super::document::{Effect, Statement};
use super::keys::{Found, find};
use super::{Node, Request, Truth, Verdict, join};
use crate::trust::glob;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Like,
}

/// The checks of all conditions, and whether one of them holds the audience to a value.
pub(super) fn check(statement: &Statement, path: &str, request: &Request<'_>) -> (Vec<Node>, bool) {
    let audience_key = format!("{}:aud", request.provider).to_lowercase();
    let (mut checks, mut tests_audience) = (Vec::new(), false);
    for (name, key, values) in &statement.conditions {
        let path = join(&join(&format!("{path}/Condition"), name), key);
        let Some(operator) = operator(name) else {
            let node = Node::leaf(path, list(values), "", Verdict::Unsupported);
            checks.push(node.hint("the operator is not understood"));
            continue;
        };
        tests_audience |= key.to_lowercase() == audience_key;
        checks.push(one(path, operator, key, values.as_deref(), statement.effect, request));
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
    path: String,
    operator: Operator,
    key: &str,
    values: Option<&[String]>,
    effect: Effect,
    request: &Request<'_>,
) -> Node {
    let Some(values) = values else {
        return Node::leaf(path, "values that are no texts", "", Verdict::Unsupported);
    };
    let expected = values.join(" or ");
    let (presented, sure) = match find(key, request) {
        Found::Value(text) => (text, true),
        Found::Perhaps(text) => (text, false),
        Found::Absent(why) => {
            // A positive operator on an absent key is false. A Deny that rests on that is safe only if the key really is
            // absent, and the list of keys grows: there it stays unknown.
            let verdict = if effect == Effect::Deny { Verdict::Unsupported } else { Verdict::Missing };
            return Node::leaf(path, expected, "", verdict).hint(why);
        }
        Found::Unknown(why) => return Node::leaf(path, expected, "", Verdict::Unsupported).hint(why),
    };
    if values.is_empty() {
        // The documentation contradicts itself about an empty list.
        return Node::leaf(path, "an empty list", presented, Verdict::Unsupported);
    }
    let any = values.iter().map(|value| compare(operator, value, &presented)).fold(Truth::No, Truth::or);
    let verdict = match any {
        Truth::Yes if sure => Verdict::Match,
        Truth::Yes | Truth::Unknown => Verdict::Unsupported,
        Truth::No => Verdict::Mismatch,
    };
    let literal = operator == Operator::Equals && verdict == Verdict::Mismatch && expected.contains(['*', '?']);
    let node = Node::leaf(path, expected, presented, verdict);
    if literal { node.hint("`*` and `?` are plain characters here") } else { node }
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
