//! `jobpass login`: every edge exchanged, all of it handed to the job's tools, or nothing.

use std::io;
use std::path::PathBuf;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::common::{self, EdgeArgs, NetArgs, SourceArgs};
use super::document::document;
use super::render::{self, Style};
use crate::audit::{self, Effort, Event};
use crate::credential::Grant;
use crate::delivery::{self, Mode, Plan, shell};
use crate::error::{Error, Kind, Result};
use crate::login::{Asked, Attempt, attempt_all};
use crate::net::Client;
use crate::pass::{Holder, Pass, Sinks, logout, sweep};
use crate::runner;
use crate::world::World;

/// Arguments of `jobpass login`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which edges.
    pub edges: EdgeArgs,
    #[command(flatten)]
    /// Which source.
    pub source: SourceArgs,
    #[command(flatten)]
    /// How the network is used.
    pub net: NetArgs,
    /// How credentials are handed over: env (variables where tools read them) or files (nothing secret in variables)
    #[arg(long, value_name = "HOW", default_value = "env", help_heading = "Delivery")]
    pub deliver: Deliver,
    /// Write the variables to a dotenv file
    #[arg(long, value_name = "FILE", help_heading = "Delivery")]
    pub env_file: Option<PathBuf>,
    /// Hand over what was granted even when another edge was not (exit 7)
    #[arg(long, help_heading = "Delivery")]
    pub keep_going: bool,
    /// text, json, or shell: lines to `eval`
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `--deliver env|files`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Deliver {
    /// In variables where a cloud's tools read them there.
    #[default]
    Env,
    /// In private files; variables hold paths and names only.
    Files,
}

impl Deliver {
    /// The delivery room's word for it.
    #[must_use]
    pub fn mode(self) -> Mode {
        match self {
            Deliver::Env => Mode::Env,
            Deliver::Files => Mode::Files,
        }
    }
}

/// `--format text|json|shell`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, and for the runner that reads masks.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For `eval`.
    Shell,
}

/// Runs it.
///
/// # Errors
/// Exit 2 and 3 before anything is sent; 4 and 6 when an edge was not granted; 5 when it cannot be handed over. In each case
/// nothing is left but, after a denial, the pass with its record.
pub async fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    let asked = common::asked(args.edges.load(world)?.edges, world, args.net.sandbox(world))?;
    let sinks = sinks(args, world)?;
    let ready = Ready::new(asked, &args.source, &args.net, world)?;
    let mut pass = Pass::open(world, Holder::Job)?;
    let attempts = ready.attempt(world).await;
    let recorded = record(&attempts, &pass, world);
    if args.net.verbose {
        talk_requests(&ready.client);
    }
    let granted = match settled(&attempts, args.keep_going, style) {
        Ok(granted) => granted,
        Err(error) => {
            if args.format == Format::Json {
                render::data(&format!("{:#}\n", document(&attempts, None)))?;
            }
            keep_denials(pass, &attempts);
            return Err(error);
        }
    };
    recorded?;
    let plan = planned(&granted.grants, args.deliver.mode(), &pass, &ready, world)?;
    #[cfg(debug_assertions)]
    super::on_purpose::panic_if_asked(&plan, world);
    let expires = granted.grants.iter().map(|grant| grant.credential.expiration()).max();
    let expires = expires.unwrap_or(OffsetDateTime::UNIX_EPOCH).unix_timestamp();
    let data = match args.format {
        Format::Text => Zeroizing::new(String::new()),
        Format::Json => Zeroizing::new(format!("{:#}\n", document(&attempts, Some(&plan)))),
        Format::Shell => shell::exports(&plan)?,
    };
    // Masks go where nobody parses: the runner reads commands from both streams.
    match args.format {
        Format::Text => pass.commit(&plan, expires, &sinks, &mut io::stdout().lock())?,
        Format::Json | Format::Shell => pass.commit(&plan, expires, &sinks, &mut io::stderr().lock())?,
    }
    if let Err(error) = render::data(&data) {
        // Who asked has only a piece of it: the pass ends as if it had never been.
        let directory = pass.directory().to_owned();
        drop(pass);
        let ended = logout::end(world, Some(&directory));
        return Err(ended.err().into_iter().fold(error, |error, left| error.detail("not taken back", left.message)));
    }
    for note in &plan.notes {
        render::talk(&format!("note: {note}"));
    }
    Ok(granted.exit_code)
}

/// Everything that is checked before the first byte is sent.
pub(super) struct Ready {
    asked: Vec<Asked>,
    source: runner::Source,
    pub(super) client: Client,
}

impl Ready {
    pub(super) fn new(asked: Vec<Asked>, source: &SourceArgs, net: &NetArgs, world: &World) -> Result<Ready> {
        let chosen = runner::choose(&source.wanted(), world)?;
        render::talk(&format!("source: {}", chosen.why));
        let client = net.client(world)?;
        let swept = sweep::sweep(world)?;
        for path in &swept.removed {
            render::talk(&format!("removed what an ended job left: {}", path.display()));
        }
        for error in &swept.failed {
            render::talk(&format!("warning: {error}"));
        }
        Ok(Ready { asked, source: chosen.source, client })
    }

