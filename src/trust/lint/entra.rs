//! Rules about Entra's federated credentials.

use super::Severity;
use super::examined::{Examined, Part};
use super::registry::{Check, Hits, Rule};
use crate::trust::azure::{CREDENTIALS, CredentialFacts};
use crate::trust::probe::{Kind, Probe, Tenancy};

pub(super) const RULES: [Rule; 5] = [
    Rule {
        code: "TP060",
        severity: Severity::High,
        name: "an expression that lets strangers or a whole organisation in",
        why: "a wildcard in a flexible credential fits every job whose subject begins alike",
        fix: "write organisation and repository out before the `*`, and compare `repository_id`",
        check: Check::Of(|examined, hits| {
            let Part::Azure(facts) = &examined.part else { return };
            for group in examined.groups.iter().filter(|_| facts.is_flexible()) {
                let probes: &[Probe] = match group.tenancy {
                    Tenancy::Shared => &[Probe::Stranger, Probe::Squat, Probe::Sibling],
                    _ => &[Probe::Sibling],
                };
                for trial in group.of_probe(probes) {
                    hits.admit(hits.severity(), trial, format!("{} gets in", trial.probe.words()));
                }
            }
        }),
    },
    Rule {
        code: "TP061",
        severity: Severity::Medium,
        name: "a wildcard where it is a character",
        why: "a classic credential compares its subject as it is written, and no token's subject holds a `*`",
        fix: "write the subject out, or use a flexible credential",
        check: Check::Of(|examined, hits| {
            let Some((facts, subject)) = classic(examined) else { return };
            if subject.contains(['*', '?']) {
                hits.add(&facts.path("subject"), format!("`{subject}` fits no token"));
            }
        }),
    },
    Rule {
        code: "TP062",
        severity: Severity::Medium,
        name: "upper and lower case",
        why: "Entra compares case: a subject that differs in nothing else is refused with AADSTS7002138",
        fix: "copy `sub` out of a token of the job",
        check: Check::Of(case),
    },
    Rule {
        code: "TP063",
        severity: Severity::Low,
        name: "near the limits of a credential list",
        why: "an application has at most 20 credentials; and Microsoft's pages disagree whether a managed identity takes flexible ones",
        fix: "use one credential for each environment, or a flexible credential of an application",
        check: Check::Of(|examined, hits| {
            let Part::Azure(facts) = &examined.part else { return };
            let (at, all) = facts.of;
            if at == 0 && all > CREDENTIALS - 4 {
                hits.add("", format!("{all} credentials of at most {CREDENTIALS} are used"));
            }
            if facts.is_flexible() && facts.is_managed() {
                let path = facts.path("claimsMatchingExpression");
                hits.add(&path, "a flexible credential of a managed identity may not be taken");
            }
        }),
    },
    Rule {
        code: "TP064",
        severity: Severity::Medium,
        name: "not the audience of a cloud",
        why: "Entra takes tokens for its cloud's audience; another one is either never asked for, or somebody else's",
        fix: "use `api://AzureADTokenExchange`, or the audience of the government's or China's cloud",
        check: Check::Of(|examined, hits| {
            let Part::Azure(facts) = &examined.part else { return };
            for (audience, known) in facts.audiences() {
                if !known {
                    hits.add(&facts.path("audiences"), format!("`{audience}` is the audience of no documented cloud"));
                }
            }
        }),
    },
];

fn classic<'a, 'e>(examined: &'e Examined<'a>) -> Option<(&'e CredentialFacts<'a>, &'a str)> {
    match &examined.part {
        Part::Azure(facts) if !facts.is_flexible() => Some((facts, facts.subject()?)),
        _ => None,
    }
}

/// Words that issuers write in lower case: one of them in other letters fits no token.
fn case(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Some((facts, subject)) = classic(examined) else { return };
    let words: &[&str] = match Kind::of(facts.issuer()) {
        Kind::GitHub => &["repo", "ref", "environment", "pull_request", "job_workflow_ref"],
        Kind::GitLab => &["project_path", "ref_type", "ref", "project_id"],
        Kind::Terraform => &["organization", "project", "workspace", "run_phase", "plan", "apply"],
        _ => return,
    };
    // Names stand at every other place, and may be written in capitals.
    for (at, part) in subject.split(':').enumerate() {
        let lower = part.to_lowercase();
        let keyword = at % 2 == 0 && words.contains(&lower.as_str());
        if keyword && part != lower {
            hits.add(&facts.path("subject"), format!("`{part}` is written `{lower}` in every token"));
        }
        if lower.starts_with("refs/") && !["refs/heads/", "refs/tags/"].iter().any(|begin| part.starts_with(begin)) {
            hits.add(&facts.path("subject"), format!("`{part}` does not begin with refs/heads/ or refs/tags/"));
        }
    }
    for (audience, known) in facts.audiences() {
        let same = |cloud: &str| audience.eq_ignore_ascii_case(cloud);
        if !known && ["api://AzureADTokenExchange", "api://AzureADTokenExchangeUSGov"].iter().any(|cloud| same(cloud)) {
            hits.add(&facts.path("audiences"), format!("`{audience}` differs from the cloud's audience in case"));
        }
    }
}
