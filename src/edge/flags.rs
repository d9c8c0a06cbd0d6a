//! Without a file, flags describe one edge per cloud; they become the same drafts as the file's tables. The inputs of the GitHub
//! Action are flags under other names.

use std::collections::BTreeMap;
use std::path::Path;

use super::draft::{Draft, Entry, Missing, Value};
use super::valid::{self, Defaults};
use super::{Edge, Problems};

/// One destination's flags: the destination's name and `(flag, key, values)` for each flag that was given.
pub struct Given {
    /// `aws`, `gcp`, `azure`; also the edge's name.
    pub destination: &'static str,
    /// What the flag is called where it was given, key of the edge file, values.
    pub values: Vec<(&'static str, &'static str, Vec<String>)>,
    /// The keys that the destination cannot do without, and what the flag for each is called.
    pub required: Vec<(&'static str, &'static str)>,
    /// What to do about a flag that is missing, from its name and an example of its value.
    pub absent: fn(&str, &str) -> String,
}

/// Validates what the flags describe; `shared` belongs to every destination that does not say otherwise.
pub fn edges(given: Vec<Given>, shared: &[(&'static str, &'static str, String)], problems: &mut Problems) -> Vec<Edge> {
    let mut drafts = Vec::new();
    for Given { destination, values, required, absent } in given {
        let Some((first, ..)) = values.first() else { continue };
        let missing = Missing { names: required, given: first, hint: absent };
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
        drafts.push(Draft::new(destination, destination, entries).from_flags(missing));
    }
    valid::edges(drafts, &Defaults::default(), Path::new(""), problems)
}
