//! Sequential round trips, counted by the sandbox under injected latency, and the order of connections in its log.

use std::time::Duration;

use crate::harness::{Scratch, measuring};
use crate::job::{Job, Sandbox};
use crate::listeners::{At, slow_way};

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

fn login(sandbox: &Sandbox, edges: &str) -> Job {
    let job = Job::new(&sandbox.variables);
    let config = job.scratch.write("jobpass.toml", edges).display().to_string();
    let ran = job.jobpass(&["login", "--config", &config]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    job
}

/// The number of sequential round trips: from the first connection to the last answer, by the sandbox's own clock, in whole
/// units of the injected latency. Work adds to that time and never takes from it, so the quickest of three runs counts: a busy
/// machine adds no trip until it is slower by a whole latency.
fn trips(edges: &str) -> u64 {
    const LATENCY_MS: u64 = 400;
    let took = || {
        let scratch = Scratch::new();
        let sandbox = Sandbox::start(&scratch, &["--open", "--latency", &format!("{LATENCY_MS}ms")]);
        login(&sandbox, edges);
        let entries = sandbox.entries();
        let at = |event: &str| -> Vec<u64> {
            let of_event = entries.iter().filter(|entry| entry["event"] == event);
            of_event.filter_map(|entry| entry["at"].as_u64()).collect()
        };
        at("answered").into_iter().max().unwrap() - at("accepted").into_iter().min().unwrap()
    };
    (0..3).map(|_| took()).min().unwrap() / (LATENCY_MS * 1000)
}

#[test]
fn four_round_trips_for_aws_azure_and_direct_gcp_and_the_same_for_thirty_edges() {
    let _quiet = measuring();
    let thirty: String = (0..10).map(|n| aws(n) + &gcp(n, false) + &azure(n)).collect();
    for (name, edges) in [("aws", aws(0)), ("gcp", gcp(0, false)), ("azure", azure(0)), ("3 clouds x 10", thirty)] {
        assert_eq!(trips(&edges), 4, "{name}");
    }
}

#[test]
fn five_round_trips_with_impersonation() {
    let _quiet = measuring();
    let all: String = (0..10).map(|n| aws(n) + &gcp(n, true) + &azure(n)).collect();
    for (name, edges) in [("gcp", gcp(0, true)), ("3 clouds x 10", all)] {
        assert_eq!(trips(&edges), 5, "{name}");
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

/// The ID token's connection becomes free while the one to the same host is still being opened: it must not be taken for that.
#[test]
fn nothing_is_sent_over_a_connection_that_is_opened_ahead() {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let host = At::Github.host(&sandbox).replace("localhost", "127.0.0.1");
    let way = slow_way(host.parse().unwrap(), Duration::from_millis(700));
    for at in [At::Aws, At::GcpSts, At::Azure] {
        let mut job = Job::new(&sandbox.variables);
        for at in [At::Github, At::Aws, At::GcpSts, At::GcpIam, At::Azure] {
            at.moved(&mut job, &format!("https://localhost:{}", way.port()));
        }
        let ran = job.jobpass(&at.login());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let gets: Vec<_> = sandbox.requests().into_iter().filter(|request| request.starts_with("GET")).collect();
    assert_eq!(gets, ["GET /github/token 200"; 3]);
}
