//! A GitHub workflow, as far as ID tokens go: what starts it, which job may mint one, and what runs beside that.
//!
//! Sources: GitHub Docs, "Workflow syntax" and "OpenID Connect reference" (2026); `tests/cases/lint/workflows/` has the corners.
//! Permissions of a job replace the workflow's as a whole; without any, the default never has `id-token`. Reads, and judges nothing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::places::{Places, join};
use super::{shell, yaml};
use crate::error::{Error, Result};

/// A workflow with the places of its parts in the file.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// What starts it, by the event's name, each with what it is narrowed to.
    pub(super) triggers: BTreeMap<String, Value>,
    /// What every job may that says nothing itself.
    pub(super) grant: Option<Grant>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) jobs: Vec<Job>,
    pub(super) places: Places,
}

/// A `permissions`.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// Where `id-token: write` stands, or all of it.
    pub(super) path: String,
    pub(super) mints: bool,
}

/// One job.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) name: String,
    pub(super) path: String,
    /// Its own permissions; without them the workflow's hold.
    pub(super) grant: Option<Grant>,
    pub(super) condition: String,
    pub(super) environment: bool,
    pub(super) runs_on: Value,
    /// The workflow that it calls instead of steps.
    pub(super) calls: Option<String>,
    pub(super) variables: BTreeMap<String, String>,
    pub(super) steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) path: String,
    pub(super) condition: String,
    pub(super) uses: Option<String>,
    /// The inputs of what is used.
    pub(super) with: Map<String, Value>,
    pub(super) run: String,
    pub(super) variables: BTreeMap<String, String>,
}

impl Workflow {
    /// Reads a text; `None` for what is no workflow: a mapping with `on` and `jobs`.
    ///
    /// # Errors
    /// Broken YAML that speaks of itself as a workflow.
    pub fn recognise(text: &str) -> Result<Option<Workflow>> {
        if !text.contains("jobs") {
            return Ok(None);
        }
        match yaml::parse_with_aliases(text) {
            Ok((value, places)) => Ok(Workflow::of(&value, places)),
            Err(_) if !speaks_of_itself(text) => Ok(None),
            Err(what) => Err(Error::usage("workflow", format!("the workflow cannot be read: {what}"))),
        }
    }

    fn of(value: &Value, places: Places) -> Option<Workflow> {
        let (on, jobs) = (value.get("on")?, value.get("jobs")?.as_object()?);
        let job = |(name, job): (&String, &Value)| job.is_object().then(|| Job::of(name, job));
        Some(Workflow {
            triggers: triggers(on),
            grant: value.get("permissions").map(|value| Grant::of(value, "/permissions")),
            variables: variables(value.get("env")),
            jobs: jobs.iter().filter_map(job).collect(),
            places,
        })
    }

    /// Whether this job may mint tokens, and where that is said.
    pub(super) fn mints<'w>(&'w self, job: &'w Job) -> Option<&'w Grant> {
        job.grant.as_ref().or(self.grant.as_ref()).filter(|grant| grant.mints)
    }

    /// Jobs with the right to mint tokens.
    pub(super) fn minting(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| self.mints(job).is_some())
    }
}

/// Whether somebody wrote a workflow, whatever became of it.
fn speaks_of_itself(text: &str) -> bool {
    let has = |name: &str| {
        let plain = |line: &str| line.trim_start_matches(['"', '\'']).strip_prefix(name).map(str::to_owned);
        text.lines().filter_map(plain).any(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
    };
    has("on") && has("jobs")
}

fn triggers(on: &Value) -> BTreeMap<String, Value> {
    match on {
        Value::String(name) => [(name.trim().to_owned(), Value::Null)].into(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).map(|name| (name.trim().to_owned(), Value::Null)).collect()
        }
        Value::Object(events) => events.clone().into_iter().collect(),
        _ => BTreeMap::new(),
    }
}

/// A text as GitHub would see it; numbers and the like are texts too.
fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        _ => String::new(),
    }
}

