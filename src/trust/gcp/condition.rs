//! The attribute condition as a tree: `&&` and `||` are groups, everything else is one comparison with both sides.

use super::cel::{Dialect, Expr, Expression, Kind, Scope, Stop, Value};
use super::hints;
use super::mapping::assertion;
use super::{Mapped, ProviderTrust};
use crate::claims::Claims;
use crate::trust::explanation::Node;
use crate::trust::{Truth, Verdict};

/// The longest condition, in characters (REST reference of providers).
pub(super) const CHARACTERS: usize = 4_096;
/// Names under `google.` that exist and are not mapped here, or exist for people's pools: nothing is known about them.
const OTHERS: [&str; 5] = ["groups", "display_name", "profile_photo", "posix_username", "email"];

/// Whether the condition lets the token in.
pub(super) fn check(trust: &ProviderTrust, condition: &Expression, claims: &Claims, mapped: &Mapped) -> Node {
    let path = format!("{}/attributeCondition", trust.base);
    let text = condition.text.as_str();
    let length = text.chars().count();
    if length > CHARACTERS {
        let expected = format!("at most {CHARACTERS} characters");
        return Node::leaf(path, expected, format!("{length} characters"), Verdict::Mismatch)
            .what("length of the condition");
    }
    match &condition.parsed {
        Err(why) => {
            Node::leaf(path, text, "", Verdict::Unsupported).what("condition").hint(format!("it cannot be read: {why}"))
        }
        Ok(expr) => {
            let node = Tree { path, text, scope: scope(trust, claims, mapped), claims }.node(expr);
            match condition.refused.as_ref().filter(|_| node.truth() == Truth::Yes) {
                None => node,
                Some(why) => {
                    let whole = Node::leaf(&node.path, text, "", Verdict::Unsupported).what("condition");
                    let whole = whole.hint(format!("no provider can be created with it: {why}"));
                    Node::all(node.path.clone(), vec![node, whole]).what("condition")
                }
            }
        }
    }
}

fn scope(trust: &ProviderTrust, claims: &Claims, mapped: &Mapped) -> Scope {
    let unknown = |what: &str| Value::Unknown(format!("what {what} is cannot be told"));
    let text = |value: &Option<String>, what: &str| value.clone().map_or_else(|| unknown(what), Value::Text);
    let attributes = mapped
        .attributes
        .iter()
        .map(|(name, value)| (Value::Text(name.clone()), text(value, &format!("attribute.{name}"))));
    let mut google = vec![(Value::Text("subject".to_owned()), text(&mapped.subject, "google.subject"))];
    if trust.mapping.iter().any(|(key, _)| key == "google.groups") {
        let groups = mapped.groups.as_ref().map(|groups| groups.iter().cloned().map(Value::Text).collect());
        google.push((Value::Text("groups".to_owned()), groups.map_or_else(|| unknown("google.groups"), Value::List)));
    }
    for name in OTHERS {
        if !google.iter().any(|(known, _)| *known == Value::Text(name.to_owned())) {
            google.push((Value::Text(name.to_owned()), unknown(&format!("google.{name}"))));
        }
    }
    let names = vec![
        ("assertion".to_owned(), assertion(claims)),
        ("attribute".to_owned(), Value::Map(attributes.collect())),
        ("google".to_owned(), Value::Map(google)),
    ];
    Scope::new(Dialect::Google, names)
}

struct Tree<'a> {
    path: String,
    text: &'a str,
    scope: Scope,
    claims: &'a Claims,
}

