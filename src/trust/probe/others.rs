//! Buildkite, CircleCI, Bitbucket and HCP Terraform: subjects of parts, with the claims that go with them.
//!
//! Source: the vendors' own pages on OIDC, 2026-08; what they do not say of a token is not made up here.

use super::wanted::{ANY, ONE, Wanted, fill, name};
use super::{Kind, Probe, SIBLING, STRANGER, Token, UNREVIEWED, timed};
use crate::claims::Claims;

/// A tenant's job: the parts of its subject, and claims.
#[derive(Clone)]
struct Job {
    organisation: String,
    project: String,
    /// A branch; for HCP Terraform the workspace.
    place: String,
    phase: String,
    ids: (String, String),
}

const ORIGIN: (&str, &str) = ("11111111-aaaa-4bbb-8ccc-000000000001", "11111111-aaaa-4bbb-8ccc-000000000002");
const OTHER: (&str, &str) = ("99999999-aaaa-4bbb-8ccc-000000000001", "99999999-aaaa-4bbb-8ccc-000000000002");

/// The value behind `name` and a separator in a subject with wildcards.
fn part(subject: &str, name: &str, separator: char) -> Option<String> {
    let mut parts = subject.split(separator);
    // A pattern may begin in the middle of the subject.
    parts.by_ref().find(|part| part.trim_start_matches(ANY) == name)?;
    parts.next().map(str::to_owned)
}

impl Job {
    fn of(kind: Kind, wanted: &Wanted) -> Job {
        let subject = wanted.claim("sub").map(|pattern| pattern.text().to_owned()).unwrap_or_default();
        let behind = |key: &str, separator, default: &str| {
            part(&subject, key, separator).map_or_else(|| default.to_owned(), |text| name(&text, default))
        };
        let claim = |key: &str, or: String| if wanted.claims.contains_key(key) { wanted.name(key, &or) } else { or };
        match kind {
            Kind::CircleCi => {
                let of_issuer = wanted.issuer.split("/org/").nth(1).map(str::to_owned);
                let organisation = of_issuer.unwrap_or_else(|| behind("org", '/', ORIGIN.0));
                let project = claim("oidc.circleci.com/project-id", behind("project", '/', ORIGIN.1));
                let place = subject.split_once("/vcs-ref/").map_or("", |(_, place)| place);
                let place = name(place, "refs/heads/main");
                let ids = (organisation.clone(), project.clone());
                Job { organisation, project, place, phase: String::new(), ids }
            }
            Kind::Bitbucket => {
                let first = subject.split(':').next().unwrap_or_default().trim_matches(['{', '}']).to_owned();
                let braces = |text: String| text.trim_matches(['{', '}']).to_owned();
                let project = braces(claim("repositoryUuid", name(&first, ORIGIN.1)));
                let ids = (String::new(), project.clone());
                Job { organisation: "acme".to_owned(), project, place: String::new(), phase: String::new(), ids }
            }
            Kind::Terraform => Job {
                organisation: claim("terraform_organization_name", behind("organization", ':', "acme")),
                project: claim("terraform_project_name", behind("project", ':', "shop")),
                place: claim("terraform_workspace_name", behind("workspace", ':', "production")),
                phase: claim("terraform_run_phase", behind("run_phase", ':', "apply")),
                ids: (
                    claim("terraform_organization_id", ORIGIN.0.into()),
                    claim("terraform_workspace_id", ORIGIN.1.into()),
                ),
            },
            _ => Job {
                organisation: claim("organization_slug", behind("organization", ':', "acme")),
                project: claim("pipeline_slug", behind("pipeline", ':', "shop")),
                place: claim("build_branch", behind("ref", ':', "main")).replace("refs/heads/", ""),
                phase: String::new(),
                ids: (claim("organization_id", ORIGIN.0.into()), claim("pipeline_id", ORIGIN.1.into())),
            },
        }
    }

