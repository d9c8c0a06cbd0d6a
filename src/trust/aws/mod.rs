//! IAM role trust policies: statement by statement, in the order IAM documents.
//!
//! A statement matches when principal, action and every condition do. A matching Deny denies; a matching Allow allows;
//! otherwise the answer is no. What is not understood stays unknown: in an Allow it cannot allow, in a Deny it cannot be
//! overlooked. Sources: IAM user guide, "Policy evaluation logic", "Condition operators", "Principal".

mod condition;
mod document;
mod keys;

pub use document::RoleTrust;

use self::document::{Effect, Statement};
use super::explanation::{Check, Explanation, Truth, Verdict};
use super::glob;
use crate::claims::Claims;
use crate::edge::aws::RoleArn;

const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// What the request context holds.
struct Request<'a> {
    /// The issuer without `https://`: the prefix of the condition keys.
    provider: &'a str,
    /// The ARN of the OIDC provider in the role's account.
    provider_arn: String,
    claims: &'a Claims,
}

/// Would this role be given to a token of `issuer` with these claims?
#[must_use]
pub fn evaluate(trust: &RoleTrust, role: &str, issuer: &str, claims: &Claims) -> Explanation {
    let (provider, arn) = match (issuer.strip_prefix("https://"), RoleArn::parse(role)) {
        (Some(provider), Ok(arn)) => (provider, arn),
        (None, _) => return undecided("issuer", "a URL with https", issuer),
        (_, Err(what)) => return undecided("role", "a role's ARN", &format!("{role} {what}")),
    };
    let provider_arn = format!("arn:{}:iam::{}:oidc-provider/{provider}", arn.partition, arn.account);
    let request = Request { provider, provider_arn, claims };

    let (mut checks, mut allow, mut deny) = (Vec::new(), Truth::No, Truth::No);
    for (at, statement) in trust.statements.iter().enumerate() {
        let place = statement.place(at);
        let (of_this, matches) = check(statement, &place, &request);
        match statement.effect {
            Effect::Allow => {
                allow = allow.or(matches);
                checks.extend(of_this);
            }
            Effect::Deny => {
                deny = deny.or(matches);
                checks.push(summary(&place, &of_this, matches));
            }
        }
    }
    if trust.statements.is_empty() {
        checks.push(Check::new("statements", "at least one", "", Verdict::Missing));
    }
    // Tags or a source identity in the token need further actions (sts:TagSession, sts:SetSourceIdentity).
    for claim in ["https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"] {
        if claims.value(claim).is_some() {
            allow = allow.and(Truth::Unknown);
            checks.push(Check::new("claims that need further actions", "none", claim, Verdict::Unknown));
        }
    }
    if !trust.unknown.is_empty() {
        allow = allow.and(Truth::Unknown);
        checks.push(Check::new("fields of the document", trust.unknown.join(", "), "", Verdict::Unknown));
    }
    let truth = match deny {
        Truth::Yes => Truth::No,
        Truth::No => allow,
        Truth::Unknown => allow.and(Truth::Unknown),
    };
    let mut explanation = Explanation::of(checks, truth);
    if truth == Truth::Yes {
        explanation = explanation.note(
            "outside this file and not looked at: the audiences registered with the OIDC provider, the role's maximum \
             session duration, service and resource control policies",
        );
    }
    if truth == Truth::No {
        explanation.step = Some("AccessDenied");
    }
    explanation
}

fn undecided(what: &str, expected: &str, presented: &str) -> Explanation {
    Explanation::of(vec![Check::new(what, expected, presented, Verdict::Unknown)], Truth::Unknown)
}

/// A Deny statement in one line: its parts hold or not, but what counts for the reader is whether the whole does.
fn summary(place: &str, checks: &[Check], matches: Truth) -> Check {
    let (expected, verdict) = match matches {
        Truth::Yes => ("not to match", Verdict::Different),
        Truth::No => ("not to match", Verdict::Match),
        Truth::Unknown => ("not to match, but it cannot be told", Verdict::Unknown),
    };
    let parts = checks.iter().map(|check| format!("{} {}", check.what, check.expected));
    Check::new(format!("{place} (Deny)"), expected, parts.collect::<Vec<_>>().join("; "), verdict)
}

fn check(statement: &Statement, place: &str, request: &Request<'_>) -> (Vec<Check>, Truth) {
    let mut checks = vec![principal(statement, place, request), action(statement, place)];
    let (conditions, tests_audience) = condition::check(statement, place, request);
    checks.extend(conditions);
    if !statement.unknown.is_empty() {
        checks.push(Check::new(format!("{place}: fields"), statement.unknown.join(", "), "", Verdict::Unknown));
    }
    // The provider's registered audiences bound `aud` in any case. A trust policy that tests it names one that its author
    // takes for registered; one that does not leaves the answer to a list that is not in this file.
    if statement.effect == Effect::Allow && !tests_audience {
        let audiences = request.claims.audiences().join(", ");
        let what = format!("{place}: audience, which only the OIDC provider's own list decides");
        checks.push(Check::new(what, "one of its client ids", audiences, Verdict::Unknown));
    }
    let truth = checks.iter().map(Check::truth).fold(Truth::Yes, Truth::and);
    (checks, truth)
}

fn principal(statement: &Statement, place: &str, request: &Request<'_>) -> Check {
    let what = format!("{place}: provider");
    let wanted = &request.provider_arn;
    let Some(principals) = &statement.federated else {
        return Check::new(what, "a list of federated principals", wanted, Verdict::Unknown);
    };
    let expected = principals.join(" or ");
    let verdict = if principals.contains(wanted) {
        Verdict::Match
    } else if principals.iter().any(|one| one.contains(['*', '?', '$'])) {
        // IAM refuses such documents, so there is nothing documented to evaluate.
        Verdict::Unknown
    } else if principals.iter().any(|one| one.to_lowercase() == wanted.to_lowercase()) {
        // Whether STS compares case-sensitively is not documented: it cannot allow, and it cannot be overlooked.
        if statement.effect == Effect::Deny { Verdict::Unknown } else { Verdict::CaseOnly }
    } else {
        Verdict::Different
    };
    Check::new(what, expected, wanted, verdict)
}

fn action(statement: &Statement, place: &str) -> Check {
    let what = format!("{place}: action");
    let Some(actions) = &statement.actions else {
        return Check::new(what, "a list of actions", ACTION, Verdict::Unknown);
    };
    // Names of actions are compared without regard to case, wildcards are allowed.
    let fits = |pattern: &String| glob::matches(&pattern.to_lowercase(), &ACTION.to_lowercase());
    let verdict = if actions.iter().any(fits) { Verdict::Match } else { Verdict::Different };
    Check::new(what, actions.join(" or "), ACTION, verdict)
}

#[cfg(test)]
mod tests;
