use super::*;
use crate::claims::github::{ISSUER, Job};
use crate::trust::{Decision, json};
use serde_json::{Value, json};
use time::OffsetDateTime;

mod keys;

const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
const HOST: &str = "token.actions.githubusercontent.com";
const PROVIDER: &str = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";

/// A context with variables, for GitHub's provider.
pub(super) fn request(claims: &Claims) -> Request<'_> {
    Request {
        provider: HOST,
        principals: vec![PROVIDER.to_owned()],
        partition: Some("aws".to_owned()),
        account: None,
        claims,
        session_name: None,
        known: &[],
        role_tags: None,
        variables: true,
    }
}

fn statement() -> Value {
    json!({
        "Effect": "Allow",
        "Principal": { "Federated": PROVIDER },
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": { "StringEquals": {
            format!("{HOST}:aud"): "sts.amazonaws.com",
            format!("{HOST}:sub"): "repo:acme/shop:ref:refs/heads/main",
        } },
    })
}

fn claims() -> Claims {
    Job::default().claims(ISSUER, "sts.amazonaws.com", OffsetDateTime::UNIX_EPOCH)
}

fn document(statements: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn run(document: &Value, issuer: &str, claims: &Claims) -> Explanation {
    let trust = RoleTrust::from_json(&json::parse(&document.to_string()).unwrap()).unwrap();
    evaluate(&trust, &asked(issuer, claims))
}

fn asked<'a>(issuer: &'a str, claims: &'a Claims) -> Asked<'a> {
    Asked { role: Some(ROLE), issuer, claims, seconds: None, session_name: None, known: &[] }
}

fn decide(document: &Value) -> Decision {
    run(document, ISSUER, &claims()).decision
}

/// The statement with one more condition.
fn with(operator: &str, key: &str, value: impl Into<Value>) -> Decision {
    let mut statement = statement();
    statement["Condition"][operator][key] = value.into();
    decide(&document(json!([statement])))
}

fn and_deny(deny: Value) -> Decision {
    let mut deny = deny;
    deny["Effect"] = json!("Deny");
    decide(&document(json!([statement(), deny])))
}

#[test]
fn the_documented_trust_policy_allows() {
    let explanation = run(&document(json!([statement()])), ISSUER, &claims());
    assert_eq!(explanation.decision, Decision::Allowed, "{:?}", explanation.root);
    assert!(explanation.note.unwrap().contains("registered with the OIDC provider"));
    assert_eq!(decide(&document(statement())), Decision::Allowed, "one statement outside a list");
    let role = json!({ "Role": { "RoleName": "deploy", "AssumeRolePolicyDocument": document(json!([statement()])) } });
    assert_eq!(decide(&role), Decision::Allowed, "as get-role prints it");
}

#[test]
fn all_mismatches_are_listed() {
    let mut other = claims();
    other.set("aud", "x");
    other.set("sub", "y");
    let explanation = run(&document(json!([statement()])), ISSUER, &other);
    assert_eq!(explanation.decision, Decision::Denied);
    assert_eq!(explanation.failed().len(), 2);
    assert_eq!(explanation.step, Some("AccessDenied"));
}

#[test]
fn the_provider_has_to_be_the_issuers_in_the_roles_account() {
    for arn in [
        "arn:aws:iam::999999999999:oidc-provider/token.actions.githubusercontent.com",
        "arn:aws-cn:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com/acme",
        "arn:aws:iam::123456789012:oidc-provider/Token.actions.githubusercontent.com",
        "arn:aws:iam::123456789012:oidc-provider/gitlab.com",
        "cognito-identity.amazonaws.com",
    ] {
        let mut statement = statement();
        statement["Principal"]["Federated"] = json!(arn);
        assert_eq!(decide(&document(json!([statement]))), Decision::Denied, "{arn}");
    }
    let mut statement = statement();
    statement["Principal"]["Federated"] = json!(["arn:aws:iam::123456789012:oidc-provider/gitlab.com", PROVIDER]);
    assert_eq!(decide(&document(json!([statement]))), Decision::Allowed);
}

#[test]
fn a_principal_that_iam_would_refuse_is_never_allowed() {
    for principal in
        [json!("*"), json!({"Federated": "*"}), json!({"AWS": "*"}), json!({"CanonicalUser": "x"}), json!(1)]
    {
        let mut statement = statement();
        statement["Principal"] = principal.clone();
        assert_eq!(decide(&document(json!([statement]))), Decision::Undecided, "{principal}");
    }
    for principal in [json!({"AWS": "arn:aws:iam::1:root"}), json!({"Service": "ec2.amazonaws.com"})] {
        let mut statement = statement();
        statement["Principal"] = principal.clone();
        assert_eq!(decide(&document(json!([statement]))), Decision::Denied, "{principal}");
    }
}

#[test]
fn actions_may_be_lists_and_wildcards_in_any_case() {
    for (action, decision) in [
        (json!("STS:assumerolewithwebidentity"), Decision::Allowed),
        (json!(["sts:TagSession", "sts:AssumeRoleWithWebIdentity"]), Decision::Allowed),
        (json!("sts:*"), Decision::Allowed),
        (json!("*"), Decision::Allowed),
        (json!("sts:AssumeRole"), Decision::Denied),
        (json!([]), Decision::Denied),
    ] {
        let mut statement = statement();
        statement["Action"] = action.clone();
        assert_eq!(decide(&document(json!([statement]))), decision, "{action}");
    }
}

#[test]
fn equals_takes_a_star_literally_and_like_does_not() {
    let key = format!("{HOST}:repository");
    assert_eq!(with("StringEquals", &key, "acme/*"), Decision::Denied);
    assert_eq!(with("StringLike", &key, "acme/*"), Decision::Allowed);
    assert_eq!(with("StringLike", &key, "Acme/*"), Decision::Denied);
    assert_eq!(with("StringLike", &key, "acme/sho?"), Decision::Allowed);
    assert_eq!(with("stringlike", &key.to_uppercase(), "acme/*"), Decision::Allowed, "names in any case");
}

#[test]
fn values_are_alternatives_keys_and_operators_are_not() {
    assert_eq!(
        with("StringEquals", &format!("{HOST}:ref"), json!(["refs/heads/x", "refs/heads/main"])),
        Decision::Allowed
    );
    assert_eq!(with("StringEquals", &format!("{HOST}:ref"), json!(["refs/heads/x"])), Decision::Denied);
    assert_eq!(with("StringLike", &format!("{HOST}:sub"), "repo:evil/*"), Decision::Denied);
}

#[test]
fn a_key_that_aws_does_not_fill_never_matches() {
    for claim in ["event_name", "repository_owner", "ref_protected", "workflow_ref"] {
        let value = claims().text(claim).unwrap();
        assert_eq!(with("StringEquals", &format!("{HOST}:{claim}"), value), Decision::Denied, "{claim}");
    }
    assert_eq!(with("StringEquals", &format!("{HOST}:environment"), "prod"), Decision::Denied, "no environment");
    assert_eq!(with("StringEquals", "gitlab.com:sub", "x"), Decision::Denied);
    assert_eq!(
        with("StringEquals", &format!("{HOST}/acme:sub"), "repo:acme/shop:ref:refs/heads/main"),
        Decision::Denied
    );
}

#[test]
fn a_private_issuer_has_subject_and_audience_only() {
    let issuer = "https://gitlab.acme.example";
    let claims = crate::claims::gitlab::Job::default().claims(issuer, "sts.amazonaws.com", OffsetDateTime::UNIX_EPOCH);
    let trust = |key: &str, value: &str| {
        document(json!([{
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.acme.example" },
            "Condition": { "StringEquals": { "gitlab.acme.example:aud": "sts.amazonaws.com", key: value } },
        }]))
    };
    let subject = "project_path:acme/shop:ref_type:branch:ref:main";
    assert_eq!(run(&trust("gitlab.acme.example:sub", subject), issuer, &claims).decision, Decision::Allowed);
    assert_ne!(run(&trust("gitlab.acme.example:project_id", "456789"), issuer, &claims).decision, Decision::Allowed);
}

#[test]
fn what_is_not_understood_is_undecided() {
    let sub = format!("{HOST}:sub");
    for (operator, key, value) in [
        ("IpAddress", "aws:SourceIp", json!("10.0.0.0/8")),
        ("StringMatches", &sub, json!("*")),
        ("NullIfExists", &sub, json!("false")),
        ("Null", &sub, json!("no")),
        ("Null", &sub, json!(["true", "false"])),
        ("StringEquals", "aws:PrincipalAccount", json!("123456789012")),
        ("StringEquals", "aws:ResourceAccount", json!("123456789012")),
        ("StringEquals", "sts:RoleSessionName", json!("x")),
        ("StringEquals", "sts:RoleAuthorizedByIdp", json!("true")),
        ("StringEquals", "https://token.actions.githubusercontent.com:sub", json!("x")),
        ("StringEquals", "github.com/enterprises/acme:repository", json!("x")),
        ("StringEquals", &format!("{HOST}:repository_owner_id"), json!("123456")),
        ("NumericEquals", &format!("{HOST}:repository_id"), json!("456789")),
        ("StringLike", &format!("{HOST}:ref"), json!([])),
        ("StringEquals", &format!("{HOST}:ref"), json!(["refs/heads/main", {"Ref": "x"}])),
        ("StringEquals", &format!("{HOST}:ref"), json!(["refs/heads/main", 1.5])),
        ("StringEquals", &format!("{HOST}:ref"), json!("${HOST")),
    ] {
        assert_eq!(with(operator, key, value.clone()), Decision::Undecided, "{operator} {key} {value}");
    }
}

#[test]
fn a_documented_mismatch_denies_beside_what_is_not_understood() {
    let mut statement = statement();
    statement["Condition"]["StringLike"] = json!({ "aws:x": "y" });
    statement["Condition"]["StringEquals"][format!("{HOST}:sub")] = json!("repo:acme/other");
    assert_eq!(decide(&document(json!([statement]))), Decision::Denied);
}

#[test]
fn elements_that_change_the_meaning_are_undecided() {
    for (name, value) in [
        ("NotAction", json!("sts:AssumeRole")),
        ("NotResource", json!("*")),
        ("NotPrincipal", json!({"AWS": "x"})),
        ("Resource", json!("*")),
        ("Foo", json!({})),
    ] {
        let mut statement = statement();
        statement[name] = value;
        assert_eq!(decide(&document(json!([statement]))), Decision::Undecided, "{name}");
    }
    let mut document = document(json!([statement()]));
    document["Extra"] = json!(1);
    assert_eq!(decide(&document), Decision::Undecided);
    let mut statement = statement();
    statement["Condition"]["StringLike"] = json!({});
    assert_eq!(decide(&super::tests::document(json!([statement]))), Decision::Undecided, "an operator without a key");
}

#[test]
fn a_deny_is_never_overlooked() {
    let everything = json!({ "Principal": { "Federated": PROVIDER }, "Action": "*" });
    assert_eq!(and_deny(everything.clone()), Decision::Denied);
    let mut plainly_other = everything.clone();
    plainly_other["Condition"] = json!({ "StringEquals": { format!("{HOST}:repository"): "acme/other" } });
    assert_eq!(and_deny(plainly_other), Decision::Allowed);
    let mut other_action = everything.clone();
    other_action["Action"] = json!("sts:AssumeRole");
    assert_eq!(and_deny(other_action), Decision::Allowed);
    let key = |name: &str| format!("{HOST}:{name}");
    for (what, change, decision) in [
        ("negated", json!({ "StringNotEquals": { key("ref"): "refs/heads/x" } }), Decision::Denied),
        (
            "dead, and the token has the claim",
            json!({ "StringEquals": { key("event_name"): "push" } }),
            Decision::Undecided,
        ),
        ("dead, other value", json!({ "StringEquals": { key("event_name"): "x" } }), Decision::Allowed),
        ("dead and negated", json!({ "StringNotEquals": { key("event_name"): "x" } }), Decision::Denied),
        (
            "dead and negated, its value",
            json!({ "StringNotEquals": { key("event_name"): "push" } }),
            Decision::Undecided,
        ),
        ("global key", json!({ "StringEquals": { "aws:PrincipalAccount": "1" } }), Decision::Undecided),
        ("other provider's key", json!({ "StringEquals": { "gitlab.com:sub": "1" } }), Decision::Allowed),
        ("unknown operator", json!({ "StringMatches": { key("ref"): "x" } }), Decision::Undecided),
    ] {
        let mut deny = everything.clone();
        deny["Condition"] = change;
        assert_eq!(and_deny(deny), decision, "{what}");
    }
    for principal in [json!("*"), json!({"AWS": "*"}), json!({"Federated": PROVIDER.replace("token", "Token")})] {
        assert_eq!(and_deny(json!({ "Principal": principal, "Action": "*" })), Decision::Undecided, "{principal}");
    }
    assert_eq!(and_deny(json!({ "Principal": { "Federated": PROVIDER }, "NotAction": "s3:*" })), Decision::Denied);
    assert_eq!(and_deny(json!({ "Principal": { "Federated": PROVIDER }, "NotAction": "STS:*" })), Decision::Allowed);
}

#[test]
fn one_matching_allow_is_enough_beside_undecided_ones() {
    let mut unsure = statement();
    unsure["Condition"]["IpAddress"] = json!({ "aws:SourceIp": "203.0.113.0/24" });
    assert_eq!(decide(&document(json!([unsure.clone(), statement()]))), Decision::Allowed);
    let mut refused = statement();
    refused["Condition"]["StringMatches"] = json!({ format!("{HOST}:sub"): "x" });
    assert_eq!(decide(&document(json!([refused, statement()]))), Decision::Undecided, "AWS stores no such document");
    let mut other = statement();
    other["Condition"]["StringEquals"][format!("{HOST}:sub")] = json!("x");
    assert_eq!(decide(&document(json!([other.clone(), other.clone()]))), Decision::Denied);
    assert_eq!(decide(&document(json!([unsure, other]))), Decision::Undecided);
    assert_eq!(decide(&document(json!([]))), Decision::Denied);
}

#[test]
fn without_a_test_of_the_audience_the_providers_list_decides() {
    let mut statement = statement();
    statement["Condition"]["StringEquals"].as_object_mut().unwrap().remove(&format!("{HOST}:aud"));
    assert_eq!(decide(&document(json!([statement.clone()]))), Decision::Undecided);
    statement["Condition"]["StringEquals"][format!("{HOST}:sub")] = json!("x");
    assert_eq!(decide(&document(json!([statement]))), Decision::Denied);
}

#[test]
fn odd_tokens_are_not_allowed() {
    let trust = document(json!([statement()]));
    let change = |name: &str, value: Value| {
        let mut claims = claims();
        claims.set(name, value);
        run(&trust, ISSUER, &claims).decision
    };
    assert_eq!(change("aud", json!(["sts.amazonaws.com"])), Decision::Allowed, "one element is one value");
    assert_eq!(change("aud", json!(["sts.amazonaws.com", "x"])), Decision::Undecided);
    assert_eq!(change("aud", json!(["sts.amazonaws.com", 1])), Decision::Undecided);
    assert_eq!(change("sub", json!(1)), Decision::Undecided);
    assert_eq!(change("sub", Value::Null), Decision::Denied);
    assert_eq!(change("https://aws.amazon.com/tags", json!({})), Decision::Denied, "needs sts:TagSession");
    assert_eq!(change("https://aws.amazon.com/source_identity", json!("x")), Decision::Denied);
    assert_eq!(run(&trust, "http://token.actions.githubusercontent.com", &claims()).decision, Decision::Undecided);
    assert_eq!(run(&trust, "https://token.actions.githubusercontent.com/acme", &claims()).decision, Decision::Denied);
}

#[test]
fn what_is_no_trust_policy_is_an_error() {
    for text in [
        "[]",
        "{}",
        r#"{"Version":"2020-01-01","Statement":[]}"#,
        r#"{"Statement":[1]}"#,
        r#"{"Statement":[{"Effect":"allow"}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Action":1}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Condition":[]}]}"#,
        r#"{"Statement":[{"Effect":"Allow","Condition":{"StringEquals":"x"}}]}"#,
    ] {
        assert!(RoleTrust::from_json(&json::parse(text).unwrap()).is_err(), "{text}");
    }
}

#[test]
fn a_document_that_is_far_too_long_is_not_read() {
    let long = |length: usize| {
        let mut statement = statement();
        statement["Condition"]["StringLike"] = json!({ format!("{HOST}:ref"): "*a".repeat(length) });
        RoleTrust::from_json(&document(json!([statement])))
    };
    assert!(long(3_000).is_ok());
    assert!(long(9_000).unwrap_err().contains("4096"));
}

#[test]
fn a_tag_that_is_there_twice_is_undecided() {
    let mut statement = statement();
    statement["Action"] = json!("sts:*");
    statement["Condition"]["StringEquals"]["aws:RequestTag/team"] = json!("blue");
    let decide = |tags: Value| {
        let mut claims = claims();
        claims.set("https://aws.amazon.com/tags", json!({ "principal_tags": tags }));
        run(&document(json!([statement])), ISSUER, &claims).decision
    };
    assert_eq!(decide(json!({ "Team": ["blue"] })), Decision::Allowed);
    assert_eq!(decide(json!({ "Team": ["blue"], "team": ["red"] })), Decision::Undecided);
    assert_eq!(decide(json!({ "Team": ["blue", "red"] })), Decision::Undecided);
    let many: serde_json::Map<String, Value> = (0..51).map(|n| (format!("t{n}"), json!(["x"]))).collect();
    assert_eq!(decide(Value::Object(many)), Decision::Undecided);
    assert_eq!(decide(json!({ "team": ["blue"], "k".repeat(129): ["x"] })), Decision::Undecided);
    let just: serde_json::Map<String, Value> = (0..49).map(|n| (format!("t{n}"), json!(["x"]))).collect();
    let just = just.into_iter().chain([("team".to_owned(), json!(["blue"]))]).collect();
    assert_eq!(decide(Value::Object(just)), Decision::Allowed);
    assert_eq!(decide(json!({ "team": ["blue"], "k".repeat(128): ["v".repeat(256)] })), Decision::Allowed);
    assert_eq!(decide(json!({ "team": ["blue"], "k".repeat(128): ["v".repeat(257)] })), Decision::Undecided);
}

#[test]
fn of_several_roles_the_one_that_is_asked_for_answers() {
    let role = |name: Option<&str>, arn: Option<&str>, federated: bool| {
        let principal =
            if federated { json!({ "Federated": PROVIDER }) } else { json!({ "Service": "ec2.amazonaws.com" }) };
        let mut statement = statement();
        statement["Principal"] = principal;
        json!({ "RoleName": name, "Arn": arn, "AssumeRolePolicyDocument": document(json!([statement])) })
    };
    let of = |roles: &[Value], asked: Option<&str>| {
        let trust = RoleTrust::from_json(&json!({ "Roles": roles })).unwrap();
        trust.role(asked).map(|role| role.path.clone())
    };
    let other = "arn:aws:iam::123456789012:role/other";
    let (deploy, service) = (role(Some("deploy"), Some(ROLE), true), role(Some("other"), Some(other), false));
    let both = [service.clone(), deploy.clone()];
    let twice = [role(Some("deploy"), Some(ROLE), false), deploy.clone()];
    assert_eq!(of(&twice, Some(ROLE)), Err(format!("{ROLE}, {ROLE}")), "which of the two is live is not told");
    assert_eq!(of(&both, Some(ROLE)), Ok("/Roles/1".to_owned()));
    assert_eq!(of(&both, Some(other)), Ok("/Roles/0".to_owned()));
    assert_eq!(of(&both, None), Ok("/Roles/1".to_owned()), "the only one that a web identity could have");
    assert_eq!(of(&both, Some("arn:aws:iam::123456789012:role/third")), Err(format!("{other}, {ROLE}")));
    assert_eq!(of(&[deploy.clone(), deploy.clone()], None), Err(format!("{ROLE}, {ROLE}")));
    assert_eq!(of(&[service.clone(), service.clone()], None), Err(format!("{other}, {other}")));
    assert_eq!(of(std::slice::from_ref(&service), None), Ok("/Roles/0".to_owned()), "the only one, whatever it is");
    // Without ARNs by the name, the last part of what is asked for; and what has neither is another role then.
    let (named, nameless) = (role(Some("deploy"), None, true), role(None, None, true));
    assert_eq!(of(&[named.clone(), role(Some("x"), None, true)], Some(ROLE)), Ok("/Roles/0".to_owned()));
    assert_eq!(of(&[nameless.clone(), named], Some(ROLE)), Ok("/Roles/1".to_owned()));
    assert_eq!(of(std::slice::from_ref(&nameless), Some(ROLE)), Ok("/Roles/0".to_owned()));
    assert_eq!(of(&[nameless.clone(), nameless], Some(ROLE)), Err("/Roles/0, /Roles/1".to_owned()));
}

#[test]
fn a_principal_that_names_nobody_is_no_answer() {
    let of = |principal: Value| {
        let mut statement = statement();
        statement["Principal"] = principal;
        decide(&document(json!([statement])))
    };
    assert_eq!(of(json!({})), Decision::Undecided);
    assert_eq!(of(json!([])), Decision::Undecided);
    assert_eq!(of(json!({ "Federated": [] })), Decision::Denied);
}
