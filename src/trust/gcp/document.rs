//! A provider and the bindings behind it, as text: read into parts; what is not understood is kept by name.

use serde_json::{Map, Value};

use crate::trust::json::{text, texts, unknown_keys};

/// A workload identity provider and the bindings that its principals have.
#[derive(Clone, Debug)]
pub struct ProviderTrust {
    /// The full resource name, without a host before it.
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) allowed_audiences: Vec<String>,
    /// `google.subject`, `attribute.x` … with their expressions.
    pub(super) mapping: Vec<(String, String)>,
    pub(super) condition: Option<String>,
    pub(super) disabled: bool,
    pub(super) state: Option<String>,
    pub(super) bindings: Vec<Binding>,
    /// Fields that are not understood.
    pub(super) unknown: Vec<String>,
}

/// One role given to some members.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    /// The service account it stands on; `None` for a resource that is reached directly.
    pub(super) service_account: Option<String>,
    pub(super) role: String,
    pub(super) members: Vec<String>,
    /// Fields that are not understood, a condition among them.
    pub(super) unknown: Vec<String>,
}

impl ProviderTrust {
    /// Reads `{"provider": …, "bindings": […]}`.
    pub(in crate::trust) fn from_json(value: &Value) -> Result<Self, String> {
        let wrapper = value.as_object().ok_or("expected an object with provider and bindings")?;
        let provider = wrapper.get("provider").and_then(Value::as_object).ok_or("it has no object `provider`")?;
        let oidc = provider.get("oidc").and_then(Value::as_object).ok_or("the provider has no object `oidc`")?;

        let mut unknown = unknown_keys(wrapper, &["provider", "bindings"]);
        unknown.extend(unknown_keys(
            provider,
            &[
                "name",
                "displayName",
                "description",
                "state",
                "disabled",
                "attributeMapping",
                "attributeCondition",
                "oidc",
            ],
        ));
        // Uploaded keys and another place of discovery decide which tokens are genuine; neither is looked at here.
        let unset = |name: &String| oidc.get(name).is_some_and(|value| value == "");
        unknown.extend(unknown_keys(oidc, &["issuerUri", "allowedAudiences"]).into_iter().filter(|name| !unset(name)));

        let mapping = match provider.get("attributeMapping") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(pairs)) => pairs
                .iter()
                .map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect::<Option<_>>()
                .ok_or("`attributeMapping` holds something that is no text")?,
            Some(_) => return Err("`attributeMapping` is no object".to_owned()),
        };
        let bindings = match wrapper.get("bindings") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(all)) => all.iter().map(Binding::from_json).collect::<Result<_, _>>()?,
            Some(_) => return Err("`bindings` is no list".to_owned()),
        };
        Ok(ProviderTrust {
            name: text(provider, "name")?.ok_or("the provider has no name")?.to_owned(),
            issuer: text(oidc, "issuerUri")?.ok_or("the provider has no issuerUri")?.to_owned(),
            allowed_audiences: list(oidc, "allowedAudiences")?,
            mapping,
            condition: text(provider, "attributeCondition")?.filter(|text| !text.trim().is_empty()).map(str::to_owned),
            disabled: flag(provider, "disabled")?,
            state: text(provider, "state")?.map(str::to_owned),
            bindings,
            unknown,
        })
    }
}

impl Binding {
    fn from_json(value: &Value) -> Result<Self, String> {
        let object = value.as_object().ok_or("a binding is no object")?;
        Ok(Binding {
            service_account: text(object, "serviceAccount")?.map(str::to_owned),
            role: text(object, "role")?.ok_or("a binding has no role")?.to_owned(),
            members: list(object, "members")?,
            unknown: unknown_keys(object, &["serviceAccount", "role", "members"]),
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
