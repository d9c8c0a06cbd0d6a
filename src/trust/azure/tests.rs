use super::*;
use crate::claims::github::{ISSUER, Job};
use crate::trust::{Decision, json};
use time::OffsetDateTime;

const AUDIENCE: &str = "api://AzureADTokenExchange";

fn run(list: &str, change: impl Fn(&mut Claims)) -> Explanation {
    let mut claims = Job::default().claims(ISSUER, AUDIENCE, OffsetDateTime::UNIX_EPOCH);
    change(&mut claims);
    evaluate(&FederatedCredentials::from_json(&json::parse(list).unwrap()).unwrap(), ISSUER, &claims)
}

fn credential(issuer: &str, subject: &str, audience: &str) -> String {
    format!(r#"{{"name":"n","issuer":"{issuer}","subject":"{subject}","audiences":["{audience}"]}}"#)
}

const SUBJECT: &str = "repo:acme/shop:ref:refs/heads/main";

fn one(issuer: &str, subject: &str, audience: &str) -> Explanation {
    run(&format!("[{}]", credential(issuer, subject, audience)), |_| ())
}

#[test]
fn three_exact_matches_allow() {
    let explanation = one(ISSUER, SUBJECT, AUDIENCE);
    assert_eq!((explanation.decision, explanation.step), (Decision::Allowed, None));
}

#[test]
fn each_difference_has_its_code() {
    for (issuer, subject, audience, code) in [
        ("https://gitlab.com", SUBJECT, AUDIENCE, "AADSTS700211"),
        (&format!("{ISSUER}/"), SUBJECT, AUDIENCE, "AADSTS700211"),
        (&format!(" {ISSUER}"), SUBJECT, AUDIENCE, "AADSTS700211"),
        (ISSUER, SUBJECT, "sts.amazonaws.com", "AADSTS700212"),
        (ISSUER, "repo:acme/shop:pull_request", AUDIENCE, "AADSTS700213"),
        (ISSUER, "repo:acme/*", AUDIENCE, "AADSTS700213"),
        (ISSUER, "repo:Acme/shop:ref:refs/heads/main", AUDIENCE, "AADSTS7002138"),
        (ISSUER, SUBJECT, "api://azureadtokenexchange", "AADSTS7002138"),
        ("https://gitlab.com", "x", "y", "AADSTS700211"),
    ] {
        let explanation = one(issuer, subject, audience);
        assert_eq!(explanation.decision, Decision::Denied, "{issuer} {subject} {audience}");
        assert_eq!(explanation.step, Some(code), "{issuer} {subject} {audience}");
        assert_eq!(explanation.note.is_some(), code == "AADSTS7002138", "{issuer} {subject} {audience}");
    }
}

#[test]
fn every_mismatch_is_listed() {
    assert_eq!(one("https://gitlab.com", "x", "y").failed().len(), 3);
}

#[test]
fn three_halves_of_different_credentials_do_not_add_up() {
    let list = format!(
        "[{},{}]",
        credential(ISSUER, "repo:acme/other:pull_request", AUDIENCE),
        credential("https://gitlab.com", SUBJECT, AUDIENCE)
    );
    assert_eq!(run(&list, |_| ()).decision, Decision::Denied);
}

#[test]
fn one_match_among_others_allows() {
    let list = format!("[{},{}]", credential("https://x", "y", "z"), credential(ISSUER, SUBJECT, AUDIENCE));
    assert_eq!(run(&list, |_| ()).decision, Decision::Allowed);
}

#[test]
fn a_flexible_credential_is_undecided_unless_something_denies_it() {
    let flexible = |issuer: &str| {
        format!(
            r#"[{{"name":"f","issuer":"{issuer}","subject":null,"audiences":["{AUDIENCE}"],
            "claimsMatchingExpression":{{"value":"claims['sub'] matches '*'","languageVersion":1}}}}]"#
        )
    };
    assert_eq!(run(&flexible(ISSUER), |_| ()).decision, Decision::Undecided);
    assert_eq!(run(&flexible("https://gitlab.com"), |_| ()).decision, Decision::Denied);
}

