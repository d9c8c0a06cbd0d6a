//! `jobpass trust diff` and `pull`: an equal rule written differently is no drift, every other difference is one, and what is
//! not understood is never called equal.

use std::fs;
use std::path::Path;

use jobpass::edge::{Edge, file};
use jobpass::trust::TrustPolicy;
use jobpass::trust::drift::{Drift, drift};
use serde_json::{Value, json};

use crate::harness::{Scratch, checkout, jobpass, run, run_in};

const AWS: &str =
    "[edge.e]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/deploy\"\nregion = \"eu-central-1\"\n";
const GCP: &str = "[edge.e]\ndestination = \"gcp\"\nservice-account = \"e@p.iam.gserviceaccount.com\"\n\
                   provider = \"projects/1/locations/global/workloadIdentityPools/pool/providers/prov\"\n";
const AZURE: &str = "[edge.e]\ndestination = \"azure\"\nclient-id = \"11111111-2222-3333-4444-555555555555\"\n\
                     tenant-id = \"99999999-8888-7777-6666-555555555555\"\n";

fn edge(text: &str) -> Edge {
    file::parse(text, Path::new("jobpass.toml")).unwrap().edges.remove(0)
}

fn compare(edge_file: &str, declared: &Value, live: &Value) -> Drift {
    let edge = edge(edge_file);
    let read = |value: &Value| TrustPolicy::parse(edge.destination(), &value.to_string()).unwrap();
    drift(&edge, &read(declared), &read(live)).unwrap()
}

fn aws() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com" },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": { "gitlab.com:aud": "sts.amazonaws.com", "gitlab.com:sub": ["a", "b"] },
                "Bool": { "aws:SecureTransport": true },
            },
        }, {
            "Effect": "Deny",
            "Principal": { "Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com" },
            "Action": "sts:*",
            "Condition": { "StringNotEquals": { "gitlab.com:project_id": "7" } },
        }],
    })
}

fn gcp() -> Value {
    json!({
        "provider": {
            "name": "projects/1/locations/global/workloadIdentityPools/pool/providers/prov",
            "oidc": { "issuerUri": "https://gitlab.com" },
            "attributeMapping": { "google.subject": "assertion.sub", "attribute.p": "assertion.project_id" },
            "attributeCondition": "assertion.project_id == '7' && assertion.ref == \"main\"",
        },
        "bindings": [{
            "serviceAccount": "e@p.iam.gserviceaccount.com",
            "role": "roles/iam.workloadIdentityUser",
            "members": ["principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/subject/a", "principalSet://x/y"],
        }],
    })
}

fn azure() -> Value {
    json!([
        { "name": "one", "issuer": "https://gitlab.com", "subject": "a", "audiences": ["api://AzureADTokenExchange"] },
        { "name": "two", "issuer": "https://gitlab.com", "subject": "b", "audiences": ["api://AzureADTokenExchange"] },
    ])
}

#[test]
fn an_equal_rule_written_differently_is_no_drift() {
    let other_aws = json!({ "Role": {
        "Arn": "arn:aws:iam::123456789012:role/deploy", "RoleName": "deploy", "MaxSessionDuration": 7200,
        "AssumeRolePolicyDocument": {
            "Id": "x", "Version": "2008-10-17",
            "Statement": [{
                "Sid": "Never", "Effect": "Deny",
                "Principal": { "Federated": ["arn:aws:iam::123456789012:oidc-provider/gitlab.com"] },
                "Action": ["STS:*"],
                "Condition": { "stringnotequals": { "gitlab.com:Project_ID": ["7"] } },
            }, {
                "Condition": {
                    "bool": { "AWS:securetransport": "True" },
                    "stringequals": { "GITLAB.com:sub": ["b", "a", "b"], "gitlab.com:AUD": ["sts.amazonaws.com"] },
                },
                "Action": ["sts:assumerolewithwebidentity"],
                "Principal": { "Federated": ["arn:aws:iam::123456789012:oidc-provider/gitlab.com"] },
                "Effect": "Allow",
            }],
        },
    }});
    let drift = compare(AWS, &aws(), &other_aws);
    assert_eq!((drift.differences.as_slice(), drift.undecided.len()), (&[][..], 0), "{drift:?}");
    assert_eq!(drift.not_compared, ["the role's longest session"]);

    let other_gcp = json!({
        "provider": {
            "displayName": "GitLab", "description": "x", "state": "ACTIVE", "disabled": false,
            "name": "projects/1/locations/global/workloadIdentityPools/pool/providers/prov",
            "oidc": { "issuerUri": "https://gitlab.com", "allowedAudiences": [
                "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/prov",
                "https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/prov",
            ]},
            "attributeMapping": { "attribute.p": " assertion . project_id ", "google.subject": "assertion.sub" },
            "attributeCondition": "assertion.project_id=='7' // the shop\n  && assertion.ref=='main'",
        },
        "bindings": [
            { "role": "roles/iam.serviceAccountAdmin", "members": ["user:a@b.c"] },
            { "role": "roles/iam.workloadIdentityUser", "members": ["principalSet://x/y", "user:a@b.c"] },
            // Of another account: who may be that one is no matter of this edge.
            { "serviceAccount": "other@p.iam.gserviceaccount.com", "role": "roles/iam.workloadIdentityUser",
              "members": ["principalSet://x/z"] },
            { "role": "roles/iam.workloadIdentityUser",
              "members": ["principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/subject/a"] },
        ],
    });
    assert_eq!(compare(GCP, &gcp(), &other_gcp), Drift::default());

    let other_azure = json!({ "value": [
        { "id": "2", "name": "zwei", "description": "x", "subject": "b", "issuer": "https://gitlab.com", "audiences": ["api://AzureADTokenExchange"] },
        { "id": "1", "name": "eins", "subject": "a", "issuer": "https://gitlab.com", "audiences": ["api://AzureADTokenExchange"] },
    ]});
    assert_eq!(compare(AZURE, &azure(), &other_azure), Drift::default());
}

