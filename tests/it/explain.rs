//! `jobpass explain`: what it answers for the three clouds, where the claims come from, and how it looks.

use serde_json::Value;

use crate::harness::{Ran, Scratch, checkout, run_in};
use crate::job::{Job, Sandbox};

const AWS: &str = "examples/01-aws-github/trust/deploy.json";
const GCP: &str = "examples/02-gcp-github/trust/publish.json";
const AZURE: &str = "examples/03-azure-github/trust/infra.json";

fn explain(trust: &str, args: &[&str]) -> Ran {
    let scratch = Scratch::new();
    scratch.write("trust.json", &std::fs::read_to_string(checkout().join(trust)).unwrap());
    explain_in(&scratch, args)
}

fn explain_in(scratch: &Scratch, args: &[&str]) -> Ran {
    let mut all = vec!["explain", "--trust", "trust.json"];
    all.extend(args);
    run_in(scratch.path(), &[], all)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

#[test]
fn every_cloud_lets_its_job_in_and_keeps_another_out() {
    for (trust, own, other, path) in [
        (
            AWS,
            vec!["--repo", "acme/shop"],
            vec!["--repo", "acme/shop", "--ref", "topic"],
            "/Statement/0/Condition/StringEquals/token.actions.githubusercontent.com:sub",
        ),
        (
            GCP,
            vec!["--repo", "acme/shop", "--environment", "production"],
            vec!["--repo", "acme/other", "--environment", "production"],
            "/provider/attributeCondition",
        ),
        (AZURE, vec!["--repo", "acme/shop"], vec!["--repo", "acme/shop", "--event", "pull_request"], "/0/subject"),
    ] {
        for (job, decision, code) in [(own, "allow", 0), (other, "deny", 4)] {
            let ran = explain(trust, &[job.clone(), vec!["--format", "json"]].concat());
            let document = json(&ran);
            assert_eq!((&document["decision"], ran.code), (&Value::from(decision), code), "{trust}: {document:#}");
            let reasons = document["reasons"].as_array().unwrap();
            for name in ["verdict", "path", "expected", "presented"] {
                assert!(reasons.iter().all(|reason| reason[name].is_string()), "{name}: {document:#}");
            }
            let here = reasons.iter().find(|reason| reason["path"].as_str().unwrap().starts_with(path)).unwrap();
            assert_eq!(here["decides"], true, "{trust}: {document:#}");
            assert!(here["line"].as_u64().unwrap() > 1, "{document:#}");
            let text = explain(trust, &job);
            assert_eq!((text.code, text.stderr.as_str()), (code, ""), "{}", text.stdout);
        }
    }
}

const DENIED: &str = "\
denied: the aws trust policy in trust.json does not let this job in

claims    flags
issuer    https://token.actions.githubusercontent.com
audience  sts.amazonaws.com
subject   repo:acme/shop:environment:production

mismatch   role trust policy  line 1
  mismatch   statements that allow  /Statement  line 3
    mismatch   allow statement  /0  line 4
      match      provider  /Principal/Federated  line 7
                 expected   arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com
                 presented  arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com
      match      action  /Action  line 9
                 expected   sts:AssumeRoleWithWebIdentity
                 presented  sts:AssumeRoleWithWebIdentity
      match      /Condition/StringEquals/token.actions.githubusercontent.com:aud  line 12
                 expected   sts.amazonaws.com
                 presented  sts.amazonaws.com
      mismatch   /Condition/StringEquals/token.actions.githubusercontent.com:sub  line 13
                 expected   repo:acme/shop:ref:refs/heads/main
                 presented  repo:acme/shop:environment:production
                 hint       the job names the environment `production`, which takes the place of the ref in the subject: expect `repo:acme/shop:environment:production`
";

#[test]
fn a_denial_on_the_screen() {
    let role = "arn:aws:iam::123456789012:role/deploy";
    let job = ["--repo", "acme/shop", "--environment", "production", "--role", role];
    let plain = explain(AWS, &job);
    assert_eq!((plain.stdout.as_str(), plain.code), (DENIED, 4), "{}", plain.stderr);
    let coloured = explain(AWS, &[&job[..], &["--color", "always"]].concat());
    assert!(coloured.stdout.contains("\u{1b}[1;31mmismatch"), "{}", coloured.stdout);
    let mut stripped = String::new();
    for part in coloured.stdout.split("\u{1b}[") {
        stripped.push_str(if stripped.is_empty() { part } else { part.split_once('m').unwrap().1 });
    }
    assert_eq!(stripped.trim_start_matches("1;31m"), DENIED, "colour changes nothing else");
}

#[test]
fn the_roles_account_counts_where_it_is_known() {
    let ran = explain(AWS, &["--repo", "acme/shop", "--role", "arn:aws:iam::999999999999:role/deploy"]);
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    assert!(ran.stdout.contains("another account"), "{}", ran.stdout);
    let ran = explain(AWS, &["--repo", "acme/shop"]);
    assert!(ran.stdout.contains("account is not known"), "{}", ran.stdout);
}

#[test]
fn the_audience_is_the_flags_the_claims_or_the_usual_one() {
    let ran = explain(AWS, &["--repo", "acme/shop", "--audience", "x"]);
    assert_eq!(ran.code, 4, "{}", ran.stdout);
    let scratch = Scratch::new();
    scratch.write("trust.json", &std::fs::read_to_string(checkout().join(AWS)).unwrap());
    let claims = |aud: &str| {
        format!(
            r#"{{"iss":"https://token.actions.githubusercontent.com"{aud},"sub":"repo:acme/shop:ref:refs/heads/main"}}"#
        )
    };
    for (aud, args, code) in [
        (r#","aud":"sts.amazonaws.com""#, vec![], 0),
        (r#","aud":"x""#, vec![], 4),
        ("", vec![], 4),
        (r#","aud":"x""#, vec!["--audience", "sts.amazonaws.com"], 0),
    ] {
        scratch.write("claims.json", &claims(aud));
        let ran = explain_in(&scratch, &[vec!["--claims", "claims.json"], args].concat());
        assert_eq!(ran.code, code, "{aud}: {}{}", ran.stdout, ran.stderr);
    }
}

#[test]
fn what_is_known_of_the_request_can_be_told() {
    let scratch = Scratch::new();
    let text = std::fs::read_to_string(checkout().join(AWS)).unwrap();
    let address = r#""IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "StringEquals""#;
    scratch.write("trust.json", &text.replace("\"StringEquals\"", address));
    let with = |context: &[&str]| explain_in(&scratch, &[&["--repo", "acme/shop"], context].concat()).code;
    assert_eq!(with(&[]), 8);
    assert_eq!(with(&["--context", "aws:SourceIp=203.0.113.7"]), 0);
    assert_eq!(with(&["--context", "aws:SourceIp=198.51.100.7"]), 4);
    assert_eq!(with(&["--context", "aws:SourceIp="]), 4, "an empty value: the key is absent");
    let ran = explain_in(&scratch, &["--repo", "acme/shop", "--context", "SourceIp"]);
    assert!(ran.code == 2 && ran.stderr.contains("error[context]"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_read_is_exit_2_and_one_object() {
    let scratch = Scratch::new();
    for text in ["", "{", "{}", "[1]", r#"{"Statement":[],"Statement":[]}"#, r#"{"Statement":[{"Effect":"allow"}]}"#] {
        scratch.write("trust.json", text);
        let ran = explain_in(&scratch, &["--repo", "acme/shop", "--format", "json"]);
        assert_eq!((ran.code, &json(&ran)["error"]["code"]), (2, &Value::from("trust-policy")), "{text}");
    }
    let ran = run_in(scratch.path(), &[], ["explain", "--trust", "gone.json", "--repo", "a/b"]);
    assert!(ran.code == 2 && ran.stderr.contains("gone.json"), "{}", ran.stderr);
}

#[test]
fn in_a_job_its_own_token_is_explained() {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open", "--repo", "acme/shop", "--environment", "production"]);
    let job = Job::new(&sandbox.variables);
    std::fs::copy(checkout().join(AWS), job.workspace().join("trust.json")).unwrap();
    let trust = job.workspace().join("trust.json").display().to_string();
    let ran = job.jobpass(&["explain", "--trust", &trust]);
    assert_eq!(ran.code, 4, "as the runner's own issuer: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("takes the place of the ref"), "{}", ran.stdout);
    assert!(ran.stdout.contains("because"), "{}", ran.stdout);
    assert!(ran.stdout.contains("subject   repo:acme/shop:environment:production"), "{}", ran.stdout);
    assert!(ran.stdout.contains("issuer    https://token.actions.githubusercontent.com\n"), "{}", ran.stdout);
    let mut job = job;
    job.unset("ACTIONS_ID_TOKEN_REQUEST_URL");
    let ran = job.jobpass(&["explain", "--trust", &trust]);
    assert_eq!(ran.code, 3, "a job without the permission is no reason to explain another one: {}", ran.stdout);
}

/// A branch can be called like a command to GitHub's runner, which reads standard output too.
#[test]
fn what_is_presented_is_no_command_to_the_runner() {
    let scratch = Scratch::new();
    let subject = "repo:acme/shop:ref:refs/heads/##[error]x\n::stop-commands::y";
    scratch.write(
        "claims.json",
        &serde_json::json!({ "iss": "https://token.actions.githubusercontent.com", "sub": subject }).to_string(),
    );
    let trust = checkout().join("examples/03-azure-github/trust/infra.json").display().to_string();
    let args = ["explain", "--trust", &trust, "--claims", "claims.json", "--audience", "api://AzureADTokenExchange"];
    let text = run_in(scratch.path(), &[], args);
    assert_eq!(text.code, 4, "{}", text.stderr);
    assert!(text.stdout.contains("stop-commands") && !text.stdout.contains("##["), "{}", text.stdout);
    assert!(text.stdout.lines().all(|line| !line.trim_start().starts_with("::")), "{}", text.stdout);
    let json = run_in(scratch.path(), &[], [args.as_slice(), &["--format", "json"]].concat());
    assert!(!json.stdout.contains("##["), "{}", json.stdout);
    let document: Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(document["reasons"].as_array().unwrap().iter().any(|reason| reason["presented"] == subject));
}
