//! Values of CEL, and when two are equal (language definition, "Values" and "Equality").

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::trust::gcp) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    /// A type by its name.
    Type(&'static str),
    /// A number of the token. Whether Google takes it for an int or a double is not documented.
    Untyped(Box<Value>),
    /// A claim that is null. Whether Google takes it for absent is not documented.
    Void,
    /// What is there and cannot be told, with the reason.
    Unknown(String),
}

/// How an evaluation ends without a value.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::trust::gcp) enum Stop {
    /// An error by CEL's rules: no such overload, a division by zero.
    Error(String),
    /// The error of a key that is not there; the key, as CEL writes it.
    Missing(String),
    /// Not true, and nothing more is known: false by today's specification, an error by an older one.
    NotTrue(String),
    /// What decides is not documented for Google, or not understood.
    Undecided(String),
}

impl Stop {
    /// The reason in words.
    pub(in crate::trust::gcp) fn why(&self) -> String {
        match self {
            Stop::Error(why) | Stop::NotTrue(why) | Stop::Undecided(why) => why.clone(),
            Stop::Missing(key) => format!("there is no {key}"),
        }
    }
}

/// What an evaluation gives.
pub(in crate::trust::gcp) type Out = Result<Value, Stop>;

/// Whether two values are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Equal {
    Yes,
    No,
    /// Two types, or two kinds of number: this by today's specification, an error by an older one.
    Mixed(bool),
    /// Cannot be told, except that it is not equal for certain.
    Unknown,
}

impl Value {
    /// The name of its type.
    pub(in crate::trust::gcp) fn type_name(&self) -> &'static str {
        match self {
            Value::Null | Value::Void => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::Text(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Type(_) => "type",
            Value::Untyped(_) => "number",
            Value::Unknown(_) => "unknown",
        }
    }

    /// A JSON value of the token.
    pub(in crate::trust::gcp) fn claim(value: &serde_json::Value) -> Value {
        use serde_json::Value as Json;
        match value {
            Json::Null => Value::Void,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::String(text) => Value::Text(text.clone()),
            Json::Number(number) => Value::Untyped(Box::new(match (number.as_i64(), number.as_u64()) {
                (Some(int), _) => Value::Int(int),
                (_, Some(uint)) => Value::Uint(uint),
                _ => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
            })),
            Json::Array(items) => Value::List(items.iter().map(Value::claim).collect()),
            Json::Object(fields) => Value::Map(
                fields.iter().map(|(name, value)| (Value::Text(name.clone()), Value::claim(value))).collect(),
            ),
        }
    }

    /// What it holds, in bytes, give or take.
    pub(super) fn bytes(&self) -> usize {
        let of = |all: &mut dyn Iterator<Item = &Value>| all.map(|one| size_of::<Value>() + one.bytes()).sum();
        match self {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => of(&mut items.iter()),
            Value::Map(entries) => of(&mut entries.iter().flat_map(|(key, value)| [key, value])),
            _ => 0,
        }
    }

    /// As CEL writes it, cut where it is long: for a sentence about it.
    pub(super) fn shortened(&self) -> String {
        let mut short = Short(String::new());
        match write!(short, "{self}") {
            Ok(()) => short.0,
            Err(_) => short.0 + " …",
        }
    }

    /// Whether it is certain to be there, as it is.
    ///
    /// # Errors
    /// Undecided for what cannot be told and for null, which Google may take for absent.
    pub(super) fn certain(&self) -> Result<(), Stop> {
        match self {
            Value::Unknown(why) => Err(Stop::Undecided(why.clone())),
            Value::Void => Err(Stop::Undecided("whether Google takes null for absent is not documented".to_owned())),
            _ => Ok(()),
        }
    }

    /// Whether a map certainly has its keys and no others; true for everything else.
    ///
    /// # Errors
    /// As [`Value::certain`].
    pub(super) fn settled(&self) -> Result<(), Stop> {
        match self {
            Value::Map(entries) => entries.iter().try_for_each(|(_, value)| value.certain()),
            _ => Ok(()),
        }
    }

