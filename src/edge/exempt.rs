//! `[[lint.exempt]]`: findings that somebody decided to live with, why, and until when.

use std::path::{Path, PathBuf};

use time::Date;

use super::Problems;
use super::draft::{Draft, Entry, Value};

/// One exemption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    /// The rule's code.
    pub rule: String,
    /// The trust policy's file, from the edge file's directory; `None` where the edge is named.
    pub file: Option<PathBuf>,
    /// The edge whose trust policy it is.
    pub edge: Option<String>,
    /// JSON pointer: this finding and no other of the rule.
    pub path: Option<String>,
    /// Why it may stay.
    pub reason: String,
    /// The last day that it holds.
    pub until: Date,
    /// Where it stands.
    pub place: String,
}

/// Reads `[lint]`; every problem is reported.
pub(super) fn valid(mut lint: Draft, base: &Path, problems: &mut Problems) -> Vec<Exemption> {
    let entries = match lint.take("exempt").map(|entry| (entry.place.clone(), entry.value)) {
        None => Vec::new(),
        Some((_, Value::List(entries))) => entries,
        Some((place, _)) => {
            problems.push(place, "lint.exempt is no list of tables", Some("write [[lint.exempt]]".to_owned()));
            Vec::new()
        }
    };
    lint.finish(problems);
    entries.into_iter().filter_map(|entry| one(entry, base, problems)).collect()
}

fn one(entry: Entry, base: &Path, problems: &mut Problems) -> Option<Exemption> {
    let place = entry.place.clone();
    let Value::Table(entries) = entry.value else {
        problems.push(place, format!("lint.exempt holds {}, expected tables", entry.kind()), None);
        return None;
    };
    let mut draft = Draft::new("lint.exempt", place.clone(), entries);
    let mut text = |key| draft.text(key, problems).map(|(text, _)| text).filter(|text| !text.trim().is_empty());
    let (rule, reason) = (text("rule"), text("reason"));
    let (file, edge, path) = (text("file"), text("edge"), text("path"));
    let until = match draft.take("until").map(|entry| (entry.place.clone(), entry.value)) {
        Some((_, Value::Date(date))) => Some(date),
        Some((place, _)) => {
            problems.push(place, "until is no date", Some("write until = 2027-03-01, without quotes".to_owned()));
            None
        }
        None => None,
    };
    draft.finish(problems);
    let mut missing = Vec::new();
    for (name, there) in [("rule", rule.is_some()), ("reason", reason.is_some()), ("until", until.is_some())] {
        if !there {
            missing.push(name);
        }
    }
    if file.is_some() == edge.is_some() {
        missing.push("file or edge (one of them)");
    }
    if !missing.is_empty() {
        problems.push(&place, format!("an exemption has to say {}", missing.join(", ")), None);
        return None;
    }
    Some(Exemption {
        rule: rule?,
        file: file.map(|file| base.join(file)),
        edge,
        path,
        reason: reason?,
        until: until?,
        place,
    })
}
