//! Google's workload identity providers, in the order Google decides: issuer, state, audience, mapping, condition, binding.
//!
//! [`exchange`] is what Google's STS decides, [`impersonation`] what IAM Credentials decides, [`evaluate`] is both. Source:
//! Google's "Workload Identity Federation" and the REST reference of providers, 2026-10.

mod alternatives;
mod binding;
mod cel;
mod condition;
mod document;
mod drift;
mod facts;
mod hints;
mod mapping;

pub use binding::{WORKLOAD_IDENTITY_USER, Wanted};
pub use document::ProviderTrust;
pub(super) use drift::said;
pub(in crate::trust) use facts::ProviderFacts;
pub use mapping::{MAPPED_BYTES, SUBJECT_BYTES};

use super::explanation::{Explanation, Node};
use super::{Truth, Verdict, subject};
use crate::claims::Claims;
use crate::edge::gcp::{Provider, Target, UNIVERSE};

/// The longest list of allowed audiences, and the longest of them in characters (REST reference of providers).
const AUDIENCES: (usize, usize) = (10, 256);

/// The steps of one decision, each under its name.
type Steps = Vec<(&'static str, Node)>;

/// Who the token is to Google.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// `google.subject`; `None` where the mapping is not understood or gave nothing.
    pub subject: Option<String>,
    /// `google.groups`; `None` where the mapping is not understood.
    pub groups: Option<Vec<String>>,
    /// `attribute.NAME` by its name; `None` where the mapping is not understood.
    pub attributes: Vec<(String, Option<String>)>,
}

/// Who asks for what.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The provider that is asked, by its resource name without a host.
    pub provider: Option<String>,
    /// `googleapis.com`, or the domain of another universe.
    pub universe: &'a str,
    /// What is wanted behind it.
    pub wanted: Wanted<'a>,
}

impl Asked<'_> {
    /// What the members of the pool begin with, behind `principal://`.
    fn pool(&self) -> Option<String> {
        let (pool, _) = self.provider.as_deref()?.split_once("/providers/")?;
        Some(format!("iam.{}/{pool}/", self.universe))
    }
}

/// Would this target be granted to a token of `issuer` with these claims?
#[must_use]
pub fn evaluate(trust: &ProviderTrust, target: &Target, issuer: &str, claims: &Claims) -> Explanation {
    let (first, mapped) = exchange(trust, &target.provider, &target.universe_domain, issuer, claims);
    both(first, impersonation(trust, target, &mapped))
}

/// Would the provider of the file take a token of `issuer` with these claims, and would any of its bindings give it a role?
///
/// For the question that names no edge: the provider's own name counts, and every binding.
#[must_use]
pub fn evaluate_file(trust: &ProviderTrust, issuer: &str, claims: &Claims) -> Explanation {
    let asked = Asked { provider: trust.name.clone(), universe: UNIVERSE, wanted: Wanted::Anything };
    let (first, mapped) = provider(trust, &asked, issuer, claims);
    both(first, bound(trust, &asked, &mapped))
}

impl ProviderTrust {
    /// The audience that a token for this provider usually has, where the file names the provider and allows it.
    #[must_use]
    pub fn usual_audience(&self) -> Option<String> {
        if let Some(first) = self.allowed_audiences.first() {
            return Some(first.clone());
        }
        Some(Provider::parse(self.name.as_deref()?).ok()?.id_token_audience(UNIVERSE))
    }
}

fn both(first: Explanation, second: Explanation) -> Explanation {
    let root = Node::all("", vec![first.root, second.root]);
    let truth = root.truth();
    let mut explanation = Explanation::of(root).step(first.step.or(second.step).filter(|_| truth == Truth::No));
    for note in [first.note, second.note].into_iter().flatten() {
        explanation = explanation.note(note);
    }
    explanation
}

/// The first half: would the provider take the token, and whom does it make of it?
#[must_use]
pub fn exchange(
    trust: &ProviderTrust,
    provider_asked: &Provider,
    universe: &str,
    issuer: &str,
    claims: &Claims,
) -> (Explanation, Mapped) {
    let asked = Asked { provider: Some(provider_asked.name()), universe, wanted: Wanted::Direct };
    provider(trust, &asked, issuer, claims)
}

