//! The whole battery for jobs of every kind, token by token, as a snapshot.
//!
//! A failure prints what it would be, to be put into `tests/it/snapshots/battery.txt` and read by a person: this room writes no files.

use std::fmt::Write as _;

use super::{Pattern, Token, Wanted, battery};

const HELD: &str = include_str!("../../../tests/it/snapshots/battery.txt");
const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.com";
const CIRCLE: &str = "https://oidc.circleci.com/org/5-6";
const BITBUCKET: &str = "https://api.bitbucket.org/2.0/workspaces/w/pipelines-config/identity/oidc";
const TERRAFORM: &str = "https://app.terraform.io";
/// When the tokens are issued.
const NOW: i64 = 1_795_132_800;

/// Issuers, and the claims that a trust policy asks for, with wildcards.
const ASKED: [(&str, &[(&str, &str)]); 44] = [
    (GITHUB, &[]),
    (GITHUB, &[("sub", "repo:octo/app:ref:refs/heads/main")]),
    (GITHUB, &[("sub", "repo:octo/app:ref:refs/tags/v*")]),
    (GITHUB, &[("sub", "repo:octo/app:environment:a%3Ab")]),
    (GITHUB, &[("sub", "repo:octo/app:pull_request")]),
    (GITHUB, &[("sub", "repo:octo@5/app@6:environment:live")]),
    (GITHUB, &[("sub", "repo:octo@*")]),
    (GITHUB, &[("sub", "repo:octo*")]),
    (GITHUB, &[("sub", "repo:????/app:*")]),
    (GITHUB, &[("sub", "*:ref:refs/heads/live")]),
    (GITHUB, &[("sub", "ref:refs/heads/main")]),
    (GITHUB, &[("sub", "environment:live")]),
    (GITHUB, &[("sub", "repository_owner:octo:environment:a%3Ab")]),
    (GITHUB, &[("sub", "repository_owner_id:5:repository_id:6:workflow:build%3Aall:actor:eve:event_name:push")]),
    (GITHUB, &[("sub", "repo:octo/app:job_workflow_ref:octo/flows/.github/workflows/x.yml@refs/heads/main")]),
    (GITHUB, &[("sub", "repo:octo/app:runner_environment:self-hosted")]),
    (GITHUB, &[("sub", "repo:octo/app:nothing:that:is:known")]),
    (GITHUB, &[("job_workflow_ref", "octo/flows/.github/workflows/x.yml@refs/tags/v1"), ("repository_id", "6")]),
    (GITHUB, &[("job_workflow_ref", "octo/flows/.github/workflows/x.yml"), ("repository_owner", "octo")]),
    (GITHUB, &[("job_workflow_ref", "octo/*"), ("sub", "repo:octo/app:ref:refs/heads/main")]),
    (GITHUB, &[("repository", "octo/app"), ("repository_owner", "octo"), ("ref", "main"), ("actor", "eve")]),
    (
        GITHUB,
        &[
            ("repository_owner_id", "5"),
            ("environment", "live"),
            ("event_name", "workflow_dispatch"),
            ("workflow", "build"),
            ("repository_visibility", "public"),
            ("runner_environment", "self-hosted"),
            ("ref_protected", "false"),
            ("actor_id", "7"),
            ("enterprise_id", "8"),
        ],
    ),
    ("https://git.acme.example/_services/token", &[("sub", "repo:octo/app:*")]),
    (GITLAB, &[]),
    (GITLAB, &[("sub", "project_path:g/p:ref_type:branch:ref:main")]),
    (GITLAB, &[("sub", "project_path:g/s/*:ref_type:tag:ref:v*")]),
    (GITLAB, &[("sub", "project_id:7:*")]),
    (GITLAB, &[("sub", "project_path:g/p:ref_protected:true:namespace_id:8:namespace_path:g")]),
    (GITLAB, &[("sub", "nothing:that:is:known")]),
    (
        GITLAB,
        &[("project_id", "7"), ("namespace_id", "8"), ("ref", "live"), ("ref_type", "tag"), ("environment", "live")],
    ),
    (GITLAB, &[("namespace_path", "g"), ("user_login", "eve"), ("pipeline_source", "web"), ("ref_protected", "true")]),
    ("https://agent.buildkite.com", &[("sub", "organization:o:pipeline:p:ref:refs/heads/main:commit:*:step:*")]),
    ("https://agent.buildkite.com", &[("organization_slug", "o"), ("pipeline_slug", "p"), ("build_branch", "live")]),
    ("https://agent.buildkite.com", &[("sub", "0184990a-477b-4fa8-9968-496074483cee")]),
    (CIRCLE, &[("sub", "org/5-6/project/7-8/user/*/vcs-origin/*/vcs-ref/refs/heads/main")]),
    (CIRCLE, &[("oidc.circleci.com/project-id", "7-8")]),
    ("https://oidc.circleci.com", &[("sub", "org/5-6/project/7-8/user/*")]),
    (BITBUCKET, &[("sub", "{1-2}:*")]),
    (BITBUCKET, &[("repositoryUuid", "{1-2}"), ("branchName", "main")]),
    (TERRAFORM, &[("sub", "organization:o:project:p:workspace:w:run_phase:plan")]),
    (
        TERRAFORM,
        &[("terraform_organization_name", "o"), ("terraform_workspace_name", "w"), ("terraform_run_phase", "apply")],
    ),
    ("https://accounts.google.com", &[("sub", "107517467455664443766"), ("email", "a@acme.example")]),
    ("https://accounts.google.com", &[("hd", "acme.example")]),
    ("https://oidc.acme.example", &[("sub", "job:*"), ("team", "blue")]),
];

