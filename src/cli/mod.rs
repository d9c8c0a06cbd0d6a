//! The command line: one file per verb; arguments, help text and rendering live here and nowhere else.

pub mod common;
pub mod dry_run;
pub mod job;
pub mod login;
pub mod logout;
pub mod render;
pub mod sandbox;
pub mod token;

use clap::{Parser, Subcommand, ValueEnum};

use self::render::Style;
use crate::error::Result;
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
    Login(login::Args),
    /// End this job's pass: remove its files, blank its variables
    Logout(logout::Args),
    /// Run the whole login against the built-in sandbox: no account, no network, nothing written
    DryRun(dry_run::Args),
    /// Show the claims of this job's ID token (never the token, unless --raw)
    Token(token::Args),
    /// Run the stand-ins of runner and clouds on loopback, for any client, or around one command
    Sandbox(Box<sandbox::Args>),
}

/// Runs what was asked for; the exit code of a run that succeeded.
///
/// # Errors
/// Whatever went wrong, to be rendered by `main`.
pub async fn run(cli: &Cli, world: &World) -> Result<u8> {
    let style = Style::of(cli.color, world);
    match &cli.verb {
        Verb::Login(args) => login::run(args, world, style).await,
        Verb::Logout(args) => {
            logout::run(args, world, &mut std::io::stdout().lock(), &mut std::io::stderr().lock()).map(|()| 0)
        }
        Verb::DryRun(args) => dry_run::run(args, world).await,
        Verb::Token(args) => token::run(args, world).await,
        Verb::Sandbox(args) => sandbox::run(args, world).await,
    }
}
