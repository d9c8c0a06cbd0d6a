//! `jobpass trust`: what is done with trust policies before a job runs.

pub mod diff;
mod lines;
pub mod lint;
pub mod live;
pub mod pull;
pub mod render;
mod sarif;

use clap::Subcommand;

use super::format::Format;
use super::render::Style;
use crate::error::Result;
use crate::world::World;

/// Arguments of `jobpass trust`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    /// What to do.
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Attack trust policies with the tokens of strangers, and read them for what is dead or wide; exit 1 on findings
    Lint(Box<lint::Args>),
    /// Write the tightest trust policy for an edge and its job, ready to be pasted
    Render(Box<render::Args>),
    /// Show what the live trust policies say differently from the declared ones; exit 1 when there is something
    Diff(Box<diff::Args>),
    /// Print the live trust policies, in the form of an edge's `trust` file
    Pull(Box<pull::Args>),
}

impl Args {
    pub(super) fn prints_json(&self) -> bool {
        match &self.verb {
            Verb::Lint(args) => args.format != lint::Format::Text,
            Verb::Render(_) | Verb::Pull(_) => false,
            Verb::Diff(args) => args.format == Format::Json,
        }
    }
}

/// Runs what was asked for; the exit code.
///
/// # Errors
/// As the verb's own.
pub async fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    match &args.verb {
        Verb::Lint(args) => lint::run(args, world, style),
        Verb::Render(args) => render::run(args, world),
        Verb::Diff(args) => diff::run(args, world).await,
        Verb::Pull(args) => pull::run(args, world).await,
    }
}
