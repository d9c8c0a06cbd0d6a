//! Google's and Microsoft's crates for Rust on our files, against the sandbox, inside this process.
//!
//! They read the process' environment, which is not the job's and cannot be set here, so the job's variables go in as
//! options. Google's crate takes no certificate of ours either, so it meets the plain listener; Microsoft's insists on https.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use azure_core::cloud::CustomConfiguration;
use azure_core::credentials::{AccessToken, TokenCredential as _};
use azure_core::http::{ClientOptions, Transport};
use azure_identity::{ClientAssertionCredentialOptions, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions};
use google_cloud_auth::credentials::{CacheableResource, external_account};
use google_cloud_auth::errors::CredentialsError;
use jobpass::claims::unverified;
use jobpass::secret::Secret;
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client};
use serde_json::Value;

use crate::harness::Scratch;
use crate::job::{Job, Sandbox};
use crate::{beside_sandbox, config_of, login};

const SCOPE: &str = "https://management.azure.com/.default";
const AUDIENCE: &str =
    "https://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github";
const DIRECT: &str = "[edge.direct]\ndestination = \"gcp\"\nprovider = \
                      \"projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github\"\nproject = \"acme-shop\"\n";

/// Without a provider of TLS in their features, both crates take the process'.
fn with_ring() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A job whose Google clients meet the plain listener.
fn plain(sandbox: &Sandbox) -> Job {
    let mut job = Job::new(&sandbox.variables);
    for (name, path) in [("STS", "gcp/sts/"), ("IAMCREDENTIALS", "gcp/iamcredentials/")] {
        job.set(&format!("CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}"), &format!("{}/{path}", sandbox.http));
    }
    job
}

/// Our credentials file.
fn external_account(job: &Job) -> Value {
    let path = &job.environment()["GOOGLE_APPLICATION_CREDENTIALS"];
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// What Google's crate sends with a request.
async fn google(file: Value) -> Result<HeaderMap, CredentialsError> {
    with_ring();
    let credentials = external_account::Builder::new(file).build().unwrap();
    match credentials.headers(Default::default()).await? {
        CacheableResource::New { data, .. } => Ok(data),
        CacheableResource::NotModified => panic!("nothing was asked for before"),
    }
}

/// An error with everything beneath it; these crates keep the destination's words there.
fn whole(error: &dyn std::error::Error) -> String {
    let beneath = error.source().map(whole).unwrap_or_default();
    format!("{error}\n{beneath}")
}

fn bearer(headers: &HeaderMap) -> &str {
    headers["authorization"].to_str().unwrap().strip_prefix("Bearer ").unwrap()
}

/// A token by Microsoft's crate, with the variables of the job.
async fn azure(job: &Job) -> azure_core::Result<AccessToken> {
    with_ring();
    let set = job.environment();
    let roots = Certificate::from_pem_bundle(&fs::read(&set["SSL_CERT_FILE"]).unwrap()).unwrap();
    let client = Client::builder().tls_certs_only(roots).no_proxy().build().unwrap();
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host.clone_from(&set["AZURE_AUTHORITY_HOST"]);
    let client_options = ClientOptions {
        transport: Some(Transport::new(Arc::new(client))),
        cloud: Some(Arc::new(cloud.into())),
        ..ClientOptions::default()
    };
    let credential = WorkloadIdentityCredential::new(Some(WorkloadIdentityCredentialOptions {
        credential_options: ClientAssertionCredentialOptions { client_options },
        client_id: Some(set["AZURE_CLIENT_ID"].clone()),
        tenant_id: Some(set["AZURE_TENANT_ID"].clone()),
        token_file_path: Some(PathBuf::from(&set["AZURE_FEDERATED_TOKEN_FILE"])),
    }))?;
    credential.get_token(&[SCOPE], None).await
}

#[tokio::test]
async fn googles_crate_uses_direct_access() {
    let scratch = Scratch::new();
    let config = scratch.write("jobpass.toml", DIRECT).display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let job = plain(&sandbox);
    login(&job, &["--config", &config]);
    let headers = google(external_account(&job)).await.unwrap();
    assert!(bearer(&headers).starts_with("SANDBOX.gcp.federated."), "{headers:?}");
}

#[tokio::test]
async fn googles_crate_impersonates_with_our_file() {
    let (_scratch, sandbox, _) = beside_sandbox("02-gcp-github", &["--environment", "production"]);
    let job = plain(&sandbox);
    login(&job, &["--config", &config_of("02-gcp-github")]);
    let before = sandbox.requests().len();
    let headers = google(external_account(&job)).await.unwrap();
    assert!(bearer(&headers).starts_with("SANDBOX.gcp.access."), "{headers:?}");
    let asked = sandbox.requests().split_off(before);
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].ends_with("/v1/token 200"), "{asked:?}");
    assert!(asked[1].contains("/publish@acme-shop.iam.gserviceaccount.com:generateAccessToken 200"), "{asked:?}");
}

#[tokio::test]
async fn googles_crate_reports_what_the_condition_denies() {
    let (_scratch, granting, _) = beside_sandbox("02-gcp-github", &["--environment", "production"]);
    let granted = plain(&granting);
    login(&granted, &["--config", &config_of("02-gcp-github")]);
    // The same file in a job of another environment.
    let (_scratch, denying, job) = beside_sandbox("02-gcp-github", &["--environment", "staging"]);
    let raw = job.jobpass(&["token", "--raw", "--audience", AUDIENCE]);
    assert_eq!(raw.code, 0, "{}", raw.stderr);
    let mut file = external_account(&granted);
    file["credential_source"]["file"] = job.scratch.write("token", raw.stdout.trim()).display().to_string().into();
    file["token_url"] = format!("{}/gcp/sts/v1/token", denying.http).into();
    let error = google(file).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    let text = whole(&error);
    assert!(text.contains("The given credential is rejected by the attribute condition."), "{text}");
}

#[tokio::test]
async fn microsofts_crate_gets_a_token_with_our_file() {
    let (_scratch, sandbox, job) = beside_sandbox("03-azure-github", &[]);
    login(&job, &["--config", &config_of("03-azure-github")]);
    let before = sandbox.requests().len();
    let token = azure(&job).await.unwrap();
    let claims = unverified::decode(Secret::new(token.token.secret())).unwrap().unverified;
    assert_eq!(claims.audiences(), ["https://management.azure.com"]);
    assert_eq!(claims.text("appid").as_deref(), Some("11111111-2222-3333-4444-555555555555"));
    let asked = sandbox.requests().split_off(before);
    assert_eq!(asked, ["POST /99999999-8888-7777-6666-555555555555/oauth2/v2.0/token 200"]);
}

#[tokio::test]
async fn microsofts_crate_reports_that_no_federated_credential_matches() {
    let (_scratch, _sandbox, mut job) = beside_sandbox("03-azure-github", &["--event", "pull_request"]);
    let raw = job.jobpass(&["token", "--raw", "--audience", "api://AzureADTokenExchange"]);
    assert_eq!(raw.code, 0, "{}", raw.stderr);
    let token = job.scratch.write("token", raw.stdout.trim()).display().to_string();
    job.set("AZURE_FEDERATED_TOKEN_FILE", &token);
    job.set("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555");
    job.set("AZURE_TENANT_ID", "99999999-8888-7777-6666-555555555555");
    let error = azure(&job).await.unwrap_err().to_string();
    assert!(error.contains("AADSTS700213"), "{error}");
}
