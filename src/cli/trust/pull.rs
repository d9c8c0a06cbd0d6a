//! `jobpass trust pull`: the live trust policies, printed or written where the edges keep them.

use super::live::{self, LiveArgs};
use crate::cli::common::EdgeArgs;
use crate::cli::render::{json, talk};
use crate::error::{Error, Result};
use crate::files::write_own;
use crate::trust::TrustPolicy;
use crate::world::World;

/// Arguments of `jobpass trust pull`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which edges.
    pub edges: EdgeArgs,
    #[command(flatten)]
    /// Where from.
    pub live: LiveArgs,
    /// Write each into the file that the edge's `trust` names, instead of printing it
    #[arg(long)]
    pub write: bool,
}

/// Prints or writes.
///
/// # Errors
/// As [`LiveArgs::of`]; what came back is none that jobpass reads; a file that cannot be written.
pub async fn run(args: &Args, world: &World) -> Result<u8> {
    let edges = args.edges.load(world)?.edges;
    let mut files = Vec::new();
    for edge in edges.iter().filter(|_| args.write) {
        // Before anybody is asked: half of the files written would be worse than none.
        files.push(edge.trust.clone().ok_or_else(|| {
            Error::usage("no-trust-file", format!("{} names no file for its trust policy", edge.title()))
                .hint("set trust = \"trust/NAME.json\" on the edge, or leave --write out")
        })?);
    }
    let all = args.live.of(&edges, world).await?;
    for (edge, live) in edges.iter().zip(&all) {
        TrustPolicy::parse(edge.destination(), &live.document.to_string()).map_err(|error| error.at(edge.title()))?;
        for notice in &live.notices {
            talk(&format!("note: {}: {notice}", edge.title()));
        }
    }
    if !args.write {
        json(&live::document(&edges, &all))?;
        return Ok(0);
    }
    for (path, live) in files.iter().zip(&all) {
        write_own(path, format!("{:#}\n", live.document).as_bytes())?;
        talk(&format!("wrote {}", path.display()));
    }
    Ok(0)
}
