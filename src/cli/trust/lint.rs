//! `jobpass trust lint`: the rules over files, a directory, or every edge of an edge file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::{Value, json};
use time::Date;

use super::sarif;
use crate::cli::render::{self, Style};
use crate::edge::exempt::Exemption;
use crate::edge::{Edge, file};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::secret::clean;
use crate::trust::lint::{self, Finding, Severity};
use crate::trust::{self, Place, TrustPolicy, Workflow};
use crate::world::World;

/// Arguments of `jobpass trust lint`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Trust policies as the clouds' tools print them, GitHub workflows, or directories of them (*.json; templates and workflows in
    /// *.yaml or *.yml)
    /// [default: those of the edge file's edges]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The edge file, for its edges' trust policies and for exemptions [default: jobpass.toml here or above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// text, json or sarif
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Exit 1 on findings from this severity on: info, low, medium, high or critical
    #[arg(long, value_name = "SEVERITY", default_value = "high", hide_possible_values = true)]
    pub fail_on: FailOn,
}

/// `--format text|json|sarif`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one object on standard output, whatever the outcome.
    Json,
    /// For code scanning: SARIF 2.1.0.
    Sarif,
}

/// `--fail-on`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Everything.
    Info,
    /// From low on.
    Low,
    /// From medium on.
    Medium,
    /// From high on.
    #[default]
    High,
    /// Critical ones only.
    Critical,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            FailOn::Info => Severity::Info,
            FailOn::Low => Severity::Low,
            FailOn::Medium => Severity::Medium,
            FailOn::High => Severity::High,
            FailOn::Critical => Severity::Critical,
        }
    }
}

/// A finding of one file.
pub(super) struct Found {
    /// As it was named, or as it stands below a directory that was.
    pub(super) file: String,
    /// The file itself.
    pub(super) path: PathBuf,
    pub(super) finding: Finding,
    /// What lets it stay.
    pub(super) exempt: Option<Exemption>,
}

/// What is read: a file, and the edge that names it.
struct Wanted {
    path: PathBuf,
    shown: String,
    edge: Option<Edge>,
    /// Met in a directory: a YAML file may be anything there.
    met: bool,
}

/// Prints the findings: exit 1 when one is as bad as `--fail-on`, else 0.
///
/// # Errors
/// Exit 2 for a file that cannot be read.
pub fn run(args: &Args, world: &World, style: Style) -> Result<u8> {
    let settings = settings(args, world)?;
    let wanted = wanted(args, settings.as_ref(), world)?;
    let now = world.clock.now();
    let (mut found, mut decisions) = (Vec::new(), 0);
    let mut looked_at = Vec::new();
    let edges = settings.as_ref().map_or(&[][..], |(_, file)| &file.edges);
    let reports = look_at_all(&wanted, edges, now.unix_timestamp());
    for (one, report) in wanted.into_iter().zip(reports) {
        let Some(report) = report? else { continue };
        decisions += report.decisions;
        found.extend(report.findings.into_iter().map(|finding| Found {
            file: one.shown.clone(),
            path: one.path.clone(),
            finding,
            exempt: None,
        }));
        looked_at.push(one);
    }
    let wanted = looked_at;
    if wanted.is_empty() {
        return Err(nothing());
    }
    if let Some((path, settings)) = &settings {
        exempt(&mut found, &wanted, path, settings, now.date(), world);
    }
    match args.format {
        Format::Text => render::page(&text(&found, wanted.len(), decisions, style))?,
        Format::Json => render::json(&document(&found, wanted.len(), decisions))?,
        Format::Sarif => render::json(&sarif::document(&found, world))?,
    }
    let bad = |one: &Found| one.exempt.is_none() && one.finding.severity >= args.fail_on.severity();
    Ok(if found.iter().any(bad) { Kind::Findings.exit_code() } else { 0 })
}

