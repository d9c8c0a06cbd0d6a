//! What an STS error means: its class, and the next thing to check (STS API reference, "Common errors" and per operation).

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::{Error, Retry};
use crate::net::sdk::error_in;
use crate::net::{may_pass, retry_after};
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

/// Classifies by code and text, not by status: STS throttles with 400.
pub(super) fn refused<E>(error: &SdkError<E, HttpResponse>, host: &str, role: &str, secrets: &[&Secret]) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if let Some(ours) = error_in(error) {
        return ours;
    }
    let response = error.raw_response();
    let status = response.map_or(0, |response| response.status().as_u16());
    let after = response.and_then(|response| response.headers().get("retry-after")).and_then(retry_after);
    let (code, text) = match error.as_service_error() {
        Some(service) => (service.code().unwrap_or_default(), service.message().unwrap_or_default()),
        None => ("", ""),
    };
    let (code, text) = (clean(code, secrets), clean(text, secrets));
    if code.is_empty() {
        let page = "check that the endpoint is AWS STS, not a proxy's page";
        return if may_pass(status) {
            Error::network("sts-busy", format!("{host} could not answer now: {status} without a readable error"))
                .hint(page)
                .retry(Retry::Again(after))
        } else {
            Error::network("answer-malformed", format!("{host} answered {status} without a readable answer")).hint(page)
        };
    }
    let passing = THROTTLING.contains(&code.as_str())
        || TRANSIENT.contains(&code.as_str())
        || may_pass(status)
        || text.contains("Couldn't retrieve verification key");
    if passing {
        return Error::network("sts-busy", format!("{host} could not answer now: {code}: {text}"))
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
            "the ID token lies outside its validity or does not hold: log in nearer to the start of the job, and compare the clocks"
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
