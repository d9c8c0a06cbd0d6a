//! A GitHub job that act runs on this machine, with the action as a release carries it.
//!
//! Where act differs from GitHub's runner, so that nobody takes one for the other:
//! - `actions/checkout` is not run: act copies the repository's files into the workspace in its place.
//! - It mints no ID tokens: the sandbox's endpoint comes by the file of variables that it is given, which is also how
//!   whatever else the job starts with gets there. Nothing of act's own environment reaches a step but `PATH`, `HOME` and
//!   the proxy variables.
//! - `GITHUB_ENV` and `GITHUB_STATE` are one file each for the whole job, read and emptied after each step; state reaches the
//!   post step of its own step only, as on GitHub. `RUNNER_NAME` and `GITHUB_ACTION_PATH` are not set.
//! - It prints `GITHUB_STEP_SUMMARY` and the variables that `GITHUB_ENV` sets into its log, and masks both: what GitHub would
//!   not show is searched for secrets here all the same.
//! - It removes the job's `RUNNER_TEMP` with the job when that succeeded and keeps it otherwise. What was left is therefore
//!   noted by an action whose post step is the last to run, as its main step was the first.
//! - Node is the one on the `PATH`: `target/runners/bin/node`, of the version that `action.yml` asks for.
//! - A first SIGINT cancels: the step is killed at once (GitHub sends it SIGINT and SIGTERM first), post steps run.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Ran, checkout, run};
use crate::job::Sandbox;
use crate::{Machine, RELEASE, binary, copy, sandbox, sha256};

/// What notes what is left; the first step of every job here. Its post step writes the variables that it sees, the files of
/// `RUNNER_TEMP` and those of the workspace.
const WATCH: &str = r#"
import fs from "node:fs";
const { env } = process;
const below = (at) => fs.readdirSync(at, { recursive: true }).map(String).filter((name) => !name.startsWith(".git"));
const ours = /^(AWS|AZURE|ARM|GOOGLE|GCLOUD|GCP|CLOUDSDK|JOBPASS)_/;
fs.writeFileSync(`${env.WATCH_INTO}/${env.INPUT_NAME}.json`, JSON.stringify({
    variables: Object.fromEntries(Object.entries(env).filter(([name]) => ours.test(name))),
    temp: below(env.RUNNER_TEMP),
    workspace: below(env.GITHUB_WORKSPACE),
}));
"#;
const WATCH_ACTION: &str = "name: watch\ndescription: notes what is left\ninputs:\n  name:\n    description: the note's\n    default: left\nruns:\n  using: node24\n  main: main.mjs\n  post: post.mjs\n";
const WATCH_COMMIT: &str = "1111111111111111111111111111111111111111";

/// A repository with one workflow, beside a sandbox.
pub(crate) struct Workflow {
    pub(crate) machine: Machine,
    _sandbox: Sandbox,
    pub(crate) directory: PathBuf,
    /// What the job starts with.
    pub(crate) variables: BTreeMap<String, String>,
}

/// What a job leaves, as its very last step sees it.
pub(crate) struct Left {
    /// The clouds' and our own variables that are not blank.
    pub(crate) variables: BTreeMap<String, String>,
    /// Files and directories in `RUNNER_TEMP`.
    pub(crate) temp: Vec<String>,
    /// Those in the workspace.
    pub(crate) workspace: Vec<String>,
}

impl Workflow {
    /// The example as a repository of its own, with its workflow, beside a sandbox that knows its edges.
    pub(crate) fn of_example(example: &str, sandbox_args: &[&str]) -> Workflow {
        let machine = Machine::new();
        let directory = machine.path("shop");
        copy(&checkout().join("examples").join(example), &directory);
        fs::create_dir_all(directory.join(".github/workflows")).unwrap();
        fs::rename(directory.join("workflow.yml"), directory.join(".github/workflows/deploy.yml")).unwrap();
        let sandbox = sandbox(&machine, &directory.join("jobpass.toml"), sandbox_args);
        // act has its own of the runner's variables.
        let own = |name: &str| !name.starts_with("GITHUB_") && !name.starts_with("RUNNER_");
        let mut variables: BTreeMap<_, _> = sandbox.variables.clone();
        variables.retain(|name, _| own(name));
        variables.insert("WATCH_INTO".to_owned(), machine.path("seen").display().to_string());
        for file in ["main.mjs", "post.mjs"] {
            machine.scratch.write(&format!("watch/{file}"), if file == "post.mjs" { WATCH } else { "" });
        }
        machine.scratch.write("watch/action.yml", WATCH_ACTION);
        let workflow = Workflow { machine, _sandbox: sandbox, directory, variables };
        workflow.release();
        let text = fs::read_to_string(workflow.file()).unwrap();
        workflow.write(&text);
        workflow
    }

