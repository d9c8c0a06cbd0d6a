//! What an expression gives, in the three values of this room: a value, an error, undecided.
//!
//! `&&`, `||`, `exists` and `all` absorb errors in either order, as the language definition says ("Logical operators"), and
//! what is undecided in the same way: only where it is what decides does it reach the answer.

use std::cell::Cell;

use super::functions;
use super::logic::{all, any, never_true};
use super::tree::{Expr, Kind};
use super::value::{Equal, Out, Stop, Value, entry};

/// Which rules hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trust::gcp) enum Dialect {
    /// What Google's own texts or public configurations show; everything else is undecided.
    Google,
    /// All of CEL that is implemented here: for the public conformance cases.
    #[cfg(test)]
    Standard,
}

/// Steps of all evaluations in one scope. Nested macros over lists multiply; an answer that takes longer is undecided.
const STEPS: usize = 50_000;
/// What a value may have for the price of one step, in bytes: `.map(x, x + x)` doubles one with every dozen characters.
const BYTES_PER_STEP: usize = 64;

/// The names an expression may use, and how far the evaluation has come.
pub(in crate::trust::gcp) struct Scope {
    names: Vec<(String, Value)>,
    pub(super) dialect: Dialect,
    steps: Cell<usize>,
}

impl Scope {
    /// A scope of these variables.
    pub(in crate::trust::gcp) fn new(dialect: Dialect, names: Vec<(String, Value)>) -> Self {
        Scope { names, dialect, steps: Cell::new(0) }
    }

    /// The value of an expression.
    pub(in crate::trust::gcp) fn value(&self, expr: &Expr) -> Out {
        self.eval(expr, &mut Vec::new())
    }

    /// Counts steps; what takes too many is undecided.
    pub(super) fn spend(&self, steps: usize) -> Result<(), Stop> {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() > STEPS {
            return Err(Stop::Undecided(format!("it takes more than {STEPS} steps")));
        }
        Ok(())
    }

    pub(super) fn eval(&self, expr: &Expr, local: &mut Vec<(String, Value)>) -> Out {
        self.spend(1)?;
        let value = self.part(expr, local)?;
        self.spend(value.bytes() / BYTES_PER_STEP)?;
        Ok(value)
    }

