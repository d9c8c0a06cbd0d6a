//! `jobpass trust render`: the tightest trust policy for one edge.

use crate::cli::common::EdgeArgs;
use crate::cli::job::JobArgs;
use crate::cli::render::{data, talk};
use crate::edge::{Edge, Target};
use crate::error::{Error, Result};
use crate::trust::render::{Form, Rendered, Wanted, render};
use crate::world::World;

/// Arguments of `jobpass trust render`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which edge.
    pub edges: EdgeArgs,
    #[command(flatten)]
    /// Which job.
    pub job: JobArgs,
    /// aws-json, terraform or cloudformation; gcloud or terraform; az, terraform or bicep [default: the cloud's own]
    #[arg(long = "as", value_name = "FORM")]
    pub form: Option<Form>,
    /// Azure: an expression that compares ids beside the subject (a preview; applications only)
    #[arg(long)]
    pub flexible: bool,
}

/// Prints the rule on standard output, and what it rests on or does not hold on standard error.
///
/// # Errors
/// Usage errors: no edge or several, an unknown job, and what [`render`] refuses.
pub fn run(args: &Args, world: &World) -> Result<u8> {
    let file = args.edges.load(world)?;
    let [edge] = file.edges.as_slice() else {
        let names = file.edges.iter().map(|edge| edge.name.as_str()).collect::<Vec<_>>().join(", ");
        return Err(Error::usage("one-edge", "a trust policy is rendered for one edge")
            .detail("known edges", names)
            .hint("name it: jobpass trust render EDGE"));
    };
    let job = args.job.settle(file.rehearsal.as_ref(), None, world)?;
    let known = job.known()?;
    let wanted = Wanted { edge, issuer: &job.issuer, known: &known, flexible: args.flexible };
    let Rendered { text, notices, .. } = render(&wanted, args.form.unwrap_or(Form::usual(edge.destination())))?;
    data(&text)?;
    talk(&format!("{} for {} of {} ({})", edge.title(), known.subject(), job.issuer, job.told_by));
    for notice in notices.iter().chain(&shared(edge, &args.edges, world)) {
        talk(&format!("note: {notice}"));
    }
    Ok(0)
}

/// Other edges of the file that use the same provider, which has one condition for all of them.
fn shared(edge: &Edge, args: &EdgeArgs, world: &World) -> Option<String> {
    let provider = |edge: &Edge| match &edge.target {
        Target::Gcp(target) => Some(target.provider.name()),
        _ => None,
    };
    let own = provider(edge)?;
    let all = EdgeArgs { edges: Vec::new(), ..args.clone() }.load(world).ok()?;
    let others: Vec<&str> = all
        .edges
        .iter()
        .filter(|other| other.name != edge.name && provider(other).as_ref() == Some(&own))
        .map(|other| other.name.as_str())
        .collect();
    (!others.is_empty())
        .then(|| format!("the same provider is used by {}: one condition has to fit all", others.join(", ")))
}
