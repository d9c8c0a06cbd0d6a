//! The files that hold role trust policies, recognised by what is in them.
//!
//! A bare document; `aws iam get-role`, `list-roles`, `get-account-authorization-details`; a CloudFormation template;
//! `terraform show -json`; and, beside or inside any of them, the OIDC provider with its client ids as `aws iam
//! get-open-id-connect-provider`, the template or Terraform has it: `{"role": …, "provider": …}` is one file with both.

use serde_json::{Map, Value};

use super::document::{Document, Unread};
use super::principal::Principal;
use super::provider::Provider;
use super::{LONGEST_SESSION, template};
use crate::trust::{join, json};

/// The longest document that is read, in bytes without white space: four times what AWS takes (IAM quotas), so that a document
/// that is too long can still be explained, and none can keep its reader busy.
const MOST_BYTES: usize = 16_384;

/// What a file says about roles and OIDC providers.
#[derive(Clone, Debug)]
pub struct RoleTrust {
    pub(super) roles: Vec<Role>,
    pub(super) providers: Vec<Provider>,
}

/// One role.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) path: String,
    pub(super) arn: Option<String>,
    pub(super) name: Option<String>,
    /// `Err` says why its document cannot be read.
    pub(super) document: Result<Document, Unread>,
    /// Seconds, and where they stand.
    pub(super) longest_session: Option<(u64, String)>,
    /// Where something else stands than seconds.
    pub(super) unsure_session: Option<String>,
    /// `None` when the file does not say.
    pub(super) tags: Option<Vec<(String, String)>>,
}

impl RoleTrust {
    /// Reads a file of one of these forms.
    pub(in crate::trust) fn from_json(value: &Value) -> Result<Self, String> {
        let found = RoleTrust::of(value);
        match found.roles.as_slice() {
            [] => Err("expected a role trust policy (an object with Statement), or a role, template or plan with one"
                .to_owned()),
            [Role { document: Err(Unread::Broken(why)), .. }] => Err(why.clone()),
            _ => Ok(found),
        }
    }

    /// Whether there is no role in it at all.
    pub(in crate::trust) fn is_empty(value: &Value) -> bool {
        RoleTrust::of(value).roles.is_empty()
    }

    fn of(value: &Value) -> Self {
        let mut found = RoleTrust { roles: Vec::new(), providers: Vec::new() };
        if template::is_template(value) {
            found.template(value);
            return found;
        }
        // A plan holds the state before it as well, and every change once more.
        match ["planned_values", "values"].iter().find(|name| value.get(**name).is_some_and(Value::is_object)) {
            Some(name) => found.walk(value.get(*name).unwrap_or(value), &join("", name)),
            None => found.walk(value, ""),
        }
        found
    }

    /// The resources of a template, as far as they are certain before it is deployed.
    fn template(&mut self, root: &Value) {
        for (name, resource) in template::settled(root) {
            let path = join("/Resources", &name);
            if name.starts_with("Fn::") {
                if resource.to_string().contains("AssumeRolePolicyDocument") {
                    let why = format!("`{name}` makes roles when the stack is deployed");
                    self.roles.push(Role::later(&path, None, why));
                }
                continue;
            }
            let (roles, providers) = (self.roles.len(), self.providers.len());
            self.walk(&resource, &path);
            if resource.get("Condition").is_some() {
                // It may not be made, and another one be there with another list.
                self.providers.truncate(providers);
            }
            for role in self.roles.iter_mut().skip(roles) {
                let usual = (LONGEST_SESSION, role.path.clone());
                if role.longest_session.is_none() && role.unsure_session.is_none() {
                    role.longest_session = Some(usual);
                }
            }
        }
        if let Some(why) = template::rewritten(root) {
            self.roles.iter_mut().for_each(|role| role.document = Err(Unread::Later(why.clone())));
        }
    }

    fn walk(&mut self, value: &Value, path: &str) {
        match value {
            Value::Object(object) => {
                // Elsewhere a Statement belongs to what a role may do, not to who may have it.
                if object.contains_key("Statement") && ["", "/role"].contains(&path) {
                    self.roles.push(Role::bare(value, path));
                    return;
                }
                for name in ["AssumeRolePolicyDocument", "assume_role_policy"] {
                    if let Some(document) = object.get(name).filter(|document| holds_document(document)) {
                        self.roles.push(Role::around(object, document, path, name));
                        return;
                    }
                }
                if object.get("type").is_some_and(|kind| kind == "aws_iam_role")
                    && let Some(Value::Object(values)) = object.get("values")
                    && values.get("assume_role_policy").is_none_or(Value::is_null)
                {
                    let why = "its trust policy is known after apply: save `terraform show -json` of the state then";
                    self.roles.push(Role::later(&join(path, "values"), Some(values), why.to_owned()));
                    return;
                }
                if let Some(provider) = Provider::from_json(object, path) {
                    self.providers.push(provider);
                    return;
                }
                object.iter().for_each(|(name, inside)| self.walk(inside, &join(path, name)));
            }
            Value::Array(all) => {
                all.iter().enumerate().for_each(|(at, inside)| self.walk(inside, &join(path, &at.to_string())));
            }
            // The whole file as one text: percent-encoded, or a document in quotes.
            Value::String(text) if path.is_empty() && text.contains("Statement") => {
                self.roles.push(Role::bare(value, path));
            }
            _ => {}
        }
    }

