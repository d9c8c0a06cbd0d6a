//! A role trust policy as facts.

use super::document::{Actions, Condition, Document, Effect, Statement};
use super::input::RoleTrust;
use super::principal::{Federated, Name, Principal};
use super::provider::Provider;
use crate::edge::aws::{RoleArn, Target};
use crate::trust::drift::{Fact, Part, Said};
use crate::trust::join;

const SESSION: &str = "the role's longest session";
const AUDIENCES: &str = "audiences of the OIDC provider";

/// What the file says of the edge's role and of the providers beside it.
pub(in crate::trust) fn said(trust: &RoleTrust, target: &Target) -> Result<Said, String> {
    let role = trust.role(Some(&target.role)).map_err(|roles| format!("it holds {roles}, not {}", target.role))?;
    let document = role.document.as_ref().map_err(|unread| unread.why().to_owned())?;
    let arn = RoleArn::parse(&target.role)?;
    let mut said = Said::default();
    said.not_understood.extend(document.refused.iter().map(|(path, _)| path.clone()));
    said.parts = document.statements.iter().map(|statement| part(statement, &arn, &mut said.not_understood)).collect();
    // What is refused may be told by its statement too.
    said.not_understood.sort();
    said.not_understood.dedup();
    if uses_variables(document) {
        let value = if document.variables { "2012-10-17" } else { "older, where `${` is no variable" };
        let fact = Fact::new("version", value, join(&role.path, "Version"));
        said.parts.push(Part { what: "language".to_owned(), path: role.path.clone(), facts: vec![fact] });
    }
    match &role.longest_session {
        Some((seconds, path)) => {
            let facts = vec![Fact::new("seconds", &seconds.to_string(), path.clone())];
            said.parts.push(Part { what: SESSION.to_owned(), path: path.clone(), facts });
        }
        None => said.silent.push(SESSION),
    }
    if trust.providers.is_empty() {
        said.silent.push(AUDIENCES);
    }
    said.parts.extend(trust.providers.iter().map(provider));
    Ok(said)
}

fn uses_variables(document: &Document) -> bool {
    let values = document.statements.iter().flat_map(|one| &one.conditions).flat_map(|one| one.values.iter().flatten());
    values.into_iter().any(|value| value.contains("${"))
}

fn part(statement: &Statement, arn: &RoleArn, not_understood: &mut Vec<String>) -> Part {
    let effect = match statement.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    let mut facts = vec![Fact::new("effect", effect, join(&statement.path, "Effect"))];
    not_understood.extend(statement.empty.iter().cloned());
    match &statement.principal {
        Principal::Federated(named) => {
            for Federated { path, name } in named {
                if matches!(name, Name::Later(..)) {
                    not_understood.push(path.clone());
                } else {
                    let name = name.of(Some(&arn.account), Some(&arn.partition.to_string()));
                    facts.push(Fact::new("federated principal", &name, path.clone()));
                }
            }
        }
        Principal::Refused | Principal::Unknown(_) => not_understood.push(join(&statement.path, "Principal")),
    }
    facts.extend(statement.others.iter().map(|(name, path)| Fact::new("principal", name, path.clone())));
    let mut actions = |key: &str, field: &str, names: &[String]| {
        let path = join(&statement.path, field);
        facts.extend(names.iter().map(|name| Fact::new(key, name, path.clone()).spelled(name.to_lowercase())));
    };
    match &statement.actions {
        Actions::These(names) => actions("action", "Action", names),
        Actions::AllBut(names) => actions("every action but", "NotAction", names),
        Actions::Unknown => not_understood.push(join(&statement.path, "Action")),
    }
    for condition in &statement.conditions {
        match &condition.values {
            Some(values) if !condition.doubled => facts.extend(compared(condition, values)),
            _ => not_understood.push(condition.path.clone()),
        }
    }
    Part { what: format!("statement to {}", effect.to_lowercase()), path: statement.path.clone(), facts }
}

/// Names of operators and keys have no case; values have, but for truth values.
fn compared(condition: &Condition, values: &[String]) -> Vec<Fact> {
    let operator = condition.operator.to_lowercase();
    let key = format!("{operator} {}", condition.key.to_lowercase());
    let flag = ["bool", "null"].iter().any(|kind| operator.trim_end_matches("ifexists").ends_with(kind));
    if values.is_empty() {
        return vec![Fact::new(&key, "(no value)", condition.path.clone())];
    }
    let spelled = |value: &String| if flag { value.to_lowercase() } else { value.clone() };
    values.iter().map(|value| Fact::new(&key, value, condition.path.clone()).spelled(spelled(value))).collect()
}

fn provider(provider: &Provider) -> Part {
    let url = provider.url.as_deref().unwrap_or_default();
    let host = url.strip_prefix("https://").unwrap_or(url);
    let audiences = provider.client_ids.iter().map(|id| Fact::new("audience", id, provider.path.clone()));
    let facts = std::iter::once(Fact::new("provider", host, provider.path.clone())).chain(audiences).collect();
    Part { what: AUDIENCES.to_owned(), path: provider.path.clone(), facts }
}
