//! What a provider and its bindings say, laid out for checks that look at the text and not at one token.

use super::alternatives::{Meaning, alternatives};
use super::cel::{Expr, Kind, Value};
use super::{ProviderTrust, UNIVERSE};
use crate::trust::join;
use crate::trust::probe::{Pattern, Wanted};

/// A provider with its expressions parsed.
pub(in crate::trust) struct ProviderFacts<'a> {
    trust: &'a ProviderTrust,
    condition: Option<&'a Expr>,
    mapping: Vec<(&'a str, &'a str, &'a Expr)>,
}

/// A claim that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::trust) struct Read {
    pub(in crate::trust) path: String,
    pub(in crate::trust) claim: String,
    /// `has()` asks for it somewhere in the same expression.
    pub(in crate::trust) guarded: bool,
    pub(in crate::trust) in_mapping: bool,
    /// Only compared, in a part that has to hold: without the claim the answer is no, and that is meant.
    pub(in crate::trust) compared: bool,
}

/// A member of a binding.
pub(in crate::trust) struct Member<'a> {
    pub(in crate::trust) path: String,
    /// `subject`, `group`, `attribute.NAME`, or `*`; what stands behind it.
    pub(in crate::trust) of: Option<(&'a str, &'a str)>,
    /// Its role lets it act as a service account.
    pub(in crate::trust) impersonates: bool,
}

impl ProviderTrust {
    /// The provider with its expressions parsed; what cannot be parsed is left out here, and undecided elsewhere.
    pub(in crate::trust) fn facts(&self) -> ProviderFacts<'_> {
        let mapping = self.mapping.iter();
        ProviderFacts {
            trust: self,
            condition: self.condition.as_ref().and_then(|condition| condition.parsed.as_ref().ok()),
            mapping: mapping
                .filter_map(|(key, one)| Some((key.as_str(), one.text.as_str(), one.parsed.as_ref().ok()?)))
                .collect(),
        }
    }
}

