//! The proxy (T15): used where it is set, kept out of loopback and of NO_PROXY's hosts, refused when it is misspelt, and its
//! password never shown.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::{Ran, Scratch};
use crate::job::{Job, Sandbox};
use crate::listeners::{At, Canned, Proxy, sts_grants};

/// A name that resolves nowhere (RFC 6761 §6.4): only a proxy can find it.
const HOST: &str = "sts.jobpass.invalid";
const PASSWORD: &str = "hunter2-canary";

/// A job whose STS has a name that only the proxy knows.
struct Behind {
    _scratch: Scratch,
    sandbox: Sandbox,
    job: Job,
}

impl Behind {
    fn new() -> Behind {
        let scratch = Scratch::new();
        let sandbox = Sandbox::start(&scratch, &["--open"]);
        let mut job = Job::new(&sandbox.variables);
        At::Aws.moved(&mut job, &format!("https://{HOST}"));
        Behind { _scratch: scratch, sandbox, job }
    }

    /// The port of the sandbox that speaks TLS.
    fn tls(&self) -> SocketAddr {
        let port = At::Github.host(&self.sandbox).rsplit(':').next().unwrap().parse().unwrap();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn set_proxy(&mut self, name: &str, proxy: &Proxy) {
        self.job.set(name, &format!("http://robot:{PASSWORD}@{}", proxy.address));
    }

    fn login(&self) -> Ran {
        let ran = self.job.jobpass(&[At::Aws.login(), vec!["--timeout", "10s", "--verbose"]].concat());
        assert!(!(ran.stderr.clone() + &ran.stdout).contains(PASSWORD), "the password is shown: {}", ran.stderr);
        ran
    }
}

/// STS under its name, with a certificate of an authority of its own.
fn sts(behind: &mut Behind) -> Canned {
    let (key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let leaf = CertificateParams::new(vec![HOST.to_owned()]).unwrap().signed_by(&leaf_key, &issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], leaf_key.serialize_der().try_into().unwrap())
        .unwrap();
    let config = Arc::new(config);
    let trusted = fs::read_to_string(&behind.sandbox.variables["SSL_CERT_FILE"]).unwrap() + &pem;
    let file = behind.job.scratch.write("both.pem", &trusted).display().to_string();
    behind.job.set("SSL_CERT_FILE", &file);
    let wrap = move |stream: TcpStream| -> Box<dyn crate::listeners::Stream> {
        Box::new(StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream))
    };
    Canned::over(wrap, |_, _| sts_grants())
}

#[test]
fn one_tunnel_for_one_request_and_none_for_loopback() {
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let mut behind = Behind::new();
        let sts = sts(&mut behind);
        let proxy = Proxy::start(sts.address, None);
        behind.set_proxy(name, &proxy);
        let ran = behind.login();
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
        // The ID token came from the sandbox on loopback, past the proxy; STS over the connection that was opened meanwhile.
        assert_eq!(proxy.asked(), [format!("CONNECT {HOST}:443 HTTP/1.1")], "{name}");
        assert_eq!(sts.seen().len(), 1);
        assert!(!sts.seen()[0].text.to_lowercase().contains("proxy-authorization"), "the password went on to STS");
    }
}

#[test]
fn a_certificate_for_another_name_is_refused_behind_a_proxy_too() {
    let mut behind = Behind::new();
    let proxy = Proxy::start(behind.tls(), None);
    behind.set_proxy("HTTPS_PROXY", &proxy);
    let ran = behind.login();
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    for part in ["error[tls-certificate]", HOST, "not valid for name", "trusted certificates from", "SSL_CERT_FILE="] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    assert!(ran.stderr.contains(&format!("{}, from HTTPS_PROXY", proxy.address)), "{}", ran.stderr);
    assert!(proxy.asked().iter().all(|line| line == &format!("CONNECT {HOST}:443 HTTP/1.1")));
}

#[test]
fn no_proxy_is_respected() {
    for (name, list) in
        [("NO_PROXY", HOST), ("no_proxy", ".jobpass.invalid"), ("NO_PROXY", "example.com, jobpass.invalid")]
    {
        let mut behind = Behind::new();
        let proxy = Proxy::start(behind.tls(), None);
        behind.set_proxy("HTTPS_PROXY", &proxy);
        behind.job.set(name, list);
        let ran = behind.login();
        // Without the proxy nobody knows the name.
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        assert!(ran.stderr.contains(HOST), "{}", ran.stderr);
        assert!(proxy.asked().is_empty(), "{name}={list}: {:?}", proxy.asked());
    }
}

#[test]
fn a_malformed_proxy_is_an_error_before_anything_is_sent() {
    for value in
        ["proxy.example:3128", "socks5://proxy.example:1080", "http://", "http://:@:", "http://robot:hunter2-canary@"]
    {
        for name in ["HTTPS_PROXY", "all_proxy"] {
            let mut behind = Behind::new();
            behind.job.set(name, value);
            let ran = behind.login();
            assert_eq!(ran.code, 2, "{name}={value}: {}", ran.stderr);
            assert!(ran.stderr.contains(&format!("error[proxy]: the variable {name}")), "{}", ran.stderr);
            assert!(behind.sandbox.entries().is_empty(), "connected around the proxy");
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_named_instead_of_the_host_behind_it() {
    let cases = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n",
            "proxy-authentication",
            "does not accept its user and password (407)",
        ),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "proxy-tunnel", "refuses to connect to"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "proxy-tunnel", "refuses to connect to"),
        ("", "proxy-tunnel", "cannot be used to reach"),
        ("garbage\r\n\r\n", "proxy-tunnel", "refuses to connect to"),
    ];
    for (refusal, code, why) in cases {
        let mut behind = Behind::new();
        let proxy = Proxy::start(behind.tls(), Some(refusal));
        behind.set_proxy("HTTPS_PROXY", &proxy);
        let ran = behind.login();
        assert_eq!(ran.code, 6, "{refusal}: {}", ran.stderr);
        let line = ran.stderr.lines().find(|line| line.starts_with("error[")).unwrap_or_default();
        for part in [&format!("error[{code}]"), why, HOST, &format!("the proxy {}", proxy.address)] {
            assert!(line.contains(part), "{refusal:?}: {part}\n{}", ran.stderr);
        }
        assert!(ran.stderr.contains("NO_PROXY") && ran.stderr.contains("HTTPS_PROXY"), "{}", ran.stderr);
        assert_eq!(behind.job.file("GITHUB_ENV"), "");
    }
    let mut behind = Behind::new();
    let proxy = Proxy::start(behind.tls(), Some(cases[0].0));
    behind.job.set("HTTPS_PROXY", &format!("http://{}", proxy.address));
    let ran = behind.login();
    assert!(ran.stderr.contains("wants a user and a password (407)"), "{}", ran.stderr);
}

#[test]
fn a_proxy_that_is_not_there_is_named() {
    let mut behind = Behind::new();
    behind.job.set("HTTPS_PROXY", &format!("http://robot:{PASSWORD}@127.0.0.1:1"));
    let ran = behind.login();
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    for part in ["error[proxy-tunnel]", "the proxy 127.0.0.1:1", HOST, "refused"] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
}
