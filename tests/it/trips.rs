//! Sequential round trips, counted by the sandbox under injected latency, and the order of connections in its log.

use std::time::{Duration, Instant};

use crate::harness::{Scratch, measuring};
use crate::job::{Job, Sandbox};

const PROVIDER: &str = "projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github";

fn aws(n: usize) -> String {
    format!(
        "[edge.aws{n}]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/r{n}\"\nregion = \"eu-central-1\"\n"
    )
}

fn gcp(n: usize, account: bool) -> String {
    let account = if account {
        format!("service-account = \"sa{n}@acme-shop.iam.gserviceaccount.com\"\n")
    } else {
        String::new()
    };
    format!("[edge.gcp{n}]\ndestination = \"gcp\"\nprovider = \"{PROVIDER}\"\n{account}")
}

fn azure(n: usize) -> String {
    format!(
        "[edge.azure{n}]\ndestination = \"azure\"\nclient-id = \"11111111-2222-3333-4444-5555555555{n:02}\"\ntenant-id = \"acme.example\"\n"
    )
}

fn login(sandbox: &Sandbox, edges: &str) -> (Duration, Job) {
    let job = Job::new(&sandbox.variables);
    let config = job.scratch.write("jobpass.toml", edges).display().to_string();
    let started = Instant::now();
    let ran = job.jobpass(&["login", "--config", &config]);
    let took = started.elapsed();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    (took, job)
}

/// The number of round trips: what latency adds, in units of it. The latency is large against the work of a debug build, and
/// the quickest of three counts, so that a busy machine does not add a trip.
fn trips(edges: &str) -> f64 {
    const LATENCY_MS: u32 = 400;
    let scratch = Scratch::new();
    let (direct, slow) = (Sandbox::start(&scratch, &["--open"]), Scratch::new());
    let delayed = Sandbox::start(&slow, &["--open", "--latency", &format!("{LATENCY_MS}ms")]);
    let quickest = |sandbox: &Sandbox| (0..3).map(|_| login(sandbox, edges).0).min().unwrap();
    let (base, with_latency) = (quickest(&direct), quickest(&delayed));
    (with_latency.as_secs_f64() - base.as_secs_f64()) * 1000.0 / f64::from(LATENCY_MS)
}

#[test]
fn four_round_trips_for_aws_azure_and_direct_gcp_and_the_same_for_thirty_edges() {
    let _quiet = measuring();
    let thirty: String = (0..10).map(|n| aws(n) + &gcp(n, false) + &azure(n)).collect();
    for (name, edges) in [("aws", aws(0)), ("gcp", gcp(0, false)), ("azure", azure(0)), ("3 clouds x 10", thirty)] {
        let trips = trips(&edges);
        assert!((3.5..4.5).contains(&trips), "{name}: {trips:.2} round trips");
    }
}

#[test]
fn five_round_trips_with_impersonation() {
    let _quiet = measuring();
    let all: String = (0..10).map(|n| aws(n) + &gcp(n, true) + &azure(n)).collect();
    for (name, edges) in [("gcp", gcp(0, true)), ("3 clouds x 10", all)] {
        let trips = trips(&edges);
        assert!((4.5..5.5).contains(&trips), "{name}: {trips:.2} round trips");
    }
}

#[test]
fn connections_to_destinations_are_accepted_before_the_id_token_is_answered() {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open", "--latency", "100ms"]);
    login(&sandbox, &(aws(0) + &gcp(0, true) + &azure(0)));
    let entries = sandbox.entries();
    let first_answer = entries
        .iter()
        .find(|entry| entry["event"] == "answered" && entry["path"] == "/github/token")
        .and_then(|entry| entry["at"].as_u64())
        .expect("the ID token was answered");
    let posts: Vec<_> =
        entries.iter().filter(|entry| entry["event"] == "received" && entry["method"] == "POST").collect();
    assert_eq!(posts.len(), 4, "sts, google's two hops, entra");
    for post in posts {
        let accepted = entries
            .iter()
            .find(|entry| entry["event"] == "accepted" && entry["connection"] == post["connection"])
            .and_then(|entry| entry["at"].as_u64())
            .unwrap();
        assert!(accepted < first_answer, "{} came over a connection that was opened after the ID token", post["path"]);
    }
}
