//! `jobpass trust`: what is done with trust policies before a job runs.

pub mod lint;
mod sarif;

use clap::Subcommand;

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
}

impl Args {
    pub(super) fn prints_json(&self) -> bool {
        match &self.verb {
            Verb::Lint(args) => args.format != lint::Format::Text,
        }
    }
}

/// Runs what was asked for; the exit code.
///
/// # Errors
/// As the verb's own.
pub fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    match &args.verb {
        Verb::Lint(args) => lint::run(args, world, style),
    }
}
