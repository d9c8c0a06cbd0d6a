//! The OIDC provider with its client ids, as `aws`, templates and Terraform have it.

use serde_json::{Map, Value};

use super::Request;
use crate::trust::join;

/// One OIDC provider.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    /// Where the client ids stand.
    pub(super) path: String,
    pub(super) arn: Option<String>,
    /// With or without `https://`, as it stands there.
    pub(super) url: Option<String>,
    pub(super) client_ids: Vec<String>,
}

impl Provider {
    /// Reads an object that has a list of client ids.
    pub(super) fn from_json(object: &Map<String, Value>, path: &str) -> Option<Provider> {
        let (name, ids) = ["ClientIDList", "ClientIdList", "client_id_list"]
            .iter()
            .find_map(|name| Some((*name, object.get(*name)?)))?;
        let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str().map(str::to_owned));
        Some(Provider {
            path: join(path, name),
            arn: text(&["Arn", "arn", "OpenIDConnectProviderArn"]),
            url: text(&["Url", "url"]),
            client_ids: ids.as_array()?.iter().map(|id| id.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        })
    }

    /// Whether it is the provider of the request's issuer, in the role's account as far as both are known.
    pub(super) fn is(&self, request: &Request<'_>) -> bool {
        let url = self.url.as_deref().map(|url| url.strip_prefix("https://").unwrap_or(url));
        let account = |arn: &String| request.principals.is_empty() || request.principals.contains(arn);
        url == Some(request.provider) && self.arn.as_ref().is_none_or(account)
    }
}