#[test]
fn what_is_not_documented_is_undecided() {
    let two = format!(r#"[{{"issuer":"{ISSUER}","subject":"{SUBJECT}","audiences":["{AUDIENCE}","b"]}}]"#);
    assert_eq!(run(&two, |_| ()).decision, Decision::Undecided);
    let good = format!("[{}]", credential(ISSUER, SUBJECT, AUDIENCE));
    assert_eq!(run(&good, |c| c.set("aud", vec![AUDIENCE, "b"])).decision, Decision::Undecided);
    let extra =
        format!(r#"[{{"issuer":"{ISSUER}","subject":"{SUBJECT}","audiences":["{AUDIENCE}"],"trustedIssuer":{{}}}}]"#);
    assert_eq!(run(&extra, |_| ()).decision, Decision::Undecided);
}

#[test]
fn a_claim_that_is_absent_denies() {
    let good = format!("[{}]", credential(ISSUER, SUBJECT, AUDIENCE));
    let explanation = run(&good, |c| c.set("sub", Value::Null));
    assert_eq!(explanation.failed().first().unwrap().verdict, Verdict::Missing);
    assert_eq!(explanation.decision, Decision::Denied);
    assert_eq!(run(&good, |c| c.set("aud", Value::Null)).decision, Decision::Denied);
    assert_eq!(run("[]", |_| ()).decision, Decision::Denied);
}

#[test]
fn a_token_of_more_than_twenty_five_hours_is_refused() {
    let good = format!("[{}]", credential(ISSUER, SUBJECT, AUDIENCE));
    assert_eq!(run(&good, |c| c.set("exp", TOKEN_LIFE_SECONDS)).decision, Decision::Allowed);
    let explanation = run(&good, |c| c.set("exp", TOKEN_LIFE_SECONDS + 1));
    assert_eq!((explanation.decision, explanation.step), (Decision::Denied, Some("AADSTS70023")));
}

#[test]
fn what_has_another_shape_is_an_error() {
    for text in ["{}", "1", r#"[1]"#, r#"[{"name":"n"}]"#, r#"[{"issuer":1,"audiences":[]}]"#, r#"[{"issuer":"i"}]"#] {
        assert!(FederatedCredentials::from_json(&json::parse(text).unwrap()).is_err(), "{text}");
    }
}

fn flexible(issuer: &str, expression: &str, change: impl Fn(&mut Value)) -> Explanation {
    let mut one = serde_json::json!({
        "name": "f", "issuer": issuer, "subject": null, "audiences": [AUDIENCE],
        "claimsMatchingExpression": {"value": expression, "languageVersion": 1},
    });
    change(&mut one);
    run(&one.to_string(), |_| ())
}

const WITH_ID: &str = "claims['sub'] eq 'repo:acme/shop:ref:refs/heads/main' and claims['repository_id'] eq '456789'";

#[test]
fn a_flexible_credential_of_the_documented_form_decides() {
    let with = |text: &str| flexible(ISSUER, text, |_| ());
    assert_eq!(with(WITH_ID).decision, Decision::Allowed);
    let starred =
        "claims['sub'] matches 'repo:acme/shop:ref:refs/heads/*' and claims['repository_owner_id'] eq '123456'";
    assert_eq!(with(starred).decision, Decision::Allowed);
    for text in [WITH_ID.replace("456789", "1"), WITH_ID.replace("main", "dev")] {
        let explanation = with(&text);
        assert_eq!((explanation.decision, explanation.step), (Decision::Denied, Some("AADSTS700213")), "{text}");
    }
}

#[test]
fn what_is_not_documented_about_flexible_credentials_is_undecided() {
    let with = |text: &str| flexible(ISSUER, text, |_| ()).decision;
    for text in [
        "claims['sub'] eq 'repo:acme/shop:ref:refs/heads/main'",
        "claims['sub'] matches 'repo:acme/*' and claims['repository_id'] eq '456789'",
        "claims['sub'] matches 'REPO:acme/shop:ref:refs/heads/main' and claims['repository_id'] eq '456789'",
        "claims['sub'] eq 'REPO:acme/shop:ref:refs/heads/main' and claims['repository_id'] eq '456789'",
        "claims['repository_id'] eq '456789'",
        "claims['sub'] eq 'repo:acme/shop:ref:refs/heads/main' and claims['repository_id'] matches '45678?'",
        "claims['sub'] eq 'repo:acme/shop:ref:refs/heads/main' and claims['repository_id'] eq '456789' and claims['ref'] eq 'refs/heads/main'",
        "nonsense",
    ] {
        assert_eq!(with(text), Decision::Undecided, "{text}");
    }
    for change in [
        (|one: &mut Value| one["claimsMatchingExpression"]["languageVersion"] = 2.into()) as fn(&mut Value),
        |one| one["subject"] = SUBJECT.into(),
        |one| one["type"] = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials".into(),
    ] {
        assert_eq!(flexible(ISSUER, WITH_ID, change).decision, Decision::Undecided);
    }
    assert_eq!(flexible("https://example.com", WITH_ID, |_| ()).decision, Decision::Denied, "the issuer settles it");
}

#[test]
fn every_form_that_the_tools_print_is_read() {
    let one = credential(ISSUER, SUBJECT, AUDIENCE);
    let fields = one.strip_prefix(r#"{"name":"n","#).unwrap();
    for text in [
        one.clone(),
        format!("[{one}]"),
        format!(r#"{{"value":[{one}]}}"#),
        format!(r#"{{"name":"n","type":"Microsoft.ManagedIdentity/x","properties":{{{fields}}}"#),
    ] {
        assert_eq!(run(&text, |_| ()).decision, Decision::Allowed, "{text}");
    }
    let paths = |text: &str| {
        let explanation = run(text, |claims| claims.set("sub", "x"));
        explanation.failed().iter().map(|node| node.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(paths(&one), ["/subject"]);
    assert_eq!(paths(&format!(r#"{{"value":[{one}]}}"#)), ["/value/0/subject"]);
    assert_eq!(paths(&format!(r#"{{"properties":{{{fields}}}"#)), ["/properties/subject"]);
}

#[test]
fn more_credentials_than_an_application_can_have_belong_to_several() {
    let list = |count: usize| {
        let all: Vec<String> = (0..count).map(|at| credential(ISSUER, &format!("{SUBJECT}{at}"), AUDIENCE)).collect();
        format!("[{},{}]", all.join(","), credential(ISSUER, SUBJECT, AUDIENCE))
    };
    assert_eq!(run(&list(CREDENTIALS - 1), |_| ()).decision, Decision::Allowed);
    assert_eq!(run(&list(CREDENTIALS), |_| ()).decision, Decision::Undecided);
}

#[test]
fn hints_say_what_is_behind_a_difference() {
    let hint =
        |explanation: Explanation| explanation.failed().first().and_then(|node| node.hint.clone()).unwrap_or_default();
    for (issuer, subject, audience, word) in [
        (ISSUER, "repo:acme/shop:ref:refs/heads/dev", AUDIENCE, "character 31: `dev` and `main`"),
        (ISSUER, "repo:acme/shop:*", AUDIENCE, "literal"),
        (ISSUER, "repo:acme/shop:environment:prod", AUDIENCE, "names no environment"),
        (ISSUER, "repo:acme@1/shop@2:ref:refs/heads/main", AUDIENCE, "`repo:acme/shop:ref:refs/heads/main`"),
        (ISSUER, "repo:acme/Shop:ref:refs/heads/main", AUDIENCE, "upper and lower case"),
        (ISSUER, SUBJECT, "api://AzureADTokenExchangeUSGov", "US Government"),
        (ISSUER, SUBJECT, "sts.amazonaws.com", "fixed when it is created"),
        (&format!("{ISSUER}/"), SUBJECT, AUDIENCE, "slash"),
        (&format!("{ISSUER} "), SUBJECT, AUDIENCE, "white space"),
    ] {
        let hint = hint(one(issuer, subject, audience));
        assert!(hint.contains(word), "{issuer} {subject} {audience}: {hint}");
    }
    let long = "x".repeat(601);
    assert_eq!(
        run(&format!("[{}]", credential(ISSUER, &long, AUDIENCE)), |c| c.set("sub", long.clone())).decision,
        Decision::Undecided
    );
}

#[test]
fn a_list_that_goes_on_is_a_part_of_one() {
    let with =
        |link: &str| run(&format!(r#"{{"value":[{}],{link}}}"#, credential(ISSUER, "x", AUDIENCE)), |_| ()).decision;
    assert_eq!(with(r#""@odata.nextLink":"https://graph.microsoft.com/next""#), Decision::Undecided);
    assert_eq!(with(r#""nextLink":"https://management.azure.com/next""#), Decision::Undecided);
    for nothing in [r#""@odata.nextLink":"""#, r#""nextLink":null"#, r#""other":"x""#] {
        assert_eq!(with(nothing), Decision::Denied, "{nothing}");
    }
}
