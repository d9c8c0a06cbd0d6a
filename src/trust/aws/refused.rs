//! What AWS refuses to store. A document with any of it is in force nowhere, so no part of it can let anybody in.
//!
//! Sources: IAM user guide, "IAM JSON policy elements" (`Sid`, `Principal`, `Action`) and "IAM quotas" (2023-05); Access
//! Analyzer, "Policy check reference" (2026). Only what can be told from the text: AWS may refuse more.

use serde_json::{Map, Value};

use super::document::{Actions, Statement};
use super::operator::Operator;
use super::principal::{Name, Principal};
use crate::trust::join;
use crate::trust::json::unknown_keys;

/// The largest quota of a role trust policy, in characters without white space.
const CHARACTERS: usize = 4_096;

/// Fields and length of the document.
pub(super) fn fields(document: &Map<String, Value>, path: &str, size: usize) -> Vec<(String, String)> {
    let names = unknown_keys(document, &["Version", "Id", "Statement"]);
    let why = "AWS refuses a document with other fields than Version, Id and Statement";
    let mut all: Vec<_> = names.iter().map(|name| (join(path, name), why.to_owned())).collect();
    if size > CHARACTERS {
        let why = format!("it has {size} characters without white space, and AWS takes {CHARACTERS} at most");
        all.push((path.to_owned(), why));
    }
    all
}

/// Elements that no role trust policy has.
pub(super) fn elements(statement: &Map<String, Value>, path: &str) -> Vec<(String, String)> {
    let known = ["Sid", "Effect", "Principal", "Action", "NotAction", "Condition"];
    let why = "a role trust policy has no such element, and AWS refuses a document with one";
    unknown_keys(statement, &known).iter().map(|name| (join(path, name), why.to_owned())).collect()
}

/// What is wrong in a statement that has the right elements.
pub(super) fn statements(all: &[Statement]) -> Vec<(String, String)> {
    let mut refused = Vec::new();
    for (at, statement) in all.iter().enumerate() {
        let mut refuse = |path: String, why: &str| refused.push((path, why.to_owned()));
        let twice = |other: &Statement| other.sid.is_some() && other.sid == statement.sid;
        if all.iter().take(at).any(twice) {
            refuse(join(&statement.path, "Sid"), "AWS refuses a document with two statements of one Sid");
        }
        match &statement.principal {
            Principal::Refused => refuse(
                join(&statement.path, "Principal"),
                "AWS refuses a role trust policy with `\"Principal\": \"*\"` or without a principal",
            ),
            Principal::Federated(named) => {
                let wild =
                    |name: &Name| matches!(name, Name::Text(text) | Name::Own(text) if text.contains(['*', '?']));
                for one in named.iter().filter(|one| wild(&one.name)) {
                    refuse(one.path.clone(), "AWS refuses a role trust policy with a wildcard in a principal");
                }
            }
            Principal::Unknown(_) => {}
        }
        match &statement.actions {
            Actions::These(names) => actions(names, &join(&statement.path, "Action"), &mut refuse),
            Actions::AllBut(names) => actions(names, &join(&statement.path, "NotAction"), &mut refuse),
            Actions::Unknown => {
                refuse(join(&statement.path, "Action"), "AWS refuses a statement without one list of actions");
            }
        }
        for condition in &statement.conditions {
            if Operator::parse(&condition.operator).is_none() {
                refuse(condition.path.clone(), "IAM has no such operator, and refuses a document with one");
            }
        }
    }
    refused
}

fn actions(names: &[String], path: &str, refuse: &mut impl FnMut(String, &str)) {
    if names.is_empty() {
        refuse(path.to_owned(), "AWS refuses a statement without an action");
    }
    for name in names.iter().filter(|name| !is_action(name)) {
        refuse(
            path.to_owned(),
            &format!("`{name}` is no action: expected SERVICE:NAME with wildcards in NAME, or `*`"),
        );
    }
}

/// `*`, or a service and a name; a wildcard in the service is none of the documented forms.
fn is_action(name: &str) -> bool {
    let word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    name == "*" || name.split_once(':').is_some_and(|(service, name)| word(service, "-") && word(name, "*?"))
}
