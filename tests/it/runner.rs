//! No ID token to be had (threat T29): recorded environments and, word for word, what a reader is told. Exit 3, and never a
//! word of the trigger that runs a stranger's code with secrets.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::{Ran, Scratch, run_in};

const AWS: [&str; 4] = ["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"];

const MISSING: &str =
    "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, which GitHub gives to jobs with id-token: write";

/// `jobpass login` in a job with these variables, as the runner sets them beside the ones that every job has.
fn login(scratch: &Scratch, recorded: &[(&str, &str)], args: &[&str]) -> Ran {
    let temp = scratch.path().join("temp");
    fs::create_dir_all(&temp).unwrap();
    let env = scratch.write("env", "").display().to_string();
    let file = scratch.path().join("job.env").display().to_string();
    let temp_text = temp.display().to_string();
    let mut variables = vec![("RUNNER_TEMP", temp_text.as_str()), ("GITHUB_ENV", &env)];
    variables.extend(recorded);
    let mut all = vec!["login"];
    all.extend(AWS);
    all.extend(args);
    if !recorded.iter().any(|(name, _)| *name == "GITHUB_ACTIONS") {
        all.extend(["--env-file", &file]);
    }
    let ran = run_in(scratch.path(), &variables, &all);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert!(!ran.stderr.contains("pull_request_target"), "{}", ran.stderr);
    assert!(fs::read_to_string(env).unwrap().is_empty() && fs::read_dir(temp).unwrap().next().is_none());
    assert!(!scratch.path().join("job.env").exists());
    ran
}

const PUSH: [(&str, &str); 5] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_EVENT_NAME", "push"),
    ("GITHUB_ACTOR", "ann"),
    ("GITHUB_REPOSITORY", "acme/shop"),
    ("GITHUB_RUN_ID", "16000000001"),
];

#[test]
fn the_permission_is_missing() {
    let expected = format!(
        "error[no-permission]: this job may not mint an ID token\n\
         \x20 missing  {MISSING}\n\
         hint: add `permissions: {{ id-token: write }}` to the job (naming any permission drops the others: add contents: read)\n\
         hint: in a reusable workflow the calling job has to grant id-token: write, the called one cannot\n"
    );
    let scratch = Scratch::new();
    assert_eq!(login(&scratch, &PUSH, &[]).stderr, expected);
    // One of the two, or empty ones, are no permission either.
    for half in [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://run.actions.example/token"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", ""),
    ] {
        assert_eq!(login(&scratch, &[&PUSH[..], &[half]].concat(), &[]).stderr, expected);
    }
}

/// A job of a pull request with this event file.
fn pull_request(event: &str, actor: &str) -> String {
    let scratch = Scratch::new();
    let event = scratch.write("event.json", event).display().to_string();
    let recorded = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("GITHUB_EVENT_PATH", event.as_str()),
        ("GITHUB_ACTOR", actor),
    ];
    login(&scratch, &recorded, &[]).stderr
}

