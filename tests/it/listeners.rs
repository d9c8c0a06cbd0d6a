//! What stands where an endpoint should: a listener that answers what a test wrote, one that nobody may reach, a proxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::job::{Job, Sandbox};

/// An endpoint that a login can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Github,
    Aws,
    GcpSts,
    GcpIam,
    Azure,
}

impl At {
    /// What the sandbox calls it in `--fault`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            At::Github => "github",
            At::Aws => "aws",
            At::GcpSts => "gcp-sts",
            At::GcpIam => "gcp-iam",
            At::Azure => "azure",
        }
    }

    /// The variable that names it, and what stands behind the host there.
    fn variable(self) -> (&'static str, &'static str) {
        match self {
            At::Github => ("ACTIONS_ID_TOKEN_REQUEST_URL", "/github/token?api-version=2.0"),
            At::Aws => ("AWS_ENDPOINT_URL_STS", "/aws"),
            At::GcpSts => ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", "/gcp/sts/"),
            At::GcpIam => ("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", "/gcp/iamcredentials/"),
            At::Azure => ("AZURE_AUTHORITY_HOST", ""),
        }
    }

    /// The start of its requests in the sandbox's log.
    pub(crate) fn request(self) -> &'static str {
        match self {
            At::Github => "GET /github/token",
            At::Aws => "POST /aws",
            At::GcpSts => "POST /gcp/sts",
            At::GcpIam => "POST /gcp/iamcredentials",
            At::Azure => "POST /99999999-8888-7777-6666-555555555555",
        }
    }

    /// A login that meets it.
    pub(crate) fn login(self) -> Vec<&'static str> {
        let edge: &[&str] = match self {
            At::Github | At::Aws => {
                &["--aws-role", "arn:aws:iam::123456789012:role/deploy", "--aws-region", "eu-central-1"]
            }
            At::GcpSts | At::GcpIam => &[
                "--gcp-provider",
                "projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github",
                "--gcp-service-account",
                "publish@acme-shop.iam.gserviceaccount.com",
            ],
            At::Azure => &[
                "--azure-client-id",
                "11111111-2222-3333-4444-555555555555",
                "--azure-tenant-id",
                "99999999-8888-7777-6666-555555555555",
            ],
        };
        [&["login"], edge].concat()
    }

    /// Puts another server in its place.
    pub(crate) fn moved(self, job: &mut Job, base: &str) {
        let (name, path) = self.variable();
        job.set(name, &format!("{base}{path}"));
    }

    /// The host of the sandbox as messages name it.
    pub(crate) fn host(self, sandbox: &Sandbox) -> String {
        sandbox.variables[self.variable().0].split('/').nth(2).unwrap().to_owned()
    }
}

/// How many requests for `at` the sandbox has seen.
pub(crate) fn count(sandbox: &Sandbox, at: At) -> usize {
    sandbox
        .entries()
        .iter()
        .filter(|entry| entry["event"] == "received" && request_of(entry).starts_with(at.request()))
        .count()
}

fn request_of(entry: &serde_json::Value) -> String {
    format!("{} {}", entry["method"].as_str().unwrap_or_default(), entry["path"].as_str().unwrap_or_default())
}

/// One request that arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

/// A server whose answers are the test's: `answer` gets the request's number, from 0, and its text.
pub(crate) struct Canned {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Canned {
    pub(crate) fn start(answer: impl Fn(usize, &str) -> String + Send + Sync + 'static) -> Canned {
        Canned::over(|stream| Box::new(stream), answer)
    }

    /// `wrap` puts TLS around a connection.
    pub(crate) fn over(
        wrap: impl Fn(TcpStream) -> Box<dyn Stream> + Send + Sync + 'static,
        answer: impl Fn(usize, &str) -> String + Send + Sync + 'static,
    ) -> Canned {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (wrap, answer, log) = (Arc::new(wrap), Arc::new(answer), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (wrap, answer, log) = (Arc::clone(&wrap), Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || {
                    let mut stream = wrap(stream);
                    let Some(text) = request(&mut stream) else { return };
                    let number = {
                        let mut log = log.lock().unwrap();
                        log.push(Seen { at: Instant::now(), text: text.clone() });
                        log.len() - 1
                    };
                    let _ = stream.write_all(answer(number, &text).as_bytes()).and_then(|()| stream.flush());
                });
            }
        });
        Canned { address, seen }
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// A connection, in the clear or not.
pub(crate) trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// Reads one request; `None` when the connection was opened and not used.
pub(crate) fn request(stream: &mut impl Read) -> Option<String> {
    let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&chunk[..read]);
        let whole = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = whole.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(whole);
        }
    }
}

/// An answer after which the connection is closed.
pub(crate) fn reply(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Because\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}")
}

/// STS's answer to a login that it grants.
pub(crate) fn sts_grants() -> String {
    let body = "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
        <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIASANDBOX0123456789</AccessKeyId>\
        <SecretAccessKey>SANDBOXsecret0123456789</SecretAccessKey><SessionToken>SANDBOXsession0123456789</SessionToken>\
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>\
        <Arn>arn:aws:sts::123456789012:assumed-role/deploy/jobpass</Arn><AssumedRoleId>AROA:jobpass</AssumedRoleId>\
        </AssumedRoleUser></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
    reply(200, "content-type: text/xml\r\n", body)
}

/// STS's refusal with this code and text.
pub(crate) fn sts_refuses(code: &str, text: &str) -> String {
    let body = format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{text}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
    reply(400, "content-type: text/xml\r\n", &body)
}

/// A listener that nobody may reach.
pub(crate) struct Forbidden(TcpListener);

impl Forbidden {
    pub(crate) fn new() -> Forbidden {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Forbidden(listener)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// True when a connection was made: the kernel keeps it until it is accepted.
    pub(crate) fn reached(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// A proxy that answers CONNECT and pipes to one port, whatever name was asked for.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// `refusal` is what it answers instead, if anything.
    pub(crate) fn start(to: SocketAddr, refusal: Option<&'static str>) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                thread::spawn(move || {
                    let Some(text) = request(&mut client) else { return };
                    log.lock().unwrap().push(text.lines().next().unwrap_or_default().to_owned());
                    if let Some(refusal) = refusal {
                        let _ = client.write_all(refusal.as_bytes());
                        return;
                    }
                    let server = TcpStream::connect(to).unwrap();
                    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
                    pipe(&client, &server);
                });
            }
        });
        Proxy { address, asked }
    }

    /// The request lines so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A way to one port on which every connection but the first takes so long to come about.
pub(crate) fn slow_way(to: SocketAddr, delay: Duration) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, client) in listener.incoming().map_while(Result::ok).enumerate() {
            thread::spawn(move || {
                if number > 0 {
                    thread::sleep(delay);
                }
                pipe(&client, &TcpStream::connect(to).unwrap());
            });
        }
    });
    address
}

fn pipe(client: &TcpStream, server: &TcpStream) {
    let copy = |mut from: TcpStream, mut to: TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    };
    let (up, down) = (
        (client.try_clone().unwrap(), server.try_clone().unwrap()),
        (server.try_clone().unwrap(), client.try_clone().unwrap()),
    );
    thread::spawn(move || copy(up.0, up.1));
    copy(down.0, down.1);
}
