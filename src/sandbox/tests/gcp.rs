use super::*;

const AUDIENCE: &str =
    "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";

fn fields(token: &Secret) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", AUDIENCE),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("scope", "https://www.googleapis.com/auth/cloud-platform"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("subject_token", token.reveal()),
    ]
}

fn minted(running: &Running) -> Secret {
    running.mint(Runner::Github, &format!("https:{AUDIENCE}")).unwrap()
}

async fn federated(running: &Running) -> String {
    let (status, body) = post(running, "/gcp/sts/v1/token", &fields(&minted(running))).await;
    assert_eq!(status, 200, "{body}");
    parsed(&body)["access_token"].as_str().unwrap().to_owned()
}

async fn act(running: &Running, bearer: &str, account: &str, method: &str, body: Value) -> (u16, Value) {
    let url = format!("{}/gcp/iamcredentials/v1/projects/-/serviceAccounts/{account}:{method}", running.https_url());
    let request = client(running).post(url).bearer_auth(bearer).body(body.to_string());
    let answer = request.header("content-type", "application/json").send().await.unwrap();
    (answer.status().as_u16(), parsed(&answer.text().await.unwrap()))
}

#[tokio::test]
async fn both_encodings_are_taken() {
    let running = usual().await;
    let token = minted(&running);
    let (status, body) = post(&running, "/gcp/sts/v1/token", &fields(&token)).await;
    assert_eq!(status, 200, "{body}");
    let body = parsed(&body);
    assert!(body["access_token"].as_str().unwrap().starts_with("SANDBOX"));
    let life = body["expires_in"].as_i64().unwrap();
    assert!((295..=300).contains(&life), "the life of the ID token: {life}");
    let json = json!({
        "grantType": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": AUDIENCE, "scope": "s",
        "requestedTokenType": "urn:ietf:params:oauth:token-type:access_token",
        "subjectTokenType": "urn:ietf:params:oauth:token-type:id_token", "subjectToken": token.reveal(),
    });
    let request = client(&running).post(format!("{}/gcp/sts/v1/token", running.http_url())).body(json.to_string());
    assert_eq!(request.header("content-type", "application/json").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_does_not_fit_is_answered_with_its_code() {
    let running = usual().await;
    let wrong_audience = running.mint(Runner::Github, "sts.amazonaws.com").unwrap();
    let other = usual().await;
    let foreign = minted(&other);
    let unknown = AUDIENCE.replace("providers/github", "providers/other");
    let by_id = AUDIENCE.replace("123456789", "my-project");
    for (name, value, code, text) in [
        ("grant_type", "x", "invalid_request", "grant_type"),
        ("subject_token_type", "x", "invalid_request", "JWT"),
        ("scope", "", "invalid_scope", "scope"),
        ("audience", by_id.as_str(), "invalid_request", "full resource name of the Identity Provider"),
        ("audience", &AUDIENCE[2..], "invalid_request", "full resource name of the Identity Provider"),
        ("audience", &unknown, "invalid_target", "deleted or because it doesn't exist"),
        ("subject_token", wrong_audience.reveal(), "invalid_grant", "(sandbox wording)"),
        ("subject_token", foreign.reveal(), "invalid_grant", "does not match the expected ones"),
        ("subject_token", "a.b.c", "invalid_grant", "(sandbox wording)"),
    ] {
        let token = minted(&running);
        let mut all = fields(&token);
        all.retain(|(known, _)| *known != name);
        all.push((name, value));
        let (status, body) = post(&running, "/gcp/sts/v1/token", &all).await;
        let body = parsed(&body);
        assert_eq!((status, body["error"].as_str()), (400, Some(code)), "{name}: {body}");
        assert!(body["error_description"].as_str().unwrap().contains(text), "{name}: {body}");
    }
}

#[tokio::test]
async fn an_authorization_header_is_refused() {
    let running = usual().await;
    let request = client(&running).post(format!("{}/gcp/sts/v1/token", running.https_url())).bearer_auth("x");
    let body = form(&fields(&minted(&running)));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    assert_eq!(request.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_condition_speaks_with_googles_words() {
    let edges = vec![(gcp_edge_of(Some(ACCOUNT)), Some(trust(Destination::Gcp, "other")))];
    let running = started(Options { edges, ..Options::default() }).await;
    let (_, body) = post(&running, "/gcp/sts/v1/token", &fields(&minted(&running))).await;
    let body = parsed(&body);
    assert_eq!(body["error"], "unauthorized_client");
    assert_eq!(body["error_description"], "The given credential is rejected by the attribute condition.");
}

#[tokio::test]
async fn a_service_accounts_tokens() {
    let running = usual().await;
    let bearer = federated(&running).await;
    let ask = json!({ "scope": ["s"], "lifetime": "900s" });
    for account in [ACCOUNT.to_owned(), ACCOUNT.replace('@', "%40")] {
        let (status, body) = act(&running, &bearer, &account, "generateAccessToken", ask.clone()).await;
        assert_eq!(status, 200, "{body}");
        assert!(body["accessToken"].as_str().unwrap().starts_with("SANDBOX"));
        let expires = body["expireTime"].as_str().unwrap();
        let well_known = time::format_description::well_known::Rfc3339;
        let life = time::OffsetDateTime::parse(expires, &well_known).unwrap() - time::OffsetDateTime::now_utc();
        assert!((895..=900).contains(&life.whole_seconds()), "{life}");
    }
    let (status, body) =
        act(&running, &bearer, ACCOUNT, "generateIdToken", json!({ "audience": "a", "includeEmail": true })).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["token"].as_str().unwrap().contains("SANDBOX"));
}

#[tokio::test]
async fn what_an_account_does_not_allow() {
    let running = usual().await;
    let bearer = federated(&running).await;
    let good = json!({ "scope": ["s"] });
    for (bearer, account, method, body, status) in [
        ("SANDBOX.x", ACCOUNT, "generateAccessToken", good.clone(), 401),
        (&bearer, "other@acme.iam.gserviceaccount.com", "generateAccessToken", good.clone(), 403),
        (&bearer, ACCOUNT, "generateAccessToken", json!({ "scope": [] }), 400),
        (&bearer, ACCOUNT, "generateAccessToken", json!({ "scope": ["s"], "lifetime": "43201s" }), 400),
        (&bearer, ACCOUNT, "generateAccessToken", json!({ "scope": ["s"], "lifetime": 900 }), 400),
        (
            &bearer,
            ACCOUNT,
            "generateAccessToken",
            json!({ "scope": ["s"], "delegates": ["projects/-/serviceAccounts/x"] }),
            403,
        ),
        (&bearer, ACCOUNT, "generateIdToken", json!({}), 400),
        (&bearer, ACCOUNT, "signJwt", json!({}), 404),
    ] {
        let (got, answer) = act(&running, bearer, account, method, body.clone()).await;
        assert_eq!(got, status, "{account} {method} {body}: {answer}");
        assert_eq!(answer["error"]["code"], status);
    }
}

#[tokio::test]
async fn the_binding_decides_at_its_own_stage() {
    let mut options = Options { edges: edges(), ..Options::default() };
    let text = json!({
        "provider": {
            "name": PROVIDER, "oidc": { "issuerUri": "https://token.actions.githubusercontent.com" },
            "attributeMapping": { "google.subject": "assertion.sub" },
            "attributeCondition": "assertion.repository == 'acme/shop'",
        },
        "bindings": [],
    });
    options.edges[1].1 = Some(TrustPolicy::parse(Destination::Gcp, &text.to_string()).unwrap());
    let running = started(options).await;
    let bearer = federated(&running).await;
    let (status, body) = act(&running, &bearer, ACCOUNT, "generateAccessToken", json!({ "scope": ["s"] })).await;
    assert_eq!((status, body["error"]["status"].as_str()), (403, Some("PERMISSION_DENIED")));
    assert_eq!(body["error"]["details"][0]["metadata"]["permission"], "iam.serviceAccounts.getAccessToken");
}

#[tokio::test]
async fn introspection_names_the_principal() {
    let running = usual().await;
    let bearer = federated(&running).await;
    let (_, body) = post(&running, "/gcp/sts/v1/introspect", &[("token", &bearer)]).await;
    let body = parsed(&body);
    assert_eq!(body["active"], true);
    assert!(body["username"].as_str().unwrap().ends_with(&format!("/ci-pool/subject/{SUBJECT}")), "{body}");
    let (_, body) = post(&running, "/gcp/sts/v1/introspect", &[("token", "x")]).await;
    assert_eq!(parsed(&body)["active"], false);
}
