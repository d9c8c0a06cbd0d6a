//! Man pages and completion scripts, from the command line's own definition: `cargo run --example manual -- DIR`.
//!
//! Writes `DIR/man/jobpass.1` and one page per verb, and `DIR/completions/` with one file per shell, named as the shells look
//! for them. The bytes depend on nothing but the command line: no date, no path.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use clap::CommandFactory as _;
use clap_complete::Shell;
use jobpass::cli::Cli;

#[expect(clippy::print_stderr, reason = "the message is for whoever runs it")]
fn main() -> ExitCode {
    let Some(dir) = env::args_os().nth(1) else {
        eprintln!("manual: expected the directory to write to, met none: cargo run --example manual -- DIR");
        return ExitCode::from(2);
    };
    match write(Path::new(&dir)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let dir = dir.display();
            eprintln!("manual: expected to write to {dir}, met '{error}': name a directory that can be written to");
            ExitCode::FAILURE
        }
    }
}

fn write(dir: &Path) -> io::Result<()> {
    let (man, completions) = (dir.join("man"), dir.join("completions"));
    fs::create_dir_all(&completions)?;
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(Cli::command(), &man)?;
    for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut Cli::command(), "jobpass", &completions)?;
    }
    Ok(())
}
