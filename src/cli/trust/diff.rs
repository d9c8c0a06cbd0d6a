//! `jobpass trust diff`: what the live trust policies say differently from the declared ones.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::live::LiveArgs;
use crate::cli::common::EdgeArgs;
use crate::cli::dry_run::with_trust;
use crate::cli::format::Format;
use crate::cli::job::{Job, JobArgs};
use crate::cli::render::{json, page, talk};
use crate::edge::Edge;
use crate::error::{Kind, Result};
use crate::live::Live;
use crate::trust::TrustPolicy;
use crate::trust::drift::{Drift, Side, drift};
use crate::trust::render::{Form, Wanted, render};
use crate::world::World;

/// Arguments of `jobpass trust diff`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which edges.
    pub edges: EdgeArgs,
    #[command(flatten)]
    /// Which job, for an edge that names no trust policy: what `trust render` prints counts as declared then.
    pub job: JobArgs,
    #[command(flatten)]
    /// Where the live side comes from.
    pub live: LiveArgs,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// One edge's outcome.
struct Compared {
    edge: Edge,
    declared: String,
    drift: Drift,
}

/// Compares. Exit 1 when something differs, else 8 when something is not understood, else 0.
///
/// # Errors
/// As [`LiveArgs::of`]; a trust policy of either side that cannot be read.
pub async fn run(args: &Args, world: &World) -> Result<u8> {
    let file = args.edges.load(world)?;
    let declared = with_trust(file.edges.clone())?;
    let job = match declared.iter().any(|(_, trust)| trust.is_none()) {
        true => Some(args.job.settle(file.rehearsal.as_ref(), None, world)?),
        false => None,
    };
    let mut sides = Vec::new();
    for (edge, trust) in declared {
        sides.push((side(&edge, trust, job.as_ref())?, edge));
    }
    let live = args.live.of(&file.edges, world).await?;
    let mut all = Vec::new();
    for (((declared, name), edge), live) in sides.into_iter().zip(&live) {
        for notice in &live.notices {
            talk(&format!("note: {}: {notice}", edge.title()));
        }
        all.push(Compared { drift: compare(&edge, &declared, live)?, declared: name, edge });
    }
    let source = args.live.source();
    match args.format {
        Format::Text => page(&text(&all, &source))?,
        Format::Json => json(&document(&all, &source))?,
    }
    let any = |what: fn(&Drift) -> bool| all.iter().any(|one| what(&one.drift));
    Ok(match (any(|drift| !drift.differences.is_empty()), any(|drift| !drift.undecided.is_empty())) {
        (true, _) => Kind::Findings.exit_code(),
        (false, true) => Kind::Undecided.exit_code(),
        (false, false) => 0,
    })
}

/// The declared trust policy, and what to call it.
fn side(edge: &Edge, trust: Option<TrustPolicy>, job: Option<&Job>) -> Result<(TrustPolicy, String)> {
    match (trust, &edge.trust, job) {
        (Some(trust), Some(path), _) => Ok((trust, path.display().to_string())),
        (_, _, Some(job)) => {
            let known = job.known()?;
            let wanted = Wanted { edge, issuer: &job.issuer, known: &known, flexible: false };
            let rendered = render(&wanted, Form::usual(edge.destination()))?;
            let name = format!("what `trust render` prints for {}", known.subject());
            Ok((TrustPolicy::parse(edge.destination(), &rendered.core)?, name))
        }
        _ => Err(crate::error::Error::usage("no-trust-file", format!("{} declares no trust policy", edge.title()))),
    }
}

fn compare(edge: &Edge, declared: &TrustPolicy, live: &Live) -> Result<Drift> {
    let trust = TrustPolicy::parse(edge.destination(), &live.document.to_string());
    let mut drift = drift(edge, declared, &trust.map_err(|error| error.at("live").at(edge.title()))?)?;
    for side in drift.differences.iter_mut().filter_map(|difference| difference.live.as_mut()) {
        side.path = format!("{}{}", live.base, side.path);
    }
    Ok(drift)
}

fn text(all: &[Compared], source: &str) -> String {
    let mut out = String::new();
    for Compared { edge, declared, drift } in all {
        let outcome = match (drift.differences.len(), drift.undecided.is_empty()) {
            (0, true) => "no drift".to_owned(),
            (0, false) => "undecided".to_owned(),
            (1, _) => "drift, 1 difference".to_owned(),
            (many, _) => format!("drift, {many} differences"),
        };
        let _ = writeln!(out, "{}: {outcome}", edge.title());
        let _ = writeln!(out, "  declared  {declared}\n  live      {source}");
        for difference in &drift.differences {
            let _ = writeln!(out, "\n  {}", difference.what);
            for (label, side) in [("declared", &difference.declared), ("live", &difference.live)] {
                let _ = match side {
                    None => writeln!(out, "    {label:<9} (nothing)"),
                    Some(Side { path, value }) => writeln!(out, "    {label:<9} {value}\n    {:<9} at {path}", ""),
                };
            }
        }
        for path in &drift.undecided {
            let _ = writeln!(out, "  not understood, and not compared: {path}");
        }
        for what in &drift.not_compared {
            let _ = writeln!(out, "  not compared: {what} (one of the two does not say)");
        }
    }
    out
}

fn document(all: &[Compared], source: &str) -> Value {
    let edges = all.iter().map(|Compared { edge, declared, drift }| {
        json!({
            "edge": edge.name,
            "destination": edge.destination().as_str(),
            "declared": declared,
            "live": source,
            "drift": !drift.differences.is_empty(),
            "differences": drift.differences,
            "undecided": drift.undecided,
            "not-compared": drift.not_compared,
        })
    });
    json!({ "edges": edges.collect::<Vec<_>>() })
}
