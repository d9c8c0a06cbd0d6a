//! `jobpass sandbox`: the stand-ins as a server, for any client; or around one command.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use super::common::EdgeArgs;
use super::dry_run::with_trust;
use super::format::ShellFormat;
use super::job::JobArgs;
use super::{listen, render};
use crate::edge::file::File;
use crate::error::{Error, Kind, Result};
use crate::sandbox::{Fault, Options, Runner, Running, Sandbox};
use crate::system;
use crate::world::World;

/// Arguments of `jobpass sandbox`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// The edges that exist there.
    pub edges: EdgeArgs,
    #[command(flatten)]
    /// The job that it stands in for.
    pub job: JobArgs,
    /// Grant also what no edge names and what has no trust policy
    #[arg(long)]
    pub open: bool,
    /// Port of the TLS listener [default: a free one]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub port: u16,
    /// Address to listen on; loopback only
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub address: std::net::IpAddr,
    /// Round trip time to every stand-in, such as 25ms
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = crate::duration::parse)]
    pub latency: Duration,
    /// How long ID tokens live [default: as the runner's own]
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse)]
    pub id_token_life: Option<Duration>,
    /// How many seconds the issuer's clock is ahead; negative is behind
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    pub clock_skew: i64,
    /// What goes wrong on purpose, as ENDPOINT:KIND or ENDPOINT:KINDxN: aws:503x2, gcp-sts:hang, tls:badcert …
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<String>,
    /// Append the request log to this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// Write the certificate that TLS clients have to trust here [default: a file that goes with the sandbox]
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// text, json or shell
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ShellFormat,
    /// Run this inside, with the job's variables, and end with its exit code
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Runs the sandbox until a signal, or until the command ends.
///
/// # Errors
/// Exit 2 for what cannot be meant, exit 5 for files that cannot be written.
pub async fn run(args: &Args, world: &World) -> Result<u8> {
    let faults = args.fault.iter().map(|text| Fault::parse(text)).collect::<Result<Vec<_>>>()?;
    let file = match args.edges.load(world) {
        Err(error) if error.code == "no-edges" && args.open => File::default(),
        Err(error) if error.code == "no-edges" => return Err(error.hint("or grant everything with --open")),
        loaded => loaded?,
    };
    let job = args.job.settle(file.rehearsal.as_ref(), Some("acme/shop"), world)?;
    let log = match &args.log {
        None => None,
        Some(path) => Some(appended(&world.resolve(path)?)?),
    };
    let running = Sandbox::start(Options {
        edges: with_trust(file.edges)?,
        open: args.open,
        github: job.github,
        gitlab: job.gitlab,
        claims: job.claims,
        latency: args.latency,
        id_token_life: args.id_token_life,
        clock_skew: args.clock_skew,
        address: args.address,
        port: args.port,
        faults,
        log,
    })
    .await?;
    let certificate = Certificate::write(&running, args.ca_file.as_deref(), world)?;
    let variables = running.variables(job.runner, Some(&certificate.path))?;
    if args.command.is_empty() {
        render::data(&shown(args.format, &running, job.runner, &certificate.path, &variables))?;
        return until_a_signal().await;
    }
    run_inside(&args.command, job.runner, &variables).await
}

fn appended(path: &Path) -> Result<std::fs::File> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.map_err(|error| Error::files("sandbox-log", "open", path, &error))
}

/// The authority's certificate as a file; one that nobody asked for is removed at the end.
struct Certificate {
    path: PathBuf,
    ours: bool,
}

