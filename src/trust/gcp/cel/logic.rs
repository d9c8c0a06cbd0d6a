//! `&&` and `||` over values, errors and what is undecided.

use super::evaluate::no_overload;
use super::value::{Out, Stop, Value};

/// Whether it is true under no reading.
pub(super) fn never_true(out: &Out) -> bool {
    matches!(out, Ok(Value::Bool(false)) | Err(Stop::Error(_) | Stop::Missing(_) | Stop::NotTrue(_)))
}

/// A conjunction: one false settles it, whatever else is an error or undecided.
pub(super) fn all(parts: impl Iterator<Item = Out>) -> Out {
    let (mut error, mut undecided, mut not_true) = (None, None, None);
    for part in parts {
        match part {
            Ok(Value::Bool(true)) => {}
            Ok(Value::Bool(false)) => return Ok(Value::Bool(false)),
            Ok(Value::Unknown(why)) | Err(Stop::Undecided(why)) => undecided = undecided.or(Some(why)),
            Ok(other) => error = error.or_else(|| Some(no_overload("&&", &[&other]))),
            Err(stop @ (Stop::Error(_) | Stop::Missing(_))) => error = error.or(Some(stop)),
            Err(Stop::NotTrue(why)) => not_true = not_true.or(Some(why)),
        }
    }
    match (error, undecided, not_true) {
        (None, None, None) => Ok(Value::Bool(true)),
        (Some(stop), None, None) => Err(stop),
        // False or an error, depending on the rest; true under no reading.
        (Some(stop), _, _) => Err(Stop::NotTrue(stop.why())),
        (None, _, Some(why)) => Err(Stop::NotTrue(why)),
        (None, Some(why), None) => Err(Stop::Undecided(why)),
    }
}

/// A disjunction: one true settles it, whatever else is an error or undecided.
pub(super) fn any(parts: impl Iterator<Item = Out>) -> Out {
    let (mut error, mut undecided, mut not_true) = (None, None, None);
    for part in parts {
        match part {
            Ok(Value::Bool(true)) => return Ok(Value::Bool(true)),
            Ok(Value::Bool(false)) => {}
            Ok(Value::Unknown(why)) | Err(Stop::Undecided(why)) => undecided = undecided.or(Some(why)),
            Ok(other) => error = error.or_else(|| Some(no_overload("||", &[&other]))),
            Err(stop @ (Stop::Error(_) | Stop::Missing(_))) => error = error.or(Some(stop)),
            Err(Stop::NotTrue(why)) => not_true = not_true.or(Some(why)),
        }
    }
    match (undecided, not_true, error) {
        (Some(why), _, _) => Err(Stop::Undecided(why)),
        (None, Some(why), _) => Err(Stop::NotTrue(why)),
        (None, None, Some(stop)) => Err(stop),
        (None, None, None) => Ok(Value::Bool(false)),
    }
}
