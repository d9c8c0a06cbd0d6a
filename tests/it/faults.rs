//! The fault matrix: five endpoints, each refusing, resetting, stalling, dripping, flooding, lying and redirecting. Whatever it
//! does, a login ends before its deadline with exit 6 and one clear line, and leaves nothing behind.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Ran, Scratch, jobpass, ran};
use crate::job::{Job, Sandbox};
use crate::listeners::{At, Canned, Forbidden, count, reply};

/// What is wrong with the endpoint.
enum Trouble {
    /// A fault of the sandbox.
    Sandbox(&'static str),
    /// Nobody listens.
    Closed,
    /// It answers this.
    Says(fn(&str) -> String),
    /// It sends the client elsewhere.
    Redirect(u16),
}

/// One column of the matrix: its name, the trouble, and the code of the error.
type Column = (&'static str, Trouble, &'static str);

/// The code of a status in distress whose text nobody can read, and of a page that is no answer.
fn columns(at: At) -> Vec<Column> {
    let (busy, page) = match at {
        At::Github => ("token-endpoint", "token-endpoint"),
        At::Aws => ("sts-busy", "answer-malformed"),
        At::GcpSts | At::GcpIam => ("gcp-busy", "answer-malformed"),
        At::Azure => ("azure-busy", "answer-malformed"),
    };
    vec![
        ("closed port", Trouble::Closed, "transport"),
        ("reset", Trouble::Sandbox("reset"), "transport"),
        ("hang", Trouble::Sandbox("hang"), "timeout"),
        ("hang in the body", Trouble::Sandbox("hang-body"), "timeout"),
        ("drip", Trouble::Sandbox("drip"), "timeout"),
        ("endless body", Trouble::Sandbox("endless"), "body-too-large"),
        ("truncated", Trouble::Sandbox("truncate"), "transport"),
        ("garbage", Trouble::Sandbox("garbage"), "answer-malformed"),
        ("empty object", Trouble::Says(|_| reply(200, "", "{}")), "answer-malformed"),
        ("wrong types", Trouble::Says(|_| reply(200, "", WRONG_TYPES)), "answer-malformed"),
        ("empty body", Trouble::Says(|_| reply(200, "", "")), "answer-malformed"),
        ("deep nesting", Trouble::Says(|_| reply(200, "", &"[".repeat(200_000))), "answer-malformed"),
        ("302", Trouble::Redirect(302), "redirect"),
        ("307", Trouble::Redirect(307), "redirect"),
        ("308", Trouble::Redirect(308), "redirect"),
        ("404 with a page", Trouble::Says(|request| page_of(404, request)), page),
        ("403 with a page", Trouble::Says(|request| page_of(403, request)), page),
        ("503 with a page", Trouble::Says(|request| page_of(503, request)), busy),
        ("429 for ever", Trouble::Sandbox("429=1"), busy),
        ("500 for ever", Trouble::Sandbox("500"), busy),
    ]
}

const WRONG_TYPES: &str =
    r#"{"value":7,"access_token":{"a":1},"accessToken":null,"expireTime":[],"expires_in":"soon","token_type":3}"#;

/// A page that shows the request again: what was sent must not come out on our side.
fn page_of(status: u16, request: &str) -> String {
    reply(status, "content-type: text/html\r\n", &format!("<html><pre>{request}</pre></html>"))
}

/// Where the deadline ends the login.
const SHORT: Duration = Duration::from_secs(4);
/// Where it must end by itself before.
const LONG: Duration = Duration::from_secs(30);
/// What a busy machine may add to the deadline: less than one whole attempt, whose own limit is 10 s.
const AT_MOST: Duration = Duration::from_secs(6);

/// True where nothing ends the login but its deadline.
fn waits((name, _, code): &Column) -> bool {
    *code == "timeout" || name.starts_with("429")
}

fn meets(at: At, column: &Column) {
    let (name, trouble, code) = column;
    let (scratch, forbidden) = (Scratch::new(), Forbidden::new());
    let spec = match trouble {
        Trouble::Sandbox(kind) => vec![format!("--fault={}:{kind}", at.name())],
        _ => Vec::new(),
    };
    let args: Vec<&str> = std::iter::once("--open").chain(spec.iter().map(String::as_str)).collect();
    let sandbox = Sandbox::start(&scratch, &args);
    let mut job = Job::new(&sandbox.variables);
    let stranger = match trouble {
        Trouble::Sandbox(_) => None,
        // No service listens on loopback's first port.
        Trouble::Closed => Some("127.0.0.1:1".to_owned()),
        Trouble::Says(answer) => {
            let answer = *answer;
            Some(Canned::start(move |_, request| answer(request)).address.to_string())
        }
        Trouble::Redirect(status) => {
            let answer = reply(*status, &format!("location: http://{}/elsewhere\r\n", forbidden.address()), "");
            Some(Canned::start(move |_, _| answer.clone()).address.to_string())
        }
    };
    let host = match &stranger {
        None => at.host(&sandbox),
        Some(address) => {
            at.moved(&mut job, &format!("http://{address}"));
            address.clone()
        }
    };
    let deadline = if waits(column) { SHORT } else { LONG };
    let (timeout, started) = (format!("{}s", deadline.as_secs()), Instant::now());
    let ran = job.jobpass(&[at.login(), vec!["--timeout", &timeout, "--verbose"]].concat());
    let what = format!("{} {name}: exit {}\n{}", at.name(), ran.code, ran.stderr);
    assert!(started.elapsed() < deadline + AT_MOST, "{:?} {what}", started.elapsed());
    failed_cleanly(&ran, &job, &sandbox, &host, code, &what);
    assert!(!forbidden.reached(), "followed a redirect: {what}");
    if matches!(trouble, Trouble::Redirect(_)) {
        assert!(ran.stderr.contains(&forbidden.address().to_string()), "says where it was sent: {what}");
    }
}

/// Exit 6, one line with the code and the host, nothing handed over, nothing left, nothing secret shown.
fn failed_cleanly(ran: &Ran, job: &Job, sandbox: &Sandbox, host: &str, code: &str, what: &str) {
    assert_eq!(ran.code, 6, "{what}");
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error[")).collect();
    assert!(lines.len() == 1 && lines[0].starts_with(&format!("error[{code}]: ")) && lines[0].contains(host), "{what}");
    assert_eq!(ran.stdout, "", "{what}");
    assert_eq!(job.file("GITHUB_ENV") + &job.file("GITHUB_OUTPUT"), "", "{what}");
    assert!(job.passes().is_empty(), "{:?} {what}", job.passes());
    let shown = format!("{}{}", ran.stderr, job.file("GITHUB_STEP_SUMMARY"));
    for secret in [sandbox.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"].as_str(), "SANDBOX", "ya29.", "eyJ"] {
        assert!(!shown.contains(secret), "{secret} is shown: {what}");
    }
}

fn row(at: At) {
    let columns = columns(at);
    let (waiting, working): (Vec<_>, Vec<_>) = columns.iter().partition(|column| waits(column));
    thread::scope(|scope| {
        for column in &waiting {
            scope.spawn(move || meets(at, column));
        }
        // A few at a time: all at once they would only wait for each other's turn on the processor.
        for lane in working.chunks(working.len().div_ceil(4)) {
            scope.spawn(move || lane.iter().for_each(|column| meets(at, column)));
        }
    });
}

#[test]
fn whatever_github_does_a_login_ends_cleanly() {
    row(At::Github);
}

#[test]
fn whatever_aws_does_a_login_ends_cleanly() {
    row(At::Aws);
}

#[test]
fn whatever_google_sts_does_a_login_ends_cleanly() {
    row(At::GcpSts);
}

#[test]
fn whatever_google_iam_credentials_does_a_login_ends_cleanly() {
    row(At::GcpIam);
}

#[test]
fn whatever_azure_does_a_login_ends_cleanly() {
    row(At::Azure);
}

#[test]
fn two_failures_and_then_an_answer_are_a_login() {
    for at in [At::Github, At::Aws, At::GcpSts, At::GcpIam, At::Azure] {
        for kind in ["503x2", "resetx2", "truncatex2"] {
            let scratch = Scratch::new();
            let sandbox = Sandbox::start(&scratch, &["--open", "--fault", &format!("{}:{kind}", at.name())]);
            let job = Job::new(&sandbox.variables);
            let ran = job.jobpass(&at.login());
            assert_eq!(ran.code, 0, "{} {kind}: {}", at.name(), ran.stderr);
            assert_eq!(count(&sandbox, at), 3, "{} {kind}: {:?}", at.name(), sandbox.requests());
            assert!(!job.exported().is_empty());
        }
    }
}

#[test]
fn a_body_without_an_end_does_not_fill_the_memory() {
    for at in [At::Github, At::Aws, At::Azure] {
        let scratch = Scratch::new();
        let sandbox = Sandbox::start(&scratch, &["--open", "--fault", &format!("{}:endless", at.name())]);
        let job = Job::new(&sandbox.variables);
        let mut command = jobpass(&job.workspace());
        command.args(at.login()).envs(job.environment()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut most, status) = (0, format!("/proc/{}/status", child.id()));
        while child.try_wait().unwrap().is_none() {
            most = most.max(peak_kib(&fs::read_to_string(&status).unwrap_or_default()));
            thread::sleep(Duration::from_millis(2));
        }
        let ran = ran(&child.wait_with_output().unwrap());
        assert!(ran.code == 6 && ran.stderr.contains("error[body-too-large]"), "{}", ran.stderr);
        assert!((1..32 * 1024).contains(&most), "{}: {most} KiB", at.name());
    }
}

/// `VmHWM` of a process's status, in KiB.
fn peak_kib(status: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}