/// The document with the value at `pointer` replaced.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    *document.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    document
}

#[test]
fn every_other_difference_is_drift_and_both_sides_have_their_place() {
    let condition = "/Statement/0/Condition/StringEquals";
    let string_equals = |keys: Value| with(aws(), condition, keys);
    // Edge file, live, what differs, and the place on either side.
    type Row = (&'static str, Value, &'static str, Option<&'static str>, Option<&'static str>);
    let rows: Vec<Row> = vec![
        (
            AWS,
            string_equals(json!({"gitlab.com:aud": "sts.amazonaws.com", "gitlab.com:sub": ["a", "B"]})),
            "statement to allow, stringequals gitlab.com:sub",
            Some("/Statement/0/Condition/StringEquals/gitlab.com:sub"),
            Some("/Statement/0/Condition/StringEquals/gitlab.com:sub"),
        ),
        (
            AWS,
            string_equals(json!({"gitlab.com:sub": ["a", "b"]})),
            "statement to allow, stringequals gitlab.com:aud",
            Some("/Statement/0/Condition/StringEquals/gitlab.com:aud"),
            None,
        ),
        (
            AWS,
            with(
                aws(),
                "/Statement/0/Principal",
                json!({"Federated": "arn:aws:iam::123456789012:oidc-provider/gitlab.com", "AWS": "arn:aws:iam::999999999999:root"}),
            ),
            "statement to allow, principal",
            None,
            Some("/Statement/0/Principal/AWS"),
        ),
        (
            AWS,
            with(aws(), "/Statement/1/Action", json!("sts:TagSession")),
            "statement to deny, action",
            Some("/Statement/1/Action"),
            Some("/Statement/1/Action"),
        ),
        (
            AWS,
            with(aws(), "/Statement/1", aws()["Statement"][0].clone()),
            "statement to deny",
            Some("/Statement/1"),
            None,
        ),
        (
            GCP,
            with(gcp(), "/provider/attributeCondition", json!("assertion.project_id == '7'")),
            "provider, condition",
            Some("/provider/attributeCondition"),
            Some("/provider/attributeCondition"),
        ),
        (
            GCP,
            with(
                gcp(),
                "/provider/attributeCondition",
                json!("assertion.project_id == '7 ' && assertion.ref == \"main\""),
            ),
            "provider, condition",
            Some("/provider/attributeCondition"),
            Some("/provider/attributeCondition"),
        ),
        (
            GCP,
            with(gcp(), "/provider/attributeMapping/attribute.p", json!("assertion.ref")),
            "provider, mapping of attribute.p",
            Some("/provider/attributeMapping/attribute.p"),
            Some("/provider/attributeMapping/attribute.p"),
        ),
        (
            GCP,
            with(gcp(), "/provider/oidc", json!({"issuerUri": "https://gitlab.com", "allowedAudiences": ["x"]})),
            "provider, audience",
            Some("/provider/oidc/allowedAudiences"),
            Some("/provider/oidc/allowedAudiences"),
        ),
        (
            GCP,
            with(gcp(), "/bindings/0/members/1", json!("principalSet://x/*")),
            "binding, member",
            Some("/bindings/0/members"),
            Some("/bindings/0/members"),
        ),
        (AZURE, with(azure(), "/1/subject", json!("B")), "credential, subject", Some("/1/subject"), Some("/1/subject")),
        (AZURE, with(azure(), "/1", azure()[0].clone()), "credential", Some("/1"), None),
    ];
    let declared = |edge: &str| {
        if edge == AWS {
            aws()
        } else if edge == GCP {
            gcp()
        } else {
            azure()
        }
    };
    for (edge, live, what, at, live_at) in rows {
        let drift = compare(edge, &declared(edge), &live);
        let found: Vec<_> = drift
            .differences
            .iter()
            .map(|one| {
                (
                    one.what.as_str(),
                    one.declared.as_ref().map(|side| side.path.as_str()),
                    one.live.as_ref().map(|side| side.path.as_str()),
                )
            })
            .collect();
        assert_eq!(found, [(what, at, live_at)], "{drift:#?}");
        // The other way round it is the same, with the sides changed.
        assert_eq!(compare(edge, &live, &declared(edge)).differences.len(), 1);
    }
    // An addition that nobody declared is the one that matters most.
    let mut more = azure();
    more.as_array_mut()
        .unwrap()
        .push(json!({"name": "back-door", "issuer": "https://evil.example", "subject": "x", "audiences": ["y"]}));
    let drift = compare(AZURE, &azure(), &more);
    assert_eq!(
        (drift.differences[0].declared.as_ref(), drift.differences[0].live.as_ref().unwrap().path.as_str()),
        (None, "/2")
    );
}

