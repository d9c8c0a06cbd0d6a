//! The functions and operators of CEL, and which of them Google is known to take.
//!
//! Known are those in Google's own texts (the provider's REST reference, "Configure workload identity federation", IAM
//! conditions for `extract`, Confidential Space's "Attestation assertions" of 2026-04-14) and in public configurations:
//! `contains startsWith endsWith matches size extract split join lowerAscii int(string)`. The rest is computed as CEL's
//! specification has it, shown, and undecided.

use super::evaluate::{Scope, no_overload};
use super::extract::extract;
use super::pattern;
use super::value::{Out, Stop, Value};

/// Names that are types.
pub(super) const TYPES: [&str; 10] =
    ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type"];

/// Calls a function; the receiver of a method is the first of `values`.
pub(super) fn call(scope: &Scope, method: bool, name: &str, values: &[Value]) -> Out {
    use Value::{List, Text};
    let known = match (method, name, values) {
        (true, "contains", [Text(text), Text(part)]) => Some(Ok(Value::Bool(text.contains(part.as_str())))),
        (true, "startsWith", [Text(text), Text(part)]) => Some(Ok(Value::Bool(text.starts_with(part.as_str())))),
        (true, "endsWith", [Text(text), Text(part)]) => Some(Ok(Value::Bool(text.ends_with(part.as_str())))),
        (_, "size", [one]) => Some(one.settled().and_then(|()| size(one))),
        (true, "extract", [Text(text), Text(template)]) => Some(extract(text, template)),
        (true, "split", [Text(_), Text(separator)]) if separator.is_empty() => Some(Err(Stop::Undecided(
            "what `split` does with an empty separator is not documented by Google".to_owned(),
        ))),
        (true, "split", [Text(text), Text(separator)]) => {
            Some(Ok(List(text.split(separator.as_str()).map(|part| Text(part.to_owned())).collect())))
        }
        (_, "matches", [Text(text), Text(wanted)]) => {
            Some(scope.spend(pattern::steps(text, wanted)).and_then(|()| pattern::matches(text, wanted)))
        }
        (true, "join", [List(items)]) => Some(join(items, "")),
        (true, "join", [List(items), Text(separator)]) => Some(join(items, separator)),
        (true, "lowerAscii", [Text(text)]) => Some(Ok(Text(text.to_ascii_lowercase()))),
        (false, "int", [Text(text)]) => Some(integer(text)),
        // Arguments of another type, of functions that are known: an error by any rule.
        (true, "contains" | "startsWith" | "endsWith" | "matches" | "extract" | "split", [one, two]) => {
            Some(Err(no_overload(name, &[one, two])))
        }
        (true, "lowerAscii", [one]) => Some(Err(no_overload(name, &[one]))),
        _ => None,
    };
    match known {
        Some(out) => out,
        None => scope.unconfirmed(name, standard(method, name, values)),
    }
}

/// What CEL has beyond that. What is not implemented is undecided under any rules.
fn standard(method: bool, name: &str, values: &[Value]) -> Out {
    use Value::{Bool, Bytes, Double, Int, Text, Uint};
    let text = |text: String| Ok(Text(text));
    match (method, name, values) {
        (_, _, [Value::Untyped(_), ..]) => {
            Err(Stop::Undecided("how Google types a number of the token is not documented".to_owned()))
        }
        (true, "upperAscii", [Text(one)]) => text(one.to_ascii_uppercase()),
        (true, "trim", [Text(one)]) => text(one.trim_matches(blank).to_owned()),
        (true, "replace", [Text(one), Text(old), Text(new)]) => text(one.replace(old.as_str(), new)),
        (true, "charAt", [Text(one), Int(at)]) => slice(one, *at, Some(at.saturating_add(1).min(length(one)))),
        (true, "substring", [Text(one), Int(from)]) => slice(one, *from, None),
        (true, "substring", [Text(one), Int(from), Int(to)]) => slice(one, *from, Some(*to)),
        (false, "string", [Text(one)]) => text(one.clone()),
        (false, "string", [Bool(one)]) => text(one.to_string()),
        (false, "string", [Int(one)]) => text(one.to_string()),
        (false, "string", [Uint(one)]) => text(one.to_string()),
        (false, "string", [Bytes(one)]) => {
            String::from_utf8(one.clone()).map(Text).map_err(|_| Stop::Error("these bytes are no text".to_owned()))
        }
        (false, "bytes", [Text(one)]) => Ok(Bytes(one.clone().into_bytes())),
        (false, "bytes", [Bytes(one)]) => Ok(Bytes(one.clone())),
        (false, "bool", [Bool(one)]) => Ok(Bool(*one)),
        (false, "bool", [Text(one)]) => match one.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Bool(false)),
            _ => Err(Stop::Error(format!("{} is neither true nor false", Text(one.clone())))),
        },
        (false, "dyn", [one]) => Ok(one.clone()),
        (false, "type", [Value::Type(_)]) => Ok(Value::Type("type")),
        (
            false,
            "type",
            [
                one @ (Value::Null
                | Bool(_)
                | Int(_)
                | Uint(_)
                | Double(_)
                | Text(_)
                | Bytes(_)
                | Value::List(_)
                | Value::Map(_)),
            ],
        ) => Ok(Value::Type(one.type_name())),
        (false, "int", [Int(one)]) => Ok(Int(*one)),
        (false, "int", [Uint(one)]) => i64::try_from(*one).map(Int).map_err(|_| range()),
        (false, "uint", [Uint(one)]) => Ok(Uint(*one)),
        (false, "uint", [Int(one)]) => u64::try_from(*one).map(Uint).map_err(|_| range()),
        (false, "uint", [Text(one)]) => one.parse().map(Uint).map_err(|_| range()),
        (false, "double", [Double(one)]) => Ok(Double(*one)),
        (false, "double", [Text(one)]) => one.parse().map(Double).map_err(|_| range()),
        _ => Err(Stop::Undecided(format!(
            "`{name}` is not understood here with {} arguments of these types",
            values.len()
        ))),
    }
}

