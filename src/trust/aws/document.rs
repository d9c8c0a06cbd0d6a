//! A role trust policy as text, read into statements; what is not understood is kept by name.

use serde_json::{Map, Value};

use crate::trust::json::{text, texts, unknown_keys};

/// A role trust policy.
#[derive(Clone, Debug)]
pub struct RoleTrust {
    pub(super) statements: Vec<Statement>,
    /// Fields beside `Version`, `Id` and `Statement`.
    pub(super) unknown: Vec<String>,
}

/// Allow or Deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// Operator, key, values; `None` for values that are no texts.
type Condition = (String, String, Option<Vec<String>>);

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    sid: Option<String>,
    pub(super) effect: Effect,
    /// The federated principals; `None` when the principal is something that cannot be told to match or not.
    pub(super) federated: Option<Vec<String>>,
    /// `None` when there is no `Action`.
    pub(super) actions: Option<Vec<String>>,
    pub(super) conditions: Vec<Condition>,
    /// Elements that are not understood: `NotPrincipal`, `NotAction`, `Resource` …
    pub(super) unknown: Vec<String>,
}

impl RoleTrust {
    /// Reads the bare document, or the answer of `aws iam get-role` around it.
    pub(in crate::trust) fn from_json(value: &Value) -> Result<Self, String> {
        let bare = value.get("Role").unwrap_or(value);
        let bare = bare.get("AssumeRolePolicyDocument").unwrap_or(bare);
        let document = bare.as_object().ok_or("expected an object with Version and Statement")?;
        match text(document, "Version")? {
            None | Some("2012-10-17" | "2008-10-17") => {}
            Some(other) => return Err(format!("the version `{other}` is none that IAM has")),
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(many)) => many.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err("it has no Statement".to_owned()),
        };
        let read = |(at, value): (usize, &Value)| {
            let object = value.as_object().ok_or_else(|| format!("statement {} is no object", at + 1))?;
            Statement::from_json(object).map_err(|what| format!("statement {}: {what}", at + 1))
        };
        let statements = statements.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(RoleTrust { statements, unknown: unknown_keys(document, &["Version", "Id", "Statement"]) })
    }
}

impl Statement {
    fn from_json(object: &Map<String, Value>) -> Result<Self, String> {
        let effect = match text(object, "Effect")? {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            other => return Err(format!("the effect is `{}`, expected Allow or Deny", other.unwrap_or_default())),
        };
        let actions = match object.get("Action") {
            None => None,
            Some(value) => Some(texts(value).ok_or("`Action` is neither a text nor a list of texts")?),
        };
        let mut unknown = unknown_keys(object, &["Sid", "Effect", "Principal", "Action", "Condition"]);
        let conditions = match object.get("Condition") {
            None => Vec::new(),
            Some(Value::Object(operators)) => conditions(operators, &mut unknown)?,
            Some(_) => return Err("`Condition` is no object".to_owned()),
        };
        let sid = text(object, "Sid")?.map(str::to_owned);
        Ok(Statement { sid, effect, federated: federated(object.get("Principal")), actions, conditions, unknown })
    }

    /// How checks name it.
    pub(super) fn place(&self, at: usize) -> String {
        match &self.sid {
            Some(sid) if !sid.is_empty() => format!("statement {} `{sid}`", at + 1),
            _ => format!("statement {}", at + 1),
        }
    }
}

/// The federated principals. An AWS or service principal is no web identity: the list stays empty, which never matches.
/// `"*"` in any form, another kind of principal and what is no text cannot be told.
fn federated(principal: Option<&Value>) -> Option<Vec<String>> {
    let mut all = Vec::new();
    for (kind, value) in principal?.as_object()? {
        let values = texts(value)?;
        match kind.as_str() {
            "Federated" => all.extend(values),
            "AWS" | "Service" if !values.iter().any(|value| value.contains('*')) => {}
            _ => return None,
        }
    }
    Some(all)
}

fn conditions(operators: &Map<String, Value>, unknown: &mut Vec<String>) -> Result<Vec<Condition>, String> {
    let mut all = Vec::new();
    for (operator, keys) in operators {
        let keys = keys.as_object().ok_or_else(|| format!("the condition `{operator}` is no object"))?;
        if keys.is_empty() {
            unknown.push(format!("{operator} without a key"));
        }
        all.extend(keys.iter().map(|(key, value)| (operator.clone(), key.clone(), texts(value))));
    }
    Ok(all)
}