impl<'a> ProviderFacts<'a> {
    /// JSON pointer of the provider.
    pub(in crate::trust) fn base(&self) -> &'static str {
        self.trust.base
    }

    /// The issuer as it stands there.
    pub(in crate::trust) fn issuer(&self) -> &'a str {
        &self.trust.issuer
    }

    /// The condition's text.
    pub(in crate::trust) fn condition(&self) -> Option<&'a str> {
        self.trust.condition.as_ref().map(|condition| condition.text.as_str())
    }

    /// The audiences that it lists; empty means its own name.
    pub(in crate::trust) fn audiences(&self) -> &'a [String] {
        &self.trust.allowed_audiences
    }

    /// Whether the file has bindings.
    pub(in crate::trust) fn has_bindings(&self) -> bool {
        self.trust.bindings.is_some()
    }

    /// The provider without its bindings.
    pub(in crate::trust) fn alone(&self) -> ProviderTrust {
        ProviderTrust { bindings: None, ..self.trust.clone() }
    }

    /// The members of the pool in all bindings.
    pub(in crate::trust) fn members(&self) -> Vec<Member<'a>> {
        let bindings = self.trust.bindings.iter().flatten().enumerate();
        bindings
            .flat_map(|(at, binding)| {
                let path = format!("/bindings/{at}/members");
                binding.members.iter().enumerate().filter_map(move |(at, member)| {
                    let (_, pool) = member.split_once("/workloadIdentityPools/")?;
                    let of = pool.split_once('/').and_then(|(_, rest)| match rest {
                        "*" => Some(("*", "")),
                        _ => rest.split_once('/'),
                    });
                    Some(Member {
                        path: join(&path, &at.to_string()),
                        of,
                        impersonates: binding.role == super::WORKLOAD_IDENTITY_USER,
                    })
                })
            })
            .collect()
    }

    /// Whether an attribute is mapped.
    pub(in crate::trust) fn maps(&self, name: &str) -> bool {
        self.trust.mapping.iter().any(|(key, _)| key == name)
    }

    /// The claim that an attribute is, where it is one as it stands in the token.
    pub(in crate::trust) fn claim_of(&self, attribute: &str) -> Option<String> {
        let (_, _, expr) = self.mapping.iter().find(|(key, _, _)| *key == attribute)?;
        match super::alternatives::operand(expr, &|_| None)? {
            (claim, Meaning::Whole) => Some(claim),
            _ => None,
        }
    }

    fn audience(&self) -> String {
        let own =
            self.trust.name.as_deref().unwrap_or("projects/1/locations/global/workloadIdentityPools/p/providers/p");
        self.audiences().first().cloned().unwrap_or_else(|| format!("https://iam.{UNIVERSE}/{own}"))
    }

    /// Whom the provider and its bindings mean.
    pub(in crate::trust) fn wanted(&self) -> Vec<Wanted> {
        let resolve = |name: &str| {
            let (_, _, expr) = self.mapping.iter().find(|(key, _, _)| *key == name)?;
            Some(*expr)
        };
        let of_condition = self.condition.map(|expr| alternatives(expr, &resolve)).unwrap_or_default();
        let of_condition = if of_condition.is_empty() { vec![Vec::new()] } else { of_condition };
        let mut of_members: Vec<Vec<(String, Pattern)>> = Vec::new();
        for member in self.members() {
            let Some((kind, value)) = member.of else { continue };
            let name = if kind == "subject" { "google.subject" } else { kind };
            let own = resolve(name).and_then(|expr| super::alternatives::operand(expr, &resolve));
            let one = match own {
                Some((claim, meaning)) => vec![(claim, meaning.pattern(Pattern::exact(value)))],
                None => Vec::new(),
            };
            if !of_members.contains(&one) {
                of_members.push(one);
            }
        }
        if of_members.is_empty() {
            of_members.push(Vec::new());
        }
        let mut all: Vec<Wanted> = Vec::new();
        for condition in &of_condition {
            for member in &of_members {
                // A condition may name many, and a binding few of them: those are meant.
                let contradicts = member.iter().any(|(claim, pattern)| {
                    condition.iter().any(|(other, wide)| other == claim && !wide.fits(&pattern.shown()))
                });
                if contradicts && of_condition.len() > 1 {
                    continue;
                }
                let wanted = Wanted {
                    issuer: self.trust.issuer.clone(),
                    audience: self.audience(),
                    claims: condition.iter().chain(member).cloned().collect(),
                };
                if !all.contains(&wanted) && all.len() < super::alternatives::MOST {
                    all.push(wanted);
                }
            }
        }
        all
    }

    /// Every expression with where it stands, its text and whether it is a mapping.
    fn expressions(&self) -> impl Iterator<Item = (String, &'a str, &'a Expr, bool)> {
        let base = self.trust.base;
        let mapping = self.mapping.iter();
        let mapping =
            mapping.map(move |(key, text, expr)| (join(&format!("{base}/attributeMapping"), key), *text, *expr, true));
        let condition = self.condition.zip(self.condition());
        mapping.chain(condition.map(|(expr, text)| (format!("{base}/attributeCondition"), text, expr, false)))
    }

    /// The claims that the expressions read.
    pub(in crate::trust) fn reads(&self) -> Vec<Read> {
        let mut all: Vec<Read> = Vec::new();
        for (path, _, expr, in_mapping) in self.expressions() {
            let (mut read, mut asked, mut compared) = (Vec::new(), Vec::new(), Vec::new());
            walk(expr, &mut |part| match &part.kind {
                Kind::Field(of, name) if is_assertion(of) => read.push(name.clone()),
                Kind::Index(of, index) if is_assertion(of) => read.extend(literal(index).map(str::to_owned)),
                Kind::Has(of, name) if is_assertion(of) => asked.push(name.clone()),
                _ => {}
            });
            conjuncts(expr, &mut |part| {
                if let Kind::Binary("==" | "in", ..) = &part.kind {
                    walk(part, &mut |part| {
                        if let Kind::Field(of, name) = &part.kind
                            && is_assertion(of)
                        {
                            compared.push(name.clone());
                        }
                    });
                }
            });
            for claim in read {
                let guarded = asked.contains(&claim);
                let compared = compared.contains(&claim);
                let one = Read { path: path.clone(), claim, guarded, in_mapping, compared };
                if !all.contains(&one) {
                    all.push(one);
                }
            }
        }
        all
    }

    /// Where two parts of a token are joined with nothing between them, which two tokens can do differently.
    pub(in crate::trust) fn joined(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (path, text, expr, _) in self.expressions() {
            walk(expr, &mut |part| {
                if let Kind::Binary("+", one, two) = &part.kind
                    && !ends_literal(one)
                    && !begins_literal(two)
                {
                    all.push((path.clone(), text.to_owned()));
                }
            });
        }
        all.dedup();
        all
    }

    /// The operators between two parts, and the macros.
    pub(in crate::trust) fn operators(&self) -> Vec<(String, &'a str)> {
        let mut all = Vec::new();
        for (path, _, expr, _) in self.expressions() {
            walk(expr, &mut |part| match &part.kind {
                Kind::Binary(operator, _, _) => all.push((path.clone(), *operator)),
                Kind::Negate(_) => all.push((path.clone(), "-")),
                Kind::Each { name, .. } => all.push((path.clone(), *name)),
                _ => {}
            });
        }
        all
    }

    /// The functions that are called, each with its first argument where that is a text.
    pub(in crate::trust) fn calls(&self) -> Vec<(String, String, Option<String>)> {
        let mut all = Vec::new();
        for (path, _, expr, _) in self.expressions() {
            walk(expr, &mut |part| {
                if let Kind::Call { name, args, .. } = &part.kind {
                    all.push((path.clone(), name.clone(), args.first().and_then(literal).map(str::to_owned)));
                }
            });
        }
        all
    }
}

/// Every part of an expression, the whole first.
fn walk<'e>(expr: &'e Expr, each: &mut dyn FnMut(&'e Expr)) {
    each(expr);
    for part in expr.kind.parts() {
        walk(part, each);
    }
}

/// The parts that all have to hold.
fn conjuncts<'e>(expr: &'e Expr, each: &mut dyn FnMut(&'e Expr)) {
    match &expr.kind {
        Kind::All(all) => all.iter().for_each(|part| conjuncts(part, each)),
        _ => each(expr),
    }
}

fn is_assertion(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::Name(name) if name == "assertion")
}

fn literal(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        Kind::Literal(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn ends_literal(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Binary("+", _, two) => ends_literal(two),
        _ => literal(expr).is_some_and(|text| !text.is_empty()),
    }
}

fn begins_literal(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Binary("+", one, _) => begins_literal(one),
        _ => literal(expr).is_some_and(|text| !text.is_empty()),
    }
}
