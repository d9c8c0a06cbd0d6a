//! Where the ID token comes from: is this runner here, and an ID token for one audience.
//!
//! An explicit source wins over a detected one. Once a source is identified its failure is an error: falling through to
//! another would turn a passing fault into a different identity. What was chosen and why is said.

mod check;
pub mod github;
pub mod gitlab;
pub mod given;

use std::path::PathBuf;

use crate::claims::{Claims, IdToken};
use crate::error::{Error, Kind, Result};
use crate::net::Client;
use crate::world::World;

/// What the command line says about the source.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `--source`: a runner by name.
    pub source: Option<String>,
    /// `--token-env`: variables that hold an ID token.
    pub token_env: Vec<String>,
    /// `--token-file`: a file that holds one; `-` is standard input.
    pub token_file: Option<PathBuf>,
}

/// The chosen source and why it was chosen.
pub struct Chosen {
    /// The source.
    pub source: Source,
    /// For the reader: `github, because GITHUB_ACTIONS is true`.
    pub why: String,
}

/// A source of ID tokens.
pub enum Source {
    /// GitHub Actions, and what speaks its protocol.
    Github(github::Github),
    /// GitLab CI.
    Gitlab(gitlab::Gitlab),
    /// Named on the command line.
    Given(given::Given),
}

/// The runners that can be detected, in the order in which they are looked for.
pub const NAMES: [&str; 2] = ["github", "gitlab"];

/// The claims as a destination would see them: in sandbox mode a stand-in's issuer, `http://127.0.0.1:PORT/github`, stands for
/// the runner's own.
#[must_use]
pub fn seen(claims: &Claims, sandbox: bool) -> Claims {
    let mut seen = claims.clone();
    let presented = claims.issuer();
    let issuer = match presented.rsplit('/').next().filter(|_| sandbox) {
        Some("github") => crate::claims::github::ISSUER,
        Some("gitlab") => crate::claims::gitlab::ISSUER,
        _ => return seen,
    };
    seen.set("iss", issuer);
    seen
}

/// Chooses the source.
///
/// # Errors
/// Usage errors for a named source that cannot be read; exit 3 when there is no source, or one that cannot mint here.
pub fn choose(wanted: &Wanted, world: &World) -> Result<Chosen> {
    if let Some(path) = &wanted.token_file {
        let why = format!("the file {}, because --token-file names it", path.display());
        return Ok(Chosen { source: Source::Given(given::Given::from_file(path, world)?), why });
    }
    if !wanted.token_env.is_empty() {
        let why = format!("the variable {}, because --token-env names it", wanted.token_env.join(", "));
        return Ok(Chosen { source: Source::Given(given::Given::from_variables(&wanted.token_env, world)?), why });
    }
    let github = || github::Github::here(world).then_some("github, because GITHUB_ACTIONS is true");
    let gitlab = || gitlab::Gitlab::here(world).then_some("gitlab, because GITLAB_CI is true");
    let named = wanted.source.as_deref();
    let (name, why) = match named {
        Some("github") => ("github", "github, because --source names it"),
        Some("gitlab") => ("gitlab", "gitlab, because --source names it"),
        Some(other) => {
            return Err(Error::usage("source", format!("unknown source `{other}`"))
                .detail("expected", NAMES.join(" or "))
                .hint("for any other runner, name the token with --token-env or --token-file"));
        }
        None => match (github(), gitlab()) {
            (Some(why), _) => ("github", why),
            (None, Some(why)) => ("gitlab", why),
            (None, None) => return Err(nowhere()),
        },
    };
    let also = if named.is_none() && name == "github" && gitlab().is_some() {
        "; gitlab's variables are here too"
    } else {
        ""
    };
    let source = match name {
        "github" => Source::Github(github::Github::new(world)?),
        _ => Source::Gitlab(gitlab::Gitlab::new(world)?),
    };
    Ok(Chosen { source, why: format!("{why}{also}") })
}

fn nowhere() -> Error {
    Error::new(Kind::NoToken, "no-source", "no ID token is to be had here: this is neither a GitHub nor a GitLab job")
        .detail("looked for", "GITHUB_ACTIONS=true, GITLAB_CI=true")
        .hint("in another runner, name the token with --token-env NAME or --token-file PATH")
        .hint("at a desk, run `jobpass dry-run`: it needs no cloud account")
}

impl Source {
    /// An ID token for `audience`, checked: audience, issuer and expiry.
    ///
    /// # Errors
    /// Exit 3 when the runner has none for this audience; exit 6 when it cannot be reached or answers nonsense.
    pub async fn id_token(&self, audience: &str, client: &Client, world: &World) -> Result<IdToken> {
        match self {
            Source::Github(github) => github.id_token(audience, client, world).await,
            Source::Gitlab(gitlab) => gitlab.id_token(audience, client, world),
            Source::Given(given) => given.id_token(audience, client, world),
        }
    }

    /// True when another token for the same audience can be had in the same job.
    #[must_use]
    pub fn mints_again(&self) -> bool {
        matches!(self, Source::Github(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(wanted: &Wanted, world: &World) -> &'static str {
        choose(wanted, world).err().map_or("chosen", |error| error.code)
    }

    #[test]
    fn an_explicit_source_wins_and_a_broken_one_does_not_fall_through() {
        let world = World::nothing().with("GITLAB_CI", "true").with("GITHUB_ACTIONS", "true");
        let named = Wanted { token_env: vec!["MISSING".to_owned()], ..Wanted::default() };
        assert_eq!(code(&named, &world), "token-variable-missing");
        // GitHub is identified and cannot mint: GitLab, which is here too, is not tried.
        assert_eq!(code(&Wanted::default(), &world), "no-permission");
        let gitlab = Wanted { source: Some("gitlab".to_owned()), ..Wanted::default() };
        assert_eq!(code(&gitlab, &world), "chosen");
    }

    #[test]
    fn says_when_there_is_no_source() {
        assert_eq!(code(&Wanted::default(), &World::nothing()), "no-source");
        let unknown = Wanted { source: Some("circleci".to_owned()), ..Wanted::default() };
        assert_eq!(code(&unknown, &World::nothing()), "source");
    }
}
