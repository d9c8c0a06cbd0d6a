//! The cited cases of `tests/cases/trust/aws/`: trust policy, claims, expected decision and the reason that it rests on.
//!
//! The expectations were written from the documents that each case names, not from what the program says. `base.json` has
//! what a case does not say; `operators.json` has the truth table of operators as a grid, one case per square.

use std::path::Path;

use jobpass::claims::Claims;
use jobpass::edge::Destination;
use jobpass::trust::{Decision, Explanation, Rules, TrustPolicy, aws, join};
use serde_json::{Map, Value, json};

/// How many there are at least; the number only grows.
const AT_LEAST: usize = 759;

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/trust/aws").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Puts the members of `over` into `under`, one level deeper where both are objects; null takes a member away.
fn lay(under: &mut Value, over: &Value) {
    for (name, value) in over.as_object().into_iter().flatten() {
        match (&mut under[name], value) {
            (_, Value::Null) => {
                under.as_object_mut().unwrap().remove(name);
            }
            (Value::Object(inside), Value::Object(more)) => inside.extend(more.clone()),
            (place, value) => *place = value.clone(),
        }
    }
}

struct Case {
    name: String,
    file: String,
    asked: Value,
    expected: Value,
}

/// The trust policy that a case means: the base's with a statement, conditions and fields laid over it.
fn trust(case: &Value, base: &Value) -> Value {
    let mut trust = base["trust"].clone();
    let statement = &mut trust["Statement"][0];
    if case["google"] == true {
        statement["Principal"] = base["google"]["principal"].clone();
        statement["Condition"] = base["google"]["condition"].clone();
    }
    for (name, value) in case["statement"].as_object().into_iter().flatten() {
        if value.is_null() {
            statement.as_object_mut().unwrap().remove(name);
        } else {
            statement[name] = value.clone();
        }
    }
    if let Some(condition) = case.get("condition") {
        lay(&mut statement["Condition"], condition);
    }
    for more in case["more"].as_array().into_iter().flatten() {
        trust["Statement"].as_array_mut().unwrap().push(more.clone());
    }
    lay(&mut trust, &case["document"]);
    trust
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

/// The file that a case means, with the trust policy in its places.
fn file(case: &Value, base: &Value) -> String {
    let trust = trust(case, base).to_string();
    let Some(file) = case.get("file") else { return trust };
    let text = json!(trust).to_string();
    let encoded = json!(encoded(&trust)).to_string();
    file.to_string().replace("\"$TRUST\"", &trust).replace("\"$TEXT\"", &text).replace("\"$ENCODED\"", &encoded)
}

/// The only key of a case's conditions: the reason where the case names none.
fn only_condition(case: &Value) -> Option<String> {
    let (operator, keys) = case["condition"].as_object()?.iter().next()?;
    let (key, _) = keys.as_object()?.iter().next()?;
    Some(join(&join("/Statement/0/Condition", operator), key))
}

fn build(name: &str, case: &Value, base: &Value, source: &Value) -> Case {
    let google = case["google"] == true;
    let mut claims = if google { base["google"]["claims"].clone() } else { base["claims"].clone() };
    for (claim, value) in case["claims"].as_object().into_iter().flatten() {
        claims[claim] = value.clone();
    }
    let own_issuer = if google { &base["google"]["issuer"] } else { &base["issuer"] };
    let cited = case.get("source").unwrap_or(source);
    assert!(cited.as_str().is_some_and(|cited| cited.contains("20")), "{name} names no document with its date");
    let path = case.get("path").cloned().or_else(|| only_condition(case).map(Value::from));
    Case {
        name: name.to_owned(),
        file: file(case, base),
        asked: json!({
            "role": case.get("role").unwrap_or(&base["role"]),
            "issuer": case.get("issuer").unwrap_or(own_issuer),
            "claims": claims,
            "known": case.get("known").cloned().unwrap_or_else(|| json!({})),
            "seconds": case["seconds"], "session_name": case["session_name"],
        }),
        expected: json!({
            "decision": case["decision"], "path": path.expect("a reason's path"),
            "verdict": case["verdict"], "hint": case["hint"], "step": case["step"],
        }),
    }
}

/// Twelve cases for one operator.
fn squares(grid: &Value) -> Vec<(String, Value)> {
    let text = |name: &str| grid[name].as_str().unwrap().to_owned();
    let mut all = Vec::new();
    for form in ["plain", "IfExists", "ForAllValues:", "ForAnyValue:"] {
        let operator = match form {
            "plain" => text("operator"),
            "IfExists" => text("operator") + form,
            _ => form.to_owned() + &text("operator"),
        };
        for (at, state) in ["satisfied", "not", "absent"].into_iter().enumerate() {
            let value = if state == "absent" { text("satisfied") } else { text(state) };
            let mut case = json!({
                "condition": { operator.as_str(): { text("key"): value } },
                "google": grid["google"], "decision": grid[form][at], "known": {}, "claims": {},
            });
            match (grid.get("known"), state) {
                (Some(_), "absent") => case["known"][text("key")] = json!([]),
                (Some(known), _) => case["known"][text("key")] = json!([known]),
                (None, "absent") => case["claims"][text("claim")] = Value::Null,
                (None, _) => {}
            }
            all.push((format!("{operator} {state}"), case));
        }
    }
    all
}

fn cases() -> Vec<Case> {
    let base = read("base.json");
    let mut all = Vec::new();
    for name in ["operators.json", "keys.json", "values.json", "variables.json", "statements.json", "files.json"] {
        let document = read(name);
        for grid in document["grids"].as_array().into_iter().flatten() {
            all.extend(squares(grid).iter().map(|(name, case)| build(name, case, &base, &document["source"])));
        }
        for case in document["cases"].as_array().unwrap() {
            let title = format!("{name}: {}", case["name"].as_str().unwrap());
            all.push(build(&title, case, &base, &document["source"]));
        }
    }
    all
}

fn explain(case: &Case) -> Result<Explanation, String> {
    let policy = TrustPolicy::parse(Destination::Aws, &case.file).map_err(|error| error.message)?;
    let Rules::Aws(rules) = &policy.rules else { return Err("no AWS trust policy".to_owned()) };
    let claims = Claims::new(case.asked["claims"].as_object().cloned().unwrap_or_default());
    let known: &Map<String, Value> = case.asked["known"].as_object().unwrap();
    let texts = |value: &Value| value.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect();
    let known: Vec<(String, Vec<String>)> = known.iter().map(|(key, values)| (key.clone(), texts(values))).collect();
    Ok(aws::evaluate(
        rules,
        &aws::Asked {
            role: case.asked["role"].as_str(),
            issuer: case.asked["issuer"].as_str().unwrap(),
            claims: &claims,
            seconds: case.asked["seconds"].as_u64(),
            session_name: case.asked["session_name"].as_str(),
            known: &known,
        },
    ))
}

/// Every case's explanation.
pub(crate) fn explanations() -> Vec<Explanation> {
    cases().iter().filter_map(|case| explain(case).ok()).collect()
}

/// What of a case is not as expected.
fn run(case: &Case) -> Result<(), String> {
    let explanation = explain(case)?;
    let document = explanation.document();
    let expected = &case.expected;
    let mut wrong = Vec::new();
    if document["decision"] != expected["decision"] {
        wrong.push(format!("decision {}, expected {}", document["decision"], expected["decision"]));
    }
    let reasons = document["reasons"].as_array().unwrap();
    let at_path = |reason: &&Value| reason["decides"] == true && reason["path"] == expected["path"];
    match reasons.iter().find(at_path) {
        None => wrong.push(format!("no deciding reason at {}", expected["path"])),
        Some(reason) => {
            if !expected["verdict"].is_null() && reason["verdict"] != expected["verdict"] {
                wrong.push(format!("verdict {}, expected {}", reason["verdict"], expected["verdict"]));
            }
            let hint = expected["hint"].as_str().unwrap_or_default();
            if !reason["hint"].as_str().unwrap_or_default().contains(hint) {
                wrong.push(format!("hint {}, expected it to say {hint}", reason["hint"]));
            }
        }
    }
    if !expected["step"].is_null() && document["step"] != expected["step"] {
        wrong.push(format!("step {}, expected {}", document["step"], expected["step"]));
    }
    let undecided = explanation.decision == Decision::Undecided;
    let says_why = reasons.iter().any(|reason| {
        reason["decides"] == true
            && reason["verdict"] == "unsupported"
            && (reason["hint"].is_string() || reason["what"].is_string())
    });
    if undecided && !says_why && !expected["path"].as_str().unwrap().contains("/Condition/") {
        wrong.push("undecided, and no sentence why".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\n    {document}", wrong.join("; "))) }
}

#[test]
fn aws_decides_every_cited_case_as_documented() {
    let cases = cases();
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, run(case).err()?))).collect();
    println!("{} cases for AWS", cases.len());
    assert!(wrong.is_empty(), "{} of {} cases:\n  {}", wrong.len(), cases.len(), wrong.join("\n  "));
    assert!(cases.len() >= AT_LEAST, "{} cases, at least {AT_LEAST} are kept", cases.len());
}

#[test]
fn the_truth_table_has_every_operator() {
    let document = read("operators.json");
    let names: Vec<&str> =
        document["grids"].as_array().unwrap().iter().map(|grid| grid["operator"].as_str().unwrap()).collect();
    let documented = "StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike \
        NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals \
        DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals Bool BinaryEquals \
        IpAddress NotIpAddress ArnEquals ArnLike ArnNotEquals ArnNotLike";
    assert_eq!(names, {
        let mut sorted: Vec<&str> = documented.split_whitespace().collect();
        sorted.sort_by_key(|name| names.iter().position(|other| other == name));
        sorted
    });
}
