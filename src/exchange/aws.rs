//! AWS: AssumeRoleWithWebIdentity, and AssumeRole along a chain (STS API, version 2011-06-15), through the vendor's client.
//!
//! The account id is read from `AssumedRoleUser.Arn`: no GetCallerIdentity, one round trip less.

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_sts::operation::RequestId;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials as StsCredentials, PolicyDescriptorType};
use time::OffsetDateTime;

use super::aws_refused::refused;
use super::{Granted, plain};
use crate::claims::{Claims, IdToken};
use crate::credential::{AwsSession, Credential, Grant};
use crate::edge::Edge;
use crate::edge::aws::{CHAINED_SECONDS, Link, Target, fits_session_name};
use crate::error::{Error, Result};
use crate::net::sdk::SdkTransport;
use crate::net::{Client, Endpoint, retrying};
use crate::secret::{Secret, clean};

/// STS as the edge has it.
pub(super) struct Sts<'a> {
    pub(super) endpoint: &'a Endpoint,
    /// A variable named it; otherwise the vendor's client finds it by itself.
    pub(super) named: bool,
}

pub(super) async fn exchange(
    edge: &Edge,
    target: &Target,
    sts: &Sts<'_>,
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
    sts: &Sts<'_>,
    name: &str,
    id_token: &IdToken,
    client: &Client,
) -> Result<Granted> {
    let (api, host) = (api(target, sts, None, client), sts.endpoint.host());
    let seconds = target.first_session(edge.ttl);
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
            .map_err(|error| refused(&error, &host, &target.role, &[&id_token.raw]))?;
        session(&host, answer.credentials(), answer.assumed_role_user(), answer.request_id())
    })
    .await
}

/// One step of a chain, signed with the session before it.
async fn assume(
    edge: &Edge,
    target: &Target,
    sts: &Sts<'_>,
    name: &str,
    link: &Link,
    before: Granted,
    client: &Client,
) -> Result<Granted> {
    let Credential::Aws(session_before) = &before.credential else { return Ok(before) };
    let (api, host) = (api(target, sts, Some(session_before), client), sts.endpoint.host());
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
                refused(&error, &host, &link.role, &secrets).detail("assumed from", session_before.arn.clone())
            })?;
        session(&host, answer.credentials(), answer.assumed_role_user(), answer.request_id())
    })
    .await
}

fn api(target: &Target, sts: &Sts<'_>, signer: Option<&AwsSession>, client: &Client) -> aws_sdk_sts::Client {
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
    let config = if sts.named { config.endpoint_url(sts.endpoint.url().as_str()) } else { config };
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
    host: &str,
    credentials: Option<&StsCredentials>,
    user: Option<&AssumedRoleUser>,
    request_id: Option<&str>,
) -> Result<Granted> {
    let missing = |what: &str| {
        Error::network("answer-malformed", format!("{host} answered without {what}"))
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
        plain(text, what, host)?;
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