    fn subject(&self, kind: Kind, wanted: &Wanted) -> String {
        let Job { organisation, project, place, phase, ids } = self;
        match kind {
            Kind::CircleCi => {
                let v1 = format!("org/{organisation}/project/{project}/user/{}", ORIGIN.0);
                let v2 = format!("{v1}/vcs-origin/github.com/acme/shop/vcs-ref/{place}");
                let wants_v1 = wanted.claim("sub").is_some_and(|pattern| pattern.fits(&v1) && !pattern.fits(&v2));
                if wants_v1 { v1 } else { v2 }
            }
            Kind::Bitbucket => format!("{{{project}}}:{{{}}}", OTHER.0),
            Kind::Terraform => {
                format!("organization:{organisation}:project:{project}:workspace:{place}:run_phase:{phase}")
            }
            _ => {
                // `--subject-claim` puts one id in the place of the parts.
                let of_id =
                    wanted.claim("sub").is_some_and(|pattern| !pattern.text().contains(':') && pattern.is_exact());
                if of_id {
                    return if *ids == (ORIGIN.0.to_owned(), ORIGIN.1.to_owned()) {
                        wanted.name("sub", ORIGIN.1)
                    } else {
                        ids.1.clone()
                    };
                }
                let commit = "0123456789abcdef0123456789abcdef01234567";
                let place = if place.starts_with("refs/") { place.clone() } else { format!("refs/heads/{place}") };
                format!("organization:{organisation}:pipeline:{project}:ref:{place}:commit:{commit}:step:deploy")
            }
        }
    }

    fn claims(&self, kind: Kind, wanted: &Wanted, now: i64) -> Claims {
        let Job { organisation, project, place, phase, ids } = self;
        let mut claims = Claims::default();
        // What else a trust policy asks for, an adversary can have as well.
        for (claim, pattern) in &wanted.claims {
            claims.set(claim, fill(pattern.text(), "x", 'x'));
        }
        claims.set("iss", wanted.issuer.as_str());
        claims.set("aud", wanted.audience.as_str());
        let own: &[(&str, &str)] = match kind {
            Kind::CircleCi => &[
                ("oidc.circleci.com/org-id", organisation),
                ("oidc.circleci.com/project-id", project),
                ("oidc.circleci.com/vcs-origin", "github.com/acme/shop"),
                ("oidc.circleci.com/vcs-ref", place),
            ],
            Kind::Bitbucket => &[],
            Kind::Terraform => &[
                ("terraform_organization_name", organisation),
                ("terraform_organization_id", &ids.0),
                ("terraform_project_name", project),
                ("terraform_workspace_name", place),
                ("terraform_workspace_id", &ids.1),
                ("terraform_run_phase", phase),
            ],
            _ => &[
                ("organization_slug", organisation),
                ("organization_id", &ids.0),
                ("pipeline_slug", project),
                ("pipeline_id", &ids.1),
                ("build_branch", place),
            ],
        };
        own.iter().for_each(|(name, value)| claims.set(name, *value));
        if kind == Kind::Bitbucket {
            claims.set("repositoryUuid", format!("{{{project}}}"));
        }
        claims.set("sub", self.subject(kind, wanted));
        timed(&mut claims, now, 3_600);
        claims
    }
}

