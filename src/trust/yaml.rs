//! YAML, as CloudFormation's templates and the clouds' tools have it, as the JSON value that it stands for.
//!
//! A function's short form becomes its long one: `!Sub x` is `{"Fn::Sub": "x"}`. CloudFormation takes YAML 1.1 without aliases, merge
//! keys and the types binary, omap, pairs, set and timestamp (user guide, "CloudFormation template format", 2026): so
//! `2012-10-17` is a text. Where readers of 1.1 and of 1.2 see different things in the same letters, nobody knows which one counts;
//! such a scalar, and an alias, becomes an object that no reader of a trust policy takes for anything, with a name that says why.
//! An alias is not followed, so nothing grows; only in a workflow it is, as far as [`MOST_COPIED`]. Not a key twice, not a second document.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};
use serde_json::{Map, Value};

use super::json::MAX_KEY;
use super::places::{Place, Places};

/// What an alias stands for is not looked up: `{ALIAS: null}`.
pub(super) const ALIAS: &str = "a YAML alias";
/// Letters that YAML 1.1 and 1.2 read differently, or of a type that is not known here: `{UNSURE: "yes"}`.
pub(super) const UNSURE: &str = "a YAML value of uncertain type";

/// The longest text that is read, in bytes: twice what CloudFormation takes (quotas, 2026: 1 MB from S3).
const MOST_BYTES: usize = 2 << 20;
/// As deep as the JSON parser lets a text be.
const MOST_DEEP: usize = 128;

/// How much all aliases of a text may stand for together, in bytes and sixteen for every value: a workflow says a few lines twice.
const MOST_COPIED: usize = 1 << 20;

/// Reads the one document of a text.
pub(super) fn parse(text: &str) -> Result<(Value, Places), String> {
    document(text, None)
}

/// The same, and an alias is what its anchor stands before, as GitHub reads workflows (changelog, 2025-09-18). What would grow too
/// large, and an alias inside of what it names, is still `{ALIAS: null}`.
pub(super) fn parse_with_aliases(text: &str) -> Result<(Value, Places), String> {
    document(text, Some(Anchors { known: BTreeMap::new(), left: MOST_COPIED }))
}

fn document(text: &str, anchors: Option<Anchors>) -> Result<(Value, Places), String> {
    if text.len() > MOST_BYTES {
        return Err(format!("it has {} bytes, at most {MOST_BYTES} of YAML are read", text.len()));
    }
    let events = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    let mut reader = Reader { events, anchors };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return root.ok_or_else(|| "it is empty".to_owned()),
            (Event::StreamStart | Event::DocumentEnd | Event::Nothing, _) => {}
            (Event::DocumentStart(_), at) if root.is_some() => {
                return Err(placed("a second document begins, and a template is one", at));
            }
            (Event::DocumentStart(_), _) => {
                let (event, at) = reader.next()?;
                root = Some(reader.node(event, at, 1)?);
            }
            (_, at) => return Err(placed("a value stands outside of the document", at)),
        }
    }
}

/// The parts of a value, by name.
type Inside = BTreeMap<String, Places>;

struct Reader<'t> {
    events: Parser<'t, StrInput<'t>>,
    /// Where aliases are followed.
    anchors: Option<Anchors>,
}

/// What aliases stand for, by the number of the anchor.
struct Anchors {
    known: BTreeMap<usize, (Value, Places)>,
    /// How much more may be copied.
    left: usize,
}

impl Anchors {
    fn keep(&mut self, anchor: usize, value: &Value, places: &Places) {
        if self.affords(value) {
            self.known.insert(anchor, (value.clone(), places.clone()));
        }
    }

    fn follow(&mut self, anchor: usize) -> Option<(Value, Places)> {
        let (value, places) = self.known.get(&anchor).cloned()?;
        self.affords(&value).then_some((value, places))
    }

    fn affords(&mut self, value: &Value) -> bool {
        let left = self.left.checked_sub(size(value));
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }
}

