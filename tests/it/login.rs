//! The main path on the real binary beside `jobpass sandbox`: what is written where, what a denial says, what is left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{Scratch, checkout};
use crate::job::{Job, Sandbox};

const CONFIG: &str = "examples/04-three-clouds/jobpass.toml";

fn config() -> String {
    checkout().join(CONFIG).display().to_string()
}

/// A sandbox that knows the three clouds' edges and a job beside it.
fn three_clouds(args: &[&str]) -> (Scratch, Sandbox, Job) {
    let scratch = Scratch::new();
    let config = config();
    let mut all = vec!["--config", config.as_str()];
    all.extend(args);
    let sandbox = Sandbox::start(&scratch, &all);
    let job = Job::new(&sandbox.variables);
    (scratch, sandbox, job)
}

/// Everything secret that the job was handed, to be searched for elsewhere.
fn secrets(job: &Job) -> Vec<String> {
    let exported = job.exported();
    let mut all: Vec<String> = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_OAUTH_ACCESS_TOKEN"]
        .iter()
        .filter_map(|name| exported.get(*name).cloned())
        .collect();
    for name in ["AZURE_FEDERATED_TOKEN_FILE", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"] {
        all.push(fs::read_to_string(&exported[name]).unwrap());
    }
    assert!(all.iter().all(|secret| secret.len() > 20), "{}", all.len());
    all
}

#[test]
fn three_clouds_are_handed_over_with_masks_first_and_taken_back() {
    let (_scratch, sandbox, job) = three_clouds(&[]);
    let ran = job.jobpass(&["login", "--config", &config()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.lines().all(|line| line.starts_with("::add-mask::")), "{}", ran.stdout);
    let exported = job.exported();
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_REGION",
        "AWS_CREDENTIAL_EXPIRATION",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "CLOUDSDK_CORE_PROJECT",
        "AZURE_CLIENT_ID",
        "AZURE_CONFIG_DIR",
        "ARM_USE_OIDC",
    ] {
        assert!(exported.get(name).is_some_and(|value| !value.is_empty()), "{name}");
    }
    let everywhere = [
        &ran.stderr,
        &job.file("GITHUB_OUTPUT"),
        &job.file("GITHUB_STEP_SUMMARY"),
        &fs::read_to_string(&sandbox.log).unwrap(),
    ]
    .map(String::as_str)
    .concat();
    for secret in secrets(&job) {
        assert!(ran.stdout.contains(&format!("::add-mask::{secret}\n")), "a secret is not masked");
        assert!(!everywhere.contains(&secret), "a secret outside of variables, files and masks");
    }
    let bearer = &sandbox.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
    for pass in job.passes() {
        assert_eq!(fs::metadata(&pass).unwrap().permissions().mode() & 0o777, 0o700);
        for path in files_below(&pass) {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(bearer), "{} holds the runner's request bearer", path.display());
        }
    }
    assert_eq!(fs::read_dir(job.workspace()).unwrap().count(), 0, "nothing in the workspace");
    assert!(job.file("GITHUB_STEP_SUMMARY").contains("| deploy |"), "{}", job.file("GITHUB_STEP_SUMMARY"));

    for turn in 0..2 {
        let ended = job.jobpass(&["logout"]);
        assert_eq!(ended.code, 0, "turn {turn}: {}", ended.stderr);
        assert!(job.passes().is_empty());
    }
    assert_eq!(job.exported()["AWS_SECRET_ACCESS_KEY"], "");
}

