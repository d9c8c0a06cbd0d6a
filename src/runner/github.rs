//! GitHub Actions: one GET per audience (GitHub documentation, "OpenID Connect reference").
//!
//! `GITHUB_ACTIONS=true` says where we are; the two `ACTIONS_ID_TOKEN_REQUEST_*` variables say that we may mint. The first
//! without the others is a missing permission, not the absence of a runner.

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::check::checked;
use crate::claims::github::ISSUER;
use crate::claims::{IdToken, unverified};
use crate::error::{Error, Kind, Result, Retry};
use crate::net::{self, Answer, Client, Endpoint, Request, retrying};
use crate::secret::{Secret, clean};
use crate::world::World;

/// More of the event file than this is not read, in bytes: it is looked at only to word an error.
const MAX_EVENT: u64 = 8 * 1024 * 1024;

/// The runner's token endpoint.
pub struct Github {
    url: String,
    bearer: Secret,
    server: String,
}

/// `{"count":N,"value":"<jwt>"}`; the count says nothing.
#[derive(Deserialize)]
struct Minted {
    value: String,
}

impl Github {
    /// True on a GitHub Actions runner.
    #[must_use]
    pub fn here(world: &World) -> bool {
        world.var("GITHUB_ACTIONS").is_ok_and(|value| value == Some("true"))
    }

    /// The token endpoint of this job.
    ///
    /// # Errors
    /// Exit 3 with the cause when the job may not mint.
    pub fn new(world: &World) -> Result<Github> {
        let (Some(url), Some(bearer)) =
            (world.var("ACTIONS_ID_TOKEN_REQUEST_URL")?, world.var("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?)
        else {
            return Err(no_permission(world));
        };
        let server = world.var("GITHUB_SERVER_URL")?.unwrap_or("https://github.com").trim_end_matches('/').to_owned();
        Ok(Github { url: url.to_owned(), bearer: Secret::new(bearer), server })
    }

    /// Mints an ID token for `audience`.
    pub(super) async fn id_token(&self, audience: &str, client: &Client, world: &World) -> Result<IdToken> {
        let endpoint = Endpoint::parse(&self.url, "ACTIONS_ID_TOKEN_REQUEST_URL", client.sandbox())?;
        let url = with_audience(endpoint.url(), audience);
        let host = endpoint.host();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", net::bearer(&self.bearer)?);
        headers.insert("accept", reqwest::header::HeaderValue::from_static("application/json"));
        let (mut token, answer) = retrying(client, async || {
            let request = Request { method: Method::GET, url: url.clone(), headers: headers.clone(), body: Vec::new() };
            let answer = client.send(request).await?;
            if answer.status != 200 {
                return Err(self.refused(&answer, &host));
            }
            let minted: Minted = answer.json(&host, "{\"value\": \"<the ID token>\"}")?;
            let token = unverified::decode(Secret::new(minted.value)).map_err(|error| error.at(&host))?;
            Ok((token, answer))
        })
        .await
        .map_err(|error| error.at("asking the runner for an ID token"))?;
        let (here, issuer) = (world.clock.now(), issuer_clock(&answer));
        token.ahead = issuer.map(|issuer| issuer.unix_timestamp() - here.unix_timestamp());
        let now = issuer.unwrap_or(here);
        checked(token, audience, now, client.sandbox(), |issuer| fits_issuer(issuer, &self.server))
    }

    fn refused(&self, answer: &Answer, host: &str) -> Error {
        let text = clean(&String::from_utf8_lossy(&answer.body), &[&self.bearer]);
        let passing = answer.status == 403
            && text.contains("Can't issue ID_TOKEN")
            && (text.contains("'Pending'") || text.contains("'Delayed'"));
        let retry = if passing { Retry::Again(None) } else { answer.retry() };
        let error = Error::network("token-endpoint", format!("{host} answered {}", answer.status))
            .detail("it said", text.clone())
            .retry(retry);
        if text.contains("'Completed'") {
            return error.hint("the job has ended: a token can be minted only while it runs");
        }
        match answer.status {
            401 | 403 if !passing => error.hint("the request token of this job is not valid any more, or was altered"),
            _ => error.hint("this is the runner's token service, not a missing permission; try the job again"),
        }
    }
}

/// The URL with `audience` set: parsed and replaced, never concatenated (it already has a query, and may have an audience).
fn with_audience(url: &Url, audience: &str) -> Url {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "audience")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair("audience", audience);
    url
}

/// The issuers of github.com (with or without an enterprise's slug), of data residency, of a GitHub Enterprise Server and of a
/// Forgejo instance.
fn fits_issuer(issuer: &str, server: &str) -> bool {
    let own = |base: &str| issuer.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let residency = issuer.strip_prefix("https://token.actions.").is_some_and(|rest| {
        let host = rest.split('/').next().unwrap_or_default();
        host.strip_suffix(".ghe.com").is_some_and(|name| !name.is_empty() && !name.contains('.'))
    });
    own(ISSUER) || residency || own(&format!("{server}/_services/token")) || issuer == format!("{server}/api/actions")
}

fn issuer_clock(answer: &Answer) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(answer.header("date")?, &Rfc2822).ok()
}

