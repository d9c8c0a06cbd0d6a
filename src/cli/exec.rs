//! `jobpass exec`: only the child sees the credentials, and they are gone when it ends.

use std::ffi::OsString;
use std::io;

use super::attempts::{self, Ready};
use super::common::{self, EdgeArgs, NetArgs, SourceArgs};
use super::login::Deliver;
use super::render::{self, Style};
use super::until_signal;
use crate::delivery::exec;
use crate::error::Result;
use crate::pass::earlier::Earlier;
use crate::pass::{Holder, Pass, Sinks};
use crate::world::World;

/// Arguments of `jobpass exec`.
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
    /// Leave the runner's request token (and GitLab's ID tokens) in the command's environment: it can then mint for itself
    #[arg(long, help_heading = "Delivery")]
    pub pass_runner_token: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND", help_heading = "Command")]
    pub command: Vec<OsString>,
}

/// Runs it; the exit code is the command's own, or 128 + the number of the signal that ended it.
///
/// # Errors
/// As `login`, before the command is started. 127 and 126 as a shell gives them: no such command, not executable.
pub async fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    let asked = common::asked(args.edges.load(world)?.edges, world, args.net.sandbox(world))?;
    let ready = Ready::new(asked, &args.source, &args.net, world)?;
    let (pass, environment) = until_signal(hand_over(args, &ready, world, style)).await?;
    let ran = exec::run(&args.command, environment).await;
    let ended = pass.end();
    match ran {
        Ok(code) => ended.map(|()| code),
        Err(not_started) => {
            let _ = render::error(&not_started.error, style, &mut io::stderr().lock());
            if let Err(error) = ended {
                let _ = render::error(&error, style, &mut io::stderr().lock());
            }
            Ok(not_started.code)
        }
    }
}

/// The exchange and the files; what comes back is the child's whole environment.
async fn hand_over(
    args: &Args,
    ready: &Ready,
    world: &World,
    style: Style,
) -> Result<(Pass, Vec<(OsString, OsString)>)> {
    let mut pass = Pass::open(world, Holder::Process)?;
    let outcomes = ready.attempt(world).await;
    let recorded = attempts::record(&outcomes, &pass, world);
    if args.net.verbose {
        attempts::talk_requests(&ready.client);
    }
    let granted = match attempts::settled(&outcomes, false, style) {
        Ok(granted) => granted,
        Err(error) => {
            if let Err(unrecorded) = recorded {
                let _ = render::error(&unrecorded, style, &mut io::stderr().lock());
            }
            attempts::keep_denials(pass, &outcomes);
            return Err(error);
        }
    };
    recorded?;
    let plan = attempts::planned(&granted.grants, args.deliver.mode(), &pass, ready, world)?;
    // Standard output is the command's own: masks go to standard error, which the runner reads too.
    let sinks = Sinks { masks: world.switch("GITHUB_ACTIONS"), ..Sinks::default() };
    pass.commit(&plan, &Earlier::default(), &sinks, &mut io::stderr().lock())?;
    for note in &plan.notes {
        render::talk(&format!("note: {note}"));
    }
    Ok((pass, exec::child_environment(world, &plan, &[], args.pass_runner_token)))
}
