//! JSON that refuses a key that stands twice in one object.
//!
//! Readers disagree about which of the two counts; a trust policy read differently here than at the destination could be
//! called allowed by mistake. Depth is limited by the parser itself (128).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The longest file that is read, in bytes: a saved account with a thousand roles fits, a mistake does not.
pub const MOST_BYTES: usize = 16 << 20;
/// The longest key, in bytes. Keys become part of every path below them; the longest that a cloud writes is an issuer's path.
pub(super) const MAX_KEY: usize = 1_024;

/// Reads one JSON value.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it has {} bytes, at most {MOST_BYTES} are read", text.len()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str::<Strict>(text).map(|strict| strict.0).map_err(|error| error.to_string())
}

/// A field's text; `Err` when it has another type.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` is no text")),
    }
}

/// One text, or a list of texts; `None` for anything else in it.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(many) => many.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// The names in `object` that are not in `known` and have a value.
pub(super) fn unknown_keys(object: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    object
        .iter()
        .filter(|(name, value)| !known.contains(&name.as_str()) && !value.is_null())
        .map(|(n, _)| n.clone())
        .collect()
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if name.len() > MAX_KEY {
                return Err(A::Error::custom(format!("a key has {} bytes, at most {MAX_KEY} are read", name.len())));
            }
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the key `{name}` stands twice in one object")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#"{"a":[1,-2,1.5,true,null,"x"],"b":{"c":{}}}"#;
        assert_eq!(parse(text).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"x":[{"a":{"b":1,"b":1}}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(parse(text).unwrap_err().contains("twice"), "{text}");
        }
    }

    #[test]
    fn keys_have_a_length_that_paths_can_bear() {
        let text = |length: usize| format!("{{\"{}\":1}}", "k".repeat(length));
        assert!(parse(&text(MAX_KEY)).is_ok());
        assert!(parse(&text(MAX_KEY + 1)).unwrap_err().contains("1025"));
    }

    #[test]
    fn a_file_has_a_length_that_is_read() {
        let text = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
        assert!(parse(&text(MOST_BYTES)).is_ok());
        assert!(parse(&text(MOST_BYTES + 1)).unwrap_err().contains("16777217 bytes"));
    }

    #[test]
    fn trailing_text_and_deep_nesting_are_errors() {
        assert!(parse("{} {}").is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse("").is_err());
    }
}
