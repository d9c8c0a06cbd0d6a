//! An expression as a tree. Macros of CEL's standard library are kept as what they are.

use std::ops::Range;

use super::value::Value;

/// A part of an expression and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::trust::gcp) struct Expr {
    /// Its bytes in the text.
    pub(in crate::trust::gcp) at: Range<usize>,
    pub(in crate::trust::gcp) kind: Kind,
    /// Levels below it: evaluation is recursive, so the tree may not be deep.
    pub(super) depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::trust::gcp) enum Kind {
    Literal(Value),
    Name(String),
    Field(Box<Expr>, String),
    Has(Box<Expr>, String),
    Index(Box<Expr>, Box<Expr>),
    Call {
        on: Option<Box<Expr>>,
        name: String,
        args: Vec<Expr>,
    },
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    /// `a && b && …`
    All(Vec<Expr>),
    /// `a || b || …`
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `over.name(variable, body…)`: `all`, `exists`, `exists_one`, `map`, `filter`.
    Each {
        name: &'static str,
        over: Box<Expr>,
        variable: String,
        body: Vec<Expr>,
    },
}

impl Kind {
    /// The parts directly below.
    pub(in crate::trust::gcp) fn parts(&self) -> Vec<&Expr> {
        match self {
            Kind::Literal(_) | Kind::Name(_) => Vec::new(),
            Kind::Field(of, _) | Kind::Has(of, _) | Kind::Not(of) | Kind::Negate(of) => vec![of],
            Kind::Index(one, other) | Kind::Binary(_, one, other) => vec![one, other],
            Kind::Call { on, args, .. } => on.iter().map(Box::as_ref).chain(args).collect(),
            Kind::List(all) | Kind::All(all) | Kind::Any(all) => all.iter().collect(),
            Kind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
            Kind::Choice(condition, yes, no) => vec![condition, yes, no],
            Kind::Each { over, body, .. } => std::iter::once(over.as_ref()).chain(body).collect(),
        }
    }
}
