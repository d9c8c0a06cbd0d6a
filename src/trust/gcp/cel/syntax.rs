//! The grammar of CEL (language definition, "Syntax").
//!
//! Message construction (`T{…}`), a leading dot, optional access (`.?`, `[?…]`) and quoted field names are not read: none has
//! a meaning in a provider's expressions, and what is not read makes the answer undecided.

use super::token::{self, Placed, Token};
use super::tree::{Expr, Kind};
use super::value::Value;

/// Levels of a tree that are read. The language definition asks for 24 to 32 at least.
const DEPTH: usize = 96;
/// Words that name nothing (language definition: keywords and reserved words).
const RESERVED: [&str; 21] = [
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
    "void",
    "while",
];
const EACH: [&str; 5] = ["all", "exists", "exists_one", "map", "filter"];
/// Binary operators, weakest first; `&&` and `||` stand apart.
const OPERATORS: [&[&str]; 3] = [&["==", "!=", "<=", ">=", "<", ">", "in"], &["+", "-"], &["*", "/", "%"]];

/// Reads an expression.
///
/// # Errors
/// Says at which character something else was expected.
pub(in crate::trust::gcp) fn parse(text: &str) -> Result<Expr, String> {
    let words = token::split(text)?;
    let mut parser = Parser { text, words: &words, next: 0, nested: 0 };
    let whole = parser.expression()?;
    match parser.words.get(parser.next) {
        None => Ok(whole),
        Some(_) => Err(parser.unexpected("the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    words: &'a [Placed],
    next: usize,
    nested: usize,
}

type Parsed = Result<Expr, String>;

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.words.get(self.next).map(|(token, _)| token)
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(Token::Mark(met)) if *met == mark)
    }

    fn take(&mut self, mark: &str) -> bool {
        let found = self.is(mark);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        if self.take(mark) { Ok(()) } else { Err(self.unexpected(&format!("`{mark}`"))) }
    }

    fn unexpected(&self, expected: &str) -> String {
        match self.words.get(self.next) {
            None => format!("expected {expected}, met the end"),
            Some((_, at)) => {
                let met = self.text.get(at.clone()).unwrap_or_default();
                format!("expected {expected} at character {}, met `{met}`", token::chars(self.text, at.start))
            }
        }
    }

    /// Where the next word begins.
    fn here(&self) -> usize {
        self.words.get(self.next).map_or(self.text.len(), |(_, at)| at.start)
    }

    /// A node from `start` to the last word that was taken.
    fn node(&self, start: usize, kind: Kind) -> Parsed {
        let end = self.next.checked_sub(1).and_then(|last| self.words.get(last)).map_or(start, |(_, at)| at.end);
        let depth = 1 + kind.parts().into_iter().map(|part| part.depth).max().unwrap_or(0);
        if depth > DEPTH {
            return Err(format!("it is nested more than {DEPTH} levels deep"));
        }
        Ok(Expr { at: start..end, kind, depth })
    }

    fn expression(&mut self) -> Parsed {
        self.nested += 1;
        if self.nested > DEPTH {
            return Err(format!("it is nested more than {DEPTH} levels deep"));
        }
        let start = self.here();
        let mut whole =
            self.chain("||", Kind::Any, |parser| parser.chain("&&", Kind::All, |parser| parser.binary(0)))?;
        if self.take("?") {
            let yes = self.chain("||", Kind::Any, |parser| parser.chain("&&", Kind::All, |parser| parser.binary(0)))?;
            self.expect(":")?;
            let no = self.expression()?;
            whole = self.node(start, Kind::Choice(Box::new(whole), Box::new(yes), Box::new(no)))?;
        }
        self.nested -= 1;
        Ok(whole)
    }

    /// Parts with one mark between them; one part alone stays what it is.
    fn chain(&mut self, mark: &str, kind: fn(Vec<Expr>) -> Kind, part: fn(&mut Self) -> Parsed) -> Parsed {
        let start = self.here();
        let first = part(self)?;
        if !self.is(mark) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(mark) {
            parts.push(part(self)?);
        }
        self.node(start, kind(parts))
    }

    fn binary(&mut self, level: usize) -> Parsed {
        let Some(operators) = OPERATORS.get(level) else { return self.unary() };
        let start = self.here();
        let mut left = self.binary(level + 1)?;
        loop {
            let met = match self.peek() {
                Some(Token::Mark(mark)) => *mark,
                Some(Token::Name(name)) if name == "in" => "in",
                _ => return Ok(left),
            };
            let Some(operator) = operators.iter().copied().find(|operator| *operator == met) else { return Ok(left) };
            self.next += 1;
            let right = self.binary(level + 1)?;
            left = self.node(start, Kind::Binary(operator, Box::new(left), Box::new(right)))?;
        }
    }

    fn unary(&mut self) -> Parsed {
        let start = self.here();
        let mark = if self.is("!") { "!" } else { "-" };
        let mut count = 0_usize;
        while self.take(mark) {
            count += 1;
        }
        if mark == "-" && count > 0 && matches!(self.peek(), Some(Token::Int(_) | Token::Double(_))) {
            // The sign belongs to the number: -9223372036854775808 has no positive twin.
            count -= 1;
            let negative = self.negative(start)?;
            let member = self.member_of(start, negative)?;
            return self.prefixed(start, count, Kind::Negate, member);
        }
        let member = self.member()?;
        self.prefixed(start, count, if mark == "!" { Kind::Not } else { Kind::Negate }, member)
    }

    fn prefixed(&mut self, start: usize, count: usize, kind: fn(Box<Expr>) -> Kind, inner: Expr) -> Parsed {
        (0..count).try_fold(inner, |inner, _| self.node(start, kind(Box::new(inner))))
    }

    fn negative(&mut self, start: usize) -> Parsed {
        let value = match self.peek() {
            Some(Token::Int(value)) => {
                i64::try_from(-i128::from(*value)).map(Value::Int).map_err(|_| "a number out of range")?
            }
            Some(Token::Double(value)) => Value::Double(-value),
            _ => return Err(self.unexpected("a number")),
        };
        self.next += 1;
        self.node(start, Kind::Literal(value))
    }

    fn member(&mut self) -> Parsed {
        let start = self.here();
        let primary = self.primary()?;
        self.member_of(start, primary)
    }

    /// `.name`, `.name(…)` and `[…]` behind something.
    fn member_of(&mut self, start: usize, mut of: Expr) -> Parsed {
        loop {
            if self.take(".") {
                let Some(Token::Name(name)) = self.peek().cloned() else { return Err(self.unexpected("a name")) };
                // Reserved words may be selected, the four keywords may not.
                if RESERVED.iter().take(4).any(|word| *word == name) {
                    return Err(self.unexpected("a name"));
                }
                self.next += 1;
                of = if self.take("(") {
                    let args = self.list(")")?;
                    self.method(start, of, name, args)?
                } else {
                    self.node(start, Kind::Field(Box::new(of), name))?
                };
            } else if self.take("[") {
                let index = self.expression()?;
                self.expect("]")?;
                of = self.node(start, Kind::Index(Box::new(of), Box::new(index)))?;
            } else {
                return Ok(of);
            }
        }
    }

    fn method(&mut self, start: usize, on: Expr, name: String, args: Vec<Expr>) -> Parsed {
        let on = Box::new(on);
        let macro_name = EACH.into_iter().find(|known| *known == name);
        let fits = args.len() == 2 || args.len() == 3 && name == "map";
        if let (Some(name), true) = (macro_name, fits) {
            let mut args = args.into_iter();
            let Some(Expr { kind: Kind::Name(variable), .. }) = args.next() else {
                return Err(format!("the first argument of `{name}` is no plain name"));
            };
            return self.node(start, Kind::Each { name, over: on, variable, body: args.collect() });
        }
        self.node(start, Kind::Call { on: Some(on), name, args })
    }

    /// Expressions up to `end`, with commas between them.
    fn list(&mut self, end: &str) -> Result<Vec<Expr>, String> {
        let mut all = Vec::new();
        while !self.take(end) {
            all.push(self.expression()?);
            if !self.take(",") {
                self.expect(end)?;
                break;
            }
            // Lists and maps may end in a comma, arguments may not.
            if end == ")" && self.is(end) {
                return Err(self.unexpected("an argument"));
            }
        }
        Ok(all)
    }

    fn primary(&mut self) -> Parsed {
        let start = self.here();
        if self.take("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.take("[") {
            let items = self.list("]")?;
            return self.node(start, Kind::List(items));
        }
        if self.take("{") {
            let mut entries = Vec::new();
            while !self.take("}") {
                let key = self.expression()?;
                self.expect(":")?;
                entries.push((key, self.expression()?));
                if !self.take(",") {
                    self.expect("}")?;
                    break;
                }
            }
            return self.node(start, Kind::Map(entries));
        }
        let literal = match self.peek() {
            Some(Token::Int(value)) => Value::Int(i64::try_from(*value).map_err(|_| "a number out of range")?),
            Some(Token::Uint(value)) => Value::Uint(*value),
            Some(Token::Double(value)) => Value::Double(*value),
            Some(Token::Text(text)) => Value::Text(text.clone()),
            Some(Token::Bytes(bytes)) => Value::Bytes(bytes.clone()),
            Some(Token::Name(name)) => match name.as_str() {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                "null" => Value::Null,
                _ => return self.name(start),
            },
            _ => return Err(self.unexpected("a value")),
        };
        self.next += 1;
        self.node(start, Kind::Literal(literal))
    }

    fn name(&mut self, start: usize) -> Parsed {
        let Some(Token::Name(name)) = self.peek().cloned() else { return Err(self.unexpected("a name")) };
        if RESERVED.contains(&name.as_str()) {
            return Err(self.unexpected("a name"));
        }
        self.next += 1;
        if !self.take("(") {
            return self.node(start, Kind::Name(name));
        }
        let args = self.list(")")?;
        if name != "has" {
            return self.node(start, Kind::Call { on: None, name, args });
        }
        match <[Expr; 1]>::try_from(args) {
            Ok([Expr { kind: Kind::Field(of, field), .. }]) => self.node(start, Kind::Has(of, field)),
            _ => Err("`has` wants one selection, such as has(assertion.environment)".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DEPTH, parse};

    #[test]
    fn as_deep_as_is_said_and_no_deeper() {
        let texts: [fn(usize) -> String; 4] = [
            |levels| format!("{}1{}", "(".repeat(levels), ")".repeat(levels)),
            |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels)),
            |levels| format!("1{}", " + 1".repeat(levels)),
            |levels| format!("{}true", "!".repeat(levels)),
        ];
        for text in texts {
            assert!(parse(&text(DEPTH - 1)).is_ok(), "{}", text(DEPTH - 1));
            assert!(parse(&text(DEPTH)).unwrap_err().contains("96 levels"), "{}", text(DEPTH));
        }
        // Beside each other is not below each other.
        assert!(parse(&format!("1 == 1{}", " || (1 == 1)".repeat(2 * DEPTH))).is_ok());
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        for text in [
            "1a",
            "1_",
            "1.5x",
            "1e5_",
            "1ub",
            "0x1g",
            "0xffu1",
            "99999999999999999999",
            "1e",
            "",
            "a.",
            "a.1",
            "a[",
            "a[1",
            "(1",
            "1)",
            "f(1,)",
            "f(1",
            "[1",
            "[1,,2]",
            "{1}",
            "{1: 2",
            "{1: 2,,}",
            "a ? 1",
            "a ? 1 :",
            "a &&",
            "&& a",
            "a == ",
            "'a",
            "b'",
            "'a\nb'",
            "a b",
            "1 2",
            "a.in",
            "a.true",
            "has(a)",
            "a.exists(1, true)",
            "a.map(b.c, 1)",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in
            ["[1,]", "{1: 2,}", "a.all", "-1", "--a", "!!a", "a[1].b.c(1)[2]", "1.5e-3", "0xFFu", "r'\\'", "'''a\nb'''"]
        {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
    }
}
