//! What passes handed to the job's variables, and what each of these is set to when they end.
//!
//! A variable is ours to end while it has the value that we gave it, or none. Passes can lie on top of each other: the later
//! one's end gives back what the earlier one had set, and when both end, what stood there before either.

use std::collections::BTreeMap;

use super::earlier::Earlier;
use super::journal::Journal;
use crate::delivery::github_env::is_variable_name;
use crate::error::Error;
use crate::secret::Secret;
use crate::world::World;

/// What one ended pass had handed over.
pub(super) struct Handed {
    /// Its journal.
    pub(super) journal: Journal,
    /// What stood there before, where that is known.
    pub(super) earlier: Earlier,
    /// Why it is not known, where it should be.
    pub(super) failure: Option<Error>,
}

/// One pass's part in one variable.
struct Layer<'a> {
    digest: Option<&'a str>,
    after: Secret,
}

/// What to set, and the names that are left to another step.
pub(super) fn settle(mut handed: Vec<Handed>, world: &World) -> (BTreeMap<String, Secret>, Vec<String>) {
    handed.sort_by_key(|one| std::cmp::Reverse(one.journal.created));
    let (mut set, mut others) = (BTreeMap::new(), Vec::new());
    for (name, mut layers) in layers(&handed) {
        let standing = world.var(&name).ok().flatten();
        let top = match standing {
            None => Some(0),
            Some(value) => layers.iter().position(|layer| layer.is(value)),
        };
        let Some(top) = top else {
            // Blanked by us and set anew by somebody is the usual course of things, and nothing to speak of.
            if layers.iter().any(|layer| layer.digest.is_some()) {
                others.push(name);
            }
            continue;
        };
        let mut layer = layers.remove(top);
        let mut ours = layer.digest.is_some();
        while let Some(below) = layers.iter().position(|below| below.is(layer.after.reveal())) {
            layer = layers.remove(below);
            ours |= layer.digest.is_some();
        }
        // What was only blanked stays blank.
        if ours || !layer.after.is_empty() {
            set.insert(name, layer.after);
        }
    }
    (set, others)
}

fn layers(handed: &[Handed]) -> BTreeMap<String, Vec<Layer<'_>>> {
    let mut all: BTreeMap<String, Vec<Layer<'_>>> = BTreeMap::new();
    for Handed { journal, earlier, .. } in handed {
        let set = journal.variables.iter().map(|one| (&one.name, Some(one.digest.as_str()), one.after.as_str()));
        let blanked = journal.blanked.iter().map(|name| (name, None, ""));
        for (name, digest, after) in set.chain(blanked).filter(|(name, ..)| is_variable_name(name)) {
            let after = earlier.get(name).cloned().unwrap_or_else(|| Secret::new(after));
            all.entry(name.clone()).or_default().push(Layer { digest, after });
        }
    }
    all
}

impl Layer<'_> {
    fn is(&self, value: &str) -> bool {
        match self.digest {
            Some(digest) => super::journal::digest(value) == digest,
            None => value.is_empty(),
        }
    }
}
