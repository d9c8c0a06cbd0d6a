//! Workflows: the cases of `tests/cases/lint/workflows/`, our own, and what the command makes of them.
//!
//! The first line of a case says what it deserves: the worst severity of every rule that finds something above info.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jobpass::edge::{Edge, file};
use jobpass::trust::Workflow;
use jobpass::trust::lint::{Report, Severity, lint_workflow};
use serde_json::{Value, json};

use crate::harness::{Ran, Scratch, checkout, run_in};

/// How many there are at least, and how many safe ones; the numbers only grow.
const AT_LEAST: (usize, usize) = (23, 18);

/// Two edges, of which one demands hosted runners.
const EDGES: &str = "[edge.deploy]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/deploy\"\nregion = \"eu-central-1\"\n\
                     default = true\n[edge.deploy.require]\nrunner_environment = \"github-hosted\"\n\
                     [edge.other]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/other\"\nregion = \"eu-central-1\"\n";

struct Case {
    name: String,
    text: String,
    expected: String,
}

impl Case {
    fn report(&self) -> Report {
        let edges = if self.text.contains("# edges: hosted\n") { edges() } else { Vec::new() };
        let workflow =
            Workflow::recognise(&self.text).unwrap_or_else(|error| panic!("{}: {}", self.name, error.message));
        lint_workflow(&workflow.unwrap_or_else(|| panic!("{} is no workflow", self.name)), &edges)
    }
}

fn edges() -> Vec<Edge> {
    file::parse(EDGES, Path::new("jobpass.toml")).unwrap().edges
}

fn cases() -> Vec<Case> {
    let entries = fs::read_dir(checkout().join("tests/cases/lint/workflows")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let one = |path: std::path::PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let expected = text.lines().next().unwrap().strip_prefix("# expected: ").expect("what it deserves").to_owned();
        Case { name: format!("workflows/{}", path.file_name().unwrap().to_string_lossy()), text, expected }
    };
    paths.into_iter().map(one).collect()
}

/// Every case's name and what is found in it.
pub(crate) fn reports() -> Vec<(String, Report)> {
    cases().iter().map(|case| (case.name.clone(), case.report())).collect()
}

fn told(report: &Report) -> String {
    let mut all: BTreeMap<&str, Severity> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.severity > Severity::Info) {
        let known = all.entry(finding.rule.code).or_insert(finding.severity);
        *known = (*known).max(finding.severity);
    }
    let all: Vec<String> = all.into_iter().map(|(code, severity)| format!("{code} {severity}")).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

#[test]
fn every_workflow_gets_what_it_deserves() {
    let all = cases();
    let wrong: Vec<String> = all
        .iter()
        .map(|case| (case, told(&case.report())))
        .filter(|(case, found)| *found != case.expected)
        .map(|(case, found)| format!("{}: found {found}, expected {}", case.name, case.expected))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let safe = all.iter().filter(|case| case.expected == "nothing").count();
    assert!(all.len() - safe >= AT_LEAST.0 && safe >= AT_LEAST.1, "{} and {safe}", all.len() - safe);
}

#[test]
fn a_finding_has_its_place() {
    for case in cases() {
        let lines: Vec<&str> = case.text.lines().collect();
        for finding in case.report().findings {
            let place = finding.place.unwrap_or_else(|| panic!("{} {}", case.name, finding.path));
            let at: String = lines[place.line - 1].chars().skip(place.column - 1).collect();
            let name = finding.path.rsplit('/').next().unwrap();
            assert!(
                at.trim_start_matches('"').to_lowercase().starts_with(name),
                "{} {}: {at}",
                case.name,
                finding.path
            );
        }
    }
}

fn lint(home: &Path, args: &[&str]) -> Ran {
    run_in(home, &[], ["trust", "lint"].iter().chain(args))
}

