//! Decoding without verifying, fenced in one file.
//!
//! **What comes out must only be used to check an answer, to feed the gate, and to explain.** It proves nothing: anybody can
//! write a JWT. The destination checks the signature, and so does the sandbox.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::{Claims, IdToken};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// A token longer than this is refused (AWS takes at most 20,000 characters).
const MAX_TOKEN: usize = 20_000;

/// Decodes a compact JWT (RFC 7519 §3) without looking at its signature.
///
/// # Errors
/// Anything that is not three base64url parts with a JSON object in the second. The text never holds a piece of the token.
pub fn decode(raw: Secret) -> Result<IdToken> {
    let broken = |what: &str| {
        Error::new(Kind::Network, "id-token-malformed", format!("the ID token is not a JWT: {what}"))
            .detail("expected", "three base64url parts joined by dots (RFC 7519)")
            .detail("presented", format!("{} characters", raw.len()))
    };
    if raw.len() > MAX_TOKEN {
        return Err(broken("it is too long"));
    }
    let parts: Vec<&str> = raw.reveal().split('.').collect();
    let &[header, payload, signature] = parts.as_slice() else {
        return Err(broken(&format!("it has {} parts", parts.len())));
    };
    object(header).ok_or_else(|| broken("its header is not a JSON object"))?;
    let claims = object(payload).ok_or_else(|| broken("its payload is not a JSON object"))?;
    if signature.is_empty() {
        return Err(broken("it has no signature"));
    }
    Ok(IdToken { unverified: Claims::new(claims), raw, ahead: None })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str, signature: &str) -> Secret {
        Secret::new(format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn reads_audience_as_text_or_array() {
        let one = decode(token("{}", r#"{"aud":"a"}"#, "c2ln")).ok().unwrap();
        let many = decode(token("{}", r#"{"aud":["a","b"]}"#, "c2ln")).ok().unwrap();
        assert_eq!(one.unverified.audiences(), ["a"]);
        assert_eq!(many.unverified.audiences(), ["a", "b"]);
    }

    #[test]
    fn refuses_what_is_not_a_jwt_and_never_quotes_it() {
        for raw in ["", "a.b", "a.b.c.d", "!!.!!.!!", "eyJ9.eyJ9.x"] {
            let error = decode(Secret::new(raw)).err().unwrap();
            assert_eq!(error.code, "id-token-malformed");
            let shown = format!("{error} {:?}", error.details);
            assert!(raw.is_empty() || !shown.contains(raw), "{shown}");
        }
        assert!(decode(token("{}", r#"{"aud":"a"}"#, "")).is_err(), "an unsigned token");
        assert!(decode(token("[]", r#"{"aud":"a"}"#, "c2ln")).is_err(), "a header that is no object");
        assert!(decode(token("{}", r#""text""#, "c2ln")).is_err(), "a payload that is no object");
    }
}
