//! GCP: token exchange at Google's STS (RFC 8693), then IAM Credentials for a service account.
//!
//! Two hops can refuse, and they mean different things: the exchange is the provider's issuer, audience, mapping and condition;
//! the impersonation is the binding on the service account. Every error names its hop.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::gcp_refused::{iam_refused, sts_refused};
use super::{Granted, form, plain};
use crate::claims::IdToken;
use crate::credential::{Credential, GcpTokens, Grant};
use crate::edge::Edge;
use crate::edge::endpoints::Endpoints;
use crate::edge::gcp::Target;
use crate::error::{Error, Result};
use crate::net::{Answer, Client, Endpoint, Request, bearer, retrying};
use crate::secret::{Secret, clean};

/// The scope of a federated token that is used for nothing but impersonation.
const IAM_SCOPE: &str = "https://www.googleapis.com/auth/iam";

#[derive(Deserialize)]
struct Exchanged {
    access_token: String,
    /// Left out only where the subject token is a user's access token, which an ID token is not.
    expires_in: u64,
    #[serde(default)]
    token_type: String,
}

#[derive(Serialize)]
struct AccessTokenRequest<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    delegates: &'a [String],
    scope: &'a [String],
    lifetime: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessToken {
    access_token: String,
    expire_time: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdTokenRequest<'a> {
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    delegates: &'a [String],
    audience: &'a str,
    include_email: bool,
}

#[derive(Deserialize)]
struct GoogleIdToken {
    token: String,
}

pub(super) async fn exchange(
    edge: &Edge,
    target: &Target,
    token: &Endpoint,
    iam_credentials: &Endpoint,
    id_token: &IdToken,
    client: &Client,
) -> Result<Grant> {
    let federated = federate(target, token, id_token, client).await.map_err(|error| error.at("exchange"))?;
    let Some(account) = &target.service_account else {
        let granted = Granted {
            identity: target.provider.name(),
            request_id: federated.request_id,
            credential: Credential::Gcp(GcpTokens {
                access_token: federated.token,
                expiration: federated.expiration,
                id_token: None,
            }),
        };
        return Ok(granted.into_grant(edge, id_token));
    };
    let caller = Caller { target, iam_credentials, account, federated: &federated.token, client };
    let (access, google_id_token) = tokio::join!(caller.access_token(edge.ttl), caller.id_token());
    let (access, google_id_token) = access
        .and_then(|access| Ok((access, google_id_token?)))
        .map_err(|error| error.at(format!("impersonation of {account}")))?;
    let granted = Granted {
        identity: account.clone(),
        request_id: access.request_id,
        credential: Credential::Gcp(GcpTokens {
            access_token: access.token,
            expiration: access.expiration,
            id_token: google_id_token,
        }),
    };
    Ok(granted.into_grant(edge, id_token))
}

/// A bearer token, when it ends, and the answer that brought it.
struct Bearer {
    token: Secret,
    expiration: OffsetDateTime,
    request_id: String,
}

/// First hop: `POST https://sts.googleapis.com/v1/token`. No `Authorization` header: Google's documentation warns of it.
async fn federate(target: &Target, token: &Endpoint, id_token: &IdToken, client: &Client) -> Result<Bearer> {
    let host = token.host();
    let scope = match &target.service_account {
        Some(_) => IAM_SCOPE.to_owned(),
        None => target.scopes.join(" "),
    };
    let body = form(&[
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("audience", &target.provider.sts_audience(&target.universe_domain)),
        ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("scope", &scope),
        ("subject_token", id_token.raw.reveal()),
    ]);
    let headers = headers(target, "application/x-www-form-urlencoded")?;
    let post =
        || Request { method: Method::POST, url: token.url().clone(), headers: headers.clone(), body: body.clone() };
    retrying(client, async || {
        let answer = client.send(post()).await?;
        if answer.status != 200 {
            return Err(sts_refused(&answer, &host, target, &id_token.raw));
        }
        let exchanged: Exchanged = answer.json(&host, "a token answer (RFC 8693 §2.2.1)")?;
        plain(&exchanged.access_token, "access token", &host)?;
        if !exchanged.token_type.is_empty() && !exchanged.token_type.eq_ignore_ascii_case("bearer") {
            return Err(Error::network("answer-malformed", format!("{host} answered with a token of another type"))
                .detail("expected", "Bearer")
                .detail("presented", clean(&exchanged.token_type, &[])));
        }
        let lifetime = Duration::from_secs(exchanged.expires_in.min(86_400));
        Ok(Bearer {
            token: Secret::new(exchanged.access_token),
            expiration: client.clock().now() + lifetime,
            request_id: request_id(&answer),
        })
    })
    .await
}

