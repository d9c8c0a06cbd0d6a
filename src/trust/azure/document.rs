//! Federated identity credentials as text: the forms that the vendor's tools print.

use serde_json::{Map, Value};

use crate::trust::{join, json};

/// The credentials of one application or user-assigned identity.
#[derive(Clone, Debug)]
pub struct FederatedCredentials {
    pub(super) all: Vec<FederatedCredential>,
    /// Where the answer says that it goes on elsewhere: there are more credentials than these.
    pub(super) more: Option<String>,
}

/// One credential.
#[derive(Clone, Debug)]
pub(super) struct FederatedCredential {
    /// JSON pointer of its fields.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) subject: Option<String>,
    pub(super) flexible: Option<Flexible>,
    pub(super) audiences: Vec<String>,
    /// Of a user-assigned managed identity, and not of an application.
    pub(super) managed: bool,
    /// What is there and not understood.
    pub(super) unknown: Vec<String>,
}

/// `claimsMatchingExpression`.
#[derive(Clone, Debug)]
pub(super) struct Flexible {
    pub(super) expression: String,
    pub(super) language: Option<i64>,
    /// Fields beside the two.
    pub(super) unknown: Vec<String>,
}

impl FederatedCredentials {
    /// Reads a list as `az ad app federated-credential list` or `az identity federated-credential list` prints it, the same
    /// inside `{"value": […]}` as Graph and Resource Manager have it, or one credential alone.
    pub(in crate::trust) fn from_json(value: &Value) -> Result<Self, String> {
        let one = |path: String, value: &Value| {
            let object = value.as_object().ok_or("it is no object")?;
            FederatedCredential::from_json(path, object)
        };
        let (path, list) = match value {
            Value::Array(list) => ("", list),
            Value::Object(object) if object.contains_key("issuer") || object.contains_key("properties") => {
                return Ok(FederatedCredentials { all: vec![one(String::new(), value)?], more: None });
            }
            Value::Object(object) => match object.get("value") {
                Some(Value::Array(list)) => ("/value", list),
                _ => return Err("expected a list of federated identity credentials, or one".to_owned()),
            },
            _ => return Err("expected a list of federated identity credentials, or one".to_owned()),
        };
        let read = |(at, entry)| {
            one(join(path, &usize::to_string(&at)), entry).map_err(|what| format!("entry {}: {what}", at + 1))
        };
        let next = |name: &&&str| value.get(**name).is_some_and(|link| !link.is_null() && link != "");
        let more = ["@odata.nextLink", "nextLink"].iter().find(next).map(|name| join("", name));
        Ok(FederatedCredentials { all: list.iter().enumerate().map(read).collect::<Result<_, _>>()?, more })
    }
}

impl FederatedCredential {
    fn from_json(mut path: String, object: &Map<String, Value>) -> Result<Self, String> {
        // `az identity federated-credential list` (managed identities) puts the same fields beside these ARM ones.
        const AROUND: [&str; 8] =
            ["name", "description", "id", "type", "resourceGroup", "systemData", "@odata.context", "properties"];
        const FIELDS: [&str; 4] = ["issuer", "subject", "audiences", "claimsMatchingExpression"];
        let mut unknown = json::unknown_keys(object, &[AROUND.as_slice(), &FIELDS].concat());
        let name = json::text(object, "name")?.unwrap_or("without a name").to_owned();
        let is_managed = |field: &str| {
            object.get(field).and_then(Value::as_str).is_some_and(|text| text.contains("Microsoft.ManagedIdentity"))
        };
        let managed =
            is_managed("type") || is_managed("id") || object.get("resourceGroup").is_some_and(Value::is_string);
        // Resource Manager itself has the fields one level further down.
        let fields = match object.get("properties") {
            Some(Value::Object(inner)) => {
                path = join(&path, "properties");
                unknown.extend(json::unknown_keys(inner, &[FIELDS.as_slice(), &["description"]].concat()));
                inner
            }
            _ => object,
        };
        let issuer = json::text(fields, "issuer")?.ok_or("it has no issuer")?.to_owned();
        let subject = json::text(fields, "subject")?.map(str::to_owned);
        let audiences = match fields.get("audiences") {
            Some(list @ Value::Array(_)) => json::texts(list).ok_or("`audiences` is no list of texts")?,
            _ => return Err("it has no list `audiences`".to_owned()),
        };
        let flexible = match fields.get("claimsMatchingExpression") {
            None | Some(Value::Null) => None,
            Some(Value::Object(expression)) => Some(Flexible {
                expression: json::text(expression, "value")?
                    .ok_or("its claimsMatchingExpression has no value")?
                    .to_owned(),
                language: expression.get("languageVersion").and_then(Value::as_i64),
                unknown: json::unknown_keys(expression, &["value", "languageVersion"]),
            }),
            Some(_) => return Err("`claimsMatchingExpression` is no object".to_owned()),
        };
        Ok(FederatedCredential { path, name, issuer, subject, flexible, audiences, managed, unknown })
    }
}