#[test]
fn what_is_not_understood_is_never_called_equal() {
    let odd = |pointer: &str, value: Value| with(aws(), pointer, value);
    for (edge, document, place) in [
        (
            AWS,
            odd("/Statement/0/Condition/StringEquals", json!({"gitlab.com:aud": {"x": 1}})),
            "/Statement/0/Condition/StringEquals/gitlab.com:aud",
        ),
        (
            AWS,
            odd("/Statement/0/Condition", json!({"StringEquals": {"a:b": "1"}, "stringequals": {"A:b": "2"}})),
            "/Statement/0/Condition/StringEquals/a:b",
        ),
        (AWS, odd("/Statement/0/Principal", json!("*")), "/Statement/0/Principal"),
        (
            GCP,
            with(gcp(), "/provider/oidc", json!({"issuerUri": "https://gitlab.com", "jwksJson": "{}"})),
            "/provider/oidc/jwksJson",
        ),
        (GCP, with(gcp(), "/bindings/0/serviceAccount", json!("104857600000000000000")), "/bindings/0/serviceAccount"),
        (
            AZURE,
            with(azure(), "/0", json!({"issuer": "i", "subject": "s", "audiences": [], "trustedBy": "x"})),
            "/0/trustedBy",
        ),
        (
            AZURE,
            with(
                azure(),
                "/0",
                json!({"issuer": "i", "subject": null, "audiences": [], "claimsMatchingExpression": {"value": "x", "future": 1}}),
            ),
            "/0/claimsMatchingExpression/future",
        ),
        (
            AZURE,
            with(
                azure(),
                "/0",
                json!({"issuer": "i", "subject": null, "audiences": [],
                    "claimsMatchingExpression": {"value": "x", "languageVersion": "2"}}),
            ),
            "/0/claimsMatchingExpression/languageVersion",
        ),
        (AZURE, json!({"value": azure(), "@odata.nextLink": "https://graph.example/next"}), "/@odata.nextLink"),
        (
            AWS,
            odd(
                "/Statement/1",
                json!({"Effect": "Deny", "Principal": {"Service": "x"}, "Action": "sts:*", "Resource": "*"}),
            ),
            "/Statement/1/Resource",
        ),
        (AWS, odd("/Statement/0/Action", json!("assume")), "/Statement/0/Action"),
        (
            AWS,
            odd("/Statement/0/Condition", json!({"StringMatches": {"a:b": "1"}})),
            "/Statement/0/Condition/StringMatches/a:b",
        ),
    ] {
        let drift = compare(edge, &document, &document);
        assert!(drift.differences.is_empty(), "{drift:?}");
        assert!(drift.undecided.contains(&format!("live {place}")), "{drift:?}");
    }
}

/// An edge whose trust policy is declared beside it.
fn declared(scratch: &Scratch, edge: &str, trust: &Value) -> String {
    scratch.write("trust.json", &trust.to_string());
    let name = edge.replacen("[edge.e]\n", "[edge.e]\ntrust = \"trust.json\"\n", 1);
    scratch.write("jobpass.toml", &name).display().to_string()
}