/// Second hop: `…/projects/-/serviceAccounts/ACCOUNT:generate…`.
struct Caller<'a> {
    target: &'a Target,
    iam_credentials: &'a Endpoint,
    account: &'a str,
    federated: &'a Secret,
    client: &'a Client,
}

impl Caller<'_> {
    async fn access_token(&self, ttl: Duration) -> Result<Bearer> {
        let lifetime = format!("{}s", ttl.as_secs());
        let (delegates, scope) = (&self.target.delegates, &self.target.scopes);
        let body = serde_json::to_vec(&AccessTokenRequest { delegates, scope, lifetime }).unwrap_or_default();
        self.call("generateAccessToken", body, |answer, host| {
            let minted: AccessToken = answer.json(host, "{\"accessToken\", \"expireTime\"}")?;
            plain(&minted.access_token, "access token", host)?;
            let expiration = OffsetDateTime::parse(&minted.expire_time, &Rfc3339).map_err(|_| {
                Error::network("answer-malformed", format!("{host} answered with an unusable expireTime"))
            })?;
            Ok(Bearer { token: Secret::new(minted.access_token), expiration, request_id: request_id(answer) })
        })
        .await
    }

    async fn id_token(&self) -> Result<Option<Secret>> {
        let Some(audience) = &self.target.id_token_audience else { return Ok(None) };
        let request = IdTokenRequest { delegates: &self.target.delegates, audience, include_email: true };
        let body = serde_json::to_vec(&request).unwrap_or_default();
        self.call("generateIdToken", body, |answer, host| {
            let minted: GoogleIdToken = answer.json(host, "{\"token\"}")?;
            plain(&minted.token, "ID token", host)?;
            Ok(Some(Secret::new(minted.token)))
        })
        .await
    }

    async fn call<T>(&self, method: &str, body: Vec<u8>, read: impl Fn(&Answer, &str) -> Result<T>) -> Result<T> {
        let host = self.iam_credentials.host();
        let url: Url = Endpoints::service_account_url(self.iam_credentials, self.account, method);
        let mut headers = headers(self.target, "application/json")?;
        headers.insert("authorization", bearer(self.federated)?);
        let post = || Request { method: Method::POST, url: url.clone(), headers: headers.clone(), body: body.clone() };
        retrying(self.client, async || {
            let answer = self.client.send(post()).await?;
            if answer.status == 200 { read(&answer, &host) } else { Err(iam_refused(&answer, &host, self.federated)) }
        })
        .await
    }
}

fn headers(target: &Target, content_type: &'static str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    for (name, value) in
        [("x-goog-request-reason", &target.request_reason), ("x-goog-user-project", &target.quota_project)]
    {
        if let Some(value) = value {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Error::usage("header", format!("`{value}` cannot be sent as {name}")))?;
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

pub(super) fn request_id(answer: &Answer) -> String {
    ["x-request-id", "x-goog-request-id", "x-guploader-uploadid"]
        .iter()
        .find_map(|name| answer.header(name))
        .map(|id| clean(id, &[]))
        .unwrap_or_default()
}
