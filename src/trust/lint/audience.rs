//! Rules about audiences and issuers.

use super::Severity;
use super::examined::{Examined, Part};
use super::registry::{Check, Hits, Rule};
use crate::trust::probe::Probe;

pub(super) const RULES: [Rule; 4] = [
    Rule {
        code: "TP020",
        severity: Severity::Medium,
        name: "the audience is not compared",
        why: "a token that was made for another service can be shown here, as far as the provider's own list lets it",
        fix: "compare `aud` with the one audience that is used here",
        check: Check::Of(|examined, hits| {
            for group in &examined.groups {
                for trial in group.of_probe(&[Probe::WrongAudience]) {
                    hits.admit(hits.severity(), trial, "a token for another audience gets in");
                }
            }
        }),
    },
    Rule {
        code: "TP021",
        severity: Severity::Medium,
        name: "an audience that says nothing of the destination",
        why: "GitHub's default is the same for every repository of an owner and every destination: a token that leaks anywhere fits here",
        fix: "ask for an audience of this destination's own, and compare it",
        check: Check::Of(default_audience),
    },
    Rule {
        code: "TP022",
        severity: Severity::High,
        name: "not the issuer that is meant",
        why: "issuers are compared as text: a slash at the end, another scheme or case, or a tenant's path make another one",
        fix: "copy `iss` out of a token of the job",
        check: Check::Of(issuer),
    },
    Rule {
        code: "TP023",
        severity: Severity::Medium,
        name: "more audiences than one",
        why: "every audience more is a service whose tokens can be shown here",
        fix: "remove those that no edge asks for",
        check: Check::Of(several),
    },
];

/// The audiences that a trust policy takes, and where each stands.
fn audiences(examined: &Examined<'_>) -> Vec<(String, String)> {
    match &examined.part {
        Part::Aws(role) => {
            let conditions = role.statements.iter().flatten().filter(|one| one.allow).flat_map(|one| &one.conditions);
            let mut all: Vec<(String, String)> = conditions
                .filter(|one| one.claim == "aud" && !one.negated)
                .flat_map(|one| one.values.iter().map(|value| (value.clone(), one.path.clone())))
                .collect();
            for group in examined.groups.iter().take(1) {
                if let (Some((ids, path)), true) = (role.registered(&group.wanted.issuer), all.is_empty()) {
                    all.extend(ids.iter().map(|id| (id.clone(), path.to_owned())));
                }
            }
            all
        }
        Part::Gcp(facts) => {
            let path = format!("{}/oidc/allowedAudiences", facts.base());
            facts.audiences().iter().map(|audience| (audience.clone(), path.clone())).collect()
        }
        Part::Azure(facts) => {
            facts.audiences().map(|(audience, _)| (audience.to_owned(), facts.path("audiences"))).collect()
        }
    }
}

fn default_audience(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    for (audience, path) in audiences(examined) {
        if audience.starts_with("https://github.com/") || audience == "https://gitlab.com" {
            hits.add(&path, format!("`{audience}` is what every job of the owner gets that asks for no audience"));
        }
    }
    let aws = matches!(examined.part, Part::Aws(_));
    for (audience, path) in audiences(examined) {
        let elsewhere = match audience.as_str() {
            "sts.amazonaws.com" if !aws => "AWS",
            text if text.starts_with("api://AzureADTokenExchange") && !matches!(examined.part, Part::Azure(_)) => {
                "Azure"
            }
            text if text.contains("/workloadIdentityPools/") && !matches!(examined.part, Part::Gcp(_)) => "Google",
            _ => continue,
        };
        hits.add(&path, format!("`{audience}` is what tokens for {elsewhere} bear, and they would fit here as well"));
    }
}

fn issuer(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let written: Vec<(String, String)> = match &examined.part {
        Part::Aws(role) => role.statements.iter().flatten().flat_map(|one| one.issuers.clone()).collect(),
        Part::Gcp(facts) => vec![(facts.issuer().to_owned(), format!("{}/oidc/issuerUri", facts.base()))],
        Part::Azure(facts) => vec![(facts.issuer().to_owned(), facts.path("issuer"))],
    };
    for (issuer, path) in written {
        if let Some(meant) = crate::trust::probe::meant(&issuer) {
            hits.add(&path, format!("`{issuer}` is not `{meant}`: no token has it"));
        } else if issuer.ends_with('/') || issuer.trim() != issuer {
            hits.milder(Severity::Medium, &path, format!("`{issuer}` ends with a slash or a blank, which counts"));
        } else if issuer == "https://github.com" || issuer == "https://vstoken.actions.githubusercontent.com" {
            hits.add(
                &path,
                format!("`{issuer}` issues no tokens to jobs: expected token.actions.githubusercontent.com"),
            );
        }
    }
    for group in &examined.groups {
        for trial in group.of_probe(&[Probe::IssuerPath]) {
            hits.admit(hits.severity(), trial, "a token of another tenant of the issuer's host gets in");
        }
    }
}

fn several(examined: &Examined<'_>, hits: &mut Hits<'_>) {
    let mut all = audiences(examined);
    all.dedup_by(|one, other| one.0 == other.0);
    let known = examined.options.edge.map(|edge| edge.audience.as_str());
    let Some((_, path)) = all.first().cloned().filter(|_| all.len() > 1) else { return };
    let others: Vec<&str> =
        all.iter().map(|(audience, _)| audience.as_str()).filter(|audience| Some(*audience) != known).collect();
    let of = known.map_or_else(String::new, |known| format!(" beside `{known}`, which the edge asks for"));
    hits.add(&path, format!("taken are {}{of}", others.join(", ")));
}
