//! The sandbox's signing key: made in memory at start, gone with the process.
//!
//! It signs ES256. The real issuers (GitHub, GitLab) sign RS256, but ring cannot make RSA keys, and a key in the repository
//! would be one that everybody has. [`super::verify()`] takes both, as AWS and Google do.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::provider::install;
use crate::claims::Claims;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// A P-256 key pair with its key id.
pub struct SigningKey {
    key: EncodingKey,
    kid: String,
    x: String,
    y: String,
}

impl SigningKey {
    /// A fresh key.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn generate() -> Result<SigningKey> {
        install();
        let broken = || Error::new(Kind::Files, "randomness", "cannot make a signing key: no random numbers");
        let random = SystemRandom::new();
        let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(scheme, &random).map_err(|_| broken())?;
        let pair = EcdsaKeyPair::from_pkcs8(scheme, document.as_ref(), &random).map_err(|_| broken())?;
        // The uncompressed point (SEC 1 §2.3.3): 0x04, x, y, 32 bytes each.
        let point = pair.public_key().as_ref();
        let part = |range| point.get(range).map(|bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes)).ok_or_else(broken);
        let (x, y) = (part(1..33)?, part(33..65)?);
        let digest = ring::digest::digest(&ring::digest::SHA256, point);
        let kid = format!("sandbox-{}", URL_SAFE_NO_PAD.encode(digest.as_ref().get(..9).unwrap_or_default()));
        Ok(SigningKey { key: EncodingKey::from_ec_der(document.as_ref()), kid, x, y })
    }

    /// The key id, as it stands in headers and in the JWKS.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A compact JWT over `claims` with header `alg`, `kid`, `typ`.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn sign(&self, claims: &Claims) -> Result<Secret> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims.as_map(), &self.key)
            .map(Secret::new)
            .map_err(|error| Error::new(Kind::Files, "signing", format!("cannot sign the ID token: {error}")))
    }

    /// The public half as a JWK set (RFC 7517 §5, RFC 7518 §6.2).
    #[must_use]
    pub fn jwks_json(&self) -> Value {
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid, "x": self.x, "y": self.y,
        }] })
    }

    /// The public half, parsed.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        serde_json::from_value(self.jwks_json()).unwrap_or(JwkSet { keys: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jwk_set_holds_no_private_part() {
        let jwks = SigningKey::generate().unwrap().jwks_json();
        let key = jwks["keys"][0].as_object().unwrap();
        assert_eq!(key.keys().collect::<Vec<_>>().len(), 7);
        assert!(!key.contains_key("d"));
    }

    #[test]
    fn two_keys_have_two_ids() {
        assert_ne!(SigningKey::generate().unwrap().kid(), SigningKey::generate().unwrap().kid());
    }

    #[test]
    fn the_set_parses() {
        let key = SigningKey::generate().unwrap();
        assert!(key.jwks().find(key.kid()).is_some());
    }
}
