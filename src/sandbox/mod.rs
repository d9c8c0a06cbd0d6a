//! The stand-ins: an issuer, the runners' token endpoints, AWS STS, Google's STS and IAM Credentials, Entra.
//!
//! Everything is on loopback and in memory. ID tokens are signed by a key made at start; a stand-in checks signature, issuer
//! and time, then the destination's trust policy through [`crate::trust`], and answers as the vendor would. Its own wording,
//! where the vendor's is not known, ends in "(sandbox wording)". What it hands out starts with `SANDBOX` (AWS key ids with
//! `ASIASANDBOX`), so that it cannot be taken for the real thing.
//!
//! Two listeners on one runtime: plain http, and TLS under an authority made at start. Paths tell the stand-ins apart:
//! `/github`, `/gitlab`, `/aws`, `/gcp/sts`, `/gcp/iamcredentials`; Entra and ARM at the root, because a custom authority has
//! no path.

mod aws;
mod azure;
mod azure_tokens;
mod directory;
mod faults;
mod gcp;
mod gcp_iam;
mod github;
mod gitlab;
mod http;
mod issuer;
mod latency;
mod log;
mod server;
mod sigv4;
#[cfg(test)]
mod tests;
mod tls;
mod trouble;
mod variables;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use faults::{Endpoint, Fault, FaultKind};
pub use log::{Event, LogEntry};
pub use variables::Runner;

use crate::claims::{Claims, github as github_claims, gitlab as gitlab_claims};
use crate::edge::Edge;
use crate::error::{Error, Kind, Result};
use crate::jwt::SigningKey;
use crate::random;
use crate::secret::Secret;
use crate::trust::TrustPolicy;

/// What a sandbox is to be.
pub struct Options {
    /// The edges that exist here, each with its trust policy if there is one.
    pub edges: Vec<(Edge, Option<TrustPolicy>)>,
    /// Grant also what no edge names and what has no trust policy. Otherwise it is denied in the vendor's words.
    pub open: bool,
    /// The job of GitHub's token endpoint.
    pub github: github_claims::Job,
    /// The job of GitLab's tokens.
    pub gitlab: gitlab_claims::Job,
    /// Claims in place of the job's; `iss`, `aud`, `iat`, `nbf`, `exp` and `jti` are set anew, and the issuer it names is the
    /// one that trust policies are compared with.
    pub claims: Option<Claims>,
    /// The round trip time to every stand-in.
    pub latency: Duration,
    /// How long ID tokens live; `None` is what the runner's own do.
    pub id_token_life: Option<Duration>,
    /// How far the issuer's clock is ahead of this machine's, in seconds; negative is behind.
    pub clock_skew: i64,
    /// The address to listen on; loopback, or nothing happens.
    pub address: IpAddr,
    /// The port of the TLS listener; 0 is any free one. The plain listener's is always any free one.
    pub port: u16,
    /// What goes wrong on purpose.
    pub faults: Vec<Fault>,
    /// Where the request log goes as well, one JSON object a line.
    pub log: Option<std::fs::File>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            edges: Vec::new(),
            open: false,
            github: github_claims::Job::default(),
            gitlab: gitlab_claims::Job::default(),
            claims: None,
            latency: Duration::ZERO,
            id_token_life: None,
            clock_skew: 0,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            faults: Vec::new(),
            log: None,
        }
    }
}

/// What all stand-ins share.
struct State {
    options: Options,
    key: SigningKey,
    /// The runner's request token.
    bearer: Secret,
    http: SocketAddr,
    log: log::Log,
    faults: faults::Faults,
    aws: Mutex<Vec<aws::Session>>,
    gcp: Mutex<Vec<gcp::Federated>>,
}

/// The door to the stand-ins.
pub struct Sandbox;

impl Sandbox {
    /// Starts the listeners on the current tokio runtime. They end when the [`Running`] is dropped.
    ///
    /// # Errors
    /// A usage error for an address that is not loopback, or a port that is taken; no random numbers.
    pub async fn start(mut options: Options) -> Result<Running> {
        if !options.address.is_loopback() {
            return Err(Error::usage("sandbox-address", "the sandbox listens on loopback only")
                .detail("expected", "127.0.0.1 or ::1")
                .detail("presented", options.address.to_string())
                .hint("its tokens are worth nothing elsewhere, and its port would be open to everybody"));
        }
        let authority = tls::Authority::generate()?;
        let certificates = server::Certificates::new(&authority, &options.faults)?;
        let plain = listen(SocketAddr::new(options.address, 0)).await?;
        let secure = listen(SocketAddr::new(options.address, options.port)).await?;
        let (http, https) = (address_of(&plain)?, address_of(&secure)?);
        let state = Arc::new(State {
            key: SigningKey::generate()?,
            bearer: Secret::new(format!("SANDBOX.request.{}", random::hex::<16>()?)),
            http,
            log: log::Log::new(options.log.take()),
            faults: faults::Faults::new(std::mem::take(&mut options.faults)),
            aws: Mutex::new(Vec::new()),
            gcp: Mutex::new(Vec::new()),
            options,
        });
        let counter = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let tasks = vec![
            tokio::spawn(server::accept(plain, None, Arc::clone(&state), Arc::clone(&counter))),
            tokio::spawn(server::accept(secure, Some(certificates), Arc::clone(&state), counter)),
        ];
        Ok(Running { http, https, ca_pem: authority.pem, state, tasks })
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Error::usage("sandbox-port", format!("cannot listen on {address}: {error}")).hint("choose another --port")
    })
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(|error| Error::new(Kind::Files, "sandbox-port", format!("no address: {error}")))
}

/// A sandbox that runs. Dropping it closes every connection.
pub struct Running {
    /// Where it listens in plain text.
    pub http: SocketAddr,
    /// Where it listens with TLS.
    pub https: SocketAddr,
    /// The certificate that TLS clients have to trust.
    pub ca_pem: String,
    state: Arc<State>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// `https://localhost:PORT`.
    #[must_use]
    pub fn https_url(&self) -> String {
        format!("https://localhost:{}", self.https.port())
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The environment of a job in which every client meets the stand-ins. `ca_file` is where [`Running::ca_pem`] was
    /// written, if it was.
    ///
    /// # Errors
    /// When a GitLab token cannot be signed.
    pub fn variables(&self, runner: Runner, ca_file: Option<&std::path::Path>) -> Result<Vec<(String, String)>> {
        variables::of(&self.state, runner, &self.https_url(), ca_file)
    }

    /// The same environment with plain http, for who runs in the same process and needs no certificate.
    ///
    /// # Errors
    /// When a GitLab token cannot be signed.
    pub fn plain_variables(&self, runner: Runner) -> Result<Vec<(String, String)>> {
        variables::of(&self.state, runner, &self.http_url(), None)
    }

    /// The issuer's URL, as it stands in `iss`.
    #[must_use]
    pub fn issuer(&self, runner: Runner) -> String {
        issuer::url(&self.state, runner)
    }

    /// An ID token of this sandbox for `audience`, as the runner would mint it.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn mint(&self, runner: Runner, audience: &str) -> Result<Secret> {
        issuer::mint(&self.state, runner, audience)
    }

    /// Everything that happened so far, in order.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.state.log.entries()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A panic elsewhere while the lock was held is no reason to lose the rest.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Running({}, {})", self.http, self.https)
    }
}
