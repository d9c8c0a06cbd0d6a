//! A configuration directory in which stock `az` is signed in, without running `az`.
//!
//! Not a documented contract: what `az login --federated-token` of 2.91 leaves behind, and what a new process reads. The
//! profile names the application, `service_principal_entries.json` holds the ID token that `az` would exchange, and the token
//! cache, in the schema that all MSAL libraries share, holds the access token that is there already. So `az` works for that
//! token's life (an hour and more), and not only for the five minutes that a GitHub ID token lives.

use serde_json::{Map, Value, json};

use super::Options;
use crate::claims::IdToken;
use crate::credential::AzureTokens;
use crate::edge::azure;
use crate::secret::Secret;

/// The section of `clouds.config` for an authority that `az` does not know.
const CUSTOM_CLOUD: &str = "jobpass";

/// The files by name, each with its content.
pub(super) fn files(
    id_token: &IdToken,
    target: &azure::Target,
    tokens: &AzureTokens,
    options: &Options,
) -> Vec<(&'static str, Secret)> {
    let mut files = vec![
        ("azureProfile.json", profile(target)),
        ("service_principal_entries.json", entries(id_token, target)),
        ("msal_token_cache.json", token_cache(target, tokens, options)),
        ("config", config(target)),
    ];
    if target.cloud.name == "custom" {
        files.push(("clouds.config", clouds(target, options)));
    }
    files
}

fn cloud_name(target: &azure::Target) -> &'static str {
    if target.cloud.name == "custom" { CUSTOM_CLOUD } else { target.cloud.az_name }
}

/// The signed-in account. Without a subscription it is the tenant itself, as `az login --allow-no-subscriptions` has it.
fn profile(target: &azure::Target) -> Secret {
    let (id, name) = match &target.subscription_id {
        Some(id) => (id, id.as_str()),
        None => (&target.tenant_id, "N/A(tenant level account)"),
    };
    let subscription = json!({
        "id": id,
        "name": name,
        "state": "Enabled",
        "user": { "name": target.client_id, "type": "servicePrincipal" },
        "isDefault": true,
        "tenantId": target.tenant_id,
        "environmentName": cloud_name(target),
        "homeTenantId": target.tenant_id,
        "managedByTenants": [],
    });
    Secret::new(json!({ "subscriptions": [subscription] }).to_string())
}

fn entries(id_token: &IdToken, target: &azure::Target) -> Secret {
    let entry = json!({
        "client_id": target.client_id,
        "tenant": target.tenant_id,
        "client_assertion": id_token.raw.reveal(),
    });
    Secret::new(json!([entry]).to_string())
}

/// The access tokens under the scopes that `az` asks for. Resource Manager goes by three names for one API, and takes a
/// token for any of them; `az` asks for the one with the slash at its end, which gives a scope with two.
fn token_cache(target: &azure::Target, tokens: &AzureTokens, options: &Options) -> Secret {
    let environment = host(&target.cloud.authority).to_ascii_lowercase();
    let mut cached = Map::new();
    for token in &tokens.tokens {
        let resource = token.resource.trim_end_matches('/');
        let manager = [target.cloud.management_resource, target.cloud.resource_manager];
        let resources: Vec<&str> = if manager.iter().any(|name| name.trim_end_matches('/') == resource) {
            manager.to_vec()
        } else {
            vec![&token.resource]
        };
        for resource in resources {
            let scope = format!("{resource}/.default");
            let expires = token.expiration.unix_timestamp().to_string();
            // MSAL finds the entry by its fields; the key is only kept unique and in the schema's own form.
            let key = format!("-{environment}-accesstoken-{}-{}-{scope}", target.client_id, target.tenant_id);
            cached.insert(
                key.to_lowercase(),
                json!({
                    "credential_type": "AccessToken",
                    "secret": token.access_token.reveal(),
                    "home_account_id": null,
                    "environment": environment,
                    "client_id": target.client_id,
                    "realm": target.tenant_id,
                    "target": scope,
                    "token_type": "Bearer",
                    "cached_at": options.now.unix_timestamp().to_string(),
                    "expires_on": expires,
                    "extended_expires_on": expires,
                }),
            );
        }
    }
    let metadata = json!({
        format!("appmetadata-{environment}-{}", target.client_id).to_lowercase(): {
            "client_id": target.client_id,
            "environment": environment,
        }
    });
    Secret::new(json!({ "AccessToken": Value::Object(cached), "AppMetadata": metadata }).to_string())
}

fn config(target: &azure::Target) -> Secret {
    let mut text = format!("[cloud]\nname = {}\n\n[core]\ncollect_telemetry = no\n", cloud_name(target));
    // Plain files on every system: what is written here is what is read.
    text.push_str("encrypt_token_cache = false\n");
    if target.cloud.name == "custom" {
        // MSAL asks Microsoft's own host about an authority that it does not know.
        text.push_str("instance_discovery = false\n");
    }
    Secret::new(text)
}

