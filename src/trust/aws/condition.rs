//! The conditions of one statement: all keys and operators have to hold, of several values one.
//!
//! Where it is not documented whether the request has a key, the condition is decided for both cases, and counts only if
//! they agree. Source: IAM user guide, "Condition operators", "Conditions with multiple context keys or values".

use super::compare::compare;
use super::document::{Condition, Effect, Statement};
use super::keys::{Found, Present, find};
use super::operator::{Operator, Set, Test};
use super::table::Kind;
use super::{Node, Request, Truth, Verdict, hints};

/// The nodes of all conditions of a statement.
pub(super) fn check(statement: &Statement, request: &Request<'_>) -> Vec<Node> {
    statement.conditions.iter().map(|condition| one(condition, statement.effect, request)).collect()
}

/// Whether a condition holds the audience to values that its author takes for registered with the provider: of several
/// audiences every one.
pub(super) fn names_audience(condition: &Condition, request: &Request<'_>) -> bool {
    let Some(operator) = Operator::parse(&condition.operator) else { return false };
    let texts = matches!(operator.test, Test::Text { .. } | Test::Like);
    // Also with `IfExists` or a set operator: that a key holds by its absence says nothing about a token that has it.
    let bound = !operator.negated && !request.claims.audiences().is_empty();
    let open: &[char] = if operator.test == Test::Like { &['*', '?', '$'] } else { &['$'] };
    let literal = |value: &String| !value.contains(open);
    let key = format!("{}:aud", request.provider).to_lowercase();
    let values = condition.values.as_deref().unwrap_or_default();
    // A single one that fits is the one that is named, unless letters in another case fit as well.
    let audiences = request.claims.audiences();
    let exact = operator.test != Test::Text { ignore_case: true };
    let named = exact && audiences.len() == 1 || audiences.iter().all(|audience| values.contains(audience));
    texts && bound && condition.key.to_lowercase() == key && values.iter().all(literal) && named
}

fn one(condition: &Condition, effect: Effect, request: &Request<'_>) -> Node {
    let unsupported =
        |expected: String, why: &str| Node::leaf(condition.path.clone(), expected, "", Verdict::Unsupported).hint(why);
    if let Some((shown, why)) = &condition.later {
        return unsupported(shown.clone(), why);
    }
    let Some(values) = &condition.values else {
        return unsupported(String::new(), "values that are no texts, whole numbers or truth values");
    };
    let Some(operator) = Operator::parse(&condition.operator) else {
        return unsupported(values.join(" or "), "IAM has no such operator, and would refuse the document");
    };
    let expected = wanted(operator, values);
    if condition.doubled {
        return unsupported(expected, "the same operator and key stand here twice, in other letters");
    }
    let rule = Rule { operator, values, request };
    let found = find(&condition.key, request);
    let (presented, truth, why) = match &found {
        Found::Present(present) => (present.values.join(", "), rule.on(present), None),
        Found::Perhaps(present, why) => {
            (present.values.join(", "), merge(rule.on(present), rule.on_absence()), Some((*why).to_owned()))
        }
        Found::Between(from, to, kind) => {
            (format!("between {from} and {to} (seconds since 1970)"), rule.between(*from, *to, *kind), None)
        }
        Found::Absent { why, claimed: Some(claimed), .. } if effect == Effect::Deny => {
            // A Deny that is passed by because a list of keys says so, while the token has the very claim: the list grows.
            let present = |claimed: &String| Present { values: vec![claimed.clone()], many: false, kind: Kind::Text };
            let filled = claimed.as_ref().map_or(Truth::Unknown, |claimed| rule.on(&present(claimed)));
            (String::new(), merge(filled, rule.on_absence()), Some(why.clone()))
        }
        Found::Absent { why, .. } => (String::new(), rule.on_absence(), Some(why.clone())),
        Found::Unknown(why) => (String::new(), rule.on_unknown(), Some(why.clone())),
    };
    let absent = matches!(found, Found::Absent { .. });
    let verdict = match truth {
        Truth::No if absent && operator.test != Test::Null => Verdict::Missing,
        truth => truth.into(),
    };
    let mut node = Node::leaf(condition.path.clone(), expected, presented, verdict);
    if let Some(why) = why {
        node = node.hint(why);
    }
    hints::condition(node, &rule, &condition.key, &found)
}

/// The values in words.
fn wanted(operator: Operator, values: &[String]) -> String {
    match (operator.test, values) {
        (_, []) => "an empty list".to_owned(),
        (Test::Null, [one]) if one == "true" => "absent".to_owned(),
        (Test::Null, [one]) if one == "false" => "present".to_owned(),
        _ if operator.negated => format!("not {}", values.join(" and not ")),
        _ => values.join(" or "),
    }
}

/// Two cases of which one is so: what both say counts.
fn merge(one: Truth, other: Truth) -> Truth {
    if one == other { one } else { Truth::Unknown }
}

/// One operator with its values.
pub(super) struct Rule<'a> {
    pub(super) operator: Operator,
    pub(super) values: &'a [String],
    pub(super) request: &'a Request<'a>,
}

