//! Entra's token endpoint: client credentials with an ID token as the assertion (RFC 7523 §2.2).

use serde_json::json;
use time::OffsetDateTime;

use super::State;
use super::azure::error;
use super::directory::{Outcome, undecided};
use super::http::{Call, Form, Reply};
use super::issuer::{self, Checked, opaque_jwt};
use crate::jwt::{Reason, Rejection};
use crate::random;
use crate::trust::{Decision, Explanation, evaluate};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Entra's tokens live 60 to 90 minutes; the sandbox's always the shortest, in seconds.
const LIFE_SECONDS: i64 = 3_599;

pub(super) fn answer(state: &State, call: &Call, tenant: &str) -> Reply {
    let form = call.form();
    let about = form.get("scope").unwrap_or_default().to_owned();
    grant(state, call, &form, tenant).unwrap_or_else(|refused| refused).about(about)
}

fn grant(state: &State, call: &Call, form: &Form, tenant: &str) -> Result<Reply, Reply> {
    let field = |name: &str| {
        form.get(name).ok_or_else(|| {
            error("AADSTS900144", &format!("The request body must contain the following parameter: '{name}'."))
        })
    };
    if call.method != "POST" {
        return Err(error("AADSTS900144", "POST only (sandbox wording)."));
    }
    let client_id = field("client_id")?;
    if field("grant_type")? != "client_credentials" {
        return Err(error("AADSTS700025", "the grant type is not client_credentials (sandbox wording)."));
    }
    if field("client_assertion_type")? != ASSERTION_TYPE {
        return Err(error("AADSTS900144", "the client assertion type is not jwt-bearer (sandbox wording)."));
    }
    let scope = field("scope")?;
    let resource = match scope.strip_suffix("/.default") {
        Some(resource) if !scope.contains(' ') && !resource.is_empty() => resource,
        _ => {
            let text = format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
                 'scope' is not valid. The scope {scope} is not valid."
            );
            return Err(error("AADSTS70011", &text));
        }
    };
    let known: Vec<_> =
        state.applications(client_id).filter(|(_, _, t)| t.tenant_id.eq_ignore_ascii_case(tenant)).collect();
    if known.is_empty() && !state.options.open {
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the tenant. \
             You may have sent your authentication request to the wrong tenant."
        );
        return Err(error("AADSTS700016", &text));
    }
    // An assertion that is there and empty is malformed, not missing.
    let assertion = form.get("client_assertion").unwrap_or_default();
    let checked = issuer::check(state, assertion).map_err(|rejection| of_token(&rejection))?;
    let edges = known.into_iter().map(|(edge, trust, _)| (edge, trust));
    let explanation = match state.decide(edges, |trust, edge| evaluate(trust, edge, &checked.issuer, &checked.claims)) {
        Outcome::Granted(explanation) => explanation,
        Outcome::Absent => return Err(no_match("AADSTS70021", &checked, "")),
        Outcome::Refused(explanation) => return Err(refused(explanation, &checked)),
    };
    let failed = |failed: crate::error::Error| error("AADSTS90033", &failed.to_string());
    let body = json!({
        "token_type": "Bearer",
        "expires_in": LIFE_SECONDS,
        "ext_expires_in": LIFE_SECONDS,
        "access_token": access_token(client_id, tenant, resource).map_err(failed)?,
    });
    Ok(Reply::json(200, &body).explained(explanation))
}

fn refused(explanation: Explanation, checked: &Checked) -> Reply {
    let code = match explanation.decision {
        Decision::Denied => explanation.step.unwrap_or("AADSTS70021"),
        Decision::Allowed | Decision::Undecided => "AADSTS70021",
    };
    no_match(code, checked, undecided(&explanation)).explained(Some(explanation))
}

/// No federated credential matches, in Entra's words.
fn no_match(code: &str, checked: &Checked, more: &str) -> Reply {
    let (subject, audience) = (checked.claims.subject(), checked.claims.audiences().join(", "));
    let issuer = &checked.issuer;
    let text = match code {
        "AADSTS700211" => {
            format!("No matching federated identity record found for presented assertion issuer '{issuer}'.")
        }
        "AADSTS700212" => {
            format!("No matching federated identity record found for presented assertion audience '{audience}'.")
        }
        "AADSTS700213" => {
            format!("No matching federated identity record found for presented assertion subject '{subject}'.")
        }
        "AADSTS7002138" => format!(
            "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches with \
             case-insensitive comparison, but not with case-sensitive comparison."
        ),
        "AADSTS70023" => {
            "External token lifetime is longer than the maximum of 1.01:00:00 (sandbox wording).".to_owned()
        }
        _ => format!(
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion \
             Subject: '{subject}'. Assertion Audience: '{audience}'."
        ),
    };
    error(
        code,
        &format!(
            "{text} Check your federated identity credential Subject, Audience and Issuer against the presented assertion. \
             https://learn.microsoft.com/entra/workload-id/workload-identity-federation{more}"
        ),
    )
}

fn of_token(rejection: &Rejection) -> Reply {
    match rejection.reason {
        Reason::Issuer => {
            let presented = &rejection.presented;
            error(
                "AADSTS700211",
                &format!("No matching federated identity record found for presented assertion issuer '{presented}'."),
            )
        }
        Reason::Expired | Reason::NotYet => {
            let text = format!("Client assertion is not within its valid time range: {rejection} (sandbox wording).");
            error("AADSTS700024", &text)
        }
        Reason::UnknownKey | Reason::Signature | Reason::NoKeyId => {
            let text = format!(
                "The signing key of the assertion is not in the issuer's metadata: {rejection} (sandbox wording)."
            );
            error("AADSTS7000272", &text)
        }
        _ => error("AADSTS50027", &format!("JWT token is invalid or malformed: {rejection} (sandbox wording).")),
    }
}

/// Clients read `oid`, `tid` and `appid` of it; it says of itself what it is.
fn access_token(client_id: &str, tenant: &str, resource: &str) -> crate::error::Result<String> {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    opaque_jwt(&json!({
        "aud": resource,
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": now,
        "nbf": now,
        "exp": now + LIFE_SECONDS,
        "appid": client_id,
        "appidacr": "2",
        "idtyp": "app",
        "oid": client_id,
        "sub": client_id,
        "tid": tenant,
        "uti": random::hex::<8>()?,
        "ver": "1.0",
        "sandbox": true,
        "name": "SANDBOX",
    }))
}
