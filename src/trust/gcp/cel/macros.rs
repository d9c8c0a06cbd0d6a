//! The macros that go over a list or a map's keys (language definition, "Macros").
//!
//! `exists` and `map` with two arguments stand in Google's own texts; `all`, `exists_one`, `filter` and `map` with a condition do
//! not, and are undecided with their value shown.

use super::evaluate::{Scope, no_overload};
use super::logic::{all, any};
use super::tree::Expr;
use super::value::{Out, Stop, Value};

impl Scope {
    /// `over.name(variable, body…)`.
    pub(super) fn each(
        &self,
        name: &'static str,
        over: &Expr,
        variable: &str,
        body: &[Expr],
        local: &mut Vec<(String, Value)>,
    ) -> Out {
        let over = self.strict(over, local)?;
        over.settled()?;
        let items = match over {
            Value::List(items) => items,
            Value::Map(entries) => entries.into_iter().map(|(key, _)| key).collect(),
            other => return Err(no_overload(name, &[&other])),
        };
        let mut with = |item: &Value, expr: &Expr, strict: bool| {
            local.push((variable.to_owned(), item.clone()));
            let out = if strict { self.strict(expr, local) } else { self.eval(expr, local) };
            local.pop();
            out
        };
        let (Some(first), last) = (body.first(), body.last()) else {
            return Err(Stop::Undecided(format!("`{name}` without a body")));
        };
        let last = last.unwrap_or(first);
        match name {
            "exists" => any(items.iter().map(|item| with(item, first, false))),
            "all" => self.unconfirmed(name, all(items.iter().map(|item| with(item, first, false)))),
            "exists_one" => {
                let mut count = 0;
                for item in &items {
                    match with(item, first, true) {
                        Ok(Value::Bool(holds)) => count += usize::from(holds),
                        Ok(other) => return self.unconfirmed(name, Err(no_overload(name, &[&other]))),
                        stop => return self.unconfirmed(name, stop),
                    }
                }
                self.unconfirmed(name, Ok(Value::Bool(count == 1)))
            }
            _ => {
                // `map(x, value)`, `map(x, condition, value)`, `filter(x, condition)`.
                let filtered = name == "filter" || body.len() == 2;
                let mut kept = Vec::new();
                for item in &items {
                    let keep = if filtered { with(item, first, true) } else { Ok(Value::Bool(true)) };
                    match keep {
                        Ok(Value::Bool(true)) if name == "filter" => kept.push(item.clone()),
                        Ok(Value::Bool(true)) => kept.push(with(item, last, true)?),
                        Ok(Value::Bool(false)) => {}
                        Ok(other) => return Err(no_overload(name, &[&other])),
                        stop => return stop,
                    }
                }
                if filtered { self.unconfirmed(name, Ok(Value::List(kept))) } else { Ok(Value::List(kept)) }
            }
        }
    }
}
