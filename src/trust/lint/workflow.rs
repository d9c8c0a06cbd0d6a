//! Rules about GitHub workflows: who may mint tokens, and what runs beside them.
//!
//! Nothing is decided by tokens here; a file tells what runs. Where an expression, a called workflow or a label of somebody's own
//! decides, the finding is worth knowing (`info`) and no more.

use super::Severity;
use super::foreign;
use super::registry::{Check, Hits, Rule};
use crate::edge::Edge;
use crate::trust::join;
use crate::trust::workflow::{Job, Step, Workflow};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        code: "TP080",
        severity: Severity::High,
        name: "a job for foreign code may mint tokens",
        why: "`pull_request_target` and `workflow_run` have the repository's rights, and such a job runs the head's code",
        fix: "check out nothing of the head in a job with `id-token: write`",
        check: Check::OfWorkflow(|workflow, _, hits| {
            for job in workflow.minting() {
                foreign::head(workflow, job, hits);
            }
        }),
    },
    Rule {
        code: "TP081",
        severity: Severity::Medium,
        name: "every job of a workflow may mint tokens",
        why: "`id-token: write` at the workflow's level gives the permission to jobs that need none",
        fix: "give it to the one job",
        check: Check::OfWorkflow(every_job),
    },
    Rule {
        code: "TP082",
        severity: Severity::Medium,
        name: "a job federates without an environment",
        why: "nothing then stands between a push and the credentials",
        fix: "name a protected environment in the job",
        check: Check::OfWorkflow(no_environment),
    },
    Rule {
        code: "TP083",
        severity: Severity::Medium,
        name: "a self-hosted runner where hosted ones are demanded",
        why: "what earlier jobs left on the machine runs beside the credentials",
        fix: "use hosted runners, or drop the demand",
        check: Check::OfWorkflow(self_hosted),
    },
    Rule {
        code: "TP084",
        severity: Severity::Low,
        name: "an action that is not pinned runs beside the credentials",
        why: "whoever can move its tag can read the credentials",
        fix: "pin it by its commit",
        check: Check::OfWorkflow(not_pinned),
    },
];

/// Jobs that exchange a token, as far as the file tells.
fn federating(workflow: &Workflow) -> impl Iterator<Item = &Job> {
    workflow.minting().filter(|job| job.federates())
}

fn every_job(workflow: &Workflow, _: &[Edge], hits: &mut Hits<'_>) {
    let Some(grant) = workflow.grant.as_ref().filter(|grant| grant.mints) else { return };
    let all: Vec<&Job> = workflow.jobs.iter().filter(|job| job.grant.is_none()).collect();
    let names = |jobs: &[&Job]| jobs.iter().map(|job| format!("`{}`", job.name)).collect::<Vec<_>>().join(", ");
    let others: Vec<&Job> = all.iter().copied().filter(|job| !job.federates()).collect();
    let unused =
        if others.is_empty() { String::new() } else { format!("; no use of it is seen in {}", names(&others)) };
    match (all.as_slice(), others.is_empty()) {
        ([], _) | ([_], true) => {}
        // It may sign, or publish: there are more uses of a token than these.
        ([one], false) => hits.milder(
            Severity::Info,
            &grant.path,
            format!("`{}` may mint tokens, and no use of one is seen in it", one.name),
        ),
        (all, _) => hits.add(&grant.path, format!("{} jobs may mint tokens ({}){unused}", all.len(), names(all))),
    }
}

fn no_environment(workflow: &Workflow, _: &[Edge], hits: &mut Hits<'_>) {
    for job in workflow.minting() {
        if let Some(called) = &job.calls {
            let message = format!(
                "`{}` lets `{called}` mint tokens; whether a job there names an environment stands there",
                job.name
            );
            hits.milder(Severity::Info, &join(&job.path, "uses"), message);
        }
    }
    let named = on_named_branches(workflow);
    for job in federating(workflow).filter(|job| !job.environment) {
        if named || for_one_ref(workflow, job) {
            let message = format!(
                "`{}` runs for named branches only: their protection is what stands before the credentials",
                job.name
            );
            hits.milder(Severity::Info, &job.path, message);
        } else {
            hits.add(&job.path, format!("`{}` exchanges its token and names no environment", job.name));
        }
    }
}

/// Whether every trigger is a push to a branch that is written out, or the default branch's clock.
fn on_named_branches(workflow: &Workflow) -> bool {
    let named = |branch: &serde_json::Value| {
        branch.as_str().is_some_and(|name| !name.is_empty() && !name.contains(['*', '?', '+', '[', ']', '!', '$']))
    };
    !workflow.triggers.is_empty()
        && workflow.triggers.iter().all(|(event, narrowed)| match event.as_str() {
            "schedule" => true,
            "push" => {
                let branches = match narrowed.get("branches") {
                    Some(serde_json::Value::Array(all)) => all.iter().collect(),
                    Some(one) => vec![one],
                    None => Vec::new(),
                };
                !branches.is_empty() && branches.into_iter().all(named) && narrowed.get("tags").is_none()
            }
            _ => false,
        })
}

