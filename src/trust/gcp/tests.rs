use super::*;
use crate::claims::github::{ISSUER, Job};
use crate::edge::gcp::UNIVERSE;
use crate::trust::{Decision, json};
use serde_json::{Value, json};
use time::OffsetDateTime;

const NAME: &str = "projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github";
const POOL: &str = "iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/ci-pool";
const ACCOUNT: &str = "deploy@acme.iam.gserviceaccount.com";

fn target(account: Option<&str>) -> Target {
    Target {
        provider: Provider::parse(NAME).unwrap(),
        universe_domain: UNIVERSE.to_owned(),
        service_account: account.map(str::to_owned),
        project: None,
        scopes: Vec::new(),
        delegates: Vec::new(),
        id_token_audience: None,
        quota_project: None,
        request_reason: None,
    }
}

fn file() -> Value {
    json!({
        "provider": {
            "name": NAME,
            "state": "ACTIVE",
            "oidc": { "issuerUri": ISSUER },
            "attributeMapping": {
                "google.subject": "assertion.sub",
                "attribute.repository": "assertion.repository",
            },
            "attributeCondition": "assertion.repository_owner_id == '123456'",
        },
        "bindings": [{
            "serviceAccount": ACCOUNT,
            "role": WORKLOAD_IDENTITY_USER,
            "members": [format!("principalSet://{POOL}/attribute.repository/acme/shop")],
        }],
    })
}

fn claims() -> Claims {
    Job::default().claims(ISSUER, &format!("https://iam.googleapis.com/{NAME}"), OffsetDateTime::UNIX_EPOCH)
}

fn run(file: &Value, account: Option<&str>, claims: &Claims) -> Explanation {
    let trust = ProviderTrust::from_json(&json::parse(&file.to_string()).unwrap()).unwrap();
    evaluate(&trust, &target(account), ISSUER, claims)
}

fn changed(change: impl Fn(&mut Value)) -> Explanation {
    let mut file = file();
    change(&mut file);
    run(&file, Some(ACCOUNT), &claims())
}

fn with_claim(name: &str, value: impl Into<Value>) -> Explanation {
    let mut claims = claims();
    claims.set(name, value);
    run(&file(), Some(ACCOUNT), &claims)
}

fn member(member: &str) -> Decision {
    changed(|file| file["bindings"][0]["members"] = json!([member])).decision
}

#[test]
fn the_documented_setup_allows() {
    let explanation = changed(|_| ());
    assert_eq!(explanation.decision, Decision::Allowed, "{:?}", explanation.root);
    assert_eq!(explanation.step, None);
}

#[test]
fn each_step_denies_under_its_own_name() {
    for (step, explanation) in [
        ("provider", changed(|f| f["provider"]["name"] = json!(NAME.replace("github", "gitlab")))),
        ("issuer", changed(|f| f["provider"]["oidc"]["issuerUri"] = json!(format!("{ISSUER}/")))),
        ("provider", changed(|f| f["provider"]["disabled"] = json!(true))),
        ("provider", changed(|f| f["provider"]["state"] = json!("DELETED"))),
        ("provider", changed(|f| f["pool"] = json!({"disabled": true}))),
        ("provider", changed(|f| f["pool"] = json!({"state": "DELETED"}))),
        ("audience", with_claim("aud", "sts.amazonaws.com")),
        ("audience", with_claim("aud", json!([]))),
        ("mapping", without_claim("repository")),
        ("mapping-type", with_claim("sub", Value::Null)),
        ("mapping-type", with_claim("sub", true)),
        ("subject-size", with_claim("sub", "x".repeat(128))),
        ("condition", with_claim("repository_owner_id", "999")),
        ("condition", with_claim("repository_owner_id", 123_456)),
        ("condition", with_claim("repository_owner_id", Value::Null)),
        ("binding", with_claim("repository", "acme/other")),
        ("binding", changed(|f| f["bindings"] = json!([]))),
    ] {
        assert_eq!((explanation.decision, explanation.step), (Decision::Denied, Some(step)), "{:?}", explanation.root);
    }
}

fn without_claim(name: &str) -> Explanation {
    let mut all = claims().as_map().clone();
    all.remove(name);
    run(&file(), Some(ACCOUNT), &Claims::new(all))
}

