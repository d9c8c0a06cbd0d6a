//! The listeners: accept, delay, TLS, one HTTP/1.1 service for every stand-in, and the log of it all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::faults::{Endpoint, Fault, FaultKind};
use super::http::{Call, Reply};
use super::latency::Delayed;
use super::log::Event;
use super::tls::Authority;
use super::trouble::{self, Answer};
use super::variables::Runner;
use super::{State, aws, azure, gcp, gcp_iam, github, gitlab, issuer};
use crate::error::Result;

/// The certificates of the TLS listener: the good one, and those that faults ask for.
pub(super) struct Certificates {
    good: Arc<ServerConfig>,
    unknown_authority: Option<Arc<ServerConfig>>,
    wrong_name: Option<Arc<ServerConfig>>,
}

impl Certificates {
    pub(super) fn new(authority: &Authority, faults: &[Fault]) -> Result<Certificates> {
        let asked = |kind: FaultKind| faults.iter().any(|fault| fault.kind == kind);
        Ok(Certificates {
            good: authority.loopback()?,
            unknown_authority: asked(FaultKind::BadCert)
                .then(|| Authority::generate().and_then(|other| other.loopback()))
                .transpose()?,
            wrong_name: asked(FaultKind::WrongName).then(|| authority.server(&["wrong.invalid"])).transpose()?,
        })
    }
}

/// Accepts for ever; every connection is a task of its own and ends with this one.
pub(super) async fn accept(
    listener: TcpListener,
    certificates: Option<Certificates>,
    state: Arc<State>,
    counter: Arc<AtomicU64>,
) {
    let scheme = if certificates.is_some() { "https" } else { "http" };
    let certificates = certificates.map(Arc::new);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // An error here is one connection's (reset before it was accepted, too many files): go on.
                let Ok((stream, _)) = accepted else {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let id = counter.fetch_add(1, Ordering::Relaxed) + 1;
                state.log.push(state.log.entry(id, Event::Accepted, scheme));
                connections.spawn(connection(stream, certificates.clone(), Arc::clone(&state), id, scheme));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(
    stream: TcpStream,
    certificates: Option<Arc<Certificates>>,
    state: Arc<State>,
    id: u64,
    scheme: &'static str,
) {
    let stream = Delayed::new(stream, state.options.latency);
    let Some(certificates) = certificates else {
        return serve(stream, state, id, scheme).await;
    };
    let config = match state.faults.take(Endpoint::Tls) {
        Some(FaultKind::HangTls) => {
            let _open = stream;
            return std::future::pending().await;
        }
        Some(FaultKind::BadCert) => certificates.unknown_authority.as_ref(),
        Some(FaultKind::WrongName) => certificates.wrong_name.as_ref(),
        _ => None,
    };
    let config = Arc::clone(config.unwrap_or(&certificates.good));
    // A handshake that fails is the client's to report.
    if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
        serve(stream, state, id, scheme).await;
    }
}

async fn serve<S>(stream: S, state: Arc<State>, id: u64, scheme: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| request_of(Arc::clone(&state), request, id, scheme));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// One request: log, fault or stand-in, log.
async fn request_of(
    state: Arc<State>,
    request: hyper::Request<Incoming>,
    id: u64,
    scheme: &'static str,
) -> Result<hyper::Response<trouble::Body>, trouble::Broken> {
    let call = Call::read(request, scheme).await.ok_or(trouble::Broken)?;
    let entry = |event| {
        let mut entry = state.log.entry(id, event, scheme);
        entry.method.clone_from(&call.method);
        entry.path.clone_from(&call.path);
        entry.host.clone_from(&call.host);
        entry
    };
    state.log.push(entry(Event::Received));
    let (endpoint, stand_in) = route(&call.path);
    let fault = state.faults.take(endpoint);
    let answered = |reply: &Reply, status: u16, fault: Option<&FaultKind>| {
        let mut entry = entry(Event::Answered);
        entry.status = status;
        entry.what = match fault {
            Some(_) => "a fault was asked for".to_owned(),
            None => reply.what.clone(),
        };
        entry.explanation = reply.explanation.as_deref().cloned();
        state.log.push(entry);
    };
    let Some(fault) = fault else {
        let reply = stand_in(&state, &call);
        answered(&reply, reply.status, None);
        return Ok(trouble::whole(reply));
    };
    let reply = || stand_in(&state, &call);
    match trouble::strike(&fault, endpoint, reply) {
        Answer::Reply(reply, body) => {
            answered(&reply, reply.status, Some(&fault));
            Ok(trouble::response(reply, body))
        }
        Answer::Silence => std::future::pending().await,
        Answer::Close => {
            answered(&Reply::text(0, "", ""), 0, Some(&fault));
            Err(trouble::Broken)
        }
    }
}

type StandIn = fn(&State, &Call) -> Reply;

/// Which stand-in a path belongs to.
fn route(path: &str) -> (Endpoint, StandIn) {
    match path {
        "/github/token" => (Endpoint::Github, github::answer),
        "/gitlab/token" => (Endpoint::Gitlab, gitlab::answer),
        "/aws" | "/aws/" => (Endpoint::Aws, aws::answer),
        "/gcp/sts/v1/token" => (Endpoint::GcpSts, gcp::token),
        "/gcp/sts/v1/introspect" => (Endpoint::GcpSts, gcp::introspect),
        "/subscriptions" | "/tenants" => (Endpoint::Arm, azure::resource_manager),
        _ if path.starts_with("/subscriptions/") => (Endpoint::Arm, azure::resource_manager),
        _ if path.starts_with("/gcp/iamcredentials/v1/") => (Endpoint::GcpIam, gcp_iam::answer),
        _ if path.starts_with("/github/") => (Endpoint::Issuer, |state, call| {
            issuer::answer(state, Runner::Github, call.path.strip_prefix("/github").unwrap_or_default())
        }),
        _ if path.starts_with("/gitlab/") => (Endpoint::Issuer, |state, call| {
            issuer::answer(state, Runner::Gitlab, call.path.strip_prefix("/gitlab").unwrap_or_default())
        }),
        _ if azure::is_path(path) => (Endpoint::Azure, azure::answer),
        _ => (Endpoint::Issuer, |_, _| Reply::json(404, &json!({ "message": "no such endpoint (sandbox wording)" }))),
    }
}
