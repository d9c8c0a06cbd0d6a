//! Common Expression Language, as far as a provider's mappings and conditions need it.
//!
//! Written from the language definition of google/cel-spec (508bd98, 2026-06-10) and held to its conformance cases
//! (`tests/cases/cel/`). An own evaluator, because three things have to come out of it that an interpreter does not give:
//! *undecided* as a third value beside value and error, every part of an expression with what it gave, and no answer from a
//! function that Google is not known to take.

mod evaluate;
mod extract;
mod functions;
mod logic;
mod macros;
mod syntax;
mod token;
mod tree;
mod value;

pub(super) use evaluate::{Dialect, Scope};
pub(super) use syntax::parse;
pub(super) use tree::{Expr, Kind};
pub(super) use value::{Out, Stop, Value};

#[cfg(test)]
mod conformance;
