//! Google's workload identity providers, in the order Google decides: issuer, state, audience, mapping, condition, binding.
//!
//! [`exchange`] is what Google's STS decides, [`impersonation`] what IAM Credentials decides, [`evaluate`] is both. Source:
//! Google's "Workload Identity Federation" and the REST reference of providers.

mod document;
mod expression;

pub use document::ProviderTrust;

use self::document::Binding;
use self::expression::Operand;
use super::explanation::{Explanation, Node, Truth, Verdict};
use super::places::join;
use crate::claims::Claims;
use crate::edge::gcp::{Provider, Target};
use serde_json::Value;

/// The longest `google.subject`, in bytes.
pub const SUBJECT_BYTES: usize = 127;
/// All mapped values together, in bytes.
pub const MAPPED_BYTES: usize = 8_192;
const CONDITION: &str = "/provider/attributeCondition";
const MAPPING: &str = "/provider/attributeMapping";
/// What a member needs on a service account to act as it.
pub const WORKLOAD_IDENTITY_USER: &str = "roles/iam.workloadIdentityUser";

/// Who the token is to Google.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// `google.subject`; `None` where the mapping is not understood or gave nothing.
    pub subject: Option<String>,
    /// `attribute.NAME` by its name; `None` where the mapping is not understood.
    pub attributes: Vec<(String, Option<String>)>,
}

/// Would this target be granted to a token of `issuer` with these claims?
#[must_use]
pub fn evaluate(trust: &ProviderTrust, target: &Target, issuer: &str, claims: &Claims) -> Explanation {
    let (first, mapped) = exchange(trust, &target.provider, &target.universe_domain, issuer, claims);
    let second = impersonation(trust, target, &mapped);
    let root = Node::all("", vec![first.root, second.root]);
    let truth = root.truth();
    let mut explanation = Explanation::of(root).step(first.step.or(second.step).filter(|_| truth == Truth::No));
    if truth == Truth::Yes {
        explanation =
            explanation.note("outside this file and not looked at: the pool's own state, organisation policies");
    }
    for note in [first.note, second.note].into_iter().flatten() {
        explanation = explanation.note(note);
    }
    explanation
}

/// The first half: would the provider take the token, and whom does it make of it?
#[must_use]
pub fn exchange(
    trust: &ProviderTrust,
    provider: &Provider,
    universe: &str,
    issuer: &str,
    claims: &Claims,
) -> (Explanation, Mapped) {
    let mut steps = vec![
        ("provider", Node::exact("/provider/name", &trust.name, Some(&provider.name())).what("provider's name")),
        ("issuer", Node::exact("/provider/oidc/issuerUri", &trust.issuer, Some(issuer)).what("issuer")),
        ("provider", state(trust)),
        ("audience", audience(trust, provider, universe, claims)),
    ];
    let mapped = map(trust, claims, &mut steps);
    match &trust.condition {
        None => {}
        Some(text) => match expression::condition(text) {
            None => steps.push((
                "condition",
                Node::leaf(CONDITION, text, "", Verdict::Unsupported).what("condition not understood"),
            )),
            Some(pairs) => {
                steps
                    .extend(pairs.iter().map(|(path, literal)| ("condition", compare(path, literal, claims, &mapped))));
            }
        },
    }
    if !trust.unknown.is_empty() {
        let fields = Node::leaf("", "fields that are understood", trust.unknown.join(", "), Verdict::Unsupported);
        steps.push(("provider", fields.what("fields of the file")));
    }
    let step = steps.iter().find(|(_, node)| node.truth() == Truth::No).map(|(step, _)| *step);
    let parts = steps.into_iter().map(|(_, node)| node).collect();
    let mut explanation = Explanation::of(Node::all("/provider", parts).what("provider")).step(step);
    if trust.condition.is_none() {
        explanation = explanation.note("the provider has no condition: every token of the issuer is taken");
    }
    (explanation, mapped)
}

fn state(trust: &ProviderTrust) -> Node {
    let (presented, verdict) = match (trust.disabled, trust.state.as_deref()) {
        (true, _) => ("disabled", Verdict::Mismatch),
        (false, None | Some("ACTIVE")) => ("ACTIVE", Verdict::Match),
        (false, Some("DELETED")) => ("DELETED", Verdict::Mismatch),
        (false, Some(other)) => (other, Verdict::Unsupported),
    };
    let path = if trust.disabled { "/provider/disabled" } else { "/provider/state" };
    Node::leaf(path, "ACTIVE and not disabled", presented, verdict).what("provider's state")
}

