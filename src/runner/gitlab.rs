//! GitLab CI: ID tokens are variables that the job declares under `id_tokens`, one per audience (GitLab documentation,
//! "OpenID Connect (OIDC) Authentication Using ID Tokens"). There is no endpoint and no second token.

use super::check::checked;
use crate::claims::{IdToken, unverified};
use crate::error::{Error, Kind, Result};
use crate::net::Client;
use crate::secret::Secret;
use crate::world::World;

/// Removed in GitLab 17.0; they carried the instance's URL as audience and were accepted by every relying party of it.
const REMOVED: [&str; 3] = ["CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2"];

/// The ID tokens of a GitLab job.
pub struct Gitlab {
    tokens: Vec<(String, IdToken)>,
}

impl Gitlab {
    /// True in a GitLab job.
    #[must_use]
    pub fn here(world: &World) -> bool {
        world.var("GITLAB_CI").is_ok_and(|value| value == Some("true"))
    }

    /// Every variable that holds a JWT.
    ///
    /// # Errors
    /// None today; the signature is that of every runner.
    pub fn new(world: &World) -> Result<Gitlab> {
        let tokens = world.vars().filter_map(|(name, value)| {
            let (name, value) = (name.to_str()?, value.to_str()?);
            if REMOVED.contains(&name) || !value.starts_with("eyJ") {
                return None;
            }
            Some((name.to_owned(), unverified::decode(Secret::new(value)).ok()?))
        });
        Ok(Gitlab { tokens: tokens.collect() })
    }

    /// The token whose `aud` is `audience`.
    pub(super) fn id_token(&self, audience: &str, client: &Client, world: &World) -> Result<IdToken> {
        let fits = |token: &IdToken| token.unverified.audiences().iter().any(|one| one == audience);
        let Some((name, token)) = self.tokens.iter().find(|(_, token)| fits(token)) else {
            return Err(self.none_for(audience));
        };
        // A self-managed instance may name another issuer than its own URL: any https issuer can be right.
        checked(token.clone(), audience, world.clock.now(), client.sandbox(), |issuer| issuer.starts_with("https://"))
            .map_err(|error| error.at(format!("the variable {name}")))
    }

    fn none_for(&self, audience: &str) -> Error {
        let mut error =
            Error::new(Kind::NoToken, "no-id-token", "no variable of this job holds an ID token for the audience")
                .detail("expected aud", audience);
        for (name, token) in &self.tokens {
            error = error.detail(format!("{name} has aud"), token.unverified.audiences().join(", "));
        }
        error
            .hint(format!("declare it in .gitlab-ci.yml: id_tokens: {{ JOBPASS_ID_TOKEN: {{ aud: \"{audience}\" }} }}"))
    }
}
