//! Rules about what AWS's documents can say wrongly.

use super::Severity;
use super::examined::{Examined, Group, Part};
use super::registry::{Check, Hits, Rule};
use super::shared::{Cause, strangers};
use crate::trust::aws::{ConditionFacts, Filling, StatementFacts};
use crate::trust::join;
use crate::trust::probe::{Kind, Probe, Tenancy};

pub(super) const RULES: [Rule; 12] = [
    Rule {
        code: "TP030",
        severity: Severity::Critical,
        name: "ForAllValues: on a key with one value",
        why: "it holds when the key is absent, so the condition lets in whatever lacks the claim",
        fix: "drop `ForAllValues:`; set operators are for keys that hold lists",
        check: Check::Of(|examined, hits| {
            each(examined, |_, condition| {
                if condition.for_all && !condition.null && condition.filling != Filling::Elsewhere {
                    let severity = match condition.claim.as_str() {
                        "aud" => Severity::Medium,
                        // The principal names the issuer: what a widely used module adds here says nothing more.
                        "iss" => Severity::Low,
                        _ => hits.severity(),
                    };
                    let key = &condition.key;
                    hits.milder(severity, &condition.path, format!("`{key}` holds one value or none, and none passes"));
                }
            });
        }),
    },
    Rule {
        code: "TP031",
        severity: Severity::Critical,
        name: "only what must not be is said",
        why: "a negated operator lets in everybody but those that it names",
        fix: "compare positively with what may get in",
        check: Check::Of(|examined, hits| {
            strangers(examined, hits, Cause::Negated);
            if examined.groups.iter().any(Group::is_open) {
                return;
            }
            each(examined, |_, condition| {
                if condition.negated && condition.filling == Filling::Claim {
                    let message = format!("`{}` is compared only where the token has it", condition.key);
                    hits.milder(Severity::Info, &condition.path, message);
                }
            });
        }),
    },
    Rule {
        code: "TP032",
        severity: Severity::High,
        name: "a condition only if the key is there",
        why: "`…IfExists` holds when the claim is absent, also when its key is misspelt",
        fix: "drop `IfExists`",
        check: Check::Of(|examined, hits| {
            each(examined, |_, condition| {
                if condition.if_exists && condition.filling == Filling::Claim {
                    let severity = if condition.claim == "aud" { Severity::Medium } else { hits.severity() };
                    let message = format!("`{}` is compared only where the token has it", condition.key);
                    hits.milder(severity, &condition.path, message);
                }
            });
        }),
    },
    Rule {
        code: "TP033",
        severity: Severity::High,
        name: "a key that AWS never fills for this issuer",
        why: "a claim of the token is no key of the request: a positive condition on it never holds, a negated one always does",
        fix: "use a key that AWS fills (`sub`, `aud`, and the issuer's in docs/rules.md)",
        check: Check::Of(dead_keys),
    },
    Rule {
        code: "TP034",
        severity: Severity::Medium,
        name: "a wildcard where it is a character",
        why: "only the Like operators have wildcards; elsewhere `*` and `?` are compared as they are, and no subject holds them",
        fix: "use `StringLike`, or write the value out",
        check: Check::Of(|examined, hits| {
            each(examined, |_, condition| {
                let wild = condition.values.iter().find(|value| value.replace("${*}", "").contains(['*', '?']));
                if let Some(value) = wild.filter(|_| condition.texts && !condition.wildcards) {
                    let operator = &condition.operator;
                    hits.add(&condition.path, format!("`{value}` under {operator} is compared as it is written"));
                }
            });
        }),
    },
    Rule {
        code: "TP035",
        severity: Severity::Medium,
        name: "two conditions that cannot both hold",
        why: "all conditions of a statement have to hold, so this one lets nobody in",
        fix: "put alternatives into one list of values, or into two statements",
        check: Check::Of(contradictions),
    },
    Rule {
        code: "TP036",
        severity: Severity::Medium,
        name: "the wrong action for a web identity, or too many",
        why: "a web identity needs sts:AssumeRoleWithWebIdentity; other actions do nothing here, and wildcards grant what comes later",
        fix: "write `\"Action\": \"sts:AssumeRoleWithWebIdentity\"`",
        check: Check::Of(actions),
    },
    Rule {
        code: "TP037",
        severity: Severity::Medium,
        name: "session tags asked for and not allowed, or allowed and not used",
        why: "a token with tags needs sts:TagSession, and without it the whole call fails",
        fix: "add `sts:TagSession` where tokens carry tags (Buildkite's can), and remove it where none do (GitHub's never)",
        check: Check::Of(tags),
    },
    Rule {
        code: "TP038",
        severity: Severity::Low,
        name: "variables without the version that has them",
        why: "without `\"Version\": \"2012-10-17\"` the text `${…}` is compared as it is written",
        fix: "write `\"Version\": \"2012-10-17\"`",
        check: Check::Of(|examined, hits| {
            let Part::Aws(role) = &examined.part else { return };
            for condition in role.statements.iter().flatten().flat_map(|one| &one.conditions) {
                if !role.variables && condition.values.iter().any(|value| value.contains("${")) {
                    hits.add(&condition.path, "`${…}` is text in a document of this version");
                }
            }
        }),
    },
    Rule {
        code: "TP039",
        severity: Severity::Medium,
        name: "AWS would refuse this on the next update",
        why: "for issuers that many share, IAM takes only documents that evaluate the claims it knows to scope; for GitHub `sub` or `job_workflow_ref`",
        fix: "compare `sub` or `job_workflow_ref`, beside what is there",
        check: Check::Of(refused),
    },
    Rule {
        code: "TP040",
        severity: Severity::Low,
        name: "longer than it may be",
        why: "a document has 2048 characters unless the quota is raised (4096 at most), and a session that lives longer than it is used can be stolen longer",
        fix: "shorten the document, or lower MaxSessionDuration to what the edge asks for",
        check: Check::Of(sizes),
    },
    Rule {
        code: "TP041",
        severity: Severity::Low,
        name: "open, but for a Deny",
        why: "what nobody thought of denying gets in",
        fix: "allow only what is meant, and drop the Deny",
        check: Check::Of(|examined, hits| {
            for group in &examined.groups {
                let shared = group.tenancy == Tenancy::Shared;
                for trial in &group.but_for_denies {
                    if (trial.probe == Probe::Sibling || shared) && !group.admits(&trial.probe) {
                        hits.admit(hits.severity(), trial, format!("only a Deny keeps {} out", trial.probe.words()));
                    }
                }
            }
        }),
    },
];

