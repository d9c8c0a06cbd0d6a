use serde_json::json;

use super::*;
use crate::claims::Claims;
use crate::trust::aws::{Asked, RoleTrust, evaluate};
use crate::trust::{Decision, yaml};

/// A value as it stands in a role of a template with a provider, settled.
fn settle(value: &str) -> Value {
    let text = format!(
        "Resources:\n  Provider:\n    Type: AWS::IAM::OIDCProvider\n    Properties: {{Url: 'https://gitlab.com'}}\n  \
         Odd:\n    Type: AWS::IAM::OIDCProvider\n    Properties: {{Url: 'https://ci.example:8443/'}}\n  \
         Slash:\n    Type: AWS::IAM::OIDCProvider\n    Properties: {{Url: 'https://ci.example/'}}\n  \
         Port:\n    Type: AWS::IAM::OIDCProvider\n    Properties: {{Url: 'https://ci.example:8443'}}\n  \
         Nobody:\n    Type: AWS::IAM::OIDCProvider\n    Properties: {{Url: 'https://'}}\n  \
         Named:\n    Type: AWS::IAM::OIDCProvider\n    Properties: {{Url: !Ref Url}}\n  \
         Bucket:\n    Type: AWS::S3::Bucket\n    Properties: {{Url: 'https://gitlab.com'}}\n  Role:\n    Type: AWS::IAM::Role\n    \
         Properties:\n      It: {value}\n"
    );
    settled(&yaml::parse(&text).unwrap().0)["Role"]["Properties"]["It"].clone()
}

const ARN: &str = "arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/gitlab.com";

#[test]
fn what_is_certain_is_put_in() {
    for (value, expected) in [
        ("!Sub plain", json!("plain")),
        ("!Sub 'repo:acme/*'", json!("repo:acme/*")),
        (
            "!Sub ['${a}/${b}', {a: x, b: !Sub '${c}'}]",
            json!({"Fn::Sub": ["${a}/${b}", {"a": "x", "b": {"Fn::Sub": "${c}"}}]}),
        ),
        ("!Sub ['${a}/${b}', {a: x, b: !Join ['-', [v, w]]}]", json!("x/v-w")),
        ("!Join ['', []]", json!("")),
        ("!Join [':', [a, b, !Sub c]]", json!("a:b:c")),
        ("!Sub '${!aws:username}'", json!("${aws:username}")),
        ("!Ref AWS::AccountId", json!({"Fn::Sub": "${AWS::AccountId}"})),
        ("!Join ['', ['arn:', !Ref AWS::Partition, ':x']]", json!({"Fn::Sub": "arn:${AWS::Partition}:x"})),
        ("!Ref Provider", json!({"Fn::Sub": ARN})),
        ("!GetAtt Provider.Arn", json!({"Fn::Sub": ARN})),
        ("!Sub '${Provider}'", json!({"Fn::Sub": ARN})),
        ("!Sub '${Provider.Arn}'", json!({"Fn::Sub": ARN})),
        ("[!Sub a, {b: !Sub c}]", json!(["a", {"b": "c"}])),
    ] {
        assert_eq!(settle(value), expected, "{value}");
    }
}

#[test]
fn what_is_not_certain_stays_a_function() {
    for value in [
        "!Ref Parameter",
        "!Ref AWS::Region",
        "!Ref AWS::NoValue",
        "!Ref Odd",
        "!Ref Slash",
        "!Ref Port",
        "!Ref Nobody",
        "!Ref Named",
        "!Ref Bucket",
        "!GetAtt Bucket.Arn",
        "!GetAtt Provider.Url",
        "!Sub '${Parameter}'",
        "!Sub '${AWS::StackName}'",
        "!Sub '${ AWS::AccountId }'",
        "!Sub '${AWS::AccountId.Arn}'",
        "!GetAtt AWS::AccountId.Arn",
        "!Sub '${unclosed'",
        "!Sub [a]",
        "!Sub ['${a}', {a: !Ref Parameter}]",
        "!Sub ['${a}', {a: 7}]",
        "!Join ['', [a, !Ref Parameter]]",
        "!Join ['', [1]]",
        "!Join ['', !Ref List]",
        "!Join [!Ref Between, [a]]",
        "!If [A, b, b]",
        "!Select [0, [a]]",
        "!ImportValue a",
        "!Foo a",
        // A literal that looks like the one thing that is put in later.
        "!Sub '${!AWS::AccountId}${AWS::AccountId}'",
        "!Join ['', ['$', '{AWS::AccountId}', !Ref AWS::AccountId]]",
    ] {
        let settled = settle(value);
        assert!(later(&settled).is_some(), "{value}: {settled}");
        assert_eq!(own(&settled), None, "{value}: {settled}");
    }
}

