//! What is checked of every ID token before it is sent anywhere: audience, issuer, expiry.

use reqwest::Url;
use time::OffsetDateTime;

use crate::claims::IdToken;
use crate::error::{Error, Kind, Result, Retry};
use crate::net::endpoint::is_loopback;

/// Clocks of runner, issuer and destination differ; GitHub's is often ahead. In seconds.
const LEEWAY: i64 = 60;

/// Checks a token that was asked for with `audience`. `now` is the issuer's clock where it is known.
pub(super) fn checked(
    token: IdToken,
    audience: &str,
    now: OffsetDateTime,
    sandbox: bool,
    fits_issuer: impl Fn(&str) -> bool,
) -> Result<IdToken> {
    let claims = &token.unverified;
    let presented = claims.audiences();
    if !presented.iter().any(|one| one == audience) {
        return Err(Error::new(Kind::NoToken, "id-token-audience", "the ID token is for another audience")
            .detail("expected aud", audience)
            .detail("presented aud", presented.join(", "))
            .hint(
                "the audience is chosen where the token is made: `aud` in GitLab's id_tokens, `audience` in the edge",
            ));
    }
    let issuer = claims.issuer();
    let loopback = Url::parse(&issuer).is_ok_and(|url| is_loopback(&url));
    if loopback != sandbox {
        let (message, hint) = if loopback {
            (
                "the ID token comes from a sandbox issuer",
                "a sandbox token is for the sandbox: add --sandbox, or name the real one",
            )
        } else {
            (
                "sandbox mode, but the ID token comes from a real issuer",
                "a real token must not be sent to stand-ins: leave --sandbox out",
            )
        };
        return Err(Error::usage("sandbox-issuer", message).detail("presented iss", issuer).hint(hint));
    }
    if !sandbox && !fits_issuer(&issuer) {
        return Err(Error::new(Kind::NoToken, "id-token-issuer", "the ID token's issuer does not fit this runner")
            .detail("presented iss", issuer)
            .hint("name the token with --token-env or --token-file if it is meant to come from elsewhere"));
    }
    let Some(expiry) = claims.seconds("exp") else {
        return Err(Error::new(Kind::NoToken, "id-token-expiry", "the ID token has no expiry (exp)"));
    };
    let now = now.unix_timestamp();
    if expiry + LEEWAY <= now {
        return Err(Error::new(Kind::NoToken, "id-token-expired", "the ID token has expired")
            .detail("expired", format!("{} s ago by this clock", now - expiry))
            .detail("lifetime", claims.seconds("iat").map(|iat| format!("{} s", expiry - iat)).unwrap_or_default())
            .hint("log in nearer to the start of the job, or check this machine's clock")
            .retry(Retry::NewToken));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::claims::unverified::decode;
    use crate::secret::Secret;

    fn check(payload: &str, sandbox: bool) -> &'static str {
        let raw = format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(payload));
        let token = decode(Secret::new(raw)).ok().unwrap();
        let now = OffsetDateTime::from_unix_timestamp(1_000).unwrap();
        let checked = checked(token, "a", now, sandbox, |issuer| issuer == "https://issuer.example");
        checked.err().map_or("fits", |error| error.code)
    }

    #[test]
    fn audience_issuer_and_expiry() {
        let real = r#""iss":"https://issuer.example""#;
        assert_eq!(check(&format!(r#"{{{real},"aud":"a","exp":1300}}"#), false), "fits");
        assert_eq!(check(&format!(r#"{{{real},"aud":["b","a"],"exp":1300}}"#), false), "fits");
        assert_eq!(check(&format!(r#"{{{real},"aud":"b","exp":1300}}"#), false), "id-token-audience");
        assert_eq!(check(&format!(r#"{{{real},"exp":1300}}"#), false), "id-token-audience");
        assert_eq!(check(&format!(r#"{{{real},"aud":"a"}}"#), false), "id-token-expiry");
        assert_eq!(check(&format!(r#"{{{real},"aud":"a","exp":940}}"#), false), "id-token-expired");
        assert_eq!(check(&format!(r#"{{{real},"aud":"a","exp":941}}"#), false), "fits", "within the leeway");
        assert_eq!(check(r#"{"iss":"https://other.example","aud":"a","exp":1300}"#, false), "id-token-issuer");
    }

    #[test]
    fn sandbox_and_production_do_not_meet() {
        let sandbox = r#"{"iss":"https://localhost:8443/github","aud":"a","exp":1300}"#;
        let real = r#"{"iss":"https://issuer.example","aud":"a","exp":1300}"#;
        assert_eq!(check(sandbox, true), "fits");
        assert_eq!(check(sandbox, false), "sandbox-issuer");
        assert_eq!(check(real, true), "sandbox-issuer");
    }
}