fn each(examined: &Examined<'_>, mut check: impl FnMut(&StatementFacts, &ConditionFacts)) {
    let Part::Aws(role) = &examined.part else { return };
    for statement in role.statements.iter().flatten().filter(|one| one.allow && !one.issuers.is_empty()) {
        statement.conditions.iter().for_each(|condition| check(statement, condition));
    }
}

/// A role whose document is not understood.
pub(super) fn unreadable(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Part::Aws(role) = &examined.part else { return };
    if let Err(why) = &role.statements {
        hits.add(role.path(), format!("the trust policy of the role {} cannot be read: {why}", role.title()));
    }
}

fn dead_keys(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Part::Aws(role) = &examined.part else { return };
    for statement in role.statements.iter().flatten().filter(|one| !one.issuers.is_empty()) {
        for condition in statement.conditions.iter().filter(|one| one.filling == Filling::Never && !one.null) {
            let holds = if condition.holds_on_absence() { "always" } else { "never" };
            let what = if statement.allow { "lets in" } else { "keeps out" };
            let effect = match (condition.holds_on_absence(), statement.allow) {
                (true, _) => String::new(),
                (false, _) => format!(", and the statement {what} nobody"),
            };
            let message =
                format!("`{}` is never filled for this issuer: the condition {holds} holds{effect}", condition.key);
            let needless = condition.claim == "iss" && condition.holds_on_absence() && statement.allow;
            hits.milder(if needless { Severity::Low } else { hits.severity() }, &condition.path, message);
        }
    }
}

/// Whether a text fits what one condition wants.
fn fits(condition: &ConditionFacts, text: &str) -> bool {
    condition.patterns().any(|pattern| pattern.fits(text)) != condition.negated
}