#[test]
fn values_put_into_each_other_end() {
    let mut value = json!("x".repeat(100));
    for _ in 0..35 {
        value = json!({"Fn::Sub": ["${a}${a}${a}", {"a": value}]});
    }
    let root = json!({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"It": value}}}});
    assert!(later(&settled(&root)["Role"]["Properties"]["It"]).is_some());
    let long = json!({"Fn::Join": ["", vec!["y".repeat(1_000); 100]]});
    let root = json!({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": {"It": long}}}});
    assert!(later(&settled(&root)["Role"]["Properties"]["It"]).is_some());
}

#[test]
fn only_macros_that_are_known_leave_roles_alone() {
    for (transform, certain) in [
        (json!(null), true),
        (json!("AWS::Serverless-2016-10-31"), true),
        (json!(["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"]), true),
        (json!("Ours"), false),
        (json!(["AWS::Serverless-2016-10-31", "Ours"]), false),
        (json!({"Name": "AWS::Include"}), false),
    ] {
        assert_eq!(rewritten(&json!({"Transform": transform})).is_none(), certain, "{transform}");
    }
}

const GITHUB: &str = "token.actions.githubusercontent.com";

/// A role of this account that GitHub's jobs may have; `audience` in its condition, `more` beside its document.
fn template(audience: bool, more: &str, resources: &str) -> Value {
    let condition = if audience {
        format!("StringEquals: {{'{GITHUB}:aud': sts.amazonaws.com}}")
    } else {
        format!("StringLike: {{'{GITHUB}:sub': 'repo:acme/*'}}")
    };
    let text = format!(
        "Resources:\n  Role:\n    Type: AWS::IAM::Role\n    Properties:\n      RoleName: deploy\n{more}      AssumeRolePolicyDocument:\n        \
         Version: 2012-10-17\n        Statement:\n        - Effect: Allow\n          Action: sts:AssumeRoleWithWebIdentity\n          Principal: \
         {{Federated: !Sub 'arn:aws:iam::${{AWS::AccountId}}:oidc-provider/{GITHUB}'}}\n          Condition: {{{condition}}}\n{resources}"
    );
    yaml::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}")).0
}

fn decide(template: &Value, role: Option<&str>, seconds: Option<u64>) -> Decision {
    let claims = json!({"iss": format!("https://{GITHUB}"), "aud": "sts.amazonaws.com", "sub": "repo:acme/shop:ref:refs/heads/main"});
    let claims = Claims::new(claims.as_object().unwrap().clone());
    let issuer = format!("https://{GITHUB}");
    let asked = Asked { role, issuer: &issuer, claims: &claims, seconds, session_name: None, known: &[] };
    evaluate(&RoleTrust::from_json(template).unwrap(), &asked).decision
}

const ROLE: Option<&str> = Some("arn:aws:iam::123456789012:role/deploy");

#[test]
fn an_account_that_is_put_in_is_the_roles_own() {
    let plain = template(true, "", "");
    assert_eq!(decide(&plain, ROLE, None), Decision::Allowed);
    assert_eq!(decide(&plain, None, None), Decision::Allowed);
    // The partition stands there as a text, and this role is in another.
    assert_eq!(decide(&plain, Some("arn:aws-cn:iam::123456789012:role/deploy"), None), Decision::Denied);
    assert_eq!(decide(&plain, Some("arn:aws:iam::123456789012:role/other"), None), Decision::Undecided);
}

#[test]
fn a_provider_that_may_not_be_made_has_no_list_of_audiences() {
    let provider = |condition: &str, ids: &str, name: &str| {
        format!(
            "  {name}:\n    Type: AWS::IAM::OIDCProvider\n{condition}    Properties: {{Url: 'https://{GITHUB}', ClientIdList: [{ids}]}}\n"
        )
    };
    let own = provider("", "sts.amazonaws.com", "A");
    assert_eq!(decide(&template(false, "", &own), ROLE, None), Decision::Allowed);
    let perhaps = provider("    Condition: Makes\n", "sts.amazonaws.com", "A");
    assert_eq!(decide(&template(false, "", &perhaps), ROLE, None), Decision::Undecided);
    let same = format!("{own}{}", provider("", "sts.amazonaws.com", "B"));
    assert_eq!(decide(&template(false, "", &same), ROLE, None), Decision::Allowed);
    let different = format!("{own}{}", provider("", "x", "B"));
    assert_eq!(decide(&template(false, "", &different), ROLE, None), Decision::Undecided);
}

