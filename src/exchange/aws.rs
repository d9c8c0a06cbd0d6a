//! AWS: AssumeRoleWithWebIdentity, and AssumeRole along a chain (STS API, version 2011-06-15), through the vendor's client.
//!
//! The account id is read from `AssumedRoleUser.Arn`: no GetCallerIdentity, one round trip less.

use std::time::Duration;

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials as StsCredentials, PolicyDescriptorType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use time::OffsetDateTime;

use super::{Granted, plain};
use crate::claims::{Claims, IdToken};
use crate::credential::{AwsSession, Credential, Grant};
use crate::edge::Edge;
use crate::edge::aws::{CHAINED_SECONDS, Link, Target, fits_session_name};
use crate::error::{Error, Result, Retry};
use crate::net::sdk::{SdkTransport, error_in};
use crate::net::{Client, Endpoint, retrying};
use crate::secret::{Secret, clean};

/// Codes that mean "too many requests", as both AWS SDK generations list them. STS sends them with status 400.
const THROTTLING: [&str; 14] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];
/// Codes that pass by themselves.
const TRANSIENT: [&str; 3] = ["IDPCommunicationError", "RequestTimeout", "RequestTimeoutException"];

pub(super) async fn exchange(
    edge: &Edge,
    target: &Target,
    sts: Option<&Endpoint>,
    id_token: &IdToken,
    client: &Client,
) -> Result<Grant> {
    let name = target.session_name.clone().unwrap_or_else(|| session_name(&id_token.unverified));
    let mut granted = assume_with_web_identity(edge, target, sts, &name, id_token, client).await?;
    for link in &target.chain {
        granted = assume(edge, target, sts, &name, link, granted, client).await?;
    }
    let Credential::Aws(session) = &granted.credential else { return Ok(granted.into_grant(edge, id_token)) };
    if !target.allowed_account_ids.is_empty() && !target.allowed_account_ids.contains(&session.account) {
        return Err(Error::denied("account", "the role lies in an account that the edge does not allow")
            .detail("expected account", target.allowed_account_ids.join(" or "))
            .detail("presented account", session.account.clone())
            .hint("correct role or allowed-account-ids; nothing was handed to the job"));
    }
    Ok(granted.into_grant(edge, id_token))
}

async fn assume_with_web_identity(
    edge: &Edge,
    target: &Target,
    sts: Option<&Endpoint>,
    name: &str,
    id_token: &IdToken,
    client: &Client,
) -> Result<Granted> {
    let api = api(target, sts, None, client);
    let seconds = if target.chain.is_empty() { edge.ttl } else { edge.ttl.min(Duration::from_secs(CHAINED_SECONDS)) };
    retrying(client, async || {
        let answer = api
            .assume_role_with_web_identity()
            .role_arn(&target.role)
            .role_session_name(name)
            .web_identity_token(id_token.raw.reveal())
            .duration_seconds(i32::try_from(seconds.as_secs()).unwrap_or(i32::MAX))
            // The limits narrow the session that the job gets: with a chain, that is the last one.
            .set_policy(target.session_policy.clone().filter(|_| target.chain.is_empty()))
            .set_policy_arns(managed(target).filter(|_| target.chain.is_empty()))
            .send()
            .await
            .map_err(|error| refused(&error, &target.role, &[&id_token.raw]))?;
        session(answer.credentials(), answer.assumed_role_user(), answer.request_id())
    })
    .await
}

/// One step of a chain, signed with the session before it.
async fn assume(
    edge: &Edge,
    target: &Target,
    sts: Option<&Endpoint>,
    name: &str,
    link: &Link,
    before: Granted,
    client: &Client,
) -> Result<Granted> {
    let Credential::Aws(session_before) = &before.credential else { return Ok(before) };
    let api = api(target, sts, Some(session_before), client);
    let last = target.chain.last().is_some_and(|last| std::ptr::eq(last, link));
    let secrets = before.credential.secrets();
    retrying(client, async || {
        let answer = api
            .assume_role()
            .role_arn(&link.role)
            .role_session_name(name)
            .set_external_id(link.external_id.clone())
            .duration_seconds(i32::try_from(edge.ttl.as_secs().min(CHAINED_SECONDS)).unwrap_or(i32::MAX))
            .set_policy(target.session_policy.clone().filter(|_| last))
            .set_policy_arns(managed(target).filter(|_| last))
            .send()
            .await
            .map_err(|error| {
                refused(&error, &link.role, &secrets).detail("assumed from", session_before.arn.clone())
            })?;
        session(answer.credentials(), answer.assumed_role_user(), answer.request_id())
    })
    .await
}

