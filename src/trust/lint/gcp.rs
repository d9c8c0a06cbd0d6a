//! Rules about Google's providers and bindings.

use super::Severity;
use super::examined::{Examined, Part};
use super::registry::{Check, Hits, Rule};
use crate::trust::gcp::{ProviderFacts, SUBJECT_BYTES};
use crate::trust::probe::{Kind, Probe, Tenancy};
use crate::trust::{Decision, Verdict, join};

pub(super) const RULES: [Rule; 9] = [
    Rule {
        code: "TP050",
        severity: Severity::Critical,
        name: "no condition on an issuer that many share",
        why: "the provider takes every token of the issuer, and only the bindings stand between it and the project",
        fix: "add a condition, such as `assertion.repository_owner_id == '…' && assertion.repository_id == '…'`",
        check: Check::Of(|examined, hits| {
            let Part::Gcp(facts) = &examined.part else { return };
            if facts.condition().is_some() || Tenancy::of(facts.issuer()) != Tenancy::Shared {
                return;
            }
            for trial in examined.groups.iter().flat_map(|group| &group.taken) {
                if trial.probe == Probe::Stranger {
                    hits.admit(hits.severity(), trial, "the provider takes the tokens of everybody at the issuer");
                }
            }
        }),
    },
    Rule {
        code: "TP051",
        severity: Severity::Critical,
        name: "a condition that lets strangers in",
        why: "what it compares is true for everybody, or can be chosen by anybody",
        fix: "compare the owner's or the repository's id with `==`, and join with `&&`",
        check: Check::Of(|examined, hits| {
            let Part::Gcp(facts) = &examined.part else { return };
            if facts.condition().is_none() || Tenancy::of(facts.issuer()) != Tenancy::Shared {
                return;
            }
            for trial in examined.groups.iter().flat_map(|group| &group.taken) {
                if trial.probe == Probe::Stranger {
                    hits.admit(hits.severity(), trial, "the condition holds for another organisation");
                }
            }
        }),
    },
    Rule {
        code: "TP052",
        severity: Severity::High,
        name: "a role for the whole pool, or for what anybody can be",
        why: "`/*` is every identity of the pool, also of providers that come later; a ref or an environment is a name that any repository can have",
        fix: "bind one subject, or an attribute that only one tenant can have, such as `repository_id`",
        check: Check::Of(members),
    },
    Rule {
        code: "TP053",
        severity: Severity::High,
        name: "two tokens, one identity",
        why: "parts that are joined with nothing between them, lower case, or the first match of a text make the same value of different tokens",
        fix: "put a character between the parts that neither can hold, or map the id",
        check: Check::Of(collisions),
    },
    Rule {
        code: "TP054",
        severity: Severity::Medium,
        name: "a subject that can be too long",
        why: "google.subject has at most 127 bytes, and GitHub's form with ids is longer than the one with names",
        fix: "map a part by `extract()`, or an id",
        check: Check::Of(too_long),
    },
    Rule {
        code: "TP055",
        severity: Severity::Medium,
        name: "a binding that nobody can use",
        why: "the attribute is not mapped, or the provider takes no token that has this value",
        fix: "map the attribute, or correct the value",
        check: Check::Of(dead_members),
    },
    Rule {
        code: "TP056",
        severity: Severity::Medium,
        name: "a claim is read that not every token has",
        why: "reading a claim that is not there is an error, and the exchange fails: for every job, if it stands in a mapping",
        fix: "ask first: `has(assertion.x) ? assertion.x : ''`, or `has(assertion.x) && …`",
        check: Check::Of(absent),
    },
    Rule {
        code: "TP057",
        severity: Severity::Low,
        name: "a service account in between",
        why: "whoever may act as the account has all that it has; with direct access each role is given to the job itself",
        fix: "give the roles to the principal directly where the services take that",
        check: Check::Of(|examined, hits| {
            let Part::Gcp(facts) = &examined.part else { return };
            if let Some(member) = facts.members().iter().find(|member| member.impersonates) {
                // Whether direct access would do depends on the services, which the file does not name.
                hits.milder(Severity::Info, &member.path, "the job acts as a service account");
            }
        }),
    },
    Rule {
        code: "TP058",
        severity: Severity::Medium,
        name: "a function or an operator that Google is not known to take",
        why: "what Google enables is not published; an answer that rests on it cannot be told",
        fix: "use `==`, `in`, `startsWith`, `extract` or `split`",
        check: Check::Of(functions),
    },
];

fn provider<'a, 'e>(examined: &'e Examined<'a>) -> Option<&'e ProviderFacts<'a>> {
    match &examined.part {
        Part::Gcp(facts) => Some(facts),
        _ => None,
    }
}

/// Claims that tokens of any tenant can have alike.
const FREE: [&str; 15] = [
    "ref",
    "ref_type",
    "environment",
    "actor",
    "event_name",
    "workflow",
    "head_ref",
    "base_ref",
    "run_attempt",
    "runner_environment",
    "repository_visibility",
    "ref_protected",
    "pipeline_source",
    "ref_path",
    "aud",
];

