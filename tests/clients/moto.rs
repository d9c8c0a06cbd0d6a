//! moto: an STS that nobody here wrote.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Scratch, checkout};
use crate::job::{Job, Sandbox};
use crate::{driver, login, python};

struct Moto(Child, u16);

impl Moto {
    fn start() -> Moto {
        let script = checkout().join("tests/clients/moto_server.py");
        let mut child = Command::new(python("python"))
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).expect("moto says its port");
        Moto(child, u16::try_from(said["port"].as_u64().unwrap()).unwrap())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It ends when its standard input closes.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The ID token comes from the sandbox, the role session from moto.
fn job_at(moto: &Moto) -> (Scratch, Sandbox, Job) {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let mut job = Job::new(&sandbox.variables);
    job.set("AWS_ENDPOINT_URL_STS", &format!("http://127.0.0.1:{}", moto.1));
    (scratch, sandbox, job)
}

#[test]
fn a_login_at_moto_gives_credentials_that_boto3_uses_there() {
    let moto = Moto::start();
    let (_scratch, sandbox, job) = job_at(&moto);
    login(&job, &["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"]);
    let identity = driver(&job, "boto3_identity.py", &[]).unwrap();
    assert_eq!(identity["arn"], "arn:aws:sts::123456789012:assumed-role/deploy/jobpass-16000000001-1");
    assert!(!sandbox.requests().iter().any(|request| request.contains("/aws")), "the sandbox's own STS was not asked");
}

#[test]
fn a_chain_through_moto() {
    let moto = Moto::start();
    let (scratch, _sandbox, job) = job_at(&moto);
    let edge = "[edge.chained]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/first\"\nregion = \"eu-central-1\"\n\
                chain = [\"arn:aws:iam::210987654321:role/second\"]\nallowed-account-ids = [\"210987654321\"]\n";
    let config = scratch.write("jobpass.toml", edge).display().to_string();
    login(&job, &["--config", &config]);
    assert_eq!(driver(&job, "boto3_identity.py", &[]).unwrap()["account"], "210987654321");
}

#[test]
fn an_account_that_is_not_allowed_is_denied_before_anything_is_handed_over() {
    let moto = Moto::start();
    let (_scratch, _sandbox, job) = job_at(&moto);
    let ran = job.jobpass(&[
        "login",
        "--aws-role",
        "arn:aws:iam::123456789012:role/deploy",
        "--aws-region",
        "eu-central-1",
        "--aws-allowed-account-ids",
        "000000000042",
    ]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("presented account"), "{}", ran.stderr);
    assert_eq!(job.file("GITHUB_ENV"), "");
}

/// `aws iam …` as the developer runs it, at moto.
fn at_iam(moto: &Moto, scratch: &Scratch) -> Job {
    let mut job = Job::new(&std::collections::BTreeMap::new());
    let path = python("aws").parent().unwrap().display().to_string();
    job.set("PATH", &format!("{path}:/usr/bin:/bin"));
    job.set("AWS_ENDPOINT_URL_IAM", &format!("http://127.0.0.1:{}", moto.1));
    job.set("AWS_ENDPOINT_URL_STS", &format!("http://127.0.0.1:{}", moto.1));
    job.set("AWS_ACCESS_KEY_ID", "testing");
    job.set("AWS_SECRET_ACCESS_KEY", "testing");
    job.set("HOME", &scratch.path().display().to_string());
    job
}

#[test]
fn the_live_trust_policy_is_fetched_and_compared_through_the_aws_command_line() {
    let moto = Moto::start();
    let scratch = Scratch::new();
    let job = at_iam(&moto, &scratch);
    let example = checkout().join("examples/04-three-clouds");
    let text = std::fs::read_to_string(example.join("jobpass.toml")).unwrap();
    let config = scratch.write("jobpass.toml", &text).display().to_string();
    for file in ["aws.json", "gcp.json", "azure.json"] {
        scratch.write(&format!("trust/{file}"), &std::fs::read_to_string(example.join("trust").join(file)).unwrap());
    }
    let aws = |args: &[&str]| {
        let ran = job.step(&python("aws"), &[args, &["--region", "eu-central-1"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    };
    let diff = || job.jobpass(&["trust", "diff", "deploy", "--config", &config, "--format", "json"]);
    let absent = diff();
    assert_eq!(absent.code, 6, "{}", absent.stdout);
    assert!(absent.stderr.contains("NoSuchEntity"), "{}", absent.stderr);

    let role = scratch.path().join("trust/aws.json").display().to_string();
    aws(&["iam", "create-role", "--role-name", "deploy", "--assume-role-policy-document", &format!("file://{role}")]);
    let ran = diff();
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    // The role is there and the provider that it names is not: that is said, and does not stand in the way.
    assert!(ran.stderr.contains("oidc-provider/token.actions.githubusercontent.com cannot be shown"), "{}", ran.stderr);

    let url = "https://token.actions.githubusercontent.com";
    aws(&["iam", "create-open-id-connect-provider", "--url", url, "--client-id-list", "sts.amazonaws.com", "other"]);
    let pulled = job.jobpass(&["trust", "pull", "deploy", "--config", &config]);
    assert_eq!((pulled.code, pulled.stderr.as_str()), (0, "asking aws for aws edge `deploy`\n"));
    let document: Value = serde_json::from_str(&pulled.stdout).unwrap();
    assert_eq!(document["role"]["Arn"], "arn:aws:iam::123456789012:role/deploy");
    assert_eq!(document["providers"][0]["ClientIDList"], serde_json::json!(["sts.amazonaws.com", "other"]));

    let open =
        scratch.write("open.json", &std::fs::read_to_string(&role).unwrap().replace("environment:production", "*"));
    let open = format!("file://{}", open.display());
    aws(&["iam", "update-assume-role-policy", "--role-name", "deploy", "--policy-document", &open]);
    let ran = diff();
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let difference = &document["edges"][0]["differences"][0];
    assert_eq!(difference["live"]["value"], "repo:acme/shop:*");
    let key = "Condition/StringEquals/token.actions.githubusercontent.com:sub";
    assert_eq!(difference["live"]["path"], format!("/role/AssumeRolePolicyDocument/Statement/0/{key}"));
    assert_eq!(difference["declared"]["path"], format!("/Statement/0/{key}"));

    // What is live becomes what is declared, and then there is no drift.
    let ran = job.jobpass(&["trust", "pull", "deploy", "--config", &config, "--write"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(diff().code, 0);
}
