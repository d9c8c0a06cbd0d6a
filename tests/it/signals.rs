//! A job that is cancelled (threat T23) has the full set or nothing, and nothing half written, whenever the signal comes.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Scratch, checkout, crowding, ran};
use crate::job::{Job, Sandbox};

/// What three edges set: with one of these missing it is no full set.
const FULL: [&str; 5] = [
    "JOBPASS_PASS",
    "AWS_SESSION_TOKEN",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "AZURE_FEDERATED_TOKEN_FILE",
    "ARM_USE_OIDC",
];

fn beside(latency: &str) -> (Scratch, Sandbox, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config, "--latency", latency]);
    (scratch, sandbox, config)
}

fn start(job: &Job, config: &str) -> Child {
    let mut command = job.command(&["login", "--config", config]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Ends it, and shows that all is there or nothing. True when all is.
fn all_or_nothing(job: &Job, child: Child, signal: Signal, name: &str) -> bool {
    let done = ran(&child.wait_with_output().unwrap());
    let exported = job.exported();
    let full = FULL.iter().all(|name| exported.contains_key(*name));
    assert!(full || exported.is_empty(), "{name}: half a set: {:?}", exported.keys());
    let outputs = crate::job::parsed(&job.file("GITHUB_OUTPUT"));
    if full {
        for name in &FULL[2..4] {
            assert!(fs::metadata(&exported[*name]).is_ok_and(|meta| meta.len() > 0), "{name} leads nowhere");
        }
        assert!(!outputs.is_empty(), "{name}");
    }
    match done.code {
        0 => assert!(full, "{name}: {}", done.stderr),
        code => {
            assert_eq!(code, 128 + signal.as_raw(), "{name}: {}", done.stderr);
            if signal != Signal::KILL {
                assert!(exported.is_empty() && outputs.is_empty(), "{name}: {}", done.stderr);
                assert!(job.passes().is_empty(), "{name}: left {:?}", job.passes());
            }
        }
    }
    full
}

#[test]
fn a_signal_at_any_moment_leaves_the_full_set_or_nothing() {
    let _crowd = crowding();
    let (_scratch, sandbox, config) = beside("60ms");
    // How long an undisturbed one takes on this machine now, beside others.
    let whole = Instant::now();
    let job = Job::new(&sandbox.variables);
    assert!(start(&job, &config).wait_with_output().unwrap().status.success());
    let whole = whole.elapsed();
    let stopped = AtomicUsize::new(0);
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        thread::scope(|scope| {
            for point in 0..10u32 {
                let (sandbox, config, stopped) = (&sandbox, &config, &stopped);
                scope.spawn(move || {
                    let job = Job::new(&sandbox.variables);
                    let child = start(&job, config);
                    thread::sleep(whole * (2 * point + 1) / 20);
                    let _ = kill_process(Pid::from_child(&child), signal);
                    if !all_or_nothing(&job, child, signal, &format!("{signal:?} at {point}")) {
                        stopped.fetch_add(1, Ordering::Relaxed);
                    }
                    // Whoever comes next in this directory takes away what a killed one left.
                    let mut job = job;
                    job.set("JOBPASS_PASS", "");
                    assert_eq!(job.jobpass(&["logout"]).code, 0);
                    assert!(job.passes().is_empty());
                });
            }
        });
    }
    let stopped = stopped.load(Ordering::Relaxed);
    assert!(stopped >= 15, "only {stopped} of 30 were stopped on the way");
}

#[test]
fn a_signal_while_it_writes_leaves_the_full_set_or_nothing() {
    let _crowd = crowding();
    let (_scratch, sandbox, config) = beside("0ms");
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        for point in 0..10u32 {
            let job = Job::new(&sandbox.variables);
            let mut child = start(&job, &config);
            // The last edge has been granted: from here on it writes.
            let mut talk = BufReader::new(child.stderr.take().unwrap());
            let mut said = String::new();
            while said.matches("granted ").count() < 3 && talk.read_line(&mut said).unwrap() > 0 {}
            thread::sleep(Duration::from_micros(150) * point);
            let _ = kill_process(Pid::from_child(&child), signal);
            all_or_nothing(&job, child, signal, &format!("{signal:?} {point} after the grants"));
        }
    }
}

#[test]
fn a_signal_ends_a_wait_at_once_and_says_so() {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config, "--fault", "azure:hang"]);
    for (verb, signal, name) in
        [("login", Signal::INT, "SIGINT"), ("login", Signal::TERM, "SIGTERM"), ("exec", Signal::TERM, "SIGTERM")]
    {
        let job = Job::new(&sandbox.variables);
        let mut args = vec![verb, "--config", &config];
        if verb == "exec" {
            args.extend(["--", "true"]);
        }
        let before = sandbox.requests().len();
        let mut command = job.command(&args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Three ID tokens and three answers of AWS and Google; Entra never answers.
        while sandbox.requests().len() < before + 6 {
            assert!(child.try_wait().unwrap().is_none(), "it waits");
            thread::sleep(Duration::from_millis(10));
        }
        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let done = ran(&child.wait_with_output().unwrap());
        assert!(sent.elapsed() < Duration::from_secs(5), "{verb} {name}: {:?}", sent.elapsed());
        assert_eq!(done.code, 128 + signal.as_raw());
        let expected = format!(
            "source: github, because GITHUB_ACTIONS is true\nerror[signal]: stopped by {name}; nothing was handed over\n"
        );
        assert_eq!((done.stderr.as_str(), done.stdout.as_str()), (expected.as_str(), ""), "{verb}");
        assert!(job.passes().is_empty() && job.file("GITHUB_ENV").is_empty());
    }
}

/// What reads and decides is ended by a signal at once, also while it waits for its input.
#[test]
fn waiting_for_standard_input_is_ended() {
    let scratch = Scratch::new();
    let edge = "[edge.e]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/deploy\"\nregion = \"eu-west-1\"\n\
                [dry-run]\nrepository = \"acme/shop\"\n";
    scratch.write("jobpass.toml", edge);
    let mut command = crate::harness::jobpass(scratch.path());
    command.args(["trust", "diff", "--live", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    thread::sleep(Duration::from_millis(500));
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let begun = Instant::now();
    let ended = loop {
        if child.try_wait().unwrap().is_some() || begun.elapsed() > Duration::from_secs(20) {
            break begun.elapsed() < Duration::from_secs(20);
        }
        thread::sleep(Duration::from_millis(20));
    };
    let _ = child.kill();
    let done = ran(&child.wait_with_output().unwrap());
    assert!(ended, "{}", done.stderr);
    assert_eq!((done.code, done.stdout.as_str()), (128 + Signal::TERM.as_raw(), ""), "{}", done.stderr);
}
