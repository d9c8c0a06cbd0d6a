//! An endpoint is https, or plain http on loopback in sandbox mode; nothing else passes.

use std::net::IpAddr;

use reqwest::Url;

use crate::error::{Error, Result};

/// A URL that may be talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Checks a URL. `named_by` says where it came from, for the message: a variable, a flag, a key.
    ///
    /// # Errors
    /// Usage errors, before anything is sent: not a URL, another scheme, a user or password in it, plain http.
    pub fn parse(text: &str, named_by: &str, sandbox: bool) -> Result<Endpoint> {
        let bad = |why: String| {
            Error::usage("endpoint", format!("{named_by} is not a usable endpoint: {why}"))
                .detail("expected", "https://HOST[:PORT][/PATH]")
        };
        let url = Url::parse(text).map_err(|error| bad(error.to_string()))?;
        if url.host_str().is_none_or(str::is_empty) {
            return Err(bad("it names no host".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it holds a user or a password".to_owned()));
        }
        match url.scheme() {
            "https" => Ok(Endpoint(url)),
            "http" if sandbox && is_loopback(&url) => Ok(Endpoint(url)),
            "http" if is_loopback(&url) => {
                Err(bad("it is plain http; on loopback that is allowed in sandbox mode only".to_owned())
                    .hint("against the sandbox or another stand-in, add --sandbox (or set JOBPASS_SANDBOX=1)"))
            }
            "http" => {
                Err(bad(format!("it is plain http to {}; a token must not travel in the clear", super::host_of(&url))))
            }
            other => Err(bad(format!("its scheme is `{other}`"))),
        }
    }

    /// The URL.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The host (and port), for messages.
    #[must_use]
    pub fn host(&self) -> String {
        super::host_of(&self.0)
    }

    /// Scheme, host and port: what a connection belongs to.
    #[must_use]
    pub fn origin(&self) -> String {
        origin_of(&self.0)
    }

    /// The endpoint with `path` (relative, no leading slash) behind its own path.
    #[must_use]
    pub fn join(&self, path: &str) -> Endpoint {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.0.path().trim_end_matches('/')));
        Endpoint(url)
    }
}

/// Scheme, host and port of a URL.
#[must_use]
pub(super) fn origin_of(url: &Url) -> String {
    format!("{}://{}:{}", url.scheme(), url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0))
}

/// True for `localhost` and addresses of the loopback range.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_https_or_sandboxed_loopback_passes() {
        let pass = |text, sandbox| Endpoint::parse(text, "--x", sandbox).is_ok();
        for text in ["https://sts.amazonaws.com", "https://localhost:8443/x", "https://[::1]:1/"] {
            assert!(pass(text, false), "{text}");
        }
        for text in ["http://127.0.0.1:1/", "http://localhost:9", "http://[::1]:1/"] {
            assert!(pass(text, true), "{text}");
            assert!(!pass(text, false), "{text}");
        }
        for text in [
            "http://1.2.3.4/",
            "http://localhost.evil.example/",
            "http://127.0.0.1.evil.example/",
            "ftp://localhost/",
            "https://user@sts.amazonaws.com/",
            "https://:secret@sts.amazonaws.com/",
            "sts.amazonaws.com",
            "https://",
            "",
            "file:///etc/passwd",
        ] {
            assert!(!pass(text, true), "{text}");
        }
    }

    #[test]
    fn join_keeps_the_path() {
        let endpoint = Endpoint::parse("https://localhost/gcp/sts/", "--x", false).unwrap();
        assert_eq!(endpoint.join("v1/token").url().path(), "/gcp/sts/v1/token");
    }
}
