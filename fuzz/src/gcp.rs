//! Providers and bindings.

use jobpass::edge::Destination;
use jobpass::trust::{Decision, TrustPolicy};
use serde_json::{Value, json};

use super::trust::{self, Asked};

/// Conditions up to this length stay within every limit when something is written around them.
const SHORT: usize = 300;
/// In characters: what Google takes.
const LONGEST: usize = 4_096;

/// Any text as a provider.
pub fn check(data: &[u8]) {
    trust::check(Destination::Gcp, data, &mut |file, asked, explanation| {
        let provider = if file.get("provider").is_some() { "/provider" } else { "" };
        let change = |pointer: &str, value: Value| decide(&put(file, &format!("{provider}{pointer}"), value), asked);
        if let Some(condition) = file.pointer(&format!("{provider}/attributeCondition")).and_then(Value::as_str)
            && !condition.trim().is_empty()
        {
            written_otherwise(condition, explanation.decision, &|text| change("/attributeCondition", text.into()));
        }
        if explanation.decision != Decision::Allowed {
            return;
        }
        let never =
            |after: Option<Decision>, what: &str| assert_ne!(after, Some(Decision::Allowed), "allowed with {what}");
        never(change("/disabled", true.into()), "a provider that is disabled");
        never(change("/state", "DELETED".into()), "a provider that is deleted");
        never(change("/state", "odd".into()), "a state that nobody knows");
        never(change("/odd", true.into()), "a field that nobody knows");
        never(change("/oidc/issuerUri", format!("{}~", asked.issuer).into()), "another issuer");
        never(change("/oidc/jwksJson", "{}".into()), "keys of its own");
        never(change("/oidc/allowedAudiences", json!(["odd"])), "another audience");
        never(change("/attributeMapping", json!({})), "no mapping");
        never(
            change("/attributeMapping/google.subject", "assertion.odd".into()),
            "a subject of a claim that is not there",
        );
        never(change("/attributeMapping/google.subject", "1".into()), "a subject that is no text");
        never(change("/attributeMapping/odd", "'x'".into()), "an attribute that nobody knows");
        never(change("/attributeCondition", "assertion.odd == 'x'".into()), "a condition that fails");
        never(change("/attributeCondition", "unheard(assertion)".into()), "a function that nobody knows");
        if !provider.is_empty() {
            never(decide(&put(file, "/bindings", json!([])), asked), "no binding");
            never(decide(&put(file, "/odd", json!(1)), asked), "a field that nobody knows");
            never(decide(&put(file, "/pool", json!({"disabled": true})), asked), "a pool that is disabled");
        }
        assert!(plainly(file.pointer(provider).unwrap_or(file), asked), "allowed by none that a plain reading knows");
    });
}

/// The same condition in other words, and its opposite. `after` decides with another condition.
pub fn written_otherwise(condition: &str, before: Decision, after: &dyn Fn(String) -> Option<Decision>) {
    let allowed = Some(Decision::Allowed);
    // A comment at its end goes as far as its line.
    let c = format!("{condition}\n");
    for text in [
        format!("({c})"),
        format!("({c}) && true"),
        format!("true && ({c})"),
        format!("({c}) || false"),
        format!("false || ({c})"),
        format!("!(!({c}))"),
        format!("({c}) ? true : false"),
        format!("({c}) && ({c})"),
        format!("!(!({c}) || !({c}))"),
        format!("[true].exists(odd, {c})"),
    ] {
        let now = after(text.clone());
        if before == Decision::Allowed {
            let long = text.len() > LONGEST || condition.len() > SHORT && now == Some(Decision::Undecided);
            assert!(long || now == allowed, "{now:?}, and allowed when written shorter: {text}");
        } else {
            assert_ne!(now, allowed, "{before}, and written otherwise: {text}");
        }
    }
    for text in [
        format!("({c}) && false"),
        format!("({c}) && assertion.odd == 'x'"),
        format!("({c}) && unheard(assertion)"),
        format!("({c}) && !({c})"),
        format!("({c}) ? false : false"),
        format!("[].exists(odd, {c})"),
    ] {
        assert_ne!(after(text.clone()), allowed, "{text}");
    }
    if before == Decision::Allowed {
        assert_ne!(after(format!("!({c})")), allowed, "a condition and its opposite: {condition}");
    }
}

/// The file with another value at a pointer whose parent is an object; unchanged where it is none.
pub fn put(file: &Value, pointer: &str, value: Value) -> Value {
    let mut file = file.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(parent)) = file.pointer_mut(parent) {
        parent.insert(name.to_owned(), value);
    }
    file
}

fn decide(file: &Value, asked: &Asked<'_>) -> Option<Decision> {
    let trust = TrustPolicy::parse(Destination::Gcp, &file.to_string()).ok()?;
    Some(Asked { trust: &trust, ..*asked }.decision())
}

/// The issuer is the token's, and the audience is listed or the provider's own name.
fn plainly(provider: &Value, asked: &Asked<'_>) -> bool {
    let audiences = asked.claims.audiences();
    let [audience] = audiences.as_slice() else { return false };
    let listed = provider.pointer("/oidc/allowedAudiences").and_then(Value::as_array).filter(|all| !all.is_empty());
    let own = || {
        let name = provider["name"].as_str().unwrap_or_default();
        !name.is_empty() && audience.trim_start_matches("https:") == format!("//iam.googleapis.com/{name}")
    };
    provider["oidc"]["issuerUri"] == asked.issuer
        && listed.map_or_else(own, |all| all.iter().any(|one| one == audience.as_str()))
}
