//! `jobpass action`: what the GitHub Action runs. A login that is told by the action's inputs instead of flags, and shows every
//! failure as an annotation beside the usual text.

pub mod annotate;
pub mod inputs;
mod peers;
mod read;
mod told;

use self::told::Told;
use super::render::Style;
use super::{login, render, until_signal};
use crate::delivery::github_env;
use crate::delivery::mask;
use crate::edge::Target;
use crate::edge::aws::RoleArn;
use crate::error::{Error, Kind, Result};
use crate::files::append_block;
use crate::login::Attempt;
use crate::runner;
use crate::secret::Secret;
use crate::world::World;

/// The output that says that there was no ID token and that `optional` allowed for it.
pub const SKIPPED: &str = "skipped";

/// Runs it.
///
/// # Errors
/// As [`login::run`]; exit 2 with every problem of the inputs at once.
pub async fn run(world: &World, style: Style) -> Result<u8> {
    let mut attempts = Vec::new();
    let done = until_signal(as_told(world, style, &mut attempts)).await;
    let annotations: Vec<String> = failures(&attempts, done.as_ref().err()).into_iter().map(annotate::error).collect();
    annotate::show(&annotations);
    done
}

async fn as_told(world: &World, style: Style, attempts: &mut Vec<Attempt>) -> Result<u8> {
    let told = Told::by(world)?;
    // Before anything else: a fork's run has no secrets either, and so no complete inputs.
    if told.optional
        && told.login.source.token_file.is_none()
        && let Err(error) = runner::choose(&told.login.source.wanted(), world)
        && is_absent(&error)
    {
        return skip(&error, world);
    }
    let told = told.checked()?;
    annotate::show(&told.notices);
    if told.mask_accounts {
        mask_accounts(&told.login, world)?;
    }
    Ok(login::hand_over(&told.login, world, style, attempts).await?.said())
}

/// True where no ID token is to be had; one that is there and does not serve is another matter.
fn is_absent(error: &Error) -> bool {
    error.kind == Kind::NoToken && ["no-permission", "no-source", "token-variable-missing"].contains(&error.code)
}

/// Ends without credentials and without failing, and says so to the reader and to later steps.
fn skip(error: &Error, world: &World) -> Result<u8> {
    render::talk(&format!("skipped: {error}"));
    let why = format!("{error}; `optional` is true, so the job goes on without credentials");
    annotate::show(&[annotate::notice(SKIPPED, &why)]);
    if let Some(path) = world.path("GITHUB_OUTPUT") {
        let block = github_env::block(github_env::Names::Outputs, [(SKIPPED, "true")])?;
        append_block(&path, block.as_bytes())?;
    }
    Ok(0)
}

/// Masks the accounts of the roles before anything shows them.
fn mask_accounts(args: &login::Args, world: &World) -> Result<()> {
    let edges = args.edges.load(world)?.edges;
    let roles = edges.iter().flat_map(|edge| match &edge.target {
        Target::Aws(aws) => std::iter::once(&aws.role).chain(aws.chain.iter().map(|link| &link.role)).collect(),
        Target::Gcp(_) | Target::Azure(_) => Vec::new(),
    });
    let accounts: Vec<Secret> =
        roles.filter_map(|role| RoleArn::parse(role).ok()).map(|arn| Secret::new(arn.account)).collect();
    render::data(&mask::lines(&accounts))
}

/// Every failure once: those of the edges, and what ended the run.
fn failures<'a>(attempts: &'a [Attempt], ended: Option<&'a Error>) -> Vec<&'a Error> {
    let mut all: Vec<&Error> = Vec::new();
    for error in attempts.iter().filter_map(|attempt| attempt.outcome.as_ref().err()) {
        if !all.iter().any(|known| known.message == error.message) {
            all.push(error);
        }
    }
    if let Some(error) = ended {
        // The one that decides has more to say than when it was met.
        all.retain(|known| known.message != error.message);
        all.push(error);
    }
    all
}
