//! The issuer: discovery, keys, minting, and the check that every stand-in makes first.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::State;
use super::http::Reply;
use super::variables::Runner;
use crate::claims::unverified::decode;
use crate::claims::{Claims, github, gitlab};
use crate::error::Result;
use crate::jwt::{Expected, LEEWAY_SECONDS, Reason, Rejection, verify};
use crate::random;
use crate::secret::Secret;

/// A token that holds: its claims, and the issuer it stands for outside of the sandbox.
pub(super) struct Checked {
    pub(super) claims: Claims,
    pub(super) issuer: String,
}

/// The sandbox's own `iss`.
pub(super) fn url(state: &State, runner: Runner) -> String {
    format!("http://{}/{}", state.http, runner.name())
}

/// The issuer that trust policies name.
fn stands_for(state: &State, runner: Runner) -> String {
    let given = state.options.claims.as_ref().map(Claims::issuer).filter(|issuer| !issuer.is_empty());
    given.unwrap_or_else(|| match runner {
        Runner::Github => github::ISSUER.to_owned(),
        Runner::Gitlab => gitlab::ISSUER.to_owned(),
    })
}

/// The issuer's clock.
pub(super) fn now(state: &State) -> OffsetDateTime {
    OffsetDateTime::now_utc().saturating_add(time::Duration::seconds(state.options.clock_skew))
}

/// A signed ID token for `audience`.
pub(super) fn mint(state: &State, runner: Runner, audience: &str) -> Result<Secret> {
    let (issuer, now) = (url(state, runner), now(state));
    let (mut claims, usual_life) = match runner {
        Runner::Github => (state.options.github.claims(&issuer, audience, now), github::LIFE_SECONDS),
        Runner::Gitlab => (state.options.gitlab.claims(&issuer, audience, now), gitlab::LIFE_SECONDS),
    };
    if let Some(given) = &state.options.claims {
        let mut whole = given.clone();
        for name in ["iss", "aud", "iat", "nbf", "exp", "jti"] {
            if let Some(value) = claims.value(name) {
                whole.set(name, value.clone());
            }
        }
        claims = whole;
    }
    let life = state.options.id_token_life.map_or(usual_life, |life| i64::try_from(life.as_secs()).unwrap_or(i64::MAX));
    claims.set("exp", now.unix_timestamp().saturating_add(life));
    state.key.sign(&claims)
}

/// Signature, issuer and time, by the destination's clock (this machine's). The audience is the trust policy's matter.
pub(super) fn check(state: &State, token: &str) -> Result<Checked, Rejection> {
    let malformed = |_| Rejection {
        reason: Reason::Malformed,
        expected: "three base64url parts (RFC 7519)".to_owned(),
        presented: format!("{} characters", token.len()),
    };
    let presented = decode(Secret::new(token)).map_err(malformed)?.unverified.issuer();
    let runner = Runner::ALL.into_iter().find(|runner| url(state, *runner) == presented);
    let Some(runner) = runner else {
        return Err(Rejection {
            reason: Reason::Issuer,
            expected: Runner::ALL.map(|runner| url(state, runner)).join(" or "),
            presented,
        });
    };
    let expected =
        Expected { issuer: &presented, audiences: &[], now: OffsetDateTime::now_utc(), leeway_seconds: LEEWAY_SECONDS };
    let mut claims = verify(token, &state.key.jwks(), &expected)?;
    let issuer = stands_for(state, runner);
    claims.set("iss", issuer.clone());
    Ok(Checked { claims, issuer })
}

/// `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §4) and the keys it names.
pub(super) fn answer(state: &State, runner: Runner, path: &str) -> Reply {
    let issuer = url(state, runner);
    match path {
        "/.well-known/openid-configuration" => Reply::json(
            200,
            &json!({
                "issuer": issuer,
                "jwks_uri": format!("{issuer}/.well-known/jwks"),
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "scopes_supported": ["openid"],
                "claims_supported": claim_names(state, runner),
            }),
        ),
        "/.well-known/jwks" | "/oauth/discovery/keys" => Reply::json(200, &state.key.jwks_json()),
        _ => Reply::json(404, &json!({ "message": "not found (sandbox wording)" })),
    }
}

fn claim_names(state: &State, runner: Runner) -> Vec<String> {
    let now = OffsetDateTime::UNIX_EPOCH;
    let claims = match runner {
        Runner::Github => state.options.github.claims("", "", now),
        Runner::Gitlab => state.options.gitlab.claims("", "", now),
    };
    claims.as_map().keys().cloned().collect()
}

/// A token in the form of a JWT whose payload says what it is, and whose signature is none: `SANDBOX…`.
pub(super) fn opaque_jwt(payload: &Value) -> Result<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "SANDBOX" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    Ok(format!("{}.{}.SANDBOX{}", part(&header), part(payload), random::hex::<16>()?))
}
