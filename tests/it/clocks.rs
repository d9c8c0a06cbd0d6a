//! Clocks that differ (T25) and ID tokens that end early (T27): a login works, or names the difference in seconds.

use std::time::Duration;

use crate::listeners::{At, sts_grants, sts_refuses};
use crate::retries::{answered, beside};

#[test]
fn an_issuer_a_little_ahead_or_behind_does_not_matter() {
    for skew in ["30", "55", "-90", "-240"] {
        for at in [At::Aws, At::GcpIam, At::Azure] {
            beside(at, &["--clock-skew", skew], &[]).is(skew, (0, 1, 1), &["granted"]);
        }
    }
}

#[test]
fn a_difference_that_makes_tokens_expire_is_named() {
    for at in [At::Aws, At::Azure] {
        let tried = beside(at, &["--clock-skew", "-1000"], &[]);
        // A new token was tried: it is as old as the first.
        tried.is(at.name(), (4, 2, 2), &["issuer's clock", "s behind this machine's"]);
        near(&tried.ran.stderr, 1_000);
    }
}

#[test]
fn a_token_that_begins_past_the_deadline_is_not_waited_for_and_the_difference_is_named() {
    for at in [At::Aws, At::Azure] {
        let tried = beside(at, &["--clock-skew", "600"], &["--timeout", "20s"]);
        tried.is(at.name(), (4, 1, 1), &["issuer's clock", "s ahead of this machine's"]);
        near(&tried.ran.stderr, 600);
    }
}

/// The number of seconds that is named; `Date` has whole ones, and a busy machine takes some.
fn near(stderr: &str, expected: i64) {
    let line = stderr.lines().find(|line| line.contains("issuer's clock")).unwrap();
    let seconds: i64 = line.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    assert!((seconds - expected).abs() <= 15, "{line}");
}

#[test]
fn a_token_that_begins_in_a_moment_is_shown_again_then() {
    let early = sts_refuses("InvalidIdentityToken", "The ID token is not valid yet (sandbox wording)");
    let (tried, seen) = answered(At::Aws, &["--clock-skew", "4"], vec![early, sts_grants()]);
    tried.is("not yet", (0, 2, 1), &["granted"]);
    let token = |at: usize| seen[at].text.split("WebIdentityToken=").nth(1).unwrap().to_owned();
    assert_eq!(token(0), token(1), "a new token would begin later still");
    let waited = seen[1].at - seen[0].at;
    assert!(waited >= Duration::from_secs(1), "came back after {waited:?}");
}

/// The destination makes the client wait for longer than the token lives.
#[test]
fn a_token_that_expires_while_the_destination_is_busy_is_replaced() {
    // At the destination the token lives 5 s: its leeway is 60 s.
    let life = ["--clock-skew", "-62", "--id-token-life", "7s"];
    let tried = beside(At::Aws, &[life.as_slice(), &["--fault", "aws:503=6x1"]].concat(), &[]);
    tried.is("expired meanwhile", (0, 3, 2), &["granted"]);
}

/// Without a way to mint, the one token's end is final; the reader learns whose clock says what.
#[test]
fn a_token_that_was_handed_in_cannot_be_replaced() {
    let scratch = crate::harness::Scratch::new();
    let sandbox = crate::job::Sandbox::start(&scratch, &["--open", "--fault", "aws:error=ExpiredTokenException"]);
    let job = crate::job::Job::new(&sandbox.variables);
    let token = job.jobpass(&["token", "--raw", "--audience", "sts.amazonaws.com"]);
    let file = job.scratch.write("token", token.stdout.trim()).display().to_string();
    let ran = job.jobpass(&[At::Aws.login(), vec!["--token-file", &file]].concat());
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(!ran.stderr.contains("ID tokens presented"), "{}", ran.stderr);
    let exchanges = sandbox.requests().iter().filter(|request| request.starts_with(At::Aws.request())).count();
    assert_eq!(exchanges, 1);
}