#[test]
fn a_forks_pull_request() {
    let expected = format!(
        "error[no-permission]: this run comes from a fork's pull request, and GitHub gives such runs no ID token\n\
         \x20 missing  {MISSING}\n\
         hint: that is by design: a stranger's code must not get credentials; skip this job for forks\n"
    );
    let event = |head: &str| {
        format!(
            r#"{{"number":7,"pull_request":{{"head":{{"repo":{head}}},"base":{{"repo":{{"full_name":"acme/shop"}}}}}}}}"#
        )
    };
    assert_eq!(pull_request(&event(r#"{"full_name":"eve/shop"}"#), "eve"), expected);
    assert_eq!(pull_request(&event("null"), "eve"), expected, "the fork was deleted");
    // A pull request of the repository's own: the permission, not a fork.
    let own = pull_request(&event(r#"{"full_name":"acme/shop"}"#), "ann");
    assert!(own.starts_with("error[no-permission]: this job may not mint an ID token\n"), "{own}");
    for odd in ["", "{", "[]", r#"{"pull_request":7}"#] {
        assert_eq!(pull_request(odd, "ann"), own, "{odd}");
    }
}

#[test]
fn a_run_that_dependabot_started() {
    let event =
        r#"{"pull_request":{"head":{"repo":{"full_name":"acme/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}"#;
    assert_eq!(
        pull_request(event, "dependabot[bot]"),
        format!(
            "error[no-permission]: this run was started by Dependabot, and GitHub gives such runs no ID token\n\
             \x20 missing  {MISSING}\n\
             hint: run the deployment on push after the merge, or behind an environment\n"
        )
    );
}

/// A token of GitLab's shape that no signature stands behind.
fn gitlab_token(audience: &str) -> String {
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    let claims =
        format!(r#"{{"iss":"https://gitlab.com","aud":"{audience}","sub":"project_path:acme/shop","exp":4102444800}}"#);
    format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#.to_owned()), part(claims), part("signature".to_owned()))
}

const DECLARE: &str =
    "hint: declare it in .gitlab-ci.yml: id_tokens: { JOBPASS_ID_TOKEN: { aud: \"sts.amazonaws.com\" } }\n";

#[test]
fn gitlab_without_an_id_token_for_the_audience() {
    let scratch = Scratch::new();
    let head = "source: gitlab, because GITLAB_CI is true\n\
                error[no-id-token]: no variable of this job holds an ID token for the audience\n";
    let none = format!("{head}\x20 expected aud  sts.amazonaws.com\n{DECLARE}");
    let job = [("GITLAB_CI", "true"), ("CI_JOB_ID", "7"), ("CI_JOB_TOKEN", "glcbt-64_canary")];
    assert_eq!(login(&scratch, &job, &[]).stderr, none);
    // The variables that GitLab 17 removed had every audience: they are not taken even where they are still there.
    let token = gitlab_token("sts.amazonaws.com");
    let removed = ["CI_JOB_JWT", "CI_JOB_JWT_V1", "CI_JOB_JWT_V2"].map(|name| (name, token.as_str()));
    assert_eq!(login(&scratch, &[&job[..], &removed].concat(), &[]).stderr, none);
    let other = gitlab_token("https://vault.example");
    let ran = login(&scratch, &[&job[..], &[("VAULT_ID_TOKEN", other.as_str())]].concat(), &[]);
    assert_eq!(
        ran.stderr,
        format!(
            "{head}\x20 expected aud            sts.amazonaws.com\n\x20 VAULT_ID_TOKEN has aud  https://vault.example\n{DECLARE}"
        )
    );
}

#[test]
fn both_runners_at_once() {
    let scratch = Scratch::new();
    let token = gitlab_token("sts.amazonaws.com");
    let both = [&PUSH[..], &[("GITLAB_CI", "true"), ("AWS_ID_TOKEN", token.as_str())]].concat();
    // GitHub comes first; that it cannot mint here is an error, not a reason to become somebody else.
    let ran = login(&scratch, &both, &[]);
    assert!(ran.stderr.starts_with("error[no-permission]: this job may not mint an ID token\n"), "{}", ran.stderr);
    let url = [("ACTIONS_ID_TOKEN_REQUEST_URL", "https://127.0.0.1:9/t"), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "canary")];
    let both = [&both[..], &url].concat();
    let temp = scratch.path().join("temp").display().to_string();
    let env = scratch.path().join("env").display().to_string();
    let both = [&both[..], &[("RUNNER_TEMP", temp.as_str()), ("GITHUB_ENV", env.as_str())]].concat();
    let ran = run_in(scratch.path(), &both, [&["login", "--timeout", "1s"], &AWS[..]].concat());
    assert!(
        ran.stderr.starts_with("source: github, because GITHUB_ACTIONS is true; gitlab's variables are here too\n"),
        "{}",
        ran.stderr
    );
    // A token service that cannot be reached is no missing permission.
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(!ran.stderr.contains("permissions:") && !ran.stderr.contains("canary"), "{}", ran.stderr);
}

#[test]
fn neither_runner() {
    let scratch = Scratch::new();
    assert_eq!(
        login(&scratch, &[("CI", "true")], &[]).stderr,
        "error[no-source]: no ID token is to be had here: this is neither a GitHub nor a GitLab job\n\
         \x20 looked for  GITHUB_ACTIONS=true, GITLAB_CI=true\n\
         hint: in another runner, name the token with --token-env NAME or --token-file PATH\n\
         hint: at a desk, run `jobpass dry-run`: it needs no cloud account\n"
    );
    assert_eq!(
        login(&scratch, &[("CI", "true")], &["--token-env", "MY_TOKEN"]).stderr,
        "error[token-variable-missing]: the variable MY_TOKEN is not set\n\
         \x20 expected  an ID token (a JWT)\n\
         hint: in GitLab, declare it: id_tokens: { MY_TOKEN: { aud: … } }\n"
    );
}
