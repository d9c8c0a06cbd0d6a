//! Google's STS: the token exchange (RFC 8693) in both encodings, and introspection.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::directory::undecided;
use super::http::{Call, Reply};
use super::issuer::{self, Checked};
use super::{State, lock};
use crate::edge::gcp::Provider;
use crate::jwt::{Reason, Rejection};
use crate::random;
use crate::trust::{Decision, Explanation, Rules, gcp as trust};

/// A federated token that was handed out.
#[derive(Clone)]
pub(super) struct Federated {
    pub(super) token: String,
    pub(super) expires: OffsetDateTime,
    pub(super) provider: Provider,
    pub(super) mapped: trust::Mapped,
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const SUBJECT_TYPES: [&str; 2] = ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];
/// A subject token may be this old, in seconds.
const STALE_SECONDS: i64 = 24 * 3_600;

/// `POST /v1/token`.
pub(super) fn token(state: &State, call: &Call) -> Reply {
    exchange(state, call).unwrap_or_else(|refused| refused).about("token exchange")
}

fn exchange(state: &State, call: &Call) -> Result<Reply, Reply> {
    if call.method != "POST" {
        return Err(error(405, "invalid_request", "POST only (sandbox wording)"));
    }
    if call.header("authorization").is_some() {
        return Err(error(400, "invalid_request", "an Authorization header stands where none may (sandbox wording)"));
    }
    let fields = Fields::of(call);
    for (name, expected) in [("grant_type", GRANT), ("requested_token_type", ACCESS_TOKEN)] {
        if fields.get(name).as_deref() != Some(expected) {
            return Err(error(400, "invalid_request", &format!("{name} must be {expected} (sandbox wording)")));
        }
    }
    if !fields.get("subject_token_type").is_some_and(|kind| SUBJECT_TYPES.contains(&kind.as_str())) {
        return Err(error(400, "invalid_request", "subject_token_type must be that of a JWT (sandbox wording)"));
    }
    if fields.get("scope").is_none() {
        return Err(error(400, "invalid_scope", "scope must not be empty (sandbox wording)"));
    }
    let audience = fields.get("audience").filter(|audience| audience.starts_with("//iam."));
    let provider = audience.as_deref().and_then(|audience| Provider::parse(audience).ok()).ok_or_else(|| {
        error(
            400,
            "invalid_request",
            "Invalid value for \"audience\". This value should be the full resource name of the Identity Provider. See \
             https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the list of possible formats.",
        )
    })?;
    let subject_token = fields.get("subject_token").unwrap_or_default();
    let checked = issuer::check(state, &subject_token).map_err(|rejection| of_token(&rejection))?;
    let now = OffsetDateTime::now_utc();
    if let Some(issued) = checked.claims.seconds("iat").filter(|iat| now.unix_timestamp() - iat > STALE_SECONDS) {
        return Err(error(400, "invalid_grant", &format!("ID Token issued at {issued} is stale to sign-in.")));
    }
    let (explanation, mapped) = decide(state, &provider, &checked)?;
    let seconds = checked.claims.seconds("exp").map_or(0, |exp| exp - now.unix_timestamp()).max(1);
    let random = random::hex::<32>().map_err(|failed| error(500, "server_error", &failed.to_string()))?;
    let token = format!("SANDBOX.gcp.federated.{random}");
    let expires = now + time::Duration::seconds(seconds);
    lock(&state.gcp).push(Federated { token: token.clone(), expires, provider, mapped });
    let body = json!({
        "access_token": token, "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": seconds,
    });
    Ok(Reply::json(200, &body).explained(explanation))
}

/// The provider's half of the trust policy; the binding's comes with the impersonation.
fn decide(
    state: &State,
    provider: &Provider,
    checked: &Checked,
) -> Result<(Option<Explanation>, trust::Mapped), Reply> {
    let mut refusal: Option<Explanation> = None;
    for (_, policy, target) in state.providers(provider) {
        let Some(Rules::Gcp(policy)) = policy.map(|policy| &policy.rules) else { continue };
        let (explanation, mapped) =
            trust::exchange(policy, provider, &target.universe_domain, &checked.issuer, &checked.claims);
        if explanation.decision == Decision::Allowed {
            return Ok((Some(explanation), mapped));
        }
        refusal.get_or_insert(explanation);
    }
    match refusal {
        Some(explanation) => Err(of_step(&explanation, provider, checked).explained(Some(explanation))),
        None if state.options.open => {
            Ok((None, trust::Mapped { subject: Some(checked.claims.subject()), ..trust::Mapped::default() }))
        }
        None => Err(invalid_target()),
    }
}

