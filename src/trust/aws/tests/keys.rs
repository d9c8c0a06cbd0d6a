//! Keys and their values: what a provider fills in its own way, and what operators make of lists and absence.

use super::*;

#[test]
fn another_partitions_audience_is_told_where_both_are_one() {
    let told = |wanted: &str, presented: &str| {
        let mut statement = statement();
        statement["Condition"]["StringEquals"][format!("{HOST}:aud")] = json!(wanted);
        let mut claims = claims();
        claims.set("aud", presented);
        let explanation = run(&document(json!([statement])), ISSUER, &claims);
        let hints: String = explanation.failed().iter().filter_map(|node| node.hint.clone()).collect();
        (hints.contains("another partition"), hints.contains("asked for without one"))
    };
    assert_eq!(told("sts.amazonaws.com", "sts.amazonaws.com.cn"), (true, false));
    assert_eq!(told("https://acme.example", "sts.amazonaws.com"), (false, false));
    assert_eq!(told("sts.amazonaws.com", "https://acme.example"), (false, false));
    assert_eq!(told("sts.amazonaws.com", "https://github.com/acme"), (false, true));
}

#[test]
fn an_empty_list_of_values_is_met_by_nothing_and_by_an_empty_key_under_for_all() {
    let of = |operator: &str, sub: &str| {
        let mut statement = statement();
        statement["Condition"]["StringEquals"] = json!({ format!("{HOST}:aud"): "sts.amazonaws.com" });
        statement["Condition"][operator] = json!({ format!("{HOST}:actor"): [] });
        let mut claims = claims();
        claims.set("actor", sub);
        run(&document(json!([statement])), ISSUER, &claims).decision
    };
    assert_eq!(of("ForAllValues:StringEquals", "eve"), Decision::Denied);
    assert_eq!(of("ForAllValues:StringEquals", ""), Decision::Allowed);
    assert_eq!(of("ForAnyValue:StringEquals", "eve"), Decision::Denied);
    assert_eq!(of("ForAnyValue:StringEquals", ""), Decision::Denied);
    assert_eq!(of("StringEqualsIfExists", "eve"), Decision::Denied);
    assert_eq!(of("StringEquals", "eve"), Decision::Undecided);
    assert_eq!(of("StringNotEquals", "eve"), Decision::Undecided);
    assert_eq!(of("ForAllValues:StringNotEquals", "eve"), Decision::Undecided);
}

#[test]
fn the_organisation_of_googles_own_tokens_is_not_told() {
    let google = "https://accounts.google.com";
    let of = |given: Option<Value>, flat: Option<Value>| {
        let mut statement = statement();
        statement["Principal"] = json!({ "Federated": "accounts.google.com" });
        statement["Condition"] = json!({
            "StringEquals": { "accounts.google.com:aud": "x" },
            "NumericEquals": { "accounts.google.com:google/organization_number": "7" },
        });
        let mut claims = Claims::default();
        for (name, value) in [
            ("iss", Some(json!(google))),
            ("sub", Some(json!("1"))),
            ("aud", Some(json!("x"))),
            ("google", given),
            ("google/organization_number", flat),
        ] {
            if let Some(value) = value {
                claims.set(name, value);
            }
        }
        run(&document(json!([statement])), google, &claims).decision
    };
    assert_eq!(of(Some(json!({ "organization_number": 7 })), None), Decision::Undecided);
    assert_eq!(of(None, Some(json!(7))), Decision::Allowed);
    assert_eq!(of(None, Some(json!(8))), Decision::Denied);
    assert_eq!(of(None, None), Decision::Denied);
}

#[test]
fn what_null_wants_is_said_in_words() {
    let of = |value: &str| {
        let mut statement = statement();
        statement["Condition"]["Null"] = json!({ format!("{HOST}:actor"): value });
        let explanation = run(&document(json!([statement])), ISSUER, &claims());
        let reasons = explanation.reasons();
        let null = reasons.iter().find(|reason| reason.node.path.contains("/Null/")).unwrap();
        null.node.expected.clone()
    };
    assert_eq!([of("true"), of("false"), of("odd")], ["absent", "present", "odd"]);
}
