//! What stands behind a condition key in the request that a web identity makes.
//!
//! A claim in the token is not a key in the request: AWS fills a short list per issuer and leaves the rest absent. The list
//! is in [`super::table`]; the global keys are those of the IAM user guide, "AWS global condition context keys".

use serde_json::Value;

use super::table::{self, Filled, Kind};
use super::{Request, tags};

/// Values that are in the request.
#[derive(Clone, Debug)]
pub(super) struct Present {
    pub(super) values: Vec<String>,
    /// Whether the key holds a list: then only set operators are made for it.
    pub(super) many: bool,
    pub(super) kind: Kind,
}

/// What stands behind a condition key.
pub(super) enum Found {
    /// In the request.
    Present(Present),
    /// In the request with these values, or not at all: that is not documented.
    Perhaps(Present, &'static str),
    /// In the request with a moment between these two, both in seconds since the epoch.
    Between(i64, i64, Kind),
    /// Not in the request, on documented grounds.
    Absent {
        why: String,
        /// AWS fills it for no token of this issuer.
        dead: bool,
        /// Dead, although the token has a claim of this name; `None` within for one that is no text.
        claimed: Option<Option<String>>,
    },
    /// Cannot be told offline, or is not documented.
    Unknown(String),
}

impl Found {
    fn one(value: impl Into<String>, kind: Kind) -> Found {
        Found::Present(Present { values: vec![value.into()], many: false, kind })
    }

