//! What is tried again and what is not (T26), and when a new ID token is minted: counted in the requests that arrived.

use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Ran, Scratch};
use crate::job::{Job, Sandbox};
use crate::listeners::{At, Canned, Seen, count, reply, sts_grants, sts_refuses};

/// A login, and how many requests its endpoint and the runner's token endpoint saw.
pub(crate) struct Tried {
    pub(crate) ran: Ran,
    pub(crate) requests: usize,
    pub(crate) minted: usize,
}

/// A login beside a sandbox with these arguments.
pub(crate) fn beside(at: At, sandbox: &[&str], more: &[&str]) -> Tried {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &[&["--open"], sandbox].concat());
    let ran = Job::new(&sandbox.variables).jobpass(&[&at.login(), more].concat());
    Tried { ran, requests: count(&sandbox, at), minted: count(&sandbox, At::Github) }
}

/// A login whose endpoint gives these answers, the last one for ever; and what arrived there.
pub(crate) fn answered(at: At, sandbox: &[&str], answers: Vec<String>) -> (Tried, Vec<Seen>) {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &[&["--open"], sandbox].concat());
    let canned = Canned::start(move |number, _| answers[number.min(answers.len() - 1)].clone());
    let mut job = Job::new(&sandbox.variables);
    at.moved(&mut job, &canned.base());
    let (ran, seen) = (job.jobpass(&[&at.login(), ["--timeout", "20s"].as_slice()].concat()), canned.seen());
    (Tried { ran, requests: seen.len(), minted: count(&sandbox, At::Github) }, seen)
}

impl Tried {
    /// Exit code, requests at the endpoint, ID tokens minted; and what is said.
    pub(crate) fn is(&self, what: &str, (code, requests, minted): (i32, usize, usize), parts: &[&str]) {
        let is = (self.ran.code, self.requests, self.minted);
        assert_eq!(is, (code, requests, minted), "{what}: exit, requests, ID tokens\n{}", self.ran.stderr);
        // Labels are padded to the longest.
        let said = self.ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts {
            assert!(said.contains(part), "{what}: `{part}` is missing from\n{}", self.ran.stderr);
        }
    }
}

#[test]
fn a_denial_is_final() {
    for (at, code, requests) in [
        (At::Aws, "AccessDenied", 1),
        (At::Aws, "IDPRejectedClaim", 1),
        (At::Aws, "PackedPolicyTooLarge", 1),
        (At::GcpSts, "unauthorized_client", 1),
        (At::GcpSts, "invalid_target", 1),
        (At::GcpIam, "PERMISSION_DENIED", 1),
        (At::Azure, "AADSTS700016", 1),
        (At::Azure, "AADSTS7002138", 1),
    ] {
        let tried = beside(at, &["--fault", &format!("{}:error={code}", at.name())], &[]);
        tried.is(code, (4, requests, 1), &[code]);
    }
    let text = "No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com";
    let (tried, _) = answered(At::Aws, &[], vec![sts_refuses("InvalidIdentityToken", text)]);
    tried.is(text, (4, 1, 1), &["create an IAM OIDC identity provider"]);
}

#[test]
fn what_is_known_to_pass_is_tried_again() {
    for (at, fault) in [
        (At::Aws, "aws:error=Throttlingx2"),
        (At::Aws, "aws:error=IDPCommunicationErrorx2"),
        (At::Aws, "aws:error=ServiceUnavailablex2"),
        (At::GcpSts, "gcp-sts:error=quota_exceededx2"),
        (At::GcpIam, "gcp-iam:error=RESOURCE_EXHAUSTEDx2"),
        (At::Azure, "azure:error=AADSTS700213x2"),
        (At::Azure, "azure:error=AADSTS501661x2"),
    ] {
        beside(at, &["--fault", fault], &[]).is(fault, (0, 3, 1), &["granted"]);
    }
    beside(At::Github, &["--fault", "github:pendingx2"], &[]).is("pending", (0, 3, 3), &["granted"]);
    let text = "Couldn't retrieve verification key from your identity provider";
    let busy = sts_refuses("InvalidIdentityToken", text);
    let (tried, _) = answered(At::Aws, &[], vec![busy.clone(), busy, sts_grants()]);
    tried.is(text, (0, 3, 1), &["granted"]);
}

