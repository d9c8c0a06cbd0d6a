//! The command line: one file per verb; arguments, help text and rendering live here and nowhere else.

pub mod action;
mod attempts;
pub mod common;
pub mod completions;
mod denial;
mod document;
pub mod dry_run;
pub mod exec;
pub mod explain;
pub mod format;
pub mod job;
pub mod login;
pub mod logout;
#[cfg(debug_assertions)]
mod on_purpose;
pub mod render;
pub mod sandbox;
pub mod token;
pub mod trust;

use clap::{Parser, Subcommand, ValueEnum};

use self::format::{Format, ShellFormat};
use self::render::Style;
use crate::error::{Error, Kind, Result};
use crate::system::{Stop, Stops};
use crate::world::World;

/// Credentials for one CI job: the runner's ID token exchanged at AWS, GCP and Azure
#[derive(Debug, Parser)]
#[command(name = "jobpass", version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub color: Color,
    #[command(subcommand)]
    /// What to do
    pub verb: Verb,
}

/// `--color auto|always|never`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Exchange this job's ID token for every edge's credentials and hand them to the job's tools
    Login(Box<login::Args>),
    /// Run a command with the credentials; only the command sees them, and they are gone when it ends
    Exec(Box<exec::Args>),
    /// End this job's pass: remove its files, blank its variables
    Logout(logout::Args),
    /// What the GitHub Action runs: login, told by the action's inputs (INPUT_ variables) instead of flags
    Action,
    /// Run the whole login against the built-in sandbox: no account, no network, nothing written
    DryRun(Box<dry_run::Args>),
    /// Say offline whether a trust policy lets a job in, and why (not): every clause with both sides
    Explain(Box<explain::Args>),
    /// Show the claims of this job's ID token (never the token, unless --raw)
    Token(token::Args),
    /// Run the stand-ins of runner and clouds on loopback, for any client, or around one command
    Sandbox(Box<sandbox::Args>),
    /// Look at trust policies before a job runs: attack, render, fetch, compare them
    Trust(Box<trust::Args>),
    /// Print a completion script for a shell
    Completions(completions::Args),
}

/// Runs what was asked for; the exit code of a run that succeeded.
///
/// # Errors
/// Whatever went wrong, to be rendered by `main`.
pub async fn run(cli: &Cli, world: &World) -> Result<u8> {
    let outcome = run_verb(cli, world).await;
    // With --format json there is always one object on standard output; a login's own says which edges failed.
    if let Err(error) = &outcome
        && cli.verb.prints_json()
    {
        render::json(&serde_json::json!({ "error": render::error_json(error) }))?;
    }
    outcome
}

impl Verb {
    fn prints_json(&self) -> bool {
        match self {
            Verb::Logout(args) => args.format == ShellFormat::Json,
            Verb::DryRun(args) => args.format == Format::Json,
            Verb::Explain(args) => args.format == Format::Json,
            Verb::Token(args) => args.format == Format::Json,
            Verb::Sandbox(args) => args.format == ShellFormat::Json,
            Verb::Trust(args) => args.prints_json(),
            Verb::Login(_) | Verb::Exec(_) | Verb::Action | Verb::Completions(_) => false,
        }
    }
}

async fn run_verb(cli: &Cli, world: &World) -> Result<u8> {
    let (style, data) = (Style::of(cli.color, world), Style::of_data(cli.color, world));
    match &cli.verb {
        Verb::Login(args) => until_signal(login::run(args, world, style)).await,
        Verb::Exec(args) => exec::run(args, world, style).await,
        Verb::Action => action::run(world, style).await,
        Verb::Logout(args) => {
            let ended = logout::run(args, world, &mut std::io::stdout().lock(), &mut std::io::stderr().lock());
            // A post step has nobody who reads its log: what could not be removed stands beside the run.
            if let Err(error) = &ended
                && args.format == ShellFormat::Text
                && world.switch("GITHUB_ACTIONS")
            {
                action::annotate::show(&[action::annotate::error(error)]);
            }
            ended.map(|()| 0)
        }
        Verb::DryRun(args) => until_signal(dry_run::run(args, world, data)).await,
        Verb::Explain(args) => explain::run(args, world, data).await,
        Verb::Token(args) => until_signal(token::run(args, world)).await,
        Verb::Sandbox(args) => sandbox::run(args, world).await,
        Verb::Trust(args) => trust::run(args, world, data).await,
        Verb::Completions(args) => completions::run(args),
    }
}

/// Runs `work` until it is done or a signal comes. Dropping it then takes away what it had begun: files are written between
/// two awaits, so either all of them are there or none. What only reads and decides has no need of it: there a signal ends
/// the process by itself, at once.
async fn until_signal<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let mut stops = listen()?;
    let Stop { name, number } = tokio::select! {
        biased;
        done = work => return done,
        stop = stops.next() => stop,
    };
    Err(Error::new(Kind::Signal(number), "signal", format!("stopped by {name}; nothing was handed over")))
}

/// Listens for what asks this process to end.
fn listen() -> Result<Stops> {
    Stops::listen().map_err(|error| Error::new(Kind::Files, "signals", format!("cannot listen for signals: {error}")))
}