fn variables(env: Option<&Value>) -> BTreeMap<String, String> {
    let members = env.and_then(Value::as_object);
    members.into_iter().flatten().map(|(name, value)| (name.clone(), text(Some(value)))).collect()
}

impl Grant {
    fn of(value: &Value, path: &str) -> Grant {
        let write = |value: &Value| value.as_str().is_some_and(|text| text.trim() == "write");
        if let Some(level) = value.get("id-token") {
            return Grant { path: join(path, "id-token"), mints: write(level) };
        }
        let all = value.as_str().is_some_and(|text| text.trim() == "write-all");
        Grant { path: path.to_owned(), mints: all }
    }
}

impl Job {
    fn of(name: &str, value: &Value) -> Job {
        let path = join("/jobs", name);
        let calls = text(value.get("uses"));
        let steps = value.get("steps").and_then(Value::as_array).into_iter().flatten().enumerate();
        let environment = match value.get("environment") {
            None | Some(Value::Null) => false,
            Some(Value::String(name)) => !name.trim().is_empty(),
            Some(Value::Object(members)) => !members.is_empty(),
            Some(_) => true,
        };
        Job {
            name: name.to_owned(),
            grant: value.get("permissions").map(|value| Grant::of(value, &join(&path, "permissions"))),
            condition: text(value.get("if")),
            environment,
            runs_on: value.get("runs-on").cloned().unwrap_or_default(),
            calls: Some(calls).filter(|calls| !calls.is_empty()),
            variables: variables(value.get("env")),
            steps: steps.map(|(at, step)| Step::of(&format!("{path}/steps/{at}"), step)).collect(),
            path,
        }
    }

    /// Whether a step exchanges the job's token at a cloud, as far as the names of actions and commands tell.
    pub(super) fn federates(&self) -> bool {
        self.steps.iter().any(Step::federates)
    }
}

/// Actions that exchange the job's token, and the inputs that make them take a stored secret instead.
const LOGINS: [(&str, &[&str]); 4] = [
    ("jobpass/jobpass", &[]),
    ("aws-actions/configure-aws-credentials", &["aws-access-key-id"]),
    ("google-github-actions/auth", &["credentials_json"]),
    ("azure/login", &["creds"]),
];

impl Step {
    fn of(path: &str, value: &Value) -> Step {
        Step {
            path: path.to_owned(),
            condition: text(value.get("if")),
            uses: Some(text(value.get("uses"))).filter(|uses| !uses.is_empty()),
            with: value.get("with").and_then(Value::as_object).cloned().unwrap_or_default(),
            run: text(value.get("run")),
            variables: variables(value.get("env")),
        }
    }

    /// The action's repository, in small letters as GitHub does not tell them apart; empty without one.
    pub(super) fn action(&self) -> String {
        let name = self.uses.as_deref().unwrap_or_default().split('@').next().unwrap_or_default();
        name.split('/').take(2).collect::<Vec<_>>().join("/").to_ascii_lowercase()
    }

    /// The value of an input; empty when it is not given. Names of inputs have no case.
    pub(super) fn input(&self, name: &str) -> String {
        self.with
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| text(Some(value)))
            .unwrap_or_default()
    }

    /// `jobpass login` and `jobpass exec` of its script, each as its words.
    pub(super) fn jobpass(&self) -> Vec<Vec<String>> {
        let mut all = shell::commands(&self.run);
        all.retain(|words| {
            let name = words.first().map(|word| word.rsplit(['/', '\\']).next().unwrap_or_default());
            let verbs = words.iter().take_while(|word| *word != "--").any(|word| word == "login" || word == "exec");
            matches!(name, Some("jobpass" | "jobpass.exe")) && verbs
        });
        all
    }

    fn federates(&self) -> bool {
        let action = self.action();
        let login = LOGINS.iter().find(|(name, _)| *name == action);
        login.is_some_and(|(_, stored)| stored.iter().all(|input| self.input(input).is_empty()))
            || !self.jobpass().is_empty()
    }
}
