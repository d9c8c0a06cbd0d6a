//! Google's IAM Credentials: a federated token becomes a service account's access token or ID token.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::State;
use super::directory::undecided;
use super::gcp::{self, Federated};
use super::http::{Call, Reply};
use super::issuer::opaque_jwt;
use crate::claims::Claims;
use crate::edge::gcp::TOKEN_SECONDS;
use crate::random;
use crate::trust::{Decision, Explanation, Rules, gcp as trust};

/// `POST /v1/projects/-/serviceAccounts/{ACCOUNT}:{METHOD}`.
pub(super) fn answer(state: &State, call: &Call) -> Reply {
    let path = call.decoded_path();
    let name =
        path.strip_prefix("/gcp/iamcredentials/v1/projects/-/serviceAccounts/").and_then(|rest| rest.rsplit_once(':'));
    let Some((account, method)) = name else {
        return error(404, "NOT_FOUND", "expected /v1/projects/-/serviceAccounts/ACCOUNT:METHOD (sandbox wording)");
    };
    let reply = match method {
        _ if call.method != "POST" => error(405, "INVALID_ARGUMENT", "POST only (sandbox wording)"),
        "generateAccessToken" => access_token(state, call, account).unwrap_or_else(|refused| refused),
        "generateIdToken" => id_token(state, call, account).unwrap_or_else(|refused| refused),
        _ => error(404, "NOT_FOUND", &format!("the sandbox has no method {method} (sandbox wording)")),
    };
    reply.about(method)
}

fn access_token(state: &State, call: &Call, account: &str) -> Result<Reply, Reply> {
    let body = body(call)?;
    let explanation = authorise(state, call, account, &body, "iam.serviceAccounts.getAccessToken")?;
    let scopes = body.get("scope").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if scopes.is_empty() || !scopes.iter().all(Value::is_string) {
        return Err(error(400, "INVALID_ARGUMENT", "scope needs at least one entry (sandbox wording)"));
    }
    let seconds = match body.get("lifetime") {
        None => 3_600,
        Some(lifetime) => lifetime
            .as_str()
            .and_then(|text| text.strip_suffix('s'))
            .and_then(|number| number.parse::<u64>().ok())
            .ok_or_else(|| error(400, "INVALID_ARGUMENT", "lifetime is not of the form 3600s (sandbox wording)"))?,
    };
    if seconds == 0 || seconds > *TOKEN_SECONDS.end() {
        return Err(error(400, "INVALID_ARGUMENT", "lifetime must lie in 1s to 43200s (sandbox wording)"));
    }
    let expires = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH)
        + time::Duration::seconds(i64::try_from(seconds).unwrap_or(0));
    let token = format!("SANDBOX.gcp.access.{}", random::hex::<32>().map_err(|failed| internal(&failed))?);
    let body = json!({ "accessToken": token, "expireTime": expires.format(&Rfc3339).unwrap_or_default() });
    Ok(Reply::json(200, &body).explained(explanation))
}

fn id_token(state: &State, call: &Call, account: &str) -> Result<Reply, Reply> {
    let body = body(call)?;
    let explanation = authorise(state, call, account, &body, "iam.serviceAccounts.getOpenIdToken")?;
    let Some(audience) = body.get("audience").and_then(Value::as_str).filter(|audience| !audience.is_empty()) else {
        return Err(error(400, "INVALID_ARGUMENT", "audience is missing (sandbox wording)"));
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut claims = Claims::default();
    for (name, value) in [("aud", audience), ("azp", account), ("sub", account), ("iss", "https://accounts.google.com")]
    {
        claims.set(name, value);
    }
    claims.set("iat", now);
    claims.set("exp", now + 3_600);
    claims.set("sandbox", true);
    if body.get("includeEmail") == Some(&Value::Bool(true)) {
        claims.set("email", account);
        claims.set("email_verified", true);
    }
    let token = opaque_jwt(&Value::Object(claims.as_map().clone())).map_err(|failed| internal(&failed))?;
    Ok(Reply::json(200, &json!({ "token": token })).explained(explanation))
}

fn body(call: &Call) -> Result<Value, Reply> {
    call.json()
        .filter(Value::is_object)
        .ok_or_else(|| error(400, "INVALID_ARGUMENT", "no JSON object (sandbox wording)"))
}

/// May the bearer act as the account? Delegates have to be the edge's own, in its order.
fn authorise(
    state: &State,
    call: &Call,
    account: &str,
    body: &Value,
    permission: &str,
) -> Result<Option<Explanation>, Reply> {
    let Some(bearer) = call.bearer().and_then(|token| gcp::find(state, token)) else {
        return Err(error(
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid \
             authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
        ));
    };
    let delegates = body.get("delegates").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let delegates: Vec<&str> = delegates.iter().filter_map(Value::as_str).collect();
    decide(state, &bearer, account, &delegates, permission)
}

fn decide(
    state: &State,
    bearer: &Federated,
    account: &str,
    delegates: &[&str],
    permission: &str,
) -> Result<Option<Explanation>, Reply> {
    let mut refusal: Option<Explanation> = None;
    for (_, policy, target) in state.providers(&bearer.provider) {
        let fits = target.service_account.as_deref() == Some(account) && target.delegates == delegates;
        let (true, Some(Rules::Gcp(policy))) = (fits, policy.map(|policy| &policy.rules)) else { continue };
        let explanation = trust::impersonation(policy, target, &bearer.mapped);
        if explanation.decision == Decision::Allowed {
            return Ok(Some(explanation));
        }
        refusal.get_or_insert(explanation);
    }
    if refusal.is_none() && state.options.open {
        return Ok(None);
    }
    let more = refusal.as_ref().map(undecided).unwrap_or_default();
    Err(denied(permission, more).explained(refusal))
}

fn denied(permission: &str, more: &str) -> Reply {
    let message = format!("Permission '{permission}' denied on resource (or it may not exist).{more}");
    let details = json!([{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": { "permission": permission },
    }]);
    let body =
        json!({ "error": { "code": 403, "message": message, "status": "PERMISSION_DENIED", "details": details } });
    Reply::json(403, &body)
}

fn internal(failed: &crate::error::Error) -> Reply {
    error(500, "INTERNAL", &failed.to_string())
}

/// google.rpc.Status as JSON.
pub(super) fn error(code: u16, status: &str, message: &str) -> Reply {
    Reply::json(code, &json!({ "error": { "code": code, "message": message, "status": status } }))
}

/// The HTTP status that goes with a canonical code (google.rpc.Code).
pub(super) fn status_of(code: &str) -> u16 {
    match code {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "RESOURCE_EXHAUSTED" => 429,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => 500,
    }
}