/// The edge file that is named, or the nearest one: it has the exemptions.
fn settings(args: &Args, world: &World) -> Result<Option<(PathBuf, file::File)>> {
    let path = match &args.config {
        Some(path) => Some(world.resolve(path)?),
        None => file::find(world),
    };
    path.map(|path| file::load(&path).map(|file| (path, file))).transpose()
}

fn wanted(args: &Args, settings: Option<&(PathBuf, file::File)>, world: &World) -> Result<Vec<Wanted>> {
    let mut all = Vec::new();
    if args.files.is_empty() {
        for edge in settings.into_iter().flat_map(|(_, file)| &file.edges) {
            if let Some(path) = &edge.trust {
                all.push(Wanted { path: path.clone(), shown: near(path, world), edge: Some(edge.clone()), met: false });
            }
        }
    }
    for named in &args.files {
        let path = world.resolve(named)?;
        if path.is_dir() {
            let mut below = Vec::new();
            walk(&path, &mut below)?;
            all.extend(below.into_iter().map(|path| Wanted { shown: near(&path, world), path, edge: None, met: true }));
        } else {
            all.push(Wanted { shown: named.display().to_string(), path, edge: None, met: false });
        }
    }
    if all.is_empty() {
        return Err(nothing());
    }
    Ok(all)
}

fn nothing() -> Error {
    Error::usage("no-trust-policies", "there is neither a trust policy nor a workflow to look at").hint(
        "name files, directories of *.json, templates or workflows, or an edge file whose edges have `trust`, with --config",
    )
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Every `*.json`, `*.yaml` and `*.yml` below a directory, sorted; links to directories are not followed, nor hidden ones entered.
fn walk(directory: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error: std::io::Error| unreadable(&format!("cannot read {}: {error}", directory.display()));
    let mut entries: Vec<_> =
        std::fs::read_dir(directory).map_err(unreadable)?.collect::<std::io::Result<_>>().map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden {
            walk(&path, into)?;
        } else if !kind.is_dir() && (path.extension().is_some_and(|extension| extension == "json") || is_yaml(&path)) {
            into.push(path);
        }
    }
    Ok(())
}

/// As seen from the working directory, where it lies below it.
fn near(path: &Path, world: &World) -> String {
    let below = world.directory.as_deref().and_then(|directory| path.strip_prefix(directory).ok());
    below.unwrap_or(path).display().to_string()
}

fn unreadable(why: &str) -> Error {
    Error::usage("trust-policy", why)
}

/// Every file, in order, by as many threads as the machine has cores. They take turns: what lies beside each other is alike, and one
/// cloud's takes longer than another's.
fn look_at_all(wanted: &[Wanted], edges: &[Edge], now: i64) -> Vec<Result<Option<lint::Report>>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(wanted.len()).max(1);
    let share =
        |first: usize| wanted.iter().skip(first).step_by(threads).map(|one| look(one, edges, now)).collect::<Vec<_>>();
    let mut shares: Vec<_> = std::thread::scope(|scope| {
        let share = &share;
        let running: Vec<_> = (1..threads).map(|first| scope.spawn(move || share(first))).collect();
        let own = share(0);
        let others = running.into_iter().map(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        std::iter::once(own).chain(others).map(Vec::into_iter).collect()
    });
    (0..wanted.len()).filter_map(|at| shares.get_mut(at % threads)?.next()).collect()
}