    fn part(&self, expr: &Expr, local: &mut Vec<(String, Value)>) -> Out {
        match &expr.kind {
            Kind::Literal(value) => Ok(value.clone()),
            Kind::Name(name) => self.name(name, local),
            Kind::Field(of, name) => {
                if let Some(value) = self.place(expr, local) {
                    return open(value);
                }
                let of = self.strict(of, local)?;
                select(&of, &Value::Text(name.clone()))
            }
            Kind::Has(of, name) => {
                if let Some(of) = self.place(of, local).filter(|of| !matches!(of, Value::Unknown(_))) {
                    return has(of, name);
                }
                let of = self.strict(of, local)?;
                has(&of, name)
            }
            Kind::Index(of, index) => {
                let index = self.strict(index, local)?;
                if let Some(of) = self.place(of, local).filter(|of| !matches!(of, Value::Unknown(_))) {
                    return self.index(of, &index);
                }
                self.index(&self.strict(of, local)?, &index)
            }
            Kind::List(items) => {
                items.iter().map(|item| self.strict(item, local)).collect::<Result<_, _>>().map(Value::List)
            }
            Kind::Map(entries) => self.map(entries, local),
            Kind::All(parts) => all(parts.iter().map(|part| self.eval(part, local))),
            Kind::Any(parts) => any(parts.iter().map(|part| self.eval(part, local))),
            Kind::Not(inner) => match self.strict(inner, local)? {
                Value::Bool(flag) => Ok(Value::Bool(!flag)),
                other => Err(no_overload("!", &[&other])),
            },
            Kind::Negate(inner) => {
                let inner = self.strict(inner, local)?;
                self.unconfirmed("-", functions::negate(&inner))
            }
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.strict(left, local)?, self.strict(right, local)?);
                self.binary(operator, &left, &right)
            }
            Kind::Choice(condition, yes, no) => self.choice(condition, yes, no, local),
            Kind::Call { on, name, args } => {
                let mut values = Vec::new();
                for part in on.iter().map(Box::as_ref).chain(args) {
                    values.push(self.strict(part, local)?);
                }
                functions::call(self, on.is_some(), name, &values)
            }
            Kind::Each { name, over, variable, body } => self.each(name, over, variable, body, local),
        }
    }

    /// What a name or a selection stands for, where it stands: a token's claims are not copied to read one of them.
    fn place<'a>(&'a self, expr: &Expr, local: &'a [(String, Value)]) -> Option<&'a Value> {
        match &expr.kind {
            Kind::Name(name) => {
                local.iter().rev().chain(&self.names).find(|(known, _)| known == name).map(|(_, value)| value)
            }
            Kind::Field(of, name) => match self.place(of, local)? {
                Value::Map(entries) => entries
                    .iter()
                    .find(|(key, _)| matches!(key, Value::Text(key) if key == name))
                    .map(|(_, value)| value),
                _ => None,
            },
            _ => None,
        }
    }

    /// A part that has to have a value: *not true* is not precise enough here.
    pub(super) fn strict(&self, expr: &Expr, local: &mut Vec<(String, Value)>) -> Out {
        match self.eval(expr, local) {
            Err(Stop::NotTrue(why)) => Err(Stop::Undecided(why)),
            Ok(Value::Unknown(why)) => Err(Stop::Undecided(why)),
            other => other,
        }
    }

    fn name(&self, name: &str, local: &[(String, Value)]) -> Out {
        let known = local.iter().rev().chain(&self.names).find(|(known, _)| known == name);
        match known {
            Some((_, value)) => Ok(value.clone()),
            None if functions::TYPES.contains(&name) => {
                let name = functions::TYPES.iter().find(|known| **known == name).copied().unwrap_or_default();
                self.unconfirmed(name, Ok(Value::Type(name)))
            }
            // No provider can be created with a name that does not exist: nothing is known about what it does.
            None => Err(Stop::Undecided(format!("`{name}` is no name that Google documents"))),
        }
    }

    /// What is in CEL and in none of Google's texts: undecided, with the value that CEL's specification gives.
    pub(super) fn unconfirmed(&self, what: &str, out: Out) -> Out {
        if self.dialect != Dialect::Google {
            return out;
        }
        Err(Stop::Undecided(match out {
            Ok(value) => {
                format!("whether Google takes `{what}` is not documented; by CEL's specification it gives {value}")
            }
            Err(Stop::Undecided(why)) => why,
            Err(stop) => {
                format!("whether Google takes `{what}` is not documented; by CEL's specification: {}", stop.why())
            }
        }))
    }

    fn index(&self, of: &Value, index: &Value) -> Out {
        let Value::List(items) = of else { return select(of, index) };
        let at = match index {
            Value::Int(at) => usize::try_from(*at).ok(),
            Value::Uint(at) => return self.unconfirmed("[uint]", nth(items, usize::try_from(*at).ok(), index)),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "whole, not negative and small"
            )]
            Value::Double(at) if at.fract() == 0.0 && (0.0..1e9).contains(at) => {
                return self.unconfirmed("[double]", nth(items, Some(*at as usize), index));
            }
            Value::Untyped(_) => return Err(Stop::Undecided("a number of the token is an index".to_owned())),
            _ => return Err(no_overload("[…]", &[of, index])),
        };
        nth(items, at, index)
    }

    fn map(&self, entries: &[(Expr, Expr)], local: &mut Vec<(String, Value)>) -> Out {
        let mut map: Vec<(Value, Value)> = Vec::new();
        for (key, value) in entries {
            let (key, value) = (self.strict(key, local)?, self.strict(value, local)?);
            match key {
                Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Text(_) => {}
                Value::Untyped(_) => return Err(Stop::Undecided("a number of the token is a key".to_owned())),
                other => return Err(Stop::Error(format!("{} is no type of a key", other.type_name()))),
            }
            if entry(&map, &key).is_some() {
                return Err(Stop::Error(format!("the key {key} stands twice")));
            }
            map.push((key, value));
        }
        Ok(Value::Map(map))
    }

    fn binary(&self, operator: &'static str, left: &Value, right: &Value) -> Out {
        match operator {
            "==" => self.equality(left, right),
            "!=" => match self.equality(left, right) {
                Ok(Value::Bool(same)) => Ok(Value::Bool(!same)),
                Err(Stop::NotTrue(why)) => Err(Stop::Undecided(why)),
                other => other,
            },
            "in" => match right {
                Value::List(items) => any(items.iter().map(|item| self.equality(left, item))),
                Value::Map(entries) => any(entries.iter().map(|(key, value)| match self.equality(left, key) {
                    // A key of something that cannot be told may not be there at all.
                    Ok(Value::Bool(true)) => value.certain().map(|()| Value::Bool(true)),
                    other => other,
                })),
                Value::Void => Err(Stop::Error("there is no list to look into, it is null".to_owned())),
                other => Err(no_overload("in", &[left, other])),
            },
            "+" => functions::add(left, right),
            _ => self.unconfirmed(operator, functions::arithmetic(operator, left, right)),
        }
    }

    fn equality(&self, left: &Value, right: &Value) -> Out {
        match left.equals(right) {
            Equal::Yes => Ok(Value::Bool(true)),
            Equal::No => Ok(Value::Bool(false)),
            Equal::Mixed(same) if self.dialect != Dialect::Google => Ok(Value::Bool(same)),
            Equal::Mixed(false) => Err(Stop::NotTrue(format!("{} is no {}", left.shortened(), right.type_name()))),
            Equal::Mixed(true) => Err(Stop::Undecided("two kinds of number are compared".to_owned())),
            Equal::Unknown => {
                Err(Stop::Undecided("how Google types this value of the token is not documented".to_owned()))
            }
        }
    }

    fn choice(&self, condition: &Expr, yes: &Expr, no: &Expr, local: &mut Vec<(String, Value)>) -> Out {
        match self.eval(condition, local) {
            Ok(Value::Bool(true)) => self.eval(yes, local),
            Ok(Value::Bool(false)) => self.eval(no, local),
            Ok(Value::Unknown(why)) => Err(Stop::Undecided(why)),
            Ok(other) => Err(no_overload("?:", &[&other])),
            Err(stop @ (Stop::Error(_) | Stop::Missing(_))) => Err(stop),
            // The second branch or an error.
            Err(Stop::NotTrue(why)) if never_true(&self.eval(no, local)) => Err(Stop::NotTrue(why)),
            Err(Stop::Undecided(why)) if never_true(&self.eval(yes, local)) && never_true(&self.eval(no, local)) => {
                Err(Stop::NotTrue(why))
            }
            Err(Stop::NotTrue(why) | Stop::Undecided(why)) => Err(Stop::Undecided(why)),
        }
    }
}

