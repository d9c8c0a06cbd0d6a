//! Parse, run, render, exit code; nothing else.

use std::process::ExitCode;

use clap::Parser as _;
use jobpass::cli::{self, Cli, render};
use jobpass::error::{Error, Kind, Result};
use jobpass::world::World;

fn main() -> ExitCode {
    harden();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()) * Kind::Usage.exit_code());
        }
    };
    let world = World::of_this_process();
    let style = render::Style::of(cli.color, &world);
    match run(&cli, &world) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = render::error(&error, style, &mut std::io::stderr().lock());
            ExitCode::from(error.kind.exit_code())
        }
    }
}

fn run(cli: &Cli, world: &World) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Files, "runtime", format!("the runtime cannot be set up: {error}")))?;
    runtime.block_on(cli::run(cli, world))
}

/// A secret must not leave through a panic's text, a core file or a debugger of the same user.
fn harden() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
        render::talk(&format!(
            "error[bug]: jobpass stopped unexpectedly{place}\nhint: please report this place; no secret is in it"
        ));
        // In every profile the same end: SIGABRT, status 134, without a core file.
        std::process::abort();
    }));
    jobpass::system::harden();
}
