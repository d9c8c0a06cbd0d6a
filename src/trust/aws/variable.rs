//! Variables in condition values: `${key}`, `${key, 'default'}`, and the escapes `${*}`, `${?}`, `${$}`.
//!
//! Only with `"Version": "2012-10-17"`; without, the text is literal. Source: IAM user guide, "Policy variables and tags".

use super::keys::{Found, find};
use super::{Request, Truth};
use crate::trust::glob::{Piece, pieces};

/// A condition's value after its variables have been replaced.
pub(super) enum Resolved {
    /// What is to be compared.
    Pieces(Vec<Piece>),
    /// A variable has no value and no default: nothing is equal to it.
    Nothing,
    /// It cannot be told.
    Unknown,
}

impl Resolved {
    /// Whether the whole of `text` fits.
    pub(super) fn fits(&self, text: &str) -> Truth {
        match self {
            Resolved::Nothing => Truth::No,
            Resolved::Unknown => Truth::Unknown,
            // Bytes, UTF-16 units or characters: what `?` counts is not documented.
            Resolved::Pieces(pieces) if pieces.contains(&Piece::One) && !text.is_ascii() => Truth::Unknown,
            Resolved::Pieces(pieces) => crate::trust::glob::fits(pieces, text).into(),
        }
    }
}

/// Replaces the variables of `text`. With `wildcards`, `*` and `?` outside of variables are wildcards.
pub(super) fn resolve(text: &str, wildcards: bool, request: &Request<'_>) -> Resolved {
    let plain = |text: &str| if wildcards { pieces(text) } else { literally(text) };
    if !request.variables {
        return Resolved::Pieces(plain(text));
    }
    let (mut all, mut rest) = (Vec::new(), text);
    while let Some((before, behind)) = rest.split_once("${") {
        all.extend(plain(before));
        let Some((variable, behind)) = variable(behind) else { return Resolved::Unknown };
        rest = behind;
        match value(&variable, request) {
            Value::Text(value) if wildcards && value.contains(['*', '?']) && !variable.is_escape() => {
                // Whether a wildcard that comes out of a variable is one is not documented.
                return Resolved::Unknown;
            }
            Value::Text(value) => all.extend(literally(&value)),
            Value::Nothing => return Resolved::Nothing,
            Value::Unknown => return Resolved::Unknown,
        }
    }
    all.extend(plain(rest));
    Resolved::Pieces(all)
}

fn literally(text: &str) -> Vec<Piece> {
    text.chars().map(Piece::Char).collect()
}

struct Variable<'a> {
    name: &'a str,
    default: Option<&'a str>,
}

impl Variable<'_> {
    fn is_escape(&self) -> bool {
        matches!(self.name, "*" | "?" | "$")
    }
}

/// The variable that begins behind `${`, and what follows its `}`.
fn variable(text: &str) -> Option<(Variable<'_>, &str)> {
    let end = text.find([',', '}'])?;
    let (name, rest) = text.split_at(end);
    let is_key = !name.is_empty() && !name.contains(['$', '{', ' ', '*', '?']);
    if let Some(rest) = rest.strip_prefix('}') {
        let variable = Variable { name, default: None };
        return (is_key || variable.is_escape()).then_some((variable, rest));
    }
    let rest = rest.strip_prefix(',')?.trim_start_matches(' ').strip_prefix('\'')?;
    let (default, rest) = rest.split_once('\'')?;
    let rest = rest.trim_start_matches(' ').strip_prefix('}')?;
    is_key.then_some((Variable { name, default: Some(default) }, rest))
}

enum Value {
    Text(String),
    Nothing,
    Unknown,
}

fn value(variable: &Variable<'_>, request: &Request<'_>) -> Value {
    if variable.is_escape() {
        return Value::Text(variable.name.to_owned());
    }
    match (find(variable.name, request), variable.default) {
        (Found::Present(present), _) if !present.many => match present.values.as_slice() {
            [one] => Value::Text(one.clone()),
            _ => Value::Unknown,
        },
        (Found::Absent { claimed: None, .. }, Some(default)) => Value::Text(default.to_owned()),
        (Found::Absent { claimed: None, .. }, None) => Value::Nothing,
        // Single-valued keys only; and where a key may or may not be filled, neither may its variable.
        _ => Value::Unknown,
    }
}
