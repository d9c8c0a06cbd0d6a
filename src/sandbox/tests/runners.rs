use super::*;
use crate::claims::unverified::decode;

fn variable<'a>(all: &'a [(String, String)], name: &str) -> &'a str {
    &all.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name}")).1
}

#[tokio::test]
async fn github_mints_for_the_audience_with_the_request_token_only() {
    let running = usual().await;
    let all = running.variables(Runner::Github, None).unwrap();
    let url = format!("{}&audience=api%3A%2F%2Fx", variable(&all, "ACTIONS_ID_TOKEN_REQUEST_URL"));
    let client = client(&running);
    let good = client.get(&url).bearer_auth(variable(&all, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")).send().await.unwrap();
    assert_eq!(good.status(), 200);
    let body = parsed(&good.text().await.unwrap());
    let token = decode(Secret::new(body["value"].as_str().unwrap())).unwrap();
    assert_eq!(token.unverified.audiences(), ["api://x"]);
    assert_eq!(token.unverified.subject(), SUBJECT);
    assert_eq!(token.unverified.issuer(), running.issuer(Runner::Github));
    assert!(body["count"].is_number());
    for token in ["", "SANDBOX.request.0"] {
        assert_eq!(client.get(&url).bearer_auth(token).send().await.unwrap().status(), 401, "{token}");
    }
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn without_an_audience_github_names_the_owner() {
    let running = usual().await;
    let all = running.plain_variables(Runner::Github).unwrap();
    let request = client(&running).get(variable(&all, "ACTIONS_ID_TOKEN_REQUEST_URL"));
    let body = request.bearer_auth(variable(&all, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")).send().await.unwrap().text().await;
    let token = decode(Secret::new(parsed(&body.unwrap())["value"].as_str().unwrap())).unwrap();
    assert_eq!(token.unverified.audiences(), ["https://github.com/acme"]);
}

#[tokio::test]
async fn gitlabs_tokens_are_variables_one_per_cloud() {
    let running = usual().await;
    let all = running.variables(Runner::Gitlab, None).unwrap();
    for (name, audience) in [
        ("AWS_ID_TOKEN", "sts.amazonaws.com"),
        ("GCP_ID_TOKEN", &format!("https://iam.googleapis.com/{PROVIDER}")),
        ("AZURE_ID_TOKEN", "api://AzureADTokenExchange"),
    ] {
        let token = decode(Secret::new(variable(&all, name))).unwrap().unverified;
        assert_eq!(token.audiences(), [audience]);
        assert_eq!(token.subject(), "project_path:acme/shop:ref_type:branch:ref:main");
    }
    assert!(!all.iter().any(|(name, _)| name.starts_with("ACTIONS_")));
}

#[tokio::test]
async fn discovery_leads_to_the_key_that_signs() {
    let running = usual().await;
    for runner in Runner::ALL {
        let issuer = running.issuer(runner);
        let get = async |url: String| parsed(&client(&running).get(url).send().await.unwrap().text().await.unwrap());
        let discovery = get(format!("{issuer}/.well-known/openid-configuration")).await;
        assert_eq!(discovery["issuer"], issuer.as_str());
        let keys = serde_json::from_value(get(discovery["jwks_uri"].as_str().unwrap().to_owned()).await).unwrap();
        let token = running.mint(runner, "a").unwrap();
        let audiences = ["a".to_owned()];
        let expected = crate::jwt::Expected {
            issuer: &issuer,
            audiences: &audiences,
            now: time::OffsetDateTime::now_utc(),
            leeway_seconds: 0,
        };
        crate::jwt::verify(token.reveal(), &keys, &expected).unwrap();
    }
}

#[tokio::test]
async fn given_claims_replace_the_jobs_and_keep_fresh_times() {
    let mut claims = Claims::default();
    for (name, value) in [("iss", "https://gitlab.acme.example"), ("sub", "s"), ("aud", "old"), ("extra", "e")] {
        claims.set(name, value);
    }
    claims.set("exp", 1);
    let running = started(Options { claims: Some(claims), ..Options::default() }).await;
    let token = decode(running.mint(Runner::Github, "new").unwrap()).unwrap().unverified;
    assert_eq!(token.audiences(), ["new"]);
    assert_eq!((token.subject().as_str(), token.text("extra").as_deref()), ("s", Some("e")));
    assert_eq!(token.issuer(), running.issuer(Runner::Github));
    assert!(token.seconds("exp").unwrap() > 1);
    assert_eq!(token.value("repository"), None, "nothing of the job is mixed in");
}

#[tokio::test]
async fn life_and_clock_can_be_set() {
    let options = Options { id_token_life: Some(Duration::from_secs(7)), clock_skew: 1_000, ..Options::default() };
    let token = decode(started(options).await.mint(Runner::Github, "a").unwrap()).unwrap().unverified;
    let issued = token.seconds("iat").unwrap();
    assert_eq!(token.seconds("exp"), Some(issued + 7));
    let ahead = issued - time::OffsetDateTime::now_utc().unix_timestamp();
    assert!((998..=1_001).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    for address in ["0.0.0.0", "192.0.2.1", "::"] {
        let options = Options { address: address.parse().unwrap(), ..Options::default() };
        assert_eq!(Sandbox::start(options).await.unwrap_err().kind.exit_code(), 2, "{address}");
    }
}

#[tokio::test]
async fn the_rest_of_the_environment() {
    let running = usual().await;
    let file = std::path::Path::new("/ca.pem");
    let all = running.variables(Runner::Github, Some(file)).unwrap();
    let base = running.https_url();
    for (name, value) in [
        ("AWS_ENDPOINT_URL_STS", format!("{base}/aws")),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", format!("{base}/gcp/sts/")),
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", format!("{base}/gcp/iamcredentials/")),
        ("AZURE_AUTHORITY_HOST", base),
        ("SSL_CERT_FILE", "/ca.pem".to_owned()),
        ("NODE_EXTRA_CA_CERTS", "/ca.pem".to_owned()),
        ("GITHUB_REPOSITORY", "acme/shop".to_owned()),
        ("JOBPASS_SANDBOX", "1".to_owned()),
    ] {
        assert_eq!(variable(&all, name), value, "{name}");
    }
    assert!(!running.variables(Runner::Github, None).unwrap().iter().any(|(name, _)| name == "SSL_CERT_FILE"));
}