fn clouds(target: &azure::Target, options: &Options) -> Secret {
    let cloud = &target.cloud;
    let manager = options.endpoints.azure_resource_manager.as_deref().unwrap_or(cloud.resource_manager);
    Secret::new(format!(
        "[{CUSTOM_CLOUD}]\nendpoint_active_directory = {}\nendpoint_active_directory_resource_id = {}\n\
         endpoint_resource_manager = {manager}\nendpoint_management = {}\n\
         endpoint_active_directory_graph_resource_id = https://graph.windows.net/\n\
         endpoint_microsoft_graph_resource_id = https://graph.microsoft.com/\n",
        cloud.authority, cloud.management_resource, cloud.management_resource,
    ))
}

/// The host of an authority, without scheme, port and path: MSAL's *environment*.
fn host(authority: &str) -> &str {
    let rest = authority.split_once("://").map_or(authority, |(_, rest)| rest);
    let rest = rest.split('/').next().unwrap_or(rest);
    match rest.strip_prefix('[') {
        Some(ipv6) => ipv6.split(']').next().unwrap_or(ipv6),
        None => rest.split(':').next().unwrap_or(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::super::testing::*;
    use super::*;

    fn read(plan: &super::super::Plan, name: &str) -> Value {
        serde_json::from_str(contents(plan, "azure-main", name)).unwrap()
    }

    #[test]
    fn az_is_signed_in_with_profile_assertion_and_cached_token() {
        let plan = planned(&[azure("main", true, |_| ())], Mode::Env, &[]);
        let account = &read(&plan, "azureProfile.json")["subscriptions"][0];
        assert_eq!(account["user"]["type"], "servicePrincipal");
        assert_eq!(account["environmentName"], "AzureCloud");
        assert_eq!(read(&plan, "service_principal_entries.json")[0]["client_assertion"], id_token("main").raw.reveal());
        let cache = read(&plan, "msal_token_cache.json");
        let key = "-login.microsoftonline.com-accesstoken-00000000-1111-2222-3333-444444444444-\
                   99999999-1111-2222-3333-444444444444-https://management.core.windows.net//.default";
        let entry = &cache["AccessToken"][key];
        assert_eq!(entry["secret"], "entra-token-of-main");
        assert_eq!(entry["target"], "https://management.core.windows.net//.default", "az keeps both slashes");
        assert_eq!(entry["expires_on"], ends().unix_timestamp().to_string());
        assert!(contents(&plan, "azure-main", "config").starts_with("[cloud]\nname = AzureCloud\n"));
    }

    #[test]
    fn resource_manager_is_one_api_whatever_it_is_called() {
        for resource in
            ["https://management.azure.com", "https://management.core.windows.net/", "https://management.azure.com/"]
        {
            let plan =
                planned(&[azure("main", true, |target| target.resources = vec![resource.to_owned()])], Mode::Env, &[]);
            let cache = read(&plan, "msal_token_cache.json");
            let scopes: Vec<&str> = cache["AccessToken"]
                .as_object()
                .unwrap()
                .values()
                .map(|entry| entry["target"].as_str().unwrap())
                .collect();
            assert!(scopes.contains(&"https://management.core.windows.net//.default"), "{resource}: {scopes:?}");
        }
        let vault = azure("main", true, |target| target.resources = vec!["https://vault.azure.net".to_owned()]);
        let cache = read(&planned(&[vault], Mode::Env, &[]), "msal_token_cache.json").to_string();
        assert!(cache.contains("https://vault.azure.net/.default") && !cache.contains("management"), "{cache}");
    }

    #[test]
    fn an_authority_of_ones_own_is_a_cloud_of_its_own() {
        let custom =
            azure("main", true, |target| target.cloud = target.cloud.clone().with_authority("https://localhost:8443"));
        let plan = planned(&[custom], Mode::Env, &[]);
        assert!(
            contents(&plan, "azure-main", "clouds.config")
                .contains("endpoint_active_directory = https://localhost:8443\n")
        );
        assert!(contents(&plan, "azure-main", "config").contains("instance_discovery = false"));
        assert_eq!(read(&plan, "azureProfile.json")["subscriptions"][0]["environmentName"], "jobpass");
        assert!(read(&plan, "msal_token_cache.json").to_string().contains("\"environment\":\"localhost\""));
    }

    #[test]
    fn without_a_subscription_the_account_is_the_tenant() {
        let plan = planned(&[azure("main", true, |target| target.subscription_id = None)], Mode::Env, &[]);
        let account = &read(&plan, "azureProfile.json")["subscriptions"][0];
        assert_eq!(account["id"], account["tenantId"]);
    }

    #[test]
    fn hosts() {
        for (authority, expected) in [
            ("https://login.microsoftonline.us", "login.microsoftonline.us"),
            ("https://a:1/x", "a"),
            ("https://[::1]:1", "::1"),
        ] {
            assert_eq!(host(authority), expected);
        }
    }
}
