//! Whom a condition means: its comparisons as texts with wildcards, one list for every alternative.
//!
//! For making up a token that fits, never for deciding: what is not understood here is left out, and the evaluator has the
//! last word.

use super::cel::{Expr, Kind, Value};
use crate::trust::probe::Pattern;

/// More alternatives than this are not made up.
pub(super) const MOST: usize = 256;

/// What of a claim is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Whole,
    /// What stands before this text.
    Before(String),
    /// What stands between these texts.
    Between(String, String),
}

impl Meaning {
    /// The pattern of the whole claim where this part of it has to fit.
    pub(super) fn pattern(&self, part: Pattern) -> Pattern {
        match self {
            Meaning::Whole => part,
            Meaning::Before(separator) => Pattern::like(&format!("{}{separator}*", part.shown())),
            Meaning::Between(before, behind) if behind.is_empty() => {
                Pattern::like(&format!("{before}{}", part.shown()))
            }
            Meaning::Between(before, behind) => Pattern::like(&format!("{before}{}{behind}*", part.shown())),
        }
    }
}

/// What an attribute's name stands for.
pub(super) type Resolve<'r, 'e> = &'r dyn Fn(&str) -> Option<&'e Expr>;

/// The claim, and what of it, that an expression gives.
pub(super) fn operand<'e>(expr: &'e Expr, resolve: Resolve<'_, 'e>) -> Option<(String, Meaning)> {
    let text = |expr: &Expr| match &expr.kind {
        Kind::Literal(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    match &expr.kind {
        Kind::Field(of, name) => match &of.kind {
            Kind::Name(root) if root == "assertion" => Some((name.clone(), Meaning::Whole)),
            Kind::Name(root) if root == "attribute" => follow(&format!("attribute.{name}"), resolve),
            Kind::Name(root) if root == "google" => follow(&format!("google.{name}"), resolve),
            _ => None,
        },
        Kind::Index(of, index) => match (&of.kind, &index.kind) {
            (Kind::Name(root), _) if root == "assertion" => Some((text(index)?, Meaning::Whole)),
            (Kind::Call { on: Some(on), name, args }, Kind::Literal(Value::Int(0))) if name == "split" => {
                let (claim, Meaning::Whole) = operand(on, resolve)? else { return None };
                Some((claim, Meaning::Before(text(args.first()?)?)))
            }
            _ => None,
        },
        Kind::Call { on: Some(on), name, args } => match name.as_str() {
            "lowerAscii" => operand(on, resolve),
            "extract" => {
                let (claim, Meaning::Whole) = operand(on, resolve)? else { return None };
                let template = text(args.first()?)?;
                let (before, rest) = template.split_once('{')?;
                let (_, behind) = rest.split_once('}')?;
                Some((claim, Meaning::Between(before.to_owned(), behind.to_owned())))
            }
            _ => None,
        },
        // `has(assertion.x) ? assertion.x : ''`
        Kind::Choice(_, yes, _) => operand(yes, resolve),
        _ => None,
    }
}

/// An attribute's mapping; attributes are made of claims alone, so one step is enough.
fn follow<'e>(name: &str, resolve: Resolve<'_, 'e>) -> Option<(String, Meaning)> {
    operand(resolve(name)?, &|_| None)
}

/// One list of claims with their texts for every way in which the condition can hold.
pub(super) fn alternatives<'e>(expr: &'e Expr, resolve: Resolve<'_, 'e>) -> Vec<Vec<(String, Pattern)>> {
    match &expr.kind {
        Kind::All(parts) => {
            let mut all = vec![Vec::new()];
            for part in parts {
                let of_part = alternatives(part, resolve);
                all = all
                    .iter()
                    .flat_map(|before: &Vec<(String, Pattern)>| {
                        of_part.iter().map(|more| before.iter().chain(more).cloned().collect())
                    })
                    .take(MOST)
                    .collect();
            }
            all
        }
        Kind::Any(parts) => {
            let mut all: Vec<_> = parts.iter().flat_map(|part| alternatives(part, resolve)).collect();
            all.truncate(MOST);
            all
        }
        Kind::Binary("==", one, two) => {
            equal(one, two, resolve).or_else(|| equal(two, one, resolve)).unwrap_or_else(open)
        }
        Kind::Binary("in", one, two) => listed(one, two, resolve).unwrap_or_else(open),
        Kind::Call { on: Some(on), name, args } => called(on, name, args, resolve).unwrap_or_else(open),
        _ => open(),
    }
}

