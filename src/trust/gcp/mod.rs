//! Google's workload identity providers, in the order Google decides: issuer, state, audience, mapping, condition, binding.
//!
//! [`exchange`] is what Google's STS decides, [`impersonation`] what IAM Credentials decides, [`evaluate`] is both. Source:
//! Google's "Workload Identity Federation" and the REST reference of providers.

mod document;
mod expression;

pub use document::ProviderTrust;

use self::document::Binding;
use self::expression::Operand;
use super::explanation::{Check, Explanation, Truth, Verdict};
use crate::claims::Claims;
use crate::edge::gcp::{Provider, Target};
use serde_json::Value;

/// The longest `google.subject`, in bytes.
pub const SUBJECT_BYTES: usize = 127;
/// All mapped values together, in bytes.
pub const MAPPED_BYTES: usize = 8_192;
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
    let truth = truth(&first).and(truth(&second));
    let mut explanation = Explanation::of([first.checks, second.checks].concat(), truth);
    explanation.step = first.step.or(second.step).filter(|_| truth == Truth::No);
    if truth == Truth::Yes {
        explanation =
            explanation.note("outside this file and not looked at: the pool's own state, organisation policies");
    }
    for note in [first.note, second.note].into_iter().flatten() {
        explanation = explanation.note(note);
    }
    explanation
}

fn truth(explanation: &Explanation) -> Truth {
    explanation.checks.iter().map(Check::truth).fold(Truth::Yes, Truth::and)
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
        ("provider", Check::exact("provider's name", &trust.name, Some(&provider.name()))),
        ("issuer", Check::exact("issuer", &trust.issuer, Some(issuer))),
        ("provider", state(trust)),
        ("audience", audience(trust, provider, universe, claims)),
    ];
    let mapped = map(trust, claims, &mut steps);
    match &trust.condition {
        None => {}
        Some(text) => match expression::condition(text) {
            None => steps.push(("condition", Check::new("condition not understood", text, "", Verdict::Unknown))),
            Some(pairs) => {
                steps
                    .extend(pairs.iter().map(|(path, literal)| ("condition", compare(path, literal, claims, &mapped))));
            }
        },
    }
    if !trust.unknown.is_empty() {
        steps.push(("provider", Check::new("fields of the file", trust.unknown.join(", "), "", Verdict::Unknown)));
    }
    let step = steps.iter().find(|(_, check)| check.truth() == Truth::No).map(|(step, _)| *step);
    let checks: Vec<Check> = steps.into_iter().map(|(_, check)| check).collect();
    let truth = checks.iter().map(Check::truth).fold(Truth::Yes, Truth::and);
    let mut explanation = Explanation::of(checks, truth);
    explanation.step = step;
    if trust.condition.is_none() {
        explanation = explanation.note("the provider has no condition: every token of the issuer is taken");
    }
    (explanation, mapped)
}

fn state(trust: &ProviderTrust) -> Check {
    let (presented, verdict) = match (trust.disabled, trust.state.as_deref()) {
        (true, _) => ("disabled", Verdict::Different),
        (false, None | Some("ACTIVE")) => ("ACTIVE", Verdict::Match),
        (false, Some("DELETED")) => ("DELETED", Verdict::Different),
        (false, Some(other)) => (other, Verdict::Unknown),
    };
    Check::new("provider's state", "ACTIVE and not disabled", presented, verdict)
}

/// With a list of its own, only what is listed; without one, the provider's full name with or without `https:`.
fn audience(trust: &ProviderTrust, provider: &Provider, universe: &str, claims: &Claims) -> Check {
    let allowed = if trust.allowed_audiences.is_empty() {
        vec![provider.id_token_audience(universe), provider.sts_audience(universe)]
    } else {
        trust.allowed_audiences.clone()
    };
    let presented = claims.audiences();
    let verdict = match presented.as_slice() {
        [] => Verdict::Missing,
        [one] if allowed.contains(one) => Verdict::Match,
        [one] if allowed.iter().any(|allowed| allowed.to_lowercase() == one.to_lowercase()) => Verdict::CaseOnly,
        [_] => Verdict::Different,
        // What Google does with several audiences is not documented.
        many if many.iter().any(|one| allowed.contains(one)) => Verdict::Unknown,
        _ => Verdict::Different,
    };
    Check::new("audience", allowed.join(" or "), presented.join(", "), verdict)
}