impl Tree<'_> {
    fn source(&self, expr: &Expr) -> &str {
        self.text.get(expr.at.clone()).unwrap_or_default()
    }

    fn node(&self, expr: &Expr) -> Node {
        let parts = |parts: &[Expr]| parts.iter().map(|part| self.node(part)).collect();
        match &expr.kind {
            Kind::All(all) => Node::all(&self.path, parts(all)).what(format!("condition {}", self.source(expr))),
            Kind::Any(any) => Node::any(&self.path, parts(any)).what(format!("condition {}", self.source(expr))),
            _ => self.leaf(expr),
        }
    }

    fn leaf(&self, expr: &Expr) -> Node {
        let out = self.scope.value(expr);
        let (expected, about) = self.sides(expr);
        let presented = about.map(|about| self.scope.value(about));
        let leaf = |presented: String, verdict| {
            Node::leaf(&self.path, &expected, presented, verdict).what(format!("condition {}", self.source(expr)))
        };
        let shown = || match &presented {
            Some(Ok(Value::Text(text))) => text.clone(),
            Some(Ok(value)) => value.to_string(),
            _ => String::new(),
        };
        match &out {
            Ok(Value::Bool(true)) => leaf(shown(), Verdict::Match),
            Ok(Value::Bool(false)) | Err(Stop::NotTrue(_)) => {
                let node = leaf(shown(), Verdict::Mismatch);
                let node = if let Err(stop) = &out { node.hint(stop.why()) } else { node };
                hints::condition(node)
            }
            Ok(other) => leaf(other.to_string(), Verdict::Mismatch).hint("a condition has to give true or false"),
            Err(Stop::Missing(key)) => hints::missing(leaf(String::new(), Verdict::Missing), key, self.claims, false),
            Err(Stop::Error(why)) => leaf(shown(), Verdict::Mismatch).hint(format!("an error is not true: {why}")),
            Err(Stop::Undecided(why)) => leaf(shown(), Verdict::Unsupported).hint(why.clone()),
        }
    }

    /// What a comparison wants, and the part of it that the token speaks to.
    fn sides<'e>(&self, expr: &'e Expr) -> (String, Option<&'e Expr>) {
        let literal = |expr: &Expr| match &expr.kind {
            Kind::Literal(Value::Text(text)) => text.clone(),
            _ => self.source(expr).to_owned(),
        };
        let constant = |expr: &Expr| matches!(expr.kind, Kind::Literal(_) | Kind::List(_) | Kind::Map(_));
        match &expr.kind {
            Kind::Binary("==", one, two) if constant(one) && !constant(two) => (literal(one), Some(two)),
            Kind::Binary("==", one, two) => (literal(two), Some(one)),
            Kind::Binary("!=", one, two) if constant(one) && !constant(two) => {
                (format!("not {}", literal(one)), Some(two))
            }
            Kind::Binary("!=", one, two) => (format!("not {}", literal(two)), Some(one)),
            Kind::Binary("in", one, two) if constant(one) => (format!("a list with {}", literal(one)), Some(two)),
            Kind::Binary("in", one, two) => (format!("one of {}", self.source(two)), Some(one)),
            Kind::Binary(operator, one, two) => (format!("{operator} {}", self.source(two)), Some(one)),
            Kind::Call { on: Some(on), name, args } => {
                let args: Vec<String> = args.iter().map(literal).collect();
                let words = match name.as_str() {
                    "startsWith" => "starts with",
                    "endsWith" => "ends with",
                    "contains" => "contains",
                    "matches" => "matches",
                    other => other,
                };
                (format!("{words} {}", args.join(", ")), Some(on))
            }
            Kind::Has(_, name) => (format!("{name} present"), None),
            Kind::Not(inner) => (format!("not {}", self.source(inner)), Some(inner)),
            _ => ("true".to_owned(), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cel::parse;
    use super::*;
    use crate::claims::github::{ISSUER, Job};
    use serde_json::json;
    use time::OffsetDateTime;

    #[test]
    fn the_tree_of_a_condition_says_what_the_whole_gives() {
        let atoms = [
            "assertion.ref == 'refs/heads/main'",
            "assertion.ref == 'x'",
            "assertion.none == 'x'",
            "assertion.ref == 1",
            "assertion.ref > 'a'",
            "true",
            "!has(assertion.none)",
            "assertion.iat == 0",
        ];
        let trust = ProviderTrust::from_json(&json!({"provider": {"oidc": {"issuerUri": ISSUER}}})).unwrap();
        let claims = Job::default().claims(ISSUER, "x", OffsetDateTime::UNIX_EPOCH);
        for a in atoms {
            for b in atoms {
                for text in [
                    format!("{a} && {b}"),
                    format!("{a} || {b}"),
                    format!("({a} || {b}) && {a}"),
                    format!("!({a} && {b})"),
                    format!("{a} ? {b} : {a}"),
                ] {
                    let scope = Scope::new(Dialect::Google, vec![("assertion".to_owned(), assertion(&claims))]);
                    let whole = match scope.value(&parse(&text).unwrap()) {
                        Ok(Value::Bool(true)) => Truth::Yes,
                        Err(Stop::Undecided(_)) => Truth::Unknown,
                        _ => Truth::No,
                    };
                    let tree = check(&trust, &Expression::new(&text, CHARACTERS), &claims, &Mapped::default()).truth();
                    assert_eq!(tree, whole, "{text}");
                }
            }
        }
    }
}
