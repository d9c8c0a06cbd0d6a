//! GitHub workflows.

use std::collections::BTreeSet;
use std::path::Path;

use jobpass::edge::{Edge, file};
use jobpass::trust::lint::{Report, lint_workflow};
use jobpass::trust::{self, Workflow};
use serde_json::Value;

use super::input;

const EDGES: &str = "[edge.deploy]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/deploy\"\nregion = \"eu-central-1\"\n\
                     [edge.deploy.require]\nrunner_environment = \"github-hosted\"\n";

/// Any text as a workflow.
pub fn check(data: &[u8]) {
    let Some((text, _)) = input::split(data) else { return };
    let Ok(Some(workflow)) = Workflow::recognise(text) else { return };
    let edges = file::parse(EDGES, Path::new("jobpass.toml")).expect("an edge file").edges;
    let report = lint_workflow(&workflow, &edges);
    // YAML takes a carriage return alone for the end of a line.
    let lines = text.split(['\n', '\r']).count();
    for finding in &report.findings {
        assert!(!finding.message.is_empty() && finding.rule.code.starts_with("TP08"));
        assert!(finding.place.is_none_or(|place| (1..=lines).contains(&place.line)), "a place outside of the file");
    }
    // An alias is followed in a workflow alone, so this reading has none of them.
    let Ok(mut value) = trust::read(text) else { return };
    if !text.contains(['*', '&']) {
        assert_eq!(told(&again(&value, &edges)), told(&report), "another spelling of the same has other findings");
    }
    silence(&mut value);
    assert_eq!(told(&again(&value, &edges)), BTreeSet::new(), "no job may mint tokens");
}

/// The same as JSON, which is YAML too.
fn again(value: &Value, edges: &[Edge]) -> Report {
    let workflow = Workflow::recognise(&value.to_string()).expect("the same value is read");
    lint_workflow(&workflow.expect("it is still a workflow"), edges)
}

fn told(report: &Report) -> BTreeSet<(&str, String, String)> {
    let one = |finding: &'_ jobpass::trust::lint::Finding| {
        (finding.rule.code, format!("{:?} {}", finding.severity, finding.path), finding.message.clone())
    };
    report.findings.iter().map(one).collect()
}

/// Without any permissions, a token cannot be had.
fn silence(workflow: &mut Value) {
    let Some(members) = workflow.as_object_mut() else { return };
    members.remove("permissions");
    let jobs = members.get_mut("jobs").and_then(Value::as_object_mut);
    for job in jobs.into_iter().flat_map(|jobs| jobs.values_mut()) {
        if let Some(job) = job.as_object_mut() {
            job.remove("permissions");
        }
    }
}
