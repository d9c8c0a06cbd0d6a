//! A provider and the bindings behind it as facts.

use super::binding::{account_of, concerns};
use super::document::{Binding, ProviderTrust};
use super::{Wanted, cel};
use crate::edge::gcp::Target;
use crate::trust::drift::{Fact, Part, Said};
use crate::trust::join;

const BINDINGS: &str = "binding";
const POOL: &str = "pool";
const NAME: &str = "name of the provider";

/// What the file says of the provider, its pool, and the members that may act as the edge's service account.
pub(in crate::trust) fn said(trust: &ProviderTrust, target: &Target) -> Said {
    let base = trust.base;
    let path = |name: &str| format!("{base}/{name}");
    let mut said = Said { not_understood: trust.unknown.clone(), ..Said::default() };
    let mut facts = vec![Fact::new("issuer", &trust.issuer, path("oidc/issuerUri"))];
    facts.push(Fact::new("state", state(trust.disabled, trust.state.as_deref()), path("state")));
    facts.extend(
        audiences(trust, target).into_iter().map(|one| Fact::new("audience", &one, path("oidc/allowedAudiences"))),
    );
    for (key, expression) in &trust.mapping {
        let text = &expression.text;
        let at = join(&path("attributeMapping"), key);
        facts.push(Fact::new(&format!("mapping of {key}"), text, at).spelled(cel::spelling(text)));
    }
    if let Some(condition) = trust.condition.as_ref().map(|condition| &condition.text) {
        facts.push(Fact::new("condition", condition, path("attributeCondition")).spelled(cel::spelling(condition)));
    }
    said.parts.push(Part { what: "provider".to_owned(), path: base.to_owned(), facts });
    match &trust.name {
        Some(name) => said.parts.push(one(NAME, path("name"), "name", name)),
        None => said.silent.push(NAME),
    }
    match &trust.pool {
        Some(pool) => {
            said.parts.push(one(POOL, "/pool".to_owned(), "state", state(pool.disabled, pool.state.as_deref())))
        }
        None => said.silent.push(POOL),
    }
    match &trust.bindings {
        Some(bindings) => members(bindings, target, &mut said),
        None => said.silent.push(BINDINGS),
    }
    said
}

fn one(what: &str, path: String, key: &str, value: &str) -> Part {
    Part { what: what.to_owned(), path: path.clone(), facts: vec![Fact::new(key, value, path)] }
}

fn state(disabled: bool, state: Option<&str>) -> &str {
    if disabled { "disabled" } else { state.unwrap_or("ACTIVE") }
}

/// Without a list of its own a provider takes its full name, with and without `https:`.
fn audiences(trust: &ProviderTrust, target: &Target) -> Vec<String> {
    if !trust.allowed_audiences.is_empty() {
        return trust.allowed_audiences.clone();
    }
    let name = trust.name.clone().unwrap_or_else(|| target.provider.name());
    ["https:", ""].map(|scheme| format!("{scheme}//iam.{}/{name}", target.universe_domain)).to_vec()
}

/// Every role that identities of pools have, one part each: who administers the account is another matter.
fn members(bindings: &[Binding], target: &Target, said: &mut Said) {
    let wanted = target.service_account.as_deref().map_or(Wanted::Direct, Wanted::Account);
    for (at, binding) in bindings.iter().enumerate() {
        let foreign = binding.service_account.is_some() && !concerns(binding, wanted);
        let federated = |member: &&String| member.starts_with("principal") || member.starts_with("all");
        if foreign || !binding.members.iter().any(|member| federated(&member)) {
            continue;
        }
        let path = format!("/{BINDINGS}s/{at}");
        said.not_understood.extend(binding.unknown.iter().map(|name| join(&path, name)));
        if let (Some(of), Wanted::Account(account)) = (&binding.service_account, wanted)
            && account_of(of) != account
        {
            // An email and a number: whether they are one account is not in the file.
            said.not_understood.push(join(&path, "serviceAccount"));
        }
        for member in binding.members.iter().filter(federated) {
            let mut facts = vec![
                Fact::new("role", &binding.role, join(&path, "role")),
                Fact::new("member", member, join(&path, "members")),
            ];
            if let Some(condition) = &binding.condition {
                let fact = Fact::new("condition", condition, join(&path, "condition"));
                facts.push(fact.spelled(cel::spelling(condition)));
            }
            said.parts.push(Part { what: BINDINGS.to_owned(), path: path.clone(), facts });
        }
    }
}
