//! Files as people have them, through the binary: which answer, and on which line of the file it rests.
//!
//! `tests/cases/trust/aws/files/` has templates in YAML and JSON, plans and states of Terraform, and what the `aws` command line
//! prints. What the text alone does not decide is undecided, and a sentence says why.

use serde_json::Value;

use crate::harness::{Scratch, checkout, run_in};

const FILES: &str = "tests/cases/trust/aws/files";
const PRODUCTION: &[&str] = &["--environment", "production"];
const TOPIC: &[&str] = &["--ref", "topic"];

/// File; role, or nothing; the job beside the repository; the answer; the end of a deciding reason's path; its line; a word of what is
/// said about it.
type Case = (&'static str, &'static str, &'static [&'static str], &'static str, &'static str, u64, &'static str);

const SUB: &str = "token.actions.githubusercontent.com:sub";

const CASES: [Case; 35] = [
    ("pipeline.yaml", "deploy", &[], "allow", "StringEquals/token.actions.githubusercontent.com:sub", 41, ""),
    (
        "pipeline.yaml",
        "deploy",
        &[],
        "allow",
        "Deploy/Properties/AssumeRolePolicyDocument/Statement/0/Principal/Federated",
        36,
        "",
    ),
    ("pipeline.yaml", "deploy", PRODUCTION, "deny", SUB, 41, "environment `production`"),
    ("pipeline.yaml", "preview", &[], "unknown", SUB, 64, "${GitHubOrg}"),
    ("pipeline.yaml", "either", &[], "unknown", "Principal/Federated", 75, "Fn::If"),
    ("pipeline.yaml", "either", TOPIC, "deny", SUB, 80, ""),
    ("pipeline.yaml", "perhaps", &[], "unknown", "/Resources/Perhaps/Properties", 84, "Fn::If"),
    // None of that name: it may be the one that gets its name when it is made, and no web identity can have that.
    (
        "pipeline.yaml",
        "stack-Function-1ABC",
        &[],
        "deny",
        "Function/Properties/AssumeRolePolicyDocument/Statement/0/Principal",
        103,
        "",
    ),
    ("sam.yml", "", &[], "allow", "/Resources/GitHub/Properties/ClientIdList", 12, ""),
    (
        "sam.yml",
        "stack-Publish-1ABC",
        &["--audience", "x"],
        "deny",
        "/Resources/GitHub/Properties/ClientIdList",
        12,
        "audience",
    ),
    ("sam.yml", "", &["--repo", "other/shop"], "deny", SUB, 25, ""),
    ("odd.yaml", "aliased", &[], "allow", SUB, 15, ""),
    ("odd.yaml", "whole", &[], "unknown", "/Resources/Whole/Properties", 18, "aliases"),
    ("odd.yaml", "part", &[], "unknown", "Statement/0/Principal", 27, "aliases"),
    ("odd.yaml", "merged", &[], "unknown", "/Resources/Merged/Properties", 32, "merge key"),
    ("odd.yaml", "typed", &[], "unknown", "token.actions.githubusercontent.com:repository_id", 56, "quotes"),
    ("odd.yaml", "keyed", &[], "unknown", "${Provider.Url}:sub", 70, "into a key"),
    // It may be one of those that `Fn::ForEach` makes.
    ("odd.yaml", "blue", &[], "unknown", "/Resources/Fn::ForEach::Teams", 71, "Fn::ForEach"),
    ("macro.yaml", "", &[], "unknown", "/Resources/Deploy/Properties", 5, "OurMacro"),
    ("template.json", "deploy", &[], "allow", SUB, 35, ""),
    ("template.json", "deploy", TOPIC, "deny", SUB, 35, ""),
    ("template.json", "cluster", &[], "unknown", "/Resources/Cluster/Properties", 52, "${Issuer}"),
    ("template.json", "quoted", &[], "unknown", "Principal/Federated", 69, ""),
    ("list-roles.json", "deploy", &[], "allow", "/Roles/7/AssumeRolePolicyDocument/Statement/0/Action", 0, ""),
    (
        "list-roles.json",
        "gitlab",
        &[],
        "deny",
        "/Roles/21/AssumeRolePolicyDocument/Statement/0/Principal/Federated",
        0,
        "",
    ),
    (
        "list-roles.json",
        "web-0",
        &[],
        "deny",
        "/Roles/0/AssumeRolePolicyDocument/Statement/0/Principal",
        0,
        "no web identity",
    ),
    ("list-roles.json", "", &[], "unknown", "", 1, "by its ARN"),
    ("authorization-details.json", "", PRODUCTION, "allow", SUB, 0, ""),
    ("authorization-details.json", "deploy", TOPIC, "deny", SUB, 0, ""),
    ("terraform-plan.json", "team-blue", &[], "allow", "assume_role_policy/Statement/0/Action", 0, ""),
    ("terraform-plan.json", "team-green", &[], "deny", SUB, 0, ""),
    (
        "terraform-plan.json",
        "new",
        &[],
        "unknown",
        "/planned_values/root_module/resources/0/values",
        0,
        "known after apply",
    ),
    ("terraform-state.json", "deploy", &[], "allow", "/values/root_module/resources/1/values/client_id_list", 0, ""),
    ("terraform-state.json", "deploy-2", &["--audience", "x"], "deny", "client_id_list", 0, ""),
    ("terraform-two-accounts.json", "deploy", &[], "unknown", "client_id_list", 0, "several providers"),
];

