//! Where the fuzzers start from: the cited cases of `tests/cases/trust/` and the workflows of `tests/cases/lint/`, each as one input.
//!
//! What a case expects is not looked at here, `tests/it/trust_cases.rs` and `tests/it/federation_cases.rs` do that; so a case is laid
//! over its base in one way for all clouds (RFC 7396), which gives something close to what it means.

use std::fs;
use std::path::{Path, PathBuf};

use jobpass::trust;
use serde_json::{Map, Value, json};

use super::input::join;

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, value) in patch {
        if value.is_null() {
            target.as_object_mut().map(|object| object.remove(name));
        } else {
            merge(&mut target[name], value);
        }
    }
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One case as an input.
fn input(base: &Value, case: &Value) -> Vec<u8> {
    let (mut trust, mut claims) = (base["trust"].clone(), base["claims"].clone());
    claims["iss"] = case.get("issuer").unwrap_or(&base["issuer"]).clone();
    merge(&mut claims, case.get("claims").unwrap_or(&json!({})));
    if let Some(statement) = trust.pointer_mut("/Statement/0") {
        merge(statement, case.get("statement").unwrap_or(&json!({})));
        if let Some(condition) = case.get("condition") {
            merge(&mut statement["Condition"], condition);
        }
        let more = case["more"].as_array().cloned().unwrap_or_default();
        trust["Statement"].as_array_mut().expect("a list of statements").extend(more);
        merge(&mut trust, case.get("document").unwrap_or(&json!({})));
    } else {
        merge(&mut trust, case.get("trust").unwrap_or(&json!({})));
    }
    let trust = trust.to_string();
    let file = case.get("file").map_or_else(
        || trust.clone(),
        |file| {
            let text = json!(trust).to_string();
            file.to_string().replace("\"$TRUST\"", &trust).replace("\"$TEXT\"", &text).replace("\"$ENCODED\"", &text)
        },
    );
    join(&file, &claims.to_string())
}

fn within(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut all: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    all.sort();
    all
}

/// A workflow as it is written, and as JSON, which can be changed where it has a meaning.
fn workflows(folder: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for file in within(folder) {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        all.extend(trust::read(&text).ok().map(|value| value.to_string().into_bytes()));
        all.push(text.into_bytes());
    }
    all
}

/// The inputs for a target, from the cases below `cases` (the repository's `tests/cases`), and from files as people have
/// them, which lie in a folder beside these.
pub fn of(target: &str, cases: &Path) -> Vec<Vec<u8>> {
    if target == "workflow" {
        return workflows(&cases.join("lint/workflows"));
    }
    let cloud = if target == "cel" || target == "claims" { "gcp" } else { target };
    let folder = cases.join("trust").join(cloud);
    let base = read(&folder.join("base.json"));
    let (folders, files): (Vec<_>, Vec<_>) = within(&folder).into_iter().partition(|path| path.is_dir());
    let mut all = Vec::new();
    for file in folders.iter().flat_map(|folder| within(folder)) {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        all.push(join(&text, &base["claims"].to_string()));
    }
    for file in files.iter().filter(|file| !file.ends_with("base.json")) {
        let document = read(file);
        for grid in document["grids"].as_array().into_iter().flatten() {
            for form in ["", "IfExists", "ForAllValues:", "ForAnyValue:"] {
                let operator = grid["operator"].as_str().expect("an operator");
                let operator =
                    if form.ends_with(':') { format!("{form}{operator}") } else { format!("{operator}{form}") };
                let key = grid["key"].as_str().expect("a key");
                all.push(input(&base, &json!({"condition": {operator: {key: grid["satisfied"]}}})));
            }
        }
        all.extend(document["cases"].as_array().into_iter().flatten().map(|case| input(&base, case)));
    }
    match target {
        "cel" => all.iter().filter_map(|one| expression(one)).collect(),
        "claims" => all.iter().filter_map(|one| Some(one.rsplit(|byte| *byte == 0).next()?.to_vec())).collect(),
        _ => all,
    }
}

/// The condition of a provider with the claims behind it.
fn expression(input: &[u8]) -> Option<Vec<u8>> {
    let (trust, claims) = std::str::from_utf8(input).ok()?.split_once('\0')?;
    let trust: Value = serde_json::from_str(trust).ok()?;
    Some(join(trust.pointer("/provider/attributeCondition")?.as_str()?, claims))
}
