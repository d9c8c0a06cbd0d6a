//! The one HTTP client: roots, proxy, limits, deadlines, no redirects; and the one retry loop.
//!
//! Everything that leaves the process goes through [`Client::send`], the AWS SDK's requests too ([`sdk`]). Limits are those of
//! the threat model: https only (plain http on loopback in sandbox mode), redirects are errors, a body is cut off at
//! [`MAX_BODY`], a connection has [`CONNECT`], an attempt [`ATTEMPT`], the whole of a login one deadline.

mod answer;
pub mod endpoint;
mod failure;
mod parking;
mod proxy;
mod retry;
mod roots;
pub mod sdk;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use tokio::time::{Instant, timeout_at};

pub use answer::{Answer, may_pass, retry_after};
pub use endpoint::Endpoint;
pub use retry::{MAX_ATTEMPTS, retrying};
pub use roots::{Roots, RootsSource};

use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::world::{Clock, World};

/// The most bytes of an answer's body.
pub const MAX_BODY: usize = 256 * 1024;
/// The longest a TCP and TLS connection may take.
pub const CONNECT: Duration = Duration::from_secs(5);
/// The longest one attempt may take, connection included.
pub const ATTEMPT: Duration = Duration::from_secs(10);
/// The longest a whole login may take unless `--timeout` says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// The HTTP client of one login.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// For connections ahead of their requests. A pool of its own, always empty: from the other one the library would take a
    /// connection that has just become free, and send.
    opener: reqwest::Client,
    deadline: Instant,
    clock: Clock,
    sandbox: bool,
    roots: RootsSource,
    proxy: Option<proxy::Named>,
    log: Arc<Mutex<Vec<Sent>>>,
    repeated: Arc<AtomicU32>,
}

/// One request as it was sent and what came of it, for `--verbose` and the dry run. Never a header, a query or a body.
#[derive(Clone, Debug)]
pub struct Sent {
    /// `GET` or `POST`.
    pub method: Method,
    /// Scheme, host and path.
    pub target: String,
    /// The answer's status; `None` when there was no answer.
    pub status: Option<u16>,
    /// From the first byte (connection included) to the last.
    pub took: Duration,
}

