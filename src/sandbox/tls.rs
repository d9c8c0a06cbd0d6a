//! The sandbox's certificate authority: made at start, trusted by whoever is told to, gone with the process.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use time::{Duration, OffsetDateTime};

use crate::error::{Error, Kind, Result};

/// The names of the leaf certificate.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate authority and its key.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The authority's certificate.
    pub(super) pem: String,
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Files, "sandbox-certificate", format!("cannot make the sandbox's certificate: {error}"))
}

impl Authority {
    pub(super) fn generate() -> Result<Authority> {
        let key = KeyPair::generate().map_err(broken)?;
        // A name of its own: with two authorities of one name, clients report a bad signature instead of an unknown one.
        let name = format!("jobpass sandbox CA {} (this process only)", crate::random::hex::<4>()?);
        let mut params = parameters(&[], &name)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).map_err(broken)?.pem();
        Ok(Authority { issuer: Issuer::new(params, key), pem })
    }

    /// A server's configuration with a leaf for loopback.
    pub(super) fn loopback(&self) -> Result<Arc<ServerConfig>> {
        self.server(&NAMES)
    }

    /// A server's configuration with a leaf for these names.
    pub(super) fn server(&self, names: &[&str]) -> Result<Arc<ServerConfig>> {
        let key = KeyPair::generate().map_err(broken)?;
        let mut params = parameters(names, "jobpass sandbox")?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let leaf = params.signed_by(&key, &self.issuer).map_err(broken)?;
        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(broken)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], private)
            .map_err(broken)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn parameters(names: &[&str], common_name: &str) -> Result<CertificateParams> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).map_err(broken)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    // Certificates always go by the system's clock: it is the one their readers have.
    let now = OffsetDateTime::now_utc();
    params.not_before = now - Duration::DAY;
    params.not_after = now + Duration::WEEK;
    Ok(params)
}
