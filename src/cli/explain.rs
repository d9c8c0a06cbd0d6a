//! `jobpass explain`: would this trust policy let this job in, and why (not). Offline, but for this job's own token.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::common::{NetArgs, SourceArgs};
use super::format::Format;
use super::job::JobArgs;
use super::render::{self, Style};
use super::until_signal;
use crate::claims::Claims;
use crate::edge::{Destination, aws, azure};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::runner;
use crate::secret::clean;
use crate::trust::{self, Decision, Explanation, Node, Rules, TrustPolicy, Verdict};
use crate::world::World;

/// Arguments of `jobpass explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The trust policy as the cloud has it: what aws, gcloud or az print, a template or a plan
    #[arg(long, value_name = "FILE")]
    pub trust: PathBuf,
    /// The audience of the token [default: the claims' own, or the destination's usual one]
    #[arg(long, value_name = "AUD")]
    pub audience: Option<String>,
    /// AWS: which role, where the file has several, or does not say its account
    #[arg(long, value_name = "ARN")]
    pub role: Option<String>,
    /// AWS: what is known of the request beside the token, as aws:SourceIp=203.0.113.7 (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub context: Vec<String>,
    #[command(flatten)]
    /// Which job.
    pub job: JobArgs,
    #[command(flatten)]
    /// Where this job's own token comes from.
    pub source: SourceArgs,
    #[command(flatten)]
    /// How it is fetched.
    pub net: NetArgs,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// Whose claims are compared.
struct Presented {
    claims: Claims,
    issuer: String,
    told_by: String,
}

/// Prints the explanation: exit 0 when the job is let in, 4 when it is denied, 8 when that cannot be told.
///
/// # Errors
/// Exit 2 for a file that cannot be read; what fetching this job's own token can end with.
pub async fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    let path = world.resolve(&args.trust)?;
    let unreadable = |why: String| Error::usage("trust-policy", why);
    let bytes = files::read_limited(&path, trust::MOST_BYTES as u64).map_err(|error| unreadable(error.message))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| unreadable(format!("cannot read {}: it is not UTF-8", path.display())))?;
    let trust = TrustPolicy::recognise(text).map_err(|error| error.at(path.display()))?;
    let known = known(&args.context)?;
    let presented = presented(args, &trust, world).await?;
    let role = args.role.as_deref();
    let explanation = trust::evaluate_file(&trust, role, &known, &presented.issuer, &presented.claims);
    match args.format {
        Format::Json => render::json(&explanation.document())?,
        Format::Text => {
            let file = args.trust.display().to_string();
            render::page(&page(&file, trust.destination(), &presented, &explanation, style))?;
        }
    }
    Ok(match explanation.decision {
        Decision::Allowed => 0,
        Decision::Denied => Kind::Denied.exit_code(),
        Decision::Undecided => Kind::Undecided.exit_code(),
    })
}

/// `KEY=VALUE`, the values of one key together; an empty value says that the key is absent.
fn known(context: &[String]) -> Result<Vec<(String, Vec<String>)>> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for one in context {
        let Some((key, value)) = one.split_once('=').filter(|(key, _)| key.contains(':')) else {
            return Err(Error::usage("context", format!("--context has no key and value: `{one}`"))
                .detail("expected", "KEY=VALUE, for example aws:SourceIp=203.0.113.7"));
        };
        let at = match all.iter().position(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some(at) => at,
            None => {
                all.push((key.to_owned(), Vec::new()));
                all.len() - 1
            }
        };
        if let Some((_, values)) = all.get_mut(at).filter(|_| !value.is_empty()) {
            values.push(value.to_owned());
        }
    }
    Ok(all)
}

