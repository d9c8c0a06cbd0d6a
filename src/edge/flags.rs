//! Without a file, flags describe one edge per cloud; they become the same drafts as the file's tables.

use std::collections::BTreeMap;
use std::path::Path;

use super::draft::{Draft, Entry, Value};
use super::valid::{self, Defaults};
use super::{Edge, Problems};
use crate::error::Result;

/// One destination's flags: the destination's name and `(flag, key, values)` for each flag that was given.
pub struct Given {
    /// `aws`, `gcp`, `azure`; also the edge's name.
    pub destination: &'static str,
    /// Flag, key of the edge file, values.
    pub values: Vec<(&'static str, &'static str, Vec<String>)>,
}

/// Validates what the flags describe.
///
/// # Errors
/// A usage error that lists every problem by flag.
pub fn edges(given: Vec<Given>, shared: &[(&'static str, &'static str, String)]) -> Result<Vec<Edge>> {
    let mut problems = Problems::default();
    let mut drafts = Vec::new();
    for Given { destination, values } in given {
        if values.is_empty() {
            continue;
        }
        let mut entries = BTreeMap::new();
        let text = |text: &str, place: &str| Entry { value: Value::Text(text.to_owned()), place: place.to_owned() };
        entries.insert("destination".to_owned(), text(destination, destination));
        for (flag, key, value) in shared {
            entries.insert((*key).to_owned(), text(value, flag));
        }
        for (flag, key, values) in values {
            let list: Vec<Entry> = values.iter().map(|value| text(value, flag)).collect();
            let entry = match list.as_slice() {
                [one] => one.clone(),
                _ => Entry { value: Value::List(list), place: flag.to_owned() },
            };
            entries.insert(key.to_owned(), entry);
        }
        drafts.push(Draft::new(destination, format!("--{destination}-…"), entries));
    }
    let edges = valid::edges(drafts, &Defaults::default(), Path::new(""), &mut problems);
    problems.into_result("the command line", edges)
}
