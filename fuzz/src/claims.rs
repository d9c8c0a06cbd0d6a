//! Any text as claims and as a token, before trust policies that mean one job exactly.

use std::sync::LazyLock;

use jobpass::claims::Claims;
use jobpass::claims::github::ISSUER;
use jobpass::claims::unverified;
use jobpass::secret::Secret;
use jobpass::trust::TrustPolicy;
use serde_json::{Map, Value};

use super::input;
use super::trust::Asked;

/// The example's trust policies, each with what a token must say to be let in.
const ALL: [(&str, &[(&str, &str)]); 3] = [
    (
        include_str!("../../examples/04-three-clouds/trust/aws.json"),
        &[("aud", "sts.amazonaws.com"), ("sub", "repo:acme/shop:environment:production")],
    ),
    (
        include_str!("../../examples/04-three-clouds/trust/gcp.json"),
        &[
            (
                "aud",
                "iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github",
            ),
            ("sub", "repo:acme/shop:environment:production"),
            ("repository", "acme/shop"),
            ("environment", "production"),
        ],
    ),
    (
        include_str!("../../examples/04-three-clouds/trust/azure.json"),
        &[("aud", "api://AzureADTokenExchange"), ("sub", "repo:acme/shop:environment:production")],
    ),
];

static POLICIES: LazyLock<Vec<TrustPolicy>> =
    LazyLock::new(|| ALL.iter().map(|(text, _)| TrustPolicy::recognise(text).expect("an example is read")).collect());

/// Any text as claims.
pub fn check(data: &[u8]) {
    let Some((text, behind)) = input::split(data) else { return };
    if let Ok(token) = unverified::decode(Secret::new(text)) {
        let _ = (token.unverified.presented(), token.skew());
        ask(&token.unverified);
    }
    if let Ok(claims) = serde_json::from_str::<Map<String, Value>>(text) {
        ask(&Claims::new(claims));
    }
    behind.iter().for_each(ask);
}

fn ask(claims: &Claims) {
    let _ = (claims.presented(), claims.subject(), claims.seconds("exp"));
    for (trust, (_, wanted)) in POLICIES.iter().zip(ALL) {
        let asked = Asked { trust, role: None, issuer: ISSUER, claims };
        let has = |(name, text): &(&str, &str)| match *name {
            "aud" => {
                let audiences = claims.audiences();
                audiences.len() == 1 && audiences.iter().all(|one| one.ends_with(text) && one.len() <= text.len() + 8)
            }
            name => claims.value(name).and_then(Value::as_str) == Some(text),
        };
        let meant = wanted.iter().all(has);
        assert!(meant || !asked.is_allowed(), "{}: allowed without what it asks for", trust.destination());
    }
}
