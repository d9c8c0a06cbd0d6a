//! Faults on request: what an endpoint does instead of answering, for tests of clients and for people who wonder.
//!
//! A fault is written `ENDPOINT:KIND[xN]`; with `xN` it strikes the first N requests only.

use std::sync::Mutex;
use std::time::Duration;

use crate::error::{Error, Result};

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// GitHub's ID token endpoint.
    Github,
    /// The mint behind GitLab's variables.
    Gitlab,
    /// Discovery and keys.
    Issuer,
    /// AWS STS.
    Aws,
    /// Google's STS.
    GcpSts,
    /// Google's IAM Credentials.
    GcpIam,
    /// Entra.
    Azure,
    /// Azure Resource Manager.
    Arm,
    /// The TLS listener as a whole: before the path is known.
    Tls,
}

const ENDPOINTS: [(&str, Endpoint); 9] = [
    ("github", Endpoint::Github),
    ("gitlab", Endpoint::Gitlab),
    ("issuer", Endpoint::Issuer),
    ("aws", Endpoint::Aws),
    ("gcp-sts", Endpoint::GcpSts),
    ("gcp-iam", Endpoint::GcpIam),
    ("azure", Endpoint::Azure),
    ("arm", Endpoint::Arm),
    ("tls", Endpoint::Tls),
];

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// This status with a short text, as a load balancer would answer; 429 and 503 may say when to come back.
    Status(u16, Option<Duration>),
    /// The connection is closed without an answer.
    Reset,
    /// No answer, ever.
    Hang,
    /// Half of the body, then silence.
    HangBody,
    /// The body one byte at a time, one a second.
    Drip,
    /// A body without an end.
    Endless,
    /// The body breaks off in the middle.
    Truncate,
    /// Status 200 and bytes that mean nothing.
    Garbage,
    /// 307 to this URL.
    Redirect(String),
    /// GitHub's answer to a job that is not running.
    Pending,
    /// The vendor's own error of this code.
    Error(String),
    /// TLS: the handshake is never answered.
    HangTls,
    /// TLS: a certificate of an authority nobody knows.
    BadCert,
    /// TLS: a certificate for another name.
    WrongName,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub endpoint: Endpoint,
    /// What.
    pub kind: FaultKind,
    /// How often; `None` is always.
    pub times: Option<u32>,
}

impl Fault {
    /// Reads `ENDPOINT:KIND[xN]`: `aws:503x2`, `gcp-sts:hang`, `azure:429=7`, `github:pending`, `tls:badcert`,
    /// `aws:error=Throttling`, `gcp-sts:redirect=http://127.0.0.1:9/`.
    ///
    /// # Errors
    /// A usage error that lists what is known.
    pub fn parse(text: &str) -> Result<Fault> {
        let wrong = |what: String| {
            Error::usage("fault", format!("the fault `{text}` {what}"))
                .detail("endpoints", ENDPOINTS.map(|(name, _)| name).join(", "))
                .detail(
                    "kinds",
                    "a status, 429=SECONDS, 503=SECONDS, reset, hang, hang-body, drip, endless, truncate, garbage, \
                     redirect=URL, pending (github), error=CODE; tls: hang-tls, badcert, wrongname; xN behind it: N times",
                )
        };
        let (name, rest) = text.split_once(':').ok_or_else(|| wrong("names no endpoint".to_owned()))?;
        let endpoint = ENDPOINTS.iter().find(|(known, _)| *known == name).map(|(_, endpoint)| *endpoint);
        let endpoint = endpoint.ok_or_else(|| wrong(format!("names the endpoint `{name}`")))?;
        let (kind, times) = match rest.rsplit_once('x') {
            Some((kind, count)) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => {
                (kind, Some(count.parse().map_err(|_| wrong("has a count that is too large".to_owned()))?))
            }
            _ => (rest, None),
        };
        let kind = FaultKind::parse(kind).ok_or_else(|| wrong(format!("has the kind `{kind}`")))?;
        let of_tls = matches!(kind, FaultKind::HangTls | FaultKind::BadCert | FaultKind::WrongName);
        if of_tls != (endpoint == Endpoint::Tls) {
            return Err(wrong(
                "puts a fault of TLS and one of an endpoint together: TLS comes before the path is known".into(),
            ));
        }
        if kind == FaultKind::Pending && endpoint != Endpoint::Github {
            return Err(wrong("is an answer of github's only".to_owned()));
        }
        Ok(Fault { endpoint, kind, times })
    }
}

