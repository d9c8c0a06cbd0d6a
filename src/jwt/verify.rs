//! The full check of an ID token: algorithm, key, signature, issuer, audience, time.
//!
//! jsonwebtoken checks the signature; claims are compared here, because its errors carry neither what was expected nor what
//! was presented. The order is that of a destination: nothing of the payload is believed before the signature holds.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::provider::install;
use crate::claims::Claims;

/// How far the clocks of issuer and destination may lie apart, in seconds.
pub const LEEWAY_SECONDS: i64 = 60;
/// A token longer than this is refused unread, in bytes (AWS takes at most 20,000 characters).
const MAX_TOKEN: usize = 20_000;

/// What a token has to be.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `iss`, exactly.
    pub issuer: &'a str,
    /// `aud` is one of these, or an array that contains one. Empty: the audience is not checked here.
    pub audiences: &'a [String],
    /// The present moment.
    pub now: OffsetDateTime,
    /// Tolerated difference of clocks in seconds, usually [`LEEWAY_SECONDS`].
    pub leeway_seconds: i64,
}

/// Which check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Not three base64url parts with JSON objects in the first two.
    Malformed,
    /// Not RS256 or ES256; `none` and the HMAC family are never taken.
    Algorithm,
    /// The header has no `kid`.
    NoKeyId,
    /// The issuer has no key of that `kid` for that algorithm.
    UnknownKey,
    /// The signature does not hold.
    Signature,
    /// A claim that must be there is absent or has the wrong type.
    Missing,
    /// `iss`.
    Issuer,
    /// `aud`.
    Audience,
    /// `exp` has passed.
    Expired,
    /// `nbf` or `iat` lies ahead.
    NotYet,
}

/// Why a token was refused, with both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Which check failed.
    pub reason: Reason,
    /// What would have passed.
    pub expected: String,
    /// What stood there. Never a piece of the token's signature.
    pub presented: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            Reason::Malformed => "the ID token is not a JWT",
            Reason::Algorithm => "the ID token's algorithm is not taken",
            Reason::NoKeyId => "the ID token names no key",
            Reason::UnknownKey => "the issuer has no such key",
            Reason::Signature => "the ID token's signature does not hold",
            Reason::Missing => "the ID token lacks a claim",
            Reason::Issuer => "the ID token has another issuer",
            Reason::Audience => "the ID token has another audience",
            Reason::Expired => "the ID token has expired",
            Reason::NotYet => "the ID token is not valid yet",
        };
        write!(f, "{what}: expected {}, presented {}", self.expected, self.presented)
    }
}

fn reject(reason: Reason, expected: impl Into<String>, presented: impl Into<String>) -> Rejection {
    Rejection { reason, expected: expected.into(), presented: presented.into() }
}

/// Checks `token` against the issuer's keys and what is expected of it, and hands out its claims.
///
/// # Errors
/// The first check that fails.
pub fn verify(token: &str, keys: &JwkSet, expected: &Expected<'_>) -> Result<Claims, Rejection> {
    install();
    let malformed = |presented: String| reject(Reason::Malformed, "three base64url parts (RFC 7519)", presented);
    if token.len() > MAX_TOKEN {
        return Err(malformed(format!("{} characters", token.len())));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let &[header, payload, signature] = parts.as_slice() else {
        return Err(malformed(format!("{} parts", parts.len())));
    };
    let header = object(header).ok_or_else(|| malformed("a header that is no JSON object".to_owned()))?;

    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("RS256") => Algorithm::RS256,
        Some("ES256") => Algorithm::ES256,
        other => return Err(reject(Reason::Algorithm, "RS256 or ES256", other.unwrap_or("none given"))),
    };
    // RFC 7515 §4.1.11: what is listed there must be understood, and nothing is.
    if let Some(critical) = header.get("crit") {
        return Err(reject(Reason::Malformed, "no critical header", critical.to_string()));
    }
    let kid = match header.get("kid").and_then(Value::as_str) {
        Some(kid) if !kid.is_empty() => kid,
        _ => return Err(reject(Reason::NoKeyId, "a kid in the header", "none")),
    };
    let key = decoding_key(keys, kid, algorithm)?;
    let signed = token.rsplit_once('.').map_or("", |(signed, _)| signed);
    if !jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, algorithm).unwrap_or(false) {
        return Err(reject(Reason::Signature, format!("a signature by key {kid}"), "another"));
    }

    let payload = object(payload).ok_or_else(|| malformed("a payload that is no JSON object".to_owned()))?;
    let claims = Claims::new(payload);
    check_claims(&claims, expected)?;
    Ok(claims)
}

