//! `jobpass login`: every edge exchanged, all of it handed to the job's tools, or nothing.

use std::io;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::attempts::{Ready, keep_denials, planned, record, settled, talk_requests};
use super::common::{self, EdgeArgs, NetArgs, SourceArgs};
use super::render::{self, Style};
use crate::delivery::{self, Mode, Plan, shell};
use crate::error::{Error, Kind, Result};
use crate::login::Attempt;
use crate::pass::{Holder, Pass, Sinks};
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
    let mut attempts = Vec::new();
    let done = hand_over(args, world, style, &mut attempts).await;
    match args.format {
        Format::Text => {}
        Format::Json => render::data(&format!("{:#}\n", document(&attempts, done.as_ref())))?,
        Format::Shell => {
            if let Ok(done) = &done {
                render::data(&shell::exports(&done.plan)?)?;
            }
        }
    }
    let done = done?;
    for note in &done.plan.notes {
        render::talk(&format!("note: {note}"));
    }
    Ok(done.exit_code)
}

/// A login that handed something over.
struct Done {
    plan: Plan,
    exit_code: u8,
}

async fn hand_over(args: &Args, world: &World, style: Style, attempts: &mut Vec<Attempt>) -> Result<Done> {
    let asked = common::asked(args.edges.load(world)?.edges, world, args.net.sandbox(world))?;
    let sinks = sinks(args, world)?;
    let ready = Ready::new(asked, &args.source, &args.net, world)?;
    let mut pass = Pass::open(world, Holder::Job)?;
    *attempts = ready.attempt(world).await;
    let recorded = record(attempts, &pass, world);
    if args.net.verbose {
        talk_requests(&ready.client);
    }
    let granted = match settled(attempts, args.keep_going, style) {
        Ok(granted) => granted,
        Err(error) => {
            keep_denials(pass, attempts);
            return Err(error);
        }
    };
    recorded?;
    let plan = planned(&granted.grants, args.deliver.mode(), &pass, &ready, world)?;
    // Masks go where nobody parses: the runner reads commands from both streams.
    match args.format {
        Format::Text => pass.commit(&plan, granted.expires(), &sinks, &mut io::stdout().lock())?,
        Format::Json | Format::Shell => pass.commit(&plan, granted.expires(), &sinks, &mut io::stderr().lock())?,
    }
    Ok(Done { plan, exit_code: granted.exit_code })
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

/// The documented JSON shape: one object per edge, what was handed over, and the error that decides, if any.
fn document(attempts: &[Attempt], done: Result<&Done, &Error>) -> Value {
    let edges: Vec<Value> = attempts
        .iter()
        .map(|attempt| {
            let edge = &attempt.asked.edge;
            let grant = attempt.outcome.as_ref().ok();
            let error = attempt.outcome.as_ref().err();
            let outcome = match error.map(|error| error.kind) {
                None => "granted",
                Some(Kind::Denied) => "denied",
                Some(_) => "failed",
            };
            json!({
                "edge": edge.name,
                "destination": edge.destination().as_str(),
                "outcome": outcome,
                "identity": grant.map(|grant| &grant.identity),
                "expiration": grant.map(|grant| delivery::rfc3339(grant.credential.expiration())),
                "request-id": grant.map(|grant| &grant.request_id),
                "milliseconds": u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
                "error": error.map(render::error_json),
            })
        })
        .collect();
    let plan = done.ok().map(|done| &done.plan);
    json!({
        "edges": edges,
        "pass": plan.map(|plan| &plan.root),
        "variables": plan.map(|plan| plan.variables.iter().map(|variable| variable.name).collect::<Vec<_>>()),
        "files": plan.map(|plan| plan.files.iter().map(|file| file.path(&plan.root)).collect::<Vec<_>>()),
        "error": done.err().map(render::error_json),
    })
}