/// Says nothing of any claim.
fn open() -> Vec<Vec<(String, Pattern)>> {
    vec![Vec::new()]
}

fn equal<'e>(one: &'e Expr, two: &Expr, resolve: Resolve<'_, 'e>) -> Option<Vec<Vec<(String, Pattern)>>> {
    let Kind::Literal(Value::Text(text)) = &two.kind else { return None };
    let (claim, meaning) = operand(one, resolve)?;
    Some(vec![vec![(claim, meaning.pattern(Pattern::exact(text)))]])
}

fn listed<'e>(one: &'e Expr, two: &Expr, resolve: Resolve<'_, 'e>) -> Option<Vec<Vec<(String, Pattern)>>> {
    let Kind::List(items) = &two.kind else { return None };
    let (claim, meaning) = operand(one, resolve)?;
    let texts = items.iter().filter_map(|item| match &item.kind {
        Kind::Literal(Value::Text(text)) => Some(vec![(claim.clone(), meaning.pattern(Pattern::exact(text)))]),
        _ => None,
    });
    Some(texts.take(MOST).collect())
}

fn called<'e>(
    on: &'e Expr,
    name: &str,
    args: &[Expr],
    resolve: Resolve<'_, 'e>,
) -> Option<Vec<Vec<(String, Pattern)>>> {
    let Some(Kind::Literal(Value::Text(text))) = args.first().map(|arg| &arg.kind) else { return None };
    let (claim, meaning) = operand(on, resolve)?;
    let pattern = match name {
        "startsWith" => Pattern::around(false, text, true),
        "endsWith" => Pattern::around(true, text, false),
        "contains" => Pattern::around(true, text, true),
        "matches" => of_regex(text),
        _ => return None,
    };
    Some(vec![vec![(claim, meaning.pattern(pattern))]])
}

/// A text that fits a regular expression of the kind that people write here, as a pattern with wildcards.
fn of_regex(regex: &str) -> Pattern {
    let (begins, ends) = (regex.starts_with('^'), regex.ends_with('$') && !regex.ends_with("\\$"));
    let body = regex.strip_prefix('^').unwrap_or(regex);
    let body = if ends { body.strip_suffix('$').unwrap_or(body) } else { body };
    let mut out: Vec<String> = vec![(if begins { "" } else { "*" }).to_owned()];
    let mut letters = body.chars().peekable();
    while let Some(letter) = letters.next() {
        let atom = match letter {
            '\\' => match letters.next() {
                Some(class @ ('d' | 'w' | 's' | 'D' | 'W' | 'S')) => if class == 'd' { "1" } else { "?" }.to_owned(),
                Some(other) => other.to_string(),
                None => String::new(),
            },
            '.' => "?".to_owned(),
            '[' => {
                for inside in letters.by_ref() {
                    if inside == ']' {
                        break;
                    }
                }
                "?".to_owned()
            }
            // Of several alternatives the first, to the end of its group.
            '|' => {
                for inside in letters.by_ref() {
                    if inside == ')' {
                        break;
                    }
                }
                String::new()
            }
            '(' | ')' => String::new(),
            other => other.to_string(),
        };
        match letters.peek() {
            Some('*' | '+') => {
                let more = letters.next() == Some('+');
                out.push(if atom == "?" {
                    "*".to_owned()
                } else if more {
                    atom
                } else {
                    String::new()
                });
            }
            Some('?') => {
                letters.next();
            }
            _ => out.push(atom),
        }
    }
    out.push((if ends { "" } else { "*" }).to_owned());
    Pattern::like(&out.concat())
}

#[cfg(test)]
mod tests {
    use super::super::cel;
    use super::*;

    fn means(text: &str) -> Vec<String> {
        let expr = cel::parse(text).unwrap();
        let one = |claims: &Vec<(String, Pattern)>| {
            claims.iter().map(|(claim, pattern)| format!("{claim}={}", pattern.shown())).collect::<Vec<_>>().join(" ")
        };
        alternatives(&expr, &|_| None).iter().map(one).collect()
    }

