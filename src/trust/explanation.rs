//! The answer's shape: decision, every check with both sides, a note.

use std::fmt;

use serde::Serialize;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Every step holds on documented semantics. Exit 0.
    Allowed,
    /// A step fails on documented semantics. Exit 4.
    Denied,
    /// What decides is not documented, not supplied or not understood. Exit 8.
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

/// How one comparison ended. *Missing*, *different* and *not understood* are three things and never shown as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Match,
    /// Present, and something else.
    Different,
    /// Present, and equal but for upper and lower case, which counts.
    CaseOnly,
    /// Not there.
    Missing,
    /// The trust policy says something that is not documented or not understood.
    Unknown,
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

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Truth::Yes } else { Truth::No }
    }
}

impl From<Verdict> for Truth {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Match => Truth::Yes,
            Verdict::Different | Verdict::CaseOnly | Verdict::Missing => Truth::No,
            Verdict::Unknown => Truth::Unknown,
        }
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was compared, and where in the trust policy it stands.
    pub what: String,
    /// What the trust policy wants.
    pub expected: String,
    /// What the claims say; empty when there is nothing.
    pub presented: String,
    /// How it ended.
    pub verdict: Verdict,
}

impl Check {
    /// A comparison whose outcome is known.
    pub fn new(
        what: impl Into<String>,
        expected: impl Into<String>,
        presented: impl Into<String>,
        verdict: Verdict,
    ) -> Self {
        Check { what: what.into(), expected: expected.into(), presented: presented.into(), verdict }
    }

    /// Exact comparison; says apart what differs in case only.
    #[must_use]
    pub fn exact(what: impl Into<String>, expected: &str, presented: Option<&str>) -> Self {
        let verdict = match presented {
            None => Verdict::Missing,
            Some(presented) if presented == expected => Verdict::Match,
            Some(presented) if presented.to_lowercase() == expected.to_lowercase() => Verdict::CaseOnly,
            Some(_) => Verdict::Different,
        };
        Check::new(what, expected, presented.unwrap_or_default(), verdict)
    }

    /// Whether it holds.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.verdict.into()
    }
}

/// The answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The answer.
    pub decision: Decision,
    /// Every comparison, also those that hold, in the destination's own order.
    pub checks: Vec<Check>,
    /// What a reader has to know beside the checks: what lies outside the file, what is suspicious.
    pub note: Option<String>,
    /// The first step that stood in the way, for who imitates the destination. Azure: the error code, `AADSTS700213`;
    /// GCP: `issuer`, `provider`, `audience`, `mapping`, `mapping-type`, `subject-size`, `condition`, `binding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
}

impl Explanation {
    /// The answer that follows from `truth`.
    #[must_use]
    pub fn of(checks: Vec<Check>, truth: Truth) -> Self {
        let decision = match truth {
            Truth::Yes => Decision::Allowed,
            Truth::No => Decision::Denied,
            Truth::Unknown => Decision::Undecided,
        };
        Explanation { decision, checks, note: None, step: None }
    }

    /// Adds a note behind those that are there.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        let note = note.into();
        self.note = Some(match self.note.take() {
            Some(before) => format!("{before}; {note}"),
            None => note,
        });
        self
    }

    /// The checks that do not hold or are not understood.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.verdict != Verdict::Match)
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
    }

    #[test]
    fn only_a_match_is_a_yes() {
        for verdict in [Verdict::Different, Verdict::CaseOnly, Verdict::Missing, Verdict::Unknown] {
            assert_ne!(Truth::from(verdict), Truth::Yes);
        }
    }

    #[test]
    fn exact_tells_case_from_difference_from_absence() {
        assert_eq!(Check::exact("x", "Prod", Some("Prod")).verdict, Verdict::Match);
        assert_eq!(Check::exact("x", "Prod", Some("prod")).verdict, Verdict::CaseOnly);
        assert_eq!(Check::exact("x", "Prod", Some("prod ")).verdict, Verdict::Different);
        assert_eq!(Check::exact("x", "Prod", None).verdict, Verdict::Missing);
        assert_eq!(Check::exact("x", "", None).verdict, Verdict::Missing);
    }
}
