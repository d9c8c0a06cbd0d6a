//! Three-valued logic, and the words for an answer and for one comparison.

use std::fmt;

use serde::Serialize;

/// The answer; to programs `allow`, `deny` and `unknown`, wherever it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Decision {
    /// Every step holds on documented semantics. Exit 0.
    #[serde(rename = "allow")]
    Allowed,
    /// A step fails on documented semantics. Exit 4.
    #[serde(rename = "deny")]
    Denied,
    /// What decides is not documented, not supplied or not understood. Exit 8.
    #[serde(rename = "unknown")]
    Undecided,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Decision::Allowed => "allowed",
            Decision::Denied => "denied",
            Decision::Undecided => "undecided",
        })
    }
}

impl From<Truth> for Decision {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Decision::Allowed,
            Truth::No => Decision::Denied,
            Truth::Unknown => Decision::Undecided,
        }
    }
}

/// How one comparison ended. *Missing*, *mismatch* and *unsupported* are three things and never shown as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds.
    Match,
    /// Present, and something else.
    Mismatch,
    /// Not there.
    Missing,
    /// The trust policy says something that is not documented or not understood, or that rests on what was not supplied.
    Unsupported,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Match => "match",
            Verdict::Mismatch => "mismatch",
            Verdict::Missing => "missing",
            Verdict::Unsupported => "unsupported",
        })
    }
}

/// Three-valued logic (Kleene): *unknown* stays unknown unless the other side settles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Holds.
    Yes,
    /// Does not hold.
    No,
    /// Cannot be told.
    Unknown,
}

impl Truth {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            (Truth::Yes, Truth::Yes) => Truth::Yes,
            _ => Truth::Unknown,
        }
    }

    /// One of them holds.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::Yes, _) | (_, Truth::Yes) => Truth::Yes,
            (Truth::No, Truth::No) => Truth::No,
            _ => Truth::Unknown,
        }
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Truth::Yes } else { Truth::No }
    }
}

impl From<Verdict> for Truth {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Match => Truth::Yes,
            Verdict::Mismatch | Verdict::Missing => Truth::No,
            Verdict::Unsupported => Truth::Unknown,
        }
    }
}

impl From<Truth> for Verdict {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Verdict::Match,
            Truth::No => Verdict::Mismatch,
            Truth::Unknown => Verdict::Unsupported,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_is_settled_only_by_the_side_that_decides() {
        use Truth::{No, Unknown, Yes};
        assert_eq!(No.and(Unknown), No);
        assert_eq!(Unknown.and(No), No);
        assert_eq!(Yes.and(Unknown), Unknown);
        assert_eq!(Unknown.and(Unknown), Unknown);
        assert_eq!(Yes.or(Unknown), Yes);
        assert_eq!(No.or(Unknown), Unknown);
        assert_eq!(Yes.and(Yes), Yes);
        assert_eq!(No.or(No), No);
        assert_eq!([!Yes, !No, !Unknown], [No, Yes, Unknown]);
    }

    #[test]
    fn only_a_match_is_a_yes() {
        for verdict in [Verdict::Mismatch, Verdict::Missing, Verdict::Unsupported] {
            assert_ne!(Truth::from(verdict), Truth::Yes);
        }
        for truth in [Truth::No, Truth::Unknown] {
            assert_ne!(Decision::from(truth), Decision::Allowed);
        }
    }
}
