//! Whom a trust policy means, as texts with wildcards.

use std::collections::BTreeMap;

use crate::trust::glob::{self, Piece};

/// Stands for any run in a pattern's text; no claim holds it.
pub(super) const ANY: char = '\u{e000}';
/// Stands for one character.
pub(super) const ONE: char = '\u{e001}';

/// A text with wildcards, whatever the language it was written in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::trust) struct Pattern(String);

impl Pattern {
    /// This text and no other.
    pub(in crate::trust) fn exact(text: &str) -> Self {
        Pattern(text.replace([ANY, ONE], ""))
    }

    /// With `*` and `?`.
    pub(in crate::trust) fn like(text: &str) -> Self {
        Pattern(
            Self::exact(text)
                .0
                .chars()
                .map(|c| {
                    if c == '*' {
                        ANY
                    } else if c == '?' {
                        ONE
                    } else {
                        c
                    }
                })
                .collect(),
        )
    }

    /// Beginning, ending with, or holding a text.
    pub(in crate::trust) fn around(before: bool, text: &str, behind: bool) -> Self {
        let mark = |wild: bool| if wild { ANY.to_string() } else { String::new() };
        Pattern(mark(before) + &Self::exact(text).0 + &mark(behind))
    }

    /// Joins two texts.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether it has no wildcard.
    pub(in crate::trust) fn is_exact(&self) -> bool {
        !self.0.contains([ANY, ONE])
    }

    /// Whether it is nothing but wildcards.
    pub(in crate::trust) fn is_open(&self) -> bool {
        self.0.chars().all(|c| c == ANY || c == ONE)
    }

    /// As people write it, with `*` and `?`.
    pub(in crate::trust) fn shown(&self) -> String {
        self.0.replace(ANY, "*").replace(ONE, "?")
    }

    /// Whether a text fits.
    pub(in crate::trust) fn fits(&self, text: &str) -> bool {
        let pieces: Vec<Piece> = self
            .0
            .chars()
            .map(|c| match c {
                ANY => Piece::Any,
                ONE => Piece::One,
                other => Piece::Char(other),
            })
            .collect();
        glob::fits(&pieces, text)
    }

    /// A text that fits, with these in place of the wildcards.
    pub(in crate::trust) fn filled(&self, any: &str, one: char) -> String {
        fill(&self.0, any, one)
    }
}

/// A text with something in place of its wildcards.
pub(super) fn fill(text: &str, any: &str, one: char) -> String {
    text.chars()
        .map(|c| {
            if c == ANY {
                any.to_owned()
            } else if c == ONE {
                one.to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// A name: its literal parts, or `default` when there are none.
pub(super) fn name(text: &str, default: &str) -> String {
    let filled = fill(text, "", 'a');
    if filled.is_empty() { default.to_owned() } else { filled }
}

/// One alternative of a trust policy: the claims that it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::trust) struct Wanted {
    pub(in crate::trust) issuer: String,
    pub(in crate::trust) audience: String,
    /// By the claim's name; one of several texts, where several serve.
    pub(in crate::trust) claims: BTreeMap<String, Pattern>,
}

impl Wanted {
    /// What is wanted of a claim.
    pub(in crate::trust) fn claim(&self, name: &str) -> Option<&Pattern> {
        self.claims.get(name)
    }

    /// What is wanted of a claim, with something in place of wildcards.
    pub(super) fn name(&self, claim: &str, default: &str) -> String {
        self.claim(claim).map_or_else(|| default.to_owned(), |pattern| name(pattern.text(), default))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_every_language() {
        assert!(Pattern::exact("a*").fits("a*") && !Pattern::exact("a*").fits("ab"));
        assert!(Pattern::like("a*c?").fits("a/b:cd") && !Pattern::like("a*c?").fits("ac"));
        assert!(Pattern::around(false, "a/", true).fits("a/b") && !Pattern::around(false, "a/", true).fits("ba/"));
        assert!(Pattern::around(true, "a", false).fits("ba"));
        assert_eq!(Pattern::like("re?o:*").shown(), "re?o:*");
        assert!(Pattern::like("*?").is_open() && !Pattern::like("a*").is_open() && Pattern::exact("a").is_exact());
    }

    #[test]
    fn names_of_wildcards() {
        for (pattern, expected) in [("acme*", "acme"), ("*", "shop"), ("????", "aaaa"), ("a?c", "aac"), ("", "shop")] {
            assert_eq!(name(Pattern::like(pattern).text(), "shop"), expected, "{pattern}");
        }
        assert_eq!(Pattern::like("a*b").filled("-x-", 'z'), "a-x-b");
    }
}
