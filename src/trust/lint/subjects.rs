//! Rules about subjects: what they begin with, what they rest on, and what no job has.

use super::Severity;
use super::examined::{Examined, Part};
use super::registry::{Check, Hits, Rule};
use crate::trust::aws::Filling;
use crate::trust::probe::{Kind, Probe};
use crate::trust::subject;

pub(super) const RULES: [Rule; 9] = [
    Rule {
        code: "TP010",
        severity: Severity::Medium,
        name: "a subject in a style that the repository does not have",
        why: "GitHub writes ids behind both names or behind none, and GitHub Enterprise Server writes none: nothing fits",
        fix: "`sub_claim_prefix` in GitHub's answer about the repository says which style it has; accept both while switching",
        check: Check::Of(style),
    },
    super::offline::PROTECTION,
    Rule {
        code: "TP012",
        severity: Severity::High,
        name: "a subject that begins with what its author chooses",
        why: "workflow, environment and refs are free text: another organisation can make its subjects of the same claim",
        fix: "put the repository or an id first in the subject's template, and compare it",
        check: Check::Of(chosen),
    },
    Rule {
        code: "TP013",
        severity: Severity::Medium,
        name: "a person authorises",
        why: "who started a run says nothing of the code that it runs; people leave, and bots and re-runs bear other names",
        fix: "compare repository and environment, and let the environment's reviewers decide",
        check: Check::Of(persons),
    },
    Rule {
        code: "TP014",
        severity: Severity::Medium,
        name: "a workflow at a ref that moves",
        why: "whoever can push to that branch changes what runs with these credentials",
        fix: "name a protected tag or a commit behind the `@`, or compare `job_workflow_sha` where the cloud has it",
        check: Check::Of(workflow_refs),
    },
    Rule {
        code: "TP015",
        severity: Severity::Low,
        name: "a reusable workflow, whoever calls it",
        why: "any repository that can read the workflow may call it, with inputs of its own",
        fix: "compare `repository_owner_id` or `repository_id` as well",
        check: Check::Of(|examined, hits| {
            for group in &examined.groups {
                for trial in group.of_probe(&[Probe::StrangerCalling]) {
                    if !group.is_open() {
                        hits.admit(hits.severity(), trial, "another organisation that calls the workflow gets in");
                    }
                }
            }
        }),
    },
    Rule {
        code: "TP016",
        severity: Severity::Medium,
        name: "a colon inside of a name in the subject",
        why: "GitHub writes a `:` inside an environment's or a workflow's name as `%3A`: the subject that is compared never comes",
        fix: "write `%3A`",
        check: Check::Of(colons),
    },
    super::offline::TEMPLATE,
    Rule {
        code: "TP018",
        severity: Severity::Medium,
        name: "a subject that no job has",
        why: "GitHub's subjects have a claim's name and its value behind the repository, or `pull_request`: anything else never comes",
        fix: "write `ref:refs/heads/…`, `environment:…` or `pull_request` behind the repository",
        check: Check::Of(contexts),
    },
];

fn style(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in examined.groups.iter().filter(|group| group.kind == Kind::GitHub) {
        let Some(pattern) = group.wanted.claim("sub") else { continue };
        let shown = pattern.shown();
        let Some((owner, rest)) = shown.strip_prefix("repo:").and_then(|rest| rest.split_once('/')) else { continue };
        let name = rest.split(':').next().unwrap_or_default();
        let (first, second) = (owner.contains('@'), name.contains('@'));
        let server = group.wanted.issuer.ends_with("/_services/token");
        let path = written_at(examined, &shown);
        if first != second && !name.contains('*') && !name.is_empty() {
            hits.add(&path, format!("`{shown}` has an id behind one name and none behind the other"));
        } else if server && (first || second) {
            hits.add(&path, format!("`{shown}` has ids, and GitHub Enterprise Server writes none"));
        }
    }
}

/// Where a subject is written, for what no token shows.
fn written_at(examined: &Examined<'_>, subject: &str) -> String {
    match &examined.part {
        Part::Aws(role) => {
            let mut conditions = role.statements.iter().flatten().flat_map(|one| &one.conditions);
            let found = conditions.find(|one| one.claim == "sub" && one.values.iter().any(|value| value == subject));
            found.map_or_else(|| role.path().to_owned(), |one| one.path.clone())
        }
        Part::Gcp(facts) => format!("{}/attributeCondition", facts.base()),
        Part::Azure(facts) => facts.path(if facts.is_flexible() { "claimsMatchingExpression" } else { "subject" }),
    }
}

