//! A denial with its reason: what the trust policy that the edge names says of this job's claims.
//!
//! The cloud says no in one sentence for every cause. The file is a copy of what the cloud has, so its answer is advice: it
//! never turns a denial into anything else, and a file that cannot be read is said beside it.

use super::dry_run::trust_of;
use crate::error::{Error, Kind};
use crate::login::Attempt;
use crate::runner;
use crate::trust::{self, Decision, Node};
use crate::world::World;

/// More reasons than this are not shown: a role with many statements has many.
const MOST: usize = 8;

/// Adds the reason to every denial of a destination. `sandbox` says that the token's issuer may be a stand-in.
pub(super) fn explain(attempts: &mut [Attempt], sandbox: bool, world: &World) {
    let denied = |attempt: &&mut Attempt| {
        attempt.outcome.as_ref().is_err_and(|error| error.kind == Kind::Denied && error.code != "gate")
    };
    for attempt in attempts.iter_mut().filter(denied) {
        let (Some(path), Some(token)) = (&attempt.asked.edge.trust, &attempt.id_token) else { continue };
        let claims = &runner::seen(&token.unverified, sandbox);
        let issuer = claims.issuer();
        let near = world.directory.as_deref().and_then(|directory| path.strip_prefix(directory).ok());
        let file = near.unwrap_or(path).display().to_string();
        let edge = &attempt.asked.edge;
        let explained = |error: Error| match trust_of(edge) {
            Ok(Some(known)) => with_reasons(error, &file, &trust::evaluate(&known, edge, &issuer, claims)),
            Ok(None) => error,
            Err(unreadable) => error.detail("trust policy", unreadable.message),
        };
        if let Err(error) = &mut attempt.outcome {
            *error = explained(error.clone());
        }
    }
}

fn with_reasons(error: Error, file: &str, explanation: &trust::Explanation) -> Error {
    let says = match explanation.decision {
        Decision::Allowed => {
            return error.detail("trust policy", format!("{file} lets this job in")).hint(
                "what the cloud has differs from that file, or has not spread yet, or the cause lies outside of it: \
                 compare the file with what is live",
            );
        }
        Decision::Denied => "does not let this job in",
        Decision::Undecided => "leaves it undecided",
    };
    let mut error = error.detail("trust policy", format!("{file} {says}"));
    let reasons = explanation.reasons();
    let deciding: Vec<&Node> = reasons.iter().filter(|reason| reason.decides).map(|reason| reason.node).collect();
    for node in deciding.iter().take(MOST) {
        let label = node.place.map_or_else(|| "reason".to_owned(), |place| format!("line {}", place.line));
        let name = if node.what.is_empty() { &node.path } else { &node.what };
        let sides = format!("expected   {}\npresented  {}", node.expected, shown(node));
        error = error.detail(label, format!("{name}\n{sides}"));
        if let Some(hint) = &node.hint {
            error = error.hint(hint.clone());
        }
    }
    match deciding.len().checked_sub(MOST) {
        Some(more) if more > 0 => error.hint(format!("{more} more reasons: jobpass explain --trust {file}")),
        _ => error,
    }
}

fn shown(node: &Node) -> &str {
    if node.presented.is_empty() { "nothing" } else { &node.presented }
}
