//! The stand-ins, asked over the wire.

mod aws;
mod azure;
mod gcp;
mod link;
mod runners;

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::*;
use crate::edge::{Destination, Target, aws as aws_edge, azure as azure_edge, gcp as gcp_edge};

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
const SECOND_ROLE: &str = "arn:aws:iam::210987654321:role/team/second";
const PROVIDER: &str = "projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";
const ACCOUNT: &str = "deploy@acme.iam.gserviceaccount.com";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const TENANT: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const SUBSCRIPTION: &str = "99999999-8888-7777-6666-555555555555";

fn edge(target: Target, audience: &str) -> Edge {
    Edge {
        name: "deploy".to_owned(),
        default: true,
        audience: audience.to_owned(),
        target,
        ttl: Duration::from_secs(900),
        owner: None,
        review_by: None,
        trust: None,
        require: std::collections::BTreeMap::new(),
    }
}

fn aws_edge_of(role: &str) -> Edge {
    let target = aws_edge::Target {
        role: role.to_owned(),
        region: "eu-central-1".to_owned(),
        partition: aws_edge::Partition::Aws,
        session_name: None,
        session_policy: None,
        managed_session_policies: Vec::new(),
        chain: vec![aws_edge::Link { role: SECOND_ROLE.to_owned(), external_id: Some("ours".to_owned()) }],
        allowed_account_ids: Vec::new(),
    };
    edge(Target::Aws(target), "sts.amazonaws.com")
}

fn gcp_edge_of(account: Option<&str>) -> Edge {
    let target = gcp_edge::Target {
        provider: gcp_edge::Provider::parse(PROVIDER).unwrap(),
        universe_domain: gcp_edge::UNIVERSE.to_owned(),
        service_account: account.map(str::to_owned),
        project: None,
        scopes: vec![gcp_edge::CLOUD_PLATFORM.to_owned()],
        delegates: Vec::new(),
        id_token_audience: None,
        quota_project: None,
        request_reason: None,
    };
    let audience = target.provider.id_token_audience(gcp_edge::UNIVERSE);
    edge(Target::Gcp(target), &audience)
}

fn azure_edge_of() -> Edge {
    let target = azure_edge::Target {
        client_id: CLIENT.to_owned(),
        tenant_id: TENANT.to_owned(),
        subscription_id: Some(SUBSCRIPTION.to_owned()),
        cloud: azure_edge::Cloud::named("public").unwrap(),
        resources: vec!["https://management.azure.com".to_owned()],
    };
    edge(Target::Azure(target), "api://AzureADTokenExchange")
}

fn trust(destination: Destination, subject: &str) -> TrustPolicy {
    let text = match destination {
        Destination::Aws => json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" },
            "Condition": { "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": subject,
            } },
        }] }),
        Destination::Gcp => json!({
            "provider": {
                "name": PROVIDER,
                "oidc": { "issuerUri": "https://token.actions.githubusercontent.com" },
                "attributeMapping": { "google.subject": "assertion.sub", "attribute.repository": "assertion.repository" },
                "attributeCondition": format!("assertion.sub == '{subject}'"),
            },
            "bindings": [{
                "serviceAccount": ACCOUNT,
                "role": "roles/iam.workloadIdentityUser",
                "members": ["principalSet://iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/ci-pool/attribute.repository/acme/shop"],
            }],
        }),
        Destination::Azure => json!([{
            "name": "main", "issuer": "https://token.actions.githubusercontent.com", "subject": subject,
            "audiences": ["api://AzureADTokenExchange"],
        }]),
    };
    TrustPolicy::parse(destination, &text.to_string()).unwrap()
}

const SUBJECT: &str = "repo:acme/shop:ref:refs/heads/main";

/// One edge per cloud, each with a trust policy for the default job.
fn edges() -> Vec<(Edge, Option<TrustPolicy>)> {
    [
        (aws_edge_of(ROLE), Destination::Aws),
        (gcp_edge_of(Some(ACCOUNT)), Destination::Gcp),
        (azure_edge_of(), Destination::Azure),
    ]
    .into_iter()
    .map(|(edge, destination)| (edge, Some(trust(destination, SUBJECT))))
    .collect()
}

async fn started(options: Options) -> Running {
    Sandbox::start(options).await.unwrap()
}

async fn usual() -> Running {
    started(Options { edges: edges(), ..Options::default() }).await
}

async fn with_faults(faults: &[&str]) -> Running {
    let faults = faults.iter().map(|text| Fault::parse(text).unwrap()).collect();
    started(Options { edges: edges(), faults, ..Options::default() }).await
}

/// A client that trusts the sandbox's authority and follows nothing.
fn client(running: &Running) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(running.ca_pem.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

/// `a=b&c=d`, percent-encoded.
fn form(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://localhost/").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap().to_owned()
}

async fn post(running: &Running, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let request = client(running).post(format!("{}{path}", running.https_url()));
    let answer =
        request.header("content-type", "application/x-www-form-urlencoded").body(form(fields)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
