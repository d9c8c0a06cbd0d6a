//! `jobpass login --format json`.

use serde_json::{Value, json};

use super::render;
use crate::delivery::{self, Plan};
use crate::error::{Error, Kind};
use crate::login::Attempt;

/// The documented JSON shape: one object per edge, what was handed over, and the error that decides, if any.
pub(super) fn document(attempts: &[Attempt], plan: Result<&Plan, &Error>) -> Value {
    let edges: Vec<Value> = attempts
        .iter()
        .map(|attempt| {
            let edge = &attempt.asked.edge;
            let grant = attempt.outcome.as_ref().ok();
            let error = attempt.outcome.as_ref().err();
            let outcome = match error.map(|error| error.kind) {
                None => "granted",
                Some(Kind::Denied) => "denied",
                Some(_) => "failed",
            };
            json!({
                "edge": edge.name,
                "destination": edge.destination().as_str(),
                "outcome": outcome,
                "identity": grant.map(|grant| &grant.identity),
                "expiration": grant.map(|grant| delivery::rfc3339(grant.credential.expiration())),
                "request-id": grant.map(|grant| &grant.request_id),
                "milliseconds": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
                "error": error.map(render::error_json),
            })
        })
        .collect();
    let error = plan.err().map(render::error_json);
    let plan = plan.ok();
    json!({
        "edges": edges,
        "pass": plan.map(|plan| &plan.root),
        "variables": plan.map(|plan| plan.variables.iter().map(|variable| variable.name).collect::<Vec<_>>()),
        "files": plan.map(|plan| plan.files.iter().map(|file| file.path(&plan.root)).collect::<Vec<_>>()),
        "error": error,
    })
}