/// `None` for what was only met, and is neither a workflow nor a template with a role.
fn look(wanted: &Wanted, edges: &[Edge], now: i64) -> Result<Option<lint::Report>> {
    let met = wanted.met && is_yaml(&wanted.path);
    let bytes =
        files::read_limited(&wanted.path, trust::MOST_BYTES as u64).map_err(|error| unreadable(&error.message))?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        Err(_) if met => return Ok(None),
        Err(_) => return Err(unreadable(&format!("cannot read {}: it is not UTF-8", wanted.shown))),
    };
    if wanted.edge.is_none() && is_yaml(&wanted.path) {
        let workflow = Workflow::recognise(text).map_err(|error| error.at(&wanted.shown))?;
        if let Some(workflow) = workflow {
            return Ok(Some(lint::lint_workflow(&workflow, edges)));
        }
    }
    let trust = match &wanted.edge {
        Some(edge) => TrustPolicy::parse(edge.destination(), text).map(Some),
        None if met => TrustPolicy::template(text),
        None => TrustPolicy::recognise(text).map(Some),
    };
    let trust = trust.map_err(|error| error.at(&wanted.shown))?;
    Ok(trust.map(|trust| lint::lint(&trust, &lint::Options { now, edge: wanted.edge.as_ref() })))
}

/// Marks what is exempt; an exemption past its date, or one that hides nothing, is a finding itself.
fn exempt(found: &mut Vec<Found>, wanted: &[Wanted], path: &Path, settings: &file::File, today: Date, world: &World) {
    let mut more = Vec::new();
    for exemption in &settings.exemptions {
        let by_edge = settings.edges.iter().find(|edge| Some(&edge.name) == exemption.edge.as_ref());
        let file = exemption.file.clone().or_else(|| by_edge.and_then(|edge| edge.trust.clone()));
        let about: Vec<&str> = wanted
            .iter()
            .filter(|one| file.as_ref().is_some_and(|file| same(file, &one.path)))
            .map(|one| one.shown.as_str())
            .collect();
        if about.is_empty() && by_edge.is_some() | exemption.file.is_some() {
            // What it is for was not looked at this time.
            continue;
        }
        let mut hidden = false;
        for one in found.iter_mut().filter(|one| about.contains(&one.file.as_str())) {
            let path = exemption.path.as_ref().is_none_or(|path| *path == one.finding.path);
            if one.finding.rule.code == exemption.rule && path {
                hidden = true;
                if exemption.until >= today {
                    one.exempt = Some(exemption.clone());
                }
            }
        }
        let code = match (exemption.until >= today, hidden) {
            (false, _) => "TP090",
            (true, false) => "TP091",
            (true, true) => continue,
        };
        let Some(rule) = lint::rules().find(|rule| rule.code == code) else { continue };
        let what = match code {
            "TP090" => format!("the exemption from {} held until {}", exemption.rule, exemption.until),
            _ => format!("the exemption from {} hides nothing", exemption.rule),
        };
        let message = format!("{what} ({})", exemption.place);
        let finding = Finding { place: place(&exemption.place), ..rule.about("", message) };
        more.push(Found { file: near(path, world), path: path.to_owned(), finding, exempt: None });
    }
    found.extend(more);
}

/// The line and column that a place in the edge file ends with.
fn place(text: &str) -> Option<Place> {
    let mut parts = text.rsplit(':').map(str::parse);
    let (column, line) = (parts.next()?.ok()?, parts.next()?.ok()?);
    Some(Place { line, column })
}

/// Whether two paths name one file; what does not exist is compared as text.
fn same(one: &Path, other: &Path) -> bool {
    one == other || one.canonicalize().ok().zip(other.canonicalize().ok()).is_some_and(|(one, other)| one == other)
}

/// Findings that count, and how many of each severity.
fn count(found: &[Found]) -> Vec<(Severity, usize)> {
    let of = |severity| found.iter().filter(|one| one.exempt.is_none() && one.finding.severity == severity).count();
    Severity::ALL.into_iter().rev().map(|severity| (severity, of(severity))).filter(|(_, count)| *count > 0).collect()
}

