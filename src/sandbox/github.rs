//! GitHub's ID token endpoint: `GET /github/token?api-version=2.0&audience=…` with the runner's request token.

use serde_json::json;

use super::http::{Call, Reply};
use super::variables::Runner;
use super::{State, issuer};

pub(super) fn answer(state: &State, call: &Call) -> Reply {
    if call.method != "GET" {
        return Reply::json(405, &json!({ "message": "GET only (sandbox wording)" }));
    }
    if !call.bearer().is_some_and(|token| state.bearer.matches(token)) {
        return Reply::json(401, &json!({ "message": "the request token is missing or wrong (sandbox wording)" }));
    }
    let audience =
        call.query("audience").filter(|one| !one.is_empty()).unwrap_or_else(|| state.options.github.default_audience());
    match issuer::mint(state, Runner::Github, &audience) {
        // `count` is what GitHub's endpoint states: a number that no client reads.
        Ok(token) => Reply::json(200, &json!({ "count": token.len(), "value": token.reveal() }))
            .header("date", http_date(issuer::now(state)))
            .about(format!("audience={audience}")),
        Err(error) => Reply::json(500, &json!({ "message": format!("{error} (sandbox wording)") })),
    }
}

/// IMF-fixdate (RFC 9110 §5.6.7), by the issuer's clock: a client can learn the clock from it.
fn http_date(moment: time::OffsetDateTime) -> String {
    let short = |name: String| name.chars().take(3).collect::<String>();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        short(moment.weekday().to_string()),
        moment.day(),
        short(moment.month().to_string()),
        moment.year(),
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_http() {
        let moment = time::OffsetDateTime::from_unix_timestamp(784_111_777).unwrap();
        assert_eq!(http_date(moment), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