fn files_below(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files_below(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn nothing_secret_is_in_variables_with_files() {
    let (_scratch, _sandbox, job) = three_clouds(&[]);
    let ran = job.jobpass(&["login", "--config", &config(), "--deliver", "files"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let variables = job.file("GITHUB_ENV");
    let masked: Vec<&str> = ran.stdout.lines().filter_map(|line| line.strip_prefix("::add-mask::")).collect();
    assert!(masked.len() >= 5, "{masked:?}");
    for secret in masked {
        assert!(!variables.contains(secret), "a secret in a variable");
    }
}

#[test]
fn a_denial_fails_at_once_shows_both_sides_and_hands_over_nothing() {
    // The gate would close first; flags have no gate.
    let (_scratch, sandbox, job) = three_clouds(&["--ref", "refs/heads/topic"]);
    let ran =
        job.jobpass(&["login", "--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    for part in [
        "error[sts-refused]: aws edge `aws`: sts refused: AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity",
        "presented sub",
        "repo:acme/shop:ref:refs/heads/topic",
        "presented aud",
        "sts.amazonaws.com",
        "presented job_workflow_ref",
        "hint: compare the role's trust policy",
    ] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    let tries = sandbox.requests().iter().filter(|request| request.starts_with("POST /aws")).count();
    assert_eq!(tries, 1, "a denial is not repeated");
    assert_eq!(job.file("GITHUB_ENV"), "");
    // The record of the denial stays, and nothing else.
    let left: Vec<String> = job
        .passes()
        .iter()
        .flat_map(|pass| files_below(pass))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(
        left.contains(&"audit.jsonl".to_owned())
            && left.iter().all(|name| ["audit.jsonl", "journal.json"].contains(&name.as_str())),
        "{left:?}"
    );
    assert_eq!(job.jobpass(&["logout"]).code, 0);
    assert!(job.passes().is_empty());
}

#[test]
fn all_or_nothing_and_keep_going() {
    for (fault, edges) in
        [("aws:403", "infra, publish"), ("gcp-sts:garbage", "deploy, infra"), ("azure:500", "deploy, publish")]
    {
        let (_scratch, _sandbox, job) = three_clouds(&["--fault", fault]);
        let ran = job.jobpass(&["login", "--config", &config(), "--timeout", "4s"]);
        assert!(ran.code == 4 || ran.code == 6, "{fault}: {}", ran.stderr);
        assert_eq!(job.file("GITHUB_ENV"), "", "{fault}");
        assert_eq!(ran.stdout, "", "{fault}");
        let ran = job.jobpass(&["login", "--config", &config(), "--timeout", "4s", "--keep-going"]);
        assert_eq!(ran.code, 7, "{fault}: {}", ran.stderr);
        assert_eq!(ran.stderr.matches("granted").count(), edges.split(", ").count(), "{fault}: {}", ran.stderr);
        assert_ne!(job.file("GITHUB_ENV"), "");
    }
}

#[test]
fn without_a_place_for_variables_nothing_is_exchanged() {
    let (_scratch, sandbox, mut job) = three_clouds(&[]);
    job.unset("GITHUB_ACTIONS");
    job.set("GITLAB_CI", "true");
    let ran = job.jobpass(&["login", "--config", &config()]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[no-place]"), "{}", ran.stderr);
    assert!(sandbox.requests().is_empty());
}

#[test]
fn a_gitlab_job_finds_its_tokens_by_audience_and_evals_the_variables() {
    let scratch = Scratch::new();
    let config = checkout().join("examples/05-gitlab/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config]);
    let job = Job::new(&sandbox.variables);
    let ran = job.jobpass(&["login", "--config", &config, "--format", "shell"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("export AWS_SESSION_TOKEN='SANDBOX"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("::add-mask::"), "GitLab has no such command and would show it");
    let file = job.scratch.path().join("job.env");
    let ran = job.jobpass(&["login", "--config", &config, "--env-file", file.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(fs::read_to_string(&file).unwrap().contains("\nAWS_SESSION_TOKEN=SANDBOX"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_token_can_come_from_a_variable_or_a_file() {
    let (_scratch, _sandbox, mut job) = three_clouds(&[]);
    let raw = job.jobpass(&["token", "--raw"]);
    let token = raw.stdout.trim().to_owned();
    let aws = ["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"];
    job.set("MY_TOKEN", &token);
    let file = job.scratch.write("token", &token).display().to_string();
    for source in [["--token-env", "MY_TOKEN"], ["--token-file", &file]] {
        let mut args = vec!["login"];
        args.extend(aws);
        args.extend(source);
        let ran = job.jobpass(&args);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let ran = job.jobpass(&[
        "login",
        "--azure-client-id",
        "11111111-2222-3333-4444-555555555555",
        "--azure-tenant-id",
        "99999999-8888-7777-6666-555555555555",
        "--token-file",
        &file,
    ]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[id-token-audience]"), "{}", ran.stderr);
}

#[test]
fn a_sandbox_token_is_refused_in_production() {
    let (_scratch, sandbox, mut job) = three_clouds(&[]);
    job.unset("JOBPASS_SANDBOX");
    let ran = job.jobpass(&["login", "--config", &config()]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[sandbox-issuer]"), "{}", ran.stderr);
    assert!(sandbox.requests().iter().all(|request| request.starts_with("GET /github/token")), "nothing was exchanged");
}
