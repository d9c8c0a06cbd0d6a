//! Common Expression Language, as far as a provider's mappings and conditions need it.
//!
//! Written from the language definition of google/cel-spec (508bd98, 2026-06-10) and held to its conformance cases
//! (`tests/cases/cel/`). An own evaluator, because three things have to come out of it that an interpreter does not give:
//! *undecided* as a third value beside value and error, every part of an expression with what it gave, and no answer from a
//! function that Google is not known to take.

mod check;
mod evaluate;
mod extract;
mod functions;
mod logic;
mod macros;
mod pattern;
mod syntax;
mod token;
mod tree;
mod value;

pub(super) use evaluate::{Dialect, Scope};
pub(in crate::trust::gcp) use syntax::parse;
pub(super) use tree::{Expr, Kind};
pub(super) use value::{Out, Stop, Value};

/// An expression as it is written, read once: the same trust policy is asked about many tokens.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    /// As it is written.
    pub(super) text: String,
    /// As a tree, or why it cannot be read.
    pub(super) parsed: Result<Expr, String>,
    /// Why no provider can have been created with it, where that does not depend on the token.
    pub(super) refused: Option<String>,
}

impl Expression {
    /// Reads a text that is no longer than Google takes; a longer one is not read.
    pub(super) fn new(text: &str, characters: usize) -> Self {
        let length = text.chars().count();
        let parsed = if length > characters {
            Err(format!("it has {length} characters, more than {characters}"))
        } else {
            parse(text)
        };
        let refused = parsed.as_ref().ok().and_then(check::refused);
        Expression { text: text.to_owned(), parsed, refused }
    }
}

/// The words of an expression in one spelling: white space, comments and the kind of quotes make no difference. A text that
/// cannot be split is its own spelling.
pub(super) fn spelling(text: &str) -> String {
    token::split(text).map_or_else(
        |_| text.to_owned(),
        |words| words.iter().map(|(word, _)| format!("{word:?}")).collect::<Vec<_>>().join(" "),
    )
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;