fn invalid_target() -> Reply {
    error(
        400,
        "invalid_target",
        "The target service indicated by the \"audience\" parameters is invalid. This might either be because the pool or \
         provider is disabled or deleted or because it doesn't exist.",
    )
}

/// Google's words for the step that failed, where they are known.
fn of_step(explanation: &Explanation, provider: &Provider, checked: &Checked) -> Reply {
    let failed = explanation.failed().into_iter().next();
    let both =
        failed.map(|node| format!("expected {}, presented {}", node.expected, node.presented)).unwrap_or_default();
    let what = failed.map(|node| node.what.clone()).unwrap_or_default();
    match explanation.step {
        Some("issuer") => {
            let expected = failed.map(|node| node.expected.clone()).unwrap_or_default();
            wrong_issuer(&checked.issuer, &expected)
        }
        Some("provider") => invalid_target(),
        Some("audience") => error(
            400,
            "invalid_grant",
            &format!("the audience in the ID Token does not match for {}: {both} (sandbox wording)", provider.name()),
        ),
        Some("mapping-type") => {
            error(400, "unauthorized_client", "The mapped attribute 'google.subject' must be of type STRING.")
        }
        Some("subject-size") => error(
            400,
            "invalid_request",
            "The size of mapped attribute google.subject exceeds the 127 bytes limit. Either modify your attribute mapping or \
             the incoming assertion to produce a mapped attribute that is less than 127 bytes.",
        ),
        Some("condition") => {
            error(400, "unauthorized_client", "The given credential is rejected by the attribute condition.")
        }
        _ => {
            let text = format!("{what}: {both} (sandbox wording){}", undecided(explanation));
            error(400, "unauthorized_client", &text)
        }
    }
}

fn wrong_issuer(presented: &str, expected: &str) -> Reply {
    let text = format!("The issuer in ID Token {presented} does not match the expected ones: {expected}");
    error(400, "invalid_grant", &text)
}

fn of_token(rejection: &Rejection) -> Reply {
    match rejection.reason {
        Reason::Issuer => wrong_issuer(&rejection.presented, &rejection.expected),
        _ => error(400, "invalid_grant", &format!("{rejection} (sandbox wording)")),
    }
}

/// `POST /v1/introspect`: what gcloud asks with direct access.
pub(super) fn introspect(state: &State, call: &Call) -> Reply {
    let fields = Fields::of(call);
    let token = fields.get("token").unwrap_or_default();
    let body = match find(state, &token) {
        Some(known) => json!({
            "active": true,
            "username": format!("principal://iam.googleapis.com/{}/subject/{}", known.provider.pool_name(), known.mapped.subject.unwrap_or_default()),
            "exp": known.expires.unix_timestamp(),
        }),
        None => json!({ "active": false }),
    };
    Reply::json(200, &body).about("introspection")
}

/// A federated token that is known and has not expired.
pub(super) fn find(state: &State, token: &str) -> Option<Federated> {
    let now = OffsetDateTime::now_utc();
    lock(&state.gcp).iter().find(|known| known.token == token && known.expires > now).cloned()
}

/// The OAuth error form (RFC 6749 §5.2).
pub(super) fn error(status: u16, code: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": code, "error_description": description }))
}

/// The fields of either encoding: camelCase in JSON, snake_case in a form.
enum Fields {
    Json(Value),
    Form(super::http::Form),
}

impl Fields {
    fn of(call: &Call) -> Fields {
        let json = call.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        if json { Fields::Json(call.json().unwrap_or_default()) } else { Fields::Form(call.form()) }
    }

    /// A field by its name in a form.
    fn get(&self, name: &str) -> Option<String> {
        match self {
            Fields::Form(form) => form.get(name).map(str::to_owned),
            Fields::Json(value) => {
                let value = value.get(camel(name)).or_else(|| value.get(name))?.as_str()?;
                (!value.is_empty()).then(|| value.to_owned())
            }
        }
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        all.push_str(letters.as_str());
        all
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn camel_case() {
        assert_eq!(super::camel("requested_token_type"), "requestedTokenType");
        assert_eq!(super::camel("audience"), "audience");
    }
}
