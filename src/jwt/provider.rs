//! jsonwebtoken's cryptography over ring.
//!
//! The library has back ends for aws-lc and for the RustCrypto crates; this product has ring already and wants one. Both
//! factories refuse every algorithm but RS256 and ES256, so a confused caller cannot reach HMAC or `none`.

use std::sync::Once;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature as rs;

/// Makes ring the provider of jsonwebtoken for this process. May be called any number of times; the first call counts.
pub fn install() {
    static ONCE: Once = Once::new();
    // An error means that some provider is there already; ours is the only one compiled in.
    ONCE.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::RS256 | Algorithm::ES256 => Ok(Box::new(RingSigner(*algorithm, key.clone()))),
        _ => refused(),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::RS256 | Algorithm::ES256 => Ok(Box::new(RingVerifier(*algorithm, key.clone()))),
        _ => refused(),
    },
    // These would panic when called: nothing here builds a JWK from a private key or takes a thumbprint.
    key_utils: KeyUtils::new_unimplemented(),
};

fn refused<T>() -> Result<T> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

struct RingSigner(Algorithm, EncodingKey);

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let random = ring::rand::SystemRandom::new();
        match self.0 {
            Algorithm::RS256 => {
                let key = rs::RsaKeyPair::from_der(self.1.as_bytes()).map_err(|_| Error::new())?;
                let mut out = vec![0; key.public().modulus_len()];
                key.sign(&rs::RSA_PKCS1_SHA256, &random, message, &mut out).map_err(|_| Error::new())?;
                Ok(out)
            }
            Algorithm::ES256 => {
                let scheme = &rs::ECDSA_P256_SHA256_FIXED_SIGNING;
                let key = rs::EcdsaKeyPair::from_pkcs8(scheme, self.1.as_bytes(), &random).map_err(|_| Error::new())?;
                Ok(key.sign(&random, message).map_err(|_| Error::new())?.as_ref().to_vec())
            }
            _ => Err(Error::new()),
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}

struct RingVerifier(Algorithm, DecodingKey);

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        match (self.0, self.1.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                rs::RsaPublicKeyComponents { n, e }.verify(&rs::RSA_PKCS1_2048_8192_SHA256, message, signature)
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(point)) => {
                rs::UnparsedPublicKey::new(&rs::ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            _ => return Err(Error::new()),
        }
        .map_err(|_| Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_algorithm_is_refused_at_the_door() {
        for algorithm in [Algorithm::HS256, Algorithm::HS512, Algorithm::PS256, Algorithm::ES384, Algorithm::EdDSA] {
            let secret = (EncodingKey::from_secret(b"k"), DecodingKey::from_secret(b"k"));
            assert!((PROVIDER.signer_factory)(&algorithm, &secret.0).is_err(), "{algorithm:?}");
            assert!((PROVIDER.verifier_factory)(&algorithm, &secret.1).is_err(), "{algorithm:?}");
        }
    }

    #[test]
    fn installing_twice_is_no_error() {
        install();
        install();
    }
}
