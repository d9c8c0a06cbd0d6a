//! Signing and verifying JWTs with ring, for the sandbox and for whoever checks a signature on this side.
//!
//! - [`key`]: the sandbox's signing key and its JWKS.
//! - [`verify()`]: the full check of a token, with both sides in every refusal.
//! - `provider`: jsonwebtoken's cryptography over ring, the one library of this product.

pub mod key;
mod provider;
pub mod verify;

pub use key::SigningKey;
pub use provider::install;
pub use verify::{Expected, LEEWAY_SECONDS, Reason, Rejection, verify};
