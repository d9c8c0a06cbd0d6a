//! The part of CEL that is understood so far: `assertion.NAME`, a literal, and a conjunction of `PATH == 'literal'`.
//!
//! Everything else gives `None`: undecided. A literal with a backslash, a prefix or three quotes is left alone as well.

/// One side of a comparison, or the value of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// `assertion.NAME`: a claim.
    Assertion(String),
    /// `attribute.NAME`: a mapped attribute.
    Attribute(String),
    /// `google.subject`.
    Subject,
    /// `'text'` or `"text"`.
    Literal(String),
}

/// Words of CEL that cannot be names (CEL specification, "Reserved words").
const RESERVED: [&str; 20] = [
    "false",
    "in",
    "null",
    "true",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "while",
];

/// A mapping's value.
pub(super) fn mapping(text: &str) -> Option<Operand> {
    let mut rest = text;
    let operand = operand(&mut rest)?;
    blanks(&mut rest);
    (rest.is_empty() && matches!(operand, Operand::Assertion(_) | Operand::Literal(_))).then_some(operand)
}

/// A condition: pairs that all have to be equal.
pub(super) fn condition(text: &str) -> Option<Vec<(Operand, String)>> {
    let mut rest = text;
    let mut pairs = Vec::new();
    loop {
        let path = operand(&mut rest)?;
        symbol(&mut rest, "==")?;
        let Operand::Literal(literal) = operand(&mut rest)? else { return None };
        if matches!(path, Operand::Literal(_)) {
            return None;
        }
        pairs.push((path, literal));
        blanks(&mut rest);
        if rest.is_empty() {
            return Some(pairs);
        }
        symbol(&mut rest, "&&")?;
    }
}

fn blanks(rest: &mut &str) {
    *rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
}

fn symbol(rest: &mut &str, symbol: &str) -> Option<()> {
    blanks(rest);
    *rest = rest.strip_prefix(symbol)?;
    Some(())
}

fn operand(rest: &mut &str) -> Option<Operand> {
    blanks(rest);
    if rest.starts_with(['\'', '"']) {
        return literal(rest);
    }
    let root = name(rest)?;
    *rest = rest.strip_prefix('.')?;
    let field = name(rest)?;
    // `assertion.a.b`, `assertion.a(…)`, `assertion.a[…]`: more than a claim.
    if rest.starts_with(['.', '(', '[', '{', '?']) || RESERVED.contains(&field.as_str()) {
        return None;
    }
    match root.as_str() {
        "assertion" => Some(Operand::Assertion(field)),
        "attribute" => Some(Operand::Attribute(field)),
        "google" if field == "subject" => Some(Operand::Subject),
        _ => None,
    }
}

fn name(rest: &mut &str) -> Option<String> {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (name, tail) = rest.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    *rest = tail;
    Some(name.to_owned())
}

fn literal(rest: &mut &str) -> Option<Operand> {
    let quote = rest.chars().next()?;
    let inside = rest.strip_prefix(quote)?;
    let (text, tail) = inside.split_once(quote)?;
    // An empty literal before another quote opens a literal in three quotes.
    if text.contains(['\\', '\n', '\r']) || tail.starts_with(['\'', '"']) {
        return None;
    }
    *rest = tail;
    Some(Operand::Literal(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings() {
        assert_eq!(mapping("assertion.sub"), Some(Operand::Assertion("sub".to_owned())));
        assert_eq!(mapping(" 'x' "), Some(Operand::Literal("x".to_owned())));
        for text in [
            "",
            "assertion",
            "assertion.",
            "assertion.a.b",
            "assertion['a']",
            "assertion.a + 'b'",
            "'a' + 'b'",
            "assertion.sub.extract('{x}')",
            "attribute.x",
            "google.subject",
            "'a\\x41'",
            "'''a'''",
            "r'a'",
            "'a",
            "b'a'",
            "assertion.in",
            "assertion.1a",
            "has(assertion.a)",
            "assertion.a // c",
            "assertion .a",
            "'a''b'",
            "1",
            "true",
        ] {
            assert_eq!(mapping(text), None, "{text}");
        }
    }

    #[test]
    fn conditions() {
        let pairs = condition("assertion.repository=='acme/shop' && attribute.ref == \"refs/heads/main\"").unwrap();
        assert_eq!(pairs.len(), 2);
        assert_eq!(pairs[1], (Operand::Attribute("ref".to_owned()), "refs/heads/main".to_owned()));
        assert!(condition("google.subject == 'a'\n&&\tassertion.b == 'it is \"so\"'").is_some());
        for text in [
            "",
            "true",
            "assertion.a",
            "assertion.a != 'b'",
            "assertion.a == assertion.b",
            "'a' == 'a'",
            "'a' == assertion.a",
            "assertion.a == 'b' || assertion.c == 'd'",
            "(assertion.a == 'b')",
            "!(assertion.a == 'b')",
            "assertion.a == 'b' &&",
            "assertion.a == 'b' & assertion.c == 'd'",
            "assertion.a == 'b' assertion.c == 'd'",
            "assertion.a == 1",
            "assertion.a in ['b']",
            "assertion.a.startsWith('b')",
            "assertion.a == 'b' ? true : false",
            "assertion.a == 'b'.lowerAscii()",
            "assertion.a == 'b' + 'c'",
            "assertion.a === 'b'",
            "assertion.a == 'b' && true",
            "google.groups == 'a'",
            "google.display_name == 'x'",
            "assertion.a == 'b' // || true",
            "assertion.a == ''",
        ] {
            let parsed = condition(text);
            assert_eq!(parsed.is_some(), text == "assertion.a == ''", "{text}");
        }
    }
}