#[test]
fn exit_codes_and_both_formats() {
    let scratch = Scratch::new();
    let config = declared(&scratch, AWS, &aws());
    let undecided = with(aws(), "/Statement/0/Condition/Bool", json!({"aws:SecureTransport": 1.5}));
    for (live, code) in [
        (aws(), 0),
        (with(aws(), "/Statement/0/Effect", json!("Deny")), 1),
        (json!({ "edges": { "e": aws() } }), 0),
        (json!({ "edges": { "other": aws() } }), 2),
    ] {
        scratch.write("live.json", &live.to_string());
        let ran = run_in(scratch.path(), &[], ["trust", "diff", "--config", &config, "--live", "live.json"]);
        assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    }
    scratch.write("live.json", &undecided.to_string());
    let same = Scratch::new();
    let config_of_same = declared(&same, AWS, &undecided);
    let live = scratch.path().join("live.json").display().to_string();
    let ran = run_in(same.path(), &[], ["trust", "diff", "--config", &config_of_same, "--live", &live]);
    assert_eq!(ran.code, 8, "{}{}", ran.stdout, ran.stderr);

    let drifted = with(aws(), "/Statement/0/Condition/StringEquals/gitlab.com:sub", json!("b"));
    scratch.write("live.json", &json!({ "edges": { "e": drifted } }).to_string());
    let ran =
        run_in(scratch.path(), &[], ["trust", "diff", "--config", &config, "--live", "live.json", "--format", "json"]);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let difference = &document["edges"][0]["differences"][0];
    assert_eq!(
        difference["declared"],
        json!({"path": "/Statement/0/Condition/StringEquals/gitlab.com:sub", "value": "a"})
    );
    assert_eq!((&difference["live"], ran.code), (&Value::Null, 1));
    let ran = run_in(scratch.path(), &[], ["trust", "diff", "--config", &config, "--live", "live.json"]);
    assert!(
        ran.stdout.contains("drift, 1 difference") && ran.stdout.contains("    live      (nothing)"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_place_in_saved_output_of_several_edges_is_one_in_that_file() {
    let scratch = Scratch::new();
    let config = declared(&scratch, AWS, &aws());
    let drifted = with(aws(), "/Statement/1/Action", json!("sts:TagSession"));
    scratch.write("live.json", &json!({ "edges": { "e": drifted } }).to_string());
    let args = ["trust", "diff", "--config", &config, "--live", "live.json", "--format", "json"];
    let ran = run_in(scratch.path(), &[], args);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["edges"][0]["differences"][0]["live"]["path"], "/edges/e/Statement/1/Action");
}

#[test]
fn an_edge_without_a_file_is_held_to_what_would_be_rendered() {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml");
    let text = fs::read_to_string(config).unwrap().replace("trust = \"trust/aws.json\"\n", "");
    let config = scratch.write("jobpass.toml", &text).display().to_string();
    let rendered = run_in(scratch.path(), &[], ["trust", "render", "deploy", "--config", &config]);
    scratch.write("live.json", &rendered.stdout);
    let diff = ["trust", "diff", "deploy", "--config", &config, "--live", "live.json"];
    let ran = run_in(scratch.path(), &[], diff);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("what `trust render` prints for repo:acme/shop:environment:production"),
        "{}",
        ran.stdout
    );
    scratch.write("live.json", &rendered.stdout.replace("shop:environment", "*:environment"));
    assert_eq!(run_in(scratch.path(), &[], diff).code, 1);
}

#[test]
fn saved_output_comes_from_standard_input_too_and_is_written_where_the_edge_keeps_it() {
    let scratch = Scratch::new();
    let config = declared(&scratch, AZURE, &json!([]));
    let piped = |args: &[&str], text: &str| {
        use std::io::Write as _;
        let mut command = jobpass(scratch.path());
        command
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        crate::harness::ran(&child.wait_with_output().unwrap())
    };
    let live = azure().to_string();
    assert_eq!(piped(&["trust", "diff", "--config", &config, "--live", "-"], &live).code, 1);
    let ran = piped(&["trust", "pull", "--config", &config, "--live", "-", "--write"], &live);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let written = || serde_json::from_slice::<Value>(&fs::read(scratch.path().join("trust.json")).unwrap()).unwrap();
    assert_eq!(written(), azure());
    assert_eq!(piped(&["trust", "diff", "--config", &config, "--live", "-"], &live).code, 0);
    // As the tools print it when nobody asks for JSON.
    let yaml: String = azure()
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let field = |name: &str| one[name].as_str().unwrap();
            let lines = ["name", "issuer", "subject"].map(|name| format!("  {name}: {}\n", field(name))).concat();
            format!("-{}  audiences:\n  - {}\n", &lines[1..], one["audiences"][0].as_str().unwrap())
        })
        .collect();
    let ran = piped(&["trust", "diff", "--config", &config, "--live", "-"], &yaml);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let ran = piped(&["trust", "diff", "--config", &config, "--live", "-"], &yaml.replace("subject: ", "subject: x"));
    assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
    for (text, code) in [("[{]", "live"), ("{\"issuer\": 1, \"issuer\": 2}", "live"), ("{}", "trust-policy")] {
        let ran = piped(&["trust", "pull", "--config", &config, "--live", "-", "--write"], text);
        assert!(ran.code == 2 && ran.stderr.contains(&format!("error[{code}]")), "{text}: {}", ran.stderr);
    }
    assert_eq!(written(), azure(), "nothing was written over");
}

