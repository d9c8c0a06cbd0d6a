//! `jobpass dry-run`: the whole login against the built-in sandbox; nothing is written, no account and no network is needed.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::common::{self, EdgeArgs};
use super::format::Format;
use super::job::{Job, JobArgs};
use super::login::Deliver;
use super::render::{self, Style};
use crate::credential::Grant;
use crate::delivery::{self, Plan};
use crate::duration;
use crate::edge::Edge;
use crate::edge::endpoints::Endpoints;
use crate::error::{Error, Kind, Result};
use crate::login::{Attempt, attempt_all};
use crate::net::{self, Client, Sent};
use crate::runner::{self, Wanted};
use crate::sandbox::{Options, Running, Sandbox};
use crate::secret::clean;
use crate::trust::{self, Decision, Explanation, TrustPolicy, Verdict};
use crate::world::World;

/// Arguments of `jobpass dry-run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    /// Which edges.
    pub edges: EdgeArgs,
    #[command(flatten)]
    /// Which job.
    pub job: JobArgs,
    /// How credentials would be handed over: env or files
    #[arg(long, value_name = "HOW", default_value = "env")]
    pub deliver: Deliver,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// Where the files would lie: the name shows that it is made at login.
const ROOT: &str = "/RUNNER_TEMP/jobpass-JOB";

/// What a dry run found out about one edge.
struct Finding {
    /// The edge as the file has it.
    written: Edge,
    attempt: Attempt,
    explanation: Option<Explanation>,
    decision: Decision,
}

/// Runs it.
///
/// # Errors
/// Everything that a login can end with, but for a denial or an undecided trust policy: those are the answer, and the exit
/// code says so.
pub async fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    let file = args.edges.load(world)?;
    let job = args.job.settle(file.rehearsal.as_ref(), None, world)?;
    let edges = with_trust(file.edges)?;
    let sandbox = Sandbox::start(Options {
        edges: edges.clone(),
        // An edge without a trust policy is shown to its end; its decision is undecided all the same.
        open: true,
        github: job.github.clone(),
        gitlab: job.gitlab.clone(),
        claims: job.claims.clone(),
        ..Options::default()
    })
    .await?;
    let inside = inside(&sandbox, &job, world)?;
    let client = Client::new(&inside, net::DEADLINE, true)?;
    let source = runner::choose(&Wanted::default(), &inside)?.source;
    let asked = common::asked(edges.iter().map(|(edge, _)| edge.clone()).collect(), &inside, true)?;
    let attempts = attempt_all(&asked, &source, &client, &inside).await;
    let findings: Vec<Finding> = attempts
        .into_iter()
        .zip(&edges)
        .map(|(attempt, (edge, trust))| finding(attempt, edge, trust.as_ref(), &job.issuer))
        .collect();
    let plan = plan(&findings, args.deliver, world)?;
    let sent = client.sent();
    match args.format {
        Format::Text => render::page(&text(&findings, &job, &plan, &sent, &sandbox, style))?,
        Format::Json => render::json(&document(&findings, &job, &plan, &sent, &sandbox))?,
    }
    exit_code(&findings)
}

/// Each edge with the trust policy that it names.
pub(super) fn with_trust(edges: Vec<Edge>) -> Result<Vec<(Edge, Option<TrustPolicy>)>> {
    edges.into_iter().map(|edge| trust_of(&edge).map(|trust| (edge, trust))).collect()
}

/// The trust policy that an edge names.
///
/// # Errors
/// Its file cannot be read, or has not the shape that the destination prints.
pub(super) fn trust_of(edge: &Edge) -> Result<Option<TrustPolicy>> {
    let Some(path) = &edge.trust else { return Ok(None) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::usage("trust-policy", format!("cannot read {}: {error}", path.display()))
            .at(edge.title())
            .hint("trust names a file beside the edge file")
    })?;
    let trust = TrustPolicy::parse(edge.destination(), &text);
    trust.map(Some).map_err(|error| error.at(path.display()).at(edge.title()))
}

/// The job as the sandbox plays it: its variables and nothing of this machine's, but for the clock.
fn inside(sandbox: &Running, job: &Job, world: &World) -> Result<World> {
    let variables = sandbox.plain_variables(job.runner)?;
    let start = World::nothing().at(world.clock);
    Ok(variables.iter().fold(start, |world, (name, value)| world.with(name, value)))
}