/// The intended job and the others.
pub(super) fn tokens(wanted: &Wanted, now: i64) -> Vec<Token> {
    let kind = Kind::of(&wanted.issuer);
    let intended = Job::of(kind, wanted);
    let mut all = Vec::new();
    let mut add = |probe, job: &Job| all.push(Token::new(probe, &wanted.issuer, job.claims(kind, wanted, now)));
    add(Probe::Intended, &intended);
    let names = matches!(kind, Kind::Buildkite | Kind::Terraform);
    let other = |organisation: &str| Job {
        organisation: organisation.to_owned(),
        ids: (OTHER.0.to_owned(), OTHER.1.to_owned()),
        ..intended.clone()
    };
    if names {
        add(Probe::Stranger, &other(STRANGER));
        add(Probe::Stranger, &other(&"z".repeat(intended.organisation.len())));
        for squat in [format!("{}-evil", intended.organisation), format!("not{}", intended.organisation)] {
            add(Probe::Squat, &other(&squat));
        }
        let ids = (intended.ids.0.clone(), OTHER.1.to_owned());
        let sibling = |project: String| Job { project, ids: ids.clone(), ..intended.clone() };
        add(Probe::Sibling, &sibling(SIBLING.to_owned()));
        add(Probe::NamePrefix, &sibling(format!("{}-evil", intended.project)));
        add(Probe::Recycled, &other(&intended.organisation));
    } else {
        if wanted.issuer == "https://oidc.circleci.com" {
            add(Probe::Stranger, &Job { project: OTHER.1.to_owned(), ..other(OTHER.0) });
        }
        add(
            Probe::Sibling,
            &Job { project: OTHER.1.to_owned(), ids: (intended.ids.0.clone(), OTHER.1.to_owned()), ..intended.clone() },
        );
    }
    match kind {
        Kind::Terraform => {
            let phase = if intended.phase == "plan" { "apply" } else { "plan" };
            add(Probe::OtherPhase, &Job { phase: phase.to_owned(), ..intended.clone() });
        }
        Kind::Buildkite | Kind::CircleCi => {
            let place = if kind == Kind::CircleCi { format!("refs/heads/{UNREVIEWED}") } else { UNREVIEWED.to_owned() };
            add(Probe::OtherBranch, &Job { place, ..intended.clone() });
        }
        _ => {}
    }
    all
}

/// A token of an issuer of which nothing is known: what the trust policy asks for, and no more.
pub(super) fn plain(wanted: &Wanted, now: i64) -> Claims {
    let mut claims = Claims::default();
    claims.set("sub", "subject");
    for (claim, pattern) in &wanted.claims {
        claims.set(claim, pattern.text().replace([ANY, ONE], "x"));
    }
    claims.set("iss", wanted.issuer.as_str());
    claims.set("aud", wanted.audience.as_str());
    timed(&mut claims, now, 3_600);
    claims
}

/// A token of another account at Google: for an audience that he chooses, with his own number and address.
pub(super) fn stranger_at_google(wanted: &Wanted, now: i64) -> Claims {
    const NUMBER: &str = "199999999999999999999";
    let mut claims = Claims::default();
    claims.set("iss", wanted.issuer.as_str());
    claims.set("aud", wanted.audience.as_str());
    claims.set("azp", NUMBER);
    claims.set("sub", NUMBER);
    claims.set("email", "stranger@stranger-project.iam.gserviceaccount.com");
    claims.set("email_verified", true);
    timed(&mut claims, now, 3_600);
    claims
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use super::*;

    #[test]
    fn subjects_by_the_vendors_forms() {
        for (issuer, pattern) in [
            ("https://agent.buildkite.com", "organization:o:pipeline:p:ref:refs/heads/main:commit:*:step:*"),
            ("https://agent.buildkite.com", "organization:o:*"),
            ("https://oidc.circleci.com/org/1-2", "org/1-2/project/3-4/user/*"),
            ("https://oidc.circleci.com/org/1-2", "org/1-2/project/3-4/user/*/vcs-origin/*/vcs-ref/refs/heads/main"),
            ("https://app.terraform.io", "organization:o:project:p:workspace:w:run_phase:apply"),
            ("https://app.terraform.io", "organization:o:project:p:workspace:*:run_phase:*"),
            ("https://api.bitbucket.org/2.0/workspaces/w/pipelines-config/identity/oidc", "{1-2}:*"),
        ] {
            let wanted = Wanted {
                issuer: issuer.to_owned(),
                claims: [("sub".to_owned(), Pattern::like(pattern))].into(),
                ..Wanted::default()
            };
            let tokens = tokens(&wanted, 0);
            let subject = tokens[0].claims.subject();
            assert!(Pattern::like(pattern).fits(&subject), "{pattern}: {subject}");
            assert!(tokens.iter().skip(1).all(|token| token.claims != tokens[0].claims), "{pattern}");
            let lives = |token: &Token| token.claims.seconds("iat") == Some(0) && token.claims.seconds("exp") > Some(0);
            assert!(tokens.iter().all(lives), "{pattern}");
        }
    }
}
