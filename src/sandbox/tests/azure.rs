use super::*;
use crate::claims::unverified::decode;

const SCOPE: &str = "https://management.core.windows.net//.default";

async fn ask(running: &Running, change: &[(&str, &str)], tenant: &str) -> (u16, Value) {
    let token = running.mint(Runner::Github, "api://AzureADTokenExchange").unwrap();
    let mut fields = vec![
        ("client_id", CLIENT),
        ("grant_type", "client_credentials"),
        ("scope", SCOPE),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", token.reveal()),
    ];
    fields.retain(|(name, _)| !change.iter().any(|(changed, _)| changed == name));
    fields.extend(change);
    let (status, body) = post(running, &format!("/{tenant}/oauth2/v2.0/token"), &fields).await;
    (status, parsed(&body))
}

#[tokio::test]
async fn a_token_says_of_itself_what_it_is() {
    let running = usual().await;
    let (status, body) = ask(&running, &[], TENANT).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_i64()), (Some("Bearer"), Some(3599)));
    let raw = body["access_token"].as_str().unwrap();
    assert!(raw.contains(".SANDBOX"));
    let claims = decode(Secret::new(raw)).unwrap().unverified;
    assert_eq!(claims.value("sandbox"), Some(&Value::Bool(true)));
    assert_eq!(claims.text("aud").as_deref(), Some("https://management.core.windows.net/"));
    assert_eq!(claims.text("tid").as_deref(), Some(TENANT));
}

#[tokio::test]
async fn what_does_not_fit_is_answered_with_its_code() {
    let running = usual().await;
    let other = usual().await;
    let foreign = other.mint(Runner::Github, "api://AzureADTokenExchange").unwrap();
    let wrong_audience = running.mint(Runner::Github, "sts.amazonaws.com").unwrap();
    for (name, value, tenant, status, code) in [
        ("client_id", "00000000-0000-0000-0000-000000000000", TENANT, 400, 700_016),
        ("client_id", CLIENT, "contoso.onmicrosoft.com", 400, 700_016),
        ("client_id", "", TENANT, 401, 900_144),
        ("grant_type", "password", TENANT, 400, 700_025),
        ("scope", "https://management.azure.com", TENANT, 400, 70_011),
        ("scope", "a/.default b/.default", TENANT, 400, 70_011),
        ("client_assertion", "", TENANT, 400, 50_027),
        ("client_assertion", "a.b.c", TENANT, 400, 50_027),
        ("client_assertion", foreign.reveal(), TENANT, 401, 700_211),
        ("client_assertion", wrong_audience.reveal(), TENANT, 401, 700_212),
    ] {
        let (got, body) = ask(&running, &[(name, value)], tenant).await;
        assert_eq!(body["error_codes"][0], code, "{name} {value}: {body}");
        assert_eq!(got, if code == 900_144 { 400 } else { status }, "{name} {value}: {body}");
        assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{code}: ")));
        assert!(body["correlation_id"].as_str().is_some());
    }
}

#[tokio::test]
async fn the_federated_credential_decides() {
    for (subject, code) in [("repo:acme/shop:pull_request", 700_213), ("repo:Acme/shop:ref:refs/heads/main", 7_002_138)]
    {
        let edges = vec![(azure_edge_of(), Some(trust(Destination::Azure, subject)))];
        let running = started(Options { edges, ..Options::default() }).await;
        let (status, body) = ask(&running, &[], TENANT).await;
        assert_eq!((status, body["error_codes"][0].as_i64()), (401, Some(code)), "{body}");
    }
}

#[tokio::test]
async fn an_assertion_outside_its_time() {
    for clock_skew in [-400, 700] {
        let running = started(Options { edges: edges(), clock_skew, ..Options::default() }).await;
        assert_eq!(ask(&running, &[], TENANT).await.1["error_codes"][0], 700_024);
    }
}

#[tokio::test]
async fn discovery_and_resource_manager() {
    let running = usual().await;
    let base = running.https_url();
    let get = async |path: &str, bearer: &str| {
        let answer = client(&running).get(format!("{base}{path}")).bearer_auth(bearer).send().await.unwrap();
        (answer.status().as_u16(), parsed(&answer.text().await.unwrap()))
    };
    let (_, body) = get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration"), "").await;
    assert_eq!(body["token_endpoint"], format!("{base}/{TENANT}/oauth2/v2.0/token"));
    let (_, body) = get("/common/discovery/instance?api-version=1.1", "").await;
    assert_eq!(body["api-version"], "1.1");
    assert_eq!(get("/subscriptions", "real").await.0, 401);
    let (_, token) = ask(&running, &[], TENANT).await;
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(get("/subscriptions", token).await.1["value"][0]["subscriptionId"], SUBSCRIPTION);
    assert_eq!(get(&format!("/subscriptions/{SUBSCRIPTION}"), token).await.1["tenantId"], TENANT);
    assert_eq!(get("/subscriptions/other", token).await.0, 404);
    assert_eq!(get("/tenants", token).await.1["value"][0]["tenantId"], TENANT);
}
