//! What two trust policies say differently: the declared one, and the live one.
//!
//! Each is taken apart into facts; order, one value or a list of one, the case of names that have none, white space in an
//! expression and names for people make no difference. What is not understood cannot be called equal: it is *undecided*.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Rules, TrustPolicy, aws, azure, gcp};
use crate::edge::{Edge, Target};
use crate::error::{Error, Result};

/// One thing that a trust policy says.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    /// What about, in the spelling that is compared.
    pub(super) key: String,
    /// In the spelling that is compared.
    pub(super) value: String,
    /// As it is written.
    pub(super) shown: String,
    /// Where, as a JSON pointer.
    pub(super) path: String,
}

impl Fact {
    pub(super) fn new(key: &str, value: &str, path: String) -> Fact {
        Fact { key: key.to_owned(), value: value.to_owned(), shown: value.to_owned(), path }
    }

    /// In another spelling than it is written in.
    pub(super) fn spelled(mut self, value: String) -> Fact {
        self.value = value;
        self
    }
}

/// Facts that belong together: a statement, a provider, a credential.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) what: String,
    pub(super) path: String,
    pub(super) facts: Vec<Fact>,
}

/// A trust policy, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) parts: Vec<Part>,
    /// Where something stands that is not understood.
    pub(super) not_understood: Vec<String>,
    /// Kinds of parts that this side says nothing about, each as what the reader calls them.
    pub(super) silent: Vec<&'static str>,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// JSON pointer into that side's file.
    pub path: String,
    /// What stands there.
    pub value: String,
}

/// Something that one side says and the other does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What it is about.
    pub what: String,
    /// What is declared; `None` when only the live side says it.
    pub declared: Option<Side>,
    /// What is live; `None` when only the declared side says it.
    pub live: Option<Side>,
}

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Drift {
    /// What differs.
    pub differences: Vec<Difference>,
    /// Where one of the two says something that is not understood: it may differ.
    pub undecided: Vec<String>,
    /// What one of the two does not speak of.
    pub not_compared: Vec<String>,
}

/// Compares two trust policies of the edge's destination.
///
/// # Errors
/// Usage errors: the files are of another destination, or do not hold what the edge names.
pub fn drift(edge: &Edge, declared: &TrustPolicy, live: &TrustPolicy) -> Result<Drift> {
    let said = |trust: &TrustPolicy, side: &str| {
        let said = match (&trust.rules, &edge.target) {
            (Rules::Aws(trust), Target::Aws(target)) => aws::said(trust, target),
            (Rules::Gcp(trust), Target::Gcp(target)) => Ok(gcp::said(trust, target)),
            (Rules::Azure(trust), Target::Azure(_)) => Ok(azure::said(trust)),
            _ => Err(format!("it is of {}", trust.destination())),
        };
        said.map_err(|why| {
            Error::usage("trust-policy", format!("the {side} trust policy cannot be compared: {why}")).at(edge.title())
        })
    };
    let (declared, live) = (said(declared, "declared")?, said(live, "live")?);
    let mut drift = Drift::default();
    for (side, said) in [("declared", &declared), ("live", &live)] {
        drift.undecided.extend(said.not_understood.iter().map(|path| format!("{side} {path}")));
    }
    let silent: BTreeSet<&str> = declared.silent.iter().chain(&live.silent).copied().collect();
    let speaks = |part: &Part| !silent.iter().any(|kind| part.what.starts_with(kind));
    let both_silent = |kind: &&&str| !(declared.silent.contains(*kind) && live.silent.contains(*kind));
    drift.not_compared = silent.iter().filter(both_silent).map(|kind| (*kind).to_owned()).collect();
    let (declared, live) = pair_equal(
        declared.parts.into_iter().filter(speaks).collect(),
        live.parts.into_iter().filter(speaks).collect(),
    );
    drift.differences = differences(declared, live);
    Ok(drift)
}

impl Part {
    fn facts(&self) -> BTreeSet<(&str, &str)> {
        self.facts.iter().map(|fact| (fact.key.as_str(), fact.value.as_str())).collect()
    }

    fn whole(&self) -> Side {
        let facts: Vec<String> = self.facts.iter().map(|fact| format!("{}: {}", fact.key, fact.shown)).collect();
        Side { path: self.path.clone(), value: facts.join("; ") }
    }

    /// What only this part says about `key`.
    fn beyond(&self, other: &Part, key: &str) -> Option<Side> {
        let theirs = other.facts();
        let own = |fact: &&Fact| fact.key == key && !theirs.contains(&(fact.key.as_str(), fact.value.as_str()));
        let first = self.facts.iter().find(own)?;
        let values: Vec<&str> = self.facts.iter().filter(own).map(|fact| fact.shown.as_str()).collect();
        Some(Side { path: first.path.clone(), value: values.join(", ") })
    }
}

/// Takes away what both say; a part that stands twice counts once.
fn pair_equal(declared: Vec<Part>, live: Vec<Part>) -> (Vec<Part>, Vec<Part>) {
    let of = |parts: &[Part]| -> Vec<(String, BTreeSet<(String, String)>)> {
        parts
            .iter()
            .map(|part| {
                let facts = part.facts().into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
                (part.what.clone(), facts.collect())
            })
            .collect()
    };
    let (in_declared, in_live) = (of(&declared), of(&live));
    let only = |parts: Vec<Part>, own: &[(String, BTreeSet<(String, String)>)], others: &[_]| {
        let keep = |at: usize| {
            let Some(this) = own.get(at) else { return false };
            !others.contains(this) && !own.iter().take(at).any(|earlier| earlier == this)
        };
        parts.into_iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, part)| part).collect()
    };
    (only(declared, &in_declared, &in_live), only(live, &in_live, &in_declared))
}

