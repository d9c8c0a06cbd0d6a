//! Rules about issuers that many share: who else gets in, whatever the cloud.

use super::Severity;
use super::examined::{Examined, Group, Part, Trial};
use super::registry::{Check, Hits, Rule};
use crate::trust::Verdict;
use crate::trust::aws::{ConditionFacts, Filling};
use crate::trust::probe::{Kind, Pattern, Probe, Tenancy};

pub(super) const RULES: [Rule; 9] = [
    Rule {
        code: "TP001",
        severity: Severity::Critical,
        name: "no condition on who the job belongs to",
        why: "the issuer signs tokens for everybody who has an account there; what remains is a check of things that anybody can choose",
        fix: "compare `sub` with the subject of one repository and context, or `job_workflow_ref` together with `repository_id`",
        check: Check::Of(|examined, hits| strangers(examined, hits, Cause::Unscoped)),
    },
    Rule {
        code: "TP002",
        severity: Severity::Critical,
        name: "a wildcard reaches over organisations",
        why: "a `*` goes over `/` and `:`, so a subject that does not begin with one organisation and a slash fits everybody's",
        fix: "write organisation and repository out: `repo:ORG/REPO:…`",
        check: Check::Of(|examined, hits| strangers(examined, hits, Cause::Wildcard)),
    },
    Rule {
        code: "TP003",
        severity: Severity::Critical,
        name: "an organisation's name is only a part of what is compared",
        why: "whoever registers a name that begins or ends like this one gets in",
        fix: "end the name with `/`, or compare it whole",
        check: Check::Of(|examined, hits| {
            let narrower = |group: &&Group| !group.admits(&Probe::Stranger) && !is_entra(examined);
            for group in examined.groups.iter().filter(narrower) {
                for trial in group.of_probe(&[Probe::Squat]) {
                    hits.admit(
                        hits.severity(),
                        trial,
                        "an organisation whose name or number begins or ends like this one gets in",
                    );
                }
            }
        }),
    },
    Rule {
        code: "TP004",
        severity: Severity::High,
        name: "every repository of an organisation",
        why: "any repository of the organisation gets in, also one that is made tomorrow by whoever may make one",
        fix: "list the repositories, or compare `repository_id`",
        check: Check::Of(organisation),
    },
    Rule {
        code: "TP005",
        severity: Severity::High,
        name: "a repository's name is only a part of what is compared",
        why: "a repository whose name begins or ends like this one gets in",
        fix: "end the name with `:`, or compare it whole",
        check: Check::Of(|examined, hits| {
            for group in examined.groups.iter().filter(|group| !group.is_open() && !group.admits(&Probe::Sibling)) {
                for trial in group.of_probe(&[Probe::NamePrefix]) {
                    hits.admit(hits.severity(), trial, "a repository whose name begins or ends like this one gets in");
                }
            }
        }),
    },
    Rule {
        code: "TP006",
        severity: Severity::High,
        name: "pull requests get in",
        why: "a pull request runs code that nobody has reviewed, with these credentials",
        fix: "name a ref or an environment, and give pull requests a role of their own that only reads",
        check: Check::Of(pull_requests),
    },
    Rule {
        code: "TP007",
        severity: Severity::Medium,
        name: "every ref, tag or environment",
        why: "whoever may push a branch or a tag, or write an environment's name into a workflow, gets in without a review",
        fix: "name the branch, the tag or the environment, and protect it",
        check: Check::Of(refs),
    },
    Rule {
        code: "TP008",
        severity: Severity::Medium,
        name: "names, and no id",
        why: "a name that is given up (renamed, transferred, deleted) can be taken by somebody else, and his jobs have the same subject",
        fix: "compare `repository_id` or `repository_owner_id` as well, or use the subject with ids (`repo:ORG@ID/REPO@ID:…`)",
        check: Check::Of(recycled),
    },
    super::offline::NAMESPACE,
];

/// Why strangers get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Nothing says whose job it is.
    Unscoped,
    /// A wildcard fits everybody.
    Wildcard,
    /// Only what must not be is said.
    Negated,
    /// GCP: no condition.
    NoCondition,
    /// GCP: a condition that fits everybody.
    Condition,
    /// Entra: an expression that fits everybody.
    Expression,
}

/// Claims that say whose job it is.
const OWNERS: [&str; 22] = [
    "sub",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "enterprise_id",
    "job_workflow_ref",
    "project_id",
    "project_path",
    "namespace_id",
    "namespace_path",
    "organization_id",
    "organization_slug",
    "pipeline_id",
    "cluster_id",
    "oidc.circleci.com/project-id",
    "oidc.circleci.com/org-id",
    "repositoryuuid",
    "terraform_organization_id",
    "terraform_organization_name",
    "terraform_project_id",
    "terraform_workspace_id",
];

fn says_whose(condition: &ConditionFacts) -> bool {
    condition.filling == Filling::Claim && !condition.null && OWNERS.contains(&condition.claim.as_str())
}

