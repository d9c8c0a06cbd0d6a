//! No secret leaves but through the places made for it (threats T3 to T6): output, the runner's files, the records, the
//! process list, a panic.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::harness::{Ran, Scratch, checkout, files_below, jobpass, ran, run};
use crate::job::{Job, Sandbox};
use crate::relay::{Relay, assert_clean, stand_in};

const AWS: [&str; 4] = ["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"];

fn config() -> String {
    checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string()
}

/// A sandbox with these faults, a relay that knows its secrets, a job with everything that could make a program talkative.
fn watched(faults: &[&str]) -> (Scratch, Sandbox, Relay, Job) {
    let (scratch, config) = (Scratch::new(), config());
    let mut args = vec!["--config", config.as_str()];
    args.extend(faults.iter().flat_map(|fault| ["--fault", fault]));
    let sandbox = Sandbox::start(&scratch, &args);
    let relay = Relay::before(&sandbox);
    let mut job = Job::new(&relay.variables);
    for (name, value) in
        [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full"), ("RUNNER_DEBUG", "1"), ("AWS_LOG", "trace")]
    {
        job.set(name, value);
    }
    (scratch, sandbox, relay, job)
}

fn without_masks(text: &str) -> String {
    text.lines().filter(|line| !line.starts_with("::add-mask::")).map(|line| format!("{line}\n")).collect()
}

/// Everything that a reader of the log, of the artifacts or of the records gets to see.
fn assert_nothing_leaked(ran: &Ran, job: &Job, sandbox: &Sandbox, relay: &Relay, name: &str) {
    let secrets = relay.secrets();
    let seen = [
        ("standard output", without_masks(&ran.stdout)),
        ("standard error", without_masks(&ran.stderr)),
        ("GITHUB_OUTPUT", job.file("GITHUB_OUTPUT")),
        ("GITHUB_STEP_SUMMARY", job.file("GITHUB_STEP_SUMMARY")),
        ("the sandbox's log", fs::read_to_string(&sandbox.log).unwrap()),
    ];
    for (place, text) in seen {
        assert_clean(&text, &secrets, &format!("{name}: {place}"));
    }
    let bearer = &secrets.iter().filter(|one| **one == relay.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]).cloned();
    for path in job.passes().iter().flat_map(|pass| files_below(pass)) {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let record = path.ends_with("audit.jsonl") || path.ends_with("journal.json");
        let unwanted: Vec<String> = if record { secrets.clone() } else { bearer.clone().collect() };
        assert_clean(&text, &unwanted, &format!("{name}: {}", path.display()));
    }
}

#[test]
fn a_run_that_succeeds_shows_no_secret() {
    let (_scratch, sandbox, relay, job) = watched(&[]);
    let config = config();
    let with = |args: &[&str]| -> Vec<String> {
        args.iter().map(|arg| if *arg == "CONFIG" { config.clone() } else { (*arg).to_owned() }).collect()
    };
    let env_file = job.path("job.env").display().to_string();
    for args in [
        with(&["login", "-v", "--config", "CONFIG"]),
        with(&["login", "-v", "--config", "CONFIG", "--format", "json"]),
        with(&["login", "-v", "--config", "CONFIG", "--deliver", "files"]),
        with(&["login", "-v", "--config", "CONFIG", "--env-file", &env_file]),
        with(&["exec", "-v", "--config", "CONFIG", "--", "true"]),
        with(&["exec", "deploy", "--config", "CONFIG", "--", "sh", "-c", "exit 3"]),
        with(&["exec", "deploy", "--config", "CONFIG", "--", "no-such-command-here"]),
        with(&["dry-run", "-v", "--config", "CONFIG"]),
        with(&["dry-run", "--config", "CONFIG", "--format", "json"]),
        with(&["token", "-v"]),
        with(&["token", "--format", "json"]),
        with(&["logout", "--format", "json"]),
        with(&["logout", "--format", "shell"]),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let before = job.file("GITHUB_ENV");
        let ran = job.jobpass(&args);
        let name = args.join(" ");
        assert!([0, 2, 3, 127].contains(&ran.code), "{name}: {}", ran.stderr);
        assert!(ran.code != 2 || args[0] == "dry-run", "{name}: {}", ran.stderr);
        assert_nothing_leaked(&ran, &job, &sandbox, &relay, &name);
        let added = job.file("GITHUB_ENV")[before.len()..].to_owned();
        if args.contains(&"files") {
            assert_clean(&added, &relay.secrets(), &format!("{name}: GITHUB_ENV"));
        }
        // What is exported has been masked, on the stream that nobody parses.
        let masked = ran.stdout.clone() + &ran.stderr;
        for secret in relay.secrets().iter().filter(|secret| added.contains(*secret)) {
            assert!(masked.contains(&format!("::add-mask::{secret}\n")), "{name}: exported without a mask");
        }
    }
    // The relay has seen the bearer, three ID tokens a login, and what three clouds issued.
    assert!(relay.secrets().len() > 20, "{}", relay.secrets().len());
}