    #[test]
    fn conditions_as_patterns() {
        for (text, expected) in [
            ("assertion.repository == 'a/b'", vec!["repository=a/b"]),
            ("'a' == assertion['x']", vec!["x=a"]),
            ("assertion.a == '1' && (assertion.b == '2' || assertion.b == '3')", vec!["a=1 b=2", "a=1 b=3"]),
            ("assertion.ref in ['r', 's']", vec!["ref=r", "ref=s"]),
            ("assertion.sub.startsWith('repo:a')", vec!["sub=repo:a*"]),
            ("assertion.sub.contains('a') && true", vec!["sub=*a*"]),
            ("assertion.repository.split('/')[0] == 'a'", vec!["repository=a/*"]),
            ("assertion.sub.extract('repo:{r}:') == 'a/b'", vec!["sub=repo:a/b:*"]),
            ("assertion.repository.matches('^acme/(web|api)-.+$')", vec!["repository=acme/web-*"]),
            ("assertion.repository.matches('acme')", vec!["repository=*acme*"]),
            ("assertion.repository.matches('^acme/[a-z]x[^/]$')", vec!["repository=acme/?x?"]),
            ("assertion.repository.matches('^acme/\\\\d\\\\w\\\\.x+y*z?[ab]*$')", vec!["repository=acme/1?.x*"]),
            ("assertion.repository.matches('^acme/(a|bc)d$')", vec!["repository=acme/ad"]),
            ("assertion.a != 'x'", vec![""]),
            ("true", vec![""]),
            ("assertion.a == '1' || true", vec!["a=1", ""]),
            ("assertion.sub.endsWith('a')", vec!["sub=*a"]),
            ("assertion.sub.extract('repo:{r}') == 'a/b'", vec!["sub=repo:a/b"]),
            ("assertion.sub.extract('{r}:') == 'a/b'", vec!["sub=a/b:*"]),
            ("assertion.sub.lowerAscii() == 'a'", vec!["sub=a"]),
            ("(has(assertion.a) ? assertion.a : '') == '1'", vec!["a=1"]),
            ("assertion.a in ['1', assertion.b]", vec!["a=1"]),
            // What is read of something else, or in another way, says nothing of a claim.
            ("other.sub == 'a'", vec![""]),
            ("other['sub'] == 'a'", vec![""]),
            ("assertion[assertion.a] == 'a'", vec![""]),
            ("assertion.sub.join('/')[0] == 'a'", vec![""]),
            ("assertion.repository.split('/')[1] == 'a'", vec![""]),
            ("assertion.a.split('/')[0].split('-')[0] == 'a'", vec![""]),
            ("assertion.sub.trim() == 'a'", vec![""]),
            ("assertion.sub.trim('a')", vec![""]),
            ("assertion.sub.extract('repo') == 'a'", vec![""]),
            ("assertion.sub == assertion.other", vec![""]),
            ("assertion.sub in assertion.list", vec![""]),
            ("assertion.a == 1", vec![""]),
        ] {
            assert_eq!(means(text), expected, "{text}");
        }
    }

    #[test]
    fn attributes_are_what_is_mapped_to_them() {
        let mapped = [
            ("attribute.repo", cel::parse("assertion.repository").unwrap()),
            ("google.subject", cel::parse("assertion.sub").unwrap()),
        ];
        for (text, expected) in [
            ("attribute.repo == 'a/b'", vec![("repository".to_owned(), "a/b".to_owned())]),
            ("google.subject == 'x'", vec![("sub".to_owned(), "x".to_owned())]),
            ("attribute.subject == 'x'", Vec::new()),
            ("other.subject == 'x'", Vec::new()),
            ("attribute.ref == 'a/b'", Vec::new()),
            ("google.repo == 'a/b'", Vec::new()),
            ("other.repo == 'a/b'", Vec::new()),
        ] {
            let expr = cel::parse(text).unwrap();
            let resolve = |name: &str| mapped.iter().find(|(known, _)| *known == name).map(|(_, expr)| expr);
            let all = alternatives(&expr, &resolve);
            let shown: Vec<_> = all[0].iter().map(|(claim, pattern)| (claim.clone(), pattern.shown())).collect();
            assert_eq!((all.len(), shown), (1, expected), "{text}");
        }
    }
}
