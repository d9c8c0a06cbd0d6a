//! What an ID token says: claims, still unverified on this side, and the subject formats of the issuers.
//!
//! The destination verifies the signature; this side reads the claims to check what came back (audience, issuer, expiry), to
//! feed the gate and to explain a denial. So everything decoded here bears *unverified* in its name (RFC 7519, OIDC core §2).

pub mod github;
pub mod gitlab;
pub mod unverified;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::secret::Secret;

/// A claim set: the payload of an ID token, or what a dry run puts in its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Wraps a JSON object.
    #[must_use]
    pub fn new(payload: Map<String, Value>) -> Self {
        Claims(payload)
    }

    /// One claim as it stands in the payload.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// One claim as text: a string as it is, a number or boolean as JSON writes it. Arrays and objects have no text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// `iss`; empty when absent.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.text("iss").unwrap_or_default()
    }

    /// `sub`; empty when absent.
    #[must_use]
    pub fn subject(&self) -> String {
        self.text("sub").unwrap_or_default()
    }

    /// `aud`: a string or an array of strings (RFC 7519 §4.1.3).
    #[must_use]
    pub fn audiences(&self) -> Vec<String> {
        match self.0.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// A time claim (`exp`, `iat`, `nbf`) in seconds since the epoch. RFC 7519's NumericDate may have a fraction; it is cut.
    #[must_use]
    pub fn seconds(&self, name: &str) -> Option<i64> {
        let number = self.0.get(name)?.as_number()?;
        #[expect(clippy::cast_possible_truncation, reason = "the fraction of a NumericDate is cut on purpose")]
        number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))
    }

    /// Sets one claim.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The claims that are another value in `other`, or are in one of the two only; by name, sorted.
    #[must_use]
    pub fn unlike(&self, other: &Claims) -> Vec<String> {
        let names: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        names.into_iter().filter(|name| self.value(name) != other.value(name)).cloned().collect()
    }

    /// The whole payload.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The claims that decide at a destination, in the order a person compares them, as `(name, text)`.
    ///
    /// Used in every denial: what was presented stands beside what was expected.
    #[must_use]
    pub fn presented(&self) -> Vec<(&'static str, String)> {
        const SHOWN: [&str; 9] = [
            "sub",
            "iss",
            "repository",
            "ref",
            "environment",
            "event_name",
            "job_workflow_ref",
            "project_path",
            "ref_protected",
        ];
        let mut shown: Vec<_> = SHOWN.iter().filter_map(|name| Some((*name, self.text(name)?))).collect();
        shown.insert(shown.len().min(1), ("aud", self.audiences().join(", ")));
        shown
    }
}

/// An ID token as the runner gave it, with its claims *before* any signature was checked.
#[derive(Clone)]
pub struct IdToken {
    /// The compact JWT.
    pub raw: Secret,
    /// Its payload, unverified.
    pub unverified: Claims,
    /// How many seconds the issuer's clock is ahead of this machine's, where its answer told.
    pub ahead: Option<i64>,
}

impl IdToken {
    /// The difference of the clocks in words, once it is more than an answer on its way explains.
    #[must_use]
    pub fn skew(&self) -> Option<String> {
        /// `Date` has whole seconds, and the answer took some time.
        const UNREMARKABLE: u64 = 5;
        let ahead = self.ahead?;
        let side = if ahead > 0 { "ahead of" } else { "behind" };
        (ahead.unsigned_abs() > UNREMARKABLE).then(|| format!("{} s {side} this machine's", ahead.unsigned_abs()))
    }

    /// How long until the token is valid by this machine's clock; zero once it is.
    #[must_use]
    pub fn valid_in(&self, now: OffsetDateTime) -> Duration {
        let begins = ["nbf", "iat"].iter().filter_map(|name| self.unverified.seconds(name)).max().unwrap_or(i64::MIN);
        Duration::from_secs(u64::try_from(begins.saturating_sub(now.unix_timestamp())).unwrap_or(0))
    }
}

/// A `jti` (RFC 7519 §4.1.7) in the form of a UUID: unique, not secret.
///
/// Made from the moment and a counter: two tokens of one process never share it, also under a clock that stands still.
fn token_id(now: OffsetDateTime) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let seed = format!("{}:{}:{count}", std::process::id(), now.unix_timestamp_nanos());
    let digest = ring::digest::digest(&ring::digest::SHA256, seed.as_bytes());
    let mut id = String::new();
    for (at, byte) in digest.as_ref().iter().take(16).enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            id.push('-');
        }
        id.push_str(&format!("{byte:02x}"));
    }
    id
}
