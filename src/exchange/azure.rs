//! Azure: client credentials with a federated assertion (Entra documentation, "Access token request with a federated
//! credential"; RFC 7523 §2.2), one request per resource, all from one ID token. Neither discovery is needed.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::Deserialize;

use super::{Granted, form, plain};
use crate::claims::IdToken;
use crate::credential::{AzureToken, AzureTokens, Credential, Grant};
use crate::edge::Edge;
use crate::edge::azure::Target;
use crate::error::{Error, Result, Retry};
use crate::net::{Answer, Client, Endpoint, Request, retrying};
use crate::random;
use crate::secret::{Secret, clean};

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: u64,
    #[serde(default)]
    token_type: String,
}

pub(super) async fn exchange(
    edge: &Edge,
    target: &Target,
    authority: &Endpoint,
    id_token: &IdToken,
    client: &Client,
) -> Result<Grant> {
    let endpoint = authority.join(&format!("{}/oauth2/v2.0/token", target.tenant_id));
    // Our own id goes along, so that a request can be found in Entra's logs even when no answer came back.
    let correlation_id = random::uuid()?;
    let asking = target.resources.iter().map(|resource| {
        let (endpoint, correlation_id) = (&endpoint, correlation_id.as_str());
        async move { token(target, endpoint, resource, correlation_id, id_token, client).await }
    });
    let tokens = futures_util::future::try_join_all(asking).await?;
    let granted = Granted {
        identity: target.client_id.clone(),
        request_id: correlation_id,
        credential: Credential::Azure(AzureTokens { tokens }),
    };
    Ok(granted.into_grant(edge, id_token))
}

async fn token(
    target: &Target,
    endpoint: &Endpoint,
    resource: &str,
    correlation_id: &str,
    id_token: &IdToken,
    client: &Client,
) -> Result<AzureToken> {
    let host = endpoint.host();
    let body = form(&[
        ("client_id", &target.client_id),
        ("grant_type", "client_credentials"),
        // A resource that ends in a slash keeps it: az asks for `https://management.core.windows.net//.default`.
        ("scope", &format!("{resource}/.default")),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", id_token.raw.reveal()),
    ]);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Ok(value) = HeaderValue::from_str(correlation_id) {
        headers.insert("client-request-id", value);
    }
    let post =
        || Request { method: Method::POST, url: endpoint.url().clone(), headers: headers.clone(), body: body.clone() };
    retrying(client, async || {
        let answer = client.send(post()).await?;
        if answer.status != 200 {
            return Err(refused(&answer, &host, target, &id_token.raw).detail("correlation id", correlation_id));
        }
        let minted: TokenAnswer = answer.json(&host, "a token answer (RFC 6749 §5.1)")?;
        plain(&minted.access_token, "access token", &host)?;
        if !minted.token_type.is_empty() && !minted.token_type.eq_ignore_ascii_case("bearer") {
            return Err(Error::network("answer-malformed", format!("{host} answered with a token of another type"))
                .detail("expected", "Bearer")
                .detail("presented", clean(&minted.token_type, &[])));
        }
        Ok(AzureToken {
            resource: resource.to_owned(),
            access_token: Secret::new(minted.access_token),
            expiration: client.clock().now() + Duration::from_secs(minted.expires_in.min(7 * 86_400)),
        })
    })
    .await
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u64>,
    #[serde(default)]
    trace_id: String,
}

fn refused(answer: &Answer, host: &str, target: &Target, id_token: &Secret) -> Error {
    let Ok(refusal) = answer.json::<Refusal>(host, "an OAuth error") else {
        let page = "check that the authority is Entra's, not a proxy's page";
        return super::unclear(answer, "azure-busy", host).hint(page);
    };
    // The description goes on with trace id, correlation id and time, which have lines of their own.
    let text = refusal.error_description.split(" Trace ID:").next().unwrap_or_default();
    let (code, text) = (clean(&refusal.error, &[id_token]), clean(text, &[id_token]));
    let number = refusal.error_codes.first().copied().unwrap_or_default();
    if answer.retry() != Retry::Never {
        return Error::network("azure-busy", format!("{host} could not answer now: {code}: {text}"))
            .retry(answer.retry());
    }
    let (retry, next) = class(number, target);
    let error = if matches!(number, 501_661 | 7_000_272) {
        Error::network("azure-issuer", format!("{host} could not check the token: {code}: {text}"))
    } else {
        Error::denied("azure-refused", format!("{host} refused: {code}: {text}"))
    };
    error
        .answered(if number == 0 { code } else { format!("AADSTS{number}") })
        .detail("application", target.client_id.clone())
        .detail("tenant", target.tenant_id.clone())
        .detail("trace id", clean(&refusal.trace_id, &[]))
        .hint(next)
        .retry(retry)
}

/// The retry class and the next step for an AADSTS code.
///
/// A 70021x is not proof of a mistake: Entra's documentation asks for retries "even after a token was successfully obtained".
fn class(number: u64, target: &Target) -> (Retry, &'static str) {
    let sovereign = target.cloud.name == "usgov" || target.cloud.name == "china";
    match number {
        70_021 => {
            (Retry::Few, "no federated credential of the application matches: compare its issuer, subject and audience")
        }
        700_211 => (
            Retry::Few,
            "no federated credential has this issuer: compare it with iss above, a slash at the end counts",
        ),
        700_212 if sovereign => {
            (Retry::Never, "the federated credential has another cloud's audience: compare it with aud above")
        }
        700_212 => (Retry::Few, "no federated credential has this audience: compare it with aud above"),
        700_213 => (
            Retry::Few,
            "no federated credential has this subject: compare it with sub above; an environment, a pull request or an \
             immutable subject (owner@id/repo@id) changes it",
        ),
        7_002_138 => (
            Retry::Never,
            "the subject differs in upper and lower case only; where the strings are identical, recreate the federated credential",
        ),
        700_024 => (
            Retry::NewToken,
            "the ID token lies outside its validity; if a fresh one fails too, check this machine's clock",
        ),
        7_002_381 => {
            (Retry::Never, "the tenant demands an enterprise claim, which only an enterprise's repositories carry")
        }
        7_000_272 => (Retry::Few, "the signing key is not in the issuer's metadata; after a key rotation this passes"),
        501_661 => {
            (Retry::Few, "Entra cannot reach the issuer: it must be public, check its address for a slash too many")
        }
        70_023 => (Retry::Never, "the ID token lives longer than the 25 hours Entra allows: shorten the job's timeout"),
        50_027 => (Retry::Never, "the ID token is malformed"),
        700_016 => (Retry::Never, "the application is not in this tenant: check client-id and tenant-id"),
        700_222 => {
            (Retry::Never, "a token issued by Entra is not allowed here, except for a managed identity as credential")
        }
        900_439 => (Retry::Never, "the tenant is in another cloud: set cloud = \"usgov\""),
        _ => (Retry::Never, "see the Entra documentation for this code"),
    }
}
