//! Which condition keys AWS fills for a web identity, and from which claim.
//!
//! A claim in the token is not a key in the request: AWS fills a short list per issuer and leaves the rest absent. Source:
//! AWS Service Authorization Reference, STS page, as of 2026-09.

use serde_json::Value;

use super::Request;

/// What stands behind a condition key.
pub(super) enum Found {
    /// Filled with this text.
    Value(String),
    /// Filled with this text, if the one source that names the key is right.
    Perhaps(String),
    /// Not in the request, on documented grounds.
    Absent(&'static str),
    /// Cannot be told offline, or is not documented.
    Unknown(&'static str),
}

/// GitHub's, under `token.actions.githubusercontent.com[/SLUG]` and `token.actions.SUBDOMAIN.ghe.com`.
const GITHUB: [&str; 9] = [
    "actor",
    "actor_id",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "workflow",
];
/// Named by one list of AWS and missing from another of the same month.
const GITHUB_UNSURE: &str = "repository_owner_id";
/// In the token, documented by GitHub, and not filled by AWS.
const GITHUB_NOT_FILLED: [&str; 18] = [
    "base_ref",
    "check_run_id",
    "enterprise",
    "event_name",
    "head_ref",
    "job_workflow_sha",
    "ref_protected",
    "ref_type",
    "repository_owner",
    "repository_visibility",
    "run_attempt",
    "run_id",
    "run_number",
    "runner_environment",
    "sha",
    "workflow_ref",
    "workflow_sha",
    "jti",
];
/// gitlab.com's; a self-managed GitLab has `sub` and `aud` only.
const GITLAB: [&str; 9] = [
    "namespace_id",
    "pipeline_source",
    "project_id",
    "ref_protected",
    "runner_environment",
    "user_access_level",
    "user_email",
    "user_id",
    "user_login",
];

const NOT_FILLED: &str = "AWS does not fill this key";

/// Looks a condition key up. Names of keys are compared without regard to case.
pub(super) fn find(key: &str, request: &Request<'_>) -> Found {
    let key = key.to_lowercase();
    let provider = request.provider.to_lowercase();
    let Some(claim) = key.strip_prefix(&provider).and_then(|rest| rest.strip_prefix(':')) else {
        return foreign(&key, &provider);
    };
    let github = is_github(&provider);
    match claim {
        "aud" => match request.claims.audiences().as_slice() {
            [] => Found::Absent("the token has no aud"),
            [one] => Found::Value(one.clone()),
            _ => Found::Unknown("several audiences under a plain operator"),
        },
        "sub" => filled(request, claim),
        "amr" | "azp" => match request.claims.value(claim) {
            None => Found::Absent("the token has no such claim"),
            Some(_) => Found::Unknown("amr and azp change the meaning of other keys"),
        },
        _ if github && GITHUB.contains(&claim) => filled(request, claim),
        _ if provider == "gitlab.com" && GITLAB.contains(&claim) => filled(request, claim),
        GITHUB_UNSURE if github => match filled(request, claim) {
            Found::Value(text) => Found::Perhaps(text),
            other => other,
        },
        _ if github && GITHUB_NOT_FILLED.contains(&claim) => Found::Absent(NOT_FILLED),
        _ => Found::Unknown("no list of AWS's names this key"),
    }
}

/// A key of another issuer is absent; the global ones depend on what is not known offline.
fn foreign(key: &str, provider: &str) -> Found {
    let host = key.split(':').next().unwrap_or_default();
    // `issuer:claim` where the token's issuer is `issuer/slug`, or the reverse: two different providers.
    let other_provider = host.contains('.') && !key.starts_with(&format!("{provider}:"));
    if other_provider {
        Found::Absent("the key belongs to another provider")
    } else {
        Found::Unknown("not known offline")
    }
}

fn is_github(provider: &str) -> bool {
    let host = provider.split('/').next().unwrap_or_default();
    host == "token.actions.githubusercontent.com" || (host.starts_with("token.actions.") && host.ends_with(".ghe.com"))
}

fn filled(request: &Request<'_>, claim: &str) -> Found {
    match request.claims.value(claim) {
        Some(Value::String(text)) => Found::Value(text.clone()),
        None | Some(Value::Null) => Found::Absent("the token has no such claim"),
        Some(_) => Found::Unknown("the claim is no text"),
    }
}
