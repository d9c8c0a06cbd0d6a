//! `jobpass exec`: the child's environment, its exit code and signals, and what is left.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Scratch, checkout, jobpass};
use crate::job::{Job, Sandbox};

fn job() -> (Scratch, Sandbox, Job, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config]);
    let mut job = Job::new(&sandbox.variables);
    job.set("AZURE_CLIENT_SECRET", "another-steps-secret");
    job.set("GOOGLE_APPLICATION_CREDENTIALS", "/another/steps/file");
    (scratch, sandbox, job, config)
}

#[test]
fn the_child_sees_one_edge_and_nothing_that_mints_or_opens_other_doors() {
    let (_scratch, _sandbox, job, config) = job();
    let ran = job.jobpass(&["exec", "deploy", "--config", &config, "--", "env"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("AWS_SESSION_TOKEN=SANDBOX"), "{}", ran.stdout);
    for name in [
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
        "AZURE_CLIENT_SECRET",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "JOBPASS_",
    ] {
        assert!(!ran.stdout.contains(&format!("{name}=")), "{name}\n{}", ran.stdout);
    }
    assert!(ran.stdout.contains("GITHUB_REPOSITORY="), "the rest of the environment stays");
    assert_eq!(job.file("GITHUB_ENV"), "", "nothing for later steps");
    assert!(job.passes().is_empty());
    let ran = job.jobpass(&["exec", "deploy", "--config", &config, "--pass-runner-token", "--", "env"]);
    assert!(ran.stdout.contains("ACTIONS_ID_TOKEN_REQUEST_TOKEN="), "{}", ran.stdout);
}

#[test]
fn exit_codes_pass_through() {
    let (_scratch, _sandbox, job, config) = job();
    let code = |command: &[&str]| {
        let mut args = vec!["exec", "deploy", "--config", &config, "--"];
        args.extend(command);
        let ran = job.jobpass(&args);
        assert!(job.passes().is_empty(), "{command:?}");
        ran.code
    };
    assert_eq!(code(&["sh", "-c", "exit 0"]), 0);
    assert_eq!(code(&["sh", "-c", "exit 42"]), 42);
    assert_eq!(code(&["sh", "-c", "kill -9 $$"]), 137);
    assert_eq!(code(&["no-such-command-here"]), 127);
    assert_eq!(code(&["/"]), 126);
}

#[test]
fn a_signal_reaches_the_child_and_everything_is_removed() {
    let (_scratch, _sandbox, job, config) = job();
    let mut command = jobpass(&job.workspace());
    // The child says that it stands, and ends on its own terms when told to.
    let script = "trap 'exit 7' TERM; touch ready; while :; do sleep 0.05; done";
    command.args(["exec", "deploy", "--config", &config, "--", "sh", "-c", script]).envs(job.environment());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while !job.workspace().join("ready").exists() {
        assert!(started.elapsed() < Duration::from_secs(20), "the child never started");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(job.passes().len(), 1);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert!(job.passes().is_empty());
}

#[test]
fn a_denied_edge_starts_no_child() {
    let (_scratch, _sandbox, mut job, config) = job();
    job.set("X", "1");
    let edge = "[edge.other]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/other\"\nregion = \"eu-west-1\"\n";
    let other = job.scratch.write("jobpass.toml", edge).display().to_string();
    let ran = job.jobpass(&["exec", "--config", &other, "--", "touch", "ran"]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(!job.workspace().join("ran").exists());
    drop(config);
}
