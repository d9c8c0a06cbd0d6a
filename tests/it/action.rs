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

pub(crate) fn outputs(job: &Job) -> BTreeMap<String, String> {
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

/// The same three clouds as the three other actions' names describe them.
fn three_by_other_names() -> Vec<(&'static str, &'static str)> {
    vec![
        ("role-to-assume", AWS[0].1),
        ("aws-region", AWS[1].1),
        ("workload_identity_provider", GCP[0].1),
        ("service_account", GCP[1].1),
        ("client-id", AZURE[0].1),
        ("tenant-id", AZURE[1].1),
        ("subscription-id", AZURE[2].1),
        ("environment", "azurecloud"),
        // What other actions have on or off by default, written out.
        ("role-chaining", "false"),
        ("role-skip-session-tagging", "true"),
        ("unset-current-credentials", "TRUE"),
        ("create_credentials_file", "true"),
        ("export_environment_variables", "True"),
        ("cleanup_credentials", "true"),
        ("allow-no-subscriptions", "true"),
        ("auth-type", "SERVICE_PRINCIPAL"),
        ("action-timeout-s", "0"),
    ]
}

#[test]
fn three_clouds_by_the_other_actions_names_are_the_same() {
    let (_scratch, sandbox) = beside(&[]);
    let (ours, theirs) = (Job::new(&sandbox.variables), Job::new(&sandbox.variables));
    assert_eq!(uses(&ours, &three()).code, 0);
    let ran = uses(&theirs, &three_by_other_names());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.lines().all(|line| line.starts_with("::add-mask::")), "{}", ran.stdout);
    assert_eq!(shape(&ours), shape(&theirs));
    assert!(shape(&ours).len() > 25, "{:?}", shape(&ours));
    let names = |job: &Job| outputs(job).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    // Both names with one value are no contradiction, and white space around a value is none of it.
    let both: Vec<_> = three().into_iter().chain(three_by_other_names()).collect();
    assert_eq!(uses(&Job::new(&sandbox.variables), &both).code, 0);
    let padded = format!("\n  {} \n", AWS[0].1);
    let with = [("aws-role", padded.as_str()), AWS[1], ("role-to-assume", AWS[0].1)];
    assert_eq!(uses(&Job::new(&sandbox.variables), &with).code, 0);
}

#[test]
fn what_is_ignored_is_said_once_and_fails_nothing() {
    let (_scratch, sandbox) = beside(&[]);
    let job = Job::new(&sandbox.variables);
    let with = [("retry-max-attempts", "3"), ("disable-retry", "true"), ("cleanup_credentials", "false")];
    let ran = uses(&job, &[&AWS[..], &with].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let notices: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("::notice ")).collect();
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert_eq!(
        notices[1],
        "::notice title=jobpass%3A ignored::`retry-max-attempts` is not used: What passes by itself is tried five times at \
         most; a denial once"
    );
    let switched_off = uses(&job, &[&AWS[..], &[("disable-retry", "false"), ("cleanup_credentials", "true")]].concat());
    assert!(!switched_off.stdout.contains("::notice"), "{}", switched_off.stdout);
}

