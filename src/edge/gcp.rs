//! What a GCP edge asks for: a provider's name, and what is wanted behind it.

use std::fmt;
use std::time::Duration;

use super::Problems;
use super::draft::Draft;
use crate::duration;

/// A valid GCP target.
#[derive(Clone, Debug)]
pub struct Target {
    /// The workload identity provider.
    pub provider: Provider,
    /// `googleapis.com`, or the domain of another universe; every host is made from it.
    pub universe_domain: String,
    /// Email or unique id; `None` is direct access.
    pub service_account: Option<String>,
    /// The project that tools work in.
    pub project: Option<String>,
    /// Scopes of the access token, at least one.
    pub scopes: Vec<String>,
    /// Service accounts between the federated token and the last one, as `projects/-/serviceAccounts/…`.
    pub delegates: Vec<String>,
    /// When set, an ID token for this audience is asked for beside the access token (service account needed).
    pub id_token_audience: Option<String>,
    /// The project that quota is counted against.
    pub quota_project: Option<String>,
    /// Why the access is wanted: header `x-goog-request-reason` on every call.
    pub request_reason: Option<String>,
}

/// The usual universe.
pub const UNIVERSE: &str = "googleapis.com";
/// The scope that is asked for when none is named.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long a service account's access token can be asked to live, in seconds (above one hour only where the organisation
/// policy `constraints/iam.allowServiceAccountCredentialLifetimeExtension` lists the account).
pub const TOKEN_SECONDS: std::ops::RangeInclusive<u64> = 600..=43_200;

impl Target {
    /// Validates the keys of a GCP edge; every problem is reported with its place.
    pub(super) fn valid(draft: &mut Draft, ttl: Duration, ttl_place: &str, problems: &mut Problems) -> Option<Target> {
        let example = "projects/123456789/locations/global/workloadIdentityPools/POOL/providers/PROVIDER";
        let provider = draft.required("provider", example, problems).and_then(|(text, place)| {
            let parsed = Provider::parse(&text);
            if let Err(why) = &parsed {
                problems.push(place, format!("provider `{text}` {why}"), None);
            }
            parsed.ok()
        });
        let universe = draft.text("universe-domain", problems);
        if let Some((universe, place)) = &universe
            && !is_domain(universe)
        {
            problems.push(place, format!("universe-domain `{universe}` is not a domain such as {UNIVERSE}"), None);
        }
        let service_account = draft.text("service-account", problems);
        if let Some((account, place)) = &service_account
            && !is_account(account)
        {
            problems.push(place, format!("service-account `{account}` is neither an email nor a unique id"), None);
        }
        let project = draft.text("project", problems).map(|(text, _)| text);
        let quota_project = header_value("quota-project", draft, problems);
        let request_reason = header_value("request-reason", draft, problems);
        let scopes: Vec<String> = draft.texts("scopes", problems).into_iter().map(|(scope, _)| scope).collect();
        let delegates = delegates(draft, problems);
        let id_token_audience = draft.text("id-token-audience", problems);
        if service_account.is_none() {
            if let Some((_, place)) = &id_token_audience {
                let message = "id-token-audience needs a service-account: direct access has no ID tokens";
                problems.push(place, message, None);
            }
            if !delegates.is_empty() {
                problems.push(ttl_place, "delegates need a service-account at their end", None);
            }
        } else if !TOKEN_SECONDS.contains(&ttl.as_secs()) {
            let message = format!("ttl {} is outside 10m to 12h, the range of an access token", duration::text(ttl));
            problems.push(ttl_place, message, None);
        }
        Some(Target {
            provider: provider?,
            universe_domain: universe.map_or_else(|| UNIVERSE.to_owned(), |(universe, _)| universe),
            service_account: service_account.map(|(account, _)| account),
            project,
            scopes: if scopes.is_empty() { vec![CLOUD_PLATFORM.to_owned()] } else { scopes },
            delegates,
            id_token_audience: id_token_audience.map(|(audience, _)| audience),
            quota_project,
            request_reason,
        })
    }

    /// The project that tools work in: as named, else the one in a service account's email.
    #[must_use]
    pub fn working_project(&self) -> Option<String> {
        self.project.clone().or_else(|| {
            let (_, domain) = self.service_account.as_deref()?.split_once('@')?;
            Some(domain.strip_suffix(".iam.gserviceaccount.com")?.to_owned())
        })
    }
}

/// A text that is sent as a header: visible ASCII and blanks.
fn header_value(key: &'static str, draft: &mut Draft, problems: &mut Problems) -> Option<String> {
    let (text, place) = draft.text(key, problems)?;
    if text.is_empty() || !text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
        problems.push(place, format!("{key} holds what no header can carry, expected ASCII letters on one line"), None);
    }
    Some(text)
}

fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

