//! The exchange: an ID token for a credential, one file per destination: request, answer, error classes.

mod aws;
mod aws_refused;
mod azure;
mod gcp;
mod gcp_refused;

use crate::claims::IdToken;
use crate::credential::Grant;
use crate::edge::endpoints::Endpoints;
use crate::edge::{Edge, Target};
use crate::error::{Error, Kind, Result, Retry};
use crate::net::{Answer, Client};

/// Exchanges one ID token for what the edge asks for.
///
/// # Errors
/// Exit 4 when the destination refuses: its code and text, the claims that were presented, the next thing to check. Exit 6
/// when it cannot be reached or answers nonsense. [`crate::error::Retry::NewToken`] when a fresh ID token may help.
pub async fn exchange(edge: &Edge, endpoints: &Endpoints, id_token: &IdToken, client: &Client) -> Result<Grant> {
    let exchanged = match (&edge.target, endpoints) {
        (Target::Aws(target), Endpoints::Aws { sts, named }) => {
            aws::exchange(edge, target, &aws::Sts { endpoint: sts, named: *named }, id_token, client).await
        }
        (Target::Gcp(target), Endpoints::Gcp { token, iam_credentials }) => {
            gcp::exchange(edge, target, token, iam_credentials, id_token, client).await
        }
        (Target::Azure(target), Endpoints::Azure { authority }) => {
            azure::exchange(edge, target, authority, id_token, client).await
        }
        _ => Err(Error::usage("endpoints", "the endpoints are those of another destination")),
    };
    exchanged.map_err(|error| presented(error.at(edge.title()), id_token))
}

/// A denial shows what was presented beside what the destination said.
fn presented(mut error: Error, id_token: &IdToken) -> Error {
    if error.kind == Kind::Denied {
        for (claim, text) in id_token.unverified.presented() {
            error = error.detail(format!("presented {claim}"), text);
        }
        error = error.detail("issuer's clock", id_token.skew().unwrap_or_default());
    }
    error
}

/// What came out of an exchange, before it becomes a [`Grant`].
struct Granted {
    credential: crate::credential::Credential,
    identity: String,
    request_id: String,
}

impl Granted {
    fn into_grant(self, edge: &Edge, id_token: &IdToken) -> Grant {
        Grant {
            edge: edge.clone(),
            id_token: id_token.clone(),
            credential: self.credential,
            identity: self.identity,
            request_id: self.request_id,
        }
    }
}

/// Refuses what no cloud sends: a credential with control characters could carry a second variable into the job.
fn plain(text: &str, what: &str, host: &str) -> Result<()> {
    if text.is_empty() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::network("answer-malformed", format!("{host} answered with an unusable {what}"))
            .detail("expected", "printable text without white space")
            .detail("presented", format!("{} characters", text.chars().count())));
    }
    Ok(())
}

/// A refusal that says nothing in the destination's own form: of a machine before it, or in distress. `code` is for a status
/// that may pass.
fn unclear(answer: &Answer, code: &'static str, host: &str) -> Error {
    let status = answer.status;
    let malformed = Error::network("answer-malformed", format!("{host} answered {status} without a readable error"));
    match answer.retry() {
        Retry::Never => malformed,
        retry => {
            let message = format!("{host} could not answer now: {status} without a readable error");
            Error { code, message, ..malformed }.retry(retry)
        }
    }
}

/// `name=value&…`, percent-encoded (`application/x-www-form-urlencoded`).
fn form(pairs: &[(&str, &str)]) -> Vec<u8> {
    let Ok(mut url) = reqwest::Url::parse("form:") else { return Vec::new() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    #[test]
    fn form_encodes() {
        let body = super::form(&[("grant_type", "urn:ietf:x"), ("scope", "a b&c=d")]);
        assert_eq!(String::from_utf8(body).unwrap(), "grant_type=urn%3Aietf%3Ax&scope=a+b%26c%3Dd");
    }
}
