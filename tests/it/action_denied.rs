//! The action where no ID token is to be had, where the one there is does not serve, and where what it asks for is not granted:
//! exit code, one annotation per failure word for word, and what is left.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::action::{AWS, AZURE, GCP, beside, outputs, three, uses};
use crate::action_wrong::fails;
use crate::harness::{Ran, checkout};
use crate::job::{Job, Sandbox};

const MISSING: &str = "missing: ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN, which GitHub gives to jobs with \
                       id-token: write";

/// The annotations as title and lines, without what differs from run to run: ports and request ids.
fn annotations(ran: &Ran, sandbox: &Sandbox) -> Vec<String> {
    let port = |url: &str| url.rsplit(':').next().unwrap().to_owned();
    let varies = |line: &&str| ["request id: ", "trace id: ", "correlation id: "].iter().any(|id| line.starts_with(id));
    let lines = ran.stdout.lines().map(|line| line.strip_prefix("::error title=jobpass%3A ").expect(line));
    lines
        .map(|line| {
            let kept: Vec<&str> = line.split("%0A").filter(|line| !varies(line)).collect();
            kept.join("\n").replace(&port(&sandbox.https), "PORT").replace(&port(&sandbox.http), "PORT")
        })
        .collect()
}

/// A job of GitHub's that may not mint, with what else its runner says.
fn without_token(sandbox: &Sandbox, recorded: &[(&str, &str)]) -> Job {
    let mut job = Job::new(&sandbox.variables);
    job.unset("ACTIONS_ID_TOKEN_REQUEST_URL");
    job.unset("ACTIONS_ID_TOKEN_REQUEST_TOKEN");
    for (name, value) in recorded {
        job.set(name, value);
    }
    job
}

fn fork(job: &mut Job) {
    let event =
        r#"{"pull_request":{"head":{"repo":{"full_name":"eve/shop"}},"base":{"repo":{"full_name":"acme/shop"}}}}"#;
    let event = job.scratch.write("event.json", event).display().to_string();
    job.set("GITHUB_EVENT_PATH", &event);
}

#[test]
fn no_id_token_is_to_be_had() {
    let (_scratch, sandbox) = beside(&[]);
    let mut from_fork = without_token(&sandbox, &[("GITHUB_EVENT_NAME", "pull_request")]);
    fork(&mut from_fork);
    let permission = "no-permission::this job may not mint an ID token";
    let add = "hint: add `permissions: { id-token: write }` to the job (naming any permission drops the others: add contents: read)";
    let caller = "hint: in a reusable workflow the calling job has to grant id-token: write, the called one cannot";
    for (name, job, with, says) in [
        ("the permission is missing", without_token(&sandbox, &[]), None, vec![permission, MISSING, add, caller]),
        (
            "a called workflow whose caller grants nothing",
            without_token(&sandbox, &[("GITHUB_WORKFLOW_REF", "acme/shop/.github/workflows/call.yml@refs/heads/main")]),
            None,
            vec![permission, MISSING, add, caller],
        ),
        (
            "a fork",
            from_fork,
            None,
            vec![
                "no-permission::this run comes from a fork's pull request, and GitHub gives such runs no ID token",
                MISSING,
                "hint: that is by design: a stranger's code must not get credentials; skip this job for forks",
            ],
        ),
        (
            "Dependabot",
            without_token(&sandbox, &[("GITHUB_ACTOR", "dependabot[bot]")]),
            None,
            vec![
                "no-permission::this run was started by Dependabot, and GitHub gives such runs no ID token",
                MISSING,
                "hint: run the deployment on push after the merge, or behind an environment",
            ],
        ),
        (
            "a variable that is not there",
            Job::new(&sandbox.variables),
            Some(("token-env", "MY_TOKEN")),
            vec![
                "token-variable-missing::the variable MY_TOKEN is not set",
                "expected: an ID token (a JWT)",
                "hint: in GitLab, declare it: id_tokens: { MY_TOKEN: { aud: … } }",
            ],
        ),
    ] {
        let ran = uses(&job, &[&AWS[..], with.as_slice()].concat());
        fails(name, &job, &ran, 3);
        assert_eq!(annotations(&ran, &sandbox), [says.join("\n")], "{name}");
    }
}