    fn absent(why: impl Into<String>) -> Found {
        Found::Absent { why: why.into(), dead: false, claimed: None }
    }
}

/// Looks a condition key up. Names of keys are compared without regard to case.
pub(super) fn find(key: &str, request: &Request<'_>) -> Found {
    if key.contains("${") {
        return Found::Unknown("neither IAM nor CloudFormation puts anything into a key".to_owned());
    }
    let key = key.to_lowercase();
    let provider = request.provider.to_lowercase();
    match key.strip_prefix(&provider).and_then(|rest| rest.strip_prefix(':')) {
        Some(name) => own(name, &provider, request),
        None => foreign(&key, request),
    }
}

/// A key with the prefix of the token's own provider.
fn own(name: &str, provider: &str, request: &Request<'_>) -> Found {
    if provider == table::GOOGLE
        && let Some(found) = google(name, request)
    {
        return found;
    }
    match name {
        "aud" => audience(request),
        "sub" => claim("sub", Kind::Text, request),
        "azp" => claim("azp", Kind::Text, request),
        "amr" => match request.claims.value("amr") {
            None | Some(Value::Null) => Found::absent("the token has no claim `amr`"),
            Some(value) => match crate::trust::json::texts(value) {
                Some(values) => Found::Present(Present { values, many: true, kind: Kind::Text }),
                None => Found::Unknown("the claim `amr` is no list of texts".to_owned()),
            },
        },
        _ => match table::filled(provider, name) {
            Filled::Yes => claim(name, Kind::Text, request),
            Filled::Unsure => match claim(name, Kind::Text, request) {
                Found::Present(present) => {
                    Found::Perhaps(present, "one list of AWS names this key and another of the same month does not")
                }
                other => other,
            },
            Filled::No => Found::Absent {
                why: format!("AWS does not fill this key for this issuer (its list of {})", table::AS_OF),
                dead: true,
                claimed: claimed(name, request),
            },
        },
    }
}

/// What the token has under a name that is given in lower case: names of keys have no case, names of claims have.
fn claimed(name: &str, request: &Request<'_>) -> Option<Option<String>> {
    let claims = request.claims.as_map();
    let (_, value) = claims.iter().find(|(claim, value)| claim.to_lowercase() == name && !value.is_null())?;
    Some(value.as_str().map(str::to_owned))
}

fn claim(name: &str, kind: Kind, request: &Request<'_>) -> Found {
    match request.claims.value(name) {
        None | Some(Value::Null) => Found::absent(format!("the token has no claim `{name}`")),
        Some(Value::String(text)) if text.is_empty() => {
            let present = Present { values: vec![String::new()], many: false, kind };
            Found::Perhaps(present, "whether an empty claim makes a key is not documented")
        }
        Some(Value::String(text)) => Found::one(text, kind),
        Some(Value::Number(number)) if kind == Kind::Number => Found::one(number.to_string(), kind),
        Some(_) => Found::Unknown(format!("the claim `{name}` is no text, and what AWS makes of it is not documented")),
    }
}

fn audience(request: &Request<'_>) -> Found {
    let azp = request.claims.value("azp").filter(|azp| !azp.is_null());
    let audiences = request.claims.audiences();
    if azp.is_some_and(|azp| azp.as_str() != audiences.first().map(String::as_str) || audiences.len() > 1) {
        return Found::Unknown("the token has `azp`, and what `aud` is then is documented for Google only".to_owned());
    }
    if let Some(Value::Array(all)) = request.claims.value("aud")
        && all.len() != audiences.len()
    {
        return Found::Unknown("the claim `aud` holds something that is no text".to_owned());
    }
    match audiences.as_slice() {
        [] => Found::absent("the token has no claim `aud`"),
        [one] => Found::one(one, Kind::Text),
        many => Found::Present(Present { values: many.to_vec(), many: true, kind: Kind::Text }),
    }
}

/// With `azp` in Google's tokens, the key `aud` is `azp`, and `oaud` is the claim `aud`.
fn google(name: &str, request: &Request<'_>) -> Option<Found> {
    let azp = request.claims.value("azp").is_some_and(|azp| !azp.is_null());
    match name {
        "aud" if azp => Some(claim("azp", Kind::Text, request)),
        "aud" | "oaud" => Some(claim("aud", Kind::Text, request)),
        "google/organization_number" => Some(match request.claims.value("google") {
            Some(Value::Object(_)) => {
                Found::Unknown("what AWS reads from the claim `google` is not documented".to_owned())
            }
            _ => claim("google/organization_number", Kind::Number, request),
        }),
        _ => None,
    }
}

/// A key of another provider, of STS or IAM, or a global one.
fn foreign(key: &str, request: &Request<'_>) -> Found {
    let tag = |prefix: &str| key.strip_prefix(prefix);
    let list = |values: Option<Result<Vec<String>, String>>| match values {
        Some(Ok(values)) => Found::Present(Present { values, many: true, kind: Kind::Text }),
        Some(Err(why)) => Found::Unknown(why),
        None => Found::absent("the token carries no such session tags"),
    };
    // What the caller knows of the request; only what does not follow from the token.
    if let Some((_, values)) = request.known.iter().find(|(known, _)| known.to_lowercase() == key) {
        return match values.as_slice() {
            [] => Found::absent("it was said to be absent"),
            many => {
                Found::Present(Present { values: many.to_vec(), many: many.len() > 1, kind: table::global_kind(key) })
            }
        };
    }
    if let Some(name) = tag("aws:requesttag/") {
        return match tags::find(request.claims, name) {
            Some(Ok(value)) => Found::one(value, Kind::Text),
            Some(Err(why)) => Found::Unknown(why),
            None => Found::absent("the token carries no such session tag"),
        };
    }
    if let Some(name) = tag("aws:resourcetag/").or_else(|| tag("iam:resourcetag/")) {
        let Some(of_role) = request.role_tags else {
            return Found::Unknown("the role's tags are not in the file".to_owned());
        };
        return match of_role.iter().find(|(tag, _)| tag.to_lowercase() == name) {
            Some((_, value)) => Found::one(value, Kind::Text),
            None => Found::absent("the role has no such tag"),
        };
    }
    match key {
        "aws:tagkeys" => list(tags::names(request.claims)),
        "sts:transitivetagkeys" => list(tags::transitive(request.claims)),
        "sts:sourceidentity" => match tags::source_identity(request.claims) {
            None => Found::absent("the token carries no source identity"),
            Some(Ok(text)) => Found::one(text, Kind::Text),
            Some(Err(why)) => Found::Unknown(why),
        },
        "sts:rolesessionname" => match request.session_name {
            Some(name) => Found::one(name, Kind::Text),
            None => Found::Unknown("the session name of the call is not known".to_owned()),
        },
        "aws:securetransport" => Found::one("true", Kind::Flag),
        "aws:currenttime" => time(Kind::Date, request),
        "aws:epochtime" => time(Kind::Epoch, request),
        "aws:resourceaccount" => match &request.account {
            Some(account) => {
                let present = Present { values: vec![account.clone()], many: false, kind: Kind::Text };
                Found::Perhaps(present, "whether this call has the key is not documented")
            }
            None => Found::Unknown("the role's account is not known".to_owned()),
        },
        _ => other(key, request),
    }
}

/// The token is taken between its `nbf` or `iat` and its `exp`, give or take what clocks differ by.
fn time(kind: Kind, request: &Request<'_>) -> Found {
    const CLOCKS: i64 = 300;
    let claims = request.claims;
    let begins = claims.seconds("nbf").or_else(|| claims.seconds("iat"));
    match begins.zip(claims.seconds("exp")) {
        Some((begins, ends)) if 0 < begins && begins <= ends => {
            Found::Between(begins.saturating_sub(CLOCKS), ends.saturating_add(CLOCKS), kind)
        }
        _ => Found::Unknown("when the call is made is not known".to_owned()),
    }
}

fn other(key: &str, request: &Request<'_>) -> Found {
    let prefix = key.split(':').next().unwrap_or_default();
    if key.starts_with("https:") || key.starts_with("http:") {
        return Found::Unknown("a condition key begins with the provider's host, without https://".to_owned());
    }
    if prefix.starts_with("github.com/enterprises/") {
        return Found::Unknown("what keys with this prefix mean is not documented".to_owned());
    }
    let host = |c: char| c.is_ascii_alphanumeric() || "-._~/:%".contains(c);
    if prefix.contains('.') && key.contains(':') && prefix.chars().all(host) {
        let own = request.provider;
        return Found::Absent {
            why: format!("the key belongs to the provider {prefix}, and the token's is {own}"),
            dead: true,
            claimed: None,
        };
    }
    Found::Unknown(format!("`{key}` is not known offline, or not documented for this call"))
}
