//! Passes on top of what the job had, and of each other: each end gives back what stood there before.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::harness::{Scratch, checkout};
use crate::job::{Job, Sandbox};

const STANDING: [(&str, &str); 5] = [
    ("AWS_ACCESS_KEY_ID", "AKIASTANDINGKEY"),
    ("AWS_SECRET_ACCESS_KEY", "standing-long-lived-secret"),
    ("AWS_REGION", "us-east-2"),
    ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/standing"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "/standing/credentials.json"),
];

fn beside() -> (Scratch, Sandbox, Job, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config]);
    let mut job = Job::new(&sandbox.variables);
    for (name, value) in STANDING {
        job.set(name, value);
    }
    (scratch, sandbox, job, config)
}

fn login(job: &Job, args: &[&str]) -> BTreeMap<String, String> {
    let ran = job.jobpass(&[&["login"], args].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    job.take_state()
}

fn end(job: &Job, state: &BTreeMap<String, String>) -> String {
    let ran = job.post(state, &["logout", "--pass", &state["pass"]]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stderr
}

/// The named variables as later steps see them.
fn seen<'a>(job: &Job, names: impl IntoIterator<Item = &'a str>) -> Vec<(String, String)> {
    let environment = job.environment();
    names.into_iter().map(|name| (name.to_owned(), environment.get(name).cloned().unwrap_or_default())).collect()
}

fn standing() -> Vec<(String, String)> {
    STANDING.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_post_step_gives_back_what_stood_there_and_no_half_says_it() {
    let (_scratch, _sandbox, job, config) = beside();
    let state = login(&job, &["--config", &config]);
    let during = seen(&job, STANDING.map(|(name, _)| name));
    assert!(during.iter().all(|pair| !standing().contains(pair)), "{during:?}");
    assert_eq!(job.environment()["AWS_ROLE_ARN"], "", "it would win over the keys in some client");

    let pass = fs::canonicalize(&state["pass"]).unwrap();
    let mut halves = vec![STANDARD.decode(&state["earlier"]).unwrap()];
    halves.extend(crate::harness::files_below(&pass).iter().map(|path| fs::read(path).unwrap()));
    assert!(halves.len() > 5, "the pad lies among the pass's files");
    for half in halves {
        assert!(!half.windows(10).any(|piece| piece == b"long-lived"), "a half may not say it");
    }

    let said = end(&job, &state);
    assert!(said.contains("gave the earlier value of "), "{said}");
    assert_eq!(seen(&job, STANDING.map(|(name, _)| name)), standing());
    assert_eq!(job.environment()["AWS_SESSION_TOKEN"], "");
    assert!(job.passes().is_empty());
    assert_eq!(end(&job, &state), "no pass to end\n", "a second time");
}

#[test]
fn the_second_of_two_ends_first_and_gives_back_the_first_ones() {
    let (_scratch, _sandbox, job, config) = beside();
    let first = login(&job, &["deploy", "--config", &config]);
    let between = job.environment();
    let second = login(&job, &["deploy", "publish", "--config", &config]);
    assert_ne!(job.environment()["AWS_SESSION_TOKEN"], between["AWS_SESSION_TOKEN"]);
    end(&job, &second);
    let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "JOBPASS_PASS"];
    for name in names {
        assert_eq!(job.environment()[name], between[name], "{name}");
    }
    end(&job, &first);
    assert_eq!(seen(&job, STANDING.map(|(name, _)| name)), standing());
    assert!(job.passes().is_empty());
}

#[test]
fn one_logout_for_both_goes_back_to_before_either() {
    let (_scratch, _sandbox, mut job, config) = beside();
    job.set("AWS_PROFILE", "corp");
    for _ in 0..2 {
        login(&job, &["deploy", "--config", &config, "--deliver", "files"]);
    }
    assert_eq!(job.environment()["AWS_PROFILE"], "default");
    assert_eq!(job.jobpass(&["logout"]).code, 0);
    assert_eq!(job.environment()["AWS_PROFILE"], "corp", "not the first pass's own profile, which is gone");
    assert!(job.passes().is_empty());
}

#[test]
fn what_another_step_has_set_since_is_left_as_it_is() {
    let (_scratch, _sandbox, job, config) = beside();
    let state = login(&job, &["--config", &config]);
    let mut env = job.file("GITHUB_ENV");
    env.push_str("AWS_REGION=ap-south-1\nAWS_SESSION_TOKEN=\nAZURE_CONFIG_DIR=/elsewhere\n");
    fs::write(job.path("GITHUB_ENV"), env).unwrap();
    let ran = job.post(&state, &["logout", "--pass", &state["pass"], "--format", "json"]);
    let value: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["others"], serde_json::json!(["AWS_REGION", "AZURE_CONFIG_DIR"]));
    assert!(
        ran.stderr.contains("left as another step has set them since: AWS_REGION, AZURE_CONFIG_DIR\n"),
        "{}",
        ran.stderr
    );
    let after = job.environment();
    assert_eq!((after["AWS_REGION"].as_str(), after["AZURE_CONFIG_DIR"].as_str()), ("ap-south-1", "/elsewhere"));
    assert_eq!((after["AWS_SESSION_TOKEN"].as_str(), after["AWS_ACCESS_KEY_ID"].as_str()), ("", "AKIASTANDINGKEY"));
    assert_eq!(after["AZURE_CLIENT_ID"], "");
}

#[test]
fn a_state_of_another_pass_is_said_and_the_pass_ends_all_the_same() {
    let (_scratch, _sandbox, job, config) = beside();
    let mut state = login(&job, &["--config", &config]);
    state.insert("earlier".to_owned(), "bm90IG91cnM=".to_owned());
    let ran = job.post(&state, &["logout", "--pass", &state["pass"]]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("error[earlier]: STATE_earlier does not fit the pass"), "{}", ran.stderr);
    assert!(job.passes().is_empty());
    assert_eq!(job.environment()["AWS_SECRET_ACCESS_KEY"], "", "ours are blanked");
}

#[test]
fn the_runner_knows_the_pass_before_anything_is_granted() {
    let (_scratch, _sandbox, mut job, config) = beside();
    job.set("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:9/token?x=y");
    let ran = job.jobpass(&["login", "--config", &config, "--timeout", "1s"]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    let state = job.take_state();
    assert_eq!(state.keys().collect::<Vec<_>>(), ["pass"]);
    assert!(job.passes().is_empty());
    assert_eq!(end(&job, &state), "no pass to end\n");
}

#[test]
fn what_still_works_is_said_with_its_end() {
    let (_scratch, _sandbox, job, config) = beside();
    let state = login(&job, &["--config", &config]);
    let said = end(&job, &state);
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("not revoked: ")).collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, edge) in lines.iter().zip(["aws edge `deploy`", "azure edge `infra`", "gcp edge `publish`"]) {
        assert!(line.starts_with(&format!("not revoked: {edge} works until 20")), "{line}");
        assert!(line.ends_with("Z for whoever has a copy"), "{line}");
    }
}