/// Why this token of a stranger got in.
pub(super) fn cause(examined: &Examined<'_>, trial: &Trial) -> Cause {
    match &examined.part {
        Part::Gcp(facts) if facts.condition().is_none() => Cause::NoCondition,
        Part::Gcp(_) => Cause::Condition,
        Part::Azure(_) => Cause::Expression,
        Part::Aws(role) => {
            let statements = role.statements.iter().flatten();
            let inside = |path: &str| trial.path == path || trial.path.starts_with(&format!("{path}/"));
            let Some(statement) = statements.filter(|one| one.allow).find(|one| inside(&one.path)) else {
                return Cause::Unscoped;
            };
            let whose = || statement.conditions.iter().filter(|one| says_whose(one));
            if whose().any(|one| !one.negated) {
                Cause::Wildcard
            } else if whose().next().is_some() {
                Cause::Negated
            } else {
                Cause::Unscoped
            }
        }
    }
}

/// Strangers of a shared issuer that get in for this cause.
pub(super) fn strangers(examined: &Examined<'_>, hits: &mut Hits<'_>, wanted: Cause) {
    for group in examined.groups.iter().filter(|group| group.tenancy == Tenancy::Shared) {
        for trial in group.of_probe(&[Probe::Stranger]) {
            if cause(examined, trial) == wanted {
                hits.admit(hits.severity(), trial, format!("{} gets in", trial.probe.words()));
            }
        }
    }
}

/// Entra's expressions have a rule of their own.
fn is_entra(examined: &Examined<'_>) -> bool {
    matches!(examined.part, Part::Azure(_))
}

/// Siblings; on an issuer of one organisation or enterprise also what would be strangers elsewhere.
fn organisation(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in &examined.groups {
        // Entra's expressions have a rule of their own.
        let flexible = matches!(&examined.part, Part::Azure(facts) if facts.is_flexible());
        if matches!(group.kind, Kind::CircleCi | Kind::Bitbucket) || flexible {
            continue;
        }
        let private = group.tenancy == Tenancy::Private;
        if group.is_open() && !private {
            continue;
        }
        // A provider alone gives nobody a role; what its bindings say is not in the file.
        let severity = match &examined.part {
            Part::Gcp(facts) if !facts.has_bindings() => Severity::Medium,
            _ => hits.severity(),
        };
        for trial in group.of_probe(if private { &[Probe::Sibling, Probe::Stranger] } else { &[Probe::Sibling] }) {
            let behind = if severity == Severity::Medium {
                ", unless the bindings name one: they are not in the file"
            } else {
                ""
            };
            hits.admit(severity, trial, format!("every repository of the organisation gets in{behind}"));
        }
    }
}

/// Whether the breadth over refs is written as a wildcard, or merely follows from naming a repository and no ref.
fn by_wildcard(group: &Group) -> bool {
    let subject = group.wanted.claim("sub");
    subject.is_some_and(|pattern| !pattern.is_exact())
        || group.wanted.claim("ref").is_some_and(|pattern| !pattern.is_exact())
}

fn pull_requests(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in examined.groups.iter().filter(|group| !group.is_open()) {
        let intended = group.intended.claims.subject().ends_with(":pull_request");
        let whole = [(Probe::Intended, intended)];
        if whole.iter().any(|(_, yes)| *yes) && group.explanation.decision != crate::trust::Decision::Denied {
            let path = subject_path(group);
            hits.add(&path, "the subject of pull requests is named");
        } else if by_wildcard(group) {
            for trial in group.of_probe(&[Probe::PullRequest]) {
                hits.admit(hits.severity(), trial, "a wildcard takes in pull requests");
            }
        }
    }
}

/// Where the subject is compared.
fn subject_path(group: &Group) -> String {
    let subject = group.intended.claims.subject();
    let reasons = group.explanation.reasons();
    let found =
        reasons.iter().map(|one| one.node).find(|node| node.presented == subject && node.verdict == Verdict::Match);
    found.map_or_else(|| group.explanation.root.path.clone(), |node| node.path.clone())
}

fn refs(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in examined.groups.iter().filter(|group| !group.is_open()) {
        let severity = if by_wildcard(group) { hits.severity() } else { Severity::Info };
        for trial in group.of_probe(&[Probe::OtherBranch, Probe::OtherTag, Probe::OtherEnvironment]) {
            // Environments and refs beside each other are another repository's breadth, not this rule's.
            let message = match severity {
                Severity::Info => "the repository is named, and no ref: every branch of it gets in",
                _ => "a wildcard takes in every branch, tag or environment",
            };
            if severity != Severity::Info || trial.probe == Probe::OtherBranch {
                hits.admit(severity, trial, message);
            }
        }
    }
}

fn recycled(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in examined.groups.iter().filter(|group| !group.is_open()) {
        let exact = group.wanted.claims.values().all(Pattern::is_exact);
        let severity = if exact { Severity::Info } else { hits.severity() };
        for trial in group.of_probe(&[Probe::Recycled]) {
            hits.admit(severity, trial, "whoever takes the name once it is free gets in");
        }
    }
}