fn size(value: &Value) -> usize {
    16 + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + size(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Marker), String> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start)),
            Some(Err(error)) => Err(broken(&error)),
            None => Ok((Event::StreamEnd, Marker::new(0, 1, 0))),
        }
    }

    /// The value that begins with this event; its own place is where it begins, a function's name with it.
    fn node(&mut self, event: Event<'t>, at: Marker, depth: usize) -> Result<(Value, Places), String> {
        let anchor = match &event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                *anchor
            }
            Event::Alias(anchor) => {
                let followed = self.anchors.as_mut().and_then(|anchors| anchors.follow(*anchor));
                return Ok(followed.unwrap_or_else(|| odd(ALIAS, Value::Null, at)));
            }
            _ => 0,
        };
        let (value, places) = self.itself(event, at, depth)?;
        // Numbers begin with 1.
        if let Some(anchors) = self.anchors.as_mut().filter(|_| anchor != 0) {
            anchors.keep(anchor, &value, &places);
        }
        Ok((value, places))
    }

    /// A value that is no alias.
    fn itself(&mut self, event: Event<'t>, at: Marker, depth: usize) -> Result<(Value, Places), String> {
        if depth > MOST_DEEP {
            return Err(placed("it goes deeper than 128 levels", at));
        }
        let (value, inside, tag) = match event {
            Event::Scalar(text, style, _, tag) => return Ok(scalar(&text, style, tag.as_deref(), at)),
            Event::SequenceStart(_, tag) => {
                let (items, inside) = self.items(depth)?;
                (Value::Array(items), inside, tag)
            }
            Event::MappingStart(_, tag) => {
                let (members, inside) = self.members(depth)?;
                (Value::Object(members), inside, tag)
            }
            _ => return Err(placed("expected a value", at)),
        };
        let places = Places { here: Some(place(at)), inside };
        let plain = if value.is_array() { "seq" } else { "map" };
        match tag.as_deref().map(meaning) {
            None | Some(Meaning::Text) => Ok((value, places)),
            Some(Meaning::Core(name)) if name == plain => Ok((value, places)),
            Some(Meaning::Core(_)) => Ok(odd(UNSURE, value, at)),
            Some(Meaning::Function(name)) => Ok(wrapped(&name, value, places)),
        }
    }

    fn items(&mut self, depth: usize) -> Result<(Vec<Value>, Inside), String> {
        let (mut items, mut inside) = (Vec::new(), Inside::new());
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok((items, inside));
            }
            let (value, places) = self.node(event, at, depth + 1)?;
            inside.insert(items.len().to_string(), places);
            items.push(value);
        }
    }

    fn members(&mut self, depth: usize) -> Result<(Map<String, Value>, Inside), String> {
        let (mut members, mut inside) = (Map::new(), Inside::new());
        loop {
            let (event, key_at) = self.next()?;
            let key = match event {
                Event::MappingEnd => return Ok((members, inside)),
                Event::Scalar(text, _, _, None) => text.into_owned(),
                _ => return Err(placed("a key is no plain text", key_at)),
            };
            if key.len() > MAX_KEY {
                return Err(placed(&format!("a key has {} bytes, at most {MAX_KEY} are read", key.len()), key_at));
            }
            if members.contains_key(&key) {
                return Err(placed(&format!("the key `{key}` stands twice in one object"), key_at));
            }
            let (event, at) = self.next()?;
            let (value, places) = self.node(event, at, depth + 1)?;
            inside.insert(key.clone(), Places { here: Some(place(key_at)), inside: places.inside });
            members.insert(key, value);
        }
    }
}

fn place(at: Marker) -> Place {
    Place { line: at.line(), column: at.col() + 1 }
}

fn placed(what: &str, at: Marker) -> String {
    let Place { line, column } = place(at);
    format!("{what} at line {line} column {column}")
}

fn broken(error: &ScanError) -> String {
    placed(&format!("it is neither JSON nor YAML: {}", error.info()), *error.marker())
}

