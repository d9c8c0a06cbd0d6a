//! `jobpass completions`: a script for the shell, on standard output.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, render};
use crate::error::Result;

/// Arguments of `jobpass completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// bash, elvish, fish, powershell or zsh
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// Exit 5 when standard output cannot be written to.
pub fn run(args: &Args) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jobpass", &mut script);
    render::data(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
