//! An answer: its status as a retry class, its body as strict JSON.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::error::{Error, Result, Retry};

/// The longest wait that is believed, in seconds. It only keeps arithmetic from running over: the deadline is far shorter.
const LONGEST_WAIT: u64 = 86_400;

/// An answer whose body was read to its end.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most [`super::MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// The value of `Retry-After` in seconds, at most a day. The HTTP-date form is not used by the three clouds and is ignored.
#[must_use]
pub fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A number too large to parse is still a number.
    Some(Duration::from_secs(value.parse().unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)))
}

/// The statuses after which the same request may succeed.
#[must_use]
pub fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

impl Answer {
    /// `Retry-After`, as [`retry_after`] reads it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        retry_after(self.header("retry-after")?)
    }

    /// The retry class that the status alone gives: 408, 425, 429 and 5xx may pass.
    #[must_use]
    pub fn retry(&self) -> Retry {
        if may_pass(self.status) { Retry::Again(self.retry_after()) } else { Retry::Never }
    }

    /// One header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as strict JSON: unknown fields are passed over, duplicate fields, wrong types and trailing bytes are not.
    ///
    /// # Errors
    /// A network error of code `answer-malformed`; the body itself is not quoted.
    pub fn json<T: serde::de::DeserializeOwned>(&self, host: &str, what: &str) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            // serde's text can quote a value of the body; its category and place cannot.
            let why = match error.classify() {
                serde_json::error::Category::Eof => "it ends too early",
                serde_json::error::Category::Data => "a field is missing, doubled or of another type",
                serde_json::error::Category::Io | serde_json::error::Category::Syntax => "it is not JSON",
            };
            Error::network("answer-malformed", format!("{host} answered {} with an unusable body: {why}", self.status))
                .detail("expected", what)
                .detail(
                    "presented",
                    format!("{} bytes, the fault at line {} column {}", self.body.len(), error.line(), error.column()),
                )
                .retry(if error.is_eof() { Retry::Again(None) } else { self.retry() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_and_bounded() {
        for (value, seconds) in [
            ("2", Some(2)),
            (" 7 ", Some(7)),
            ("9999", Some(9_999)),
            ("99999999999999999999999", Some(LONGEST_WAIT)),
            ("-1", None),
            ("", None),
            ("1.5", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ] {
            assert_eq!(retry_after(value), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
