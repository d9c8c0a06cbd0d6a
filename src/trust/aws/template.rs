//! What a CloudFormation template says before it is deployed.
//!
//! A function gives way to its value only where that is certain from the template alone: `Fn::Sub` and `Fn::Join` of literals, of
//! account and partition (a role's provider is in its own), and of OIDC providers that stand in the same template. Everything
//! else, a parameter with a default too, is known when the stack is deployed. Sources: CloudFormation template reference, "Fn::Sub",
//! "Fn::Join", "Pseudo parameters", "AWS::IAM::OIDCProvider" (return values), "Transform section" (2026).

use serde_json::{Map, Value, json};

use crate::trust::yaml::{ALIAS, UNSURE};

/// Stands for the stack's account, which is its roles'.
pub(super) const ACCOUNT: &str = "${AWS::AccountId}";
/// Stands for the stack's partition, which is its roles'.
pub(super) const PARTITION: &str = "${AWS::Partition}";
/// YAML's key for the members of another mapping.
pub(super) const MERGE: &str = "<<";

/// Whether a file is a template: some resource in it has a type.
pub(in crate::trust) fn is_template(root: &Value) -> bool {
    let typed = |resource: &Value| resource.get("Type").and_then(Value::as_str).is_some_and(|text| text.contains("::"));
    root.get("Resources").and_then(Value::as_object).is_some_and(|all| all.values().any(typed))
}

/// Why nothing in a template is certain: a macro may write all of it anew.
pub(super) fn rewritten(root: &Value) -> Option<String> {
    let harmless = |one: &Value| {
        one.as_str().is_some_and(|name| name.starts_with("AWS::Serverless-") || name == "AWS::LanguageExtensions")
    };
    match root.get("Transform") {
        None | Some(Value::Null) => None,
        Some(Value::Array(all)) if all.iter().all(harmless) => None,
        Some(one) if harmless(one) => None,
        Some(other) => {
            Some(format!("the template's `Transform` {} may write it anew when the stack is deployed", shown(other)))
        }
    }
}

/// The resources, with what is certain of them in place of its functions.
pub(super) fn settled(root: &Value) -> Map<String, Value> {
    let Some(resources) = root.get("Resources").and_then(Value::as_object) else { return Map::new() };
    let template = Template { resources };
    resources.iter().map(|(name, resource)| (name.clone(), template.settle(resource))).collect()
}

/// `{"Fn::Sub": text}` where nothing but account and partition is left to put in.
pub(super) fn own(value: &Value) -> Option<&str> {
    let text = function(value).filter(|(name, _)| *name == "Fn::Sub")?.1.as_str()?;
    (!text.replace(ACCOUNT, "").replace(PARTITION, "").contains("${")).then_some(text)
}

/// A document that is written as text with `${…}` in it, with each text of it as the function that it is.
pub(super) fn substituted(text: &str) -> Option<Value> {
    fn each(value: Value) -> Option<Value> {
        Some(match value {
            Value::String(text) if text.contains("${") => json!({ "Fn::Sub": text }),
            Value::Array(all) => Value::Array(all.into_iter().map(each).collect::<Option<_>>()?),
            Value::Object(all) => {
                let one =
                    |(key, value): (String, Value)| Some((key, each(value)?)).filter(|(key, _)| !key.contains("${"));
                Value::Object(all.into_iter().map(one).collect::<Option<_>>()?)
            }
            other => other,
        })
    }
    each(crate::trust::json::parse(text).ok()?)
}

/// In words, why a value is not known before the stack is deployed, or not at all; `None` for a plain one.
pub(super) fn later(value: &Value) -> Option<String> {
    const WHEN: &str = "is known when the stack is deployed, not before";
    if let Value::Array(all) = value {
        return all.iter().find_map(later);
    }
    if value.get(MERGE).is_some() {
        return Some(format!("CloudFormation takes no merge key (`{MERGE}`): what it brings in is not looked up"));
    }
    let (name, inside) = function(value)?;
    Some(match (name, inside) {
        (ALIAS, _) => "CloudFormation takes no aliases of YAML: what this one stands for is not looked up".to_owned(),
        (UNSURE, value) => {
            format!("readers of YAML differ about {}: put it into quotes if it is a text", shown(value))
        }
        ("Ref", _) => format!("`{}` {WHEN}; a parameter's default can be overridden", shown(value)),
        ("Fn::Sub", _) => {
            format!("what `{}` stands for {WHEN}; a parameter's default can be overridden", unknown(inside))
        }
        _ => format!("`{name}` {WHEN}"),
    })
}

/// A value as it may stand in a sentence.
pub(super) fn shown(value: &Value) -> String {
    match (function(value), value) {
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(all)) => all.iter().map(shown).collect::<Vec<_>>().join(" or "),
        (Some(("Ref", Value::String(name))), _) => format!("${{{name}}}"),
        (Some(("Fn::Sub" | UNSURE, inside)), _) => match inside {
            Value::Array(parts) => parts.first().map(shown).unwrap_or_default(),
            inside => shown(inside),
        },
        (Some((ALIAS, _)), _) => ALIAS.to_owned(),
        (_, other) => other.to_string(),
    }
}

/// The first `${…}` of a text to put values in that is not one of AWS's own for account and partition.
fn unknown(inside: &Value) -> String {
    let text = inside.as_str().or_else(|| inside.get(0)?.as_str()).unwrap_or_default();
    let names = text.split("${").skip(1).filter_map(|part| part.split_once('}'));
    let mut names = names.map(|(name, _)| format!("${{{name}}}"));
    names.find(|name| ![ACCOUNT, PARTITION].contains(&name.as_str())).unwrap_or_else(|| text.to_owned())
}

