//! Jobs on real runners, beside the sandbox: `act` runs GitHub workflows with the action, `gitlab-ci-local` runs GitLab jobs
//! with the component; and real linters read what users copy.
//!
//! `tests/runners/install` and `tests/clients/install` put the programs under `target/`; one that is missing is a failure,
//! never a skip. Nothing here reaches the network.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails"
)]

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "shared with the other test binaries")]
mod harness;
#[path = "../it/job.rs"]
#[allow(dead_code, reason = "shared with the other test binaries")]
mod job;
#[path = "../it/relay.rs"]
#[allow(dead_code, reason = "shared with the other test binaries")]
mod relay;

mod act;
mod container;
mod github;
mod gitlab;
mod linters;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Ran, Scratch, checkout, files_below, run};
use crate::job::Sandbox;

/// What a release would be asked for in place of real ones: `examples/` name it.
pub(crate) const RELEASE: &str = "0123456789abcdef0123456789abcdef01234567";

/// A machine that runs jobs: a home, a directory for temporary files, and the clients on its `PATH`.
pub(crate) struct Machine {
    pub(crate) scratch: Scratch,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let machine = Machine { scratch: Scratch::new() };
        for name in ["home", "temp", "bin", "seen"] {
            fs::create_dir(machine.path(name)).unwrap();
        }
        // Each client notes the environment that it was started in, then is itself.
        for (name, real) in [("aws", "aws"), ("az", "az"), ("pip", "pip"), ("python3", "python")] {
            let real = installed(&checkout().join("target/clients/venv/bin").join(real));
            let seen = machine.path("seen").join(name);
            machine
                .program(name, &format!("#!/bin/sh\nenv >>'{}'\nexec '{}' \"$@\"\n", seen.display(), real.display()));
        }
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Puts a program on the `PATH`.
    pub(crate) fn program(&self, name: &str, text: &str) {
        let path = self.scratch.write(&format!("bin/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// One of the runners, in `directory`. A proxy that is not there stands between it and every network.
    pub(crate) fn runner(&self, name: &str, directory: &Path) -> Command {
        let tools = checkout().join("target/runners/bin");
        let system = std::env::var("PATH").unwrap();
        let mut command = Command::new(installed(&tools.join(name)));
        command.env_clear().current_dir(directory).stdin(Stdio::null());
        command.env("PATH", format!("{}:{}:{system}", self.path("bin").display(), tools.display()));
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("temp")).env("GIT_CONFIG_NOSYSTEM", "1");
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"] {
            command.env(name, "http://127.0.0.1:9");
        }
        command.envs([("no_proxy", "127.0.0.1,localhost"), ("NO_PROXY", "127.0.0.1,localhost")]);
        command
    }

    /// Makes `directory` a repository with everything in it committed, cloned from `origin`.
    pub(crate) fn commit(&self, directory: &Path, origin: &str) {
        for args in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &["remote", "add", "origin", origin],
            &["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"],
            &["config", "user.name", "a test"],
            &["config", "user.email", "test@acme.example"],
            &["add", "--all"],
            &["commit", "--quiet", "--message", "a test's project"],
        ] {
            let mut git = Command::new("git");
            git.args(args).current_dir(directory).env("HOME", self.path("home")).env("GIT_CONFIG_NOSYSTEM", "1");
            let ran = run(&mut git);
            assert_eq!(ran.code, 0, "git {args:?}: {}", ran.stderr);
        }
    }

    /// The environment that a client was started in the last time.
    pub(crate) fn seen_by(&self, client: &str) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.path("seen").join(client)).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Fails when a credential stands in a file of the machine's home, its temporary files or `others`.
    pub(crate) fn assert_nothing_left(&self, others: &[&Path]) {
        let (home, temp) = (self.path("home"), self.path("temp"));
        assert!(self.passes(&temp).is_empty(), "a pass was left: {:?}", self.passes(&temp));
        for place in [home.as_path(), temp.as_path()].iter().chain(others) {
            for file in files_below(place) {
                let bytes = fs::read(&file).unwrap();
                // Programs, ours among them, name the sandbox in many places.
                if bytes.starts_with(b"\x7fELF") {
                    continue;
                }
                let text = String::from_utf8_lossy(&bytes).into_owned();
                assert!(credentials_in(&text).is_empty(), "{} holds {:?}", file.display(), credentials_in(&text));
            }
        }
    }

    /// The passes that lie in `directory`.
    pub(crate) fn passes(&self, directory: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
        let all = entries.map(|entry| entry.unwrap().path());
        all.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("jobpass-")).collect()
    }
}

/// What was printed, both streams.
pub(crate) fn log(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

/// The credentials of the sandbox that stand in `text`: every one has `SANDBOX` in it or is a JWT. The ids of keys
/// and of roles are no secrets.
pub(crate) fn credentials_in(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
    let secret = |word: &&str| {
        word.starts_with("eyJ")
            || word
                .find("SANDBOX")
                .is_some_and(|at| word.len() > at + 16 && !word.starts_with("ASIA") && !word.starts_with("AROA"))
    };
    // The variable that says that this is the sandbox is no credential.
    words.filter(secret).filter(|word| !word.contains("JOBPASS_SANDBOX")).map(str::to_owned).collect()
}

/// A sandbox that knows the edges of the file.
pub(crate) fn sandbox(machine: &Machine, config: &Path, args: &[&str]) -> Sandbox {
    let config = config.display().to_string();
    let mut all = vec!["--config", config.as_str()];
    all.extend(args);
    Sandbox::start(&machine.scratch, &all)
}

/// The binary under test.
pub(crate) fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_jobpass"))
}

/// `sha256sum` of a file.
pub(crate) fn sha256(path: &Path) -> String {
    let ran = run(Command::new("sha256sum").arg(path));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.split(' ').next().unwrap().to_owned()
}

pub(crate) fn installed(path: &Path) -> PathBuf {
    let which = if path.starts_with(checkout().join("target/runners")) { "runners" } else { "clients" };
    assert!(path.exists(), "{} is not there: run tests/{which}/install", path.display());
    path.to_owned()
}

/// Copies a folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
