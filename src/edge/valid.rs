//! From drafts to edges: every rule that can be checked before the network is used, every problem with its place.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::draft::{Draft, Value, nearest};
use super::{Destination, Edge, Problems, Target, aws, azure, gcp};
use crate::duration;

/// How long a credential is asked to live when nothing says otherwise.
pub const TTL: Duration = Duration::from_secs(3_600);

/// What stands in `[defaults]`.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// The longest life of any edge's credential, and the one that an edge without `ttl` gets.
    pub ttl: Option<Duration>,
    /// Who answers for edges without an owner.
    pub owner: Option<String>,
}

impl Defaults {
    /// Validates `[defaults]`.
    pub fn valid(draft: Option<Draft>, problems: &mut Problems) -> Defaults {
        let Some(mut draft) = draft else { return Defaults::default() };
        let ttl = ttl(&mut draft, problems).map(|(ttl, _)| ttl);
        let owner = draft.text("owner", problems).map(|(owner, _)| owner);
        draft.finish(problems);
        Defaults { ttl, owner }
    }
}

/// Validates drafts. `base` is the directory that relative paths start from.
pub fn edges(drafts: Vec<Draft>, defaults: &Defaults, base: &Path, problems: &mut Problems) -> Vec<Edge> {
    let mut edges = Vec::new();
    let mut defaulted: BTreeMap<Destination, String> = BTreeMap::new();
    for draft in drafts {
        let place = draft.place.clone();
        let Some((edge, default)) = edge(draft, defaults, base, problems) else { continue };
        if default && let Some(first) = defaulted.insert(edge.destination(), edge.name.clone()) {
            problems.push(
                place,
                format!("edges `{first}` and `{}` are both the default of {}", edge.name, edge.destination()),
                Some("keep default = true on one of them".to_owned()),
            );
        }
        edges.push(edge);
    }
    mark_defaults(&mut edges, &defaulted);
    edges
}

/// After a choice among edges, the default of each cloud is one of the chosen.
pub fn settle_defaults(edges: &mut [Edge]) {
    let named = edges.iter().filter(|edge| edge.default).map(|edge| (edge.destination(), edge.name.clone())).collect();
    mark_defaults(edges, &named);
}

/// Where no edge of a cloud says `default = true`, its first one is: the plain variables need one owner.
fn mark_defaults(edges: &mut [Edge], named: &BTreeMap<Destination, String>) {
    let mut seen = Vec::new();
    for edge in edges {
        let destination = edge.destination();
        edge.default = match named.get(&destination) {
            Some(name) => *name == edge.name,
            None => !seen.contains(&destination),
        };
        seen.push(destination);
    }
}