#[test]
fn a_run_that_fails_shows_no_secret() {
    for fault in [
        "aws:403",
        "aws:garbage",
        "aws:truncate",
        "aws:error=ExpiredTokenException",
        "aws:redirect=http://127.0.0.1:9/",
        "gcp-sts:garbage",
        "gcp-iam:403",
        "gcp-iam:truncate",
        "azure:500",
        "azure:garbage",
        "azure:reset",
        "github:garbage",
        "github:500",
        "github:pending",
        "github:truncate",
        "gcp-sts:hang",
    ] {
        let (_scratch, sandbox, relay, job) = watched(&[fault]);
        let config = config();
        // Both verbs fail alike; one of each sort is enough for exec.
        for verb in ["login", "exec"].into_iter().take(if fault.ends_with("garbage") { 2 } else { 1 }) {
            let mut args = vec![verb, "-v", "--config", &config, "--timeout", "1s"];
            if verb == "exec" {
                args.extend(["--", "env"]);
            }
            let ran = job.jobpass(&args);
            assert!([4, 6].contains(&ran.code), "{verb} {fault}: {} {}", ran.code, ran.stderr);
            assert_eq!(ran.stdout, "", "{verb} {fault}");
            assert_eq!(job.file("GITHUB_ENV"), "", "{verb} {fault}");
            assert_nothing_leaked(&ran, &job, &sandbox, &relay, &format!("{verb} {fault}"));
        }
    }
}

