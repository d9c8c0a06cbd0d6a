//! `trust lint --format sarif` before readers that nobody here wrote: OASIS's schema, and Microsoft's SARIF tool with the rules by
//! which GitHub takes a file in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Scratch, checkout, files_below, run, run_in};
use crate::{installed, python};

const EXEMPTIONS: &str = r#"
[edge.deploy]
destination = "aws"
role = "arn:aws:iam::123456789012:role/deploy"
region = "eu-central-1"
trust = "trust policies/aws/every-branch.json"

[[lint.exempt]]
rule = "TP007"
edge = "deploy"
reason = "the release branches are protected"
until = 2999-01-01

[[lint.exempt]]
rule = "TP002"
file = "trust policies/aws/any-repository.json"
reason = "a demonstration that was to end"
until = 2020-01-01
"#;

/// A repository with the public trust policies in a folder whose name has a blank, and exemptions; one of them has ended.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    let from = checkout().join("examples/06-public-trust-policies");
    for path in files_below(&from) {
        let below = path.strip_prefix(&from).unwrap().display().to_string();
        scratch.write(&format!("trust policies/{below}"), &fs::read_to_string(&path).unwrap());
    }
    scratch.write("jobpass.toml", EXEMPTIONS);
    scratch
}

fn sarif(scratch: &Scratch, folder: &str, code: i32) -> Value {
    let ran = run_in(scratch.path(), &[], ["trust", "lint", folder, "--format", "sarif"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (code, ""));
    serde_json::from_str(&ran.stdout).unwrap()
}

/// What the schema has against a document.
fn schema(scratch: &Scratch, document: &Value) -> Vec<String> {
    let file = scratch.write("looked at.sarif", &document.to_string());
    let script = installed(&checkout().join("tests/clients/sarif_schema.py"));
    let ran = run(Command::new(python("python")).arg(script).arg(file).env_clear().env("HOME", scratch.path()));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let oasis = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
    assert_eq!(answer["schema"], oasis);
    serde_json::from_value(answer["errors"].clone()).unwrap()
}

/// Microsoft's tool; it finds no network, which it would ask whether links lead anywhere.
fn multitool(scratch: &Scratch, args: &[&str]) -> Value {
    let tool = "target/clients/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool";
    let mut command = Command::new(installed(&checkout().join(tool)));
    command.args(args).args(["--output", "answer.sarif", "--log", "ForceOverwrite"]).current_dir(scratch.path());
    command.env_clear().env("HOME", scratch.path()).env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1");
    for name in ["HTTP_PROXY", "HTTPS_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let ran = run(&mut command);
    let answer = fs::read_to_string(scratch.path().join("answer.sarif"));
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {} {}{}", ran.code, ran.stdout, ran.stderr));
    serde_json::from_str(answer.trim_start_matches('\u{feff}')).unwrap()
}

/// The rules that find something worse than a note: the specification's, and those of GitHub's code scanning.
fn ingestion(scratch: &Scratch, document: &Value) -> BTreeSet<String> {
    scratch.write("looked-at.sarif", &document.to_string());
    let levels = ["--level", "Error;Warning;Note", "--rule-kind", "Sarif;Gh;Ghas"];
    let answer = multitool(scratch, &[&["validate", "looked-at.sarif"][..], &levels].concat());
    let (mut worse, mut notes) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
    for one in answer["runs"][0]["results"].as_array().unwrap() {
        let rule = one["ruleId"].as_str().unwrap();
        if one["level"] == "note" {
            *notes.entry(rule).or_default() += 1;
        } else {
            worse.insert(rule.to_owned());
        }
    }
    // What it cannot read it passes without a word. It has looked where it says what it would rather see: messages by id in every
    // result, another name for every rule.
    let count = |list: &str| document["runs"][0].pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    let noted = |rule: &str| notes.get(rule).copied().unwrap_or_default();
    assert_eq!((noted("SARIF2002"), noted("SARIF2012")), (count("/results"), count("/tool/driver/rules")), "{notes:?}");
    worse
}

#[test]
fn sarif_is_valid_with_findings_of_every_severity_exempted_ones_and_none() {
    let scratch = repository();
    let whole = sarif(&scratch, "trust policies", 1);
    let results = whole["runs"][0]["results"].as_array().unwrap();
    let severities: BTreeSet<&str> =
        results.iter().map(|one| one["properties"]["severity"].as_str().unwrap()).collect();
    assert_eq!(severities, BTreeSet::from(["critical", "high", "info", "low", "medium"]));
    assert!(results.iter().any(|one| one["suppressions"][0]["justification"].is_string()));
    assert!(results.iter().any(|one| one["ruleId"] == "TP090"));

    scratch.write(
        "empty/safe.json",
        &fs::read_to_string(scratch.path().join("trust policies/safe/aws/subject-with-ids.json")).unwrap(),
    );
    let none = sarif(&scratch, "empty", 0);
    assert_eq!(none["runs"][0]["results"], json!([]));
    for document in [&whole, &none] {
        assert_eq!(schema(&scratch, document), Vec::<String>::new());
        assert_eq!(ingestion(&scratch, document), BTreeSet::new());
    }
}

#[test]
fn the_line_hashes_are_those_that_another_tool_computes() {
    let scratch = repository();
    let ours = sarif(&scratch, "trust policies", 1);
    let mut stripped = ours.clone();
    for result in stripped["runs"][0]["results"].as_array_mut().unwrap() {
        result["partialFingerprints"].as_object_mut().unwrap().remove("primaryLocationLineHash").unwrap();
        // The tool wants to find the files by themselves.
        let uri = &mut result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        *uri = format!("file://{}/{}", scratch.path().display(), uri.as_str().unwrap()).into();
    }
    scratch.write("stripped.sarif", &stripped.to_string());
    let theirs = multitool(&scratch, &["rewrite", "stripped.sarif", "--insert", "RollingHashPartialFingerprints"]);
    let hashes = |document: &Value| -> Vec<Value> {
        let all = document["runs"][0]["results"].as_array().unwrap().iter();
        all.map(|one| one["partialFingerprints"]["primaryLocationLineHash"].clone()).collect()
    };
    let (ours, theirs) = (hashes(&ours), hashes(&theirs));
    assert!(ours.len() > 150 && ours.iter().all(Value::is_string), "{}", ours.len());
    assert_eq!(ours, theirs);
}

#[test]
fn these_readers_do_find_what_is_wrong() {
    let scratch = repository();
    let whole = sarif(&scratch, "trust policies/azure", 1);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = whole.clone();
        change(&mut document["runs"][0]);
        document
    };
    for (what, document) in [
        ("a level", changed(&|run| run["results"][0]["level"] = "loud".into())),
        ("no message", changed(&|run| drop(run["results"][0].as_object_mut().unwrap().remove("message")))),
        (
            "a line",
            changed(&|run| run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0.into()),
        ),
        (
            "a blank in a URI",
            changed(&|run| {
                run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] = "a b.json".into();
            }),
        ),
        ("an unknown member", changed(&|run| run["findings"] = json!([]))),
    ] {
        assert_ne!(schema(&scratch, &document), Vec::<String>::new(), "{what}");
    }
    for (what, document) in [
        ("no place", changed(&|run| drop(run["results"][0].as_object_mut().unwrap().remove("locations")))),
        (
            "no region",
            changed(&|run| {
                drop(run["results"][0]["locations"][0]["physicalLocation"].as_object_mut().unwrap().remove("region"));
            }),
        ),
        ("a rule that is not there", changed(&|run| run["results"][0]["ruleIndex"] = 999.into())),
    ] {
        assert_ne!(ingestion(&scratch, &document), BTreeSet::new(), "{what}");
    }
}