#[test]
fn the_subject_is_counted_in_bytes() {
    assert_eq!(with_claim("sub", "x".repeat(127)).decision, Decision::Allowed);
    assert_eq!(with_claim("sub", "ä".repeat(64)).step, Some("subject-size"));
}

#[test]
fn all_mismatches_are_listed() {
    let mut claims = claims();
    claims.set("aud", "x");
    claims.set("repository_owner_id", "1");
    claims.set("repository", "evil/shop");
    assert_eq!(run(&file(), Some(ACCOUNT), &claims).failed().len(), 3);
}

#[test]
fn the_audience_rule() {
    let with_aud = |aud: &str, allowed: Value| {
        let mut file = file();
        file["provider"]["oidc"]["allowedAudiences"] = allowed;
        let mut claims = claims();
        claims.set("aud", aud);
        run(&file, Some(ACCOUNT), &claims).decision
    };
    let full = format!("https://iam.googleapis.com/{NAME}");
    assert_eq!(with_aud(&format!("//iam.googleapis.com/{NAME}"), json!([])), Decision::Allowed);
    assert_eq!(with_aud(&format!("http://iam.googleapis.com/{NAME}"), json!([])), Decision::Denied);
    assert_eq!(with_aud(NAME, json!([])), Decision::Denied);
    assert_eq!(with_aud("ci", json!(["ci"])), Decision::Allowed);
    assert_eq!(with_aud(&full, json!(["ci"])), Decision::Denied, "a list replaces the default");
    assert_eq!(with_claim("aud", json!([full, "x"])).decision, Decision::Undecided);
}

#[test]
fn what_is_not_understood_is_undecided() {
    for (what, explanation) in [
        (
            "mapping",
            changed(|f| f["provider"]["attributeMapping"]["attribute.x"] = json!("assertion.sub.upperAscii()")),
        ),
        ("null", with_claim("repository", Value::Null)),
        ("groups", changed(|f| f["provider"]["attributeMapping"]["google.groups"] = json!("assertion.sub"))),
        (
            "subject",
            changed(|f| f["provider"]["attributeMapping"]["google.subject"] = json!("assertion.sub.reverse()")),
        ),
        (
            "condition",
            changed(|f| {
                f["provider"]["attributeCondition"] = json!("assertion.repository.upperAscii() == 'ACME/SHOP'")
            }),
        ),
        ("broken", changed(|f| f["provider"]["attributeCondition"] = json!("assertion.a = 'b' || true"))),
        ("uploaded keys", changed(|f| f["provider"]["oidc"]["jwksJson"] = json!("{}"))),
        ("state", changed(|f| f["provider"]["state"] = json!("STATE_UNSPECIFIED"))),
        ("new field", changed(|f| f["provider"]["actorProviders"] = json!(["x"]))),
        ("wrapper's field", changed(|f| f["pools"] = json!({"disabled": true}))),
        (
            "another pool",
            changed(|f| f["pool"] = json!({"name": "projects/1/locations/global/workloadIdentityPools/x"})),
        ),
        ("pool's state", changed(|f| f["pool"] = json!({"state": "NEW"}))),
        ("conditional binding", changed(|f| f["bindings"][0]["condition"] = json!({"expression": "true"}))),
        ("other role", changed(|f| f["bindings"][0]["role"] = json!("roles/owner"))),
        ("other spelling", changed(|f| f["bindings"][0]["serviceAccount"] = json!("1234567890"))),
    ] {
        assert_eq!(explanation.decision, Decision::Undecided, "{what}: {:?}", explanation.root);
    }
}

#[test]
fn a_claim_that_is_null_may_not_be_there() {
    let mut claims = claims();
    claims.set("odd", Value::Null);
    for condition in
        ["'odd' in assertion", "assertion.exists(k, k == 'odd')", "assertion != {'sub': 'x'}", "size(assertion) > 1"]
    {
        let mut file = file();
        file["provider"]["attributeCondition"] = condition.into();
        assert_eq!(run(&file, Some(ACCOUNT), &claims).decision, Decision::Undecided, "{condition}");
    }
}