/// With a list of its own, only what is listed; without one, the provider's full name with or without `https:`.
fn audience(trust: &ProviderTrust, provider: &Provider, universe: &str, claims: &Claims) -> Node {
    let allowed = if trust.allowed_audiences.is_empty() {
        vec![provider.id_token_audience(universe), provider.sts_audience(universe)]
    } else {
        trust.allowed_audiences.clone()
    };
    let presented = claims.audiences();
    let verdict = match presented.as_slice() {
        [] => Verdict::Missing,
        [one] if allowed.contains(one) => Verdict::Match,
        [_] => Verdict::Mismatch,
        // What Google does with several audiences is not documented.
        many if many.iter().any(|one| allowed.contains(one)) => Verdict::Unsupported,
        _ => Verdict::Mismatch,
    };
    let path = "/provider/oidc/allowedAudiences";
    Node::leaf(path, allowed.join(" or "), presented.join(", "), verdict).what("audience")
}

fn map(trust: &ProviderTrust, claims: &Claims, steps: &mut Vec<(&'static str, Node)>) -> Mapped {
    let (mut mapped, mut bytes, mut has_subject) = (Mapped::default(), 0, false);
    for (key, text) in &trust.mapping {
        let what = format!("mapping of {key}");
        let (value, step, verdict) = match expression::mapping(text) {
            Some(Operand::Literal(literal)) => (Some(literal), "mapping", Verdict::Match),
            Some(Operand::Assertion(name)) => match claims.value(&name) {
                Some(Value::String(value)) => (Some(value.clone()), "mapping", Verdict::Match),
                None | Some(Value::Null) => (None, "mapping", Verdict::Missing),
                Some(_) if key == "google.subject" => (None, "mapping-type", Verdict::Mismatch),
                Some(_) => (None, "mapping", Verdict::Unsupported),
            },
            _ => (None, "mapping", Verdict::Unsupported),
        };
        bytes += value.as_ref().map_or(0, String::len);
        // Groups are a list; which members they give is not understood yet.
        let known = key == "google.subject" || key.starts_with("attribute.");
        let verdict = if verdict == Verdict::Match && !known { Verdict::Unsupported } else { verdict };
        steps.push((step, Node::leaf(join(MAPPING, key), text, value.clone().unwrap_or_default(), verdict).what(what)));
        match key.strip_prefix("attribute.") {
            Some(name) => mapped.attributes.push((name.to_owned(), value)),
            None if key == "google.subject" => {
                has_subject = true;
                mapped.subject = value;
            }
            None => {}
        }
    }
    if !has_subject {
        steps.push((
            "mapping",
            Node::leaf(MAPPING, "google.subject", "", Verdict::Missing).what("mapping of google.subject"),
        ));
    }
    let size = |what: &str, limit: usize, bytes: usize| {
        let verdict = if bytes <= limit { Verdict::Match } else { Verdict::Mismatch };
        Node::leaf(MAPPING, format!("at most {limit} bytes"), format!("{bytes} bytes"), verdict).what(what)
    };
    steps.push((
        "subject-size",
        size("size of google.subject", SUBJECT_BYTES, mapped.subject.as_ref().map_or(0, String::len)),
    ));
    steps.push(("mapping", size("size of all mapped values", MAPPED_BYTES, bytes)));
    mapped
}

/// One comparison of the condition. An error in CEL (no such key, another type) is not true, so it denies.
fn compare(path: &Operand, literal: &str, claims: &Claims, mapped: &Mapped) -> Node {
    let unknown = || Node::leaf(CONDITION, literal, "", Verdict::Unsupported);
    match path {
        Operand::Assertion(name) => {
            let presented = claims.value(name).and_then(Value::as_str);
            Node::exact(CONDITION, literal, presented).what(format!("condition on assertion.{name}"))
        }
        Operand::Attribute(name) => {
            let node = match mapped.attributes.iter().find(|(mapped, _)| mapped == name) {
                Some((_, None)) => unknown(),
                Some((_, Some(value))) => Node::exact(CONDITION, literal, Some(value)),
                None => Node::exact(CONDITION, literal, None),
            };
            node.what(format!("condition on attribute.{name}"))
        }
        Operand::Subject => {
            let node = match &mapped.subject {
                Some(subject) => Node::exact(CONDITION, literal, Some(subject)),
                None => unknown(),
            };
            node.what("condition on google.subject")
        }
        Operand::Literal(_) => unknown().what("condition"),
    }
}

/// The second half: may the mapped identity act as the target's service account, or reach anything directly?
#[must_use]
pub fn impersonation(trust: &ProviderTrust, target: &Target, mapped: &Mapped) -> Explanation {
    let account = target.service_account.as_deref();
    let mut relevant: Vec<&Binding> =
        trust.bindings.iter().filter(|b| b.service_account.as_deref() == account).collect();
    if account.is_some() {
        relevant.retain(|binding| binding.role == WORKLOAD_IDENTITY_USER);
    } else if relevant.is_empty() {
        return Explanation::of(Node::all("/bindings", Vec::new()).what("bindings"))
            .note("direct access: what the identity may do is decided by each resource's bindings, not in this file");
    }
    let subject =
        account.map_or("direct access".to_owned(), |account| format!("{WORKLOAD_IDENTITY_USER} on {account}"));
    let pool = format!("iam.{}/{}/", target.universe_domain, target.provider.pool_name());
    let mut any = Truth::No;
    let mut members = Vec::new();
    for binding in relevant {
        let conditional = if binding.unknown.is_empty() { Truth::Yes } else { Truth::Unknown };
        for member in &binding.members {
            any = any.or(is_member(member, &pool, mapped).and(conditional));
            members.push(member.clone());
        }
    }
    // The same account can be named by email or by number; which number is whose is not in the file.
    let by_number = |name: &str| !name.contains('@');
    let other_spelling = account.is_some_and(|account| {
        trust.bindings.iter().filter_map(|b| b.service_account.as_deref()).any(|b| by_number(b) != by_number(account))
    });
    if other_spelling || account.is_some() && trust.bindings.iter().any(|b| has_other_role(b, account)) {
        any = any.or(Truth::Unknown);
    }
    let verdict = match any {
        Truth::Yes => Verdict::Match,
        Truth::No if members.is_empty() => Verdict::Missing,
        Truth::No => Verdict::Mismatch,
        Truth::Unknown => Verdict::Unsupported,
    };
    let presented = format!("principal://{pool}subject/{}", mapped.subject.as_deref().unwrap_or("(not understood)"));
    let node = Node::leaf("/bindings", members.join(" or "), presented, verdict).what(format!("member of {subject}"));
    Explanation::of(node).step((any == Truth::No).then_some("binding"))
}

/// Roles beside the usual one may hold the same permission (the token creator's does): which do is not looked at.
fn has_other_role(binding: &Binding, account: Option<&str>) -> bool {
    binding.service_account.as_deref() == account && binding.role != WORKLOAD_IDENTITY_USER
}

/// Exact comparison of one member with what the identity is.
fn is_member(member: &str, pool: &str, mapped: &Mapped) -> Truth {
    if let Some(rest) = member.strip_prefix("principal://").and_then(|rest| rest.strip_prefix(pool)) {
        return match (rest.strip_prefix("subject/"), &mapped.subject) {
            (Some(subject), Some(mapped)) => same(subject, mapped),
            _ => Truth::Unknown,
        };
    }
    let Some(rest) = member.strip_prefix("principalSet://").and_then(|rest| rest.strip_prefix(pool)) else {
        // Another pool, a user, a group, a deleted principal. `allUsers` and its like are a question of their own.
        return if member.starts_with("all") { Truth::Unknown } else { Truth::No };
    };
    if rest == "*" {
        return Truth::Yes;
    }
    match rest.strip_prefix("attribute.").and_then(|rest| rest.split_once('/')) {
        Some((name, value)) => match mapped.attributes.iter().find(|(mapped, _)| mapped == name) {
            Some((_, Some(mapped))) => same(value, mapped),
            Some((_, None)) => Truth::Unknown,
            None => Truth::No,
        },
        None => Truth::Unknown,
    }
}

/// Whether a member's value may be percent-encoded is not documented.
fn same(expected: &str, presented: &str) -> Truth {
    if expected == presented {
        Truth::Yes
    } else if expected.contains('%') {
        Truth::Unknown
    } else {
        Truth::No
    }
}

#[cfg(test)]
mod tests;
