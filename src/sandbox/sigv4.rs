//! AWS Signature Version 4, checked as STS checks it: the signature is computed again from what was received.
//!
//! Source: IAM user guide, "Create a signed AWS API request". The computation is the vendor's own crate.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use time::format_description::BorrowedFormatItem;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::aws::Session;
use super::http::Call;
use crate::secret::Secret;

/// How far the request's clock may be off, in seconds.
const SKEW_SECONDS: i64 = 15 * 60;

type Refusal = (&'static str, String);

/// Whose session signed this request.
pub(super) fn check(call: &Call, sessions: &[Session], now: OffsetDateTime) -> Result<Session, Refusal> {
    let header = call
        .header("authorization")
        .ok_or_else(|| ("MissingAuthenticationToken", "Request is missing Authentication Token".to_owned()))?;
    let incomplete =
        |what: &str| ("IncompleteSignature", format!("Authorization header requires {what} (sandbox wording)"));
    let fields = header.strip_prefix("AWS4-HMAC-SHA256").ok_or_else(|| incomplete("AWS4-HMAC-SHA256"))?;
    let field = |name: &str| {
        fields
            .split(',')
            .filter_map(|part| part.trim().split_once('='))
            .find(|(n, _)| *n == name)
            .map(|(_, value)| value)
    };
    let credential = field("Credential").ok_or_else(|| incomplete("'Credential' parameter"))?;
    let signed = field("SignedHeaders").ok_or_else(|| incomplete("'SignedHeaders' parameter"))?;
    let signature = field("Signature").ok_or_else(|| incomplete("'Signature' parameter"))?;
    let scope: Vec<&str> = credential.split('/').collect();
    let &[key, day, region, "sts", "aws4_request"] = scope.as_slice() else {
        return Err(("SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'.".to_owned()));
    };
    let session = sessions.iter().find(|session| session.access_key_id == key);
    let invalid = || ("InvalidClientTokenId", "The security token included in the request is invalid.".to_owned());
    let session = session.ok_or_else(invalid)?;
    if call.header("x-amz-security-token") != Some(&session.token) {
        return Err(invalid());
    }
    if session.expires <= now {
        return Err(("ExpiredToken", "The security token included in the request is expired".to_owned()));
    }
    let date =
        call.header("x-amz-date").ok_or_else(|| incomplete("existence of either a 'X-Amz-Date' or a 'Date' header"))?;
    let moment = parse_date(date).filter(|_| date.starts_with(day)).ok_or_else(|| {
        (
            "SignatureDoesNotMatch",
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date".to_owned(),
        )
    })?;
    let apart = (moment - now).whole_seconds();
    if apart.abs() > SKEW_SECONDS {
        let what = if apart < 0 { "expired" } else { "not yet current" };
        return Err(("SignatureDoesNotMatch", format!("Signature {what}: {date} is {} s off (15 min.)", apart.abs())));
    }
    let computed = compute(call, session, region, moment, signed).map(Secret::new);
    match computed {
        Some(computed) if computed.matches(signature) => Ok(session.clone()),
        _ => Err((
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
             Key and signing method. Consult the service documentation for details."
                .to_owned(),
        )),
    }
}

fn compute(call: &Call, session: &Session, region: &str, moment: OffsetDateTime, signed: &str) -> Option<String> {
    let names: Vec<&str> = signed.split(';').collect();
    // The host has to be signed, and what says who is asking and when: a signature without them could be moved.
    if !["host", "x-amz-date", "x-amz-security-token"].iter().all(|needed| names.contains(needed)) {
        return None;
    }
    let headers: Vec<(&str, &str)> =
        names.iter().map(|name| Some((*name, call.header(name)?))).collect::<Option<_>>()?;
    let credentials =
        Credentials::new(&session.access_key_id, &session.secret, Some(session.token.clone()), None, "sandbox");
    let mut settings = SigningSettings::default();
    // What is signed is for the client to say; nothing is left out on top.
    settings.excluded_headers = None;
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(moment.unix_timestamp()).ok()?))
        .settings(settings)
        .build()
        .ok()?;
    let query = call.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    let url = format!("{}://{}{}{query}", call.scheme, call.host, call.path);
    let request = SignableRequest::new(&call.method, url, headers.into_iter(), SignableBody::Bytes(&call.body)).ok()?;
    Some(sign(request, &params.into()).ok()?.signature().to_owned())
}

/// `YYYYMMDDTHHMMSSZ`.
fn parse_date(text: &str) -> Option<OffsetDateTime> {
    let items: Vec<BorrowedFormatItem<'_>> =
        time::format_description::parse_borrowed::<2>("[year][month][day]T[hour][minute][second]Z").ok()?;
    PrimitiveDateTime::parse(text, &items).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(parse_date("20260101T000000Z").unwrap().unix_timestamp(), 1_767_225_600);
        for bad in ["", "2026-01-01T00:00:00Z", "20261301T000000Z", "20260101T000000"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