#[test]
fn the_longest_session_is_the_templates_or_the_usual_one() {
    for (more, seconds, decision) in [
        ("", 3_600, Decision::Allowed),
        ("", 3_601, Decision::Denied),
        ("      MaxSessionDuration: 7200\n", 7_200, Decision::Allowed),
        ("      MaxSessionDuration: 7200\n", 7_201, Decision::Denied),
        ("      MaxSessionDuration: !Ref Seconds\n", 3_600, Decision::Allowed),
        ("      MaxSessionDuration: !Ref Seconds\n", 3_601, Decision::Undecided),
        ("      MaxSessionDuration: 07200\n", 7_200, Decision::Undecided),
    ] {
        assert_eq!(decide(&template(true, more, ""), ROLE, Some(seconds)), decision, "{more} {seconds}");
    }
}

#[test]
fn a_role_that_another_mapping_adds_to_is_not_certain() {
    for more in ["      <<: {MaxSessionDuration: 7200}\n", "      Fn::Transform: {Name: AWS::Include}\n"] {
        assert_eq!(decide(&template(true, more, ""), ROLE, None), Decision::Undecided, "{more}");
    }
}

/// Whatever takes a text's place anywhere in a statement that lets the job in, nobody is let in by it.
#[test]
fn what_is_known_later_never_allows() {
    let certain = template(true, "", "");
    let statement = "/Resources/Role/Properties/AssumeRolePolicyDocument/Statement/0";
    for odd in
        ["!Ref X", "!Sub '${X}'", "!If [A, b, c]", "!ImportValue x", "!Foo x", "yes", "0123", "!Split [',', 'a,b']"]
    {
        let odd = yaml::parse(odd).unwrap().0;
        for at in [
            "",
            "/Effect",
            "/Action",
            "/Principal",
            "/Principal/Federated",
            "/Condition",
            "/Condition/StringEquals",
            &format!("/Condition/StringEquals/{GITHUB}:aud"),
        ] {
            let mut changed = certain.clone();
            *changed.pointer_mut(&format!("{statement}{at}")).unwrap() = odd.clone();
            let allowed = match RoleTrust::from_json(&changed) {
                Ok(_) => decide(&changed, ROLE, None) == Decision::Allowed,
                Err(_) => false,
            };
            assert!(!allowed, "{at}: {odd}");
            // Beside one that denies nothing it may be a Deny, or more of what is compared.
            let mut added = certain.clone();
            let list = added.pointer_mut("/Resources/Role/Properties/AssumeRolePolicyDocument/Statement").unwrap();
            list.as_array_mut().unwrap().push(odd.clone());
            assert_ne!(decide(&added, ROLE, None), Decision::Allowed, "{odd}");
        }
    }
}

#[test]
fn a_document_as_text_is_read_with_its_variables() {
    let text = r#"{"a": ["${x}", "y", 1], "b": {"c": "z${AWS::AccountId}"}}"#;
    let expected = json!({"a": [{"Fn::Sub": "${x}"}, "y", 1], "b": {"c": {"Fn::Sub": "z${AWS::AccountId}"}}});
    assert_eq!(substituted(text), Some(expected));
    assert_eq!(substituted(r#"{"a": {"${x}": 1}}"#), None, "a name that is not known yet");
    assert_eq!(substituted("${x}"), None);
}

#[test]
fn why_a_value_is_not_known_yet_names_the_first_of_them() {
    for (value, expected) in [
        (json!({"Ref": "P"}), "`${P}` is known when"),
        (json!({"Fn::Sub": "a${AWS::AccountId}b${Q}${R}"}), "what `${Q}` stands for"),
        (json!({"Fn::Sub": ["${AWS::Partition}${S}", {}]}), "what `${S}` stands for"),
        (json!({"Fn::Sub": "${AWS::Partition}"}), "what `${AWS::Partition}` stands for"),
        (json!(["a", {"Fn::If": ["c", "d", "e"]}]), "`Fn::If` is known when"),
    ] {
        let why = later(&value).unwrap_or_default();
        assert!(why.starts_with(expected), "{value}: {why}");
    }
    for plain in [json!("a"), json!({"a": 1}), json!({"Ref": "a", "b": 1}), json!(["a", 1])] {
        assert_eq!(later(&plain), None, "{plain}");
    }
}
