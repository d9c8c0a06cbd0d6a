//! Rules about one issuer each.

use super::Severity;
use super::examined::{Examined, Group, Part};
use super::registry::{Check, Hits, Rule};
use crate::trust::probe::{Kind, Pattern, Probe};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        code: "TP070",
        severity: Severity::Low,
        name: "GitLab: a branch that need not be protected",
        why: "whoever may push can make any branch that is not protected, and its jobs get in",
        fix: "name a protected branch or tag, or compare `ref_protected` where the cloud has it",
        check: Check::Of(|examined, hits| {
            for group in of(examined, Kind::GitLab) {
                let branch = group.admits(&Probe::OtherBranch) && !group.is_open();
                if branch && !group.wanted.claims.contains_key("ref_protected") {
                    for trial in group.of_probe(&[Probe::OtherBranch]) {
                        hits.admit(hits.severity(), trial, "a branch that nobody protects gets in");
                    }
                }
            }
        }),
    },
    Rule {
        code: "TP071",
        severity: Severity::High,
        name: "CircleCI: not one project",
        why: "every project of the organisation has tokens of its issuer, and builds of forks too where they get secrets",
        fix: "compare `oidc.circleci.com/project-id` or the project in the subject, `aud` with the organisation's id, and `vcs-origin` where forks are built",
        check: Check::Of(|examined, hits| {
            for group in of(examined, Kind::CircleCi) {
                for trial in group.of_probe(&[Probe::Sibling]) {
                    hits.admit(hits.severity(), trial, "every project of the organisation gets in");
                }
                let organisation = group.wanted.issuer.split("/org/").nth(1).unwrap_or_default();
                if !organisation.is_empty() && group.wanted.audience != organisation {
                    let message = format!(
                        "the audience is `{}`, and CircleCI's own is the organisation's id",
                        group.wanted.audience
                    );
                    hits.milder(Severity::Low, root(examined), message);
                }
            }
        }),
    },
    Rule {
        code: "TP072",
        severity: Severity::Critical,
        name: "Buildkite: no organisation",
        why: "agent.buildkite.com signs for every organisation",
        fix: "compare `organization_id`, or begin the subject with `organization:SLUG:pipeline:`",
        check: Check::Of(|examined, hits| {
            for group in of(examined, Kind::Buildkite) {
                for trial in group.of_probe(&[Probe::Stranger]) {
                    hits.admit(hits.severity(), trial, "the pipelines of every organisation get in");
                }
            }
        }),
    },
    Rule {
        code: "TP073",
        severity: Severity::High,
        name: "Bitbucket: not one repository",
        why: "every repository of the workspace has tokens of its issuer",
        fix: "begin the subject with the repository's UUID in braces, and compare `aud` with `ari:cloud:bitbucket::workspace/…`",
        check: Check::Of(|examined, hits| {
            for group in of(examined, Kind::Bitbucket) {
                for trial in group.of_probe(&[Probe::Sibling]) {
                    hits.admit(hits.severity(), trial, "every repository of the workspace gets in");
                }
                if !group.wanted.audience.starts_with("ari:cloud:bitbucket::workspace/") {
                    let message = format!("the audience is `{}`, and not the workspace's", group.wanted.audience);
                    hits.milder(Severity::Low, root(examined), message);
                }
                let exact = group.wanted.claim("sub").is_some_and(Pattern::is_exact);
                if exact {
                    let message =
                        "a subject ends with the step's UUID, which is new in every run: an exact one fits once";
                    hits.milder(Severity::Medium, root(examined), message);
                }
            }
        }),
    },
    Rule {
        code: "TP074",
        severity: Severity::High,
        name: "HCP Terraform: not one organisation and phase",
        why: "app.terraform.io signs for every organisation, and a plan runs what nobody has approved",
        fix: "write organisation, project and workspace out, or compare their ids, and name the phase: `run_phase:apply`",
        check: Check::Of(|examined, hits| {
            for group in of(examined, Kind::Terraform) {
                for trial in group.of_probe(&[Probe::Stranger, Probe::Squat]) {
                    hits.admit(Severity::Critical, trial, "the workspaces of another organisation get in");
                }
                for trial in group.of_probe(&[Probe::OtherPhase]).filter(|_| !group.is_open()) {
                    hits.admit(Severity::Medium, trial, "a plan gets in where an apply does");
                }
            }
        }),
    },
];

fn of<'e>(examined: &'e Examined<'_>, kind: Kind) -> impl Iterator<Item = &'e Group> {
    examined.groups.iter().filter(move |group| group.kind == kind)
}

fn root<'e>(examined: &'e Examined<'_>) -> &'e str {
    match &examined.part {
        Part::Aws(role) => role.path(),
        Part::Gcp(facts) => facts.base(),
        Part::Azure(_) => "",
    }
}

/// An issuer of which nothing is known.
pub(super) fn unknown(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for group in of(examined, Kind::Other) {
        hits.add(root(examined), format!("nothing is known of what `{}` signs for others", group.wanted.issuer));
    }
}
