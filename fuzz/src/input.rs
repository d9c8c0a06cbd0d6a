//! An input taken apart.

use jobpass::claims::Claims;
use serde_json::{Map, Value};

/// What stands between the trust policy and the claims.
pub const SEPARATOR: char = '\0';

/// The trust policy's text, and the claims where they are an object. `None` for what is no text.
pub fn split(data: &[u8]) -> Option<(&str, Option<Claims>)> {
    let text = std::str::from_utf8(data).ok()?;
    let (trust, claims) = text.split_once(SEPARATOR).unwrap_or((text, ""));
    let claims: Option<Map<String, Value>> = serde_json::from_str(claims).ok();
    Some((trust, claims.map(Claims::new)))
}

/// An input of both.
pub fn join(trust: &str, claims: &str) -> Vec<u8> {
    format!("{trust}{SEPARATOR}{claims}").into_bytes()
}

/// Claims with one of them changed.
pub fn with(claims: &Claims, name: &str, value: impl Into<Value>) -> Claims {
    let mut claims = claims.clone();
    claims.set(name, value);
    claims
}

/// Claims with one of them removed.
pub fn without(claims: &Claims, name: &str) -> Claims {
    let mut all = claims.as_map().clone();
    all.remove(name);
    Claims::new(all)
}

/// Every text in a value: keys, and strings.
pub fn texts(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(all) => all.iter().for_each(|one| texts(one, each)),
        Value::Object(all) => all.iter().for_each(|(key, one)| {
            each(key);
            texts(one, each);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
