//! The public conformance cases of CEL (`tests/cases/cel/`): a right value or *undecided*, never another value.

use serde_json::Value as Json;

use super::{Dialect, Out, Scope, Stop, Value, parse};

/// File, its text, and how many of its cases are answered. A count may only grow: raise it then.
const FILES: [(&str, &str, usize); 14] = [
    ("basic", include_str!("../../../../tests/cases/cel/basic.jsonl"), 41),
    ("comparisons", include_str!("../../../../tests/cases/cel/comparisons.jsonl"), 332),
    ("conversions", include_str!("../../../../tests/cases/cel/conversions.jsonl"), 76),
    ("fields", include_str!("../../../../tests/cases/cel/fields.jsonl"), 49),
    ("fp_math", include_str!("../../../../tests/cases/cel/fp_math.jsonl"), 30),
    ("integer_math", include_str!("../../../../tests/cases/cel/integer_math.jsonl"), 64),
    ("lists", include_str!("../../../../tests/cases/cel/lists.jsonl"), 39),
    ("logic", include_str!("../../../../tests/cases/cel/logic.jsonl"), 30),
    ("macros", include_str!("../../../../tests/cases/cel/macros.jsonl"), 44),
    ("namespace", include_str!("../../../../tests/cases/cel/namespace.jsonl"), 2),
    ("parse", include_str!("../../../../tests/cases/cel/parse.jsonl"), 193),
    ("plumbing", include_str!("../../../../tests/cases/cel/plumbing.jsonl"), 5),
    ("string", include_str!("../../../../tests/cases/cel/string.jsonl"), 51),
    ("string_ext", include_str!("../../../../tests/cases/cel/string_ext.jsonl"), 37),
];

/// The cases that are not answered, by name.
const UNDECIDED: &str = include_str!("../../../../tests/cases/cel/undecided.txt");

/// A typed value of the data.
fn typed(value: &Json) -> Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap();
    match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(value.as_bool().unwrap()),
        "int" => Value::Int(value.as_i64().unwrap()),
        "uint" => Value::Uint(value.as_u64().unwrap()),
        "double" => Value::Double(text().parse().unwrap()),
        "string" => Value::Text(text().to_owned()),
        "bytes" => Value::Bytes(text().as_bytes().chunks(2).map(hex).collect()),
        "list" => Value::List(value.as_array().unwrap().iter().map(typed).collect()),
        "map" => Value::Map(value.as_array().unwrap().iter().map(|pair| (typed(&pair[0]), typed(&pair[1]))).collect()),
        "type" => {
            Value::Type(super::functions::TYPES.into_iter().find(|name| *name == text()).unwrap_or("another type"))
        }
        other => panic!("{other}"),
    }
}

fn hex(digits: &[u8]) -> u8 {
    u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
}

/// The same value, in any order of a map, and NaN is itself.
fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::Double(one), Value::Double(two)) => one == two || one.is_nan() && two.is_nan(),
        (Value::List(one), Value::List(two)) => one.len() == two.len() && one.iter().zip(two).all(|(a, b)| same(a, b)),
        (Value::Map(one), Value::Map(two)) => {
            one.len() == two.len()
                && one.iter().all(|(k, v)| two.iter().any(|(key, value)| same(k, key) && same(v, value)))
        }
        (one, two) => one == two,
    }
}

fn run(case: &Json, dialect: Dialect) -> Out {
    let names =
        case["names"].as_object().into_iter().flatten().map(|(name, value)| (name.clone(), typed(value))).collect();
    let parsed = parse(case["expr"].as_str().unwrap()).map_err(Stop::Undecided)?;
    Scope::new(dialect, names).value(&parsed)
}

fn cases() -> impl Iterator<Item = (&'static str, String, Json)> {
    FILES.iter().flat_map(|(file, text, _)| {
        text.lines().map(move |line| {
            let case: Json = serde_json::from_str(line).unwrap();
            (*file, format!("{file}/{}", case["name"].as_str().unwrap()), case)
        })
    })
}

/// Right, wrong (with both sides), or undecided.
fn verdict(case: &Json, out: &Out) -> Result<bool, String> {
    match (out, case.get("value")) {
        (Err(Stop::Undecided(_)), _) => Ok(false),
        (Ok(value), Some(expected)) if same(value, &typed(expected)) => Ok(true),
        (Err(Stop::Error(_) | Stop::Missing(_)), None) => Ok(true),
        (out, expected) => Err(format!("{} gave {out:?}, expected {expected:?}", case["expr"])),
    }
}

#[test]
fn every_case_is_answered_right_or_is_known_to_be_undecided() {
    let (mut wrong, mut undecided) = (Vec::new(), Vec::new());
    let mut right = std::collections::BTreeMap::new();
    for (file, name, case) in cases() {
        match verdict(&case, &run(&case, Dialect::Standard)) {
            Ok(true) => *right.entry(file).or_insert(0) += 1,
            Ok(false) => undecided.push(name),
            Err(what) => wrong.push(format!("{name}: {what}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let known: Vec<&str> = UNDECIDED.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(undecided, known, "tests/cases/cel/undecided.txt lists what is not answered, in order");
    for (file, _, pinned) in FILES {
        assert_eq!(right.get(file).copied().unwrap_or(0), pinned, "answered in {file}: the count may only grow");
    }
}

#[test]
fn what_google_is_asked_gives_the_same_value_or_none() {
    for (_, name, case) in cases() {
        match (run(&case, Dialect::Google), case.get("value")) {
            (Ok(value), Some(expected)) => assert!(same(&value, &typed(expected)), "{name} gave {value}"),
            (Ok(value), None) => panic!("{name} gave {value}, expected an error"),
            // False or an error.
            (Err(Stop::NotTrue(_)), Some(expected)) => assert_eq!(typed(expected), Value::Bool(false), "{name}"),
            (Err(stop @ (Stop::Error(_) | Stop::Missing(_))), Some(expected)) => {
                panic!("{name}: {}, expected {expected}", stop.why())
            }
            (Err(_), _) => {}
        }
    }
}