    /// Whether it equals another one.
    pub(super) fn equals(&self, other: &Value) -> Equal {
        use Value::{Bool, Bytes, List, Map, Null, Text, Type, Unknown, Untyped, Void};
        let exact = |same: bool| if same { Equal::Yes } else { Equal::No };
        match (self, other) {
            (Unknown(_), _) | (_, Unknown(_)) | (Void, Void | Null) | (Null, Void) => Equal::Unknown,
            (Untyped(one), Untyped(two)) => one.untyped(two),
            (Untyped(one), two) => one.untyped(two),
            (one, Untyped(two)) => two.untyped(one),
            (Null, Null) => Equal::Yes,
            (Bool(one), Bool(two)) => exact(one == two),
            (Text(one), Text(two)) => exact(one == two),
            (Bytes(one), Bytes(two)) => exact(one == two),
            (Type(one), Type(two)) => exact(one == two),
            (List(one), List(two)) if one.len() != two.len() => Equal::No,
            (List(one), List(two)) => {
                one.iter().zip(two).map(|(one, two)| one.equals(two)).fold(Equal::Yes, Equal::and)
            }
            (Map(_), Map(_)) if self.settled().is_err() || other.settled().is_err() => Equal::Unknown,
            (Map(one), Map(two)) if one.len() != two.len() => Equal::No,
            (Map(one), Map(two)) => one.iter().fold(Equal::Yes, |all, (key, value)| {
                all.and(entry(two, key).map_or(Equal::No, |found| value.equals(found)))
            }),
            (one, two) if one.is_number() && two.is_number() => {
                let same = one.compare(two) == Some(Ordering::Equal);
                if one.type_name() == two.type_name() { exact(same) } else { Equal::Mixed(same) }
            }
            _ => Equal::Mixed(false),
        }
    }

    /// A number of the token against anything: equal in value may still be two types.
    fn untyped(&self, other: &Value) -> Equal {
        match self.compare(other) {
            Some(Ordering::Equal) => Equal::Unknown,
            _ => Equal::Mixed(false),
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Uint(_) | Value::Double(_))
    }

    /// Which of two is the smaller; `None` for NaN and for what has no order. Numbers compare by value, not by type.
    pub(super) fn compare(&self, other: &Value) -> Option<Ordering> {
        use Value::{Bool, Bytes, Double, Int, Text, Uint};
        match (self, other) {
            (Bool(one), Bool(two)) => Some(one.cmp(two)),
            (Text(one), Text(two)) => Some(one.cmp(two)),
            (Bytes(one), Bytes(two)) => Some(one.cmp(two)),
            (Int(one), Int(two)) => Some(one.cmp(two)),
            (Uint(one), Uint(two)) => Some(one.cmp(two)),
            (Int(one), Uint(two)) => Some(i128::from(*one).cmp(&i128::from(*two))),
            (Uint(one), Int(two)) => Some(i128::from(*one).cmp(&i128::from(*two))),
            (Double(one), Double(two)) => one.partial_cmp(two),
            #[expect(clippy::cast_precision_loss, reason = "the conformance cases round the integer as well")]
            (Double(one), Int(two)) => one.partial_cmp(&(*two as f64)),
            #[expect(clippy::cast_precision_loss, reason = "the conformance cases round the integer as well")]
            (Double(one), Uint(two)) => one.partial_cmp(&(*two as f64)),
            (Int(_) | Uint(_), Double(_)) => other.compare(self).map(Ordering::reverse),
            _ => None,
        }
    }
}

/// The beginning of a text; what is longer fails.
struct Short(String);

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const MOST: usize = 120;
        self.0.push_str(text);
        match self.0.char_indices().nth(MOST) {
            Some((cut, _)) => {
                self.0.truncate(cut);
                Err(fmt::Error)
            }
            None => Ok(()),
        }
    }
}

impl Equal {
    fn and(self, other: Equal) -> Equal {
        use Equal::{Mixed, No, Unknown, Yes};
        match (self, other) {
            (Yes, Yes) => Yes,
            (No, Yes | No) | (Yes, No) => No,
            // One part differs, another may be an error: not equal, by whichever rule.
            (No | Mixed(false), _) | (_, No | Mixed(false)) => Mixed(false),
            (Unknown, _) | (_, Unknown) => Unknown,
            (Mixed(true), _) | (_, Mixed(true)) => Mixed(true),
        }
    }
}

/// The value of a key.
pub(super) fn entry<'a>(map: &'a [(Value, Value)], key: &Value) -> Option<&'a Value> {
    map.iter().find(|(known, _)| matches!(known.equals(key), Equal::Yes | Equal::Mixed(true))).map(|(_, value)| value)
}

impl fmt::Display for Value {
    /// As CEL writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null | Value::Void => f.write_str("null"),
            Value::Bool(flag) => flag.fmt(f),
            Value::Int(int) => int.fmt(f),
            Value::Uint(uint) => write!(f, "{uint}u"),
            Value::Double(double) if double.fract() == 0.0 && double.abs() < 1e15 => write!(f, "{double:.1}"),
            Value::Double(double) => double.fmt(f),
            Value::Text(text) => {
                f.write_str("'")?;
                for c in text.chars() {
                    match c {
                        '\'' | '\\' => write!(f, "\\{c}")?,
                        c if c.is_control() => c.escape_default().fmt(f)?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("'")
            }
            Value::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Value::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Value::Map(entries) => {
                f.write_str("{")?;
                for (at, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key}: {value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Value::Type(name) => f.write_str(name),
            Value::Untyped(inner) => inner.fmt(f),
            Value::Unknown(_) => f.write_str("(undecided)"),
        }
    }
}