fn members(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Some(facts) = provider(examined) else { return };
    for member in facts.members() {
        match member.of {
            Some(("*", _)) => hits.add(&member.path, "every identity of the pool has the role"),
            Some((kind, value)) => {
                let claim = facts.claim_of(kind).unwrap_or_default();
                if FREE.contains(&claim.as_str()) {
                    hits.add(&member.path, format!("`{claim}` is `{value}` in any repository that wants it"));
                }
            }
            None => {}
        }
    }
}

fn collisions(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Some(facts) = provider(examined) else { return };
    for (path, text) in facts.joined() {
        hits.add(&path, format!("`{text}` joins parts with nothing between them"));
    }
    for (path, name, argument) in facts.calls() {
        let in_mapping = path.contains("/attributeMapping/");
        match (name.as_str(), argument) {
            ("lowerAscii", _) if in_mapping => hits.add(&path, "lower case makes one value of two"),
            ("extract", Some(template)) => {
                let before = template.split('{').next().unwrap_or_default();
                // What every subject of the issuer begins with is found where it is meant.
                if !before.is_empty() && !["repo:", "project_path:", "organization:"].contains(&before) {
                    let message = format!("`{before}` may stand in the text earlier than where it is meant");
                    hits.milder(Severity::Medium, &path, message);
                }
            }
            _ => {}
        }
    }
}

fn too_long(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Some(facts) = provider(examined) else { return };
    let path = join(&format!("{}/attributeMapping", facts.base()), "google.subject");
    if facts.claim_of("google.subject").as_deref() != Some("sub") {
        return;
    }
    for group in &examined.groups {
        let subject = group.intended.claims.subject();
        // GitHub's ids have up to ten digits today; each stands behind an `@`.
        let more = if group.kind == Kind::GitHub && !subject.contains('@') { 22 } else { 0 };
        if subject.len() + more > SUBJECT_BYTES {
            let of = if more > 0 { " in the form with ids" } else { "" };
            let length = subject.len() + more;
            hits.add(&path, format!("`{subject}` has up to {length} bytes{of}, more than {SUBJECT_BYTES}"));
        }
    }
}

fn dead_members(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Some(facts) = provider(examined) else { return };
    for member in facts.members() {
        let Some((kind, value)) = member.of.filter(|(kind, _)| *kind != "*") else { continue };
        let name = if kind == "subject" {
            "google.subject"
        } else if kind == "group" {
            "google.groups"
        } else {
            kind
        };
        if !facts.maps(name) {
            hits.add(&member.path, format!("the provider does not map `{name}`"));
            continue;
        }
        if value.contains('*') {
            hits.add(&member.path, "a `*` in a member is a character, and no token has it");
            continue;
        }
        // Dead for certain: jobs were made up for this member, and the provider takes none of them.
        let meant: Vec<_> = examined
            .groups
            .iter()
            .filter(|group| group.wanted.claims.values().any(|pattern| pattern.shown() == value))
            .collect();
        let refused = |group: &&&super::examined::Group| {
            group.explanation.decision == Decision::Denied
                && group
                    .explanation
                    .failed()
                    .iter()
                    .any(|node| node.path.ends_with("/attributeCondition") && node.verdict == Verdict::Mismatch)
        };
        if !meant.is_empty() && meant.iter().all(|group| refused(&group)) {
            hits.add(&member.path, format!("the condition refuses every job that is `{value}`"));
        }
    }
}

fn absent(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Some(facts) = provider(examined) else { return };
    let not_always = |claim: &str| match Kind::of(facts.issuer()) {
        Kind::GitHub => {
            ["environment", "environment_node_id", "enterprise", "enterprise_id", "head_ref", "base_ref"]
                .contains(&claim)
                || claim.starts_with("repo_property_")
        }
        Kind::GitLab => {
            ["environment", "environment_protected", "deployment_tier", "environment_action", "groups_direct"]
                .contains(&claim)
        }
        _ => false,
    };
    for read in facts.reads().iter().filter(|read| !read.guarded && not_always(&read.claim)) {
        let claim = &read.claim;
        if read.compared && !read.in_mapping {
            let message = format!("a job without `{claim}` is refused by an error rather than by the comparison");
            hits.milder(Severity::Info, &read.path, message);
        } else {
            hits.add(&read.path, format!("a job without `{claim}` is refused, whatever else it is"));
        }
    }
}

fn functions(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    const SEEN: [&str; 2] = ["lowerAscii", "join"];
    const KNOWN: [&str; 8] = ["contains", "startsWith", "endsWith", "matches", "size", "extract", "split", "int"];
    let Some(facts) = provider(examined) else { return };
    for (path, name, _) in facts.calls() {
        if SEEN.contains(&name.as_str()) {
            hits.milder(
                Severity::Info,
                &path,
                format!("`{name}` is seen in public configurations, not in Google's texts"),
            );
        } else if !KNOWN.contains(&name.as_str()) {
            hits.add(&path, format!("whether Google takes `{name}` is not documented"));
        }
    }
    for (path, operator) in facts.operators() {
        if !["==", "!=", "in", "+", "exists", "map"].contains(&operator) {
            hits.add(&path, format!("whether Google takes `{operator}` is not documented"));
        }
    }
}