fn map(trust: &ProviderTrust, claims: &Claims, steps: &mut Vec<(&'static str, Check)>) -> Mapped {
    let (mut mapped, mut bytes, mut has_subject) = (Mapped::default(), 0, false);
    for (key, text) in &trust.mapping {
        let what = format!("mapping of {key}");
        let (value, step, verdict) = match expression::mapping(text) {
            Some(Operand::Literal(literal)) => (Some(literal), "mapping", Verdict::Match),
            Some(Operand::Assertion(name)) => match claims.value(&name) {
                Some(Value::String(value)) => (Some(value.clone()), "mapping", Verdict::Match),
                None | Some(Value::Null) => (None, "mapping", Verdict::Missing),
                Some(_) if key == "google.subject" => (None, "mapping-type", Verdict::Different),
                Some(_) => (None, "mapping", Verdict::Unknown),
            },
            _ => (None, "mapping", Verdict::Unknown),
        };
        bytes += value.as_ref().map_or(0, String::len);
        // Groups are a list; which members they give is not understood yet.
        let known = key == "google.subject" || key.starts_with("attribute.");
        let verdict = if verdict == Verdict::Match && !known { Verdict::Unknown } else { verdict };
        steps.push((step, Check::new(what, text, value.clone().unwrap_or_default(), verdict)));
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
        steps.push(("mapping", Check::new("mapping of google.subject", "present", "", Verdict::Missing)));
    }
    let size = |what: &str, limit: usize, bytes: usize| {
        let verdict = if bytes <= limit { Verdict::Match } else { Verdict::Different };
        Check::new(what, format!("at most {limit} bytes"), format!("{bytes} bytes"), verdict)
    };
    steps.push((
        "subject-size",
        size("size of google.subject", SUBJECT_BYTES, mapped.subject.as_ref().map_or(0, String::len)),
    ));
    steps.push(("mapping", size("size of all mapped values", MAPPED_BYTES, bytes)));
    mapped
}

/// One comparison of the condition. An error in CEL (no such key, another type) is not true, so it denies.
fn compare(path: &Operand, literal: &str, claims: &Claims, mapped: &Mapped) -> Check {
    match path {
        Operand::Assertion(name) => {
            Check::exact(format!("condition on assertion.{name}"), literal, claims.value(name).and_then(Value::as_str))
        }
        Operand::Attribute(name) => {
            let what = format!("condition on attribute.{name}");
            match mapped.attributes.iter().find(|(mapped, _)| mapped == name) {
                Some((_, None)) => Check::new(what, literal, "", Verdict::Unknown),
                Some((_, Some(value))) => Check::exact(what, literal, Some(value)),
                None => Check::exact(what, literal, None),
            }
        }
        Operand::Subject => match &mapped.subject {
            Some(subject) => Check::exact("condition on google.subject", literal, Some(subject)),
            None => Check::new("condition on google.subject", literal, "", Verdict::Unknown),
        },
        Operand::Literal(_) => Check::new("condition", literal, "", Verdict::Unknown),
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
        return Explanation::of(Vec::new(), Truth::Yes)
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
        Truth::No => Verdict::Different,
        Truth::Unknown => Verdict::Unknown,
    };
    let presented = format!("principal://{pool}subject/{}", mapped.subject.as_deref().unwrap_or("(not understood)"));
    let check = Check::new(format!("member of {subject}"), members.join(" or "), presented, verdict);
    let mut explanation = Explanation::of(vec![check], any);
    explanation.step = (any == Truth::No).then_some("binding");
    explanation
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
