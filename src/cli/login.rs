//! `jobpass login`: every edge exchanged, all of it handed to the job's tools, or nothing.

use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::attempts::{Ready, keep_denials, planned, record, settled, talk_requests};
use super::common::{self, EdgeArgs, NetArgs, SourceArgs};
use super::document::document;
use super::format::ShellFormat;
use super::render::{self, Style};
use crate::delivery::{Mode, Plan, outputs, shell};
use crate::edge::Destination;
use crate::error::{Error, Result};
use crate::login::Attempt;
use crate::pass::earlier::Earlier;
use crate::pass::{Holder, Pass, Sinks, logout};
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
    /// On GitHub: also give the secrets as outputs of the step
    #[arg(long, help_heading = "Delivery")]
    pub output_credentials: bool,
    /// The same for Google's tokens alone: an input of another action asks for those.
    #[arg(skip)]
    pub output_gcp_credentials: bool,
    /// text, json, or shell: lines to `eval`
    #[arg(long, value_name = "FORMAT", default_value = "text", help_heading = "Delivery")]
    pub format: ShellFormat,
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

impl Args {
    fn outputs_credentials(&self, destination: Destination) -> bool {
        self.output_credentials || (self.output_gcp_credentials && destination == Destination::Gcp)
    }
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

/// Runs it.
///
/// # Errors
/// Exit 2 and 3 before anything is sent; 4 and 6 when an edge was not granted; 5 when it cannot be handed over. In each case
/// nothing is left but, after a denial, the pass with its record.
pub async fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    let mut attempts = Vec::new();
    let done = hand_over(args, world, style, &mut attempts).await;
    let shown = shown(args.format, &attempts, done.as_ref());
    if let (Ok(done), Err(error)) = (&done, shown.and_then(|text| render::data(&text))) {
        // Who asked has only a piece of it: the pass ends as if it had never been.
        let ended = logout::end(world, Some(&done.plan.root));
        return Err(ended.err().into_iter().fold(error, |error, left| error.detail("not taken back", left.message)));
    }
    let done = done?;
    Ok(done.said())
}

/// What goes to standard output.
fn shown(format: ShellFormat, attempts: &[Attempt], done: Result<&Done, &Error>) -> Result<Zeroizing<String>> {
    match (format, done) {
        (ShellFormat::Text, _) | (ShellFormat::Shell, Err(_)) => Ok(Zeroizing::default()),
        (ShellFormat::Json, done) => {
            Ok(Zeroizing::new(format!("{:#}\n", document(attempts, done.map(|done| &done.plan)))))
        }
        (ShellFormat::Shell, Ok(done)) => shell::exports(&done.plan),
    }
}

/// A login that handed something over.
pub(super) struct Done {
    plan: Plan,
    exit_code: u8,
}

impl Done {
    /// Says what the reader should know; the exit code.
    pub(super) fn said(&self) -> u8 {
        for note in &self.plan.notes {
            render::talk(&format!("note: {note}"));
        }
        self.exit_code
    }
}

/// The whole login up to and with the hand-over; `attempts` has what became of each edge, whatever the outcome.
///
/// # Errors
/// As [`run`].
pub(super) async fn hand_over(args: &Args, world: &World, style: Style, attempts: &mut Vec<Attempt>) -> Result<Done> {
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
            if let Err(unrecorded) = recorded {
                let _ = render::error(&unrecorded, style, &mut io::stderr().lock());
            }
            keep_denials(pass, attempts);
            return Err(error);
        }
    };
    recorded?;
    let mut plan = planned(&granted.grants, args.deliver.mode(), &pass, &ready, world)?;
    outputs::edges(&mut plan, &granted.grants);
    for grant in granted.grants.iter().filter(|grant| args.outputs_credentials(grant.edge.destination())) {
        outputs::credentials(&mut plan, grant);
    }
    #[cfg(debug_assertions)]
    super::on_purpose::panic_if_asked(&plan, world);
    let earlier = Earlier::of(&plan, world);
    // Masks go where nobody parses: the runner reads commands from both streams.
    match args.format {
        ShellFormat::Text => pass.commit(&plan, &earlier, &sinks, &mut io::stdout().lock())?,
        ShellFormat::Json | ShellFormat::Shell => pass.commit(&plan, &earlier, &sinks, &mut io::stderr().lock())?,
    }
    Ok(Done { plan, exit_code: granted.exit_code })
}

/// Where the variables go. Without a place for them a login would be for nothing, so that is found first.
fn sinks(args: &Args, world: &World) -> Result<Sinks> {
    let sinks = Sinks::of_job(world, args.env_file.as_deref())?;
    if sinks.env.is_none() && sinks.env_file.is_none() && args.format != ShellFormat::Shell {
        return Err(Error::usage("no-place", "there is no place to hand the variables to: this is not a GitHub step")
            .hint("in a shell: eval \"$(jobpass login --format shell)\"")
            .hint("for one command: jobpass exec -- COMMAND; or name a dotenv file with --env-file"));
    }
    if args.output_credentials && sinks.output.is_none() {
        return Err(Error::usage("no-place", "there is no place for outputs: this is not a GitHub step")
            .hint("leave --output-credentials out; --format shell or --env-file hand over variables"));
    }
    Ok(sinks)
}
