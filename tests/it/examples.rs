//! Every example with a job is executed: its own job is let in, the other job that its README names is not.

use std::fs;

use crate::harness::{checkout, run_in};

/// `(folder, flags of a job that is not let in)`, as the README of each says.
const EXAMPLES: [(&str, [&str; 2]); 5] = [
    ("01-aws-github", ["--ref", "refs/heads/topic"]),
    ("02-gcp-github", ["--environment", "staging"]),
    ("03-azure-github", ["--event", "pull_request"]),
    ("04-three-clouds", ["--repo", "eve/shop"]),
    ("05-gitlab", ["--ref", "topic"]),
];

#[test]
fn every_folder_is_on_the_list_and_complete() {
    let mut folders: Vec<String> = fs::read_dir(checkout().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    // The last one has no job: tests/it/public_trust_policies.rs holds it.
    assert_eq!(folders.pop().as_deref(), Some("06-public-trust-policies"));
    assert_eq!(folders, EXAMPLES.map(|(name, _)| name));
    for (name, flags) in EXAMPLES {
        let folder = checkout().join("examples").join(name);
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.contains(&flags.join(" ")), "{name}: the README names another job");
        assert!(folder.join("workflow.yml").exists() || folder.join(".gitlab-ci.yml").exists(), "{name}: no workflow");
    }
}

#[test]
fn the_examples_own_jobs_are_let_in() {
    for (name, _) in EXAMPLES {
        let config = format!("examples/{name}/jobpass.toml");
        let ran = run_in(&checkout(), &[], ["dry-run", "--config", &config]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(ran.stderr, "", "{name}");
        assert!(ran.stdout.contains(": allowed\n") && !ran.stdout.contains(": denied\n"), "{name}: {}", ran.stdout);
        assert!(!ran.stdout.contains("SANDBOX"), "{name}: a dry run shows no credential");
    }
}

#[test]
fn another_job_is_denied_by_the_trust_policy_too() {
    for (name, flags) in EXAMPLES {
        let config = format!("examples/{name}/jobpass.toml");
        let ran = run_in(&checkout(), &[], ["dry-run", "--config", &config, "--format", "json", flags[0], flags[1]]);
        assert_eq!(ran.code, 4, "{name}: {}{}", ran.stdout, ran.stderr);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        for edge in document["edges"].as_array().unwrap() {
            assert_eq!(edge["decision"], "deny", "{name}");
            assert_eq!(edge["explanation"]["decision"], "deny", "{name}: the gate alone is no boundary");
        }
    }
}

#[test]
fn an_edge_without_a_trust_policy_is_undecided() {
    let args = [
        "dry-run",
        "--repo",
        "acme/shop",
        "--aws-role",
        "arn:aws:iam::123456789012:role/r",
        "--aws-region",
        "eu-west-1",
    ];
    let ran = run_in(&checkout(), &[], args);
    assert_eq!(ran.code, 8, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("undecided"), "{}", ran.stdout);
}
