//! Whom a statement is for: the names of OIDC providers, also as a template writes them.

use serde_json::Value;

use super::template::{self, ACCOUNT, PARTITION};
use crate::trust::join;

/// Whom a statement is for.
#[derive(Clone, Debug)]
pub(super) enum Principal {
    /// The federated principals, with where each stands. An AWS or service principal is no web identity: the list stays empty.
    Federated(Vec<Federated>),
    /// `"*"`, or none at all: AWS refuses such a document.
    Refused,
    /// Something that cannot be told to match or not, and why.
    Unknown(String),
}

/// One federated principal.
#[derive(Clone, Debug)]
pub(super) struct Federated {
    pub(super) path: String,
    pub(super) name: Name,
}

/// How a template names a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// As it stands there.
    Text(String),
    /// With [`ACCOUNT`] or [`PARTITION`] for the role's own.
    Own(String),
    /// Something that is known later only: what stands there, and why.
    Later(String, String),
}

impl Name {
    /// The name in a role of this account and partition; what is not known of them stays as it is.
    pub(super) fn of(&self, account: Option<&str>, partition: Option<&str>) -> String {
        match self {
            Name::Text(text) | Name::Later(text, _) => text.clone(),
            Name::Own(text) => {
                text.replace(ACCOUNT, account.unwrap_or(ACCOUNT)).replace(PARTITION, partition.unwrap_or(PARTITION))
            }
        }
    }
}

/// Reads `Principal`, which stands at `path`.
pub(super) fn principal(principal: Option<&Value>, path: &str) -> Principal {
    let unknown = |value: &Value| {
        let why = "the principal is none that can be told to match";
        Principal::Unknown(template::later(value).unwrap_or_else(|| why.to_owned()))
    };
    let kinds = match principal {
        Some(Value::Object(kinds)) if !kinds.is_empty() => kinds,
        None | Some(Value::String(_)) => return Principal::Refused,
        Some(other) => return unknown(other),
    };
    let mut all = Vec::new();
    for (kind, value) in kinds {
        let path = join(path, kind);
        match (kind.as_str(), names(value)) {
            ("Federated", _) => match federated(value, &path) {
                Some(named) => all.extend(named),
                None => return unknown(value),
            },
            ("AWS" | "Service", Some(names)) if !names.iter().any(|name| name.contains('*')) => {}
            ("AWS" | "Service", None) => return unknown(value),
            _ => return unknown(principal.unwrap_or(value)),
        }
    }
    Principal::Federated(all)
}

fn federated(value: &Value, path: &str) -> Option<Vec<Federated>> {
    let one = |(path, value): (String, &Value)| Some(Federated { path, name: name(value)? });
    match value {
        Value::Array(many) => {
            many.iter().enumerate().map(|(at, value)| one((join(path, &at.to_string()), value))).collect()
        }
        value => one((path.to_owned(), value)).map(|one| vec![one]),
    }
}

fn name(value: &Value) -> Option<Name> {
    match (value, template::own(value), template::later(value)) {
        (Value::String(text), ..) => Some(Name::Text(text.clone())),
        (_, Some(text), _) => Some(Name::Own(text.to_owned())),
        (_, None, Some(why)) => Some(Name::Later(template::shown(value), why)),
        _ => None,
    }
}

/// One text or a list, with account and partition left as they stand.
fn names(value: &Value) -> Option<Vec<String>> {
    let one = |value: &Value| value.as_str().or_else(|| template::own(value)).map(str::to_owned);
    match value {
        Value::Array(many) => many.iter().map(one).collect(),
        value => one(value).map(|one| vec![one]),
    }
}

/// The principals of other kinds.
pub(super) fn others(principal: Option<&Value>, path: &str) -> Vec<(String, String)> {
    let kinds = principal.and_then(Value::as_object).into_iter().flatten().filter(|(kind, _)| *kind != "Federated");
    kinds
        .flat_map(|(kind, value)| {
            let names = names(value).unwrap_or_else(|| vec![value.to_string()]);
            names.into_iter().map(move |name| (format!("{kind} {name}"), join(path, kind)))
        })
        .collect()
}