fn wanted(issuer: &str, claims: &[(&str, &str)]) -> Wanted {
    Wanted {
        issuer: issuer.to_owned(),
        audience: "sts.amazonaws.com".to_owned(),
        claims: claims.iter().map(|(name, text)| ((*name).to_owned(), Pattern::like(text))).collect(),
    }
}

/// The first token whole, of the others what is another there.
fn shown(tokens: &[Token]) -> String {
    let mut out = String::new();
    let first = tokens[0].claims.as_map();
    for token in tokens {
        let own = token.claims.as_map();
        let mut parts = Vec::new();
        if token.issuer != tokens[0].issuer {
            parts.push(format!("issuer {}", token.issuer));
        }
        let whole = std::ptr::eq(own, first);
        let changed = own.iter().filter(|(name, value)| whole || first.get(*name) != Some(value));
        parts.extend(
            changed.map(|(name, value)| format!("{name}={}", value.as_str().map_or(value.to_string(), str::to_owned))),
        );
        parts.extend(first.keys().filter(|name| !own.contains_key(*name)).map(|name| format!("no {name}")));
        let _ = writeln!(out, "  {}: {}", token.probe.words(), parts.join(", "));
    }
    out
}

#[test]
fn the_battery_is_the_one_that_was_read() {
    let mut out = String::new();
    for (issuer, claims) in ASKED {
        let asked: Vec<String> = claims.iter().map(|(name, text)| format!("{name}={text}")).collect();
        let _ = writeln!(out, "{issuer} {}", asked.join(" "));
        out.push_str(&shown(&battery(&wanted(issuer, claims), NOW)));
    }
    let at = HELD.lines().zip(out.lines()).position(|(one, other)| one != other);
    assert!(HELD == out, "battery.txt differs from line {:?} on; it would be\n{out}", at.map(|at| at + 1));
}

#[test]
fn every_adversary_differs_from_the_intended_job_and_bears_its_times() {
    for (issuer, claims) in ASKED {
        let tokens = battery(&wanted(issuer, claims), NOW);
        for token in tokens.iter().skip(1) {
            let same = token.claims == tokens[0].claims && token.issuer == tokens[0].issuer;
            assert!(!same, "{issuer} {claims:?}: {}", token.probe.words());
        }
        let lives = |token: &Token| token.claims.seconds("iat") == Some(NOW) && token.claims.seconds("exp") > Some(NOW);
        assert!(tokens.iter().all(lives), "{issuer} {claims:?}");
    }
}
