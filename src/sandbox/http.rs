//! A request as the stand-ins see it, and their answer.

use http_body_util::{BodyExt as _, Limited};
use hyper::HeaderMap;
use hyper::body::{Bytes, Incoming};
use reqwest::Url;
use serde_json::Value;

use crate::trust::Explanation;

/// The longest request body, in bytes: an ID token has at most 20,000.
const MAX_BODY: usize = 256 * 1024;

/// One request.
pub(super) struct Call {
    pub(super) method: String,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    pub(super) host: String,
    /// As received: still percent-encoded.
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    /// Reads the whole request; `None` when the body is too long or breaks off.
    pub(super) async fn read(request: hyper::Request<Incoming>, scheme: &'static str) -> Option<Call> {
        let (parts, body) = request.into_parts();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let host = parts.uri.authority().map(ToString::to_string).or_else(|| header("host")).unwrap_or_default();
        let body = Limited::new(body, MAX_BODY).collect().await.ok()?.to_bytes();
        Some(Call {
            method: parts.method.to_string(),
            scheme,
            host,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
        })
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What stands behind `Bearer ` in the authorization header.
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    /// One parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        pairs(self.query.as_deref().unwrap_or_default())
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The body as a form.
    pub(super) fn form(&self) -> Form {
        Form(std::str::from_utf8(&self.body).map(pairs).unwrap_or_default())
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The path with the percent-encoding taken off.
    pub(super) fn decoded_path(&self) -> String {
        percent_decoded(&self.path)
    }
}

/// The fields of an `application/x-www-form-urlencoded` body.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// A field's value; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Fields whose names start so.
    pub(super) fn starting_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.starts_with(prefix)).map(|(_, value)| value.as_str())
    }
}

/// Decodes `a=b&c=d` with the rules of the URL standard.
fn pairs(text: &str) -> Vec<(String, String)> {
    let Ok(mut url) = Url::parse("http://localhost/") else { return Vec::new() };
    url.set_query(Some(text));
    url.query_pairs().into_owned().collect()
}

fn percent_decoded(path: &str) -> String {
    // In a query `+` means a blank; in a path it is itself.
    let query = format!("p={}", path.replace('+', "%2B").replace('&', "%26"));
    pairs(&query).into_iter().next().map(|(_, value)| value).unwrap_or_default()
}

/// What a stand-in answers.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// What it was about, for the request log: an action, an audience. Never a secret.
    pub(super) what: String,
    /// What the trust policy said.
    pub(super) explanation: Option<Box<Explanation>>,
}

impl Reply {
    pub(super) fn text(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Reply {
        let headers = vec![("content-type", kind.to_owned())];
        Reply { status, headers, body: body.into(), what: String::new(), explanation: None }
    }

    pub(super) fn json(status: u16, body: &Value) -> Reply {
        Reply::text(status, "application/json; charset=utf-8", body.to_string())
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn about(mut self, what: impl Into<String>) -> Reply {
        self.what = what.into();
        self
    }

    pub(super) fn explained(mut self, explanation: Option<Explanation>) -> Reply {
        self.explanation = explanation.map(Box::new);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_once() {
        let form = Form(pairs("a=x+y%2Bz&b=%7B%22c%22%3A%22%2520%22%7D&c="));
        assert_eq!(form.get("a"), Some("x y+z"));
        assert_eq!(form.get("b"), Some(r#"{"c":"%20"}"#));
        assert_eq!(form.get("c"), None);
        assert_eq!(form.get("d"), None);
    }

    #[test]
    fn paths_keep_their_plus() {
        assert_eq!(percent_decoded("/a%40b.c+d:x"), "/a@b.c+d:x");
        assert_eq!(percent_decoded("/a&b"), "/a&b");
    }
}