fn finding(attempt: Attempt, edge: &Edge, trust: Option<&TrustPolicy>, issuer: &str) -> Finding {
    let gate_closed = attempt.outcome.as_ref().is_err_and(|error| error.code == "gate");
    let explanation = match (trust, &attempt.id_token) {
        (Some(trust), Some(token)) => {
            // As the destination would see the token: the stand-in's own `iss` is in nobody's condition.
            let mut claims = token.unverified.clone();
            claims.set("iss", issuer);
            Some(trust::evaluate(trust, &attempt.asked.edge, issuer, &claims))
        }
        _ => None,
    };
    let decision = match (&explanation, &attempt.outcome) {
        _ if gate_closed => Decision::Denied,
        (Some(explanation), Ok(_)) => explanation.decision,
        // The sandbox refused although the trust policy lets the job in: it is the refusal that counts.
        (Some(explanation), Err(_)) if explanation.decision == Decision::Allowed => Decision::Denied,
        (Some(explanation), Err(_)) => explanation.decision,
        (None, Ok(_)) => Decision::Undecided,
        (None, Err(_)) => Decision::Denied,
    };
    Finding { written: edge.clone(), attempt, explanation, decision }
}

fn plan(findings: &[Finding], deliver: Deliver, world: &World) -> Result<Plan> {
    let grants: Vec<_> = findings
        .iter()
        .filter(|finding| finding.decision != Decision::Denied)
        .filter_map(|finding| {
            // With the edge as it is written: the stand-in's addresses are no part of what a login would write.
            let grant = finding.attempt.outcome.as_ref().ok()?.clone();
            Some(Grant { edge: finding.written.clone(), ..grant })
        })
        .collect();
    let nothing = World::nothing().at(world.clock);
    delivery::plan(&grants, &delivery::Options::new(&nothing, deliver.mode(), Path::new(ROOT)))
}

/// 0 when every edge is allowed, 4 when one is denied, 8 when one is undecided; another failure is that failure.
fn exit_code(findings: &[Finding]) -> Result<u8> {
    for finding in findings {
        if let Err(error) = &finding.attempt.outcome
            && error.kind != Kind::Denied
        {
            return Err(error.clone());
        }
    }
    let any = |decision| findings.iter().any(|finding| finding.decision == decision);
    Ok(match (any(Decision::Denied), any(Decision::Undecided)) {
        (true, _) => Kind::Denied.exit_code(),
        (false, true) => Kind::Undecided.exit_code(),
        (false, false) => 0,
    })
}

fn text(findings: &[Finding], job: &Job, plan: &Plan, sent: &[Sent], sandbox: &Running, style: Style) -> String {
    let mut out = String::new();
    let subject =
        findings.iter().find_map(|finding| finding.attempt.id_token.as_ref()).map(|token| token.unverified.subject());
    let told_by = format!("{} (from {})", job.runner.name(), job.told_by);
    for (label, text) in [("job", told_by), ("issuer", job.issuer.clone()), ("subject", subject.unwrap_or_default())] {
        let _ = writeln!(out, "{}   {}", style.faint(&format!("{label:<7}")), clean(&text, &[]));
    }
    for finding in findings {
        let Finding { written: edge, attempt, explanation, decision } = finding;
        let decided = decision.to_string();
        let decided = if *decision == Decision::Allowed { style.good(&decided) } else { style.bad(&decided) };
        let _ = writeln!(out, "\n{}: {decided}", edge.title());
        let mut line = |label: &str, text: &str| {
            let label = format!("{label:<11}");
            let label = if label.trim().is_empty() { label } else { style.faint(&label) };
            let _ = writeln!(out, "  {label} {text}");
        };
        line("asks for", &edge.identity());
        line("audience", &edge.audience);
        match &attempt.outcome {
            Err(error) if error.code == "gate" => {
                line("gate", "closed; nothing would be sent");
                for (label, value) in &error.details {
                    line("", &format!("{label}: {value}"));
                }
            }
            _ if edge.require.is_empty() => line("gate", "no require table"),
            _ => line("gate", &format!("open: {} hold", edge.require.keys().cloned().collect::<Vec<_>>().join(", "))),
        }
        match (&edge.trust, explanation) {
            (None, _) => line("trust", "no trust policy is named: set trust = \"FILE\" to have it decided"),
            (Some(path), Some(explanation)) => {
                let (all, failed) = (explanation.reasons().len(), explanation.failed());
                line("trust", &format!("{}: {} of {all} checks hold", near(path), all - failed.len()));
                for node in failed {
                    let name = if node.what.is_empty() { &node.path } else { &node.what };
                    let presented = if node.presented.is_empty() { "nothing" } else { &node.presented };
                    line("", &format!("{} {}", clean(name, &[]), verdict(node.verdict)));
                    line("", &format!("  expected   {}", clean(&node.expected, &[])));
                    line("", &format!("  presented  {}", clean(presented, &[])));
                    if let Some(hint) = &node.hint {
                        line("", &format!("  hint       {}", clean(hint, &[])));
                    }
                }
                if let Some(note) = &explanation.note {
                    line("note", note);
                }
            }
            (Some(path), None) => line("trust", &format!("{}: no claims to compare", near(path))),
        }
        match &attempt.outcome {
            Ok(grant) if *decision != Decision::Denied => {
                line("identity", &grant.identity);
                let left = grant.credential.expiration() - attempt.started;
                let left = std::time::Duration::from_secs(left.whole_seconds().unsigned_abs());
                let expires = delivery::rfc3339(grant.credential.expiration());
                line("expires", &format!("{expires} (in {})", duration::text(left)));
                for file in plan.files.iter().filter(|file| file.edge == edge.name) {
                    line("would write", &file.path(&plan.root).display().to_string());
                }
                let names: Vec<&str> = plan
                    .variables
                    .iter()
                    .filter(|variable| variable.edge == edge.name)
                    .map(|variable| variable.name)
                    .collect();
                if !names.is_empty() {
                    line("would set", &names.join(" "));
                }
            }
            Ok(_) => {}
            Err(error) => {
                line("answer", &error.message);
                for hint in &error.hints {
                    line("hint", hint);
                }
            }
        }
    }
    let shared: Vec<_> = plan
        .files
        .iter()
        .filter(|file| findings.iter().all(|finding| finding.attempt.asked.edge.name != file.edge))
        .map(|file| file.path(&plan.root).display().to_string())
        .collect();
    if !shared.is_empty() {
        let _ = writeln!(out, "\nfor several edges\n  would write {}", shared.join(" "));
    }
    let _ = writeln!(out, "\nrequests (to the sandbox, which stood in for these)");
    for sent in sent {
        let status = sent.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let _ = writeln!(out, "  {:<4} {} → {status}", sent.method, real(&sent.target, sandbox, findings));
    }
    out
}