fn range() -> Stop {
    Stop::Error("the number is out of range or none".to_owned())
}

/// Blanks as the string extension trims them (Unicode's White_Space).
fn blank(c: char) -> bool {
    c.is_whitespace()
}

fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// Characters from `from` to before `to`.
fn slice(text: &str, from: i64, to: Option<i64>) -> Out {
    let (length, outside) = (length(text), || Stop::Error("the position is outside of the text".to_owned()));
    let to = to.unwrap_or(length);
    if from < 0 || from > to || to > length {
        return Err(outside());
    }
    let count = |position: i64| usize::try_from(position).map_err(|_| outside());
    Ok(Value::Text(text.chars().skip(count(from)?).take(count(to - from)?).collect()))
}

fn size(value: &Value) -> Out {
    let size = match value {
        Value::Text(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        other => return Err(no_overload("size", &[other])),
    };
    i64::try_from(size).map(Value::Int).map_err(|_| range())
}

/// `int(text)`: digits with a minus or none. A plus or blanks around them are read by some implementations only.
fn integer(text: &str) -> Out {
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let shown = Value::Text(text.to_owned());
    if plain(text.strip_prefix('-').unwrap_or(text)) {
        return text.parse().map(Value::Int).map_err(|_| Stop::Error(format!("{shown} is out of range")));
    }
    if plain(text.trim().trim_start_matches(['-', '+'])) {
        return Err(Stop::Undecided(format!("whether {shown} is an integer to Google is not documented")));
    }
    Err(Stop::Error(format!("{shown} is no integer")))
}

fn join(items: &[Value], separator: &str) -> Out {
    let mut texts = Vec::new();
    for item in items {
        match item {
            Value::Text(text) => texts.push(text.as_str()),
            Value::Unknown(why) => return Err(Stop::Undecided(why.clone())),
            other => return Err(no_overload("join", &[other])),
        }
    }
    Ok(Value::Text(texts.join(separator)))
}

/// `+`: what Google's texts show on strings, and by CEL's specification on the rest.
pub(super) fn add(left: &Value, right: &Value) -> Out {
    match (left, right) {
        (Value::Text(one), Value::Text(two)) => Ok(Value::Text(format!("{one}{two}"))),
        (Value::List(one), Value::List(two)) => Ok(Value::List([one.as_slice(), two].concat())),
        (Value::Bytes(one), Value::Bytes(two)) => Ok(Value::Bytes([one.as_slice(), two].concat())),
        (Value::Text(_) | Value::List(_) | Value::Bool(_) | Value::Map(_) | Value::Null | Value::Void, _)
        | (_, Value::Text(_) | Value::List(_) | Value::Bool(_) | Value::Map(_) | Value::Null | Value::Void) => {
            Err(no_overload("+", &[left, right]))
        }
        _ => arithmetic("+", left, right),
    }
}

/// `+ - * / %` on numbers, `< <= > >=` on what has an order.
pub(super) fn arithmetic(operator: &'static str, left: &Value, right: &Value) -> Out {
    use Value::{Double, Int, Uint};
    if matches!(left, Value::Untyped(_)) || matches!(right, Value::Untyped(_)) {
        return Err(Stop::Undecided("how Google types a number of the token is not documented".to_owned()));
    }
    if ["<", "<=", ">", ">="].contains(&operator) {
        let ordered = matches!((left, right), (Double(_) | Int(_) | Uint(_), Double(_) | Int(_) | Uint(_)))
            || left.type_name() == right.type_name()
                && !matches!(left, Value::List(_) | Value::Map(_) | Value::Null | Value::Type(_));
        if !ordered {
            return Err(no_overload(operator, &[left, right]));
        }
        let Some(order) = left.compare(right) else { return Ok(Value::Bool(false)) };
        return Ok(Value::Bool(match operator {
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        }));
    }
    let zero = matches!(operator, "/" | "%") && matches!(right, Int(0) | Uint(0));
    if zero {
        return Err(Stop::Error("division by zero".to_owned()));
    }
    match (left, right) {
        (Int(one), Int(two)) => match operator {
            "+" => one.checked_add(*two),
            "-" => one.checked_sub(*two),
            "*" => one.checked_mul(*two),
            "/" => one.checked_div(*two),
            _ => one.checked_rem(*two),
        }
        .map(Int)
        .ok_or_else(range),
        (Uint(one), Uint(two)) => match operator {
            "+" => one.checked_add(*two),
            "-" => one.checked_sub(*two),
            "*" => one.checked_mul(*two),
            "/" => one.checked_div(*two),
            _ => one.checked_rem(*two),
        }
        .map(Uint)
        .ok_or_else(range),
        (Double(one), Double(two)) => match operator {
            "+" => Ok(Double(one + two)),
            "-" => Ok(Double(one - two)),
            "*" => Ok(Double(one * two)),
            "/" => Ok(Double(one / two)),
            _ => Err(no_overload(operator, &[left, right])),
        },
        _ => Err(no_overload(operator, &[left, right])),
    }
}

/// `-x`.
pub(super) fn negate(value: &Value) -> Out {
    match value {
        Value::Int(int) => int.checked_neg().map(Value::Int).ok_or_else(range),
        Value::Double(double) => Ok(Value::Double(-double)),
        Value::Untyped(_) => {
            Err(Stop::Undecided("how Google types a number of the token is not documented".to_owned()))
        }
        other => Err(no_overload("-", &[other])),
    }
}