impl Rule<'_> {
    /// The key is not in the request.
    fn on_absence(&self) -> Truth {
        let Operator { set, test, if_exists, .. } = self.operator;
        match (test, set) {
            (Test::Null, _) => self.null(true),
            // A plain operator with an empty list: the documentation contradicts itself.
            (_, None) if self.values.is_empty() && !if_exists => Truth::Unknown,
            _ => self.operator.holds_on_absence().into(),
        }
    }

    /// `Null`, by whether the key is absent. With a set operator it looks at no value (documented as such).
    fn null(&self, absent: bool) -> Truth {
        match (self.operator.set, self.values) {
            (Some(Set::ForAllValues), _) => Truth::Yes,
            (Some(Set::ForAnyValue), _) => Truth::No,
            (None, [one]) if one == "true" => absent.into(),
            (None, [one]) if one == "false" => (!absent).into(),
            (None, _) => Truth::Unknown,
        }
    }

    /// Nothing is known of the key.
    fn on_unknown(&self) -> Truth {
        match (self.operator.test, self.operator.set) {
            (Test::Null, Some(_)) => self.null(true),
            _ => Truth::Unknown,
        }
    }

    /// The key is in the request.
    fn on(&self, present: &Present) -> Truth {
        let Operator { set, test, negated, if_exists } = self.operator;
        if test == Test::Null {
            // An empty list: whether that is present is not documented.
            return if present.values.is_empty() && set.is_none() { Truth::Unknown } else { self.null(false) };
        }
        let empty = present.values.iter().all(String::is_empty);
        if self.values.is_empty() {
            return match set {
                Some(Set::ForAllValues) if empty => Truth::Yes,
                None if !if_exists => Truth::Unknown,
                // Nothing is listed, so nothing matches; what a negated operator makes of that is not documented.
                _ if negated => Truth::Unknown,
                _ => Truth::No,
            };
        }
        let mut each = present.values.iter().map(|value| self.one(value, present.kind));
        match set {
            Some(Set::ForAllValues) if empty => Truth::Yes,
            Some(Set::ForAnyValue) if empty => Truth::No,
            Some(Set::ForAllValues) => each.fold(Truth::Yes, Truth::and),
            Some(Set::ForAnyValue) => each.fold(Truth::No, Truth::or),
            None if present.many => self.plain_on_list(present),
            None => each.next().unwrap_or(Truth::Unknown),
        }
    }

    /// A plain operator on a list. It is documented not to match, but never verified, and a Deny may not rest on it.
    fn plain_on_list(&self, present: &Present) -> Truth {
        let any = present.values.iter().map(|value| self.one(value, present.kind)).fold(Truth::No, Truth::or);
        if !self.operator.negated && any == Truth::No && !present.values.is_empty() {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    /// One value of the request against all of the condition's.
    fn one(&self, presented: &str, kind: Kind) -> Truth {
        let Operator { test, negated, .. } = self.operator;
        let compared = |value: &String| compare(test, value, presented, self.request);
        let any = self.values.iter().map(compared).fold(Truth::No, Truth::or);
        match (fits(test, kind), negated) {
            (true, false) => any,
            (true, true) => !any,
            // Another type than the key's is a fault to AWS's own checker; what comes of it at run time is not documented.
            (false, false) if any == Truth::No => Truth::No,
            (false, _) => Truth::Unknown,
        }
    }

    /// The time of the call lies between two moments.
    fn between(&self, from: i64, to: i64, kind: Kind) -> Truth {
        if self.operator.test == Test::Null {
            return self.null(false);
        }
        let at = |moment: i64| self.on(&Present { values: vec![moment.to_string()], many: false, kind });
        // Nothing but an order is the same all the time if it is at both ends; an equality may come true in between.
        let (Test::Date(order) | Test::Numeric(order)) = self.operator.test else { return Truth::Unknown };
        let ends = merge(at(from), at(to));
        let inside = |value: &String| !(within(value, from, to) == Truth::No);
        if order == super::operator::Order::Equal && self.values.iter().any(inside) { Truth::Unknown } else { ends }
    }
}

/// Whether a condition's moment may lie between two others.
fn within(value: &str, from: i64, to: i64) -> Truth {
    let side = |order, moment: i64| super::compare::date(order, value, &moment.to_string());
    side(super::operator::Order::LessOrEqual, from).and(side(super::operator::Order::GreaterOrEqual, to))
}

/// Whether an operator is made for a key's type.
fn fits(test: Test, kind: Kind) -> bool {
    match test {
        Test::Text { .. } | Test::Like => kind == Kind::Text,
        Test::Numeric(_) => matches!(kind, Kind::Number | Kind::Epoch),
        Test::Date(_) => matches!(kind, Kind::Date | Kind::Epoch),
        Test::Bool => kind == Kind::Flag,
        Test::Ip => kind == Kind::Address,
        Test::Arn => kind == Kind::Arn,
        Test::Binary | Test::Null => false,
    }
}