fn text(found: &[Found], files: usize, decisions: usize, style: Style) -> String {
    let mut out = String::new();
    let mut file = "";
    for one in found.iter().filter(|one| one.exempt.is_none()) {
        if one.file != file {
            let _ = writeln!(out, "{}{}", if file.is_empty() { "" } else { "\n" }, clean(&one.file, &[]));
            file = &one.file;
        }
        let Finding { rule, severity, path, place, message, admits, token, unlike } = &one.finding;
        let label = format!("{severity:<8}", severity = severity.as_str());
        let label = if *severity >= Severity::High { style.bad(&label) } else { style.faint(&label) };
        let _ = writeln!(out, "  {label} {}  {}", rule.code, clean(message, &[]));
        let mut line = |label: &str, text: &str| {
            let _ = writeln!(out, "           {}  {}", style.faint(&format!("{label:<7}")), clean(text, &[]));
        };
        let place = place.map(|place| format!("line {}", place.line));
        let at: Vec<&str> =
            [path.as_str(), place.as_deref().unwrap_or_default()].into_iter().filter(|text| !text.is_empty()).collect();
        if !at.is_empty() {
            line("at", &at.join("  "));
        }
        for (at, subject) in admits.iter().enumerate() {
            line(if at == 0 { "gets in" } else { "" }, subject);
        }
        if *severity > Severity::Info {
            // The first of the subjects; JSON has its token as a whole.
            let claims = token.as_ref().map(|token| claims(token, unlike)).unwrap_or_default();
            for (at, claims) in claims.iter().enumerate() {
                line(if at == 0 { "with" } else { "" }, claims);
            }
            line("fix", rule.fix);
        }
    }
    let counts: Vec<String> = count(found).iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    let exempted = found.iter().filter(|one| one.exempt.is_some()).count();
    let counts = if counts.is_empty() { "no finding".to_owned() } else { counts.join(", ") };
    let exempted = if exempted == 0 { String::new() } else { format!(", {exempted} exempted") };
    let (s, files) = (if files == 1 { "" } else { "s" }, files);
    let _ = writeln!(
        out,
        "{}{counts}{exempted}; {files} file{s}, {decisions} tokens decided",
        if file.is_empty() { "" } else { "\n" }
    );
    out
}

/// What of a token is unlike the intended job's, a few claims on each line; the subject stands above.
fn claims(token: &crate::claims::Claims, unlike: &[String]) -> Vec<String> {
    const WIDTH: usize = 100;
    let mut lines: Vec<String> = Vec::new();
    for name in unlike.iter().filter(|name| *name != "sub") {
        let pair = match token.value(name) {
            Some(value) => format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
            None => format!("no {name}"),
        };
        match lines.last_mut() {
            Some(last) if last.len() + pair.len() < WIDTH => *last = format!("{last}  {pair}"),
            _ => lines.push(pair),
        }
    }
    lines
}

/// Adds a member to an object.
pub(super) fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

fn document(found: &[Found], files: usize, decisions: usize) -> Value {
    let one = |found: &Found| {
        let Finding { rule, severity, path, place, message, admits, token, unlike } = &found.finding;
        let mut one = json!({
            "code": rule.code, "severity": severity, "name": rule.name, "file": found.file, "path": path,
            "message": message, "why": rule.why, "fix": rule.fix, "admits": admits,
        });
        if let Some(place) = place {
            put(&mut one, "line", place.line);
            put(&mut one, "column", place.column);
        }
        if let Some(token) = token {
            put(&mut one, "token", Value::Object(token.as_map().clone()));
            put(&mut one, "unlike", unlike.clone());
        }
        if let Some(exempt) = &found.exempt {
            put(&mut one, "exempt", json!({"reason": exempt.reason, "until": exempt.until.to_string()}));
        }
        one
    };
    let list = |exempt: bool| found.iter().filter(|one| one.exempt.is_some() == exempt).map(one).collect::<Vec<_>>();
    let counts: serde_json::Map<String, Value> =
        count(found).into_iter().map(|(severity, count)| (severity.to_string(), count.into())).collect();
    json!({
        "findings": list(false),
        "exempted": list(true),
        "summary": {"files": files, "decisions": decisions, "severities": counts},
    })
}