    /// The tree of a release commit: the action, its table of checksums filled in, and the binary under test.
    fn release(&self) {
        let release = self.machine.path("release");
        copy(&checkout().join("action"), &release.join("action"));
        fs::copy(checkout().join("action.yml"), release.join("action.yml")).unwrap();
        let (arch, node) = match std::env::consts::ARCH {
            "aarch64" => ("aarch64", "linux-arm64"),
            arch => (arch, "linux-x64"),
        };
        let file = format!("jobpass-{arch}-unknown-linux-musl");
        fs::create_dir_all(release.join("action/bin")).unwrap();
        fs::copy(binary(), release.join("action/bin").join(&file)).unwrap();
        fs::set_permissions(release.join("action/bin").join(&file), fs::Permissions::from_mode(0o755)).unwrap();
        let table = release.join("action/binaries.json");
        let mut binaries: Value = serde_json::from_str(&fs::read_to_string(&table).unwrap()).unwrap();
        binaries["binaries"][node] = serde_json::json!({ "file": file, "sha256": sha256(&binary()) });
        fs::write(table, binaries.to_string()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.directory.join(".github/workflows/deploy.yml")
    }

    /// Puts a workflow in place of the example's; the step that watches comes before its first.
    pub(crate) fn write(&self, text: &str) {
        let watched =
            text.replacen("    steps:\n", &format!("    steps:\n      - uses: jobpass/watch@{WATCH_COMMIT}\n"), 1);
        assert_ne!(text, watched, "the workflow has steps");
        fs::write(self.file(), watched).unwrap();
    }

    /// A workflow of one job with these keys and steps, in which `JOBPASS@` and `WATCH@` are the two actions.
    pub(crate) fn job(&self, keys: &str, steps: &str) {
        let steps = steps.replace("JOBPASS@", &format!("jobpass/jobpass@{RELEASE}"));
        let steps = steps.replace("WATCH@", &format!("jobpass/watch@{WATCH_COMMIT}"));
        self.write(&format!("on: push\njobs:\n  deploy:\n    runs-on: ubuntu-24.04\n{keys}    steps:\n{steps}"));
    }

    /// What the job starts with besides.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// act, about to run the workflow.
    pub(crate) fn act(&self) -> Command {
        self.machine.commit(&self.directory, "https://github.com/acme/shop");
        let lines: String = self.variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        let env_file = self.machine.scratch.write("job.env", &lines);
        let place = |name: &str| self.machine.path(name).display().to_string();
        let mut command = self.machine.runner("act", &self.directory);
        command.args(["push", "--platform", "ubuntu-24.04=-self-hosted", "--action-offline-mode", "--no-cache-server"]);
        command.args(["--action-cache-path", &place("runner"), "--env-file"]).arg(env_file);
        command.arg("--local-repository").arg(format!("jobpass/jobpass@{RELEASE}={}", place("release")));
        command.arg("--local-repository").arg(format!("jobpass/watch@{WATCH_COMMIT}={}", place("watch")));
        command
    }

    /// The whole job.
    pub(crate) fn run(&self) -> Ran {
        run(&mut self.act())
    }

    /// What its very last step noted.
    pub(crate) fn left(&self) -> Left {
        self.noted("left")
    }

    /// What the post step of a `WATCH@` with this `name` noted.
    pub(crate) fn noted(&self, name: &str) -> Left {
        let text =
            fs::read_to_string(self.machine.path(&format!("seen/{name}.json"))).expect("that post step did not run");
        let noted: Value = serde_json::from_str(&text).unwrap();
        let names = |key: &str| {
            let all = noted[key].as_array().unwrap().iter();
            all.map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let variables = noted["variables"].as_object().unwrap().iter();
        let variables = variables.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        Left {
            variables: variables.filter(|(_, value)| !value.is_empty()).collect(),
            temp: names("temp"),
            workspace: names("workspace"),
        }
    }

    /// After the job everything is as it was before: variables, `RUNNER_TEMP`, workspace, home.
    pub(crate) fn assert_nothing_left(&self) {
        let left = self.left();
        let before = |name: &String, value: &String| self.variables.get(name) == Some(value);
        let more: BTreeMap<_, _> = left.variables.iter().filter(|(name, value)| !before(name, value)).collect();
        assert!(more.is_empty(), "variables are left: {more:?}");
        let ours = ["AWS_", "AZURE_", "GOOGLE_", "JOBPASS_", "CLOUDSDK_"];
        for (name, value) in self.variables.iter().filter(|(name, _)| ours.iter().any(|start| name.starts_with(start)))
        {
            assert_eq!(left.variables.get(name), Some(value), "{name} stood there before the job");
        }
        assert_eq!(left.temp, [""; 0], "RUNNER_TEMP");
        let mut expected: Vec<String> = Vec::new();
        for name in &left.workspace {
            if !self.directory.join(name).exists() {
                expected.push(name.clone());
            }
        }
        assert_eq!(expected, [""; 0], "new in the workspace");
        self.machine.assert_nothing_left(&[&self.machine.path("runner")]);
    }
}
