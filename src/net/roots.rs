//! Whom to trust: `SSL_CERT_FILE` / `SSL_CERT_DIR` where set, else the machine's certificates, else the bundled ones.
//!
//! A variable that is set and unusable is fatal and named: the usual libraries fall back in silence, and the reader then
//! looks for the fault in the wrong place.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};
use crate::world::World;

/// Trusted certificates and where they came from.
pub struct Roots {
    store: RootCertStore,
    /// Where they came from, for messages.
    pub source: RootsSource,
}

/// Where trusted certificates came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootsSource {
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR`.
    Variable(&'static str, PathBuf),
    /// The machine's own store.
    Machine,
    /// Mozilla's list, compiled in: the machine has none.
    Bundled,
}

impl fmt::Display for RootsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RootsSource::Variable(name, path) => write!(f, "{name}={}", path.display()),
            RootsSource::Machine => f.write_str("this machine's store"),
            RootsSource::Bundled => f.write_str("the bundled list (this machine has none)"),
        }
    }
}

impl Roots {
    /// Loads by the rule at the head of this file.
    ///
    /// # Errors
    /// A usage error that names the variable and the path.
    pub fn load(world: &World) -> Result<Roots> {
        let file = world.path("SSL_CERT_FILE");
        let dir = world.path("SSL_CERT_DIR");
        let named = match (&file, &dir) {
            (Some(path), _) => Some(("SSL_CERT_FILE", path.clone())),
            (None, Some(path)) => Some(("SSL_CERT_DIR", path.clone())),
            (None, None) => None,
        };
        let loaded = match &named {
            Some(_) => rustls_native_certs::load_certs_from_paths(file.as_deref(), dir.as_deref()),
            None => rustls_native_certs::load_native_certs(),
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(loaded.certs);
        if let Some((name, path)) = named {
            if store.is_empty() {
                let why =
                    loaded.errors.first().map_or_else(|| "it holds no certificate".to_owned(), ToString::to_string);
                return Err(Error::usage("certificates", format!("{name}={} cannot be used: {why}", path.display()))
                    .detail("expected", "PEM certificates")
                    .hint(format!("correct or unset {name}")));
            }
            return Ok(Roots { store, source: RootsSource::Variable(name, path) });
        }
        if store.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            return Ok(Roots { store, source: RootsSource::Bundled });
        }
        Ok(Roots { store, source: RootsSource::Machine })
    }

    /// The TLS configuration of the one client: TLS 1.2 and 1.3 on ring, HTTP/1.1.
    pub(super) fn into_client_config(self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::usage("tls", format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(self.store)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_variable_that_cannot_be_used_is_named() {
        for (name, path) in [("SSL_CERT_FILE", "/nonexistent/ca.pem"), ("SSL_CERT_FILE", file!())] {
            let error = Roots::load(&World::nothing().with(name, path)).err().unwrap();
            assert!(error.message.contains(name) && error.message.contains(path), "{error}");
            assert_eq!(error.kind.exit_code(), 2);
        }
    }
}
