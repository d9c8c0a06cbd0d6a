//! An edge before it is valid: what was written, each value with its place, whatever the source (file or flags).
//!
//! The file and the flags both become drafts, and [`super::valid`] turns drafts into edges: there is one set of rules.

use std::collections::BTreeMap;

use time::Date;

use super::Problems;

/// One written value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A date without a time.
    Date(Date),
    /// An array.
    List(Vec<Entry>),
    /// A table.
    Table(BTreeMap<String, Entry>),
    /// Anything else, by the name of its type.
    Other(&'static str),
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// `jobpass.toml:12:8`, or `--aws-role`.
    pub place: String,
}

impl Entry {
    /// The name of what stands there, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Flag(_) => "a boolean",
            Value::Date(_) => "a date",
            Value::List(_) => "an array",
            Value::Table(_) => "a table",
            Value::Other(name) => name,
        }
    }
}

/// One edge as written.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The edge's name.
    pub name: String,
    /// Where the edge begins.
    pub place: String,
    /// Values that were not taken yet.
    entries: BTreeMap<String, Entry>,
    /// The keys that were asked for, to suggest one for a misspelt key.
    known: Vec<&'static str>,
    /// How a missing key is spoken of, where keys are flags.
    missing: Option<Missing>,
}

/// Where keys are flags, a missing one is named by its flag.
#[derive(Clone, Debug)]
pub struct Missing {
    /// Key, and the name of its flag.
    pub names: Vec<(&'static str, &'static str)>,
    /// A flag that was given: the reason why others are needed.
    pub given: &'static str,
    /// What to do, from the flag's name and an example.
    pub hint: fn(&str, &str) -> String,
}

impl Draft {
    /// A draft of these entries.
    #[must_use]
    pub fn new(name: impl Into<String>, place: impl Into<String>, entries: BTreeMap<String, Entry>) -> Self {
        Draft { name: name.into(), place: place.into(), entries, known: Vec::new(), missing: None }
    }

    /// The same draft, of flags.
    #[must_use]
    pub fn from_flags(mut self, missing: Missing) -> Self {
        self.missing = Some(missing);
        self
    }

    /// Takes one entry out.
    pub fn take(&mut self, key: &'static str) -> Option<Entry> {
        self.known.push(key);
        self.entries.remove(key)
    }

    /// Takes a string; another type is a problem.
    pub fn text(&mut self, key: &'static str, problems: &mut Problems) -> Option<(String, String)> {
        let entry = self.take(key)?;
        match entry.value {
            Value::Text(text) => {
                if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
                    problems.push(entry.place, format!("{key} holds a control character"), None);
                    return None;
                }
                Some((text, entry.place))
            }
            _ => {
                problems.push(&entry.place, format!("{key} is {}, expected a string", entry.kind()), None);
                None
            }
        }
    }

    /// Takes a string that must be there.
    pub fn required(&mut self, key: &'static str, example: &str, problems: &mut Problems) -> Option<(String, String)> {
        let missing = !self.entries.contains_key(key);
        let taken = self.text(key, problems);
        let flag = self.missing.as_ref().and_then(|flags| {
            let (_, name) = flags.names.iter().find(|(known, _)| *known == key)?;
            Some((*name, flags))
        });
        if let (true, Some((name, flags))) = (missing, flag) {
            let message =
                format!("is missing or empty, and {} is given; expected something like {example}", flags.given);
            problems.push(name, message, Some((flags.hint)(name, example)));
        } else if missing {
            let message = format!("edge `{}` has no {key}", self.name);
            problems.push(&self.place, message, Some(format!("add {key} = \"{example}\"")));
        }
        taken
    }

    /// Takes an array of strings; a single string counts as an array of one.
    pub fn texts(&mut self, key: &'static str, problems: &mut Problems) -> Vec<(String, String)> {
        let Some(entry) = self.take(key) else { return Vec::new() };
        let entries = match entry.value {
            Value::Text(_) => vec![entry],
            Value::List(entries) => entries,
            _ => {
                problems.push(&entry.place, format!("{key} is {}, expected an array of strings", entry.kind()), None);
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for entry in entries {
            match entry.value {
                Value::Text(text) => texts.push((text, entry.place)),
                _ => problems.push(&entry.place, format!("{key} holds {}, expected strings", entry.kind()), None),
            }
        }
        texts
    }

    /// Takes a boolean.
    pub fn flag(&mut self, key: &'static str, problems: &mut Problems) -> Option<bool> {
        let entry = self.take(key)?;
        match entry.value {
            Value::Flag(flag) => Some(flag),
            _ => {
                problems.push(&entry.place, format!("{key} is {}, expected true or false", entry.kind()), None);
                None
            }
        }
    }

    /// Reports every key that nobody took.
    pub fn finish(self, problems: &mut Problems) {
        for (key, entry) in &self.entries {
            let hint = nearest(key, &self.known).map(|known| format!("did you mean `{known}`?"));
            problems.push(&entry.place, format!("`{}` has the unknown key `{key}`", self.name), hint);
        }
    }
}

/// The known word that differs least, when it differs in at most a third of its letters.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, best) = known.iter().map(|candidate| (distance(word, candidate), *candidate)).min()?;
    (distance <= best.len().div_ceil(3)).then_some(best)
}

/// Levenshtein distance, row by row.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((y, above), above_left) in b.chars().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push((left + 1).min(above + 1).min(above_left + usize::from(x != y)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_the_nearest_key_only_when_it_is_near() {
        assert_eq!(nearest("regoin", &["role", "region"]), Some("region"));
        assert_eq!(nearest("color", &["role", "region"]), None);
    }
}
