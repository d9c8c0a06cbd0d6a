//! A denial says why, where the edge names its trust policy.

use std::fs;

use crate::harness::{Scratch, checkout};
use crate::job::{Job, Sandbox};

/// In place of the gates.
const GATE: &str = "repository = \"acme/shop\"\n\n";

/// The example's files in a directory of the test's own, so that they can differ from what the sandbox has.
fn beside(args: &[&str]) -> (Scratch, Sandbox, Job, String) {
    let scratch = Scratch::new();
    let example = checkout().join("examples/04-three-clouds");
    for file in ["jobpass.toml", "trust/aws.json", "trust/gcp.json", "trust/azure.json"] {
        // Without the gate's word on the environment: it would close before the cloud is asked.
        let text = fs::read_to_string(example.join(file)).unwrap();
        scratch.write(file, &text.replace("repository = \"acme/shop\"\nenvironment = \"production\"\n\n", GATE));
    }
    let config = scratch.path().join("jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &[&["--config", &config], args].concat());
    let job = Job::new(&sandbox.variables);
    (scratch, sandbox, job, config)
}

#[test]
fn each_clouds_denial_names_the_clause() {
    let (_scratch, _sandbox, job, config) = beside(&["--environment", "staging"]);
    for (edge, clause, expected, presented) in [
        (
            "deploy",
            "/Condition/StringEquals/token.actions.githubusercontent.com:sub\n",
            "repo:acme/shop:environment:production\n",
            "repo:acme/shop:environment:staging\n",
        ),
        ("publish", "condition assertion.environment == 'production'\n", "production\n", "staging\n"),
        (
            "infra",
            "subject of credential `shop-production`\n",
            "repo:acme/shop:environment:production\n",
            "repo:acme/shop:environment:staging\n",
        ),
    ] {
        let ran = job.jobpass(&["login", edge, "--config", &config]);
        assert_eq!(ran.code, 4, "{edge}: {}", ran.stderr);
        let (_, reasons) = ran.stderr.split_once("does not let this job in\n").expect(&ran.stderr);
        for part in [clause, &format!("expected   {expected}"), &format!("presented  {presented}"), "  line "] {
            assert!(reasons.contains(part), "{edge}, {part}: {}", ran.stderr);
        }
        assert!(!reasons.contains(":aud\n"), "{edge}: what holds is no reason: {}", ran.stderr);
    }
}

#[test]
fn a_file_that_differs_from_what_is_live_is_said_and_changes_nothing() {
    let (scratch, _sandbox, job, config) = beside(&["--environment", "staging"]);
    let text = fs::read_to_string(scratch.path().join("trust/aws.json")).unwrap();
    scratch.write("trust/aws.json", &text.replace("environment:production", "environment:staging"));
    let ran = job.jobpass(&["login", "deploy", "--config", &config]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("aws.json lets this job in\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: what the cloud has differs from that file"), "{}", ran.stderr);

    scratch.write("trust/aws.json", "{");
    let ran = job.jobpass(&["login", "deploy", "--config", &config]);
    assert_eq!(ran.code, 4, "a file that cannot be read is no other error: {}", ran.stderr);
    assert!(ran.stderr.contains("error[sts-refused]") && ran.stderr.contains("trust policy"), "{}", ran.stderr);
}

#[test]
fn what_the_gate_has_closed_needs_no_other_reason() {
    let (scratch, _sandbox, job, config) = beside(&["--environment", "staging"]);
    let text = fs::read_to_string(&config).unwrap();
    scratch.write("jobpass.toml", &text.replacen(GATE, "repository = \"acme/other\"\n\n", 1));
    let ran = job.jobpass(&["login", "deploy", "--config", &config]);
    assert!(ran.code == 4 && ran.stderr.contains("error[gate]"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("let this job in"), "{}", ran.stderr);
}