/// A request.
#[derive(Clone)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Headers; a bearer is marked sensitive by [`bearer`].
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// A client for this world: its proxy variables, its certificate variables, and one deadline from now.
    ///
    /// With `sandbox` set, plain http to loopback addresses is allowed ([`Endpoint`]).
    ///
    /// # Errors
    /// A malformed proxy or certificate variable is a usage error; nothing is ignored in silence.
    pub fn new(world: &World, deadline: Duration, sandbox: bool) -> Result<Client> {
        let roots = Roots::load(world)?;
        let source = roots.source.clone();
        let tls = roots.into_client_config()?;
        let (proxy, named) = match proxy::from(world)? {
            Some(proxy::Chosen { proxy, named }) => (Some(proxy), Some(named)),
            None => (None, None),
        };
        let lot = parking::Parking::default();
        let (http, opener) = (built(tls.clone(), proxy.clone(), &lot)?, built(tls, proxy, &lot)?);
        let deadline = Instant::now() + deadline;
        Ok(Client {
            http,
            opener,
            deadline,
            clock: world.clock,
            sandbox,
            roots: source,
            proxy: named,
            log: Arc::default(),
            repeated: Arc::default(),
        })
    }

    /// When everything must be over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The clock of the world that the client was made for.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// True when plain http to loopback is allowed.
    #[must_use]
    pub fn sandbox(&self) -> bool {
        self.sandbox
    }

    /// Where the trusted certificates came from.
    #[must_use]
    pub fn roots(&self) -> &RootsSource {
        &self.roots
    }

    /// The same client with a counter of tries of its own.
    #[must_use]
    pub fn counting(&self) -> Client {
        Client { repeated: Arc::default(), ..self.clone() }
    }

    /// 1, and one more for each request that was repeated through this handle.
    #[must_use]
    pub fn tries(&self) -> u32 {
        self.repeated.load(Ordering::Relaxed).saturating_add(1)
    }

    /// What was sent so far, in the order the answers ended.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.log.lock().map(|log| log.clone()).unwrap_or_default()
    }

    /// Opens `count` connections to the endpoint's host and keeps them for the next requests there.
    ///
    /// Nothing is sent over them. A failure is not reported: the request that follows meets it too and can say what it was
    /// for.
    pub async fn open(&self, endpoint: &Endpoint, count: usize) {
        let opening = (0..count).map(|_| {
            let request = self.opener.get(endpoint.url().clone()).send();
            parking::parking(endpoint.origin(), request)
        });
        let _ = timeout_at(self.deadline, futures_util::future::join_all(opening)).await;
    }

    /// Sends one request, once, and reads the whole answer.
    ///
    /// Any status but a redirect is an answer, whatever it means.
    ///
    /// # Errors
    /// Connection, TLS, time and size, each with the host and the phase it happened in; never the URL's query.
    pub async fn send(&self, request: Request) -> Result<Answer> {
        let started = Instant::now();
        let method = request.method.clone();
        let target = shown(&request.url);
        let outcome = self.send_unlogged(request).await;
        let status = outcome.as_ref().ok().map(|answer| answer.status);
        if let Ok(mut log) = self.log.lock() {
            log.push(Sent { method, target, status, took: started.elapsed() });
        }
        outcome
    }

    async fn send_unlogged(&self, request: Request) -> Result<Answer> {
        let way = failure::Way::to(&request.url, &self.roots, self.proxy.as_ref());
        let host = way.host.clone();
        let origin = endpoint::origin_of(&request.url);
        let until = self.deadline.min(Instant::now() + ATTEMPT);
        let sending = self.http.request(request.method, request.url).headers(request.headers).body(request.body).send();
        let connecting = parking::Connecting::default();
        let sent = timeout_at(until, parking::using(origin, connecting.clone(), sending)).await;
        let mut response = match sent {
            Err(_) if connecting.now() => return Err(way.timed_out(failure::OPENING)),
            Err(_) => return Err(way.timed_out("waiting for the answer")),
            Ok(Err(error)) => return Err(way.failed(error)),
            Ok(Ok(response)) => response,
        };
        let status = response.status().as_u16();
        if (300..400).contains(&status) && status != 304 {
            let to = response
                .headers()
                .get("location")
                .and_then(|value| value.to_str().ok())
                .and_then(|value| response.url().join(value).ok())
                .map(|url| host_of(&url))
                .unwrap_or_default();
            return Err(Error::network(
                "redirect",
                format!("{host} answered with a redirect ({status}), which is not followed"),
            )
            .detail("redirected to", to)
            .hint("a redirect would carry the token to another host; name the final endpoint instead"));
        }
        let headers = response.headers().clone();
        let mut body = Vec::new();
        loop {
            match timeout_at(until, response.chunk()).await {
                Err(_) => return Err(way.timed_out("reading the body of the answer")),
                Ok(Err(error)) => return Err(way.failed(error)),
                Ok(Ok(None)) => return Ok(Answer { status, headers, body }),
                Ok(Ok(Some(chunk))) if body.len() + chunk.len() <= MAX_BODY => body.extend_from_slice(&chunk),
                Ok(Ok(Some(_))) => {
                    return Err(Error::network(
                        "body-too-large",
                        format!("{host} answered with more than {MAX_BODY} bytes"),
                    )
                    .hint("check that the endpoint is the one you meant; no token answer is that large"));
                }
            }
        }
    }
}

/// One client of the HTTP library; connections that one of them parks in `lot` the other finds there.
fn built(tls: rustls::ClientConfig, proxy: Option<reqwest::Proxy>, lot: &parking::Parking) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .connector_layer(lot.clone())
        .retry(reqwest::retry::never())
        .http1_only()
        .user_agent(concat!("jobpass/", env!("CARGO_PKG_VERSION")));
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    builder
        .build()
        .map_err(|e| Error::usage("http-client", format!("the HTTP client cannot be set up: {}", e.without_url())))
}

/// `Authorization: Bearer …`, marked sensitive so that no debug output of the HTTP stack shows it.
///
/// # Errors
/// A token with characters that no header can hold.
pub fn bearer(token: &Secret) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.reveal())).map_err(|_| {
        Error::network("bearer-malformed", "the bearer token holds characters that no header can carry")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The host (and port) of a URL, for messages.
#[must_use]
pub fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("(no host)");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Scheme, host and path: what of a URL may be shown.
#[must_use]
pub fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), host_of(url), url.path())
}