#[test]
fn a_subject_that_is_not_understood_is_no_other_subject() {
    let decide = |change: &dyn Fn(&mut Value)| {
        changed(|file| {
            file["provider"]["attributeMapping"]["google.subject"] = json!("assertion.sub.upperAscii()");
            change(file);
        })
        .decision
    };
    let member = format!("principal://{POOL}/subject/x");
    assert_eq!(decide(&|file| file["bindings"][0]["members"] = json!([member])), Decision::Undecided);
    let condition = "google.subject == 'x'";
    assert_eq!(decide(&|file| file["provider"]["attributeCondition"] = json!(condition)), Decision::Undecided);
}

#[test]
fn a_documented_mismatch_denies_beside_what_is_not_understood() {
    let mut file = file();
    file["provider"]["attributeCondition"] = json!("assertion.sub > 'a'");
    let mut claims = claims();
    claims.set("aud", "x");
    assert_eq!(run(&file, Some(ACCOUNT), &claims).decision, Decision::Denied);
}

#[test]
fn conditions_are_conjunctions() {
    let condition = |text: &str| changed(|f| f["provider"]["attributeCondition"] = json!(text)).decision;
    assert_eq!(
        condition("assertion.ref == 'refs/heads/main' && attribute.repository == \"acme/shop\""),
        Decision::Allowed
    );
    assert_eq!(condition("assertion.ref == 'refs/heads/main' && assertion.actor == 'x'"), Decision::Denied);
    assert_eq!(condition("google.subject == 'repo:acme/shop:ref:refs/heads/main'"), Decision::Allowed);
    assert_eq!(condition("attribute.unmapped == 'x'"), Decision::Denied);
    assert_eq!(condition("assertion.repository == 'Acme/shop'"), Decision::Denied);
}

#[test]
fn a_number_of_the_token_has_no_certain_type() {
    let condition = |text: &str| changed(|f| f["provider"]["attributeCondition"] = json!(text)).decision;
    for (text, expected) in [
        ("assertion.iat == 0", Decision::Undecided),
        ("0 == assertion.iat", Decision::Undecided),
        ("assertion.iat == 1", Decision::Denied),
        ("1 == assertion.iat", Decision::Denied),
        ("'0' == assertion.iat", Decision::Denied),
        ("assertion.iat == assertion.iat", Decision::Undecided),
        ("assertion.iat == assertion.exp", Decision::Denied),
        ("assertion.iat < 1", Decision::Undecided),
    ] {
        assert_eq!(condition(text), expected, "{text}");
    }
}

#[test]
fn a_choice_is_as_certain_as_its_condition() {
    let condition = |text: &str| changed(|f| f["provider"]["attributeCondition"] = json!(text)).decision;
    let unknown = "assertion.ref.upperAscii() == 'X'";
    for (text, expected) in [
        ("assertion.ref == 'refs/heads/main' ? true : false", Decision::Allowed),
        ("assertion.ref == 'x' ? true : false", Decision::Denied),
        ("assertion.ref == 'x' ? false : true", Decision::Allowed),
        // Text beside a number is false or an error: whichever, it is not true.
        ("assertion.ref == 1 ? true : false", Decision::Denied),
        ("assertion.ref == 1 ? true : true", Decision::Undecided),
        (&format!("{unknown} ? true : false"), Decision::Undecided),
        (&format!("{unknown} ? false : true"), Decision::Undecided),
        (&format!("{unknown} ? false : false"), Decision::Denied),
        ("assertion.missing == 'x' ? true : true", Decision::Denied),
        ("(assertion.ref ? true : true)", Decision::Denied),
    ] {
        assert_eq!(condition(text), expected, "{text}");
    }
}

#[test]
fn without_a_condition_every_token_is_taken_and_that_is_said() {
    let explanation = changed(|f| f["provider"]["attributeCondition"] = json!(""));
    assert_eq!(explanation.decision, Decision::Allowed);
    assert!(explanation.note.unwrap().contains("no condition"));
}