    /// The role that is asked for: by its ARN, by its name where the file has no ARN; if nobody asks by name, the only one, or
    /// the only one that a web identity could have.
    pub(super) fn role(&self, arn: Option<&str>) -> Result<&Role, String> {
        let list = |roles: &[&Role]| {
            let name = |role: &&Role| role.arn.as_ref().or(role.name.as_ref()).unwrap_or(&role.path).clone();
            roles.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        let short = arn.and_then(|arn| arn.rsplit('/').next());
        let fits = |role: &&Role| match (&role.arn, &role.name, arn) {
            (Some(own), _, Some(arn)) => own == arn,
            (None, Some(own), Some(_)) => Some(own.as_str()) == short,
            _ => true,
        };
        let mut fitting: Vec<&Role> = self.roles.iter().filter(fits).collect();
        // An account has a name once; what has none in the file is another role then.
        if arn.is_some() && fitting.iter().any(|role| role.is_named()) {
            fitting.retain(|role| role.is_named());
        }
        if arn.is_none() && fitting.len() > 1 {
            let federated: Vec<&Role> = fitting.iter().copied().filter(|role| role.may_federate()).collect();
            if !federated.is_empty() {
                fitting = federated;
            }
        }
        match fitting.as_slice() {
            [one] => Ok(one),
            [] => Err(list(&self.roles.iter().collect::<Vec<_>>())),
            many => Err(list(many)),
        }
    }
}

fn holds_document(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.contains_key("Statement") || template::own(value).is_some() || template::later(value).is_some()
        }
        Value::String(_) => true,
        _ => false,
    }
}

impl Role {
    fn bare(value: &Value, path: &str) -> Role {
        Role {
            path: path.to_owned(),
            arn: None,
            name: None,
            document: document(value, path),
            longest_session: None,
            unsure_session: None,
            tags: None,
        }
    }

    /// A role whose trust policy is not known yet.
    fn later(path: &str, object: Option<&Map<String, Value>>, why: String) -> Role {
        let text = |name: &str| Some(object?.get(name)?.as_str()?.to_owned());
        let (arn, name) = (text("arn"), text("name"));
        let document = Err(Unread::Later(why));
        Role { path: path.to_owned(), arn, name, document, longest_session: None, unsure_session: None, tags: None }
    }

    fn is_named(&self) -> bool {
        self.arn.is_some() || self.name.is_some()
    }

    /// Whether a web identity could have it, as far as its statements are read.
    fn may_federate(&self) -> bool {
        let some = |principal: &Principal| !matches!(principal, Principal::Federated(named) if named.is_empty());
        self.document.as_ref().map_or(true, |document| document.statements.iter().any(|one| some(&one.principal)))
    }

    /// The role whose object holds the document: AWS's own names, CloudFormation's and Terraform's.
    fn around(object: &Map<String, Value>, value: &Value, path: &str, name: &str) -> Role {
        let of = |names: &[&'static str]| {
            let set = |name: &&'static str| Some((*name, object.get(*name).filter(|value| !value.is_null())?));
            names.iter().find_map(set)
        };
        let text = |names: &[&'static str]| of(names).and_then(|(_, value)| value.as_str()).map(str::to_owned);
        let longest = of(&["MaxSessionDuration", "max_session_duration"]);
        let longest = longest.map(|(name, seconds)| (seconds.as_u64(), join(path, name)));
        // What another mapping brings in may be anything.
        let merged = [template::MERGE, "Fn::Transform"].iter().find(|name| object.contains_key(**name));
        Role {
            path: path.to_owned(),
            arn: text(&["Arn", "arn"]),
            name: text(&["RoleName", "name"]),
            document: match merged {
                Some(what) => Err(Unread::Later(format!("what `{what}` brings into the role is not looked up"))),
                None => document(value, &join(path, name)),
            },
            unsure_session: longest.as_ref().filter(|(seconds, _)| seconds.is_none()).map(|(_, path)| path.clone()),
            longest_session: longest.and_then(|(seconds, path)| Some((seconds?, path))),
            tags: of(&["Tags", "tags_all", "tags"]).and_then(|(_, value)| tags(value)),
        }
    }
}

/// `[{"Key": …, "Value": …}]`, or Terraform's object.
fn tags(value: &Value) -> Option<Vec<(String, String)>> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    match value {
        Value::Array(all) => all.iter().map(|tag| Some((text(tag.get("Key"))?, text(tag.get("Value"))?))).collect(),
        Value::Object(all) => all.iter().map(|(key, value)| Some((key.clone(), text(Some(value))?))).collect(),
        _ => None,
    }
}

/// A document as it stands there, or as a text: JSON, JSON percent-encoded as IAM's interface gives it, or JSON that a template puts
/// account and partition into.
fn document(value: &Value, path: &str) -> Result<Document, Unread> {
    let inner;
    let value = match (value, template::own(value)) {
        (Value::String(text), _) => {
            inner = json::parse(decode(text)?.as_deref().unwrap_or(text))?;
            &inner
        }
        (_, Some(text)) => {
            let why = || Unread::Later(format!("{path}: what it is put together from is no JSON by itself"));
            inner = template::substituted(text).ok_or_else(why)?;
            &inner
        }
        (other, None) => other,
    };
    let size = value.to_string().len();
    if size > MOST_BYTES {
        return Err(format!("it has {size} bytes; AWS takes 4096 characters at most, and {MOST_BYTES} are read").into());
    }
    Document::from_json(value, path)
}

/// Undoes percent-encoding (RFC 3986) of a whole text that begins with an encoded brace; `None` where there is nothing to undo.
pub(in crate::trust) fn decode(text: &str) -> Result<Option<String>, String> {
    if !text.trim_start().starts_with("%7B") && !text.trim_start().starts_with("%7b") {
        return Ok(None);
    }
    let mut bytes = text.trim().bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) => decoded.extend(u8::try_from(high * 16 + low)),
            _ => return Err("the percent-encoding is broken".to_owned()),
        }
    }
    String::from_utf8(decoded).map(Some).map_err(|_| "the percent-encoding is no UTF-8".to_owned())
}
