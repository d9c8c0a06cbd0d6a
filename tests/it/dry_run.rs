//! `jobpass dry-run`: which job it stands in for, and what it says of it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Ran, Scratch, checkout, run_in};

const EDGE: &str = r#"
[edge.deploy]
destination = "aws"
role = "arn:aws:iam::123456789012:role/deploy"
region = "eu-central-1"
trust = "trust.json"
"#;

fn git(directory: &Path, args: &[&str]) {
    let done = Command::new("git").current_dir(directory).args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A checkout of `remote` on `branch`, with an edge whose trust policy wants acme/shop's main.
fn checkout_of(remote: &str, branch: &str) -> Scratch {
    let scratch = Scratch::new();
    let trust = std::fs::read_to_string(checkout().join("examples/01-aws-github/trust/deploy.json")).unwrap();
    scratch.write("trust.json", &trust);
    scratch.write("jobpass.toml", EDGE);
    git(scratch.path(), &["init", "--quiet"]);
    git(scratch.path(), &["symbolic-ref", "HEAD", &format!("refs/heads/{branch}")]);
    git(scratch.path(), &["remote", "add", "origin", remote]);
    scratch
}

fn dry_run(directory: &Path, args: &[&str]) -> Ran {
    let mut all = vec!["dry-run"];
    all.extend(args);
    run_in(directory, &[], all)
}

#[test]
fn the_git_checkout_says_which_job() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    let ran = dry_run(main.path(), &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("(from the git checkout)") && ran.stdout.contains("repo:acme/shop:ref:refs/heads/main")
    );
    let topic = checkout_of("https://github.com/acme/shop", "feature/x");
    let ran = dry_run(topic.path(), &[]);
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("presented  repo:acme/shop:ref:refs/heads/feature/x"), "{}", ran.stdout);
}

#[test]
fn without_a_checkout_the_job_has_to_be_named() {
    let scratch = Scratch::new();
    scratch.write("jobpass.toml", &EDGE.replace("trust = \"trust.json\"\n", ""));
    let ran = run_in(scratch.path(), &[("GIT_CEILING_DIRECTORIES", "/")], ["dry-run"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("error[no-job]") && ran.stderr.contains("--repo OWNER/NAME"), "{}", ran.stderr);
}

#[test]
fn claims_can_come_from_a_file() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    let claims =
        r#"{"iss":"https://token.actions.githubusercontent.com","sub":"repo:acme@1/shop@2:ref:refs/heads/main"}"#;
    main.write("claims.json", claims);
    let ran = dry_run(main.path(), &["--claims", "claims.json"]);
    assert_eq!(ran.code, 4, "an immutable subject is not the one in the trust policy: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("presented  repo:acme@1/shop@2:ref:refs/heads/main"), "{}", ran.stdout);
    main.write("claims.json", "[]");
    let ran = dry_run(main.path(), &["--claims", "claims.json"]);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("error[claims-file]"), "{}", ran.stderr);
}

#[test]
fn a_condition_on_the_issuer_meets_the_real_one() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    let provider = "projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";
    main.write(
        "jobpass.toml",
        &format!("[edge.publish]\ndestination = \"gcp\"\nprovider = \"{provider}\"\nproject = \"acme\"\ntrust = \"gcp.json\"\n"),
    );
    for (issuer, code) in [("https://token.actions.githubusercontent.com", 0), ("https://gitlab.com", 4)] {
        let trust = format!(
            r#"{{"name": "{provider}", "oidc": {{"issuerUri": "https://token.actions.githubusercontent.com"}},
                "attributeMapping": {{"google.subject": "assertion.sub"}},
                "attributeCondition": "assertion.iss == '{issuer}' && assertion.repository == 'acme/shop'"}}"#
        );
        main.write("gcp.json", &trust);
        let ran = dry_run(main.path(), &[]);
        assert_eq!(ran.code, code, "{issuer}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_claim_that_stands_twice_in_a_file_is_none() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    main.write("claims.json", r#"{"sub":"repo:acme/other:pull_request","sub":"repo:acme/shop:ref:refs/heads/main"}"#);
    let ran = dry_run(main.path(), &["--claims", "claims.json"]);
    assert_eq!(ran.code, 2, "which of the two counts is nobody's to say: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("error[claims-file]") && ran.stderr.contains("twice"), "{}", ran.stderr);
}

#[test]
fn an_immutable_subject_meets_a_trust_policy_that_names_names() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    let ran = dry_run(main.path(), &["--immutable"]);
    assert_eq!(ran.code, 4, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("repo:acme@123456/shop@456789:ref:refs/heads/main"), "{}", ran.stdout);
}

#[test]
fn what_is_not_understood_is_undecided_and_never_allowed() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    let trust = std::fs::read_to_string(main.path().join("trust.json")).unwrap();
    for odd in ["ArnLike", "NumericEquals", "BinaryEquals", "StringEqualsIfExistsIfExists", "Odd"] {
        main.write("trust.json", &trust.replace("StringEquals", odd));
        let ran = dry_run(main.path(), &[]);
        assert_eq!(ran.code, 8, "{odd}: {}{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains(": allowed"), "{odd}");
    }
}

#[test]
fn json_has_one_object_in_every_case() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    let document = |args: &[&str]| -> Value {
        let mut all = vec!["--format", "json"];
        all.extend(args);
        let ran = dry_run(main.path(), &all);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {}", ran.stdout))
    };
    let allowed = document(&[]);
    assert_eq!(allowed["edges"][0]["decision"], "allow");
    assert_eq!(allowed["requests"][1]["url"], "https://sts.eu-central-1.amazonaws.com/");
    assert_eq!(document(&["--config", "missing.toml"])["error"]["code"], "configuration");
    assert_eq!(document(&["nowhere"])["error"]["exit"], 2);
}

#[test]
fn nothing_is_written() {
    let main = checkout_of("git@github.com:acme/shop.git", "main");
    let before = main.listing();
    assert_eq!(dry_run(main.path(), &["--deliver", "files"]).code, 0);
    assert_eq!(main.listing(), before);
}
