//! GitLab's tokens come as variables, made before the job starts; this endpoint mints one more, for who wants to look.

use serde_json::json;

use super::http::{Call, Reply};
use super::variables::Runner;
use super::{State, issuer};

/// `GET /gitlab/token?audience=…`: the sandbox's own, no GitLab has it. It wants the same bearer as GitHub's.
pub(super) fn answer(state: &State, call: &Call) -> Reply {
    if !call.bearer().is_some_and(|token| state.bearer.matches(token)) {
        return Reply::json(401, &json!({ "message": "the request token is missing or wrong (sandbox wording)" }));
    }
    let Some(audience) = call.query("audience").filter(|audience| !audience.is_empty()) else {
        return Reply::json(400, &json!({ "message": "name an audience (sandbox wording)" }));
    };
    match issuer::mint(state, Runner::Gitlab, &audience) {
        Ok(token) => Reply::json(200, &json!({ "value": token.reveal() })).about(format!("audience={audience}")),
        Err(error) => Reply::json(500, &json!({ "message": format!("{error} (sandbox wording)") })),
    }
}
