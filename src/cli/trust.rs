//! `jobpass trust`: what is done with trust policies before a job runs.

pub mod render;

use clap::Subcommand;

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
    /// Write the tightest trust policy for an edge and its job, ready to be pasted
    Render(Box<render::Args>),
}

impl Args {
    pub(super) fn prints_json(&self) -> bool {
        match &self.verb {
            Verb::Render(_) => false,
        }
    }
}

/// Runs what was asked for; the exit code.
///
/// # Errors
/// As the verb's own.
pub async fn run(args: &Args, world: &World) -> Result<u8> {
    match &args.verb {
        Verb::Render(args) => render::run(args, world),
    }
}
