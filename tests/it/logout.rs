//! The end of a pass (threat T19): once, twice, after a kill, from nowhere, and never of anything that is not a pass.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Scratch, checkout, files_below};
use crate::job::{Job, Sandbox};

fn beside(args: &[&str]) -> (Scratch, Sandbox, Job, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &[&["--config", &config], args].concat());
    let job = Job::new(&sandbox.variables);
    (scratch, sandbox, job, config)
}

#[test]
fn formats_and_a_second_time() {
    let (_scratch, _sandbox, job, config) = beside(&[]);
    assert_eq!(job.jobpass(&["login", "--config", &config]).code, 0);
    let pass = job.exported()["JOBPASS_PASS"].clone();
    let ended = job.jobpass(&["logout", "--format", "json"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&value["passes"], &value["in-use"], &value["blanked"]), (&json!([pass]), &json!([]), &json!(true)));
    let names: Vec<&str> = value["variables"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let exported = job.exported();
    assert_eq!(names, exported.keys().map(String::as_str).collect::<Vec<_>>());
    assert!(job.is_blanked(), "{exported:?}");
    assert!(ended.stderr.starts_with(&format!("ended {pass}\nblanked ")), "{}", ended.stderr);

    let before = job.file("GITHUB_ENV");
    let again = job.jobpass(&["logout", "--format", "json"]);
    assert_eq!((again.code, again.stderr.as_str()), (0, "no pass to end\n"));
    let value: Value = serde_json::from_str(&again.stdout).unwrap();
    let nothing =
        json!({"passes": [], "in-use": [], "variables": [], "others": [], "blanked": false, "not-revoked": []});
    assert_eq!(value, nothing);
    assert_eq!(job.file("GITHUB_ENV"), before, "nothing is blanked twice");
}

#[test]
fn a_shell_gets_its_own_profile_back() {
    let (_scratch, _sandbox, mut job, config) = beside(&[]);
    job.unset("GITHUB_ENV");
    job.set("AWS_PROFILE", "it's corp");
    let script = format!(
        "set -e; eval \"$(\"$JOBPASS\" login deploy --config '{config}' --deliver files --format shell 2>/dev/null)\"; \
         test \"$AWS_PROFILE\" != \"it's corp\"; test -d \"$JOBPASS_PASS\"; was=$JOBPASS_PASS; \
         eval \"$(\"$JOBPASS\" logout --format shell)\"; test ! -e \"$was\"; env | grep -E '^(AWS|JOBPASS_PASS)' | sort"
    );
    let ran = job.shell(&script);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let left: Vec<&str> =
        ran.stdout.lines().filter(|line| !line.contains("CA_BUNDLE") && !line.contains("ENDPOINT")).collect();
    assert_eq!(left, ["AWS_PROFILE=it's corp"]);
}

#[test]
fn later_steps_get_an_earlier_profile_back() {
    let (_scratch, _sandbox, mut job, config) = beside(&[]);
    job.set("AWS_PROFILE", "corp");
    assert_eq!(job.jobpass(&["login", "deploy", "--config", &config, "--deliver", "files"]).code, 0);
    assert_ne!(job.environment()["AWS_PROFILE"], "corp");
    assert_eq!(job.jobpass(&["logout"]).code, 0);
    assert_eq!(job.environment()["AWS_PROFILE"], "corp");
    assert_eq!(job.environment()["AWS_CONFIG_FILE"], "");
}

#[test]
fn one_pass_by_name_and_only_a_pass() {
    let (_scratch, _sandbox, mut job, config) = beside(&[]);
    for _ in 0..2 {
        assert_eq!(job.jobpass(&["login", "deploy", "--config", &config]).code, 0);
    }
    let (one, other): (PathBuf, PathBuf) = {
        let mut passes = job.passes();
        (passes.remove(0), passes.remove(0))
    };
    assert_eq!(job.jobpass(&["logout", "--pass", one.to_str().unwrap()]).code, 0);
    assert!(!one.exists() && other.exists());
    assert_eq!(job.jobpass(&["logout", "--pass", one.to_str().unwrap()]).code, 0, "gone already");

    let victim = job.scratch.path().join("home/precious");
    fs::create_dir_all(&victim).unwrap();
    fs::write(victim.join("file"), "precious").unwrap();
    let link = job.scratch.path().join("jobpass-x-0123456789abcdef0123456789abcdef");
    symlink(&victim, &link).unwrap();
    for (place, because) in [
        (&victim, "error[not-a-pass]"),
        (&job.temp(), "error[not-a-pass]"),
        (&PathBuf::from("/"), "error[not-a-pass]"),
        (&job.temp().join(".."), "error[not-a-pass]"),
        (&link, "neither a file nor a symbolic link"),
    ] {
        let place = place.to_str().unwrap();
        let ran = job.jobpass(&["logout", "--pass", place]);
        assert_eq!(ran.code, 5, "{place}: {}", ran.stderr);
        assert!(ran.stderr.contains(because), "{place}: {}", ran.stderr);
        // The same from the environment; here the job's other pass is ended all the same.
        assert_eq!(job.jobpass(&["login", "deploy", "--config", &config]).code, 0);
        let mut command = job.command(&["logout"]);
        let ran = crate::harness::run(command.env("JOBPASS_PASS", place));
        assert_eq!(ran.code, 5, "{place}: {}", ran.stderr);
        assert!(ran.stderr.contains(because), "{place}: {}", ran.stderr);
        assert!(job.passes().is_empty(), "{place}");
        assert_eq!(fs::read_to_string(victim.join("file")).unwrap(), "precious", "{place}");
    }
    job.set("JOBPASS_PASS", "");
    assert_eq!(job.jobpass(&["logout"]).code, 0);
}

#[test]
fn a_working_directory_that_is_gone_stops_no_logout() {
    let (_scratch, _sandbox, job, config) = beside(&[]);
    assert_eq!(job.jobpass(&["login", "--config", &config]).code, 0);
    let ran = job.shell("mkdir gone; cd gone; rmdir ../gone; exec \"$JOBPASS\" logout");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(job.passes().is_empty());
    assert_eq!(job.exported()["AWS_SESSION_TOKEN"], "");
}

#[test]
fn what_a_killed_login_left_goes_with_the_next_jobs_login() {
    let (_scratch, sandbox, mut job, config) = beside(&["--fault", "azure:hangx1"]);
    let mut command = job.command(&["login", "--config", &config]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !sandbox
        .entries()
        .iter()
        .any(|entry| entry["event"] == "received" && entry["path"].as_str().is_some_and(|path| path.contains("oauth2")))
    {
        assert!(child.try_wait().unwrap().is_none(), "it hangs");
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = job.passes();
    assert_eq!(left.len(), 1, "a killed process cannot take anything away");
    assert!(files_below(&left[0]).iter().all(|path| path.ends_with("journal.json")), "nothing was handed over yet");
    assert_eq!(job.file("GITHUB_ENV"), "");

    job.set("GITHUB_RUN_ID", "16000000002");
    let ran = job.jobpass(&["login", "deploy", "--config", &config]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains(&format!("removed what an ended job left: {}", left[0].display())), "{}", ran.stderr);
    assert_eq!(job.passes().len(), 1);
    assert_eq!(job.jobpass(&["logout"]).code, 0);
    assert!(job.passes().is_empty());
}

#[test]
fn a_login_at_work_and_a_running_exec_are_left_alone_by_others() {
    let (_scratch, sandbox, mut job, config) = beside(&["--fault", "azure:hangx1"]);
    let mut hanging = job.command(&["login", "infra", "--config", &config]).stderr(Stdio::null()).spawn().unwrap();
    let mut command = job.command(&["exec", "deploy", "--config", &config, "--", "sh", "-c", "touch ready; sleep 60"]);
    let mut running = command.stderr(Stdio::null()).spawn().unwrap();
    while !job.workspace().join("ready").exists() || sandbox.requests().len() < 3 || job.passes().len() < 2 {
        assert!(running.try_wait().unwrap().is_none() && hanging.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(10));
    }
    let at_work = job.passes();
    assert_eq!(at_work.len(), 2);
    job.set("GITHUB_RUN_ID", "16000000002");
    assert_eq!(job.jobpass(&["login", "deploy", "--config", &config]).code, 0);
    assert!(at_work.iter().all(|pass| pass.exists()), "another job's login sweeps neither");
    assert_eq!(job.jobpass(&["logout"]).code, 0);
    assert!(at_work.iter().all(|pass| pass.exists()), "nor does its logout");
    hanging.kill().unwrap();
    hanging.wait().unwrap();
    // The child gets the signal and ends; so does its pass.
    rustix::process::kill_process(rustix::process::Pid::from_child(&running), rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(143));
    assert_eq!(job.passes().len(), 1, "what the killed login left");
}

#[test]
fn what_standard_output_cannot_take_is_taken_back() {
    let (_scratch, sandbox, _job, config) = beside(&[]);
    for format in ["json", "shell"] {
        let job = Job::new(&sandbox.variables);
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = job.command(&["login", "--config", &config, "--format", format]);
        let ran = crate::harness::ran(&command.stdout(full).stderr(Stdio::piped()).output().unwrap());
        assert_eq!(ran.code, 5, "{format}: {}", ran.stderr);
        assert!(ran.stderr.contains("error[standard-output]"), "{format}: {}", ran.stderr);
        assert!(job.passes().is_empty(), "{format}");
        assert!(job.is_blanked(), "{format}: later steps see nothing");
    }
}
