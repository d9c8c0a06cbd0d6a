//! Where the live trust policy comes from: the cloud's command line, or saved output.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value};

use crate::cli::common::deadline;
use crate::cli::render::talk;
use crate::cli::until_signal;
use crate::edge::Edge;
use crate::error::{Error, Result};
use crate::files::{read_limited, read_stdin};
use crate::live::{self, Live};
use crate::trust::{self, join};
use crate::world::World;

/// Where from.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct LiveArgs {
    /// Saved output instead of asking aws, gcloud or az; - is standard input
    #[arg(long, value_name = "FILE")]
    pub live: Option<PathBuf>,
    /// How long one command of theirs may take [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
}

/// Edges that are asked for at the same time: each command takes seconds to start, and hundreds of megabytes.
const AT_ONCE: usize = 4;
/// Longer saved output is refused, in bytes.
const MAX: u64 = 16 << 20;

impl LiveArgs {
    /// The live trust policy of each edge, in the edges' order.
    ///
    /// # Errors
    /// As [`live::fetch`]; usage errors for a file that cannot be read, or that does not say which edge it is of.
    pub async fn of(&self, edges: &[Edge], world: &World) -> Result<Vec<Live>> {
        let Some(path) = &self.live else {
            let deadline = self.deadline()?;
            let asking = edges.iter().map(|edge| {
                talk(&format!("asking {} for {}", live::tool(edge.destination()), edge.title()));
                live::fetch(edge, deadline, world)
            });
            return until_signal(stream::iter(asking).buffered(AT_ONCE).try_collect()).await;
        };
        let saved = read(path, world)?;
        let by_name = saved.get("edges").and_then(Value::as_object);
        let one = |edge: &Edge| match by_name {
            Some(all) => all.get(&edge.name).cloned().map(|one| (one, join("/edges", &edge.name))).ok_or_else(|| {
                Error::usage("live", format!("{} holds nothing for {}", path.display(), edge.title()))
                    .detail("it holds", all.keys().cloned().collect::<Vec<_>>().join(", "))
            }),
            None if edges.len() == 1 => Ok((saved.clone(), String::new())),
            None => Err(Error::usage("live", format!("{} does not say which edge it is of", path.display()))
                .hint("name one edge, or save all of them with `jobpass trust pull`")),
        };
        let live = |edge| one(edge).map(|(document, base)| Live { document, base, notices: Vec::new() });
        edges.iter().map(live).collect()
    }

    /// What is live, for the reader.
    #[must_use]
    pub fn source(&self) -> String {
        self.live.as_ref().map_or_else(|| "the cloud's answer".to_owned(), |path| path.display().to_string())
    }

    fn deadline(&self) -> Result<Duration> {
        let Some(text) = &self.timeout else { return Ok(live::DEADLINE) };
        deadline(text).map_err(|why| Error::usage("timeout", format!("--timeout `{text}` {why}")))
    }
}

/// One document for one edge, an object by name for several: what [`LiveArgs::of`] reads.
#[must_use]
pub fn document(edges: &[Edge], all: &[Live]) -> Value {
    match all {
        [one] => one.document.clone(),
        _ => {
            let by_name: Map<String, Value> =
                edges.iter().zip(all).map(|(edge, live)| (edge.name.clone(), live.document.clone())).collect();
            serde_json::json!({ "edges": by_name })
        }
    }
}

fn read(path: &Path, world: &World) -> Result<Value> {
    let text = if path == Path::new("-") { read_stdin(MAX)? } else { read_limited(&world.resolve(path)?, MAX)? };
    let unreadable = |why: String| Error::usage("live", format!("cannot read {}: {why}", path.display()));
    let text = std::str::from_utf8(&text).map_err(|_| unreadable("it is no UTF-8".to_owned()))?;
    trust::read(text).map_err(unreadable)
}
