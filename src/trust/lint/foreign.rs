//! Whether a job runs the code of a pull request's head with the repository's own rights.

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
        let Some(part) = checked_out(step) else { continue };
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
fn checked_out(step: &Step) -> Option<&'static str> {
    if step.action() == "actions/checkout" {
        return ["ref", "repository"].iter().any(|input| names_head(&step.input(input), step)).then_some("with");
    }
    shell::commands(&step.run).iter().any(|words| gets_head(words, step)).then_some("run")
}

/// `gh pr checkout`, or a command of git's that names the head.
fn gets_head(words: &[String], step: &Step) -> bool {
    const GETTING: [&str; 7] = ["fetch", "pull", "checkout", "switch", "clone", "worktree", "reset"];
    let mut all = words.iter().map(String::as_str);
    match all.next() {
        Some("gh") => words.windows(2).any(|pair| pair == ["pr", "checkout"] || pair == ["pr", "co"]),
        Some("git") => {
            words.iter().any(|word| GETTING.contains(&word.as_str())) && all.any(|word| names_head(word, step))
        }
        _ => false,
    }
}

/// Whether a text is made of the head, by an expression or by a variable that has it.
fn names_head(text: &str, step: &Step) -> bool {
    let direct = |text: &str| HEAD.iter().any(|head| plain(text).contains(head));
    let pulled = text.contains("pull/") && (text.contains("/head") || text.contains("/merge"));
    let given = |name: &str| {
        let names = |begin: &str| {
            text.split(begin)
                .skip(1)
                .filter_map(|rest| rest.strip_prefix(name))
                .any(|behind| !behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
        };
        names("$") || names("${") || names("env.") || names("$env:")
    };
    direct(text)
        || pulled
        || given("GITHUB_HEAD_REF")
        || step.variables.iter().any(|(name, value)| direct(value) && given(name))
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
