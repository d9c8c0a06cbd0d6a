use aws_credential_types::Credentials;
use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;

use super::*;

#[derive(Clone, Debug)]
struct Transport(Client);

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let other = |error: reqwest::Error| ConnectorError::other(error.into(), None);
            let (parts, body) = request.try_into_http1x().unwrap().into_parts();
            let body = body.bytes().unwrap().to_vec();
            let request = client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
            let answer = request.send().await.map_err(other)?;
            let status = answer.status().as_u16().try_into().unwrap();
            Ok(HttpResponse::new(status, SdkBody::from(answer.bytes().await.map_err(other)?.to_vec())))
        })
    }
}

impl HttpClient for Transport {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn sts(running: &Running, base: &str, credentials: Option<Credentials>) -> aws_sdk_sts::Client {
    let mut config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .allow_no_auth()
        .http_client(Transport(client(running)))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(format!("{base}/aws"));
    config.set_credentials_provider(credentials.map(aws_sdk_sts::config::SharedCredentialsProvider::new));
    aws_sdk_sts::Client::from_conf(config.build())
}

async fn session(running: &Running) -> aws_sdk_sts::types::Credentials {
    let token = running.mint(Runner::Github, "sts.amazonaws.com").unwrap();
    let call = sts(running, &running.https_url(), None).assume_role_with_web_identity();
    let output = call.role_arn(ROLE).role_session_name("test").web_identity_token(token.reveal()).send().await.unwrap();
    output.credentials().unwrap().clone()
}

fn keys(session: &aws_sdk_sts::types::Credentials) -> Credentials {
    let token = Some(session.session_token().to_owned());
    Credentials::new(session.access_key_id(), session.secret_access_key(), token, None, "test")
}

#[tokio::test]
async fn the_vendors_client_gets_a_session_over_tls_and_plain() {
    let running = usual().await;
    let token = running.mint(Runner::Github, "sts.amazonaws.com").unwrap();
    for base in [running.https_url(), running.http_url()] {
        let call = sts(&running, &base, None).assume_role_with_web_identity().duration_seconds(900);
        let output =
            call.role_arn(ROLE).role_session_name("test").web_identity_token(token.reveal()).send().await.unwrap();
        let credentials = output.credentials().unwrap();
        assert!(credentials.access_key_id().starts_with("ASIASANDBOX"));
        assert!(credentials.secret_access_key().starts_with("SANDBOX"));
        assert!(credentials.session_token().starts_with("SANDBOX"));
        let life = credentials.expiration().secs() - time::OffsetDateTime::now_utc().unix_timestamp();
        assert!((895..=900).contains(&life), "{life}");
        assert_eq!(output.assumed_role_user().unwrap().arn(), "arn:aws:sts::123456789012:assumed-role/deploy/test");
        assert_eq!(output.subject_from_web_identity_token(), Some(SUBJECT));
        assert_eq!(output.audience(), Some("sts.amazonaws.com"));
    }
}

#[tokio::test]
async fn a_signature_by_the_right_key_is_taken_and_by_another_is_not() {
    let running = usual().await;
    let session = session(&running).await;
    for base in [running.https_url(), running.http_url()] {
        let identity = sts(&running, &base, Some(keys(&session))).get_caller_identity().send().await.unwrap();
        assert_eq!(identity.arn(), Some("arn:aws:sts::123456789012:assumed-role/deploy/test"));
        assert_eq!(identity.account(), Some("123456789012"));
    }
    let wrong =
        |key: &str, secret: &str, token: &str| Credentials::new(key, secret, Some(token.to_owned()), None, "test");
    let (key, secret, token) = (session.access_key_id(), session.secret_access_key(), session.session_token());
    for (credentials, code) in [
        (wrong(key, &format!("{secret}x"), token), "SignatureDoesNotMatch"),
        (wrong(key, secret, "SANDBOXother"), "InvalidClientTokenId"),
        (wrong("ASIASANDBOXOTHER", secret, token), "InvalidClientTokenId"),
        (Credentials::new(key, secret, None, None, "test"), "InvalidClientTokenId"),
    ] {
        let error =
            sts(&running, &running.https_url(), Some(credentials)).get_caller_identity().send().await.unwrap_err();
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 403);
    }
}

#[tokio::test]
async fn a_chain_is_followed_only_as_the_edge_describes_it() {
    let running = usual().await;
    let chained = sts(&running, &running.https_url(), Some(keys(&session(&running).await)));
    let assume = |role: &str, id: Option<&str>, seconds: i32| {
        let call = chained.assume_role().role_arn(role).role_session_name("second");
        call.set_external_id(id.map(str::to_owned)).duration_seconds(seconds).send()
    };
    let output = assume(SECOND_ROLE, Some("ours"), 900).await.unwrap();
    assert_eq!(output.assumed_role_user().unwrap().arn(), "arn:aws:sts::210987654321:assumed-role/second/second");
    assert_eq!(assume(SECOND_ROLE, Some("theirs"), 900).await.unwrap_err().code(), Some("AccessDenied"));
    assert_eq!(assume(SECOND_ROLE, None, 900).await.unwrap_err().code(), Some("AccessDenied"));
    assert_eq!(assume(ROLE, Some("ours"), 900).await.unwrap_err().code(), Some("AccessDenied"));
    let error = assume(SECOND_ROLE, Some("ours"), 3601).await.unwrap_err();
    assert!(error.message().unwrap().contains("1 hour session limit for roles assumed by role chaining"));
}

async fn ask(running: &Running, change: &[(&str, &str)]) -> (u16, String) {
    let token = running.mint(Runner::Github, "sts.amazonaws.com").unwrap();
    let mut fields = vec![
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "test"),
        ("WebIdentityToken", token.reveal()),
    ];
    fields.retain(|(name, _)| !change.iter().any(|(changed, _)| changed == name));
    fields.extend(change);
    post(running, "/aws/", &fields).await
}