fn api(target: &Target, sts: Option<&Endpoint>, signer: Option<&AwsSession>, client: &Client) -> aws_sdk_sts::Client {
    let config = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(target.region.clone()))
        .http_client(SdkTransport(client.clone()))
        // One retry loop and one deadline: ours.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let config = match signer {
        None => config.allow_no_auth(),
        Some(session) => config.credentials_provider(Credentials::new(
            session.access_key_id.clone(),
            session.secret_access_key.reveal(),
            Some(session.session_token.reveal().to_owned()),
            Some(session.expiration.into()),
            "chain",
        )),
    };
    let config = match sts {
        Some(endpoint) => config.endpoint_url(endpoint.url().as_str()),
        None => config,
    };
    aws_sdk_sts::Client::from_conf(config.build())
}

fn managed(target: &Target) -> Option<Vec<PolicyDescriptorType>> {
    let arns = &target.managed_session_policies;
    (!arns.is_empty()).then(|| arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build()).collect())
}

/// `jobpass-RUN-ATTEMPT`: what CloudTrail shows, so that a session leads back to its job. Sanitised, 64 characters at most.
fn session_name(unverified: &Claims) -> String {
    let (run, attempt) = ("run_id", "run_attempt");
    let parts = match (unverified.text(run), unverified.text("pipeline_id")) {
        (Some(run), _) => vec![run, unverified.text(attempt).unwrap_or_else(|| "1".to_owned())],
        (None, Some(pipeline)) => vec![pipeline, unverified.text("job_id").unwrap_or_default()],
        (None, None) => vec![unverified.subject()],
    };
    let name = format!("jobpass-{}", parts.join("-"));
    name.chars().map(|c| if fits_session_name(c) { c } else { '-' }).take(64).collect()
}

fn session(
    credentials: Option<&StsCredentials>,
    user: Option<&AssumedRoleUser>,
    request_id: Option<&str>,
) -> Result<Granted> {
    const HOST: &str = "sts";
    let missing = |what: &str| {
        Error::network("answer-malformed", format!("sts answered without {what}"))
            .hint("check that the endpoint is AWS STS, not a proxy's page")
    };
    let credentials = credentials.ok_or_else(|| missing("credentials"))?;
    let arn = user.ok_or_else(|| missing("an assumed role"))?.arn();
    let account =
        arn.split(':').nth(4).filter(|account| account.len() == 12).ok_or_else(|| missing("an account id"))?;
    for (text, what) in [
        (credentials.access_key_id(), "access key id"),
        (credentials.secret_access_key(), "secret access key"),
        (credentials.session_token(), "session token"),
        (arn, "assumed role"),
    ] {
        plain(text, what, HOST)?;
    }
    let expiration = OffsetDateTime::from_unix_timestamp(credentials.expiration().secs())
        .map_err(|_| missing("a usable expiration"))?;
    Ok(Granted {
        identity: arn.to_owned(),
        request_id: request_id.map(|id| clean(id, &[])).unwrap_or_default(),
        credential: Credential::Aws(AwsSession {
            access_key_id: credentials.access_key_id().to_owned(),
            secret_access_key: Secret::new(credentials.secret_access_key()),
            session_token: Secret::new(credentials.session_token()),
            expiration,
            arn: arn.to_owned(),
            account: account.to_owned(),
        }),
    })
}

