//! azure-identity (Python, JS) on our variables and `az` on our configuration directory, against the sandbox.

use serde_json::Value;

use crate::job::Job;
use crate::{beside_sandbox, config_of, driver, login, python};

const SCOPE: &str = "https://management.azure.com/.default";

fn az_token(job: &Job, resource: &str) -> Value {
    let ran = job.step(&python("az"), &["account", "get-access-token", "--resource", resource, "--output", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn both_libraries_get_tokens_with_our_variables() {
    let (_scratch, sandbox, job) = beside_sandbox("03-azure-github", &[]);
    login(&job, &["--config", &config_of("03-azure-github")]);
    let before = sandbox.requests().len();
    driver(&job, "azure_token.py", &[SCOPE]).unwrap();
    driver(&job, "azure_token.py", &["--workload", SCOPE]).unwrap();
    driver(&job, "azure_token.mjs", &[SCOPE]).unwrap();
    driver(&job, "azure_token.mjs", &["--workload", SCOPE]).unwrap();
    let after = sandbox.requests();
    let exchanges = after[before..].iter().filter(|request| request.contains("/oauth2/v2.0/token 200")).count();
    assert!(exchanges >= 4, "{after:?}");
}

#[test]
fn az_is_signed_in_without_having_been_run() {
    let (_scratch, _sandbox, job) = beside_sandbox("03-azure-github", &[]);
    login(&job, &["--config", &config_of("03-azure-github")]);
    let token = az_token(&job, "https://management.core.windows.net/");
    assert_eq!(token["tenant"], "99999999-8888-7777-6666-555555555555");
    assert_eq!(token["subscription"], "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
    // Another resource than the one that is cached: az exchanges the assertion itself.
    az_token(&job, "https://vault.azure.net");
    let ended = job.jobpass(&["logout"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(job.passes().is_empty(), "az's own bookkeeping goes too: {:?}", job.passes());
}

#[test]
fn a_library_is_denied_where_no_federated_credential_matches() {
    let (_scratch, _sandbox, mut job) = beside_sandbox("03-azure-github", &["--event", "pull_request"]);
    let raw = job.jobpass(&["token", "--raw", "--audience", "api://AzureADTokenExchange"]);
    assert_eq!(raw.code, 0, "{}", raw.stderr);
    let token = job.scratch.write("token", raw.stdout.trim()).display().to_string();
    job.set("AZURE_FEDERATED_TOKEN_FILE", &token);
    job.set("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555");
    job.set("AZURE_TENANT_ID", "99999999-8888-7777-6666-555555555555");
    let error = driver(&job, "azure_token.py", &["--workload", SCOPE]).unwrap_err();
    assert!(error.contains("AADSTS700213"), "{error}");
}
