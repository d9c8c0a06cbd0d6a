//! What an error of Google's two hops means: its class, and the next thing to check.

use serde::Deserialize;

use super::gcp::request_id;
use crate::edge::gcp::Target;
use crate::error::{Error, Retry};
use crate::net::Answer;
use crate::secret::{Secret, clean};

/// STS refuses in OAuth's shape (RFC 6749 §5.2).
pub(super) fn sts_refused(answer: &Answer, host: &str, target: &Target, id_token: &Secret) -> Error {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        #[serde(default)]
        error_description: String,
    }
    let Ok(refusal) = answer.json::<Refusal>(host, "an OAuth error") else { return unclear(answer, host) };
    let (code, text) = (clean(&refusal.error, &[id_token]), clean(&refusal.error_description, &[id_token]));
    if answer.retry() != Retry::Never
        || code == "quota_exceeded"
        || text.contains("Error connecting to the given credential's issuer")
    {
        let retry = if answer.retry() == Retry::Never { Retry::Again(None) } else { answer.retry() };
        return Error::network("gcp-busy", format!("{host} could not answer now: {code}: {text}"))
            .answered(&code)
            .retry(retry);
    }
    let next = match code.as_str() {
        "unauthorized_client" if text.contains("attribute condition") => {
            "the provider's attribute condition is false for the claims above; it is case-sensitive, ids are strings"
        }
        "unauthorized_client" => "check the provider's attribute mapping against the claims above",
        "invalid_target" => "the pool or provider does not exist, is disabled or deleted: check the provider's name",
        "invalid_request" if text.contains("127 bytes") => {
            "google.subject is too long: map a shorter claim, or shorten the branch's name"
        }
        "invalid_request" => "check the provider's full name: the project's number, the pool, the provider",
        "invalid_grant" if text.contains("issuer") => "the provider's issuer differs from the iss above",
        _ => "check the provider's issuer, allowed audiences, mapping and condition against the claims above",
    };
    Error::denied("gcp-exchange", format!("{host} refused: {code}: {text}"))
        .answered(&code)
        .detail("request id", request_id(answer))
        .detail("provider", target.provider.name())
        .hint(next)
        .retry(if text.contains("stale") { Retry::NewToken } else { Retry::Never })
}

/// IAM Credentials refuses in google.rpc.Status' shape.
pub(super) fn iam_refused(answer: &Answer, host: &str, federated: &Secret) -> Error {
    #[derive(Deserialize)]
    struct Refusal {
        error: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        #[serde(default)]
        status: String,
        #[serde(default)]
        message: String,
    }
    let Ok(Refusal { error }) = answer.json::<Refusal>(host, "a google.rpc.Status") else {
        return unclear(answer, host);
    };
    let (code, text) = (clean(&error.status, &[federated]), clean(&error.message, &[federated]));
    if answer.retry() != Retry::Never {
        return Error::network("gcp-busy", format!("{host} could not answer now: {code}: {text}"))
            .answered(&code)
            .retry(answer.retry());
    }
    let next = match answer.status {
        403 => {
            "the exchange succeeded, the binding is missing: grant roles/iam.workloadIdentityUser on the service account to the \
             principal or principalSet of this pool (a new binding can take minutes)"
        }
        400 if text.contains("lifetime") => {
            "above 1h the organisation policy iam.allowServiceAccountCredentialLifetimeExtension must list the account; \
             a clock that is ahead needs 55m"
        }
        404 => "the service account does not exist: check its email",
        _ => "see the IAM Credentials documentation for this status",
    };
    Error::denied("gcp-impersonation", format!("{host} refused: {code}: {text}"))
        .answered(&code)
        .detail("request id", request_id(answer))
        .hint(next)
}

fn unclear(answer: &Answer, host: &str) -> Error {
    let page = "check that the endpoint is Google's, not a proxy's page";
    super::unclear(answer, "gcp-busy", host).hint(page)
}