/// A directory with a program of this name, which is what PATH names.
fn tool(scratch: &Scratch, name: &str, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let path = scratch.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", scratch.path().join("bin").display())
}

#[test]
fn a_tool_that_is_missing_fails_hangs_or_babbles_is_named_with_what_to_do() {
    for (script, code, exit, word) in [
        ("echo 'Please run az login' >&2; exit 1", "vendor-tool", 6, "Please run az login"),
        ("exec sleep 30", "vendor-tool", 6, "took longer than 1s"),
        ("echo hello", "vendor-tool", 6, "printed no JSON"),
    ] {
        let scratch = Scratch::new();
        let config = declared(&scratch, AZURE, &azure());
        let path = tool(&scratch, "az", script);
        let ran = run_in(scratch.path(), &[("PATH", &path)], ["trust", "diff", "--config", &config, "--timeout", "1s"]);
        assert_eq!(ran.code, exit, "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("error[{code}]")) && ran.stderr.contains(word), "{}", ran.stderr);
    }
    let scratch = Scratch::new();
    let config = declared(&scratch, AZURE, &azure());
    let ran = run(jobpass(scratch.path()).args(["trust", "pull", "--config", &config]).env("PATH", scratch.path()));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("error[vendor-tool-missing]") && ran.stderr.contains("--live FILE"), "{}", ran.stderr);
}

#[test]
fn the_tools_are_asked_word_by_word_and_no_shell_reads_a_name() {
    let scratch = Scratch::new();
    // The role's name is a path that a shell would split and expand.
    let edge = AWS.replace("role/deploy", "role/team/a+b=$(id),c");
    let config = scratch.write("jobpass.toml", &edge).display().to_string();
    let script = "printf '<%s>' \"$@\" >> \"$HOME/asked\"; echo '{\"Role\": {\"Arn\": \"arn:aws:iam::123456789012:role/other\"}}'";
    let path = tool(&scratch, "aws", script);
    let ran = run_in(scratch.path(), &[("PATH", &path)], ["trust", "pull", "--config", &config]);
    let asked = fs::read_to_string(scratch.path().join("asked")).unwrap();
    assert_eq!(asked, "<iam><get-role><--role-name=a+b=$(id),c><--region=eu-central-1><--output=json>");
    assert!(ran.stderr.contains("asking aws for aws edge `e`\n"), "{}", ran.stderr);
    // And the answer is of another role, in another account perhaps.
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("presented  arn:aws:iam::123456789012:role/other"), "{}", ran.stderr);
}

#[test]
fn a_provider_or_pool_that_is_switched_off_is_drift() {
    let with_state = |provider: Value, pool: Option<Value>| {
        let mut file = gcp();
        for (name, value) in provider.as_object().unwrap() {
            file["provider"][name] = value.clone();
        }
        if let Some(pool) = pool {
            file["pool"] = pool;
        }
        file
    };
    let states = |live: &Value, declared: &Value| {
        let found = compare(GCP, declared, live).differences;
        let sides = found.iter().flat_map(|one| [&one.declared, &one.live]).flatten();
        sides.map(|side| side.value.trim_start_matches("state: ").to_owned()).collect::<Vec<_>>()
    };
    let active = with_state(json!({}), Some(json!({ "state": "ACTIVE" })));
    assert_eq!(states(&with_state(json!({ "state": "ACTIVE" }), Some(json!({}))), &active), [""; 0]);
    let off = |one: &str| vec!["ACTIVE".to_owned(), one.to_owned()];
    assert_eq!(states(&with_state(json!({ "disabled": true }), Some(json!({}))), &active), off("disabled"));
    assert_eq!(states(&with_state(json!({ "state": "DELETED" }), Some(json!({}))), &active), off("DELETED"));
    assert_eq!(states(&with_state(json!({}), Some(json!({ "disabled": true }))), &active), off("disabled"));
}
