//! One error type for every room: absent ≠ broken ≠ denied.
//!
//! An [`Error`] knows the exit code it ends with, whether another attempt can help, and what the reader should do next.
//! The text is shown to a person; it is lower case, has no trailing full stop and never holds a secret (callers pass text
//! from outside through [`crate::secret::clean`]).

use std::fmt;
use std::time::Duration;

/// What went wrong, in the classes that scripts tell apart by exit code (`docs/exit-codes.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Findings at or above the threshold. Exit 1.
    Findings,
    /// Usage or configuration: nothing was sent. User action: correct the flag or the edge file. Exit 2.
    Usage,
    /// No ID token is to be had here. User action: grant the permission, or name a source. Exit 3.
    NoToken,
    /// Denied by the destination, by a gate, or by evaluation. User action: compare claims and trust policy. Exit 4.
    Denied,
    /// Local files: permission, disk full, a link where none may be. Exit 5.
    Files,
    /// Network or endpoint, after the bounded retries. Exit 6.
    Network,
    /// Some edges were granted and some were not, with `--keep-going`. Exit 7.
    Partial,
    /// The trust policy uses something whose meaning is not documented. Exit 8.
    Undecided,
    /// Ended by a signal. Exit 128 + its number.
    Signal(u8),
}

impl Kind {
    /// The process exit code. Stable: scripts depend on it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Findings => 1,
            Kind::Usage => 2,
            Kind::NoToken => 3,
            Kind::Denied => 4,
            Kind::Files => 5,
            Kind::Network => 6,
            Kind::Partial => 7,
            Kind::Undecided => 8,
            Kind::Signal(number) => 128u8.saturating_add(number),
        }
    }
}

/// Whether another attempt can help.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// Final: the same request would get the same answer.
    #[default]
    Never,
    /// The same request may succeed later; the endpoint may have said when (`Retry-After`).
    Again(Option<Duration>),
    /// Usually final, but known to pass: two more attempts (Entra answers so while a credential spreads).
    Few,
    /// The same request may succeed with a freshly minted ID token (once).
    NewToken,
}

/// One failure with everything a reader needs at 2 a.m.
///
/// ```
/// use jobpass::error::{Error, Kind};
/// let error = Error::new(Kind::Usage, "region-partition", "role and region lie in different partitions")
///     .detail("expected", "a region of aws-cn")
///     .detail("presented", "eu-central-1")
///     .hint("set region = \"cn-north-1\"");
/// assert_eq!(error.kind.exit_code(), 2);
/// ```
#[derive(Clone)]
pub struct Error {
    /// The class; decides the exit code.
    pub kind: Kind,
    /// Stable identifier in kebab case, for scripts and for headings in the documentation.
    pub code: &'static str,
    /// One line: what failed.
    pub message: String,
    /// The destination's own code, where it gave one: `AccessDenied`, `AADSTS700213`. It stands in the message too; this is for
    /// the record.
    pub answered: Option<String>,
    /// Labelled facts in the order they are shown: `expected`, `presented`, `where`, `request id` …
    pub details: Vec<(String, String)>,
    /// What to do next.
    pub hints: Vec<String>,
    /// Whether another attempt can help.
    pub retry: Retry,
}

/// Shorthand used throughout the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A new error without details.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Error {
            kind,
            code,
            message: message.into(),
            answered: None,
            details: Vec::new(),
            hints: Vec::new(),
            retry: Retry::Never,
        }
    }

    /// [`Kind::Usage`].
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, code, message)
    }

    /// [`Kind::Denied`].
    pub fn denied(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Denied, code, message)
    }

    /// [`Kind::Network`].
    pub fn network(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Network, code, message)
    }

    /// [`Kind::Files`] from an operation on `path`.
    pub fn files(code: &'static str, doing: &str, path: &std::path::Path, source: &dyn fmt::Display) -> Self {
        Self::new(Kind::Files, code, format!("cannot {doing} {}: {source}", path.display()))
    }

    /// Adds a labelled fact; an empty value is left out.
    #[must_use]
    pub fn detail(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        let value = value.into();
        if !value.is_empty() {
            self.details.push((label.into(), value));
        }
        self
    }

    /// Adds a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Notes the destination's own code.
    #[must_use]
    pub fn answered(mut self, code: impl Into<String>) -> Self {
        self.answered = Some(code.into());
        self
    }

    /// Says that another attempt can help.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Puts the place in front of the message: ``aws edge `deploy`: …``.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The same text as [`fmt::Display`] with the code: an error can reach a log through `{:?}`, and must not show more there.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error[{}]({})", self.code, self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let table = [
            (Kind::Findings, 1),
            (Kind::Usage, 2),
            (Kind::NoToken, 3),
            (Kind::Denied, 4),
            (Kind::Files, 5),
            (Kind::Network, 6),
            (Kind::Partial, 7),
            (Kind::Undecided, 8),
            (Kind::Signal(2), 130),
            (Kind::Signal(15), 143),
        ];
        for (kind, code) in table {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
    }

    #[test]
    fn an_empty_detail_is_left_out() {
        assert!(Error::usage("x", "y").detail("expected", "").details.is_empty());
    }
}
