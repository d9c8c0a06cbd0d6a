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