fn provider(trust: &ProviderTrust, asked: &Asked<'_>, issuer: &str, claims: &Claims) -> (Explanation, Mapped) {
    let base = trust.base;
    let mut steps: Steps = Vec::new();
    if let Some(asked) = &asked.provider {
        let path = format!("{base}/name");
        let node = match trust.name.as_deref() {
            Some(name) => Node::exact(path, name, Some(asked)),
            None => Node::leaf(path, "the provider's name", asked, Verdict::Unsupported)
                .hint("the file does not say which provider it is: save all of what `describe` prints"),
        };
        steps.push(("provider", node.what("provider's name")));
    }
    let node = Node::exact(format!("{base}/oidc/issuerUri"), &trust.issuer, Some(issuer)).what("issuer");
    let slash = node.verdict == Verdict::Mismatch && trust.issuer.trim_end_matches('/') == issuer.trim_end_matches('/');
    steps.push(("issuer", if slash { node.hint("they differ in a slash at the end, which counts") } else { node }));
    if !trust.issuer.starts_with("https://") {
        let node =
            Node::leaf(format!("{base}/oidc/issuerUri"), "a URL with https", &trust.issuer, Verdict::Unsupported);
        steps.push(("issuer", node.what("issuer").hint("no provider can be created with another scheme")));
    }
    steps.extend(subject::absent(claims).map(|node| ("issuer", node)));
    steps.extend(subject::odd_audience(claims).map(|node| ("audience", node)));
    let path = if trust.disabled { "disabled" } else { "state" };
    steps.push((
        "provider",
        state(format!("{base}/{path}"), trust.disabled, trust.state.as_deref()).what("provider's state"),
    ));
    pool(trust, &mut steps);
    audience(trust, asked, claims, &mut steps);
    let mapped = mapping::map(trust, claims, &mut steps);
    if let Some(expression) = &trust.condition {
        steps.push(("condition", condition::check(trust, expression, claims, &mapped)));
    }
    for path in &trust.unknown {
        let name = path.rsplit('/').next().unwrap_or_default();
        let node = Node::leaf(path, "fields that are understood", name, Verdict::Unsupported).what("field of the file");
        steps.push((
            "provider",
            if name == "jwksJson" {
                node.hint("keys of its own: which tokens are genuine is not looked at")
            } else {
                node
            },
        ));
    }
    let step = steps.iter().find(|(_, node)| node.truth() == Truth::No).map(|(step, _)| *step);
    let parts = steps.into_iter().map(|(_, node)| node).collect();
    let mut explanation = Explanation::of(Node::all(base, parts).what("provider")).step(step);
    if trust.condition.is_none() {
        explanation = explanation.note("the provider has no condition: every token of the issuer is taken");
    }
    (explanation, mapped)
}

fn state(path: String, disabled: bool, state: Option<&str>) -> Node {
    let (presented, verdict) = match (disabled, state) {
        (true, _) => ("disabled", Verdict::Mismatch),
        (false, None | Some("ACTIVE")) => ("ACTIVE", Verdict::Match),
        (false, Some("DELETED")) => ("DELETED", Verdict::Mismatch),
        (false, Some(other)) => (other, Verdict::Unsupported),
    };
    Node::leaf(path, "ACTIVE and not disabled", presented, verdict)
}

/// The pool's own state, where the file has it.
fn pool(trust: &ProviderTrust, steps: &mut Steps) {
    let Some(pool) = &trust.pool else { return };
    let path = if pool.disabled { "/pool/disabled" } else { "/pool/state" };
    steps.push(("provider", state(path.to_owned(), pool.disabled, pool.state.as_deref()).what("pool's state")));
    let of = trust.name.as_deref().and_then(|name| name.split_once("/providers/"));
    if let (Some(name), Some((of, _))) = (&pool.name, of)
        && name != of
    {
        // Another pool's state says nothing about this one's.
        let node = Node::leaf("/pool/name", of, name, Verdict::Unsupported).what("pool's name");
        steps.push(("provider", node.hint("the file holds another pool than the provider's")));
    }
}

