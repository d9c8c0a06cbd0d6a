//! Entra and Resource Manager at the root: what real clients ask for before and after a token.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::http::{Call, Reply};
use super::{State, azure_tokens};
use crate::edge::Target;
use crate::random;

/// Whether a path is one of Entra's.
pub(super) fn is_path(path: &str) -> bool {
    path == "/common/discovery/instance"
        || ["/oauth2/v2.0/token", "/v2.0/.well-known/openid-configuration", "/discovery/v2.0/keys"].iter().any(|end| {
            path.strip_suffix(end).is_some_and(|tenant| {
                tenant.len() > 1 && !tenant.trim_start_matches('/').is_empty() && tenant.matches('/').count() == 1
            })
        })
}

pub(super) fn answer(state: &State, call: &Call) -> Reply {
    let base = format!("{}://{}", call.scheme, call.host);
    if call.path == "/common/discovery/instance" {
        return instance(call, &base);
    }
    let tenant = call.path.split('/').nth(1).unwrap_or_default();
    match call.path.strip_prefix(&format!("/{tenant}")).unwrap_or_default() {
        "/oauth2/v2.0/token" => azure_tokens::answer(state, call, tenant),
        "/discovery/v2.0/keys" => Reply::json(200, &state.key.jwks_json()),
        _ => Reply::json(
            200,
            &json!({
                "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
                "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
                "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
                "issuer": format!("{base}/{tenant}/v2.0"),
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "response_types_supported": ["code", "id_token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }),
        ),
    }
}

/// Tells clients that the sandbox's host is an authority of its own.
fn instance(call: &Call, base: &str) -> Reply {
    let tenant = call.query("authorization_endpoint").unwrap_or_default();
    let tenant = tenant.split('/').nth(3).filter(|part| !part.is_empty()).unwrap_or("common").to_owned();
    Reply::json(
        200,
        &json!({
            "tenant_discovery_endpoint": format!("{base}/{tenant}/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [{ "preferred_network": call.host, "preferred_cache": call.host, "aliases": [call.host] }],
        }),
    )
}

/// ARM, as far as `az login` asks: the subscriptions and tenants of the edges.
pub(super) fn resource_manager(state: &State, call: &Call) -> Reply {
    if call.bearer().is_none_or(|token| !token.contains("SANDBOX")) {
        let text = "Authentication failed. The 'Authorization' header is missing or invalid.";
        return Reply::json(401, &json!({ "error": { "code": "AuthenticationFailed", "message": text } }));
    }
    let subscriptions: Vec<Value> = targets(state)
        .filter_map(|target| Some(subscription(target.subscription_id.as_deref()?, &target.tenant_id)))
        .collect();
    if call.path == "/subscriptions" {
        return Reply::json(
            200,
            &json!({ "value": subscriptions, "count": { "type": "Total", "value": subscriptions.len() } }),
        );
    }
    if call.path == "/tenants" {
        let tenants: Vec<Value> = targets(state)
            .map(|target| json!({ "id": format!("/tenants/{}", target.tenant_id), "tenantId": target.tenant_id }))
            .collect();
        return Reply::json(200, &json!({ "value": tenants }));
    }
    let id = call.path.split('/').nth(2).unwrap_or_default();
    match subscriptions.into_iter().find(|entry| entry.get("subscriptionId").and_then(Value::as_str) == Some(id)) {
        Some(entry) => Reply::json(200, &entry),
        None => {
            let text = format!("The subscription '{id}' could not be found.");
            Reply::json(404, &json!({ "error": { "code": "SubscriptionNotFound", "message": text } }))
        }
    }
}

fn targets(state: &State) -> impl Iterator<Item = &crate::edge::azure::Target> {
    state.options.edges.iter().filter_map(|(edge, _)| match &edge.target {
        Target::Azure(target) => Some(target),
        _ => None,
    })
}

fn subscription(id: &str, tenant: &str) -> Value {
    json!({
        "id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": tenant, "displayName": "sandbox",
        "state": "Enabled", "authorizationSource": "RoleBased", "managedByTenants": [],
        "subscriptionPolicies": { "locationPlacementId": "Public_2014-09-01", "quotaId": "sandbox", "spendingLimit": "Off" },
    })
}

/// Entra's error form; `code` is `AADSTS700213`, the text follows it.
pub(super) fn error(code: &str, text: &str) -> Reply {
    let number = code.trim_start_matches("AADSTS");
    let (status, name) = match number {
        "700016" => (400, "unauthorized_client"),
        "50027" | "70023" | "900144" | "900023" => (400, "invalid_request"),
        "70011" => (400, "invalid_scope"),
        "700025" => (400, "unsupported_grant_type"),
        _ => (401, "invalid_client"),
    };
    let id = || {
        let hex = random::hex::<16>().unwrap_or_default();
        let part = |range| hex.get(range).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
    };
    let (trace, correlation) = (id(), id());
    let now = OffsetDateTime::now_utc();
    let stamp = format!("{} {:02}:{:02}:{:02}Z", now.date(), now.hour(), now.minute(), now.second());
    let description =
        format!("AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}");
    let body = json!({
        "error": name,
        "error_description": description,
        "error_codes": [number.parse::<u64>().unwrap_or_default()],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
    });
    Reply::json(status, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_tenant() {
        for (path, is) in [
            ("/contoso.onmicrosoft.com/oauth2/v2.0/token", true),
            ("/common/discovery/instance", true),
            ("/t/v2.0/.well-known/openid-configuration", true),
            ("/t/discovery/v2.0/keys", true),
            ("/oauth2/v2.0/token", false),
            ("//oauth2/v2.0/token", false),
            ("/a/b/oauth2/v2.0/token", false),
            ("/", false),
        ] {
            assert_eq!(is_path(path), is, "{path}");
        }
    }
}
