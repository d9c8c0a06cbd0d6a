//! Expressions by themselves: any text as condition and as mapping.

use jobpass::claims::Claims;
use jobpass::claims::github::{ISSUER, Job};
use jobpass::edge::Destination;
use jobpass::trust::{Decision, TrustPolicy};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::trust::Asked;
use super::{gcp, input};

const AUDIENCE: &str = "odd";

/// Any text as an expression.
pub fn check(data: &[u8]) {
    let Some((text, own)) = input::split(data) else { return };
    if text.trim().is_empty() {
        return;
    }
    let now = OffsetDateTime::UNIX_EPOCH;
    let mut claims = Job::new("acme/shop", "refs/heads/main").claims(ISSUER, AUDIENCE, now);
    for (name, value) in
        own.iter().flat_map(|own| own.as_map()).filter(|(name, _)| !["aud", "iss"].contains(&name.as_str()))
    {
        claims.set(name, value.clone());
    }
    let as_condition = |text: String| Some(decide(json!({"google.subject": "'s'"}), Some(text.as_str()), &claims));
    let decision = as_condition(text.to_owned()).unwrap_or(Decision::Undecided);
    gcp::written_otherwise(text, decision, &as_condition);
    // What is mapped is what is compared: a mapping that allows has a text, and the text is the one that a condition sees.
    let mapping = json!({"google.subject": "'s'", "attribute.x": text});
    if decide(mapping.clone(), None, &claims) == Decision::Allowed {
        let same = format!("attribute.x == ({text}\n)");
        let after = decide(mapping.clone(), Some(&same), &claims);
        assert!(
            after == Decision::Allowed || text.len() > 300,
            "{after}: an attribute is not what it is mapped from: {text}"
        );
        assert_ne!(decide(mapping, Some(&format!("attribute.x != ({text}\n)")), &claims), Decision::Allowed, "{text}");
    }
}

/// The answer of a provider that takes everything but for what is said here.
fn decide(mapping: Value, condition: Option<&str>, claims: &Claims) -> Decision {
    let file = json!({
        "name": "projects/1/locations/global/workloadIdentityPools/p/providers/p",
        "oidc": {"issuerUri": ISSUER, "allowedAudiences": [AUDIENCE]},
        "attributeMapping": mapping, "attributeCondition": condition,
    });
    let trust = TrustPolicy::parse(Destination::Gcp, &file.to_string()).expect("a provider");
    Asked { trust: &trust, role: None, issuer: ISSUER, claims }.decision()
}