#[test]
fn members() {
    for (text, decision) in [
        (format!("principal://{POOL}/subject/repo:acme/shop:ref:refs/heads/main"), Decision::Allowed),
        (format!("principal://{POOL}/subject/repo:acme/shop:ref:refs/heads/mai"), Decision::Denied),
        (format!("principal://{POOL}/subject/repo:acme/*"), Decision::Denied),
        (format!("principalSet://{POOL}/*"), Decision::Allowed),
        (format!("principalSet://{POOL}/attribute.repository/acme/shop"), Decision::Allowed),
        (format!("principalSet://{POOL}/attribute.repository/acme/shop/"), Decision::Denied),
        (format!("principalSet://{POOL}/attribute.repo/acme/shop"), Decision::Denied),
        (format!("principalSet://{POOL}/group/admins"), Decision::Denied),
        (format!("principal://{POOL}/subject/repo%3Aacme"), Decision::Undecided),
        (format!("principalSet://{POOL}-two/*"), Decision::Denied),
        (format!("principalSet://{}/*", POOL.replace("123456789", "987654321")), Decision::Denied),
        (format!("principal://{POOL}/*"), Decision::Undecided),
        (format!("deleted:principalSet://{POOL}/*"), Decision::Denied),
        ("user:a@example.com".to_owned(), Decision::Denied),
        ("allUsers".to_owned(), Decision::Undecided),
    ] {
        assert_eq!(member(&text), decision, "{text}");
    }
}

#[test]
fn another_service_account_is_another_question() {
    assert_eq!(run(&file(), Some("other@acme.iam.gserviceaccount.com"), &claims()).step, Some("binding"));
}

#[test]
fn direct_access_needs_the_provider_and_one_of_the_named_members() {
    let explanation = run(&file(), None, &claims());
    assert_eq!(explanation.decision, Decision::Allowed);
    assert!(explanation.note.unwrap().contains("direct access"));
    let mut file = file();
    file["bindings"] = json!([{ "role": "roles/storage.admin", "members": [format!("principalSet://{POOL}/attribute.repository/a/b")] }]);
    assert_eq!(run(&file, None, &claims()).decision, Decision::Denied);
}

#[test]
fn a_missing_subject_mapping_denies() {
    assert_eq!(changed(|f| f["provider"]["attributeMapping"] = json!({})).decision, Decision::Denied);
}

#[test]
fn what_has_another_shape_is_an_error() {
    for text in [
        "[]",
        "{}",
        r#"{"provider":{}}"#,
        r#"{"provider":{"oidc":{}}}"#,
        r#"{"provider":{"name":"n","oidc":{}}}"#,
        r#"{"oidc":{}}"#,
        r#"{"provider":{"name":"n","oidc":{"issuerUri":"i"}},"pool":[]}"#,
        r#"{"provider":{"name":"n","oidc":{"issuerUri":"i"},"disabled":"no"}}"#,
        r#"{"provider":{"name":"n","oidc":{"issuerUri":"i","allowedAudiences":"x"}}}"#,
        r#"{"provider":{"name":"n","oidc":{"issuerUri":"i"}},"bindings":{}}"#,
        r#"{"provider":{"name":"n","oidc":{"issuerUri":"i"}},"bindings":[{"members":[]}]}"#,
        r#"{"provider":{"name":"n","oidc":{"issuerUri":"i"},"attributeMapping":{"a":1}}}"#,
    ] {
        assert!(ProviderTrust::from_json(&json::parse(text).unwrap()).is_err(), "{text}");
    }
}

#[test]
fn bindings_that_name_no_account_are_those_of_the_account_that_is_asked_for() {
    let unlabelled = |role: &str| {
        changed(|file| {
            file["bindings"][0].as_object_mut().unwrap().remove("serviceAccount");
            file["bindings"][0]["role"] = json!(role);
        })
    };
    assert_eq!(unlabelled(WORKLOAD_IDENTITY_USER).decision, Decision::Allowed);
    assert_eq!(unlabelled("roles/storage.admin").step, Some("binding"));
}

#[test]
fn bindings_that_were_not_given_are_no_empty_bindings() {
    let without = |file: &mut Value| {
        file.as_object_mut().unwrap().remove("bindings");
    };
    assert_eq!(changed(without).decision, Decision::Undecided);
    let alone = |change: &dyn Fn(&mut Value)| {
        let mut file = file();
        change(&mut file);
        let trust = ProviderTrust::from_json(&json::parse(&file.to_string()).unwrap()).unwrap();
        evaluate_file(&trust, ISSUER, &claims())
    };
    let explanation = alone(&without);
    assert_eq!(explanation.decision, Decision::Allowed);
    assert!(explanation.note.unwrap().contains("what the identity may do is not decided here"));
    assert_eq!(alone(&|file| *file = file["provider"].clone()).decision, Decision::Allowed);
    assert_eq!(alone(&|_| ()).decision, Decision::Allowed);
    assert_eq!(alone(&|file| file["bindings"] = json!([])).step, Some("binding"));
    assert_eq!(alone(&|file| file["bindings"][0]["members"] = json!(["allUsers"])).decision, Decision::Undecided);
}

