//! `jobpass.toml`: one file for every edge, read with the place of each value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use time::{Date, Month};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::draft::{Draft, Entry, Value, nearest};
use super::exempt::{self, Exemption};
use super::valid::{self, Defaults};
use super::{Edge, Problems};
use crate::error::{Error, Result};
use crate::world::World;

/// What an edge file says.
#[derive(Clone, Debug, Default)]
pub struct File {
    /// The edges, in the order of their names.
    pub edges: Vec<Edge>,
    /// `[dry-run]`: the job that a dry run stands in for when no flag says otherwise.
    pub rehearsal: Option<Rehearsal>,
    /// `[[lint.exempt]]`: findings that may stay for a while.
    pub exemptions: Vec<Exemption>,
}

/// The job that a dry run stands in for; what is not said follows from the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rehearsal {
    /// `github` or `gitlab`.
    pub runner: Option<String>,
    /// `OWNER/NAME`, or GitLab's project path.
    pub repository: Option<String>,
    /// `refs/heads/main`; in GitLab, `main`.
    pub r#ref: Option<String>,
    /// The environment's name.
    pub environment: Option<String>,
    /// `push`, `pull_request` …
    pub event: Option<String>,
}

impl Rehearsal {
    fn valid(mut draft: Draft, problems: &mut Problems) -> Rehearsal {
        let mut text = |key| draft.text(key, problems).map(|(text, _)| text);
        let rehearsal = Rehearsal {
            runner: text("runner"),
            repository: text("repository"),
            r#ref: text("ref"),
            environment: text("environment"),
            event: text("event"),
        };
        draft.finish(problems);
        rehearsal
    }
}

/// The file's name.
pub const NAME: &str = "jobpass.toml";
/// A larger file is refused, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The nearest `jobpass.toml`: in the working directory or above it.
#[must_use]
pub fn find(world: &World) -> Option<PathBuf> {
    world.directory.as_deref()?.ancestors().map(|directory| directory.join(NAME)).find(|path| path.is_file())
}

/// Reads and validates the file at `path`.
///
/// # Errors
/// A usage error that lists every problem with line and column.
pub fn load(path: &Path) -> Result<File> {
    let unreadable = |why: String| {
        Error::usage("configuration", format!("cannot read {}: {why}", path.display()))
            .hint("check the path and its checkout, or describe one edge per cloud with flags or inputs")
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(unreadable(format!("it has {size} bytes, more than {MAX_BYTES}")));
    }
    let text = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    parse(&text, path)
}

/// Validates the text of an edge file; `path` stands in messages and is what relative paths in it start from.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path) -> Result<File> {
    let name = path.file_name().map_or_else(|| NAME.to_owned(), |name| name.to_string_lossy().into_owned());
    let places = Places { text, name };
    let mut problems = Problems::default();
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = places.at(error.span().map_or(0, |span| span.start));
        problems.push(place, error.message().lines().collect::<Vec<_>>().join(", "), None);
    }
    let subject = places.name.clone();
    std::mem::take(&mut problems).into_result(&subject, ())?;
    let (mut defaults, mut rehearsal, mut lint) = (None, None, None);
    let mut drafts = Vec::new();
    for (key, value) in root.get_ref() {
        let place = places.at(key.span().start);
        match (key.get_ref().as_ref(), value.get_ref()) {
            ("defaults", DeValue::Table(table)) => {
                defaults = Some(Draft::new("defaults", place, places.entries(table)));
            }
            ("dry-run", DeValue::Table(table)) => {
                rehearsal = Some(Draft::new("dry-run", place, places.entries(table)));
            }
            ("lint", DeValue::Table(table)) => {
                lint = Some(Draft::new("lint", place, places.entries(table)));
            }
            ("edge", DeValue::Table(edges)) => {
                for (name, edge) in edges {
                    let place = places.at(name.span().start);
                    match edge.get_ref() {
                        DeValue::Table(table) => {
                            drafts.push(Draft::new(name.get_ref().as_ref(), place, places.entries(table)));
                        }
                        _ => problems.push(
                            place,
                            format!("edge.{} is not a table", name.get_ref()),
                            Some("write [edge.NAME]".to_owned()),
                        ),
                    }
                }
            }
            ("defaults" | "dry-run" | "lint" | "edge", _) => {
                problems.push(place, format!("{} is not a table", key.get_ref()), None)
            }
            (unknown, _) => {
                let hint = nearest(unknown, &["defaults", "dry-run", "lint", "edge"])
                    .map(|known| format!("did you mean `{known}`?"));
                problems.push(
                    place,
                    format!("unknown key `{unknown}`, expected defaults, dry-run, lint and edge.NAME"),
                    hint,
                );
            }
        }
    }
    let defaults = Defaults::valid(defaults, &mut problems);
    let rehearsal = rehearsal.map(|draft| Rehearsal::valid(draft, &mut problems));
    if drafts.is_empty() {
        problems.push(
            &subject,
            "there is no edge",
            Some("add a table [edge.NAME] with destination = \"aws\"".to_owned()),
        );
    }
    let base = path.parent().unwrap_or(Path::new(""));
    let exemptions = lint.map(|draft| exempt::valid(draft, base, &mut problems)).unwrap_or_default();
    let edges = valid::edges(drafts, &defaults, base, &mut problems);
    problems.into_result(&subject, File { edges, rehearsal, exemptions })
}

struct Places<'t> {
    text: &'t str,
    name: String,
}

impl Places<'_> {
    /// `jobpass.toml:12:8` for a byte offset; columns count characters.
    fn at(&self, offset: usize) -> String {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        format!("{}:{line}:{column}", self.name)
    }

    fn entries(&self, table: &DeTable<'_>) -> BTreeMap<String, Entry> {
        table.iter().map(|(key, value)| (key.get_ref().to_string(), self.entry(value))).collect()
    }

    fn entry(&self, value: &Spanned<DeValue<'_>>) -> Entry {
        let place = self.at(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Array(items) => Value::List(items.iter().map(|item| self.entry(item)).collect()),
            DeValue::Table(table) => Value::Table(self.entries(table)),
            DeValue::Datetime(moment) => match (moment.date, moment.time) {
                (Some(date), None) => Month::try_from(date.month)
                    .ok()
                    .and_then(|month| Date::from_calendar_date(i32::from(date.year), month, date.day).ok())
                    .map_or(Value::Other("no date of the calendar"), Value::Date),
                _ => Value::Other("a time"),
            },
            DeValue::Integer(_) => Value::Other("an integer"),
            DeValue::Float(_) => Value::Other("a float"),
        };
        Entry { value, place }
    }
}
