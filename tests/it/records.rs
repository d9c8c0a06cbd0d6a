//! The record of exchanges (threat T36): one line per attempt, granted or denied, with everything but the secrets; and the
//! table in the step's summary.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::harness::{Scratch, checkout, files_below};
use crate::job::{Job, Sandbox};
use crate::relay::{Relay, assert_clean};

fn beside(args: &[&str]) -> (Scratch, Sandbox, Relay, Job) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &[&["--config", &config], args].concat());
    let relay = Relay::before(&sandbox);
    let job = Job::new(&relay.variables);
    (scratch, sandbox, relay, job)
}

/// Every record of the job, in the order of the log.
fn records(job: &Job) -> Vec<Value> {
    let logs =
        job.passes().into_iter().flat_map(|pass| files_below(&pass)).filter(|path| path.ends_with("audit.jsonl"));
    let text: String = logs.map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn names(record: &Value) -> BTreeSet<&str> {
    record.as_object().unwrap().keys().map(String::as_str).collect()
}

const ALWAYS: [&str; 11] = [
    "time",
    "edge",
    "destination",
    "identity",
    "issuer",
    "subject",
    "audience",
    "outcome",
    "request-id",
    "milliseconds",
    "attempts",
];

#[test]
fn one_line_per_attempt_granted_denied_or_failed() {
    let (_scratch, sandbox, relay, job) = beside(&["--fault", "azure:500"]);
    let config = fs::read_to_string(checkout().join("examples/04-three-clouds/jobpass.toml")).unwrap();
    let config: String = config
        .replace("publish@acme-shop", "other@acme-shop")
        .lines()
        .filter(|line| !line.starts_with("trust = "))
        .map(|line| format!("{line}\n"))
        .collect();
    let config = job.scratch.write("jobpass.toml", &config).display().to_string();
    let ran = job.jobpass(&["login", "--config", &config, "--keep-going", "--timeout", "40s"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    let records = records(&job);
    assert_eq!(records.len(), 3);
    let of = |edge: &str| records.iter().find(|record| record["edge"] == edge).unwrap();
    let (granted, denied, failed) = (of("deploy"), of("publish"), of("infra"));
    let fields = |more: &[&'static str]| -> BTreeSet<&str> { ALWAYS.iter().chain(more).copied().collect() };
    assert_eq!(names(granted), fields(&["expiration", "jti-sha256"]));
    assert!(names(denied).is_superset(&fields(&["error-code", "jti-sha256"])), "{denied}");
    assert!(names(failed).is_superset(&fields(&["error-code", "jti-sha256"])), "{failed}");
    for (record, outcome, destination) in
        [(granted, "granted", "aws"), (denied, "denied", "gcp"), (failed, "failed", "azure")]
    {
        assert_eq!((&record["outcome"], &record["destination"]), (&outcome.into(), &destination.into()));
        assert_eq!(record["subject"], "repo:acme/shop:environment:production");
        assert_eq!(record["jti-sha256"].as_str().unwrap().len(), 64);
        for name in ["time", "expiration"] {
            let moment = record.get(name).and_then(Value::as_str).unwrap_or("2026-01-01T00:00:00Z");
            assert!(moment.len() == 20 && moment.ends_with('Z'), "{moment}");
        }
    }
    assert_eq!(granted["attempts"], 1);
    assert_eq!(denied["attempts"], 1, "a denial is not repeated");
    assert!(failed["attempts"].as_u64().unwrap() > 1, "an outage is: {failed}");
    assert_eq!(granted["audience"], "sts.amazonaws.com");
    assert!(granted["identity"].as_str().unwrap().starts_with("arn:aws:sts::123456789012:assumed-role/deploy/"));

    // What the log says was tried is what the sandbox saw.
    let seen = |part: &str| sandbox.requests().iter().filter(|request| request.contains(part)).count() as u64;
    assert_eq!(failed["attempts"].as_u64().unwrap(), seen("oauth2"), "{:?}", sandbox.requests());
    let text = records.iter().map(Value::to_string).collect::<String>() + &job.file("GITHUB_STEP_SUMMARY");
    assert_clean(&text, &relay.secrets(), "the records");

    let summary = job.file("GITHUB_STEP_SUMMARY");
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!(lines[0], "### jobpass");
    assert_eq!(lines[2], "| edge | destination | outcome | identity | expires | request id | ms |");
    assert_eq!(lines.len(), 8, "three rows and a blank line: {summary}");
    assert!(lines[4].starts_with("| deploy | aws | granted | "), "{summary}");
    assert!(
        summary.contains("| publish | gcp | denied&#58; ") && summary.contains("| infra | azure | failed&#58; "),
        "{summary}"
    );
    assert!(lines[4..7].iter().all(|line| line.matches('|').count() == 8), "{summary}");
    assert!(!lines.iter().any(|line| line.contains("::")), "no command of the runner's: {summary}");
}

#[test]
fn a_denial_keeps_its_record_and_exec_writes_one_too() {
    let (_scratch, _sandbox, relay, job) = beside(&["--ref", "refs/heads/topic"]);
    let role = ["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"];
    for (verb, count) in [("login", 1), ("exec", 2)] {
        let mut args = [&[verb], &role[..]].concat();
        args.extend(["--", "true"].iter().filter(|_| verb == "exec"));
        let ran = job.jobpass(&args);
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        let records = records(&job);
        assert_eq!(records.len(), count, "{records:?}");
        for record in &records {
            assert_eq!((&record["outcome"], &record["destination-code"]), (&"denied".into(), &"AccessDenied".into()));
            assert!(record["request-id"].as_str().is_some_and(|id| !id.is_empty()));
            assert!(ran.stderr.contains("request id"), "{}", ran.stderr);
            assert_clean(&record.to_string(), &relay.secrets(), verb);
        }
    }
}

#[test]
fn without_an_id_token_the_attempt_is_recorded_in_the_summary() {
    let (_scratch, _sandbox, _relay, job) = beside(&["--fault", "github:500"]);
    let ran = job.jobpass(&["login", "--aws-role", "arn:aws:iam::1:role/x", "--aws-region", "eu-central-1"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(job.file("GITHUB_STEP_SUMMARY"), "", "nothing was attempted");
    let args =
        ["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1", "--timeout", "1s"];
    let ran = job.jobpass(&[&["login"], &args[..]].concat());
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    let summary = job.file("GITHUB_STEP_SUMMARY");
    assert!(summary.contains("| aws | aws | failed&#58; token-endpoint | "), "{summary}");
    assert!(job.passes().is_empty(), "an outage leaves nothing");
}

#[test]
fn a_record_that_cannot_be_written_stops_the_login() {
    let (_scratch, _sandbox, _relay, mut job) = beside(&[]);
    // The table is for readers: without it a login goes on, and says so.
    job.set("GITHUB_STEP_SUMMARY", "/dev/full");
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let ran = job.jobpass(&["login", "deploy", "--config", &config]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning: /dev/full is not a regular file"), "{}", ran.stderr);
    assert_eq!(records(&job).len(), 1);
}
