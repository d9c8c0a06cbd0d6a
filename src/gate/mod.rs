//! Our own rules, checked before anything is sent to a destination.
//!
//! Advisory against a hostile job, which can leave jobpass out and talk to the cloud itself: the boundary is the trust policy.
//! The gate keeps honest mistakes from reaching the cloud and words them better than the cloud can.

use crate::claims::Claims;
use crate::edge::Edge;
use crate::error::{Error, Result};

/// Checks `[edge.NAME.require]`: each named claim must have one of the listed values.
///
/// # Errors
/// One denial that lists every mismatch, expected and presented.
pub fn check(edge: &Edge, unverified: &Claims) -> Result<()> {
    let mut denial = Error::denied("gate", format!("{} is closed to this job by its own require table", edge.title()));
    for (claim, expected) in &edge.require {
        let presented = match claim.as_str() {
            "aud" => Some(unverified.audiences().join(", ")),
            claim => unverified.text(claim),
        };
        if presented.as_ref().is_some_and(|presented| expected.contains(presented)) {
            continue;
        }
        denial = denial
            .detail(format!("expected {claim}"), expected.join(" or "))
            .detail(format!("presented {claim}"), presented.unwrap_or_else(|| "(no such claim)".to_owned()));
    }
    if denial.details.is_empty() {
        return Ok(());
    }
    Err(denial.hint(format!("nothing was sent; widen [edge.{}.require] if this job should pass", edge.name)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn edge(require: &str) -> Edge {
        let text = format!(
            "[edge.e]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/r\"\nregion = \"eu-west-1\"\n\
             [edge.e.require]\n{require}"
        );
        crate::edge::file::parse(&text, Path::new("jobpass.toml")).unwrap().edges.remove(0)
    }

    fn claims(json: &str) -> Claims {
        Claims::new(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn lists_every_mismatch_and_passes_on_equality_only() {
        let edge = edge("ref = [\"refs/heads/main\", \"refs/heads/next\"]\nrepository = \"acme/shop\"");
        assert!(check(&edge, &claims(r#"{"ref":"refs/heads/next","repository":"acme/shop"}"#)).is_ok());
        let denial = check(&edge, &claims(r#"{"ref":"refs/heads/main2"}"#)).unwrap_err();
        assert_eq!(denial.kind.exit_code(), 4);
        let shown = format!("{:?}", denial.details);
        for part in ["refs/heads/main or refs/heads/next", "refs/heads/main2", "acme/shop", "(no such claim)"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
    }

    #[test]
    fn an_array_claim_never_passes_as_text() {
        let edge = edge("groups = \"admins\"");
        assert!(check(&edge, &claims(r#"{"groups":["admins"]}"#)).is_err());
    }
}