/// The key named `kid`, if it is one for `algorithm`: `from_jwk` would take HMAC keys too, hence the match on the family.
fn decoding_key(keys: &JwkSet, kid: &str, algorithm: Algorithm) -> Result<DecodingKey, Rejection> {
    let family = algorithm.family();
    keys.keys
        .iter()
        .filter(|key| key.common.key_id.as_deref() == Some(kid))
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .find(|key| key.family() == family)
        .ok_or_else(|| reject(Reason::UnknownKey, format!("a key for {algorithm:?} in the issuer's JWKS"), kid))
}

fn check_claims(claims: &Claims, expected: &Expected<'_>) -> Result<(), Rejection> {
    let text = |name: &str| claims.value(name).and_then(Value::as_str);
    match text("iss") {
        Some(issuer) if issuer == expected.issuer => {}
        other => return Err(reject(Reason::Issuer, expected.issuer, other.unwrap_or("none"))),
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err(reject(Reason::Missing, "a claim sub", "none"));
    }
    let audiences = claims.audiences();
    if audiences.is_empty() {
        return Err(reject(Reason::Missing, "a claim aud", "none"));
    }
    if !expected.audiences.is_empty() && !audiences.iter().any(|audience| expected.audiences.contains(audience)) {
        return Err(reject(Reason::Audience, expected.audiences.join(" or "), audiences.join(", ")));
    }
    let seconds =
        |name: &str| claims.seconds(name).ok_or_else(|| reject(Reason::Missing, format!("a number {name}"), "none"));
    let (now, leeway) = (expected.now.unix_timestamp(), expected.leeway_seconds);
    let (expires, issued) = (seconds("exp")?, seconds("iat")?);
    if expires.saturating_add(leeway) <= now {
        return Err(reject(Reason::Expired, format!("exp after {now}"), expires.to_string()));
    }
    if issued.saturating_sub(leeway) > now {
        return Err(reject(Reason::NotYet, format!("iat up to {now}"), issued.to_string()));
    }
    if claims.value("nbf").is_some() {
        let not_before = seconds("nbf")?;
        if not_before.saturating_sub(leeway) > now {
            return Err(reject(Reason::NotYet, format!("nbf up to {now}"), not_before.to_string()));
        }
    }
    Ok(())
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::github::{ISSUER, Job};
    use crate::jwt::SigningKey;

    const NOW: i64 = 1_800_000_000;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(NOW).unwrap()
    }

    fn good() -> Claims {
        Job::default().claims(ISSUER, "sts.amazonaws.com", now())
    }

    fn check_at(key: &SigningKey, token: &str, at: i64) -> Result<Claims, Reason> {
        let audiences = ["sts.amazonaws.com".to_owned()];
        let now = OffsetDateTime::from_unix_timestamp(at).unwrap();
        let expected = Expected { issuer: ISSUER, audiences: &audiences, now, leeway_seconds: LEEWAY_SECONDS };
        verify(token, &key.jwks(), &expected).map_err(|rejection| rejection.reason)
    }

    fn signed(change: impl Fn(&mut Claims)) -> Result<Claims, Reason> {
        let key = SigningKey::generate().unwrap();
        let mut claims = good();
        change(&mut claims);
        check_at(&key, key.sign(&claims).unwrap().reveal(), NOW)
    }

    fn without(name: &str) -> Result<Claims, Reason> {
        let key = SigningKey::generate().unwrap();
        let mut payload = good().as_map().clone();
        payload.remove(name);
        check_at(&key, key.sign(&Claims::new(payload)).unwrap().reveal(), NOW)
    }

    fn with_header(header: &str) -> Reason {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&good()).unwrap();
        let rest = token.reveal().split_once('.').unwrap().1;
        let header = URL_SAFE_NO_PAD.encode(header.replace("KID", key.kid()));
        check_at(&key, &format!("{header}.{rest}"), NOW).unwrap_err()
    }

    #[test]
    fn a_good_token_gives_its_claims() {
        assert_eq!(signed(|_| ()).unwrap().text("repository").as_deref(), Some("acme/shop"));
    }

    #[test]
    fn algorithms_outside_the_list_are_refused_by_name() {
        for alg in ["none", "None", "HS256", "HS512", "ES384", "PS256", "EdDSA", ""] {
            let reason = with_header(&format!(r#"{{"alg":"{alg}","kid":"KID"}}"#));
            assert_eq!(reason, Reason::Algorithm, "{alg}");
        }
        assert_eq!(with_header(r#"{"kid":"KID"}"#), Reason::Algorithm);
    }

    #[test]
    fn the_other_taken_algorithm_finds_no_key() {
        // Algorithm confusion: the header chooses RS256 for a key that is EC.
        assert_eq!(with_header(r#"{"alg":"RS256","kid":"KID"}"#), Reason::UnknownKey);
    }

    #[test]
    fn a_header_needs_a_known_key_and_nothing_critical() {
        assert_eq!(with_header(r#"{"alg":"ES256"}"#), Reason::NoKeyId);
        assert_eq!(with_header(r#"{"alg":"ES256","kid":""}"#), Reason::NoKeyId);
        assert_eq!(with_header(r#"{"alg":"ES256","kid":"other"}"#), Reason::UnknownKey);
        assert_eq!(with_header(r#"{"alg":"ES256","kid":"KID","crit":["b64"]}"#), Reason::Malformed);
        // The same meaning in other bytes: the signature covers the bytes.
        assert_eq!(with_header(r#"{"alg":"ES256","kid":"KID"}"#), Reason::Signature);
    }

    #[test]
    fn a_hmac_key_in_the_set_is_never_used() {
        let key = SigningKey::generate().unwrap();
        let set = serde_json::json!({"keys":[{"kty":"oct","kid":key.kid(),"k":"c2VjcmV0"}]});
        let set: JwkSet = serde_json::from_value(set).unwrap();
        let expected = Expected { issuer: ISSUER, audiences: &[], now: now(), leeway_seconds: 0 };
        let rejection = verify(key.sign(&good()).unwrap().reveal(), &set, &expected).unwrap_err();
        assert_eq!(rejection.reason, Reason::UnknownKey);
    }

    #[test]
    fn a_changed_payload_or_another_key_breaks_the_signature() {
        let (mine, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let token = mine.sign(&good()).unwrap();
        let [header, _, signature] = token.reveal().split('.').collect::<Vec<_>>().try_into().unwrap();
        let mut forged = good();
        forged.set("repository", "evil/shop");
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(forged.as_map()).unwrap());
        let token = format!("{header}.{payload}.{signature}");
        assert_eq!(check_at(&mine, &token, NOW), Err(Reason::Signature));
        assert_eq!(check_at(&mine, &format!("{header}.{payload}."), NOW), Err(Reason::Signature));
        assert_eq!(check_at(&mine, other.sign(&good()).unwrap().reveal(), NOW), Err(Reason::UnknownKey));
    }

    #[test]
    fn issuer_and_audience_are_compared_exactly() {
        assert_eq!(signed(|c| c.set("iss", format!("{ISSUER}/"))), Err(Reason::Issuer));
        assert_eq!(signed(|c| c.set("iss", format!("{ISSUER}/acme"))), Err(Reason::Issuer));
        assert_eq!(signed(|c| c.set("aud", "STS.amazonaws.com")), Err(Reason::Audience));
        assert_eq!(signed(|c| c.set("aud", "sts.amazonaws.com.evil.example")), Err(Reason::Audience));
        assert!(signed(|c| c.set("aud", vec!["x", "sts.amazonaws.com"])).is_ok());
        assert_eq!(signed(|c| c.set("aud", Vec::<String>::new())), Err(Reason::Missing));
    }

    #[test]
    fn every_standard_claim_is_needed() {
        assert_eq!(without("iss"), Err(Reason::Issuer));
        for name in ["sub", "aud", "exp", "iat"] {
            assert_eq!(without(name), Err(Reason::Missing), "{name}");
        }
        assert!(without("nbf").is_ok());
        assert_eq!(signed(|c| c.set("exp", "2000000000")), Err(Reason::Missing));
        assert_eq!(signed(|c| c.set("nbf", "0")), Err(Reason::Missing));
    }

    #[test]
    fn times_have_sixty_seconds_of_leeway_and_no_more() {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&good()).unwrap();
        let end = NOW + 300;
        assert!(check_at(&key, token.reveal(), end + 59).is_ok());
        assert_eq!(check_at(&key, token.reveal(), end + 60), Err(Reason::Expired));
        assert!(check_at(&key, token.reveal(), NOW - 60).is_ok());
        assert_eq!(check_at(&key, token.reveal(), NOW - 61), Err(Reason::NotYet));
        assert_eq!(signed(|c| c.set("nbf", NOW + 61)), Err(Reason::NotYet));
        assert_eq!(signed(|c| c.set("exp", i64::MIN)), Err(Reason::Expired));
    }

    #[test]
    fn what_is_no_jwt_is_malformed() {
        let key = SigningKey::generate().unwrap();
        for token in ["", ".", "..", "a.b.c", "a.b.c.d", "eyJ.eyJ.x", &"a".repeat(MAX_TOKEN + 1)] {
            assert_eq!(check_at(&key, token, NOW), Err(Reason::Malformed), "{token:.20}");
        }
    }
}