fn nth(items: &[Value], at: Option<usize>, index: &Value) -> Out {
    match at.and_then(|at| items.get(at)) {
        Some(value) => open(value),
        None => Err(Stop::Error(format!("the list has {} entries, there is no [{index}]", items.len()))),
    }
}

/// What stands under a key.
fn select(of: &Value, key: &Value) -> Out {
    match (of, key) {
        (Value::Map(_), Value::Untyped(_)) => Err(Stop::Undecided("a number of the token is a key".to_owned())),
        (Value::Map(entries), key) => match entry(entries, key) {
            Some(value) => open(value),
            None => Err(Stop::Missing(key.to_string())),
        },
        (Value::Void, key) => Err(Stop::Missing(key.to_string())),
        (other, _) => Err(no_overload("a selection", &[other])),
    }
}

fn open(value: &Value) -> Out {
    match value {
        Value::Unknown(why) => Err(Stop::Undecided(why.clone())),
        value => Ok(value.clone()),
    }
}

fn has(of: &Value, name: &str) -> Out {
    match of {
        Value::Map(entries) => match entry(entries, &Value::Text(name.to_owned())) {
            None => Ok(Value::Bool(false)),
            Some(Value::Void) => {
                Err(Stop::Undecided(format!("`{name}` is null: whether Google takes it for present is not documented")))
            }
            Some(Value::Unknown(why)) => Err(Stop::Undecided(why.clone())),
            Some(_) => Ok(Value::Bool(true)),
        },
        other => Err(no_overload("has", &[other])),
    }
}

pub(super) fn no_overload(what: &str, values: &[&Value]) -> Stop {
    let types: Vec<&str> = values.iter().map(|value| value.type_name()).collect();
    Stop::Error(format!("`{what}` does not take {}", types.join(" and ")))
}