/// Claims that whoever writes a workflow chooses.
const FREE: [&str; 8] =
    ["workflow", "environment", "ref", "context", "head_ref", "base_ref", "event_name", "run_attempt"];

fn chosen(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in examined.groups.iter().filter(|group| group.kind == Kind::GitHub) {
        let mut admitted = false;
        for trial in group.of_probe(&[Probe::Customised]).filter(|_| !group.admits(&Probe::Stranger)) {
            admitted = true;
            hits.admit(hits.severity(), trial, "another organisation makes the same subject of its own jobs");
        }
        let Some(pattern) = group.wanted.claim("sub") else { continue };
        let shown = pattern.shown();
        let first = shown.split(':').next().unwrap_or_default();
        if !admitted && FREE.contains(&first) {
            let message = format!("the subject begins with `{first}`, which whoever writes the workflow chooses");
            hits.milder(Severity::Low, &written_at(examined, &shown), message);
        }
    }
}

fn persons(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    const PEOPLE: [&str; 5] = ["actor", "actor_id", "user_login", "user_id", "user_email"];
    let mut add = |path: &str, claim: &str| {
        if PEOPLE.contains(&claim) {
            hits.add(path, format!("`{claim}` decides, and it names a person"));
        }
    };
    match &examined.part {
        Part::Aws(role) => {
            for one in role.statements.iter().flatten().filter(|one| one.allow).flat_map(|one| &one.conditions) {
                if one.filling == Filling::Claim {
                    add(&one.path, &one.claim);
                }
            }
        }
        Part::Gcp(facts) => {
            for read in facts.reads().iter().filter(|read| !read.in_mapping) {
                add(&read.path, &read.claim);
            }
            for member in facts.members() {
                let claim = member.of.and_then(|(kind, _)| facts.claim_of(kind));
                add(&member.path, claim.as_deref().unwrap_or_default());
            }
        }
        Part::Azure(_) => {}
    }
}

fn workflow_refs(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in &examined.groups {
        let Some(pattern) = group.wanted.claim("job_workflow_ref") else { continue };
        if group.is_open() {
            continue;
        }
        let mut moved = false;
        for trial in group.of_probe(&[Probe::OtherWorkflowRef]) {
            moved = true;
            hits.admit(hits.severity(), trial, "the workflow gets in at any ref, also one that nobody reviewed");
        }
        let shown = pattern.shown();
        if !moved && shown.contains("@refs/heads/") {
            let path = match &examined.part {
                Part::Aws(role) => {
                    let mut all = role.statements.iter().flatten().flat_map(|one| &one.conditions);
                    all.find(|one| one.values.contains(&shown))
                        .map_or_else(|| role.path().to_owned(), |one| one.path.clone())
                }
                _ => written_at(examined, &shown),
            };
            hits.add(&path, format!("`{shown}` names a branch, which moves"));
        }
    }
}

fn colons(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    const BEHIND: [&str; 9] = [
        "job_workflow_ref",
        "ref",
        "workflow",
        "actor",
        "event_name",
        "repository_owner",
        "repository_visibility",
        "repository_id",
        "repository",
    ];
    for group in examined.groups.iter().filter(|group| group.kind == Kind::GitHub) {
        let Some(pattern) = group.wanted.claim("sub") else { continue };
        let shown = pattern.shown();
        let mut parts = shown.split(':').skip_while(|part| *part != "environment" && *part != "workflow").skip(2);
        let Some(rest) = parts.next() else { continue };
        if !rest.contains('*') && !rest.is_empty() && !BEHIND.contains(&rest) && rest != "environment" {
            let message = format!("`{shown}` has a colon inside of a name, which GitHub writes as %3A");
            hits.add(&written_at(examined, &shown), message);
        }
    }
}

fn contexts(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in examined.groups.iter().filter(|group| group.kind == Kind::GitHub) {
        let Some(pattern) = group.wanted.claim("sub") else { continue };
        let shown = pattern.shown();
        if let Some(story) = subject::never(&shown) {
            hits.add(&written_at(examined, &shown), format!("`{shown}`: {story}"));
        }
    }
}
