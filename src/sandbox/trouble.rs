//! How a fault is carried out: answers that are wrong, late, endless or not there.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Bytes, Frame, SizeHint};
use serde_json::json;
use tokio::time::{Sleep, sleep};

use super::faults::{Endpoint, FaultKind};
use super::http::Reply;
use super::{aws, azure, gcp, gcp_iam};

/// Ends the connection without an answer.
#[derive(Debug)]
pub(super) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed on purpose")
    }
}

impl std::error::Error for Broken {}

/// What becomes of a request that a fault strikes.
pub(super) enum Answer {
    Reply(Reply, Manner),
    Silence,
    Close,
}

/// How a body is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Whole,
    HalfThenSilence,
    HalfThenClose,
    Drip,
    Endless,
}

/// Carries a fault out; `reply` is what the stand-in would have answered.
pub(super) fn strike(kind: &FaultKind, endpoint: Endpoint, reply: impl FnOnce() -> Reply) -> Answer {
    let plain = |status: u16, text: &str| Reply::text(status, "text/plain", text);
    let reply = match kind {
        FaultKind::Hang => return Answer::Silence,
        FaultKind::Reset => return Answer::Close,
        FaultKind::HangBody => return Answer::Reply(reply(), Manner::HalfThenSilence),
        FaultKind::Truncate => return Answer::Reply(reply(), Manner::HalfThenClose),
        FaultKind::Drip => return Answer::Reply(reply(), Manner::Drip),
        FaultKind::Endless => return Answer::Reply(Reply { status: 200, ..reply() }, Manner::Endless),
        FaultKind::Status(status, after) => {
            let reply = plain(*status, "a fault was asked for (sandbox wording)");
            match after {
                Some(after) => reply.header("retry-after", after.as_secs().to_string()),
                None => reply,
            }
        }
        FaultKind::Garbage => Reply::text(200, "application/json", b"\x00\xff<!not {[ anything\xfe".as_slice()),
        FaultKind::Redirect(url) => plain(307, "").header("location", url.clone()),
        FaultKind::Pending => {
            Reply::json(403, &json!({ "message": "Can't issue ID_TOKEN for job in 'Pending' state" }))
        }
        FaultKind::Error(code) => vendor_error(endpoint, code),
        // Faults of TLS strike before there is a request.
        FaultKind::HangTls | FaultKind::BadCert | FaultKind::WrongName => reply(),
    };
    Answer::Reply(reply, Manner::Whole)
}

fn vendor_error(endpoint: Endpoint, code: &str) -> Reply {
    let text = "a fault was asked for (sandbox wording)";
    match endpoint {
        Endpoint::Aws => aws::error(aws::status_of(code), code, text),
        Endpoint::GcpSts => gcp::error(if code == "quota_exceeded" { 429 } else { 400 }, code, text),
        Endpoint::GcpIam => gcp_iam::error(gcp_iam::status_of(code), code, text),
        Endpoint::Azure => azure::error(code, text),
        _ => Reply::json(400, &json!({ "message": format!("{code}: {text}") })),
    }
}

/// An answer as it should be.
pub(super) fn whole(reply: Reply) -> hyper::Response<Body> {
    response(reply, Manner::Whole)
}

pub(super) fn response(reply: Reply, manner: Manner) -> hyper::Response<Body> {
    let mut response = hyper::Response::new(Body::new(reply.body, manner));
    *response.status_mut() =
        hyper::StatusCode::from_u16(reply.status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = hyper::header::HeaderValue::from_str(&value) {
            response.headers_mut().insert(hyper::header::HeaderName::from_static(name), value);
        }
    }
    response
}

/// A body that is sent in some manner.
pub(super) struct Body {
    left: Bytes,
    manner: Manner,
    /// Half of the body was sent.
    half: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Body {
    fn new(body: Vec<u8>, manner: Manner) -> Body {
        Body { left: Bytes::from(body), manner, half: false, sleep: None }
    }

    fn next(&mut self, count: usize) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let part = self.left.split_to(count.min(self.left.len()));
        Poll::Ready(if part.is_empty() { None } else { Some(Ok(Frame::data(part))) })
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        match this.manner {
            Manner::Whole => this.next(usize::MAX),
            Manner::HalfThenSilence | Manner::HalfThenClose => {
                if !std::mem::replace(&mut this.half, true) {
                    return this.next((this.left.len() / 2).max(1));
                }
                match this.manner {
                    Manner::HalfThenClose => Poll::Ready(Some(Err(Broken))),
                    _ => Poll::Pending,
                }
            }
            Manner::Drip => {
                let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(1))));
                if sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                this.sleep = None;
                this.next(1)
            }
            Manner::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 4096]))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.manner == Manner::Whole && self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.manner {
            Manner::Endless => SizeHint::default(),
            _ => SizeHint::with_exact(self.left.len() as u64),
        }
    }
}