/// An object that is a function, or a value that YAML leaves open: its one name, and what it is given.
fn function(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, inside) = object.iter().next()?;
    let known =
        name == "Ref" || name.starts_with("Fn::") || name.starts_with('!') || [ALIAS, UNSURE].contains(&name.as_str());
    known.then_some((name.as_str(), inside))
}

/// A piece of a text that is certain.
enum Piece {
    Text(String),
    /// [`ACCOUNT`] or [`PARTITION`].
    Own(&'static str),
}

struct Template<'a> {
    resources: &'a Map<String, Value>,
}

impl Template<'_> {
    fn settle(&self, value: &Value) -> Value {
        match value {
            Value::Object(_) if function(value).is_some() => {
                self.pieces(value).and_then(whole).unwrap_or_else(|| value.clone())
            }
            Value::Object(all) => all.iter().map(|(name, inside)| (name.clone(), self.settle(inside))).collect(),
            Value::Array(all) => all.iter().map(|inside| self.settle(inside)).collect(),
            other => other.clone(),
        }
    }

    /// What a value is put together from; `None` where that is not certain, or more than any document has room for.
    fn pieces(&self, value: &Value) -> Option<Vec<Piece>> {
        if let Value::String(text) = value {
            return few(vec![Piece::Text(text.clone())]);
        }
        few(self.of_function(value)?)
    }

    fn of_function(&self, value: &Value) -> Option<Vec<Piece>> {
        match function(value)? {
            ("Ref", Value::String(name)) => self.named(name),
            ("Fn::GetAtt", Value::String(both)) => self.provider(both.strip_suffix(".Arn")?),
            ("Fn::GetAtt", Value::Array(both)) => match both.as_slice() {
                [Value::String(name), Value::String(attribute)] if attribute == "Arn" => self.provider(name),
                _ => None,
            },
            ("Fn::Join", Value::Array(both)) => match both.as_slice() {
                [Value::String(between), Value::Array(all)] => {
                    let mut pieces = Vec::new();
                    for (at, one) in all.iter().enumerate() {
                        if at > 0 {
                            pieces.push(Piece::Text(between.clone()));
                        }
                        pieces.extend(self.pieces(one)?);
                        pieces = few(pieces)?;
                    }
                    Some(pieces)
                }
                _ => None,
            },
            ("Fn::Sub", Value::String(text)) => self.sub(text, &Map::new()),
            ("Fn::Sub", Value::Array(both)) => match both.as_slice() {
                [Value::String(text), Value::Object(given)] => self.sub(text, given),
                _ => None,
            },
            _ => None,
        }
    }

    fn sub(&self, text: &str, given: &Map<String, Value>) -> Option<Vec<Piece>> {
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, behind)) = rest.split_once("${") {
            pieces.push(Piece::Text(before.to_owned()));
            let (name, behind) = behind.split_once('}')?;
            rest = behind;
            match (name.strip_prefix('!'), given.get(name)) {
                // `${!x}` is the text `${x}`.
                (Some(literal), _) => pieces.push(Piece::Text(format!("${{{literal}}}"))),
                (None, Some(value)) => pieces.extend(self.pieces(value)?),
                (None, None) => pieces.extend(match name.strip_suffix(".Arn") {
                    Some(resource) => self.provider(resource)?,
                    None => self.named(name)?,
                }),
            }
            pieces = few(pieces)?;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Some(pieces)
    }

    /// What `Ref` gives.
    fn named(&self, name: &str) -> Option<Vec<Piece>> {
        match name {
            "AWS::AccountId" => Some(vec![Piece::Own(ACCOUNT)]),
            "AWS::Partition" => Some(vec![Piece::Own(PARTITION)]),
            _ => self.provider(name),
        }
    }

    /// The ARN of an OIDC provider in the template: it ends with the URL.
    fn provider(&self, name: &str) -> Option<Vec<Piece>> {
        let text = |text: &str| Piece::Text(text.to_owned());
        let resource = self.resources.get(name)?;
        if resource.get("Type")?.as_str()? != "AWS::IAM::OIDCProvider" {
            return None;
        }
        let host = resource.get("Properties")?.get("Url")?.as_str()?.strip_prefix("https://")?;
        // What becomes of capitals, a port or a slash at the end is not documented.
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"./-_".contains(&b);
        if host.is_empty() || host.ends_with('/') || !host.bytes().all(plain) {
            return None;
        }
        let provider = format!(":oidc-provider/{host}");
        Some(vec![text("arn:"), Piece::Own(PARTITION), text(":iam::"), Piece::Own(ACCOUNT), text(&provider)])
    }
}

/// Values that are put into each other could grow without end; a role trust policy has 4096 characters at most.
fn few(pieces: Vec<Piece>) -> Option<Vec<Piece>> {
    let length = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
    (pieces.len() <= 1_000 && pieces.iter().map(length).sum::<usize>() <= 65_536).then_some(pieces)
}

/// A plain text, or the one function that is left where account or partition is still to be put in.
fn whole(pieces: Vec<Piece>) -> Option<Value> {
    let (mut text, mut open) = (String::new(), 0);
    for piece in pieces {
        match piece {
            Piece::Text(more) => text.push_str(&more),
            Piece::Own(name) => {
                open += 1;
                text.push_str(name);
            }
        }
    }
    match open {
        0 => Some(text.into()),
        // Otherwise a literal `${` could not be told from what is to be put in.
        _ if text.matches("${").count() == open => Some(json!({ "Fn::Sub": text })),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