/// An email, or the digits of a unique id. It becomes part of a URL's path: nothing else may stand in it.
fn is_account(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    match text.split_once('@') {
        Some((name, domain)) => !name.is_empty() && name.chars().all(fits) && is_domain(domain),
        None => !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()),
    }
}

/// Delegates with or without `projects/-/serviceAccounts/` before them; the API wants it, people leave it out.
fn delegates(draft: &mut Draft, problems: &mut Problems) -> Vec<String> {
    const PREFIX: &str = "projects/-/serviceAccounts/";
    let mut delegates = Vec::new();
    for (text, place) in draft.texts("delegates", problems) {
        let account = text.strip_prefix(PREFIX).unwrap_or(&text);
        if !is_account(account) {
            problems.push(place, format!("delegate `{text}` is neither an email nor a unique id"), None);
        }
        delegates.push(format!("{PREFIX}{account}"));
    }
    delegates
}

/// `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// The project's number, not its id.
    pub project_number: String,
    /// The pool's id.
    pub pool: String,
    /// The provider's id.
    pub provider: String,
}

impl Provider {
    /// Reads the full resource name, with or without `//iam.googleapis.com/` or `https://iam.googleapis.com/` before it.
    ///
    /// # Errors
    /// What is wrong, in words that finish the sentence "the provider …": a project id in the number's place, a pool instead
    /// of a provider, another location.
    pub fn parse(text: &str) -> Result<Provider, String> {
        let name = text.strip_prefix("https:").unwrap_or(text);
        let name = match name.strip_prefix("//") {
            Some(rest) => {
                let (host, name) = rest.split_once('/').unwrap_or((rest, ""));
                if !host.starts_with("iam.") {
                    return Err(format!("names the host `{host}`, expected iam.{UNIVERSE}"));
                }
                name
            }
            None => name,
        };
        let parts: Vec<&str> = name.split('/').collect();
        match parts.as_slice() {
            ["projects", project, "locations", location, "workloadIdentityPools", pool, "providers", provider] => {
                if project.is_empty() || !project.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(format!(
                        "has the project id `{project}` where the project's number stands; \
                         `gcloud projects describe {project} --format='value(projectNumber)'` prints it"
                    ));
                }
                if *location != "global" {
                    return Err(format!("has the location `{location}`, expected global"));
                }
                let id = |id: &str| {
                    (4..=32).contains(&id.len())
                        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                };
                for (what, value) in [("pool", pool), ("provider", provider)] {
                    if !id(value) {
                        return Err(format!("has the {what} id `{value}`, expected 4 to 32 of a-z, 0-9 and -"));
                    }
                }
                Ok(Provider {
                    project_number: (*project).to_owned(),
                    pool: (*pool).to_owned(),
                    provider: (*provider).to_owned(),
                })
            }
            ["projects", _, "locations", _, "workloadIdentityPools", _] => {
                Err("is a pool's name: /providers/PROVIDER is missing at its end".to_owned())
            }
            _ => {
                Err("is not of the form projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER"
                    .to_owned())
            }
        }
    }

    /// The resource name without a host.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// The pool's resource name, as principals carry it.
    #[must_use]
    pub fn pool_name(&self) -> String {
        format!("projects/{}/locations/global/workloadIdentityPools/{}", self.project_number, self.pool)
    }

    /// The `audience` of the token exchange: `//iam.UNIVERSE/NAME`.
    #[must_use]
    pub fn sts_audience(&self, universe_domain: &str) -> String {
        format!("//iam.{universe_domain}/{self}")
    }

    /// The `aud` of the ID token when the provider has no allowed audiences of its own: `https://iam.UNIVERSE/NAME`.
    #[must_use]
    pub fn id_token_audience(&self, universe_domain: &str) -> String {
        format!("https://iam.{universe_domain}/{self}")
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/providers/{}", self.pool_name(), self.provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";

    #[test]
    fn reads_the_three_spellings_of_a_provider() {
        for text in
            [NAME.to_owned(), format!("//iam.googleapis.com/{NAME}"), format!("https://iam.googleapis.com/{NAME}")]
        {
            let provider = Provider::parse(&text).unwrap();
            assert_eq!(provider.name(), NAME);
            assert_eq!(provider.sts_audience(UNIVERSE), format!("//iam.googleapis.com/{NAME}"));
        }
    }

    #[test]
    fn says_which_part_of_a_provider_is_wrong() {
        for (text, word) in [
            ("projects/my-project/locations/global/workloadIdentityPools/ci-pool/providers/github", "project id"),
            ("projects/123456789/locations/global/workloadIdentityPools/ci-pool", "pool's name"),
            ("projects/123456789/locations/eu/workloadIdentityPools/ci-pool/providers/github", "location"),
            ("projects/123456789/locations/global/workloadIdentityPools/CI/providers/github", "pool id"),
            ("https://evil.example/projects/1/locations/global/workloadIdentityPools/ci-pool/providers/github", "host"),
            ("github", "form"),
        ] {
            let error = Provider::parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
