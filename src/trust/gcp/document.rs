//! A provider and the bindings behind it, as text: read into parts; what is not understood is kept by name.

use serde_json::{Map, Value};

use super::cel::Expression;
use super::{condition, mapping};
use crate::trust::json::{text, texts, unknown_keys};

/// A workload identity provider and the bindings that its principals have.
#[derive(Clone, Debug)]
pub struct ProviderTrust {
    /// JSON pointer of the provider in the file: `/provider`, or empty when the file is the provider alone.
    pub(super) base: &'static str,
    /// The full resource name, without a host before it.
    pub(super) name: Option<String>,
    pub(super) issuer: String,
    pub(super) allowed_audiences: Vec<String>,
    /// `google.subject`, `attribute.x` … with their expressions.
    pub(super) mapping: Vec<(String, Expression)>,
    pub(super) condition: Option<Expression>,
    pub(super) disabled: bool,
    pub(super) state: Option<String>,
    pub(super) pool: Option<Pool>,
    /// `None`: not given, which is not the same as none.
    pub(super) bindings: Option<Vec<Binding>>,
    /// Fields that are not understood, as JSON pointers.
    pub(super) unknown: Vec<String>,
}

/// The pool, as `gcloud iam workload-identity-pools describe` prints it.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    pub(super) name: Option<String>,
    pub(super) disabled: bool,
    pub(super) state: Option<String>,
}

/// One role given to some members.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    /// The service account it stands on, where the file says so.
    pub(super) service_account: Option<String>,
    pub(super) role: String,
    pub(super) members: Vec<String>,
    /// An IAM condition, as text.
    pub(super) condition: Option<String>,
    /// Fields that are not understood.
    pub(super) unknown: Vec<String>,
}

impl ProviderTrust {
    /// Reads `{"provider": …, "pool"?: …, "bindings"?: […]}`, or the provider alone.
    pub(in crate::trust) fn from_json(value: &Value) -> Result<Self, String> {
        let file = value.as_object().ok_or("expected an object with a provider and bindings, or a provider")?;
        let mut unknown = Vec::new();
        let mut note = |base: &str, names: Vec<String>| {
            unknown.extend(names.into_iter().map(|name| crate::trust::join(base, &name)));
        };
        let (base, provider) = if file.contains_key("oidc") && !file.contains_key("provider") {
            ("", file)
        } else {
            note("", unknown_keys(file, &["provider", "pool", "bindings", "etag", "version"]));
            ("/provider", file.get("provider").and_then(Value::as_object).ok_or("it has no object `provider`")?)
        };
        let oidc = provider.get("oidc").and_then(Value::as_object).ok_or("the provider has no object `oidc`")?;
        const KNOWN: [&str; 8] = [
            "name",
            "displayName",
            "description",
            "state",
            "disabled",
            "attributeMapping",
            "attributeCondition",
            "oidc",
        ];
        note(base, unknown_keys(provider, &KNOWN));
        // Uploaded keys and another place of discovery decide which tokens are genuine; neither is looked at here.
        let unset = |name: &String| oidc.get(name).is_some_and(|value| value == "");
        let oidc_unknown =
            unknown_keys(oidc, &["issuerUri", "allowedAudiences"]).into_iter().filter(|name| !unset(name));
        note(&format!("{base}/oidc"), oidc_unknown.collect());

        let mapping = match provider.get("attributeMapping") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(pairs)) => pairs
                .iter()
                .map(|(key, value)| Some((key.clone(), Expression::new(value.as_str()?, mapping::CHARACTERS))))
                .collect::<Option<_>>()
                .ok_or("`attributeMapping` holds something that is no text")?,
            Some(_) => return Err("`attributeMapping` is no object".to_owned()),
        };
        let inner = if base.is_empty() { None } else { Some(file) };
        let bindings = match inner.and_then(|file| file.get("bindings")) {
            None | Some(Value::Null) => None,
            Some(Value::Array(all)) => Some(all.iter().map(Binding::from_json).collect::<Result<_, _>>()?),
            Some(_) => return Err("`bindings` is no list".to_owned()),
        };
        let pool = match inner.and_then(|file| file.get("pool")) {
            None | Some(Value::Null) => None,
            Some(Value::Object(pool)) => {
                note("/pool", unknown_keys(pool, &["name", "displayName", "description", "state", "disabled"]));
                let name = text(pool, "name")?.map(str::to_owned);
                Some(Pool { name, disabled: flag(pool, "disabled")?, state: text(pool, "state")?.map(str::to_owned) })
            }
            Some(_) => return Err("`pool` is no object".to_owned()),
        };
        Ok(ProviderTrust {
            base,
            name: text(provider, "name")?.map(str::to_owned),
            issuer: text(oidc, "issuerUri")?.ok_or("the provider has no issuerUri")?.to_owned(),
            allowed_audiences: list(oidc, "allowedAudiences")?,
            mapping,
            condition: text(provider, "attributeCondition")?
                .filter(|text| !text.trim().is_empty())
                .map(|text| Expression::new(text, condition::CHARACTERS)),
            disabled: flag(provider, "disabled")?,
            state: text(provider, "state")?.map(str::to_owned),
            pool,
            bindings,
            unknown,
        })
    }
}

impl Binding {
    fn from_json(value: &Value) -> Result<Self, String> {
        let object = value.as_object().ok_or("a binding is no object")?;
        let condition = object.get("condition").filter(|condition| !condition.is_null()).map(|condition| {
            let expression = condition.get("expression").and_then(Value::as_str);
            expression.map_or_else(|| condition.to_string(), str::to_owned)
        });
        Ok(Binding {
            service_account: text(object, "serviceAccount")?.map(str::to_owned),
            role: text(object, "role")?.ok_or("a binding has no role")?.to_owned(),
            members: list(object, "members")?,
            condition,
            unknown: unknown_keys(object, &["serviceAccount", "role", "members", "condition"]),
        })
    }
}

fn list(object: &Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value @ Value::Array(_)) => {
            texts(value).ok_or_else(|| format!("`{name}` holds something that is no text"))
        }
        Some(_) => Err(format!("`{name}` is no list")),
    }
}

fn flag(object: &Map<String, Value>, name: &str) -> Result<bool, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("`{name}` is neither true nor false")),
    }
}
