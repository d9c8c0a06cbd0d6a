//! `GITHUB_ENV` gets the whole block or nothing, and only what was meant (threats T1 and T2).

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Ran, Scratch, checkout, is_root};
use crate::job::{Job, Sandbox, parsed};
use crate::relay::stand_in;

fn sandbox() -> (Scratch, Sandbox, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config]);
    (scratch, sandbox, config)
}

fn sts(key_id: &str, secret: &str, token: &str, arn: &str) -> String {
    format!(
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>\
         <AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{key_id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>\
         <Expiration>2096-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>"
    )
}

/// A login against one stand-in, with every file of the runner's filled beforehand.
fn against(job: &Job, endpoint: (&str, String), flags: &[&str]) -> Ran {
    for name in ["GITHUB_ENV", "GITHUB_OUTPUT"] {
        fs::write(job.path(name), "EARLIER=1\nSTEP<<X\n2\nX").unwrap();
    }
    let mut command = job.command(&[&["login", "--timeout", "5s"], flags].concat());
    crate::harness::run(command.env(endpoint.0, endpoint.1))
}

fn assert_untouched(job: &Job, ran: &Ran, name: &str) {
    assert_eq!(ran.code, 6, "{name}: {}", ran.stderr);
    for file in ["GITHUB_ENV", "GITHUB_OUTPUT"] {
        assert_eq!(job.file(file), "EARLIER=1\nSTEP<<X\n2\nX", "{name}: {file}");
    }
    assert_eq!(ran.stdout, "", "{name}");
    assert!(!ran.stderr.contains("LD_PRELOAD") && !ran.stderr.contains("/x.so"), "{name}: {}", ran.stderr);
    assert!(job.passes().is_empty(), "{name}: something is left");
}

const AWS: [&str; 4] = ["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"];
const ARN: &str = "arn:aws:sts::123456789012:assumed-role/deploy/s";
/// What would set a variable of a later step, or hide something, if it got through.
const HOSTILE: [&str; 7] = [
    "t\nLD_PRELOAD=/x.so",
    "t&#10;LD_PRELOAD=/x.so",
    "t&#13;&#10;LD_PRELOAD=/x.so",
    "t&#13;LD_PRELOAD=/x.so",
    "t\u{7f}LD_PRELOAD=/x.so",
    "t&#x85;LD_PRELOAD=/x.so",
    "t\tLD_PRELOAD=/x.so",
];

#[test]
fn a_sts_whose_answer_would_set_another_variable_changes_nothing() {
    let (_scratch, sandbox, _config) = sandbox();
    let job = Job::new(&sandbox.variables);
    for hostile in HOSTILE {
        for answer in [
            sts(hostile, "secret-of-the-stand-in", "token-of-the-stand-in", ARN),
            sts("ASIAX", hostile, "token-of-the-stand-in", ARN),
            sts("ASIAX", "secret-of-the-stand-in", hostile, ARN),
            sts("ASIAX", "secret-of-the-stand-in", "token-of-the-stand-in", &format!("{ARN}{hostile}")),
        ] {
            let url = stand_in(move |_| (200, answer.clone()));
            let ran = against(&job, ("AWS_ENDPOINT_URL_STS", url), &AWS);
            assert_untouched(&job, &ran, hostile);
        }
    }
    // The stand-in's answer is taken when nothing is wrong with it: what was refused above was the characters.
    let url = stand_in(|_| (200, sts("ASIAX", "secret-of-the-stand-in", "token-of-the-stand-in", ARN)));
    let ran = against(&job, ("AWS_ENDPOINT_URL_STS", url), &AWS);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(job.exported()["AWS_SESSION_TOKEN"], "token-of-the-stand-in");
}

#[test]
fn the_same_of_google_and_entra() {
    let (_scratch, sandbox, _config) = sandbox();
    let job = Job::new(&sandbox.variables);
    let provider = "projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github";
    let gcp = ["--gcp-provider", provider, "--gcp-project", "acme-shop"];
    let azure = [
        "--azure-client-id",
        "11111111-2222-3333-4444-555555555555",
        "--azure-tenant-id",
        "99999999-8888-7777-6666-555555555555",
    ];
    for escaped in ["\\nLD_PRELOAD=/x.so", "\\r", "\\u0000", "\\u001b[0m", "\\u0085", "\\t"] {
        let token = format!("ya29.token-of-the-stand-in{escaped}");
        let google = format!(
            r#"{{"access_token":"{token}","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3600}}"#
        );
        let url = stand_in(move |_| (200, google.clone()));
        let ran = against(&job, ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", format!("{url}/")), &gcp);
        assert_untouched(&job, &ran, escaped);
        let entra = format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3599}}"#);
        let url = stand_in(move |_| (200, entra.clone()));
        let ran = against(&job, ("AZURE_AUTHORITY_HOST", url), &azure);
        assert_untouched(&job, &ran, escaped);
    }
}

