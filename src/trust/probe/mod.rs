//! Adversary tokens: what somebody else could present, each differing from the intended job in one dimension.
//!
//! A trust policy is read for whom it means ([`Wanted`]); from that an intended token is made, and from it those of strangers,
//! squatters, siblings and so on. The tokens are ones that the issuer would sign: ids belong to their owner, names and refs
//! are free to whoever asks first. What they prove is decided by the evaluators and by nothing here.

mod github;
mod gitlab;
mod issuer;
mod others;
mod template;
mod wanted;

pub(in crate::trust) use issuer::{Kind, Tenancy, meant};
pub(in crate::trust) use wanted::{Pattern, Wanted};

use crate::claims::Claims;

/// In what a token differs from the intended one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::trust) enum Probe {
    /// In nothing.
    Intended,
    /// Another organisation or namespace, with everything else that it can choose the same.
    Stranger,
    /// The same, running a reusable workflow that the trust policy names.
    StrangerCalling,
    /// An organisation whose name begins or ends like the intended one's.
    Squat,
    /// Another repository or project of the same owner.
    Sibling,
    /// The same, running a reusable workflow that the trust policy names.
    SiblingCalling,
    /// A repository whose name begins or ends like the intended one's.
    NamePrefix,
    /// Another branch.
    OtherBranch,
    /// Another tag.
    OtherTag,
    /// A pull request, or merge request, of the same repository.
    PullRequest,
    /// Another environment.
    OtherEnvironment,
    /// The same names with new ids: somebody took a name that was free.
    Recycled,
    /// The same repository with the other style of subject.
    IdForm,
    /// A stranger who wrote the subject's template so that it says nothing of the repository.
    Customised,
    /// An environment with `%3A` in its name where the intended one has `:`.
    Escaped,
    /// Without this claim.
    Without(String),
    /// For another audience.
    WrongAudience,
    /// From another path of the issuer's host.
    IssuerPath,
    /// One letter of the owner in the other case.
    Case,
    /// Started by somebody else.
    OtherActor,
    /// The same workflow file at a ref that nobody has reviewed.
    OtherWorkflowRef,
    /// HCP Terraform: the other phase of a run.
    OtherPhase,
}

impl Probe {
    /// The difference in words.
    pub(in crate::trust) fn words(&self) -> String {
        match self {
            Probe::Intended => "the intended job",
            Probe::Stranger => "another organisation",
            Probe::StrangerCalling => "another organisation that calls the workflow",
            Probe::Squat => "an organisation with a similar name",
            Probe::Sibling => "another repository of the owner",
            Probe::SiblingCalling => "another repository of the owner that calls the workflow",
            Probe::NamePrefix => "a repository with a similar name",
            Probe::OtherBranch => "another branch",
            Probe::OtherTag => "another tag",
            Probe::PullRequest => "a pull request",
            Probe::OtherEnvironment => "another environment",
            Probe::Recycled => "the same name with new ids",
            Probe::IdForm => "the other style of subject",
            Probe::Customised => "another organisation with a subject of its own making",
            Probe::Escaped => "the environment's escaped twin",
            Probe::Without(claim) => return format!("without the claim `{claim}`"),
            Probe::WrongAudience => "another audience",
            Probe::IssuerPath => "another path of the issuer",
            Probe::Case => "other upper and lower case",
            Probe::OtherActor => "another person",
            Probe::OtherWorkflowRef => "the workflow at another ref",
            Probe::OtherPhase => "another phase of the run",
        }
        .to_owned()
    }
}

/// A token that is tried.
#[derive(Clone, Debug)]
pub(in crate::trust) struct Token {
    pub(in crate::trust) probe: Probe,
    pub(in crate::trust) issuer: String,
    pub(in crate::trust) claims: Claims,
}

impl Token {
    fn new(probe: Probe, issuer: &str, claims: Claims) -> Self {
        Token { probe, issuer: issuer.to_owned(), claims }
    }

    /// A token that says nothing.
    pub(in crate::trust) fn nothing(issuer: &str) -> Self {
        Token::new(Probe::Intended, issuer, Claims::default())
    }
}

/// An audience that no destination uses.
pub(in crate::trust) const WRONG_AUDIENCE: &str = "https://audience.invalid/of-another-service";
/// Names that no trust policy lists by chance.
const STRANGER: &str = "stranger-org";
const SIBLING: &str = "other-project";
const UNREVIEWED: &str = "unreviewed";

/// The intended token first, then the adversaries; only the intended one where nothing is known of the issuer.
///
/// `now`: seconds since 1970, when the tokens are issued.
pub(in crate::trust) fn battery(wanted: &Wanted, now: i64) -> Vec<Token> {
    let mut tokens = match Kind::of(&wanted.issuer) {
        Kind::GitHub => github::tokens(wanted, now),
        Kind::GitLab => gitlab::tokens(wanted, now),
        Kind::Buildkite | Kind::CircleCi | Kind::Bitbucket | Kind::Terraform => others::tokens(wanted, now),
        Kind::Other => {
            let mut tokens = vec![Token::new(Probe::Intended, &wanted.issuer, others::plain(wanted, now))];
            if wanted.issuer == "https://accounts.google.com" {
                let claims = others::stranger_at_google(wanted, now);
                tokens.push(Token::new(Probe::Stranger, &wanted.issuer, claims));
            }
            tokens
        }
    };
    let Some(intended) = tokens.first().cloned() else { return tokens };
    // Where nothing is asked of a dimension, its token may be the intended one again, and that is nobody else's.
    tokens.retain(|token| token.probe == Probe::Intended || token.claims != intended.claims);
    for claim in wanted.claims.keys().filter(|claim| intended.claims.value(claim).is_some()) {
        tokens.push(Token::new(Probe::Without(claim.clone()), &wanted.issuer, without(&intended.claims, claim)));
    }
    let mut other = intended.claims.clone();
    other.set("aud", WRONG_AUDIENCE);
    tokens.push(Token::new(Probe::WrongAudience, &wanted.issuer, other));
    for issuer in [format!("{}/", wanted.issuer), format!("{}/other-tenant", wanted.issuer)] {
        tokens.push(Token::new(Probe::IssuerPath, &issuer, intended.claims.clone()));
    }
    tokens
}

/// The same claims but for one.
pub(in crate::trust) fn without(claims: &Claims, name: &str) -> Claims {
    let mut all = claims.as_map().clone();
    all.remove(name);
    Claims::new(all)
}

/// With the times of a token that was issued at `now` and lives for `life` seconds.
fn timed(claims: &mut Claims, now: i64, life: i64) {
    claims.set("iat", now);
    claims.set("nbf", now);
    claims.set("exp", now.saturating_add(life));
}

#[cfg(test)]
mod tests;