/// One of three causes: fork or Dependabot, the permission, or the caller of a reusable workflow.
fn no_permission(world: &World) -> Error {
    let error = |message: &str| {
        Error::new(Kind::NoToken, "no-permission", message).detail(
            "missing",
            "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, which GitHub gives to jobs with id-token: write",
        )
    };
    let actor = world.var("GITHUB_ACTOR").ok().flatten().unwrap_or_default();
    if actor == "dependabot[bot]" {
        return error("this run was started by Dependabot, and GitHub gives such runs no ID token")
            .hint("run the deployment on push after the merge, or behind an environment");
    }
    if is_fork(world) {
        return error("this run comes from a fork's pull request, and GitHub gives such runs no ID token")
            .hint("that is by design: a stranger's code must not get credentials; skip this job for forks");
    }
    error("this job may not mint an ID token")
        .hint("add `permissions: { id-token: write }` to the job (naming any permission drops the others: add contents: read)")
        .hint("in a reusable workflow the calling job has to grant id-token: write, the called one cannot")
}

/// Reads the event for the one fact that words the error; anything unreadable counts as "not a fork".
fn is_fork(world: &World) -> bool {
    #[derive(Deserialize)]
    struct Event {
        pull_request: PullRequest,
    }
    #[derive(Deserialize)]
    struct PullRequest {
        head: Side,
        base: Side,
    }
    #[derive(Deserialize)]
    struct Side {
        repo: Option<Repository>,
    }
    #[derive(Deserialize)]
    struct Repository {
        full_name: String,
    }
    let Some(path) = world.path("GITHUB_EVENT_PATH") else { return false };
    if std::fs::metadata(&path).map_or(true, |metadata| !metadata.is_file() || metadata.len() > MAX_EVENT) {
        return false;
    }
    let Ok(event) =
        std::fs::read(&path).map_err(|_| ()).and_then(|text| serde_json::from_slice::<Event>(&text).map_err(|_| ()))
    else {
        return false;
    };
    let name = |side: &Side| side.repo.as_ref().map(|repository| repository.full_name.clone());
    // A fork that was deleted has no repository any more.
    name(&event.pull_request.head) != name(&event.pull_request.base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_is_set_in_the_query_and_replaced() {
        for (url, expected) in [
            ("https://x/t?api-version=2.0", "api-version=2.0&audience=api%3A%2F%2Fa+b%26c"),
            ("https://x/t?placeholder=true&audience=old", "placeholder=true&audience=api%3A%2F%2Fa+b%26c"),
            ("https://x/t", "audience=api%3A%2F%2Fa+b%26c"),
        ] {
            let url = with_audience(&Url::parse(url).unwrap(), "api://a b&c");
            assert_eq!(url.query(), Some(expected));
        }
    }

    #[test]
    fn issuers() {
        let server = "https://ghes.example";
        for issuer in [
            ISSUER,
            "https://token.actions.githubusercontent.com/acme",
            "https://token.actions.acme.ghe.com",
            "https://token.actions.acme.ghe.com/acme",
            "https://ghes.example/_services/token",
            "https://ghes.example/api/actions",
        ] {
            assert!(fits_issuer(issuer, server), "{issuer}");
        }
        for issuer in [
            "https://token.actions.githubusercontent.com.evil.example",
            "https://token.actions.evil.example/.ghe.com",
            "https://token.actions.a.b.ghe.com",
            "https://other.example/_services/token",
            "http://token.actions.githubusercontent.com",
            "",
        ] {
            assert!(!fits_issuer(issuer, server), "{issuer}");
        }
    }

    #[test]
    fn names_the_cause_of_a_missing_permission() {
        let directory = std::env::temp_dir().join(format!("jobpass-event-{}", crate::random::hex128().unwrap()));
        std::fs::create_dir(&directory).unwrap();
        let world = |event: &str| {
            let path = directory.join("event.json");
            std::fs::write(&path, event).unwrap();
            World::nothing().with("GITHUB_ACTIONS", "true").with("GITHUB_EVENT_PATH", &path)
        };
        let fork =
            r#"{"pull_request":{"head":{"repo":{"full_name":"eve/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}"#;
        let own =
            r#"{"pull_request":{"head":{"repo":{"full_name":"acme/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}"#;
        let gone = r#"{"pull_request":{"head":{"repo":null},"base":{"repo":{"full_name":"acme/shop"}}}}"#;
        for (event, word) in
            [(fork, "fork"), (gone, "fork"), (own, "may not mint"), ("{}", "may not mint"), ("", "may not mint")]
        {
            let error = Github::new(&world(event)).err().unwrap();
            assert!(error.message.contains(word), "{event}: {error}");
            assert_eq!(error.kind.exit_code(), 3);
            let text = format!("{error}{:?}", error.hints);
            assert!(
                !text.contains("pull_request_target"),
                "never suggest a trigger that runs foreign code with secrets"
            );
        }
        let error = Github::new(&world("{}").with("GITHUB_ACTOR", "dependabot[bot]")).err().unwrap();
        assert!(error.message.contains("Dependabot"));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