#[test]
fn github_says_which_state_of_the_job_is_final() {
    let state =
        |state: &str| reply(403, "", &format!("{{\"message\":\"Can't issue ID_TOKEN for job in '{state}' state\"}}"));
    let at = |name: &str| answered(At::Github, &[], vec![state(name)]).0;
    at("Completed").is("Completed", (6, 1, 0), &["'Completed'", "hint: the job has ended"]);
    at("Delayed").is("Delayed", (6, 5, 0), &["'Delayed'", "attempts 5"]);
}

#[test]
fn a_fault_that_stays_is_tried_five_times_and_the_number_is_said() {
    thread::scope(|scope| {
        for at in [At::Github, At::Aws, At::GcpSts, At::GcpIam, At::Azure] {
            scope.spawn(move || {
                let tried = beside(at, &["--fault", &format!("{}:500", at.name())], &[]);
                tried.is(at.name(), (6, 5, if at == At::Github { 5 } else { 1 }), &["attempts 5"]);
            });
        }
    });
}

#[test]
fn a_federated_credential_that_does_not_match_is_tried_three_times() {
    let tried = beside(At::Azure, &["--fault", "azure:error=AADSTS700213"], &[]);
    tried.is("700213", (4, 3, 1), &["error[azure-refused]", "attempts 3", "AADSTS700213", "compare it with sub above"]);
}

#[test]
fn retry_after_is_waited_for() {
    for (at, grants) in [(At::Aws, sts_grants()), (At::Azure, azure_grants())] {
        let (tried, seen) = answered(at, &[], vec![reply(429, "retry-after: 2\r\n", "slow down"), grants]);
        tried.is(at.name(), (0, 2, 1), &["granted"]);
        let waited = seen[1].at - seen[0].at;
        assert!(waited >= Duration::from_secs(2), "{} came back after {waited:?}", at.name());
    }
}

fn azure_grants() -> String {
    reply(200, "", r#"{"token_type":"Bearer","expires_in":3599,"access_token":"SANDBOX.azure.token.0123456789"}"#)
}

#[test]
fn a_wait_past_the_deadline_fails_at_once_and_says_so() {
    for at in [At::Github, At::Aws, At::GcpSts, At::GcpIam, At::Azure] {
        let started = Instant::now();
        let tried = beside(at, &["--fault", &format!("{}:429=9999", at.name())], &["--timeout", "30s"]);
        tried.is(at.name(), (6, 1, 1), &["asked to wait 9999 s, which is past the deadline"]);
        assert!(started.elapsed() < Duration::from_secs(20), "{} waited for nothing", at.name());
    }
}

#[test]
fn an_id_token_called_invalid_is_replaced_once() {
    for (at, code) in
        [(At::Aws, "ExpiredTokenException"), (At::Aws, "InvalidIdentityToken"), (At::Azure, "AADSTS700024")]
    {
        let fault = format!("{}:error={code}", at.name());
        beside(at, &["--fault", &fault], &[]).is(code, (4, 2, 2), &[code, "ID tokens presented"]);
        let fault = format!("{fault}x1");
        beside(at, &["--fault", &fault], &[]).is(code, (0, 2, 2), &["granted"]);
    }
    let stale = r#"{"error":"invalid_grant","error_description":"ID Token issued at 1700000000 is stale to sign-in."}"#;
    let (tried, seen) = answered(At::GcpSts, &[], vec![reply(400, "", stale)]);
    tried.is("stale", (4, 2, 2), &["error[gcp-exchange]", "is stale to sign-in"]);
    let tokens: Vec<_> = seen.iter().map(|seen| seen.text.split("subject_token=").nth(1).unwrap()).collect();
    assert_ne!(tokens[0], tokens[1], "the same token again");
}

#[test]
fn google_names_its_hop() {
    let account = "impersonation of publish@acme-shop.iam.gserviceaccount.com: localhost:";
    for kind in ["403", "garbage", "error=PERMISSION_DENIED"] {
        let at = |name: &str| beside(At::GcpIam, &["--fault", &format!("{name}:{kind}")], &["--timeout", "5s"]).ran;
        let (exchange, impersonation) = (at("gcp-sts"), at("gcp-iam"));
        assert!(exchange.stderr.contains("gcp edge `gcp`: exchange: localhost:"), "{}", exchange.stderr);
        assert!(impersonation.stderr.contains(&format!("gcp edge `gcp`: {account}")), "{}", impersonation.stderr);
    }
}
