//! What went wrong on the way, in our words: the phase, the host, whose certificates are trusted, which proxy is set.

use reqwest::Url;

use super::endpoint::is_loopback;
use super::{RootsSource, host_of, proxy};
use crate::error::{Error, Retry};
use crate::secret::clean;

/// The phase before the first byte of a request.
pub(super) const OPENING: &str = "opening the connection (TCP and TLS)";

/// The way to one host.
pub(super) struct Way<'a> {
    /// Host and port.
    pub(super) host: String,
    roots: &'a RootsSource,
    /// The proxy, where one may stand between.
    proxy: Option<&'a proxy::Named>,
}

impl<'a> Way<'a> {
    pub(super) fn to(url: &Url, roots: &'a RootsSource, proxy: Option<&'a proxy::Named>) -> Way<'a> {
        Way { host: host_of(url), roots, proxy: proxy.filter(|_| !is_loopback(url)) }
    }

    /// Nothing came in time.
    pub(super) fn timed_out(&self, phase: &str) -> Error {
        self.proxied(Error::network("timeout", format!("{} took too long: {phase}", self.host)))
            .hint("check the network between this machine and the endpoint, or raise --timeout")
            .retry(Retry::Again(None))
    }

    /// A transport error. The HTTP library's own text can hold the whole URL: it is dropped first.
    pub(super) fn failed(&self, error: reqwest::Error) -> Error {
        let host = &self.host;
        let error = error.without_url();
        let mut causes = Vec::new();
        let mut next: Option<&dyn std::error::Error> = std::error::Error::source(&error);
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        let innermost = causes.last().cloned().unwrap_or_else(|| error.to_string());
        let innermost = clean(&innermost, &[]);
        let all = causes.join(": ");
        if all.contains("certificate") || all.contains("UnknownIssuer") {
            return self
                .proxied(Error::network(
                    "tls-certificate",
                    format!("{host} showed a certificate that is not trusted: {innermost}"),
                ))
                .detail("trusted certificates from", self.roots.to_string())
                .hint("behind a TLS-inspecting proxy, or with a private CA, set SSL_CERT_FILE to its PEM file");
        }
        if let Some(proxy) = self.proxy
            && all.contains("tunnel error")
        {
            return tunnel(&all, &innermost, host, proxy);
        }
        if error.is_connect() && error.is_timeout() {
            return self.timed_out(OPENING);
        }
        if error.is_connect() && all.contains("dns") {
            return self
                .proxied(Error::network("dns", format!("the name {host} cannot be resolved: {innermost}")))
                .hint("check the endpoint's spelling and this machine's resolver")
                .retry(Retry::Again(None));
        }
        let cut_off = ["close_notify", "before message", "unexpected end of file", "Connection reset"];
        let why = if cut_off.iter().any(|words| all.contains(words)) {
            "it was closed before the answer was complete".to_owned()
        } else {
            innermost
        };
        let doing = if error.is_connect() { "the connection to" } else { "the exchange with" };
        self.proxied(Error::network("transport", format!("{doing} {host} failed: {why}")))
            .hint("check that this is the endpoint you meant, and that this machine may reach it")
            .retry(Retry::Again(None))
    }

    fn proxied(&self, error: Error) -> Error {
        error.detail(
            "proxy",
            self.proxy.map(|proxy| format!("{}, from {}", proxy.host, proxy.variable)).unwrap_or_default(),
        )
    }
}

/// The proxy did not open a tunnel: the host behind it is not to blame.
fn tunnel(all: &str, innermost: &str, host: &str, proxy: &proxy::Named) -> Error {
    let proxy::Named { host: at, variable, signed_in } = proxy;
    if all.contains("proxy authorization required") {
        let why = if *signed_in { "does not accept its user and password" } else { "wants a user and a password" };
        return Error::network(
            "proxy-authentication",
            format!("the proxy {at} {why} (407), so {host} was not reached"),
        )
        .detail("proxy from", *variable)
        .hint(format!("set {variable} to http://USER:PASSWORD@HOST:PORT, with both percent-encoded"))
        .hint("where the host can be reached without the proxy, add it to NO_PROXY");
    }
    let message = if all.contains("unsuccessful") {
        format!("the proxy {at} refuses to connect to {host}")
    } else {
        format!("the proxy {at} cannot be used to reach {host}: {innermost}")
    };
    Error::network("proxy-tunnel", message)
        .detail("proxy from", *variable)
        .hint("ask whoever runs the proxy to allow the host; where it can be reached directly, add it to NO_PROXY")
        .retry(Retry::Again(None))
}