fn edge(mut draft: Draft, defaults: &Defaults, base: &Path, problems: &mut Problems) -> Option<(Edge, bool)> {
    let name = draft.name.clone();
    let place = draft.place.clone();
    if !fits_name(&name) {
        let message = format!("`{name}` is not a usable edge name");
        problems.push(
            &place,
            message,
            Some("use 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit".to_owned()),
        );
    }
    let destination = destination(&mut draft, problems);
    let written_ttl = ttl(&mut draft, problems);
    let owner = draft.text("owner", problems).map(|(owner, _)| owner).or_else(|| defaults.owner.clone());
    let review_by = match draft.take("review-by") {
        None => None,
        Some(entry) => match entry.value {
            Value::Date(date) => Some(date),
            _ => {
                let message = format!("review-by is {}, expected a date", entry.kind());
                problems.push(entry.place, message, Some("write review-by = 2027-03-01, without quotes".to_owned()));
                None
            }
        },
    };
    let trust = draft.text("trust", problems).map(|(path, _)| base.join(path));
    let audience = draft.text("audience", problems);
    let require = require(&mut draft, problems);
    let default = draft.flag("default", problems).unwrap_or(false);
    let ttl = match (&written_ttl, defaults.ttl) {
        (Some((ttl, place)), Some(most)) if *ttl > most => {
            let (ttl, most) = (duration::text(*ttl), duration::text(most));
            problems.push(
                place,
                format!("ttl {ttl} is longer than the {most} of [defaults], which an edge may narrow and never widen"),
                Some(format!("write ttl = \"{most}\" or less")),
            );
            TTL
        }
        (Some((ttl, _)), _) => *ttl,
        (None, default) => default.unwrap_or(TTL),
    };
    let ttl_place = written_ttl.map_or_else(|| place.clone(), |(_, place)| place);
    let target = match destination {
        None => None,
        Some(Destination::Aws) => aws::Target::valid(&mut draft, ttl, &ttl_place, problems).map(Target::Aws),
        Some(Destination::Gcp) => gcp::Target::valid(&mut draft, ttl, &ttl_place, problems).map(Target::Gcp),
        Some(Destination::Azure) => azure::Target::valid(&mut draft, problems).map(Target::Azure),
    };
    // Without a known destination nobody asked for its keys: calling them unknown would only add noise.
    if destination.is_some() {
        draft.finish(problems);
    }
    let target = target?;
    let audience = match audience {
        Some((audience, place)) if audience.is_empty() || audience.chars().any(char::is_whitespace) => {
            problems.push(place, "audience is empty or holds white space", None);
            audience
        }
        Some((audience, _)) => audience,
        None => match &target {
            Target::Aws(_) => aws::AUDIENCE.to_owned(),
            Target::Gcp(gcp) => gcp.provider.id_token_audience(&gcp.universe_domain),
            Target::Azure(azure) => azure.cloud.audience.to_owned(),
        },
    };
    Some((Edge { name, default, audience, target, ttl, owner, review_by, trust, require }, default))
}

/// 1 to 64 of `a-z 0-9 -`, beginning with a letter or digit: the name becomes a profile, a file and a directory.
#[must_use]
pub fn fits_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.len() <= 64 && name.bytes().next().is_some_and(plain) && name.bytes().all(|b| plain(b) || b == b'-')
}

fn destination(draft: &mut Draft, problems: &mut Problems) -> Option<Destination> {
    let (text, place) = draft.required("destination", "aws", problems)?;
    let found = Destination::ALL.into_iter().find(|destination| destination.as_str() == text);
    if found.is_none() {
        let names = Destination::ALL.map(Destination::as_str);
        let hint = nearest(&text, &names).map(|known| format!("did you mean `{known}`?"));
        problems.push(place, format!("destination is `{text}`, expected one of {}", names.join(", ")), hint);
    }
    found
}

fn ttl(draft: &mut Draft, problems: &mut Problems) -> Option<(Duration, String)> {
    let (text, place) = draft.text("ttl", problems)?;
    match duration::parse(&text) {
        Ok(ttl) => Some((ttl, place)),
        Err(why) => {
            problems.push(place, format!("ttl `{text}` {why}"), None);
            None
        }
    }
}

fn require(draft: &mut Draft, problems: &mut Problems) -> BTreeMap<String, Vec<String>> {
    let Some(entry) = draft.take("require") else { return BTreeMap::new() };
    let Value::Table(entries) = entry.value else {
        let hint = Some("write [edge.NAME.require] with one line per claim".to_owned());
        problems.push(&entry.place, format!("require is {}, expected a table", entry.kind()), hint);
        return BTreeMap::new();
    };
    let mut required = BTreeMap::new();
    for (claim, entry) in entries {
        let values = match entry.value {
            Value::Text(text) => vec![text],
            Value::List(items) => {
                let texts: Vec<String> = items
                    .iter()
                    .filter_map(|item| if let Value::Text(text) = &item.value { Some(text.clone()) } else { None })
                    .collect();
                if texts.len() != items.len() || texts.is_empty() {
                    problems.push(entry.place, format!("require.{claim} is not an array of strings"), None);
                    continue;
                }
                texts
            }
            _ => {
                let message = format!("require.{claim} is {}, expected a string or an array of strings", entry.kind());
                problems.push(&entry.place, message, Some("claims are compared as text: quote the value".to_owned()));
                continue;
            }
        };
        required.insert(claim, values);
    }
    required
}
