//! Whose issuer a URL is, and whether others share it.

/// The issuers whose tokens are known well enough to make them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trust) enum Kind {
    GitHub,
    GitLab,
    Buildkite,
    CircleCi,
    Bitbucket,
    Terraform,
    Other,
}

/// Who can have tokens of an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trust) enum Tenancy {
    /// Anybody with an account at the service.
    Shared,
    /// One organisation, enterprise or instance.
    Private,
    /// Not known.
    Unknown,
}

const SHARED: [&str; 8] = [
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "https://agent.buildkite.com",
    "https://oidc.circleci.com",
    "https://app.terraform.io",
    "https://app.eu.terraform.io",
    "https://accounts.google.com",
    "https://login.microsoftonline.com",
];

impl Kind {
    /// By the issuer's URL; a slash at its end does not count here.
    pub(in crate::trust) fn of(issuer: &str) -> Kind {
        let rest = issuer.strip_prefix("https://").unwrap_or(issuer).trim_end_matches('/').to_lowercase();
        let (host, path) = rest.split_once('/').unwrap_or((&rest, ""));
        if host == "token.actions.githubusercontent.com"
            || host.starts_with("token.actions.") && host.ends_with(".ghe.com")
            || path == "_services/token"
        {
            Kind::GitHub
        } else if host == "gitlab.com" || host.starts_with("gitlab.") {
            Kind::GitLab
        } else if host == "agent.buildkite.com" {
            Kind::Buildkite
        } else if host == "oidc.circleci.com" {
            Kind::CircleCi
        } else if host == "api.bitbucket.org" {
            Kind::Bitbucket
        } else if host == "app.terraform.io" || host == "app.eu.terraform.io" {
            Kind::Terraform
        } else {
            Kind::Other
        }
    }
}

impl Tenancy {
    /// By the issuer's URL.
    pub(in crate::trust) fn of(issuer: &str) -> Tenancy {
        let own = issuer.trim_end_matches('/').to_lowercase();
        if SHARED.contains(&own.as_str()) {
            Tenancy::Shared
        } else if Kind::of(issuer) == Kind::Other {
            Tenancy::Unknown
        } else {
            Tenancy::Private
        }
    }
}

/// The shared or well-known issuer that this URL is nearly: the same but for case, scheme or a slash at the end.
pub(in crate::trust) fn meant(issuer: &str) -> Option<&'static str> {
    let bare = |text: &str| {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(&text).to_owned();
        text.trim_end_matches('/').to_owned()
    };
    SHARED.into_iter().find(|known| bare(known) == bare(issuer) && *known != issuer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_and_who_shares_them() {
        for (issuer, kind, tenancy) in [
            ("https://token.actions.githubusercontent.com", Kind::GitHub, Tenancy::Shared),
            ("https://token.actions.githubusercontent.com/acme", Kind::GitHub, Tenancy::Private),
            ("https://token.actions.acme.ghe.com", Kind::GitHub, Tenancy::Private),
            ("https://TOKEN.actions.githubusercontent.com/", Kind::GitHub, Tenancy::Shared),
            ("https://token.actions.acme.example", Kind::Other, Tenancy::Unknown),
            ("https://acme.ghe.com", Kind::Other, Tenancy::Unknown),
            ("https://api.bitbucket.org/2.0/workspaces/acme", Kind::Bitbucket, Tenancy::Private),
            ("https://app.eu.terraform.io", Kind::Terraform, Tenancy::Shared),
            ("https://git.acme.example/_services/token", Kind::GitHub, Tenancy::Private),
            ("https://gitlab.com", Kind::GitLab, Tenancy::Shared),
            ("https://gitlab.acme.example", Kind::GitLab, Tenancy::Private),
            ("https://oidc.circleci.com/org/1", Kind::CircleCi, Tenancy::Private),
            ("https://oidc.circleci.com", Kind::CircleCi, Tenancy::Shared),
            ("https://agent.buildkite.com", Kind::Buildkite, Tenancy::Shared),
            ("https://app.terraform.io", Kind::Terraform, Tenancy::Shared),
            ("https://oidc.eks.eu-central-1.amazonaws.com/id/ABC", Kind::Other, Tenancy::Unknown),
        ] {
            assert_eq!((Kind::of(issuer), Tenancy::of(issuer)), (kind, tenancy), "{issuer}");
        }
    }

    #[test]
    fn nearly_the_issuer_is_told_from_the_issuer() {
        let github = "https://token.actions.githubusercontent.com";
        for issuer in [&format!("{github}/"), "http://token.actions.githubusercontent.com", "https://GitLab.com"] {
            assert!(meant(issuer).is_some(), "{issuer}");
        }
        assert_eq!(meant(github), None);
        assert_eq!(meant(&format!("{github}/acme")), None);
    }
}
