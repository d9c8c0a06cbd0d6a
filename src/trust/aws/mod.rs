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
use super::explanation::{Explanation, Node, Truth, Verdict};
use super::glob;
use super::places::join;
use crate::claims::Claims;
use crate::edge::aws::RoleArn;
use crate::trust::Decision;

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

    let (mut allows, mut parts) = (Vec::new(), Vec::new());
    for (at, statement) in trust.statements.iter().enumerate() {
        let place = statement.place(at);
        let path = join("/Statement", &at.to_string());
        let of_this = check(statement, &path, &request);
        match statement.effect {
            Effect::Allow => allows.push(Node::all(path, of_this).what(place)),
            Effect::Deny => parts.push(Node::none(path, of_this).what(format!("{place} (Deny)"))),
        }
    }
    parts.insert(0, Node::any("/Statement", allows).what("statements that allow"));
    // Tags or a source identity in the token need further actions (sts:TagSession, sts:SetSourceIdentity).
    for claim in ["https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"] {
        if claims.value(claim).is_some() {
            parts.push(Node::leaf("", "none", claim, Verdict::Unsupported).what("claims that need further actions"));
        }
    }
    for name in &trust.unknown {
        parts.push(Node::leaf(join("", name), "a field that is understood", name, Verdict::Unsupported));
    }
    let explanation = Explanation::of(Node::all("", parts));
    match explanation.decision {
        Decision::Allowed => explanation.note(
            "outside this file and not looked at: the audiences registered with the OIDC provider, the role's maximum \
             session duration, service and resource control policies",
        ),
        Decision::Denied => explanation.step(Some("AccessDenied")),
        Decision::Undecided => explanation,
    }
}

fn undecided(what: &str, expected: &str, presented: &str) -> Explanation {
    Explanation::of(Node::leaf("", expected, presented, Verdict::Unsupported).what(what))
}

fn check(statement: &Statement, path: &str, request: &Request<'_>) -> Vec<Node> {
    let mut parts = vec![principal(statement, path, request), action(statement, path)];
    let (conditions, tests_audience) = condition::check(statement, path, request);
    parts.extend(conditions);
    for name in &statement.unknown {
        parts.push(Node::leaf(join(path, name), "an element that is understood", name, Verdict::Unsupported));
    }
    // The provider's registered audiences bound `aud` in any case. A trust policy that tests it names one that its author
    // takes for registered; one that does not leaves the answer to a list that is not in this file.
    if statement.effect == Effect::Allow && !tests_audience {
        let audiences = request.claims.audiences().join(", ");
        let node = Node::leaf(path, "one of its client ids", audiences, Verdict::Unsupported);
        parts.push(node.what("audience, which only the OIDC provider's own list decides"));
    }
    parts
}

fn principal(statement: &Statement, path: &str, request: &Request<'_>) -> Node {
    let path = format!("{path}/Principal");
    let wanted = &request.provider_arn;
    let Some(principals) = &statement.federated else {
        return Node::leaf(path, "a list of federated principals", wanted, Verdict::Unsupported).what("provider");
    };
    let expected = principals.join(" or ");
    let case_only = || principals.iter().any(|one| one.to_lowercase() == wanted.to_lowercase());
    let verdict = if principals.contains(wanted) {
        Verdict::Match
    } else if principals.iter().any(|one| one.contains(['*', '?', '$'])) {
        // IAM accepts none of them here, so there is nothing documented to evaluate.
        Verdict::Unsupported
    } else if case_only() && statement.effect == Effect::Deny {
        // Whether STS compares case-sensitively is not documented: it cannot allow, and it cannot be overlooked.
        Verdict::Unsupported
    } else {
        Verdict::Mismatch
    };
    Node::leaf(path, expected, wanted, verdict).what("provider")
}

fn action(statement: &Statement, path: &str) -> Node {
    let path = format!("{path}/Action");
    let Some(actions) = &statement.actions else {
        return Node::leaf(path, "a list of actions", ACTION, Verdict::Unsupported).what("action");
    };
    // Names of actions are compared without regard to case, wildcards are allowed.
    let fits = |pattern: &String| glob::matches(&pattern.to_lowercase(), &ACTION.to_lowercase());
    let verdict = if actions.iter().any(fits) { Verdict::Match } else { Verdict::Mismatch };
    Node::leaf(path, actions.join(" or "), ACTION, verdict).what("action")
}

#[cfg(test)]
mod tests;