/// With a list of its own, only what is listed; without one, the provider's full name with or without `https:`.
fn audience(trust: &ProviderTrust, asked: &Asked<'_>, claims: &Claims, steps: &mut Steps) {
    let path = format!("{}/oidc/allowedAudiences", trust.base);
    let listed = !trust.allowed_audiences.is_empty();
    let allowed = match &asked.provider {
        _ if listed => trust.allowed_audiences.clone(),
        Some(name) => ["https:", ""].map(|scheme| format!("{scheme}//iam.{}/{name}", asked.universe)).to_vec(),
        None => Vec::new(),
    };
    let presented = claims.audiences();
    let verdict = match presented.as_slice() {
        _ if allowed.is_empty() => Verdict::Unsupported,
        [] => Verdict::Missing,
        [one] if allowed.contains(one) => Verdict::Match,
        [_] => Verdict::Mismatch,
        // What Google does with several audiences is not documented.
        many if many.iter().any(|one| allowed.contains(one)) => Verdict::Unsupported,
        _ => Verdict::Mismatch,
    };
    let node = Node::leaf(&path, allowed.join(" or "), presented.join(", "), verdict).what("audience");
    let one = presented.first().map(String::as_str).unwrap_or_default();
    let differs = verdict == Verdict::Mismatch;
    let hint = if verdict == Verdict::Unsupported && allowed.is_empty() {
        Some("the file has neither allowed audiences nor the provider's name, which is the default")
    } else if verdict == Verdict::Unsupported {
        Some("what Google does with several audiences is not documented")
    } else if differs && allowed.iter().any(|allowed| allowed.to_lowercase() == one.to_lowercase()) {
        Some("they differ in upper and lower case only, and case counts")
    } else if differs && (one == "sts.amazonaws.com" || one.starts_with("api://AzureADTokenExchange")) {
        Some("this is the audience of another cloud: ask for an ID token with Google's")
    } else if differs && listed && one.contains("/workloadIdentityPools/") {
        Some(
            "allowed audiences replace the default, the provider's own name: add it to the list, or ask for a listed one",
        )
    } else if differs && one.contains("/workloadIdentityPools/") {
        Some("it names another provider, or the project by its id where the number has to stand")
    } else {
        None
    };
    steps.push((
        "audience",
        match hint {
            Some(hint) => node.hint(hint),
            None => node,
        },
    ));
    let longest = trust.allowed_audiences.iter().map(|one| one.chars().count()).max().unwrap_or(0);
    if trust.allowed_audiences.len() > AUDIENCES.0 || longest > AUDIENCES.1 {
        let expected = format!("at most {} of at most {} characters", AUDIENCES.0, AUDIENCES.1);
        let presented = format!("{} of up to {longest} characters", trust.allowed_audiences.len());
        steps.push(("audience", Node::leaf(path, expected, presented, Verdict::Mismatch).what("number of audiences")));
    }
}

/// The second half: may the mapped identity act as the target's service account, or reach anything directly?
#[must_use]
pub fn impersonation(trust: &ProviderTrust, target: &Target, mapped: &Mapped) -> Explanation {
    let wanted = target.service_account.as_deref().map_or(Wanted::Direct, Wanted::Account);
    let asked = Asked { provider: Some(target.provider.name()), universe: &target.universe_domain, wanted };
    let mut explanation = bound(trust, &asked, mapped);
    if !target.delegates.is_empty() {
        let hint = "each has to hold roles/iam.serviceAccountTokenCreator on the next; the file does not say so";
        let node = Node::leaf("/bindings", "one hop", target.delegates.join(", "), Verdict::Unsupported);
        let (note, root) = (explanation.note, Node::all("", vec![explanation.root, node.what("delegates").hint(hint)]));
        explanation = Explanation::of(root).step(explanation.step);
        explanation.note = note;
    }
    explanation
}

fn bound(trust: &ProviderTrust, asked: &Asked<'_>, mapped: &Mapped) -> Explanation {
    match binding::check(trust, asked, mapped) {
        Some(node) => {
            let step = (node.truth() == Truth::No).then_some("binding");
            Explanation::of(node).step(step)
        }
        None => Explanation::of(Node::all("/bindings", Vec::new()).what("bindings")).note(match asked.wanted {
            Wanted::Direct => "direct access: what the identity may do is decided by each resource's bindings, not in this file",
            _ => "the file has no bindings: the provider takes the token, and what the identity may do is not decided here",
        }),
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