#[test]
fn our_own_workflows_and_those_of_the_examples_are_safe() {
    let folders = ["01-aws-github", "02-gcp-github", "03-azure-github", "04-three-clouds"];
    let examples = folders.map(|folder| format!("examples/{folder}/workflow.yml"));
    for (example, folder) in examples.iter().zip(folders) {
        let config = format!("examples/{folder}/jobpass.toml");
        let ran = lint(&checkout(), &[example, "--config", &config, "--fail-on", "low"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    }
    let ran = lint(&checkout(), &[".github/workflows", "--fail-on", "low", "--format", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let files = fs::read_dir(checkout().join(".github/workflows")).unwrap().count();
    assert_eq!((ran.code, &document["summary"]["files"]), (0, &json!(files)), "{}", ran.stdout);
}

#[test]
fn a_workflow_is_looked_at_by_name_and_in_a_directory() {
    let home = Scratch::new();
    home.write("jobpass.toml", EDGES);
    let all = cases();
    let text = |name: &str| &all.iter().find(|case| case.name.contains(name)).unwrap().text;
    home.write("ci/bad.yml", text("/everything"));
    home.write("ci/deep/good.yaml", text("/safe-deploy"));
    home.write("ci/compose.yml", "services:\n  jobs: {image: x}\non: {}\n");
    home.write("ci/torn.yml", "jobs: [\n");
    home.write("ci/action.yml", "runs:\n  using: composite\n  steps: []\n");
    let ran = lint(home.path(), &["ci/bad.yml"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", ran.stdout);
    for text in [
        "ci/bad.yml\n  high     TP080  `test` may mint tokens, is started by `pull_request_target`, and gets the head's code\n",
        "at       /jobs/test/steps/0/with line 10\n",
        "fix      check out nothing of the head in a job with `id-token: write`\n",
        "  medium   TP083  `deploy` runs on `self-hosted`, and the edge `deploy` requires github-hosted\n",
        "\n1 high, 3 medium, 1 low; 1 file, 0 tokens decided\n",
    ] {
        assert!(ran.stdout.contains(text), "{text}\n{}", ran.stdout);
    }
    let ran = lint(home.path(), &["ci", "--format", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        document["summary"],
        json!({"files": 2, "decisions": 0, "severities": {"high": 1, "medium": 3, "low": 1}})
    );
    let first = &document["findings"][0];
    assert_eq!(
        (&first["code"], &first["file"], &first["path"], &first["line"]),
        (&json!("TP080"), &json!("ci/bad.yml"), &json!("/jobs/test/steps/0/with"), &json!(10))
    );
    let ran = lint(home.path(), &["ci/bad.yml", "--format", "sarif"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let place = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&json!("ci/bad.yml"), &json!(10)));
}

#[test]
fn a_broken_workflow_is_told_and_is_called_one() {
    let home = Scratch::new();
    home.write("w/broken.yml", "on: push\njobs:\n  a: [\n");
    for name in ["w/broken.yml", "w"] {
        let ran = lint(home.path(), &[name]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("error[workflow]") && ran.stderr.contains("w/broken.yml"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("trust policy"), "{}", ran.stderr);
    }
}

/// Aliases of aliases: what would grow without end stays what it is.
#[test]
fn aliases_do_not_grow() {
    let mut text = "on: push\njobs:\n  a: {steps: [&a0 [x]]}\n".to_owned();
    for level in 1..100 {
        let list = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("k{level}: &a{level} [{list}]\n"));
    }
    let began = std::time::Instant::now();
    assert!(Workflow::recognise(&text).unwrap().is_some());
    assert!(Workflow::recognise("on: push\njobs: &a\n  b: *a\n").unwrap().is_some());
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}

/// Long ones take time as long as they are, and not its square.
#[test]
fn a_long_workflow_is_no_reason_to_wait() {
    let began = std::time::Instant::now();
    let head = "on: pull_request_target\npermissions: write-all\nenv:\n";
    let variables: String = (0..5_000).map(|at| format!("  V{at}: x\n")).collect();
    let step = |run: &str| format!("jobs: {{a: {{steps: [{{run: '{run}'}}]}}}}\n");
    for run in
        ["${{ ".repeat(50_000), "git fetch $V1 ".repeat(20_000), "$(".repeat(50_000), "git fetch [''a".repeat(20_000)]
    {
        let workflow = Workflow::recognise(&format!("{head}{variables}{}", step(&run))).unwrap().unwrap();
        assert_eq!(told(&lint_workflow(&workflow, &[])), "nothing");
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

/// Cut and changed anywhere, it is looked at, passed over or refused.
#[test]
fn no_text_panics() {
    let edges = edges();
    let bits =
        ["", "\n", ": ", "- ", "[", "}", "&a ", "*a", "!x ", "|", "'", "\"", "${{", "]", "é", "\0", "1e3", "yes"];
    for case in
        cases().iter().filter(|case| ["everything", "alias", "odd", "git-fetch"].iter().any(|n| case.name.contains(n)))
    {
        for (at, _) in case.text.char_indices() {
            let (before, behind) = case.text.split_at(at);
            for bit in bits {
                for text in [
                    format!("{before}{bit}{behind}"),
                    format!("{before}{bit}"),
                    format!("{before}{bit}{}", behind.split_once('\n').map_or("", |(_, rest)| rest)),
                ] {
                    if let Ok(Some(workflow)) = Workflow::recognise(&text) {
                        let _ = lint_workflow(&workflow, &edges);
                    }
                }
            }
        }
    }
}

#[test]
fn only_what_speaks_of_itself_as_a_workflow_can_be_a_broken_one() {
    for text in ["jobs: [\n", "on: push\nsteps: [\n", "a: [\n", "# on: push\n# jobs:\na: [\n", "on: push\njobs: 1\n"] {
        assert!(matches!(Workflow::recognise(text), Ok(None)), "{text}");
    }
    for text in ["on: push\njobs: [\n", "'on': push\n\"jobs\": [\n", "on : push\njobs:\n\ta: 1\n"] {
        assert!(Workflow::recognise(text).is_err(), "{text}");
    }
}