fn contradictions(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Part::Aws(role) = &examined.part else { return };
    for statement in role.statements.iter().flatten().filter(|one| one.allow) {
        let comparable = |one: &&ConditionFacts| {
            one.texts && !one.operator.to_lowercase().contains("ignorecase") && !one.values.is_empty()
        };
        let all: Vec<&ConditionFacts> = statement.conditions.iter().filter(comparable).collect();
        for (at, one) in all.iter().enumerate() {
            for other in all.iter().skip(at + 1).filter(|other| other.key.eq_ignore_ascii_case(&one.key)) {
                // Two negated ones leave room for everything else.
                if one.negated && other.negated {
                    continue;
                }
                // Wildcards on both sides may meet in a text that neither shows: nothing is claimed then.
                let both_open = [one, other].iter().all(|one| !one.negated && one.patterns().any(|it| !it.is_exact()));
                let witness = |from: &ConditionFacts, to: &ConditionFacts| {
                    !from.negated
                        && from.patterns().any(|it| fits(to, &it.filled("", 'a')) || fits(to, &it.filled("zz", 'z')))
                };
                if !both_open && !witness(one, other) && !witness(other, one) {
                    hits.add(
                        &other.path,
                        format!("no `{}` fits both {} and {}", one.key, one.operator, other.operator),
                    );
                }
            }
        }
    }
}

fn actions(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Part::Aws(role) = &examined.part else { return };
    for statement in role.statements.iter().flatten().filter(|one| one.allow && !one.issuers.is_empty()) {
        let path = join(&statement.path, "Action");
        if statement.actions.broad {
            hits.add(&path, "actions are allowed by a wildcard, or by leaving others out");
        } else if !statement.actions.assume && !statement.actions.tag {
            hits.add(&path, "a web identity cannot use these actions");
        }
    }
}

fn tags(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Part::Aws(role) = &examined.part else { return };
    let tagging = role.statements.iter().flatten().any(|one| one.allow && one.actions.tag);
    for statement in role.statements.iter().flatten().filter(|one| one.allow && !one.issuers.is_empty()) {
        let asked = statement.conditions.iter().find(|one| {
            let key = one.key.to_lowercase();
            key.starts_with("aws:requesttag/") || key == "aws:tagkeys" || key == "sts:transitivetagkeys"
        });
        let github = statement.issuers.iter().all(|(issuer, _)| Kind::of(issuer) == Kind::GitHub);
        if let (Some(condition), false) = (asked, tagging) {
            hits.add(&condition.path, "tags of the token are compared, and nothing allows sts:TagSession");
        } else if asked.is_none() && statement.actions.tag && github && !statement.actions.broad {
            let path = join(&statement.path, "Action");
            hits.milder(Severity::Low, &path, "sts:TagSession is allowed, and GitHub's tokens carry no tags");
        }
    }
}

fn refused(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    const GITHUB: &str = "https://token.actions.githubusercontent.com";
    let Part::Aws(role) = &examined.part else { return };
    for statement in role.statements.iter().flatten().filter(|one| one.allow) {
        if !statement.issuers.iter().any(|(issuer, _)| issuer == GITHUB) {
            continue;
        }
        let scopes = |one: &&ConditionFacts| {
            one.texts && ["sub", "job_workflow_ref"].contains(&one.claim.as_str()) && one.filling == Filling::Claim
        };
        let mut scoping = statement.conditions.iter().filter(scopes);
        let first = |one: &ConditionFacts| one.unread || one.patterns().next().is_some_and(|first| !first.is_open());
        if !scoping.any(first) {
            let message = "neither `sub` nor `job_workflow_ref` is compared with more than a `*` in its first value";
            hits.add(&statement.path, message);
        }
    }
}

fn sizes(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let Part::Aws(role) = &examined.part else { return };
    const QUOTA: (usize, usize) = (2_048, 4_096);
    if role.size > QUOTA.0 {
        let most = if role.size > QUOTA.1 { QUOTA.1 } else { QUOTA.0 };
        hits.add(
            role.path(),
            format!("the document has {} characters without white space, more than {most}", role.size),
        );
    }
    if let (Some((seconds, path)), Some(edge)) = (role.longest_session(), examined.options.edge)
        && seconds > edge.ttl.as_secs().max(3_600)
    {
        let asked = edge.ttl.as_secs();
        hits.add(path, format!("sessions may last {seconds} s, and the edge asks for {asked} s"));
    }
}