    pub(super) async fn attempt(&self, world: &World) -> Vec<Attempt> {
        attempt_all(&self.asked, &self.source, &self.client, world).await
    }
}

/// Plans the delivery of `grants` into `pass`.
pub(super) fn planned(grants: &[Grant], mode: Mode, pass: &Pass, ready: &Ready, world: &World) -> Result<Plan> {
    let mut options = delivery::Options::new(world, mode, pass.directory());
    if ready.client.sandbox() {
        options.endpoints = common::sandbox_endpoints(world)?;
    }
    delivery::plan(grants, &options)
}

/// What is handed over.
pub(super) struct Granted {
    pub(super) grants: Vec<Grant>,
    pub(super) exit_code: u8,
}

/// All-or-nothing, or with `--keep-going` what there is. Says of every edge what became of it.
///
/// # Errors
/// The error that decides the exit code; every other edge's has been said by then.
pub(super) fn settled(attempts: &[Attempt], keep_going: bool, style: Style) -> Result<Granted> {
    let mut grants = Vec::new();
    let mut failures: Vec<&Error> = Vec::new();
    for attempt in attempts {
        match &attempt.outcome {
            Ok(grant) => {
                grants.push(grant.clone());
                render::talk(&said(attempt, grant, style));
            }
            // One ID token for many edges fails once: its error is shown once.
            Err(error) if failures.iter().any(|known| known.message == error.message) => {}
            Err(error) => failures.push(error),
        }
    }
    // A denial decides the exit code before a passing fault does: it will be there again.
    failures.sort_by_key(|error| error.kind == Kind::Denied);
    let Some((decisive, others)) = failures.split_last() else {
        return Ok(Granted { grants, exit_code: 0 });
    };
    for error in others {
        let _ = render::error(error, style, &mut io::stderr().lock());
    }
    if keep_going && !grants.is_empty() {
        let _ = render::error(decisive, style, &mut io::stderr().lock());
        return Ok(Granted { grants, exit_code: Kind::Partial.exit_code() });
    }
    let mut decisive = (*decisive).clone();
    if !grants.is_empty() {
        let names: Vec<String> = grants.iter().map(|grant| grant.edge.title()).collect();
        decisive = decisive.hint(format!(
            "{} would have been granted; nothing was handed over, because login is all or nothing (see --keep-going)",
            names.join(", ")
        ));
    }
    Err(decisive)
}

fn said(attempt: &Attempt, grant: &Grant, style: Style) -> String {
    format!(
        "{} {}: {}, until {} ({} ms)",
        style.good("granted"),
        attempt.asked.edge.title(),
        grant.identity,
        delivery::rfc3339(grant.credential.expiration()),
        attempt.took.as_millis()
    )
}

/// After a denial the pass stays with its record; after anything else nothing stays.
pub(super) fn keep_denials(pass: Pass, attempts: &[Attempt]) {
    if attempts.iter().any(|attempt| attempt.outcome.as_ref().is_err_and(|error| error.kind == Kind::Denied)) {
        pass.keep_record();
    }
}

/// Writes a record of every attempt, before any answer is used.
///
/// # Errors
/// Exit 5: a grant that cannot be recorded is not used.
pub(super) fn record(attempts: &[Attempt], pass: &Pass, world: &World) -> Result<()> {
    let mut events = Vec::new();
    for attempt in attempts {
        let milliseconds = u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX);
        let effort = Effort { milliseconds, attempts: attempt.tries };
        let event = match &attempt.outcome {
            Ok(grant) => Event::granted(grant, effort, attempt.started),
            Err(error) => {
                Event::refused(&attempt.asked.edge, attempt.id_token.as_ref(), error, effort, attempt.started)
            }
        };
        audit::jsonl::append(pass.held(), &event)?;
        events.push(event);
    }
    if world.switch("GITHUB_ACTIONS")
        && let Some(path) = world.path("GITHUB_STEP_SUMMARY")
        && let Err(error) = audit::summary::append(&path, &events)
    {
        // The table is for readers; the log above is the record.
        render::talk(&format!("warning: {error}"));
    }
    Ok(())
}

pub(super) fn talk_requests(client: &Client) {
    for sent in client.sent() {
        let status = sent.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        render::talk(&format!("{} {} → {status} ({} ms)", sent.method, sent.target, sent.took.as_millis()));
    }
}

/// Where the variables go. Without a place for them a login would be for nothing, so that is found first.
fn sinks(args: &Args, world: &World) -> Result<Sinks> {
    let sinks = Sinks::of_job(world, args.env_file.as_deref())?;
    if sinks.env.is_none() && sinks.env_file.is_none() && args.format != Format::Shell {
        return Err(Error::usage("no-place", "there is no place to hand the variables to: this is not a GitHub step")
            .hint("in a shell: eval \"$(jobpass login --format shell)\"")
            .hint("for one command: jobpass exec -- COMMAND; or name a dotenv file with --env-file"));
    }
    Ok(sinks)
}
