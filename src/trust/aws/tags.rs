//! Session tags and source identity, which a token can carry. Source: IAM user guide, "Pass session tags in AWS STS".

use serde_json::Value;

use crate::claims::Claims;

/// The claim with session tags: `{"principal_tags": {KEY: [VALUE]}, "transitive_tag_keys": [KEY]}`.
pub(super) const TAGS: &str = "https://aws.amazon.com/tags";
/// The claim with the source identity.
pub(super) const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

const MOST: usize = 50;
const KEY_CHARACTERS: usize = 128;
const VALUE_CHARACTERS: usize = 256;

/// Whether the token asks for session tags; `Err` says what about them is not as documented.
pub(super) fn asked(claims: &Claims) -> Option<Result<(), String>> {
    let value = claims.value(TAGS).filter(|value| !value.is_null())?;
    let transitive = transitive(claims).unwrap_or_else(|| Ok(Vec::new()));
    Some(read(value).and_then(|tags| {
        let is_tag = |name: &&String| !tags.iter().any(|(key, _)| key.to_lowercase() == name.to_lowercase());
        match transitive?.iter().find(is_tag) {
            Some(name) => Err(format!("`{name}` is to be handed on and is no tag")),
            None => Ok(()),
        }
    }))
}

/// The source identity that the token asks for; `Err` says what about it is not as documented (AWS STS, `SourceIdentity`: 2 to
/// 64 of `[\w+=,.@-]`, not beginning with `aws:`).
pub(super) fn source_identity(claims: &Claims) -> Option<Result<&str, String>> {
    let value = claims.value(SOURCE_IDENTITY).filter(|value| !value.is_null())?;
    let good = |text: &&str| {
        (2..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c))
    };
    Some(
        value.as_str().filter(good).ok_or_else(|| "the source identity is no text of 2 to 64 `[\\w+=,.@-]`".to_owned()),
    )
}

fn read(value: &Value) -> Result<Vec<(&str, &str)>, String> {
    let tags =
        value.get("principal_tags").and_then(Value::as_object).ok_or("the claim has no object `principal_tags`")?;
    if tags.len() > MOST {
        return Err(format!("{} tags, at most {MOST} are taken", tags.len()));
    }
    // The characters of STS's `Tag`: `[\p{L}\p{Z}\p{N}_.:/=+\-@]`.
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c));
    let read = |(key, value): (&'_ String, &'_ Value)| match value.as_array().map(Vec::as_slice) {
        Some([Value::String(value)]) if key.is_empty() || !plain(key) || !plain(value) => {
            Err(format!("the tag `{key}` has characters that STS does not take"))
        }
        _ if key.to_lowercase().starts_with("aws:") => {
            Err(format!("the tag `{key}` begins with aws:, which is reserved"))
        }
        _ if tags.keys().any(|other| other != key && other.to_lowercase() == key.to_lowercase()) => {
            Err(format!("the tag `{key}` is there twice, in other letters"))
        }
        Some([Value::String(value)])
            if key.chars().count() > KEY_CHARACTERS || value.chars().count() > VALUE_CHARACTERS =>
        {
            Err(format!("the tag `{key}` is longer than {KEY_CHARACTERS} and {VALUE_CHARACTERS} characters"))
        }
        Some([Value::String(_)]) => Ok(()),
        _ => Err(format!("the tag `{key}` is no list of one text")),
    };
    tags.iter().try_for_each(read)?;
    Ok(tags.iter().filter_map(|(key, value)| Some((key.as_str(), value.get(0)?.as_str()?))).collect())
}

/// The tag's value; names are compared without regard to case, and `name` is in lower case.
pub(super) fn find(claims: &Claims, name: &str) -> Option<Result<String, String>> {
    match read(claims.value(TAGS).filter(|value| !value.is_null())?) {
        Ok(tags) => tags.into_iter().find(|(key, _)| key.to_lowercase() == name).map(|(_, value)| Ok(value.to_owned())),
        Err(why) => Some(Err(why)),
    }
}

/// The names of all tags.
pub(super) fn names(claims: &Claims) -> Option<Result<Vec<String>, String>> {
    let tags = read(claims.value(TAGS).filter(|value| !value.is_null())?);
    Some(tags.map(|tags| tags.into_iter().map(|(key, _)| key.to_owned()).collect()))
}

/// The names of those that are handed on when roles are chained.
pub(super) fn transitive(claims: &Claims) -> Option<Result<Vec<String>, String>> {
    let keys = claims.value(TAGS)?.get("transitive_tag_keys")?;
    Some(crate::trust::json::texts(keys).ok_or_else(|| "`transitive_tag_keys` is no list of texts".to_owned()))
}