impl Certificate {
    fn write(running: &Running, asked: Option<&Path>, world: &World) -> Result<Certificate> {
        let path = match asked {
            Some(path) => world.resolve(path)?,
            None => {
                let (name, otherwise) = system::TEMPORARY;
                let directory = world.path(name).unwrap_or_else(|| PathBuf::from(otherwise));
                directory.join(format!("jobpass-sandbox-{}.pem", crate::random::hex128()?))
            }
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true);
        // A name of our own must be new: whatever already stands there is somebody else's.
        if asked.is_some() {
            options.create(true).truncate(true)
        } else {
            options.create_new(true)
        };
        let failed = |error: std::io::Error| Error::files("sandbox-certificate", "write", &path, &error);
        let mut file = options.open(&path).map_err(failed)?;
        file.write_all(running.ca_pem.as_bytes()).map_err(failed)?;
        Ok(Certificate { path, ours: asked.is_none() })
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

type Variables = [(String, String)];

fn shown(format: ShellFormat, running: &Running, runner: Runner, ca: &Path, variables: &Variables) -> String {
    match format {
        ShellFormat::Shell => {
            variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
        }
        ShellFormat::Json => {
            let variables: serde_json::Map<_, _> =
                variables.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
            let document = json!({
                "https": running.https_url(),
                "http": running.http_url(),
                "issuer": running.issuer(runner),
                "ca-file": ca.display().to_string(),
                "variables": variables,
            });
            format!("{document:#}\n")
        }
        ShellFormat::Text => {
            let mut out = String::from("sandbox: nothing here is real, and nothing leaves this machine\n\n");
            let ca = ca.display().to_string();
            let (https, http, issuer) = (running.https_url(), running.http_url(), running.issuer(runner));
            for (label, value) in [("https", &https), ("http", &http), ("issuer", &issuer), ("ca file", &ca)] {
                let _ = writeln!(out, "{label:<8} {value}");
            }
            out.push_str("\nvariables of the job (--format shell prints them for eval)\n");
            for (name, value) in variables {
                let _ = writeln!(out, "  {name}={value}");
            }
            out.push_str("\nend it with ctrl-c\n");
            out
        }
    }
}

/// One word for a POSIX shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

async fn until_a_signal() -> Result<u8> {
    Ok(Kind::Signal(listen()?.next().await.number).exit_code())
}

/// What says that a job runs on the other runner; the command must not find both.
fn of_the_other(runner: Runner) -> &'static [&'static str] {
    match runner {
        Runner::Github => &["GITLAB_CI", "AWS_ID_TOKEN", "GCP_ID_TOKEN", "AZURE_ID_TOKEN"],
        Runner::Gitlab => &["GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
    }
}

async fn run_inside(command: &[OsString], runner: Runner, variables: &Variables) -> Result<u8> {
    let Some((program, arguments)) = command.split_first() else { return Ok(0) };
    // From here on a signal is the command's to answer: the terminal sends ctrl-c to both, the rest is passed on.
    let mut stops = listen()?;
    let mut inside = Command::new(program);
    for name in of_the_other(runner) {
        inside.env_remove(name);
    }
    inside.args(arguments).envs(variables.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
    let mut child = inside
        .spawn()
        .map_err(|error| Error::usage("command", format!("cannot run {}: {error}", Path::new(program).display())))?;
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.map_err(|error| Error::usage("command", format!("lost the command: {error}")))?;
                return Ok(system::exit_code(status));
            }
            stop = stops.next() => {
                if !stop.is_interrupt() {
                    system::terminate(&child);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

    async fn started() -> Running {
        Sandbox::start(Options::default()).await.unwrap()
    }

    #[tokio::test]
    async fn a_certificate_that_nobody_asked_for_goes_with_the_sandbox() {
        let world = World::nothing().with("TMPDIR", std::env::temp_dir());
        let running = started().await;
        let certificate = Certificate::write(&running, None, &world).unwrap();
        let path = certificate.path.clone();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), running.ca_pem);
        drop(certificate);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_command_sees_the_job_and_its_code_is_ours() {
        let variables = started().await.variables(Runner::Github, None).unwrap();
        let script = r#"test "$GITHUB_REPOSITORY" = acme/shop && test -z "$GITLAB_CI" && exit 7"#;
        let command = ["sh", "-c", script].map(OsString::from);
        assert_eq!(run_inside(&command, Runner::Github, &variables).await.unwrap(), 7);
        let missing = run_inside(&["/nonexistent/x".into()], Runner::Github, &variables).await.unwrap_err();
        assert_eq!(missing.kind.exit_code(), 2);
    }

    #[tokio::test]
    async fn json_and_shell_carry_the_same_variables() {
        let running = started().await;
        let variables = running.variables(Runner::Github, None).unwrap();
        let text = |format| shown(format, &running, Runner::Github, Path::new("/ca.pem"), &variables);
        let json: serde_json::Value = serde_json::from_str(&text(ShellFormat::Json)).unwrap();
        assert_eq!(json["variables"].as_object().unwrap().len(), variables.len());
        assert_eq!(text(ShellFormat::Shell).lines().count(), variables.len());
        assert!(text(ShellFormat::Text).contains(&running.https_url()));
    }
}