/// `{name: value}`, where the name stands with the value.
fn wrapped(name: &str, value: Value, places: Places) -> (Value, Places) {
    let here = places.here;
    (
        Value::Object([(name.to_owned(), value)].into_iter().collect()),
        Places { here, inside: [(name.to_owned(), places)].into() },
    )
}

fn odd(name: &str, value: Value, at: Marker) -> (Value, Places) {
    let (value, _) = wrapped(name, value, Places::default());
    (value, Places { here: Some(place(at)), inside: Inside::new() })
}

enum Meaning {
    /// `!`: a text whatever it looks like.
    Text,
    /// A type of YAML's own, `!!str`.
    Core(String),
    /// The long form's name.
    Function(String),
}

fn meaning(tag: &Tag) -> Meaning {
    let whole = format!("{}{}", tag.handle, tag.suffix);
    if let Some(name) = whole.strip_prefix("tag:yaml.org,2002:") {
        return Meaning::Core(name.to_owned());
    }
    match whole.strip_prefix('!') {
        Some("") => Meaning::Text,
        Some(name @ ("Ref" | "Condition")) => Meaning::Function(name.to_owned()),
        Some(name) => Meaning::Function(format!("Fn::{name}")),
        None => Meaning::Function(format!("!<{whole}>")),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>, at: Marker) -> (Value, Places) {
    let here = Places { here: Some(place(at)), inside: Inside::new() };
    let read = |value: Option<Value>| match value {
        Some(value) => (value, here.clone()),
        None => odd(UNSURE, text.into(), at),
    };
    let typed = || if style == ScalarStyle::Plain { plain(text) } else { Some(text.into()) };
    match tag.map(meaning) {
        None => read(typed()),
        Some(Meaning::Text) => read(Some(text.into())),
        Some(Meaning::Core(name)) => read(match name.as_str() {
            "str" => Some(text.into()),
            "bool" => plain(text).filter(Value::is_boolean),
            "int" => plain(text).filter(Value::is_number),
            "null" => plain(text).filter(Value::is_null),
            _ => None,
        }),
        Some(Meaning::Function(name)) => {
            // `!GetAtt Provider.Arn`: a resource's name has no dot, an attribute's may.
            let parts = text.split_once('.').filter(|_| name == "Fn::GetAtt");
            let value = parts.map_or_else(|| text.into(), |(resource, attribute)| vec![resource, attribute].into());
            wrapped(&name, value, here)
        }
    }
}

/// A plain scalar that YAML 1.1 and 1.2 read alike; `None` where they do not, or where it is a number that is not whole.
fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(true.into()),
        "false" | "False" | "FALSE" => return Some(false.into()),
        "=" | "<<" => return None,
        _ => {}
    }
    if ["y", "yes", "n", "no", "on", "off"].contains(&text.to_ascii_lowercase().as_str()) {
        return None;
    }
    if !looks_like_a_number(text) {
        return Some(text.into());
    }
    let number = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()?;
    // Leading zeros are octal in 1.1, and a plus or an underscore is not in every reader's numbers.
    let spelled = number.to_string();
    (spelled == text).then_some(number)
}

/// Whether some reader takes it for a number: whole ones of any base, `1_000`, `1e3`, `.5`, `190:20:30`, `.inf`.
fn looks_like_a_number(text: &str) -> bool {
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    let lower = body.to_ascii_lowercase();
    if [".inf", ".nan"].contains(&lower.as_str()) {
        return true;
    }
    if let Some(digits) = ["0x", "0o", "0b"].iter().find_map(|base| lower.strip_prefix(base)) {
        return digits.bytes().all(|b| b.is_ascii_hexdigit() || b == b'_');
    }
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (mantissa, exponent) = lower.split_once('e').unwrap_or((&lower, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Degrees, or hours: groups of digits between colons.
    let groups = whole.split(':').all(|group| !group.is_empty() && digits(group)) || whole.is_empty();
    let begins = body.strip_prefix('.').unwrap_or(body).starts_with(|c: char| c.is_ascii_digit());
    begins && groups && digits(fraction) && digits(exponent)
}

#[cfg(test)]
mod tests;