#[test]
fn an_endpoint_that_repeats_what_it_was_sent_is_not_shown() {
    let (_scratch, sandbox, relay, mut job) = watched(&[]);
    let clean = Job::new(&relay.variables);
    let json = r#"{"error":"invalid_client","error_description":"AADSTS700213 {}","error":{"message":"{}"}}"#;
    let xml = "<Error><Code>A</Code><Message>{}</Message></Error>";
    // Status codes that end it, and one that is tried again.
    for (status, shape) in [(400, "{}"), (403, xml), (400, json), (503, json)] {
        let url = stand_in(move |request| {
            (status, shape.replace("{}", &request.replace(['"', '\r', '\n', '<', '>', '&'], " ")))
        });
        for (name, value) in [
            ("AWS_ENDPOINT_URL_STS", format!("{url}/aws")),
            ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", format!("{url}/")),
            ("AZURE_AUTHORITY_HOST", url.clone()),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{url}/token?x=y")),
        ] {
            job.set(name, &value);
            let ran = job.jobpass(&["login", "-v", "--config", &config(), "--timeout", "1s"]);
            job.set(name, &clean.environment()[name]);
            assert!([4, 6].contains(&ran.code), "{status} {name}: {} {}", ran.code, ran.stderr);
            assert_nothing_leaked(&ran, &job, &sandbox, &relay, &format!("{status} {name}"));
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_secret_is_in_the_list_of_processes() {
    let scratch = Scratch::new();
    let config = config();
    let sandbox = Sandbox::start(&scratch, &["--config", &config, "--latency", "150ms"]);
    let relay = Relay::before(&sandbox);
    let mut job = Job::new(&relay.variables);
    let token = job.jobpass(&["token", "--raw"]).stdout.trim().to_owned();
    job.set("MY_TOKEN", &token);
    for args in [
        vec!["login", "--config", &config],
        vec!["login", AWS[0], AWS[1], AWS[2], AWS[3], "--token-env", "MY_TOKEN"],
        vec!["exec", "--config", &config, "--", "sleep", "0.3"],
    ] {
        let mut child = job.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut looks, mut seen) = (0, String::new());
        while child.try_wait().unwrap().is_none() {
            let lines: Vec<u8> = fs::read_dir("/proc")
                .unwrap()
                .flatten()
                .flat_map(|entry| fs::read(entry.path().join("cmdline")).unwrap_or_default())
                .collect();
            seen.push_str(&String::from_utf8_lossy(&lines));
            if let Ok(limits) = fs::read_to_string(format!("/proc/{}/limits", child.id())) {
                let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default();
                let soft = core.split_whitespace().nth(4);
                // Before the first line of `main` the limit is the caller's.
                assert!(looks == 0 || soft.is_none() || soft == Some("0"), "{core}");
            }
            looks += 1;
            thread::sleep(Duration::from_millis(50));
        }
        assert_clean(&seen, &relay.secrets(), "the process list");
        let ran = ran(&child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr);
        assert!(looks > 1, "{args:?}: {looks} looks");
    }
}

#[test]
fn help_never_shows_what_a_variable_holds() {
    let scratch = Scratch::new();
    let canary = "canary-0123456789abcdef";
    for verb in ["", "login", "exec", "logout", "dry-run", "token", "sandbox", "completions"] {
        for help in ["--help", "-h"] {
            let mut command = jobpass(scratch.path());
            for name in
                ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "AWS_SESSION_TOKEN", "JOBPASS_PASS", "JOBPASS_TOKEN", "GITLAB_CI"]
            {
                command.env(name, canary);
            }
            let ran = run(command.args([verb, help].iter().filter(|arg| !arg.is_empty())));
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{verb} {help}");
            assert!(!ran.stdout.contains(canary), "{verb} {help}");
        }
    }
}

#[test]
fn a_panic_shows_its_place_and_leaves_no_core() {
    let (_scratch, _sandbox, relay, mut job) = watched(&[]);
    job.set("JOBPASS_TEST_PANIC", "1");
    let binary = job.command(&[]).get_program().to_owned();
    let mut command = Command::new("sh");
    // As much of a core file as this machine would let the process have.
    command.args(["-c", "ulimit -c $(ulimit -H -c); exec \"$0\" \"$@\""]).arg(binary);
    command.args(["login", "--config", &config()]).env_clear().envs(job.environment());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(job.workspace());
    let ran = ran(&command.stdin(Stdio::null()).output().unwrap());
    assert_eq!(ran.code, 134, "{}", ran.stderr);
    let talk: Vec<&str> = ran.stderr.lines().filter(|line| !line.starts_with("granted")).collect();
    assert_eq!(talk.len(), 3, "the source, the place, a hint: {}", ran.stderr);
    assert!(talk[1].starts_with("error[bug]: jobpass stopped unexpectedly at src/"), "{}", ran.stderr);
    assert!(relay.secrets().len() > 8);
    assert_clean(&ran.stderr, &relay.secrets(), "standard error");
    assert_eq!((ran.stdout.as_str(), job.file("GITHUB_ENV").as_str()), ("", ""));
    let left = [job.workspace(), job.temp()].iter().flat_map(|directory| files_below(directory)).collect::<Vec<_>>();
    assert!(!left.iter().any(|path| path.file_name().unwrap().to_string_lossy().starts_with("core")), "{left:?}");
}
