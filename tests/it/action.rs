//! `jobpass action` on the real binary: what the GitHub Action does with its inputs. `action_wrong` has what a workflow's author
//! can get wrong, `action_file` holds `action.yml`, documents and table together.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::harness::{Ran, Scratch, checkout};
use crate::job::{Job, Sandbox, parsed};

/// A sandbox that grants the three clouds' edges of the fourth example.
pub(crate) fn beside(args: &[&str]) -> (Scratch, Sandbox) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let mut all = vec!["--config", config.as_str()];
    all.extend(args);
    let sandbox = Sandbox::start(&scratch, &all);
    (scratch, sandbox)
}

/// The variable that the runner puts an input into.
pub(crate) fn variable(input: &str) -> String {
    format!("INPUT_{}", input.to_uppercase())
}

/// A step that uses the action with these inputs. As on the runner, those that are not given are there and empty.
pub(crate) fn uses(job: &Job, with: &[(&str, &str)]) -> Ran {
    let mut command = job.command(&["action"]);
    for input in jobpass::cli::action::inputs::all() {
        command.env(variable(input.name), "");
    }
    for (input, value) in with {
        command.env(variable(input), value);
    }
    crate::harness::run(&mut command)
}

pub(crate) const AWS: [(&str, &str); 2] =
    [("aws-role", "arn:aws:iam::123456789012:role/deploy"), ("aws-region", "eu-central-1")];
pub(crate) const GCP: [(&str, &str); 2] = [
    ("gcp-provider", "projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github"),
    ("gcp-service-account", "publish@acme-shop.iam.gserviceaccount.com"),
];
pub(crate) const AZURE: [(&str, &str); 3] = [
    ("azure-client-id", "11111111-2222-3333-4444-555555555555"),
    ("azure-tenant-id", "99999999-8888-7777-6666-555555555555"),
    ("azure-subscription-id", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"),
];

pub(crate) fn three() -> Vec<(&'static str, &'static str)> {
    [&AWS[..], &GCP, &AZURE].concat()
}

fn outputs(job: &Job) -> BTreeMap<String, String> {
    parsed(&job.file("GITHUB_OUTPUT")).into_iter().collect()
}

/// What a step exported, with what differs from run to run made equal: the pass's name, keys and tokens, times.
fn shape(job: &Job) -> BTreeMap<String, String> {
    let pass = job.exported()["JOBPASS_PASS"].clone();
    let varies = ["KEY", "TOKEN", "EXPIRATION"];
    job.exported()
        .into_iter()
        .map(|(name, value)| {
            let same = !varies.iter().any(|part| name.contains(part)) || value.starts_with('/');
            (name, if same { value.replace(&pass, "PASS") } else { "…".to_owned() })
        })
        .collect()
}

#[test]
fn three_clouds_by_our_names() {
    let (_scratch, sandbox) = beside(&[]);
    let job = Job::new(&sandbox.variables);
    let ran = uses(&job, &three());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.lines().all(|line| line.starts_with("::add-mask::")), "masks and nothing else: {}", ran.stdout);
    let exported = job.exported();
    for name in ["AWS_SESSION_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_FEDERATED_TOKEN_FILE", "JOBPASS_PASS"] {
        assert!(!exported[name].is_empty(), "{name}");
    }
    let outputs = outputs(&job);
    assert_eq!(outputs["pass"], exported["JOBPASS_PASS"]);
    assert_eq!(outputs["aws-account-id"], "123456789012");
    assert_eq!(outputs["gcp-identity"], "publish@acme-shop.iam.gserviceaccount.com");
    let edges: Value = serde_json::from_str(&outputs["edges"]).unwrap();
    assert_eq!(edges["azure"]["token-file"], outputs["azure-token-file"].as_str());
    assert_eq!(edges["aws"]["expiration"], outputs["aws-expiration"].as_str());
    assert!(!outputs.contains_key("skipped") && !outputs.contains_key("aws-session-token"));
    let ended = job.jobpass(&["logout", "--pass", &outputs["pass"]]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(job.passes().is_empty() && job.is_blanked());
}