/// Whether the job's `if` holds for one ref alone, in events whose ref is the code's own.
fn for_one_ref(workflow: &Workflow, job: &Job) -> bool {
    const OWN: [&str; 5] = ["push", "pull_request", "workflow_dispatch", "schedule", "merge_group"];
    let condition = foreign::plain(&job.condition);
    let one = |part: &str| {
        let words: String = part.split_whitespace().collect();
        let reference = words.strip_prefix("github.ref=='refs/").and_then(|rest| rest.strip_suffix('\''));
        reference.is_some_and(|name| !name.contains('\''))
    };
    workflow.triggers.keys().all(|event| OWN.contains(&event.as_str()))
        && !condition.contains("||")
        && condition.trim_start_matches("${{").trim_end_matches("}}").split("&&").any(one)
}

fn self_hosted(workflow: &Workflow, edges: &[Edge], hits: &mut Hits<'_>) {
    let demanding: Vec<&Edge> = edges
        .iter()
        .filter(|edge| {
            edge.require.get("runner_environment").is_some_and(|all| all.iter().all(|one| one == "github-hosted"))
        })
        .collect();
    for job in workflow.minting() {
        let Some((edge, certain)) = job.steps.iter().find_map(|step| asks_for(step, &demanding, edges)) else {
            continue;
        };
        let path = join(&job.path, "runs-on");
        let labels = labels(&job.runs_on);
        if let Some(label) = labels.iter().find(|label| label.eq_ignore_ascii_case("self-hosted")) {
            let message =
                format!("`{}` runs on `{label}`, and the edge `{}` requires github-hosted", job.name, edge.name);
            hits.milder(if certain { hits.severity() } else { Severity::Info }, &path, message);
        } else if !labels.iter().any(|label| is_hosted(label)) {
            let message = format!(
                "whose runners `{}` takes cannot be told by their name, and the edge `{}` requires github-hosted",
                job.name, edge.name
            );
            hits.milder(Severity::Info, &path, message);
        }
    }
}

/// The first of the demanding edges that this step asks for, and whether that is certain.
fn asks_for<'e>(step: &Step, demanding: &[&'e Edge], edges: &[Edge]) -> Option<(&'e Edge, bool)> {
    let by_input = || {
        (step.action() == "jobpass/jobpass").then(|| {
            let names = step.input("edges");
            let names = names.split([',', '\n']).map(|name| name.trim().to_owned());
            let described = step.with.keys().any(|name| names_a_cloud(&name.to_ascii_lowercase()));
            (names.filter(|name| !name.is_empty()).collect::<Vec<_>>(), described, step.input("config").is_empty())
        })
    };
    let by_command = || {
        step.jobpass().into_iter().next().map(|words| {
            let words: Vec<String> = words.into_iter().take_while(|word| word != "--").collect();
            let named =
                |word: &&String| edges.iter().any(|edge| edge.name == word.rsplit('=').next().unwrap_or_default());
            let names =
                words.iter().filter(named).filter_map(|word| word.rsplit('=').next()).map(str::to_owned).collect();
            let described = words.iter().any(|word| word.strip_prefix("--").is_some_and(names_a_cloud));
            (names, described, !words.iter().any(|word| word.starts_with("--config")))
        })
    };
    let (names, described, this_file): (Vec<String>, bool, bool) = by_input().or_else(by_command)?;
    let wanted = |edge: &&&Edge| names.is_empty() || names.contains(&edge.name);
    let edge = demanding.iter().find(wanted).copied().filter(|_| !described)?;
    Some((edge, this_file))
}

fn names_a_cloud(name: &str) -> bool {
    ["aws-", "gcp-", "azure-"].iter().any(|begin| name.starts_with(begin))
}

/// Every label and group that `runs-on` names as a text.
fn labels(runs_on: &serde_json::Value) -> Vec<String> {
    match runs_on {
        serde_json::Value::String(label) => vec![label.trim().to_owned()],
        serde_json::Value::Array(all) => all.iter().flat_map(labels).collect(),
        // A group may be GitHub's own larger runners: only its labels tell.
        serde_json::Value::Object(all) => all.get("labels").map(labels).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// GitHub's own images (runner images, 2026): `ubuntu-24.04`, `macos-latest`.
fn is_hosted(label: &str) -> bool {
    let label = label.to_ascii_lowercase();
    ["ubuntu-", "windows-", "macos-"].iter().any(|system| label.starts_with(system))
}

fn not_pinned(workflow: &Workflow, _: &[Edge], hits: &mut Hits<'_>) {
    for job in workflow.minting() {
        if let Some(called) = job.calls.as_deref().filter(|called| moves(called)) {
            hits.add(
                &join(&job.path, "uses"),
                format!("`{called}` may mint tokens, and is named by what can be moved"),
            );
        }
        for step in job.steps.iter().filter(|_| job.federates()) {
            if let Some(uses) = step.uses.as_deref().filter(|uses| moves(uses)) {
                hits.add(&join(&step.path, "uses"), format!("`{uses}` is named by what can be moved"));
            }
        }
    }
}

/// Whether somebody else's action can become another one under the same name. What is said by an expression is not known.
fn moves(uses: &str) -> bool {
    let lower = uses.to_ascii_lowercase();
    if ["./", "$/", "actions/", "github/"].iter().any(|begin| lower.starts_with(begin)) || uses.contains("${{") {
        return false;
    }
    if let Some(image) = lower.strip_prefix("docker://") {
        return !image.contains("@sha256:");
    }
    let commit = |text: &str| [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    lower.split_once('@').is_some_and(|(_, reference)| !commit(reference))
}