/// The claims: a file's; of the job that flags describe; this job's own; of the git checkout's job.
async fn presented(args: &Args, trust: &TrustPolicy, world: &World) -> Result<Presented> {
    let job = &args.job;
    let usual = match &trust.rules {
        Rules::Aws(_) => Some(aws::AUDIENCE.to_owned()),
        Rules::Azure(_) => azure::Cloud::named("public").map(|cloud| cloud.audience.to_owned()),
        Rules::Gcp(provider) => provider.usual_audience(),
    };
    let audience = args.audience.clone().or(usual);
    let described = job.claims.is_some() || job.repo.is_some() || job.r#ref.is_some() || job.environment.is_some();
    if !described && job.event.is_none() && job.runner.is_none() {
        match runner::choose(&args.source.wanted(), world) {
            Ok(chosen) => {
                let audience = audience.ok_or_else(no_audience)?;
                let client = args.net.client(world)?;
                let token = until_signal(chosen.source.id_token(&audience, &client, world)).await?;
                let claims = runner::seen(&token.unverified, client.sandbox());
                return Ok(Presented { issuer: claims.issuer(), claims, told_by: chosen.why });
            }
            // Outside of any job it is the checkout that says which one is meant.
            Err(error)
                if error.kind == Kind::NoToken && !world.switch("GITHUB_ACTIONS") && !world.switch("GITLAB_CI") => {}
            Err(error) => return Err(error),
        }
    }
    let settled = job.settle(None, None, world)?;
    let claims = match (&settled.claims, &args.audience) {
        // What a file says counts, also that it names no audience.
        (Some(claims), None) => claims.clone(),
        _ => settled.claims_for(&audience.ok_or_else(no_audience)?, world.clock.now()),
    };
    Ok(Presented { claims, issuer: settled.issuer, told_by: settled.told_by.to_owned() })
}

fn no_audience() -> Error {
    Error::usage("audience", "the audience of the token is not known: the file names no provider")
        .hint("name it with --audience")
}

/// For a person: the answer, both identities, and the tree.
fn page(
    file: &str,
    destination: Destination,
    presented: &Presented,
    explanation: &Explanation,
    style: Style,
) -> String {
    let mut out = String::new();
    let answer = format!("{}:", explanation.decision);
    let answer = if explanation.decision == Decision::Allowed { style.good(&answer) } else { style.bad(&answer) };
    let what = match explanation.decision {
        Decision::Allowed => "lets this job in",
        Decision::Denied => "does not let this job in",
        Decision::Undecided => "cannot be decided for this job",
    };
    let _ = writeln!(out, "{answer} the {destination} trust policy in {file} {what}\n");
    let audience = presented.claims.audiences().join(", ");
    let job = [
        ("claims", presented.told_by.clone()),
        ("issuer", presented.issuer.clone()),
        ("audience", audience),
        ("subject", presented.claims.subject()),
    ];
    for (label, value) in job {
        let _ = writeln!(out, "{}  {}", style.faint(&format!("{label:<8}")), clean(&value, &[]));
    }
    out.push('\n');
    out.push_str(&text(explanation, style));
    out
}

/// Every comparison with both sides, and the note, for a person.
#[must_use]
pub fn text(explanation: &Explanation, style: Style) -> String {
    let mut out = String::new();
    tree(&explanation.root, "", 0, style, &mut out);
    if let Some(note) = &explanation.note {
        let _ = writeln!(out, "\n{}  {}", style.faint("note"), clean(note, &[]));
    }
    out
}

/// One node and what is below it; the two sides stand under each other, paths go on from the node above.
fn tree(node: &Node, above: &str, depth: usize, style: Style, out: &mut String) {
    // The longest one keeps its blank behind it.
    let verdict = format!("{:<10} ", node.verdict.to_string());
    let verdict = match node.verdict {
        Verdict::Match => style.good(&verdict),
        Verdict::Mismatch | Verdict::Missing | Verdict::Unsupported => style.bad(&verdict),
    };
    let indent = "  ".repeat(depth);
    let path = node.path.strip_prefix(above).unwrap_or(&node.path);
    let words = [&node.what, path].into_iter().filter(|text| !text.is_empty()).map(|text| clean(text, &[]));
    let mut words: Vec<String> = words.collect();
    words.extend(node.place.map(|place| style.faint(&format!("line {}", place.line))));
    let _ = writeln!(out, "{indent}{verdict}{}", words.join("  "));
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(out, "{indent}           {}  {}", style.faint(label), clean(text, &[]));
    };
    if !(node.expected.is_empty() && node.presented.is_empty()) {
        line("expected ", &node.expected);
        line("presented", if node.presented.is_empty() { "nothing" } else { &node.presented });
    }
    if let Some(hint) = &node.hint {
        line("hint     ", hint);
    }
    for child in &node.children {
        tree(child, &node.path, depth + 1, style, out);
    }
}