#[tokio::test]
async fn what_does_not_fit_is_answered_with_its_code() {
    let running = usual().await;
    assert_eq!(ask(&running, &[]).await.0, 200);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2048));
    for (change, status, code) in [
        (("RoleArn", SECOND_ROLE), 403, "AccessDenied"),
        (("RoleArn", "deploy"), 400, "ValidationError"),
        (("RoleSessionName", "a b"), 400, "ValidationError"),
        (("RoleSessionName", "a"), 400, "ValidationError"),
        (("DurationSeconds", "899"), 400, "ValidationError"),
        (("DurationSeconds", "43201"), 400, "ValidationError"),
        (("Policy", "{"), 400, "MalformedPolicyDocument"),
        (("Policy", &long), 400, "PackedPolicyTooLarge"),
        (("WebIdentityToken", "a.b.c"), 400, "InvalidIdentityToken"),
        (("WebIdentityToken", ""), 400, "ValidationError"),
        (("Version", "2010-01-01"), 400, "InvalidAction"),
        (("Action", "Nothing"), 400, "InvalidAction"),
        (("Action", "GetCallerIdentity"), 403, "MissingAuthenticationToken"),
    ] {
        let (got, body) = ask(&running, &[change]).await;
        assert_eq!(got, status, "{change:?}: {body}");
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{change:?}: {body}");
    }
}

#[tokio::test]
async fn the_trust_policy_decides() {
    for (subject, status) in [(SUBJECT, 200), ("repo:acme/shop:pull_request", 403), ("repo:acme/*", 403)] {
        let edges = vec![(aws_edge_of(ROLE), Some(trust(Destination::Aws, subject)))];
        let running = started(Options { edges, ..Options::default() }).await;
        let (got, body) = ask(&running, &[]).await;
        assert_eq!(got, status, "{subject}: {body}");
        assert_eq!(body.contains("Not authorized to perform sts:AssumeRoleWithWebIdentity"), status == 403);
        let explained = running.log().into_iter().find_map(|entry| entry.explanation).unwrap();
        assert_eq!(explained.failed().len(), usize::from(status == 403));
    }
}

#[tokio::test]
async fn what_is_no_matter_of_the_role_is_answered_with_its_own_code() {
    const TRUST: &str = r#"{"role": {"Role": {"Arn": "arn:aws:iam::123456789012:role/deploy", "MaxSessionDuration": LONGEST,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main"}}}]}}},
        "provider": {"Url": "token.actions.githubusercontent.com", "ClientIDList": ["CLIENT"]}}"#;
    for (client, longest, status, code, message) in [
        ("sts.amazonaws.com", "43200", 200, "", "AssumedRoleUser"),
        ("elsewhere", "43200", 400, "InvalidIdentityToken", "Incorrect token audience"),
        ("sts.amazonaws.com", "900", 400, "ValidationError", "MaxSessionDuration set for this role"),
        ("elsewhere", "900", 400, "InvalidIdentityToken", "Incorrect token audience"),
    ] {
        let text = TRUST.replace("CLIENT", client).replace("LONGEST", longest);
        let edges = vec![(aws_edge_of(ROLE), Some(TrustPolicy::parse(Destination::Aws, &text).unwrap()))];
        let running = started(Options { edges, ..Options::default() }).await;
        let (got, body) = ask(&running, &[]).await;
        assert_eq!(got, status, "{client} {longest}: {body}");
        assert!(status == 200 || body.contains(&format!("<Code>{code}</Code>")), "{client} {longest}: {body}");
        assert!(body.contains(message), "{client} {longest}: {body}");
    }
}

#[tokio::test]
async fn undecided_is_not_granted_not_even_by_an_open_sandbox() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
        "Principal":{"Federated":"arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"},
        "Condition":{"StringNotLike":{"token.actions.githubusercontent.com:sub":"x"}}}]}"#;
    for open in [false, true] {
        let edges = vec![(aws_edge_of(ROLE), Some(TrustPolicy::parse(Destination::Aws, text).unwrap()))];
        let running = started(Options { edges, open, ..Options::default() }).await;
        let (status, body) = ask(&running, &[]).await;
        assert_eq!(status, 403);
        assert!(body.contains("undecided"), "{body}");
    }
}

#[tokio::test]
async fn closed_by_default_and_open_on_request() {
    for (edges, open, status) in [
        (Vec::new(), false, 403),
        (Vec::new(), true, 200),
        (vec![(aws_edge_of(ROLE), None)], false, 403),
        (vec![(aws_edge_of(ROLE), None)], true, 200),
        (vec![(aws_edge_of(ROLE), Some(trust(Destination::Aws, "other")))], true, 403),
    ] {
        let running = started(Options { edges, open, ..Options::default() }).await;
        assert_eq!(ask(&running, &[]).await.0, status);
    }
}

#[tokio::test]
async fn a_token_of_another_sandbox_or_of_yesterday_is_not_taken() {
    let (running, other) = (usual().await, usual().await);
    let token = other.mint(Runner::Github, "sts.amazonaws.com").unwrap();
    let (_, body) = ask(&running, &[("WebIdentityToken", token.reveal())]).await;
    assert!(body.contains("No OpenIDConnect provider found in your account for"), "{body}");
    for (clock_skew, code) in [(-400, "ExpiredTokenException"), (120, "InvalidIdentityToken")] {
        let running = started(Options { edges: edges(), clock_skew, ..Options::default() }).await;
        let (_, body) = ask(&running, &[]).await;
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
    }
}
