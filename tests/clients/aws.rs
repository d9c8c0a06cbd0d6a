//! boto3 and the aws command line, on our variables and profiles, and against the sandbox's STS.

use crate::harness::Scratch;
use crate::job::{Job, Sandbox};
use crate::{beside_sandbox, config_of, driver, login, python};

const TWO_ROLES: &str = r#"
[edge.deploy]
destination = "aws"
role = "arn:aws:iam::123456789012:role/deploy"
region = "eu-central-1"

[edge.logs]
destination = "aws"
role = "arn:aws:iam::210987654321:role/logs"
region = "eu-west-1"
"#;

fn open_job(edges: &str) -> (Scratch, Sandbox, Job, String) {
    let scratch = Scratch::new();
    let config = scratch.write("jobpass.toml", edges).display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let job = Job::new(&sandbox.variables);
    (scratch, sandbox, job, config)
}

#[test]
fn variables_of_the_default_edge_and_a_profile_for_each() {
    let (_scratch, _sandbox, job, config) = open_job(TWO_ROLES);
    login(&job, &["--config", &config]);
    let identity = driver(&job, "boto3_identity.py", &[]).unwrap();
    assert_eq!(identity["account"], "123456789012");
    for (profile, account) in [("deploy", "123456789012"), ("logs", "210987654321")] {
        let identity = driver(&job, "boto3_identity.py", &["--profile", profile]).unwrap();
        assert_eq!(identity["account"], account, "{profile}");
        let cli = job.step(&python("aws"), &["sts", "get-caller-identity", "--profile", profile, "--query", "Account"]);
        assert!(cli.stdout.contains(account), "{profile}: {} {}", cli.stdout, cli.stderr);
    }
}

#[test]
fn files_hold_everything_and_variables_nothing_secret() {
    let (_scratch, _sandbox, mut job, config) = open_job(TWO_ROLES);
    // Keys that an earlier step exported would win over every profile.
    job.set("AWS_ACCESS_KEY_ID", "AKIASTALE");
    job.set("AWS_SECRET_ACCESS_KEY", "stale");
    login(&job, &["--config", &config, "--deliver", "files"]);
    assert!(!job.file("GITHUB_ENV").contains("SANDBOX"), "a secret in a variable");
    assert_eq!(driver(&job, "boto3_identity.py", &[]).unwrap()["account"], "123456789012");
    let identity = driver(&job, "boto3_identity.py", &["--profile", "logs"]).unwrap();
    assert_eq!(identity["account"], "210987654321");
}

#[test]
fn a_chain_ends_in_its_last_role() {
    let edge = "[edge.chained]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/first\"\nregion = \"eu-central-1\"\n\
                chain = [{ role = \"arn:aws:iam::210987654321:role/second\", external-id = \"shop\" }]\n";
    let (_scratch, sandbox, job, config) = open_job(edge);
    login(&job, &["--config", &config]);
    let identity = driver(&job, "boto3_identity.py", &[]).unwrap();
    assert_eq!(identity["account"], "210987654321");
    assert!(sandbox.requests().iter().filter(|request| request.starts_with("POST /aws")).count() >= 3);
}

#[test]
fn boto3_itself_is_let_in_by_the_sandbox_and_a_wrong_signature_is_not() {
    let (_scratch, _sandbox, mut job) = beside_sandbox("01-aws-github", &[]);
    let raw = job.jobpass(&["token", "--raw"]);
    let token = job.scratch.write("token", raw.stdout.trim()).display().to_string();
    job.set("WEB_IDENTITY_TOKEN_FILE", &token);
    job.set("ROLE_ARN", "arn:aws:iam::123456789012:role/deploy");
    job.set("AWS_REGION", "eu-central-1");
    let answer = driver(&job, "boto3_web_identity.py", &[]).unwrap();
    assert!(answer["arn"].as_str().unwrap().contains("assumed-role/deploy/"));
    assert!(answer["access_key_id"].as_str().unwrap().starts_with("ASIASANDBOX"));

    login(&job, &["--config", &config_of("01-aws-github")]);
    driver(&job, "boto3_identity.py", &[]).unwrap();
    let env = job.environment();
    job.scratch.write("GITHUB_ENV", "");
    for (name, value) in env {
        job.set(&name, &value);
    }
    job.set("AWS_SECRET_ACCESS_KEY", "SANDBOXwrong");
    let error = driver(&job, "boto3_identity.py", &[]).unwrap_err();
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
}

#[test]
fn boto3_is_denied_where_the_trust_policy_denies() {
    let (_scratch, _sandbox, mut job) = beside_sandbox("01-aws-github", &["--ref", "refs/heads/topic"]);
    let raw = job.jobpass(&["token", "--raw"]);
    let token = job.scratch.write("token", raw.stdout.trim()).display().to_string();
    job.set("WEB_IDENTITY_TOKEN_FILE", &token);
    job.set("ROLE_ARN", "arn:aws:iam::123456789012:role/deploy");
    job.set("AWS_REGION", "eu-central-1");
    let error = driver(&job, "boto3_web_identity.py", &[]).unwrap_err();
    assert!(error.contains("AccessDenied"), "{error}");
}