#[test]
fn a_token_that_does_not_serve() {
    let (_scratch, sandbox) = beside(&[]);
    let token = |audience: &str, expiry: i64| {
        let claims = format!(
            r#"{{"iss":"{}/github","aud":"{audience}","sub":"repo:acme/shop","iat":{},"exp":{expiry}}}"#,
            sandbox.http,
            expiry - 300
        );
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#), URL_SAFE_NO_PAD.encode(claims))
    };
    for (name, text, says) in [
        (
            "expired",
            token("sts.amazonaws.com", 1_000_000_000),
            "id-token-expired::the file FILE: the ID token has expired\n",
        ),
        (
            "another audience",
            token("sigstore", 4_102_444_800),
            "id-token-audience::the file FILE: the ID token is for another audience\nexpected aud: sts.amazonaws.com\n\
             presented aud: sigstore\n",
        ),
        ("no token", "canary".to_owned(), "id-token-malformed::the file FILE: "),
    ] {
        let job = Job::new(&sandbox.variables);
        let file = job.scratch.write("token", &text).display().to_string();
        // An optional login is for jobs without a token; one that does not serve is broken.
        let ran = uses(&job, &[&AWS[..], &[("web-identity-token-file", &file), ("optional", "true")]].concat());
        fails(name, &job, &ran, 3);
        let said = annotations(&ran, &sandbox);
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        assert!(said[0].replace(&file, "FILE").starts_with(says), "{name}: {said:?}");
    }
    let mut job = Job::new(&sandbox.variables);
    job.set("MY_TOKEN", "canary");
    let ran = uses(&job, &[&AWS[..], &[("token-env", "MY_TOKEN"), ("optional", "true")]].concat());
    fails("no token in a variable", &job, &ran, 3);
    assert!(
        annotations(&ran, &sandbox)[0].starts_with("id-token-malformed::the variable MY_TOKEN: "),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_optional_login_without_a_token_is_skipped_with_one_notice() {
    let (_scratch, sandbox) = beside(&[]);
    let mut job = without_token(&sandbox, &[]);
    fork(&mut job);
    // A fork's run has no secrets either: the inputs are not complete.
    for with in [&AWS[..], &[("aws-region", "eu-central-1")]] {
        let before = outputs(&job).len();
        let ran = uses(&job, &[with, &[("optional", "True")]].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(
            ran.stdout,
            "::notice title=jobpass%3A skipped::this run comes from a fork's pull request, and GitHub gives such runs no ID \
             token; `optional` is true, so the job goes on without credentials\n"
        );
        assert!(before <= 1 && outputs(&job).len() == 1 && outputs(&job)["skipped"] == "true");
        assert!(job.file("GITHUB_ENV").is_empty() && job.passes().is_empty());
    }
    // With a token it is a login like any other: a denial fails.
    let job = Job::new(&sandbox.variables);
    let ran =
        uses(&job, &[&AWS[..], &[("aws-role", "arn:aws:iam::123456789012:role/x"), ("optional", "true")]].concat());
    fails("a denial", &job, &ran, 4);
}

const CLAIMS: &str = "presented repository: acme/shop\npresented ref: refs/heads/topic\npresented event_name: push\n\
                      presented job_workflow_ref: acme/shop/.github/workflows/deploy.yml@refs/heads/topic\n\
                      presented ref_protected: false\n";

fn denials() -> [String; 3] {
    let presented = |aud: &str| {
        format!(
            "presented sub: repo:acme/shop:ref:refs/heads/topic\npresented aud: {aud}\n\
             presented iss: http://127.0.0.1:PORT/github\n{CLAIMS}"
        )
    };
    let provider = GCP[0].1;
    [
        format!(
            "sts-refused::aws edge `aws`: sts refused: AccessDenied: Not authorized to perform \
             sts:AssumeRoleWithWebIdentity\nrole: arn:aws:iam::123456789012:role/deploy\n{}\
             hint: compare the role's trust policy with the claims above: the Federated principal, and the conditions on \
             sub and aud; AWS gives this one text for a missing provider, a mismatch and a wrong role name",
            presented("sts.amazonaws.com")
        ),
        format!(
            "gcp-exchange::gcp edge `gcp`: exchange: localhost:PORT refused: unauthorized_client: The given credential is \
             rejected by the attribute condition.\nprovider: {provider}\n{}\
             hint: the provider's attribute condition is false for the claims above; it is case-sensitive, ids are strings",
            presented(&format!("https://iam.googleapis.com/{provider}"))
        ),
        format!(
            "azure-refused::azure edge `azure`: localhost:PORT refused: invalid_client: AADSTS700213: No matching federated \
             identity record found for presented assertion subject 'repo:acme/shop:ref:refs/heads/topic'. Check your federated \
             identity credential Subject, Audience and Issuer against the presented assertion. \
             https://learn.microsoft.com/entra/workload-id/workload-identity-federation\n\
             application: 11111111-2222-3333-4444-555555555555\ntenant: 99999999-8888-7777-6666-555555555555\nattempts: 3\n{}\
             hint: no federated credential has this subject: compare it with sub above; an environment, a pull request or an \
             immutable subject (owner@id/repo@id) changes it",
            presented("api://AzureADTokenExchange")
        ),
    ]
}

#[test]
fn a_trust_policy_that_does_not_let_the_job_in() {
    let (_scratch, sandbox) = beside(&["--ref", "refs/heads/topic"]);
    let all = denials();
    let each = all.iter().map(std::slice::from_ref);
    for (with, says) in [&AWS[..], &GCP, &AZURE].into_iter().zip(each).chain([(&three()[..], &all[..])]) {
        let job = Job::new(&sandbox.variables);
        let ran = uses(&job, with);
        fails("denied", &job, &ran, 4);
        assert_eq!(annotations(&ran, &sandbox), says);
    }
}

#[test]
fn other_denials() {
    let (_scratch, sandbox) = beside(&[]);
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    for (name, with, says) in [
        (
            "another account",
            [&AWS[..], &[("allowed-account-ids", "999999999999\n888888888888")]].concat(),
            "account::aws edge `aws`: the role lies in an account that the edge does not allow\n\
             expected account: 999999999999 or 888888888888\npresented account: 123456789012\n",
        ),
        (
            "no binding",
            vec![GCP[0], ("service_account", "other@acme-shop.iam.gserviceaccount.com")],
            "gcp-impersonation::gcp edge `gcp`: impersonation of other@acme-shop.iam.gserviceaccount.com: localhost:PORT \
             refused: PERMISSION_DENIED: Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not \
             exist).\n",
        ),
        (
            "no such application",
            [&AZURE[1..], &[("client-id", "11111111-9999-3333-4444-555555555555")]].concat(),
            "azure-refused::azure edge `azure`: localhost:PORT refused: unauthorized_client: AADSTS700016: ",
        ),
    ] {
        let job = Job::new(&sandbox.variables);
        let ran = uses(&job, &with);
        fails(name, &job, &ran, 4);
        let said = annotations(&ran, &sandbox);
        assert!(said.len() == 1 && said[0].starts_with(says), "{name}: {said:?}");
        assert!(said[0].contains("\npresented sub: repo:acme/shop:environment:production\n"), "{name}: {said:?}");
    }
    let (_scratch, sandbox) = beside(&["--ref", "refs/heads/topic"]);
    let job = Job::new(&sandbox.variables);
    let ran = uses(&job, &[("config", &config), ("edges", "deploy")]);
    fails("a gate", &job, &ran, 4);
    assert_eq!(
        annotations(&ran, &sandbox),
        ["gate::aws edge `deploy` is closed to this job by its own require table\nexpected environment: production\n\
          presented environment: (no such claim)\n\
          hint: nothing was sent; widen [edge.deploy.require] if this job should pass"]
    );
}

#[test]
fn a_network_that_fails_is_an_annotation_too_and_leaves_no_record() {
    let (_scratch, sandbox) = beside(&["--fault", "aws:302"]);
    let job = Job::new(&sandbox.variables);
    let ran = uses(&job, &three());
    fails("a redirect", &job, &ran, 6);
    let said = annotations(&ran, &sandbox);
    assert!(said.len() == 1 && said[0].starts_with("redirect::aws edge `aws`: "), "{said:?}");
    assert!(said[0].contains("nothing was handed over, because login is all or nothing"), "{said:?}");
}
