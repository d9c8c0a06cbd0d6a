//! The log of exchanges: one record per attempt, granted or denied. Never a token.

pub mod jsonl;
pub mod summary;

use ring::digest::{SHA256, digest};
use serde::Serialize;
use time::OffsetDateTime;

use crate::claims::IdToken;
use crate::credential::Grant;
use crate::delivery::rfc3339;
use crate::edge::Edge;
use crate::error::{Error, Kind};
use crate::secret::clean;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A credential came back.
    Granted,
    /// The destination or a gate said no.
    Denied,
    /// It did not come to an answer: network, endpoint, no ID token.
    Failed,
}

/// One attempt. The fields stand in the log under these names (`docs/audit.md`).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// The edge's name.
    pub edge: String,
    /// `aws`, `gcp`, `azure`.
    pub destination: &'static str,
    /// The identity that was asked for, or that came back.
    pub identity: String,
    /// `iss`, unverified.
    pub issuer: String,
    /// `sub`, unverified.
    pub subject: String,
    /// The audience that the ID token was asked for.
    pub audience: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Our error's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The destination's own code: `AccessDenied`, `AADSTS700213` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_code: Option<String>,
    /// When the credential ends, RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration: Option<String>,
    /// The destination's request id, or our correlation id.
    pub request_id: String,
    /// How long it took, in milliseconds, all tries together.
    pub milliseconds: u64,
    /// How many tries it took.
    pub attempts: u32,
    /// SHA-256 of the ID token's `jti` in hexadecimal: finds the mint in the issuer's log, and is no token.
    #[serde(rename = "jti-sha256", skip_serializing_if = "Option::is_none")]
    pub jti_sha256: Option<String>,
}

/// What the exchange measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Effort {
    /// All tries together, in milliseconds.
    pub milliseconds: u64,
    /// How many tries.
    pub attempts: u32,
}

impl Event {
    /// A grant.
    #[must_use]
    pub fn granted(grant: &Grant, effort: Effort, now: OffsetDateTime) -> Event {
        let mut event = Event::of(&grant.edge, Some(&grant.id_token), Outcome::Granted, effort, now);
        event.identity = clean(&grant.identity, &[]);
        event.request_id = clean(&grant.request_id, &[]);
        event.expiration = Some(rfc3339(grant.credential.expiration()));
        event
    }

    /// A denial or a failure. The request id is read from the error's details.
    #[must_use]
    pub fn refused(
        edge: &Edge,
        id_token: Option<&IdToken>,
        error: &Error,
        effort: Effort,
        now: OffsetDateTime,
    ) -> Event {
        let outcome = if error.kind == Kind::Denied { Outcome::Denied } else { Outcome::Failed };
        let mut event = Event::of(edge, id_token, outcome, effort, now);
        let detail =
            |label: &str| error.details.iter().find(|(name, _)| name == label).map(|(_, value)| clean(value, &[]));
        event.error_code = Some(error.code.to_owned());
        event.destination_code = error.answered.as_deref().map(|code| clean(code, &[]));
        event.request_id = detail("request id").or_else(|| detail("correlation id")).unwrap_or_default();
        event
    }

    fn of(edge: &Edge, id_token: Option<&IdToken>, outcome: Outcome, effort: Effort, now: OffsetDateTime) -> Event {
        // Claims are whatever stands in the token: cut, and without control characters.
        let claim = |name: &str| id_token.and_then(|token| token.unverified.text(name));
        Event {
            time: rfc3339(now),
            edge: edge.name.clone(),
            destination: edge.destination().as_str(),
            identity: clean(&edge.identity(), &[]),
            issuer: clean(&claim("iss").unwrap_or_default(), &[]),
            subject: clean(&claim("sub").unwrap_or_default(), &[]),
            audience: clean(&edge.audience, &[]),
            outcome,
            error_code: None,
            destination_code: None,
            expiration: None,
            request_id: String::new(),
            milliseconds: effort.milliseconds,
            attempts: effort.attempts,
            jti_sha256: claim("jti").map(|jti| sha256(&jti)),
        }
    }
}

fn sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::testing::{aws, ends, id_token};

    #[test]
    fn a_grant_names_everything_but_the_secrets() {
        let grant = aws("deploy", true);
        let event = Event::granted(&grant, Effort { milliseconds: 31, attempts: 1 }, ends());
        assert_eq!((event.outcome, event.subject.as_str()), (Outcome::Granted, "repo:acme/shop"));
        assert_eq!(event.expiration.as_deref(), Some("2026-11-23T04:00:00Z"));
        assert_eq!(event.jti_sha256.as_deref(), Some(sha256("jti-deploy").as_str()));
        let text = serde_json::to_string(&event).unwrap();
        for secret in ["secret-of", "session-of", "signature-of", "jti-deploy", id_token("deploy").raw.reveal()] {
            assert!(!text.contains(secret), "{secret}");
        }
    }

    #[test]
    fn a_denial_carries_both_codes() {
        let edge = aws("deploy", true).edge;
        let error = Error::denied("aws-denied", "no").answered("AccessDenied").detail("request id", "r-1");
        let event = Event::refused(&edge, Some(&id_token("deploy")), &error, Effort::default(), ends());
        assert_eq!(event.outcome, Outcome::Denied);
        assert_eq!(
            (event.error_code.as_deref(), event.destination_code.as_deref()),
            (Some("aws-denied"), Some("AccessDenied"))
        );
        assert_eq!((event.request_id.as_str(), event.expiration), ("r-1", None));
        let failed = Event::refused(&edge, None, &Error::network("timeout", "t"), Effort::default(), ends());
        assert_eq!((failed.outcome, failed.jti_sha256), (Outcome::Failed, None));
    }

    #[test]
    fn sha256_is_sha256() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