impl FaultKind {
    fn parse(text: &str) -> Option<FaultKind> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        Some(match (name, value) {
            ("reset", None) => FaultKind::Reset,
            ("hang", None) => FaultKind::Hang,
            ("hang-body", None) => FaultKind::HangBody,
            ("drip", None) => FaultKind::Drip,
            ("endless", None) => FaultKind::Endless,
            ("truncate", None) => FaultKind::Truncate,
            ("garbage", None) => FaultKind::Garbage,
            ("pending", None) => FaultKind::Pending,
            ("hang-tls", None) => FaultKind::HangTls,
            ("badcert", None) => FaultKind::BadCert,
            ("wrongname", None) => FaultKind::WrongName,
            ("redirect", Some(url)) if !url.is_empty() => FaultKind::Redirect(url.to_owned()),
            ("error", Some(code)) if !code.is_empty() => FaultKind::Error(code.to_owned()),
            ("429" | "503", Some(seconds)) => {
                FaultKind::Status(name.parse().ok()?, Some(Duration::from_secs(seconds.parse().ok()?)))
            }
            (status, None) => match status.parse().ok()? {
                status @ 300..=599 => FaultKind::Status(status, None),
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// The faults that are left.
pub(super) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(super) fn new(faults: Vec<Fault>) -> Faults {
        Faults(Mutex::new(faults))
    }

    /// The fault that strikes now, if any: the first of this endpoint that has not struck often enough.
    pub(super) fn take(&self, endpoint: Endpoint) -> Option<FaultKind> {
        let mut faults = super::lock(&self.0);
        let fault = faults.iter_mut().find(|fault| fault.endpoint == endpoint && fault.times != Some(0))?;
        fault.times = fault.times.map(|left| left.saturating_sub(1));
        Some(fault.kind.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_forms() {
        for (text, kind, times) in [
            ("aws:503x2", FaultKind::Status(503, None), Some(2)),
            ("gcp-sts:hang", FaultKind::Hang, None),
            ("azure:429=7x1", FaultKind::Status(429, Some(Duration::from_secs(7))), Some(1)),
            ("github:pending", FaultKind::Pending, None),
            ("aws:error=Throttlingx3", FaultKind::Error("Throttling".to_owned()), Some(3)),
            ("gcp-iam:redirect=http://127.0.0.1:9/x", FaultKind::Redirect("http://127.0.0.1:9/x".to_owned()), None),
            ("tls:badcert", FaultKind::BadCert, None),
        ] {
            let fault = Fault::parse(text).unwrap();
            assert_eq!((fault.kind, fault.times), (kind, times), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_with_exit_two() {
        for text in [
            "503",
            "aws",
            "aws:",
            "s3:503",
            "aws:200",
            "aws:600",
            "aws:hang=3",
            "aws:redirect=",
            "aws:badcert",
            "tls:503",
            "aws:pending",
            "aws:503x99999999999",
        ] {
            assert_eq!(Fault::parse(text).unwrap_err().kind.exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn a_counted_fault_strikes_that_often_and_the_next_one_follows() {
        let faults = ["aws:503x2", "aws:hangx1", "azure:reset"].map(|text| Fault::parse(text).unwrap());
        let faults = Faults::new(faults.to_vec());
        let aws: Vec<_> = (0..4).map(|_| faults.take(Endpoint::Aws)).collect();
        let status = Some(FaultKind::Status(503, None));
        assert_eq!(aws, [status.clone(), status, Some(FaultKind::Hang), None]);
        assert_eq!(faults.take(Endpoint::Azure), Some(FaultKind::Reset));
        assert_eq!(faults.take(Endpoint::Github), None);
    }
}
