//! What an Azure edge asks for, and the clouds it can be asked in.

use super::Problems;
use super::draft::{Draft, nearest};
use crate::net::Endpoint;

/// A valid Azure target.
#[derive(Clone, Debug)]
pub struct Target {
    /// The application's or user-assigned identity's client id (GUID).
    pub client_id: String,
    /// The tenant: a GUID or a verified domain.
    pub tenant_id: String,
    /// The subscription that tools work in.
    pub subscription_id: Option<String>,
    /// Authority, audience and management endpoint.
    pub cloud: Cloud,
    /// The resources tokens are asked for, without `/.default`; at least one.
    pub resources: Vec<String>,
}

impl Target {
    /// Validates the keys of an Azure edge; every problem is reported with its place.
    pub(super) fn valid(draft: &mut Draft, problems: &mut Problems) -> Option<Target> {
        let example = "00000000-0000-0000-0000-000000000000";
        let client_id = guid("client-id", draft.required("client-id", example, problems), problems);
        let tenant = draft.required("tenant-id", example, problems);
        if let Some((tenant, place)) = &tenant
            && !is_guid(tenant)
            && !is_domain(tenant)
        {
            problems.push(place, format!("tenant-id `{tenant}` is neither a GUID nor a domain"), None);
        }
        let subscription = draft.text("subscription-id", problems);
        let subscription_id = guid("subscription-id", subscription, problems);
        let cloud = cloud(draft, problems);
        let mut resources = Vec::new();
        for (resource, place) in draft.texts("resources", problems) {
            if resource.is_empty() || resource.chars().any(char::is_whitespace) {
                problems.push(place, format!("resource `{resource}` is empty or holds white space"), None);
            }
            resources.push(resource.strip_suffix("/.default").unwrap_or(&resource).to_owned());
        }
        let (tenant_id, cloud) = (tenant?.0, cloud?);
        if resources.is_empty() {
            resources.push(cloud.management_resource.to_owned());
        }
        Some(Target { client_id: client_id?, tenant_id, subscription_id, cloud, resources })
    }
}

fn guid(key: &str, taken: Option<(String, String)>, problems: &mut Problems) -> Option<String> {
    let (text, place) = taken?;
    if !is_guid(&text) {
        let hint = format!("{key} is the id, not the display name");
        problems.push(place, format!("{key} `{text}` is not a GUID"), Some(hint));
    }
    Some(text)
}

/// A domain; it becomes part of a URL's path.
fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text
            .split('.')
            .all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

fn cloud(draft: &mut Draft, problems: &mut Problems) -> Option<Cloud> {
    let named = draft.text("cloud", problems);
    let authority = draft.text("authority", problems);
    let cloud = match named {
        None => Cloud::named("public"),
        Some((name, place)) => {
            let cloud = Cloud::named(&name);
            if cloud.is_none() {
                let hint = nearest(&name, &Cloud::NAMES).map(|known| format!("did you mean `{known}`?"));
                let names = Cloud::NAMES.join(", ");
                problems.push(place, format!("cloud is `{name}`, expected one of {names}"), hint);
            }
            cloud
        }
    };
    let Some((authority, place)) = authority else { return cloud };
    // In the file only https counts; a stand-in on loopback is named by AZURE_AUTHORITY_HOST in sandbox mode.
    if let Err(error) = Endpoint::parse(&authority, "authority", false) {
        problems.push(place, error.message, None);
    }
    cloud.map(|cloud| cloud.with_authority(&authority))
}

/// One Azure cloud, as `az cloud list` and the Entra documentation have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// `public`, `usgov`, `china`, or `custom`.
    pub name: &'static str,
    /// The authority, with scheme and without a slash at its end.
    pub authority: String,
    /// The `aud` of the ID token; a custom authority has the public one unless the edge names another.
    pub audience: &'static str,
    /// The Resource Manager endpoint, without a slash at its end.
    pub resource_manager: &'static str,
    /// The resource that `az` asks Resource Manager tokens for; it keeps its slash.
    pub management_resource: &'static str,
    /// The cloud's name in `az`.
    pub az_name: &'static str,
    /// The name in Terraform's `ARM_ENVIRONMENT`.
    pub arm_environment: &'static str,
}

impl Cloud {
    /// The names that [`Cloud::named`] knows.
    pub const NAMES: [&'static str; 3] = ["public", "usgov", "china"];

    /// A cloud by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Cloud> {
        let (name, authority, audience, resource_manager, management_resource, az_name, arm_environment) = match name {
            "public" => (
                "public",
                "https://login.microsoftonline.com",
                "api://AzureADTokenExchange",
                "https://management.azure.com",
                "https://management.core.windows.net/",
                "AzureCloud",
                "public",
            ),
            "usgov" => (
                "usgov",
                "https://login.microsoftonline.us",
                "api://AzureADTokenExchangeUSGov",
                "https://management.usgovcloudapi.net",
                "https://management.core.usgovcloudapi.net/",
                "AzureUSGovernment",
                "usgovernment",
            ),
            "china" => (
                "china",
                "https://login.chinacloudapi.cn",
                "api://AzureADTokenExchangeChina",
                "https://management.chinacloudapi.cn",
                "https://management.core.chinacloudapi.cn/",
                "AzureChinaCloud",
                "china",
            ),
            _ => return None,
        };
        let authority = authority.to_owned();
        Some(Cloud { name, authority, audience, resource_manager, management_resource, az_name, arm_environment })
    }

    /// The same cloud behind another authority.
    #[must_use]
    pub fn with_authority(mut self, authority: &str) -> Cloud {
        self.name = "custom";
        authority.trim_end_matches('/').clone_into(&mut self.authority);
        self
    }
}

/// True for the 8-4-4-4-12 form of a GUID.
#[must_use]
pub fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_cloud_has_its_own_audience_and_authority() {
        let clouds: Vec<_> = Cloud::NAMES.iter().map(|name| Cloud::named(name).unwrap()).collect();
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert_ne!(clouds[a].audience, clouds[b].audience);
            assert_ne!(clouds[a].authority, clouds[b].authority);
        }
        assert_eq!(Cloud::named("germany"), None);
    }

    #[test]
    fn guids() {
        assert!(is_guid("00000000-1111-2222-3333-444444444444"));
        assert!(!is_guid("00000000-1111-2222-3333-44444444444"));
        assert!(!is_guid("contoso.onmicrosoft.com"));
    }
}