fn explain(case: &Case) -> Result<(), String> {
    let (file, role, job, decision, path, line, word) = *case;
    let trust = format!("{FILES}/{file}");
    let arn = format!("arn:aws:iam::123456789012:role/{role}");
    let mut args = vec!["explain", "--trust", &trust, "--format", "json"];
    if !job.contains(&"--repo") {
        args.extend(["--repo", "acme/shop"]);
    }
    args.extend(job);
    if !role.is_empty() {
        args.extend(["--role", &arn]);
    }
    let ran = run_in(&checkout(), &[], args);
    let document: Value = serde_json::from_str(&ran.stdout).map_err(|error| format!("{error}: {}", ran.stderr))?;
    let code = match decision {
        "allow" => 0,
        "deny" => 4,
        _ => 8,
    };
    if document["decision"] != decision || ran.code != code {
        return Err(format!("expected {decision}, exit {code}: {} {document:#}", ran.code));
    }
    let told = |reason: &Value| {
        [&reason["hint"], &reason["expected"], &reason["presented"]]
            .iter()
            .any(|text| text.as_str().unwrap_or_default().contains(word))
    };
    let here = |reason: &&Value| {
        reason["decides"] == true
            && reason["path"].as_str().unwrap().ends_with(path)
            && (line == 0 && reason["line"].as_u64() > Some(1) || reason["line"] == line)
            && told(reason)
    };
    let reasons = document["reasons"].as_array().unwrap();
    reasons.iter().find(here).map(|_| ()).ok_or_else(|| format!("no such deciding reason: {document:#}"))
}

