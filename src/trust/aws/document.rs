//! A role trust policy as data, read into statements; what is not understood is kept by name.

use serde_json::{Map, Value};

use super::principal::{Principal, others, principal};
use super::{refused, template};
use crate::trust::join;
use crate::trust::json::{text, texts};

/// One trust policy document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) statements: Vec<Statement>,
    /// Whether `${…}` is a variable: with `Version` 2012-10-17 only.
    pub(super) variables: bool,
    /// What AWS refuses to store: where it stands, and why. A document with any of it is in force nowhere.
    pub(super) refused: Vec<(String, String)>,
    /// Where the list of statements stands, or the one statement.
    pub(super) path: String,
    /// Characters without white space.
    pub(super) size: usize,
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// AWS would not take it.
    Broken(String),
    /// What it says is not known yet: it stands in a template or a plan.
    Later(String),
}

impl Unread {
    /// In words.
    pub(super) fn why(&self) -> &str {
        let (Unread::Broken(why) | Unread::Later(why)) = self;
        why
    }
}

impl From<String> for Unread {
    fn from(why: String) -> Self {
        Unread::Broken(why)
    }
}

impl From<&str> for Unread {
    fn from(why: &str) -> Self {
        Unread::Broken(why.to_owned())
    }
}

/// An error where a value is known later only.
fn now(value: Option<&Value>, path: &str) -> Result<(), Unread> {
    match value.and_then(template::later) {
        Some(why) => Err(Unread::Later(format!("{path}: {why}"))),
        None => Ok(()),
    }
}

/// Allow or Deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

/// One statement.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) path: String,
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    pub(super) principal: Principal,
    /// Principals of other kinds, as `KIND NAME`, with where each stands: no web identity is one of them.
    pub(super) others: Vec<(String, String)>,
    pub(super) actions: Actions,
    pub(super) conditions: Vec<Condition>,
    /// Operators without a key: what AWS makes of one is not documented.
    pub(super) empty: Vec<String>,
}

/// What a statement is for.
#[derive(Clone, Debug)]
pub(super) enum Actions {
    These(Vec<String>),
    AllBut(Vec<String>),
    /// None, both, or no texts.
    Unknown,
}

/// One key under one operator.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) path: String,
    pub(super) operator: String,
    pub(super) key: String,
    /// `None` for what is neither text, number nor truth value.
    pub(super) values: Option<Vec<String>>,
    /// What stands there instead, and why it is not known yet.
    pub(super) later: Option<(String, String)>,
    /// The same operator or the same key stands there again in other letters: which counts is not documented.
    pub(super) doubled: bool,
}

impl Document {
    /// Reads the document that stands at `path`.
    pub(super) fn from_json(value: &Value, path: &str) -> Result<Self, Unread> {
        now(Some(value), path)?;
        let document = value.as_object().ok_or("expected an object with Version and Statement")?;
        for name in ["Version", "Statement"] {
            now(document.get(name), &join(path, name))?;
        }
        let version = text(document, "Version")?;
        match version {
            None | Some("2012-10-17" | "2008-10-17") => {}
            Some(other) => return Err(format!("the version `{other}` is none that IAM has").into()),
        }
        let list = join(path, "Statement");
        let statements: Vec<(String, &Value)> = match document.get("Statement") {
            Some(Value::Array(many)) => {
                many.iter().enumerate().map(|(at, one)| (join(&list, &at.to_string()), one)).collect()
            }
            Some(one @ Value::Object(_)) => vec![(list.clone(), one)],
            _ => return Err("it has no Statement".into()),
        };
        let read = |(path, value): (String, &Value)| {
            let at = path.clone();
            let object = value.as_object().ok_or_else(|| Unread::Broken(format!("{at} is no object")))?;
            Statement::from_json(object, path).map_err(|unread| match unread {
                Unread::Broken(what) => Unread::Broken(format!("{at}: {what}")),
                later => later,
            })
        };
        let size = value.to_string().chars().filter(|c| !c.is_whitespace()).count();
        let mut refused = refused::fields(document, path, size);
        for (path, value) in &statements {
            refused.extend(value.as_object().map(|object| refused::elements(object, path)).unwrap_or_default());
        }
        let statements: Vec<Statement> = statements.into_iter().map(read).collect::<Result<_, _>>()?;
        refused.extend(refused::statements(&statements));
        Ok(Document { statements, variables: version == Some("2012-10-17"), refused, path: list, size })
    }
}

impl Statement {
    fn from_json(object: &Map<String, Value>, path: String) -> Result<Self, Unread> {
        for name in ["Effect", "Action", "NotAction", "Condition"] {
            now(object.get(name), &join(&path, name))?;
        }
        let effect = match text(object, "Effect")? {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            other => {
                return Err(format!("the effect is `{}`, expected Allow or Deny", other.unwrap_or_default()).into());
            }
        };
        let list = |name: &str| match object.get(name) {
            None => Ok(None),
            Some(value) => {
                texts(value).map(Some).ok_or_else(|| format!("`{name}` is neither a text nor a list of texts"))
            }
        };
        let actions = match (list("Action")?, list("NotAction")?) {
            (Some(actions), None) => Actions::These(actions),
            (None, Some(actions)) => Actions::AllBut(actions),
            _ => Actions::Unknown,
        };
        let mut empty = Vec::new();
        let conditions = match object.get("Condition") {
            None => Vec::new(),
            Some(Value::Object(operators)) => conditions(operators, &join(&path, "Condition"), &mut empty)?,
            Some(_) => return Err("`Condition` is no object".into()),
        };
        let sid = text(object, "Sid")?.filter(|sid| !sid.is_empty()).map(str::to_owned);
        let others = others(object.get("Principal"), &join(&path, "Principal"));
        let principal = principal(object.get("Principal"), &join(&path, "Principal"));
        Ok(Statement { path, sid, effect, principal, others, actions, conditions, empty })
    }

    /// How people call it.
    pub(super) fn name(&self) -> String {
        let effect = match self.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        self.sid.as_ref().map_or_else(|| format!("{effect} statement"), |sid| format!("{effect} statement `{sid}`"))
    }
}

fn conditions(operators: &Map<String, Value>, path: &str, empty: &mut Vec<String>) -> Result<Vec<Condition>, Unread> {
    let mut all: Vec<Condition> = Vec::new();
    for (operator, keys) in operators {
        let path = join(path, operator);
        now(Some(keys), &path)?;
        let keys =
            keys.as_object().ok_or_else(|| Unread::Broken(format!("the condition `{operator}` is no object")))?;
        if keys.is_empty() {
            empty.push(path.clone());
        }
        for (key, value) in keys {
            all.push(Condition {
                path: join(&path, key),
                operator: operator.clone(),
                key: key.clone(),
                values: values(value),
                later: template::later(value).map(|why| (template::shown(value), why)),
                doubled: false,
            });
        }
    }
    let names: Vec<(String, String)> =
        all.iter().map(|one| (one.operator.to_lowercase(), one.key.to_lowercase())).collect();
    for (at, condition) in all.iter_mut().enumerate() {
        condition.doubled = names.iter().enumerate().any(|(other, name)| other != at && names.get(at) == Some(name));
    }
    Ok(all)
}

/// One value or a list: texts, truth values and whole numbers as text.
fn values(value: &Value) -> Option<Vec<String>> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        // How IAM writes 1e3 or 1.50 as text is not documented.
        _ => None,
    };
    match value {
        Value::Array(many) => many.iter().map(one).collect(),
        other => one(other).map(|one| vec![one]),
    }
}