/// Classifies by code and text, not by status: STS throttles with 400.
fn refused<E>(error: &SdkError<E, HttpResponse>, role: &str, secrets: &[&Secret]) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let Some(ours) = error_in(error) {
        return ours;
    }
    let response = error.raw_response();
    let status = response.map_or(0, |response| response.status().as_u16());
    let after = response
        .and_then(|response| response.headers().get("retry-after"))
        .and_then(|value| value.parse().ok())
        .map(|seconds: u64| Duration::from_secs(seconds.min(3_600)));
    let (code, text) = match error.as_service_error() {
        Some(service) => (service.code().unwrap_or_default(), service.message().unwrap_or_default()),
        None => ("", ""),
    };
    let (code, text) = (clean(code, secrets), clean(text, secrets));
    if code.is_empty() {
        let error =
            Error::network("sts-answer", format!("sts answered {status} with something that is not an STS answer"))
                .hint("check that the endpoint is AWS STS, not a proxy's page");
        return if matches!(status, 408 | 425 | 429 | 500..=599) { error.retry(Retry::Again(after)) } else { error };
    }
    let passing = THROTTLING.contains(&code.as_str())
        || TRANSIENT.contains(&code.as_str())
        || matches!(status, 429 | 500..=599)
        || text.contains("Couldn't retrieve verification key");
    if passing {
        return Error::network("sts-busy", format!("sts could not answer now: {code}: {text}"))
            .answered(code)
            .retry(Retry::Again(after));
    }
    let new_token = code == "ExpiredTokenException" || (code == "InvalidIdentityToken" && !final_identity_text(&text));
    Error::denied("sts-refused", format!("sts refused: {code}: {text}"))
        .answered(&code)
        .detail("role", role)
        .detail("request id", error.request_id().map(|id| clean(id, &[])).unwrap_or_default())
        .hint(next_step(&code, &text))
        .retry(if new_token { Retry::NewToken } else { Retry::Never })
}

/// `InvalidIdentityToken` texts that no fresh token can change.
fn final_identity_text(text: &str) -> bool {
    ["No OpenIDConnect provider found", "Incorrect token audience", "thumbprint"].iter().any(|part| text.contains(part))
}

fn next_step(code: &str, text: &str) -> &'static str {
    match code {
        "AccessDenied" => {
            "compare the role's trust policy with the claims above: the Federated principal, and the conditions on sub and aud; \
             AWS gives this one text for a missing provider, a mismatch and a wrong role name"
        }
        "InvalidIdentityToken" if text.contains("No OpenIDConnect provider") => {
            "create an IAM OIDC identity provider for the issuer above in the role's account"
        }
        "InvalidIdentityToken" if text.contains("audience") => {
            "add the audience above to the IAM identity provider, or set the edge's audience to one that is registered"
        }
        "InvalidIdentityToken" | "ExpiredTokenException" => {
            "a fresh ID token was tried too; check this machine's clock"
        }
        "IDPRejectedClaim" => "the issuer rejected the token; check that the job still runs",
        "PackedPolicyTooLarge" => "shorten session-policy or list fewer managed-session-policies",
        "MalformedPolicyDocument" => "session-policy is not a valid IAM policy document",
        "RegionDisabledException" => "STS is not active in this region for the account: name another region",
        "ValidationError" if text.contains("role chaining") => {
            "a chained role lives 1h at most: set ttl = \"1h\" or less"
        }
        "ValidationError" if text.contains("MaxSessionDuration") => {
            "lower ttl, or raise the role's maximum session duration"
        }
        _ => "see the STS documentation for this code",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::new(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn session_names_lead_back_to_the_job_and_fit() {
        assert_eq!(session_name(&claims(r#"{"run_id":"17","run_attempt":"2"}"#)), "jobpass-17-2");
        assert_eq!(session_name(&claims(r#"{"pipeline_id":"5","job_id":"6"}"#)), "jobpass-5-6");
        let odd = session_name(&claims(r#"{"run_id":"1:2/3 4\n"}"#));
        assert_eq!(odd, "jobpass-1-2-3-4--1");
        let long = session_name(&claims(&format!(r#"{{"sub":"{}"}}"#, "x".repeat(300))));
        assert_eq!(long.len(), 64);
    }
}
