//! Changes an input where it has a meaning: values and names of the JSON, and words inside of texts.
//!
//! Bytes that are changed blindly are mostly no JSON any more, and say nothing.

use serde_json::{Map, Value};

use super::input::{SEPARATOR, join};

/// Numbers that look random and follow from a seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % sides.max(1)
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.next(from.len())]
    }
}

const WORDS: [&str; 104] = [
    "*",
    "?",
    "",
    "true",
    "false",
    "sub",
    "aud",
    "azp",
    "amr",
    "exp",
    "iat",
    "Allow",
    "Deny",
    "Null",
    "2012-10-17",
    "2008-10-17",
    "StringEquals",
    "StringLike",
    "StringNotEquals",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "StringEqualsIfExists",
    "ForAnyValue:StringEquals",
    "ForAllValues:StringLike",
    "ForAnyValue:StringNotEquals",
    "NumericLessThan",
    "NumericEquals",
    "DateGreaterThan",
    "DateEquals",
    "Bool",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "ArnLike",
    "ArnNotEquals",
    "StringNotLikeIfExists",
    "sts:AssumeRoleWithWebIdentity",
    "sts:*",
    "sts:TagSession",
    "NotAction",
    "Action",
    "Principal",
    "Condition",
    "Statement",
    "token.actions.githubusercontent.com:sub",
    "token.actions.githubusercontent.com:aud",
    "token.actions.githubusercontent.com:repository",
    "token.actions.githubusercontent.com:environment",
    "token.actions.githubusercontent.com:event_name",
    "token.actions.githubusercontent.com:repository_owner_id",
    "aws:SourceIp",
    "aws:SecureTransport",
    "aws:CurrentTime",
    "aws:RequestTag/a",
    "aws:TagKeys",
    "https://aws.amazon.com/tags",
    "${token.actions.githubusercontent.com:sub}",
    "${token.actions.githubusercontent.com:aud}",
    "${aws:x, 'sts.amazonaws.com'}",
    "${*}",
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "accounts.google.com",
    "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
    "sts.amazonaws.com",
    "STS.amazonaws.com",
    "api://AzureADTokenExchange",
    "repo:acme/shop:ref:refs/heads/main",
    "repo:acme/shop:*",
    "assertion.sub",
    "assertion",
    "google",
    "attribute",
    "google.subject",
    "google.groups",
    "attribute.repository",
    "subject",
    "issuer",
    "audiences",
    "claimsMatchingExpression",
    "properties",
    "languageVersion",
    "bindings",
    "members",
    "jwksJson",
    "state",
    "principalSet://iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/ci-pool/*",
    "claims['sub'] eq 'repo:acme/shop:ref:refs/heads/main'",
    "claims['sub'] matches 'repo:acme/*'",
    "claims['repository_id'] eq '456789'",
    "eyJ",
    "1795176000",
    "permissions",
    "id-token",
    "write",
    "write-all",
    "pull_request_target",
    "workflow_run",
    "environment",
    "runs-on",
    "self-hosted",
    "actions/checkout@v4",
    "${{ github.head_ref }}",
    "gh pr checkout 1",
];

/// What is written into an expression.
const PIECES: [&str; 40] = [
    " && ",
    " || ",
    " == ",
    " != ",
    " in ",
    " + ",
    "!",
    "(",
    ")",
    "[",
    "]",
    "'",
    "\"",
    ",",
    ".",
    " ? ",
    " : ",
    "has(",
    "size(",
    ".contains(",
    ".startsWith(",
    ".endsWith(",
    ".matches(",
    ".extract('{a}')",
    ".split('/')",
    ".join(',')",
    ".lowerAscii()",
    ".exists(x, ",
    ".map(x, x + x)",
    ".map(x, [x, x])",
    ".all(x, ",
    "assertion.",
    "attribute.",
    "google.",
    "null",
    "true",
    "1",
    "1u",
    "r'\\",
    "{'a': 1}",
];

/// Changes the input where it stands, and gives its new length. `None` leaves it to the fuzzer, which knows what the program
/// compares: one in eight, what is no JSON, and what would grow too long.
pub fn in_place(data: &mut [u8], size: usize, most: usize, seed: u32) -> Option<usize> {
    let ours = !seed.is_multiple_of(8);
    let changed = mutate(data.get(..size)?, u64::from(seed)).filter(|changed| ours && changed.len() <= most)?;
    data.get_mut(..changed.len())?.copy_from_slice(&changed);
    Some(changed.len())
}

