//! Grants and plans for this room's tests.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::OffsetDateTime;

use super::{Endpoints, Mode, Options, Plan};
use crate::claims::IdToken;
use crate::claims::unverified::decode;
use crate::credential::{AwsSession, AzureToken, AzureTokens, Credential, GcpTokens, Grant};
use crate::edge::{Edge, Target, aws, azure, gcp};
use crate::secret::Secret;
use crate::world::World;

/// 2026-11-23T04:00:00Z: when every credential here ends.
pub(crate) fn ends() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_795_406_400).unwrap()
}

pub(crate) fn id_token(edge: &str) -> IdToken {
    let payload = format!(r#"{{"iss":"https://issuer.example","sub":"repo:acme/shop","aud":"a","jti":"jti-{edge}"}}"#);
    let (header, payload) = (URL_SAFE_NO_PAD.encode("{}"), URL_SAFE_NO_PAD.encode(payload));
    decode(Secret::new(format!("{header}.{payload}.signature-of-{edge}"))).unwrap_or_else(|error| panic!("{error}"))
}

fn grant(name: &str, default: bool, target: Target, credential: Credential) -> Grant {
    let edge = Edge {
        name: name.to_owned(),
        default,
        audience: "a".to_owned(),
        target,
        ttl: Duration::from_secs(900),
        owner: None,
        review_by: None,
        trust: None,
        require: BTreeMap::new(),
    };
    let identity = edge.identity();
    Grant { edge, id_token: id_token(name), credential, identity, request_id: format!("request-{name}") }
}

pub(crate) fn aws(name: &str, default: bool) -> Grant {
    let target = aws::Target {
        role: format!("arn:aws:iam::123456789012:role/{name}"),
        region: "eu-central-1".to_owned(),
        partition: aws::Partition::Aws,
        session_name: None,
        session_policy: None,
        managed_session_policies: Vec::new(),
        chain: Vec::new(),
        allowed_account_ids: Vec::new(),
    };
    let session = AwsSession {
        access_key_id: format!("ASIA{}", name.to_uppercase()),
        secret_access_key: Secret::new(format!("secret-of-{name}")),
        session_token: Secret::new(format!("session-of-{name}+/=")),
        expiration: ends() + Duration::from_millis(500),
        arn: format!("arn:aws:sts::123456789012:assumed-role/{name}/session"),
        account: "123456789012".to_owned(),
    };
    grant(name, default, Target::Aws(target), Credential::Aws(session))
}

pub(crate) fn gcp(name: &str, default: bool, change: impl FnOnce(&mut gcp::Target, &mut GcpTokens)) -> Grant {
    let provider = "projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";
    let mut target = gcp::Target {
        provider: gcp::Provider::parse(provider).unwrap(),
        universe_domain: gcp::UNIVERSE.to_owned(),
        service_account: Some("deploy@shop.iam.gserviceaccount.com".to_owned()),
        project: Some("shop".to_owned()),
        scopes: vec![gcp::CLOUD_PLATFORM.to_owned()],
        delegates: Vec::new(),
        id_token_audience: None,
        quota_project: None,
        request_reason: None,
    };
    let mut tokens =
        GcpTokens { access_token: Secret::new(format!("ya29.token-of-{name}")), expiration: ends(), id_token: None };
    change(&mut target, &mut tokens);
    grant(name, default, Target::Gcp(target), Credential::Gcp(tokens))
}

pub(crate) fn azure(name: &str, default: bool, change: impl FnOnce(&mut azure::Target)) -> Grant {
    let cloud = azure::Cloud::named("public").unwrap();
    let mut target = azure::Target {
        client_id: "00000000-1111-2222-3333-444444444444".to_owned(),
        tenant_id: "99999999-1111-2222-3333-444444444444".to_owned(),
        subscription_id: Some("88888888-1111-2222-3333-444444444444".to_owned()),
        resources: vec![cloud.management_resource.to_owned()],
        cloud,
    };
    change(&mut target);
    let tokens = target
        .resources
        .iter()
        .map(|resource| AzureToken {
            resource: resource.clone(),
            access_token: Secret::new(format!("entra-token-of-{name}")),
            expiration: ends(),
        })
        .collect();
    grant(name, default, Target::Azure(target), Credential::Azure(AzureTokens { tokens }))
}

pub(crate) fn options(mode: Mode, standing: &[(&str, &str)]) -> Options {
    let world = standing.iter().fold(World::nothing(), |world, (name, value)| world.with(name, value));
    Options { endpoints: Endpoints::default(), ..Options::new(&world, mode, Path::new("/pass")) }
}

pub(crate) fn planned(grants: &[Grant], mode: Mode, standing: &[(&str, &str)]) -> Plan {
    super::plan(grants, &options(mode, standing)).unwrap()
}

pub(crate) fn value<'a>(plan: &'a Plan, name: &str) -> Option<&'a str> {
    plan.variables.iter().find(|variable| variable.name == name).map(|variable| variable.value.reveal())
}

pub(crate) fn contents<'a>(plan: &'a Plan, directory: &str, name: &str) -> &'a str {
    plan.files.iter().find(|file| file.directory == directory && file.name == name).unwrap().contents.reveal()
}

/// All variables on one line, secrets as `***`.
pub(crate) fn shown(plan: &Plan) -> String {
    let show = |variable: &super::Variable| {
        format!("{}={}", variable.name, if variable.secret { "***" } else { variable.value.reveal() })
    };
    plan.variables.iter().map(show).collect::<Vec<_>>().join(" ")
}