#[test]
fn a_step_that_ended_without_a_newline_keeps_its_variable() {
    let (_scratch, sandbox, config) = sandbox();
    for before in ["A=b", "A=b\n", "A<<X\nb\nX", ""] {
        let job = Job::new(&sandbox.variables);
        fs::write(job.path("GITHUB_ENV"), before).unwrap();
        let ran = job.jobpass(&["login", "deploy", "--config", &config]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let all: BTreeMap<String, String> = parsed(&job.file("GITHUB_ENV")).into_iter().collect();
        assert_eq!(all.get("A").map_or("", String::as_str), if before.is_empty() { "" } else { "b" });
        assert!(all["AWS_SESSION_TOKEN"].starts_with("SANDBOX") && all["JOBPASS_PASS"].starts_with('/'), "{before:?}");
    }
}

/// Runs a login whose GITHUB_ENV is `path`, and shows that it ends with 5 and leaves nothing.
fn assert_refused(job: &mut Job, path: &std::path::Path, config: &str, because: &str) {
    job.set("GITHUB_ENV", &path.display().to_string());
    let ran = job.jobpass(&["login", "--config", config]);
    assert_eq!(ran.code, 5, "{because}: {}", ran.stderr);
    assert!(ran.stderr.contains(&format!("{}", path.display())), "{because}: {}", ran.stderr);
    assert!(ran.stderr.contains(because), "{because}: {}", ran.stderr);
    assert_eq!(job.file("GITHUB_OUTPUT"), "", "{because}");
    assert!(job.passes().is_empty(), "{because}");
}

#[test]
fn a_runners_file_that_is_none_is_refused_and_nothing_is_left() {
    let (_scratch, sandbox, config) = sandbox();
    let mut job = Job::new(&sandbox.variables);
    let victim = job.scratch.write("victim", "precious");
    let at = |name: &str| -> PathBuf { job.scratch.path().join(name) };
    let (link, dangling, pipe, directory, hard) = (at("link"), at("dangling"), at("pipe"), at("directory"), at("hard"));
    symlink(&victim, &link).unwrap();
    symlink(at("nowhere"), &dangling).unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::create_dir(&directory).unwrap();
    fs::hard_link(&victim, &hard).unwrap();
    let missing = at("missing");
    for (path, because) in [
        (&link, "a symbolic link stands there and is not followed"),
        (&dangling, "a symbolic link stands there and is not followed"),
        (&pipe, "a named pipe"),
        (&directory, "directory"),
        (&hard, "2 hard links"),
        (&PathBuf::from("/dev/full"), "a device"),
        (&missing, "No such file or directory"),
    ] {
        assert_refused(&mut job, path, &config, because);
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!missing.exists() && !job.scratch.path().join("nowhere").exists(), "nothing was made");
    if !is_root() {
        let read_only = job.scratch.write("read-only", "A=b");
        fs::set_permissions(&read_only, fs::Permissions::from_mode(0o400)).unwrap();
        assert_refused(&mut job, &read_only, &config, "Permission denied");
    }
}