/// One to four changes; `None` where nothing of it is JSON.
pub fn mutate(data: &[u8], seed: u64) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(data).ok()?;
    let (trust, claims) = text.split_once(SEPARATOR).unwrap_or((text, "{}"));
    let mut trust: Value = serde_json::from_str(trust).ok()?;
    let mut claims: Value = serde_json::from_str(claims).unwrap_or_else(|_| Value::Object(Map::new()));
    let mut dice = Dice::new(seed);
    for _ in 0..=dice.next(4) {
        let (target, other) = if dice.next(4) == 0 { (&mut claims, &trust) } else { (&mut trust, &claims) };
        let donor = node(other, dice.next(count(other))).clone();
        let own = node(target, dice.next(count(target))).clone();
        let chosen = dice.next(count(target));
        change(node_mut(target, chosen), &donor, &own, &mut dice);
    }
    Some(join(&trust.to_string(), &claims.to_string()))
}

fn count(value: &Value) -> usize {
    1 + inside(value).map(count).sum::<usize>()
}

fn inside(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(all) => Box::new(all.iter()),
        Value::Object(all) => Box::new(all.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn node(value: &Value, mut at: usize) -> &Value {
    if at > 0 {
        at -= 1;
        for one in inside(value) {
            let size = count(one);
            if at < size {
                return node(one, at);
            }
            at -= size;
        }
    }
    value
}

fn node_mut(value: &mut Value, mut at: usize) -> &mut Value {
    if at == 0 {
        return value;
    }
    at -= 1;
    let children: Vec<&mut Value> = match value {
        Value::Array(all) => all.iter_mut().collect(),
        Value::Object(all) => all.values_mut().collect(),
        _ => unreachable!("a leaf has one node"),
    };
    for one in children {
        let size = count(one);
        if at < size {
            return node_mut(one, at);
        }
        at -= size;
    }
    unreachable!("the number is one of its nodes")
}

fn change(value: &mut Value, donor: &Value, own: &Value, dice: &mut Dice) {
    match (dice.next(12), &mut *value) {
        (0, _) => *value = donor.clone(),
        (1, _) => *value = own.clone(),
        (2, _) => *value = Value::Array(vec![value.clone()]),
        (3, Value::Array(all)) if all.len() == 1 => *value = all.remove(0),
        (4, _) => {
            *value = match dice.next(8) {
                0 => Value::Null,
                1 => Value::Bool(dice.next(2) == 0),
                2 => Value::from(dice.next(3)),
                3 => Value::from(1.5),
                4 => Value::Array(Vec::new()),
                5 => Value::Object(Map::new()),
                _ => dice.pick(&WORDS).into(),
            }
        }
        (_, Value::Array(all)) => match dice.next(4) {
            0 if !all.is_empty() => drop(all.remove(dice.next(all.len()))),
            1 => all.push(donor.clone()),
            2 => all.push(dice.pick(&WORDS).into()),
            _ => all.insert(dice.next(all.len() + 1), own.clone()),
        },
        (_, Value::Object(all)) => {
            let name = all.keys().nth(dice.next(all.len())).cloned().unwrap_or_default();
            match dice.next(5) {
                0 => drop(all.remove(&name)),
                1 => {
                    let other = all.remove(&name).unwrap_or(Value::Null);
                    all.insert(dice.pick(&WORDS).to_owned(), other);
                }
                2 => {
                    let other = all.remove(&name).unwrap_or(Value::Null);
                    all.insert(spoilt(&name, dice), other);
                }
                3 => drop(all.insert(dice.pick(&WORDS).to_owned(), dice.pick(&WORDS).into())),
                _ => drop(all.insert(dice.pick(&WORDS).to_owned(), own.clone())),
            }
        }
        (_, Value::String(text)) => *text = spoilt(text, dice),
        _ => *value = dice.pick(&WORDS).into(),
    }
}

/// A text with something else in it.
fn spoilt(text: &str, dice: &mut Dice) -> String {
    let letters: Vec<char> = text.chars().collect();
    let at = dice.next(letters.len() + 1);
    let (before, behind): (String, String) = (letters[..at].iter().collect(), letters[at..].iter().collect());
    let cut: String = behind.chars().skip(1 + dice.next(6)).collect();
    match dice.next(10) {
        0 => before + &cut,
        1 => before + "*" + &cut,
        2 => before + "?" + &behind.chars().skip(1).collect::<String>(),
        3 => before + dice.pick(&WORDS) + &behind,
        4 | 5 => before + dice.pick(&PIECES) + &behind,
        6 => format!("({text}){}({})", dice.pick(&PIECES[..6]), dice.pick(&WORDS)),
        7 => {
            let case = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            before + &behind.chars().take(1).map(case).collect::<String>() + &behind.chars().skip(1).collect::<String>()
        }
        8 => {
            before + ["é", "\u{0}", "\n", "%3A", "${", "}", "\u{e000}", "::", "İ", "\u{1f600}"][dice.next(10)] + &behind
        }
        _ => text.repeat(2),
    }
}
