//! Whether a job runs the code of a pull request's head with the repository's own rights.

use std::collections::BTreeMap;

use super::Severity;
use super::registry::Hits;
use crate::trust::workflow::{Job, Step, Workflow};
use crate::trust::{join, shell};

/// Events that run with the repository's rights about code that may be anybody's (GitHub Docs, "Events that trigger workflows").
const FOREIGN: [&str; 2] = ["pull_request_target", "workflow_run"];

/// What names the head, as [`plain`] has it.
const HEAD: [&str; 6] = [
    "github.event.pull_request.head.",
    "github.event.pull_request.merge_commit_sha",
    "github.event.workflow_run.head_",
    "github.event.workflow_run.pull_requests",
    "github.head_ref",
    "refs/pull/",
];

/// A finding for every step of the job that gets the head's code.
pub(super) fn head(workflow: &Workflow, job: &Job, hits: &mut Hits<'_>) {
    let Some(event) = FOREIGN.iter().find(|event| workflow.triggers.contains_key(**event)) else { return };
    for step in &job.steps {
        let variables = Variables([&step.variables, &job.variables, &workflow.variables]);
        let Some(part) = checked_out(step, &variables) else { continue };
        let message = format!("`{}` may mint tokens, is started by `{event}`, and gets the head's code", job.name);
        let path = join(&step.path, part);
        if may_keep_out(&job.condition) || may_keep_out(&step.condition) {
            hits.milder(
                Severity::Info,
                &path,
                format!("{message}; whether its `if` keeps strangers out is not told here"),
            );
        } else {
            hits.add(&path, message);
        }
    }
}

/// The part of the step that gets the head's code.
fn checked_out(step: &Step, variables: &Variables<'_>) -> Option<&'static str> {
    if step.action() == "actions/checkout" {
        return ["ref", "repository"].iter().any(|input| variables.name_head(&step.input(input))).then_some("with");
    }
    shell::commands(&step.run).iter().any(|words| gets_head(words, variables)).then_some("run")
}

/// `gh pr checkout`, or a command of git's that names the head.
fn gets_head(words: &[String], variables: &Variables<'_>) -> bool {
    const GETTING: [&str; 7] = ["fetch", "pull", "checkout", "switch", "clone", "worktree", "reset"];
    let mut all = words.iter().map(String::as_str);
    match all.next() {
        Some("gh") => words.windows(2).any(|pair| pair == ["pr", "checkout"] || pair == ["pr", "co"]),
        Some("git") => {
            words.iter().any(|word| GETTING.contains(&word.as_str())) && all.any(|word| variables.name_head(word))
        }
        _ => false,
    }
}

/// The variables that a step has, its own before the job's before the workflow's.
struct Variables<'w>([&'w BTreeMap<String, String>; 3]);

impl Variables<'_> {
    /// Whether a text is made of the head, by an expression or by a variable that has it.
    fn name_head(&self, text: &str) -> bool {
        let direct = |text: &str| {
            let plain = plain(text);
            HEAD.iter().any(|head| plain.contains(head))
        };
        let pulled = text.contains("pull/") && (text.contains("/head") || text.contains("/merge"));
        let value = |name: &str| self.0.iter().find_map(|variables| variables.get(name));
        direct(text)
            || pulled
            || variables_of(text)
                .any(|name| name == "GITHUB_HEAD_REF" || value(name).is_some_and(|value| direct(value)))
    }
}

/// The names behind `$`, `${`, `$env:` and `env.`.
fn variables_of(text: &str) -> impl Iterator<Item = &str> {
    let name = |rest: &'_ str| rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    ["$", "${", "$env:", "env."].into_iter().flat_map(move |begin| {
        text.split(begin).skip(1).filter_map(move |rest| rest.get(..name(rest))).filter(|name| !name.is_empty())
    })
}

/// Whether a condition is about where the code comes from: what it makes of that is not evaluated.
fn may_keep_out(condition: &str) -> bool {
    const ABOUT: [&str; 5] =
        ["head.repo.full_name", "head.repo.fork", "head.repo.owner", "head_repository", "workflow_run.event"];
    let condition = plain(condition);
    let named = FOREIGN.iter().any(|event| condition.contains(&format!("'{event}'")));
    let other_event = condition.contains("github.event_name") && (!named || condition.contains("!="));
    other_event || ABOUT.iter().any(|about| condition.contains(about))
}

/// An expression in small letters, with every `['name']` as `.name`.
pub(super) fn plain(expression: &str) -> String {
    let mut out = String::new();
    let lower = expression.to_ascii_lowercase();
    let mut rest = lower.as_str();
    while let Some((before, behind)) = rest.split_once("['") {
        let Some((name, after)) = behind.split_once("']") else { break };
        out.push_str(before);
        out.push('.');
        out.push_str(name);
        rest = after;
    }
    out.push_str(rest);
    out
}
