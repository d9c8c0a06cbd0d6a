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
    Some(read(value).map(|_| ()))
}

fn read(value: &Value) -> Result<Vec<(&str, &str)>, String> {
    let tags =
        value.get("principal_tags").and_then(Value::as_object).ok_or("the claim has no object `principal_tags`")?;
    if tags.len() > MOST {
        return Err(format!("{} tags, at most {MOST} are taken", tags.len()));
    }
    let read = |(key, value): (&'_ String, &'_ Value)| match value.as_array().map(Vec::as_slice) {
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
        Ok(tags) => {
            let mut named = tags.into_iter().filter(|(key, _)| key.to_lowercase() == name);
            match (named.next(), named.next()) {
                (Some((_, value)), None) => Some(Ok(value.to_owned())),
                (Some((key, _)), Some(_)) => Some(Err(format!("the tag `{key}` is there twice, in other letters"))),
                (None, _) => None,
            }
        }
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