#[test]
fn variables_that_others_left_behind_do_nothing() {
    let (_scratch, sandbox) = beside(&[]);
    let mut job = Job::new(&sandbox.variables);
    for (name, value) in [("INPUT_TOKEN", "canary"), ("INPUT_NODE-VERSION", "24"), ("INPUT_FETCH-DEPTH", "1")] {
        job.set(name, value);
    }
    let ran = uses(&job, &AWS);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn secrets_are_outputs_only_where_they_are_asked_for() {
    let (_scratch, sandbox) = beside(&[]);
    let secret =
        ["aws-secret-access-key", "aws-session-token", "gcp-access-token", "gcp-id-token", "azure-access-token"];
    let given = |with: &[(&str, &str)]| {
        let job = Job::new(&sandbox.variables);
        let ran = uses(&job, &[&three()[..], with].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let outputs = outputs(&job);
        for name in secret.iter().filter(|name| outputs.contains_key(**name)) {
            let masked = format!("::add-mask::{}\n", outputs[*name]);
            assert!(outputs[*name].len() > 20 && ran.stdout.contains(&masked), "{name} is not masked");
            assert!(!outputs["edges"].contains(&outputs[*name]), "{name} stands in the object of all edges");
        }
        secret.into_iter().filter(|name| outputs.contains_key(*name)).collect::<Vec<_>>()
    };
    assert_eq!(given(&[]), [""; 0]);
    let asked = ("id_token_audience", "https://shop.example");
    assert_eq!(given(&[("output-credentials", "true"), asked]), secret);
    assert_eq!(given(&[("output-credentials", "false"), asked]), [""; 0]);
    // Google's action has a word of its own for this, and it means Google's tokens alone.
    assert_eq!(given(&[("token_format", "access_token")]), ["gcp-access-token"]);
    assert_eq!(given(&[("token_format", "id_token"), asked]), ["gcp-access-token", "gcp-id-token"]);
}

#[test]
fn each_cloud_has_the_lifetime_that_its_own_input_says() {
    let (_scratch, sandbox) = beside(&[]);
    let minutes = |with: &[(&str, &str)]| {
        let job = Job::new(&sandbox.variables);
        let ran = uses(&job, &[&three()[..], with].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let now = time::OffsetDateTime::now_utc();
        let left = |name: &str| {
            let format = &time::format_description::well_known::Rfc3339;
            let end = time::OffsetDateTime::parse(&outputs(&job)[name], format).unwrap();
            (end - now).whole_seconds().div_euclid(60) + 1
        };
        (left("aws-expiration"), left("gcp-expiration"))
    };
    assert_eq!(minutes(&[]), (60, 60));
    assert_eq!(minutes(&[("ttl", "30m")]), (30, 30));
    assert_eq!(minutes(&[("role-duration-seconds", "900")]), (15, 60));
    assert_eq!(minutes(&[("access_token_lifetime", "20m"), ("role-duration-seconds", "900")]), (15, 20));
    assert_eq!(minutes(&[("access_token_lifetime", "2700"), ("ttl", "45m")]), (45, 45));
}

#[test]
fn two_uses_in_one_job() {
    let (_scratch, sandbox) = beside(&[]);
    let job = Job::new(&sandbox.variables);
    assert_eq!(uses(&job, &AWS).code, 0);
    let first = outputs(&job)["pass"].clone();
    assert_eq!(uses(&job, &[&GCP[..], &AZURE].concat()).code, 0);
    let second = outputs(&job)["pass"].clone();
    assert_ne!(first, second);
    // Post steps run in the opposite order, each with its own pass.
    for (pass, left) in [(&second, 1), (&first, 0)] {
        let ended = job.jobpass(&["logout", "--pass", pass]);
        assert_eq!((ended.code, job.passes().len()), (0, left), "{}", ended.stderr);
    }
    assert!(job.is_blanked());
}

#[test]
fn partly_granted_is_handed_over_where_that_is_asked_for_and_fails_with_an_annotation() {
    let (_scratch, sandbox) = beside(&[]);
    let job = Job::new(&sandbox.variables);
    let other = [("role-to-assume", "arn:aws:iam::123456789012:role/other"), ("aws-region", "eu-central-1")];
    let ran = uses(&job, &[&other[..], &AZURE, &[("keep-going", "true")]].concat());
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    let errors: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("::error ")).collect();
    assert!(
        errors.len() == 1 && errors[0].starts_with("::error title=jobpass%3A sts-refused::aws edge `aws`: "),
        "{errors:?}"
    );
    assert!(outputs(&job).contains_key("azure-identity") && !outputs(&job).contains_key("aws-identity"));
}

#[test]
fn accounts_are_masked_before_anything_shows_them() {
    let (_scratch, sandbox) = beside(&[]);
    for (with, code) in [(&[][..], 0), (&[("allowed-account-ids", "999999999999")], 4)] {
        let job = Job::new(&sandbox.variables);
        let mask = [("mask-aws-account-id", "true")];
        let ran = uses(&job, &[&AWS[..], &mask, with].concat());
        assert_eq!(ran.code, code, "{}", ran.stderr);
        assert!(ran.stdout.starts_with("::add-mask::123456789012\n"), "{}", ran.stdout);
    }
}

#[test]
fn a_pass_that_cannot_be_ended_is_an_annotation_of_the_post_step() {
    let (_scratch, sandbox) = beside(&[]);
    let job = Job::new(&sandbox.variables);
    let victim = job.scratch.write("victim/precious", "").parent().unwrap().display().to_string();
    let ran = job.jobpass(&["logout", "--pass", &victim]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stdout.starts_with("::error title=jobpass%3A not-a-pass::"), "{}", ran.stdout);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    // Where standard output is for a shell or a program, it stays theirs.
    let ran = job.jobpass(&["logout", "--pass", &victim, "--format", "shell"]);
    assert!(ran.code == 5 && !ran.stdout.contains("::error"), "{}", ran.stdout);
}