/// The last two parts of a path: enough to find the file, short enough to read.
fn near(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.get(parts.len().saturating_sub(2)..).unwrap_or_default().join("/")
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Match => "holds",
        Verdict::Mismatch => "differs",
        Verdict::Missing => "is missing from the claims",
        Verdict::Unsupported => "is not decided: its meaning is not documented, or not understood here yet",
    }
}

/// The address that the sandbox stood in for.
fn real(target: &str, sandbox: &Running, findings: &[Finding]) -> String {
    let Some(path) = target.strip_prefix(&sandbox.http_url()) else { return target.to_owned() };
    for finding in findings {
        let moved = match Endpoints::of(&finding.written, &World::nothing(), false).ok() {
            Some(Endpoints::Aws { sts, .. }) => path.strip_prefix("/aws").map(|rest| (sts, rest)),
            Some(Endpoints::Gcp { token, iam_credentials }) => path
                .strip_prefix("/gcp/sts/v1/token")
                .map(|rest| (token, rest))
                .or_else(|| path.strip_prefix("/gcp/iamcredentials/v1").map(|rest| (iam_credentials, rest))),
            Some(Endpoints::Azure { authority }) => path.contains("/oauth2/").then_some((authority, path)),
            None => None,
        };
        if let Some((endpoint, rest)) = moved {
            return format!("{}{rest}", endpoint.url().as_str().trim_end_matches('/'));
        }
    }
    if path.starts_with("/github/token") { "the runner's token endpoint".to_owned() } else { path.to_owned() }
}

fn document(findings: &[Finding], job: &Job, plan: &Plan, sent: &[Sent], sandbox: &Running) -> Value {
    let edges: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let edge = &finding.attempt.asked.edge;
            let granted = finding.attempt.outcome.as_ref().ok().filter(|_| finding.decision != Decision::Denied);
            json!({
                "edge": edge.name,
                "destination": edge.destination().as_str(),
                "decision": finding.decision,
                "explanation": finding.explanation,
                "identity": granted.map(|grant| grant.identity.clone()),
                "expiration": granted.map(|grant| delivery::rfc3339(grant.credential.expiration())),
                "error": finding.attempt.outcome.as_ref().err().map(render::error_json),
            })
        })
        .collect();
    json!({
        "runner": job.runner.name(),
        "issuer": job.issuer,
        "edges": edges,
        "files": plan.files.iter().map(|file| json!({"edge": file.edge, "path": file.path(&plan.root)})).collect::<Vec<_>>(),
        "variables": plan.variables.iter()
            .map(|variable| json!({"edge": variable.edge, "name": variable.name, "secret": variable.secret}))
            .collect::<Vec<_>>(),
        "requests": sent.iter()
            .map(|sent| json!({
                "method": sent.method.as_str(),
                "url": real(&sent.target, sandbox, findings),
                "status": sent.status,
            }))
            .collect::<Vec<_>>(),
    })
}
