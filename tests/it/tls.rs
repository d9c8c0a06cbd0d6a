//! Whom to trust and what may go in the clear: certificates (T13, T14) and plain http (T9).

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::{Scratch, run_in};
use crate::job::{Job, Sandbox};
use crate::listeners::{At, Forbidden, count};

#[test]
fn a_certificate_that_is_not_trusted_is_refused_with_host_and_source_of_trust() {
    for (fault, why) in [("tls:badcert", "UnknownIssuer"), ("tls:wrongname", "not valid for name")] {
        let scratch = Scratch::new();
        let sandbox = Sandbox::start(&scratch, &["--open", "--fault", fault]);
        let job = Job::new(&sandbox.variables);
        let ran = job.jobpass(&At::Aws.login());
        let (host, file) = (At::Github.host(&sandbox), &sandbox.variables["SSL_CERT_FILE"]);
        assert_eq!(ran.code, 6, "{fault}: {}", ran.stderr);
        for part in [
            format!("error[tls-certificate]: asking the runner for an ID token: {host} showed a certificate"),
            why.to_owned(),
            format!("trusted certificates from  SSL_CERT_FILE={file}"),
            "hint: behind a TLS-inspecting proxy".to_owned(),
        ] {
            assert!(ran.stderr.contains(&part), "{part}\n{}", ran.stderr);
        }
        assert!(sandbox.requests().is_empty(), "sent over a connection that is not trusted");
        assert_eq!(job.file("GITHUB_ENV"), "");
        assert!(job.passes().is_empty());
    }
}

#[test]
fn without_ssl_cert_file_the_sandbox_is_a_stranger() {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let mut job = Job::new(&sandbox.variables);
    job.unset("SSL_CERT_FILE");
    let ran = job.jobpass(&At::Aws.login());
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("error[tls-certificate]"), "{}", ran.stderr);
    let source = ["this machine's store", "the bundled list"].iter().any(|source| ran.stderr.contains(source));
    assert!(source, "{}", ran.stderr);
}

#[test]
fn a_certificate_variable_that_cannot_be_used_is_fatal_and_named() {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let garbage = scratch.write("garbage.pem", "-----BEGIN CERTIFICATE-----\nnot base64 at all\n");
    let empty = scratch.write("empty.pem", "");
    let missing = scratch.path().join("missing.pem");
    for (name, path) in [
        ("SSL_CERT_FILE", &garbage),
        ("SSL_CERT_FILE", &empty),
        ("SSL_CERT_FILE", &missing),
        ("SSL_CERT_DIR", &missing),
    ] {
        let mut job = Job::new(&sandbox.variables);
        job.unset("SSL_CERT_FILE");
        job.set(name, path.to_str().unwrap());
        let ran = job.jobpass(&At::Aws.login());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("error[certificates]: {name}={}", path.display())), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("hint: correct or unset {name}")), "{}", ran.stderr);
        assert!(job.passes().is_empty());
    }
    assert!(sandbox.entries().is_empty(), "connected all the same");
}

#[test]
fn a_certificate_file_may_hold_more_than_one() {
    let scratch = Scratch::new();
    let (sandbox, other) = (Sandbox::start(&scratch, &["--open"]), Scratch::new());
    let strange = Sandbox::start(&other, &["--open"]);
    let both = [&strange, &sandbox].map(|one| fs::read_to_string(&one.variables["SSL_CERT_FILE"]).unwrap()).concat();
    let mut job = Job::new(&sandbox.variables);
    job.set("SSL_CERT_FILE", scratch.write("both.pem", &both).to_str().unwrap());
    assert_eq!(job.jobpass(&At::Azure.login()).code, 0);
}

/// The server accepts, and then says nothing: it is the connection that does not come about, and that is what is said.
#[test]
fn a_handshake_that_stalls_is_named_as_such() {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open", "--fault", "tls:hang-tls"]);
    let started = Instant::now();
    let ran = Job::new(&sandbox.variables).jobpass(&[At::Aws.login(), vec!["--timeout", "2s"]].concat());
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("took too long: opening the connection (TCP and TLS)"), "{}", ran.stderr);
    assert!(started.elapsed() < Duration::from_secs(15));

    // The same at a destination, whose connection is opened while the ID token is on its way.
    let (scratch, silent) = (Scratch::new(), Forbidden::new());
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let mut job = Job::new(&sandbox.variables);
    At::Aws.moved(&mut job, &format!("https://{}", silent.address()));
    let ran = job.jobpass(&[At::Aws.login(), vec!["--timeout", "2s"]].concat());
    let line = format!("aws edge `aws`: {} took too long: opening the connection (TCP and TLS)", silent.address());
    assert!(ran.code == 6 && ran.stderr.contains(&line), "{}", ran.stderr);
    assert_eq!(count(&sandbox, At::Github), 1);
}

#[test]
fn checks_cannot_be_switched_off() {
    let scratch = Scratch::new();
    for verb in ["login", "exec", "token", "dry-run"] {
        let help = run_in(scratch.path(), &[], [verb, "--help"]).stdout.to_lowercase();
        for word in ["insecure", "no-verify", "skip-tls", "no-check"] {
            assert!(!help.contains(word), "{verb} {word}");
        }
    }
}

#[test]
fn plain_http_goes_nowhere_but_to_loopback() {
    let scratch = Scratch::new();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    // An address of the documentation's range (RFC 5737): nobody answers there, so a connection would be a wait.
    for (at, base) in
        [(At::Github, "http://192.0.2.1"), (At::Aws, "http://192.0.2.1"), (At::GcpSts, "http://sts.jobpass.invalid")]
    {
        let mut job = Job::new(&sandbox.variables);
        at.moved(&mut job, base);
        let (before, ran) = (sandbox.entries().len(), job.jobpass(&at.login()));
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        let host = base.trim_start_matches("http://");
        for part in ["error[endpoint]", "a token must not travel in the clear", host, "expected", "https://HOST"] {
            assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
        }
        assert_eq!(sandbox.entries().len(), before, "{at:?}: connected before the endpoint was looked at");
        assert_eq!(job.file("GITHUB_ENV"), "");
    }
}

#[test]
fn plain_http_on_loopback_is_for_the_sandbox() {
    let scratch = Scratch::new();
    let (sandbox, forbidden) = (Sandbox::start(&scratch, &["--open"]), Forbidden::new());
    for at in [At::Github, At::Aws] {
        let mut job = Job::new(&sandbox.variables);
        at.moved(&mut job, &format!("http://{}", forbidden.address()));
        job.unset("JOBPASS_SANDBOX");
        let ran = job.jobpass(&at.login());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: against the sandbox or another stand-in, add --sandbox"), "{}", ran.stderr);
        assert!(!forbidden.reached(), "connected all the same");
    }
    assert_eq!(count(&sandbox, At::Github), 0);
}