/// What is left: the parts that share most are taken for one that was changed, the rest is missing on one side.
fn differences(mut declared: Vec<Part>, mut live: Vec<Part>) -> Vec<Difference> {
    let mut all = Vec::new();
    while let Some((one, other)) = nearest(&declared, &live) {
        let (one, other) = (declared.remove(one), live.remove(other));
        let mut keys: Vec<&str> = Vec::new();
        for fact in one.facts.iter().chain(&other.facts) {
            if !keys.contains(&fact.key.as_str()) {
                keys.push(&fact.key);
            }
        }
        for key in keys {
            let (declared, live) = (one.beyond(&other, key), other.beyond(&one, key));
            if declared.is_some() || live.is_some() {
                all.push(Difference { what: format!("{}, {key}", one.what), declared, live });
            }
        }
    }
    let missing = |part: &Part| Difference { what: part.what.clone(), declared: Some(part.whole()), live: None };
    let added = |part: &Part| Difference { what: part.what.clone(), declared: None, live: Some(part.whole()) };
    all.extend(declared.iter().map(missing).chain(live.iter().map(added)));
    all
}

/// The two parts of one kind that share most facts, at least half of the smaller one's.
fn nearest(declared: &[Part], live: &[Part]) -> Option<(usize, usize)> {
    let mut best: Option<(usize, (usize, usize))> = None;
    for (at, one) in declared.iter().enumerate() {
        for (other_at, other) in live.iter().enumerate().filter(|(_, other)| other.what == one.what) {
            let (facts, others) = (one.facts(), other.facts());
            let shared = facts.intersection(&others).count();
            if 2 * shared >= facts.len().min(others.len()) && best.is_none_or(|(most, _)| shared > most) {
                best = Some((shared, (at, other_at)));
            }
        }
    }
    best.map(|(_, pair)| pair)
}

#[cfg(test)]
mod tests {
    use super::{Difference, Fact, Part, differences, pair_equal};

    fn part(what: &str, facts: &[&str]) -> Part {
        let fact = |text: &&str| {
            let (key, value) = text.split_once('=').unwrap();
            Fact { key: key.into(), value: value.into(), shown: value.into(), path: format!("/{key}") }
        };
        Part { what: what.into(), path: "/".into(), facts: facts.iter().map(fact).collect() }
    }

    fn between(declared: &[Part], live: &[Part]) -> Vec<String> {
        let (declared, live) = pair_equal(declared.to_vec(), live.to_vec());
        let side = |side: Option<super::Side>| side.map_or("-".to_owned(), |side| side.value);
        let line = |one: Difference| format!("{}: {} | {}", one.what, side(one.declared), side(one.live));
        differences(declared, live).into_iter().map(line).collect()
    }

    #[test]
    fn what_both_say_is_paired_before_what_is_alike() {
        let (small, large) = (part("rule", &["a=1"]), part("rule", &["a=1", "b=2"]));
        assert_eq!(between(&[large.clone(), small.clone()], std::slice::from_ref(&small)), ["rule: a: 1; b: 2 | -"]);
        assert_eq!(
            between(&[small.clone(), small.clone()], std::slice::from_ref(&small)),
            [""; 0],
            "said twice is said once"
        );
        assert_eq!(between(&[small.clone(), small], &[large]), ["rule, b: - | 2"]);
    }

    #[test]
    fn the_nearest_is_taken_for_the_one_that_was_changed() {
        let declared = part("rule", &["a=1", "b=1", "c=1"]);
        let (near, far) = (part("rule", &["a=1", "b=1", "c=2"]), part("rule", &["a=1", "b=2", "c=3"]));
        for live in [[near.clone(), far.clone()], [far.clone(), near]] {
            assert_eq!(between(std::slice::from_ref(&declared), &live)[0], "rule, c: 1 | 2");
        }
        let four = part("rule", &["a=1", "b=1", "c=1", "d=1"]);
        let (three, two) = (part("rule", &["a=1", "b=1", "c=1", "d=2"]), part("rule", &["a=1", "b=1", "c=3", "d=3"]));
        for live in [[three.clone(), two.clone()], [two, three]] {
            assert_eq!(between(std::slice::from_ref(&four), &live)[0], "rule, d: 1 | 2", "both share half or more");
        }
        let (first, second) = (part("rule", &["a=1", "b=1", "c=3"]), part("rule", &["a=1", "b=1", "c=4"]));
        let both = between(std::slice::from_ref(&declared), &[first, second]);
        assert_eq!(both[0], "rule, c: 1 | 3", "of two equally near the first");
        let whole = "rule: a: 1; b: 1; c: 1 | -";
        assert_eq!(between(std::slice::from_ref(&declared), &[far])[0], whole, "one of three is less than half");
        assert_eq!(between(&[declared], &[part("role", &["a=1", "b=1", "c=1"])])[0], whole, "another kind is another");
    }
}
