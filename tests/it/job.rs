//! A job on a GitHub-like runner: `jobpass sandbox` beside it, the runner's files, and steps that see what earlier ones set.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::harness::{Ran, Scratch, jobpass, run};

/// A sandbox process; it ends with this value.
pub(crate) struct Sandbox {
    child: Child,
    /// What a job beside it has in its environment.
    pub(crate) variables: BTreeMap<String, String>,
    /// The request log.
    pub(crate) log: PathBuf,
    /// Where it listens in plain text: `http://127.0.0.1:PORT`.
    pub(crate) http: String,
    /// Where it listens with TLS; the variables point there.
    pub(crate) https: String,
}

impl Sandbox {
    /// Starts `jobpass sandbox ARGS…`; its files go into `scratch`.
    pub(crate) fn start(scratch: &Scratch, args: &[&str]) -> Sandbox {
        let (log, ca) = (scratch.path().join("sandbox.jsonl"), scratch.path().join("ca.pem"));
        let mut command = jobpass(scratch.path());
        command.arg("sandbox").args(args).args(["--format", "json", "--log"]).arg(&log).arg("--ca-file").arg(&ca);
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().unwrap();
        let mut text = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let said: Value = loop {
            assert!(lines.read_line(&mut text).unwrap() > 0, "the sandbox ended early: {text}");
            if let Ok(said) = serde_json::from_str(&text) {
                break said;
            }
        };
        let variables = said["variables"].as_object().expect("variables");
        let variables =
            variables.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        let url = |name: &str| said[name].as_str().expect("a URL").to_owned();
        Sandbox { child, variables, log, http: url("http"), https: url("https") }
    }

    /// The request log so far.
    pub(crate) fn entries(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.log).unwrap();
        // The sandbox may be at the end of the last line while it is read here: only whole lines count.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The log's entries of one event, as `METHOD path status`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        self.entries()
            .iter()
            .filter(|entry| entry["event"] == "answered")
            .map(|entry| format!("{} {} {}", text(entry, "method"), text(entry, "path"), entry["status"]))
            .collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One job's runner files and environment.
pub(crate) struct Job {
    pub(crate) scratch: Scratch,
    variables: BTreeMap<String, String>,
}

impl Job {
    /// A job whose environment is `variables`, with `RUNNER_TEMP` and the runner's files in place.
    pub(crate) fn new(variables: &BTreeMap<String, String>) -> Job {
        let scratch = Scratch::new();
        let mut variables = variables.clone();
        fs::create_dir(scratch.path().join("temp")).unwrap();
        fs::create_dir(scratch.path().join("workspace")).unwrap();
        variables.insert("RUNNER_TEMP".to_owned(), scratch.path().join("temp").display().to_string());
        variables.insert("GITHUB_WORKSPACE".to_owned(), scratch.path().join("workspace").display().to_string());
        for name in ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STATE", "GITHUB_STEP_SUMMARY"] {
            let path = scratch.write(name, "");
            variables.insert(name.to_owned(), path.display().to_string());
        }
        Job { scratch, variables }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.scratch.path().join("workspace")
    }

    pub(crate) fn temp(&self) -> PathBuf {
        self.scratch.path().join("temp")
    }

    /// What the runner's file holds now.
    pub(crate) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.scratch.path().join(name)).unwrap()
    }

    /// What later steps see: the job's environment and what `GITHUB_ENV` sets.
    pub(crate) fn environment(&self) -> BTreeMap<String, String> {
        let mut all = self.variables.clone();
        all.extend(parsed(&self.file("GITHUB_ENV")));
        all
    }

    /// `GITHUB_ENV` as the runner parses it.
    pub(crate) fn exported(&self) -> BTreeMap<String, String> {
        parsed(&self.file("GITHUB_ENV")).into_iter().collect()
    }

    /// A post step: it sees the state that its main step saved last, and its own state file is new.
    pub(crate) fn post(&self, state: &BTreeMap<String, String>, args: &[&str]) -> Ran {
        let mut command = self.command(args);
        command.envs(state.iter().map(|(name, value)| (format!("STATE_{name}"), value)));
        run(&mut command)
    }

    /// What the step has saved, taken out of the file: the next step has its own.
    pub(crate) fn take_state(&self) -> BTreeMap<String, String> {
        let state = parsed(&self.file("GITHUB_STATE")).into_iter().collect();
        fs::write(self.path("GITHUB_STATE"), "").unwrap();
        state
    }

    /// True when later steps see of all that was exported nothing any more: blanks, or what stood there before.
    pub(crate) fn is_blanked(&self) -> bool {
        self.exported().iter().all(|(name, value)| value.is_empty() || self.variables.get(name) == Some(value))
    }

    /// A step that runs `jobpass ARGS…`.
    pub(crate) fn jobpass(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args))
    }

    /// The same, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = jobpass(&self.workspace());
        command.args(args).envs(self.environment());
        command
    }

    /// A step that runs a shell script; `$JOBPASS` is the binary.
    pub(crate) fn shell(&self, script: &str) -> Ran {
        let binary = jobpass(&self.workspace()).get_program().to_owned();
        let mut command = Command::new("sh");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("JOBPASS", binary);
        command.args(["-c", script]).envs(self.environment()).current_dir(self.workspace()).stdin(Stdio::null());
        run(&mut command)
    }

    /// The path of one of the runner's files.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// A step that runs another program; its `HOME` is empty.
    pub(crate) fn step(&self, program: &Path, args: &[&str]) -> Ran {
        let mut command = Command::new(program);
        let home = self.scratch.path().join("home");
        fs::create_dir_all(&home).unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", &home);
        run(command.args(args).envs(self.environment()).current_dir(self.workspace()).stdin(Stdio::null()))
    }

    /// Passes that lie in `RUNNER_TEMP`.
    pub(crate) fn passes(&self) -> Vec<PathBuf> {
        fs::read_dir(self.temp()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

/// The runner's own reading of an env file (actions/runner, `FileCommandManager`): `NAME=VALUE`, or `NAME<<DELIMITER`.
pub(crate) fn parsed(text: &str) -> Vec<(String, String)> {
    let mut lines = text.split('\n');
    let mut all = Vec::new();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        match (equals, heredoc) {
            (Some(at), heredoc) if heredoc.is_none_or(|heredoc| at < heredoc) => {
                all.push((line[..at].to_owned(), line[at + 1..].to_owned()));
            }
            (_, Some(at)) => {
                let (name, delimiter) = (&line[..at], &line[at + 2..]);
                assert!(!name.is_empty() && !delimiter.is_empty(), "invalid format `{line}`");
                let mut value = Vec::new();
                loop {
                    let next = lines.next().unwrap_or_else(|| panic!("no delimiter after `{line}`"));
                    if next == delimiter {
                        break;
                    }
                    value.push(next);
                }
                all.push((name.to_owned(), value.join("\n")));
            }
            _ => panic!("invalid format `{line}`"),
        }
    }
    all
}