#[test]
fn each_file_is_decided_and_the_reason_has_its_line() {
    let wrong: Vec<String> = CASES
        .iter()
        .filter_map(|case| Some(format!("{} {} {:?} {}: {}", case.0, case.1, case.2, case.4, explain(case).err()?)))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

/// A reason's line is the one in the file that its path ends at.
#[test]
fn lines_are_those_of_the_yaml() {
    let text = std::fs::read_to_string(checkout().join(FILES).join("pipeline.yaml")).unwrap();
    let arn = "arn:aws:iam::123456789012:role/deploy";
    let trust = format!("{FILES}/pipeline.yaml");
    let args = ["explain", "--trust", &trust, "--repo", "acme/shop", "--role", arn, "--format", "json"];
    let document: Value = serde_json::from_str(&run_in(&checkout(), &[], args).stdout).unwrap();
    let mut checked = 0;
    for reason in document["reasons"].as_array().unwrap() {
        let name = reason["path"].as_str().unwrap().rsplit('/').next().unwrap();
        let line = usize::try_from(reason["line"].as_u64().unwrap()).unwrap();
        let column = usize::try_from(reason["column"].as_u64().unwrap()).unwrap();
        let rest: String = text.lines().nth(line - 1).unwrap().chars().skip(column - 1).collect();
        if name.parse::<usize>().is_err() && name != "Condition" {
            assert!(rest.trim_start_matches('"').starts_with(name), "{name}: {rest}");
            checked += 1;
        }
    }
    assert!(checked >= 5, "{document:#}");
}

#[test]
fn lint_finds_who_gets_in_through_each_of_them() {
    for (file, expected) in [
        (
            "list-roles.json",
            vec![(
                "TP002",
                "/Roles/40/AssumeRolePolicyDocument/Statement/0/Condition/StringLike/token.actions.githubusercontent.com:sub",
            )],
        ),
        ("pipeline.yaml", vec![]),
        ("sam.yml", vec![]),
        ("template.json", vec![]),
        ("authorization-details.json", vec![]),
    ] {
        let ran = run_in(&checkout(), &[], ["trust", "lint", &format!("{FILES}/{file}"), "--format", "json"]);
        let document: Value =
            serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
        let bad: Vec<(&str, &str)> = document["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["severity"] == "critical")
            .map(|one| (one["code"].as_str().unwrap(), one["path"].as_str().unwrap()))
            .collect();
        assert_eq!(bad, expected, "{file}: {document:#}");
    }
}

/// A subject that is made of parameters may be tight: nothing above info is said of it, and what is said elsewhere stays.
#[test]
fn a_subject_that_is_a_parameter_is_no_finding() {
    let args = ["trust", "lint", &format!("{FILES}/pipeline.yaml"), "--format", "json"];
    let document: Value = serde_json::from_str(&run_in(&checkout(), &[], args).stdout).unwrap();
    let found = |path: &str| {
        let all = document["findings"].as_array().unwrap().iter();
        all.filter(|one| one["severity"] != "info" && one["path"].as_str().unwrap().starts_with(path)).count()
    };
    assert_eq!(
        (found("/Resources/Preview"), found("/Resources/Deploy"), found("/Resources/Perhaps")),
        (0, 0, 1),
        "{document:#}"
    );
}

/// A principal that is known later lets in whoever its conditions do: that is told, and not passed over in silence.
#[test]
fn a_provider_that_is_a_parameter_hides_no_stranger() {
    let home = Scratch::new();
    let template = |provider: &str, subject: &str| {
        format!(
            "Resources:\n  Deploy:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Version: 2012-10-17\n        \
             Statement:\n        - Effect: Allow\n          Principal: {{Federated: {provider}}}\n          \
             Action: sts:AssumeRoleWithWebIdentity\n          Condition:\n            \
             StringEquals: {{token.actions.githubusercontent.com:aud: sts.amazonaws.com}}\n            \
             StringLike: {{token.actions.githubusercontent.com:sub: '{subject}'}}\n"
        )
    };
    let own = "!Sub 'arn:${AWS::Partition}:iam::${AWS::AccountId}:oidc-provider/token.actions.githubusercontent.com'";
    for provider in ["!Ref ProviderArn", "!If [A, !Ref B, !Ref C]", "!ImportValue provider", own] {
        home.write("template.yaml", &template(provider, "repo:*"));
        let ran = run_in(home.path(), &[], ["trust", "lint", "template.yaml"]);
        assert_eq!(ran.code, 1, "{provider}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.contains("TP002") && ran.stdout.contains("line 13"), "{provider}: {}", ran.stdout);
        home.write("template.yaml", &template(provider, "repo:acme/shop:environment:production"));
        let ran = run_in(home.path(), &[], ["trust", "lint", "template.yaml", "--fail-on", "medium"]);
        assert_eq!(ran.code, 0, "{provider}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn a_directory_is_walked_for_templates_and_what_is_none_is_passed_over() {
    let home = Scratch::new();
    let lint = |args: &[&str]| run_in(home.path(), &[], ["trust", "lint", "."].iter().chain(args));
    for (name, text) in [
        ("playbook.yml", "- name: x\n  hosts: all\n  tasks: []\n"),
        ("many.yaml", "kind: A\n---\nkind: B\n"),
        ("chart/values.yaml", "a: {{ .Values.x }}\n"),
        ("bucket.yaml", "Resources:\n  B:\n    Type: AWS::S3::Bucket\n"),
        ("twice.yaml", "a: 1\na: 2\n"),
        ("empty.yaml", ""),
    ] {
        home.write(name, text);
    }
    let ran = lint(&[]);
    assert!(ran.code == 2 && ran.stderr.contains("no-trust-policies"), "{}{}", ran.stdout, ran.stderr);
    std::fs::copy(checkout().join(FILES).join("pipeline.yaml"), home.path().join("roles.yml")).unwrap();
    let document: Value = serde_json::from_str(&lint(&["--format", "json"]).stdout).unwrap();
    assert_eq!(document["summary"]["files"], 1, "{document:#}");
    // A template that cannot be read is no reason to be silent.
    home.write("broken.yaml", "Resources:\n  A:\n    Type: AWS::IAM::Role\n   Properties: {\n");
    let ran = lint(&[]);
    assert!(ran.code == 2 && ran.stderr.contains("broken.yaml"), "{}{}", ran.stdout, ran.stderr);
}

/// The other clouds' tools print YAML too; gcloud does unless it is told otherwise.
#[test]
fn every_form_is_read_as_yaml() {
    let home = Scratch::new();
    let role = "Role:\n  Arn: arn:aws:iam::123456789012:role/deploy\n  AssumeRolePolicyDocument:\n    Version: '2012-10-17'\n    Statement:\n    - \
                Action: sts:AssumeRoleWithWebIdentity\n      Effect: Allow\n      Condition:\n        StringEquals:\n          \
                token.actions.githubusercontent.com:aud: sts.amazonaws.com\n          \
                token.actions.githubusercontent.com:sub: repo:acme/shop:ref:refs/heads/main\n      Principal:\n        \
                Federated: arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com\n";
    let provider = "attributeCondition: assertion.repository=='acme/shop'\nattributeMapping:\n  google.subject: assertion.sub\n\
                    name: projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github\noidc:\n  issuerUri: \
                    https://token.actions.githubusercontent.com\nstate: ACTIVE\n";
    let credentials = "- audiences:\n  - api://AzureADTokenExchange\n  issuer: https://token.actions.githubusercontent.com\n  name: main\n  \
                       subject: repo:acme/shop:ref:refs/heads/main\n";
    for (text, path) in
        [(role, "token.actions.githubusercontent.com:sub"), (provider, "attributeCondition"), (credentials, "subject")]
    {
        home.write("trust.yaml", text);
        for (repository, code) in [("acme/shop", 0), ("acme/other", 4)] {
            let args = ["explain", "--trust", "trust.yaml", "--repo", repository, "--format", "json"];
            let ran = run_in(home.path(), &[], args);
            assert_eq!(ran.code, code, "{path}: {}{}", ran.stdout, ran.stderr);
            let document: Value = serde_json::from_str(&ran.stdout).unwrap();
            let here = |reason: &&Value| reason["path"].as_str().unwrap().contains(path);
            assert!(document["reasons"].as_array().unwrap().iter().find(here).unwrap()["line"].as_u64() > Some(0));
        }
    }
}

/// A dry run decides by an edge's template.
#[test]
fn a_dry_run_takes_a_template() {
    let home = Scratch::new();
    std::fs::copy(checkout().join(FILES).join("pipeline.yaml"), home.path().join("roles.yaml")).unwrap();
    let edge = |role: &str| {
        format!(
            "[edge.deploy]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/{role}\"\nregion = \"eu-west-1\"\n\
             trust = \"roles.yaml\"\n[dry-run]\nrepository = \"acme/shop\"\n"
        )
    };
    for (role, ttl, code) in
        [("deploy", "", 0), ("deploy", "ttl = \"2h\"\n", 0), ("deploy", "ttl = \"3h\"\n", 4), ("either", "", 8)]
    {
        home.write("jobpass.toml", &edge(role).replace("trust =", &format!("{ttl}trust =")));
        let ran = run_in(home.path(), &[], ["dry-run"]);
        assert_eq!(ran.code, code, "{role} {ttl}: {}{}", ran.stdout, ran.stderr);
    }
}