#[test]
fn delegates_are_hops_that_the_file_does_not_show() {
    let trust = ProviderTrust::from_json(&file()).unwrap();
    let target = Target { delegates: vec!["projects/-/serviceAccounts/a@b.c".to_owned()], ..target(Some(ACCOUNT)) };
    assert_eq!(evaluate(&trust, &target, ISSUER, &claims()).decision, Decision::Undecided);
}

#[test]
fn groups_are_members_one_by_one() {
    let with = |groups: &str, member: &str| {
        changed(|file| {
            file["provider"]["attributeMapping"]["google.groups"] = json!(groups);
            file["bindings"][0]["members"] = json!([format!("principalSet://{POOL}/group/{member}")]);
        })
        .decision
    };
    assert_eq!(with("['a', assertion.repository]", "acme/shop"), Decision::Allowed);
    assert_eq!(with("['a', assertion.repository]", "acme"), Decision::Denied);
    assert_eq!(with("[1]", "1"), Decision::Undecided);
    assert_eq!(with("assertion.iat", "a"), Decision::Undecided, "which groups these are is not known");
}

#[test]
fn the_usual_audience_is_the_first_that_is_allowed_or_the_providers_name() {
    let usual = |provider: Value| ProviderTrust::from_json(&provider).unwrap().usual_audience();
    let oidc = |audiences: &[&str]| json!({ "issuerUri": ISSUER, "allowedAudiences": audiences });
    assert_eq!(usual(json!({ "name": NAME, "oidc": oidc(&["a", "b"]) })), Some("a".to_owned()));
    assert_eq!(usual(json!({ "name": NAME, "oidc": oidc(&[]) })), Some(format!("https://iam.googleapis.com/{NAME}")));
    assert_eq!(usual(json!({ "oidc": oidc(&[]) })), None);
}

#[test]
fn an_identity_of_which_nothing_is_known_is_no_member_for_certain() {
    let nothing = Mapped { attributes: vec![("x".to_owned(), None)], ..Mapped::default() };
    for member in ["principal://POOL/subject/s", "principalSet://POOL/group/g", "principalSet://POOL/attribute.x/v"] {
        let mut file = file();
        file["bindings"][0]["members"] = json!([member.replace("POOL", POOL)]);
        let trust = ProviderTrust::from_json(&file).unwrap();
        assert_eq!(impersonation(&trust, &target(Some(ACCOUNT)), &nothing).decision, Decision::Undecided, "{member}");
    }
}

#[test]
fn a_member_that_is_no_documented_form_lets_nobody_in() {
    for form in [
        "",
        "*",
        "**",
        "nobody",
        "subject",
        "group",
        "attribute.repository",
        "/",
        "subject/",
        "attribute.repository/",
        "x/acme/shop",
    ] {
        for kind in ["principal", "principalSet", "other"] {
            let member = format!("{kind}://{POOL}/{form}");
            let decision = member_alone(&member);
            let everybody = kind == "principalSet" && form == "*";
            assert_eq!(decision == Decision::Allowed, everybody, "{member}: {decision}");
        }
    }
    assert_ne!(member_alone(&format!("principalSet://{POOL}*")), Decision::Allowed);
}

fn member_alone(member: &str) -> Decision {
    changed(|file| file["bindings"][0]["members"] = json!([member])).decision
}

#[test]
fn what_is_no_provider_is_told_by_what_is_missing() {
    let why = |file: Value| ProviderTrust::from_json(&file).unwrap_err();
    assert!(why(json!({ "name": NAME })).contains("no object `provider`"));
    assert!(why(json!({ "provider": { "name": NAME } })).contains("no object `oidc`"));
    assert!(why(json!({ "provider": 1, "oidc": {} })).contains("no object `provider`"));
}
