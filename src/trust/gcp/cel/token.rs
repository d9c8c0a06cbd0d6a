//! The lexis of CEL (language definition, "Syntax"): words, numbers, strings, marks, with their places.

use std::ops::Range;

/// One word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// Digits without a sign; the parser puts a minus before them.
    Int(u64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    Mark(&'static str),
}

/// A word and where it stands, in bytes.
pub(super) type Placed = (Token, Range<usize>);

/// Longer marks first.
const MARKS: [&str; 26] = [
    "==", "!=", "<=", ">=", "&&", "||", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "<", ">", "+", "-", "*",
    "/", "%", "`", "=",
];

/// Splits an expression into words.
///
/// # Errors
/// Says what stands where no word can begin, or which word is broken.
pub(super) fn split(text: &str) -> Result<Vec<Placed>, String> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']).len();
        if blanks > 0 {
            at += blanks;
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = word(rest).map_err(|what| format!("{what} at character {}", chars(text, at)))?;
        words.push((token, at..at + length));
        at += length;
    }
    Ok(words)
}

/// Which character of `text` the byte `at` is, from 1.
pub(super) fn chars(text: &str, at: usize) -> usize {
    text.get(..at).map_or(0, |before| before.chars().count()) + 1
}

fn word(rest: &str) -> Result<(Token, usize), String> {
    if let Some(quoted) = quoted(rest)? {
        return Ok(quoted);
    }
    let first = rest.chars().next().unwrap_or_default();
    if first.is_ascii_alphabetic() || first == '_' {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        return Ok((Token::Name(rest.get(..end).unwrap_or_default().to_owned()), end));
    }
    let digit_behind = |text: &str| text.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    if first.is_ascii_digit() || first == '.' && digit_behind(rest) {
        return number(rest);
    }
    match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
        Some(mark) => Ok((Token::Mark(mark), mark.len())),
        None => Err(format!("`{first}` belongs to no word")),
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let tail = |at: usize| rest.get(at..).unwrap_or_default();
    let unsigned = |at: usize| tail(at).starts_with(['u', 'U']);
    if rest.starts_with("0x") || rest.starts_with("0X") {
        let end = 2 + tail(2).bytes().take_while(u8::is_ascii_hexdigit).count();
        let value =
            u64::from_str_radix(rest.get(2..end).unwrap_or_default(), 16).map_err(|_| "a number out of range")?;
        return done(rest, end, value, unsigned(end));
    }
    let mut end = digits(rest);
    let whole = end;
    if tail(end).starts_with('.') && digits(tail(end + 1)) > 0 {
        end += 1 + digits(tail(end + 1));
    }
    if tail(end).starts_with(['e', 'E']) {
        let sign = usize::from(tail(end + 1).starts_with(['+', '-']));
        let exponent = digits(tail(end + 1 + sign));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let text = rest.get(..end).unwrap_or_default();
    if end == whole {
        return done(rest, end, text.parse().map_err(|_| "a number out of range")?, unsigned(end));
    }
    ended(tail(end))?;
    Ok((Token::Double(text.parse().map_err(|_| "a broken number")?), end))
}

fn done(rest: &str, end: usize, value: u64, unsigned: bool) -> Result<(Token, usize), String> {
    let length = end + usize::from(unsigned);
    ended(rest.get(length..).unwrap_or_default())?;
    Ok((if unsigned { Token::Uint(value) } else { Token::Int(value) }, length))
}

/// A number ends where no name goes on: `1a` is no number followed by a name.
fn ended(tail: &str) -> Result<(), String> {
    match tail.chars().next() {
        Some(c) if c.is_ascii_alphanumeric() || c == '_' => Err("a broken number".to_owned()),
        _ => Ok(()),
    }
}

/// A string or bytes: `'…'`, `"…"`, three of either, with `r` and `b` before it in either case.
fn quoted(rest: &str) -> Result<Option<(Token, usize)>, String> {
    let prefix: String = rest.chars().take_while(|c| "rRbB".contains(*c)).take(2).collect();
    let (raw, bytes) = (prefix.contains(['r', 'R']), prefix.contains(['b', 'B']));
    let body = rest.get(prefix.len()..).unwrap_or_default();
    if !body.starts_with(['\'', '"']) || prefix.len() == 2 && !(raw && bytes) {
        return Ok(None);
    }
    let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| body.starts_with(quote)).unwrap_or("'");
    let inside = body.get(quote.len()..).unwrap_or_default();
    let mut content = Vec::new();
    let mut at = 0;
    loop {
        let tail = inside.get(at..).unwrap_or_default();
        if tail.starts_with(quote) {
            break;
        }
        let Some(c) = tail.chars().next() else { return Err("a string without an end".to_owned()) };
        if quote.len() == 1 && (c == '\n' || c == '\r') {
            return Err("a string without an end".to_owned());
        }
        if c == '\\' && !raw {
            at += escape(tail, bytes, &mut content)?;
        } else {
            // In a raw string a backslash before the quote does not end the string's line, it is a backslash.
            content.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            at += c.len_utf8();
        }
    }
    let length = prefix.len() + 2 * quote.len() + at;
    if bytes {
        return Ok(Some((Token::Bytes(content), length)));
    }
    let text = String::from_utf8(content).map_err(|_| "a string that is no text")?;
    Ok(Some((Token::Text(text), length)))
}

/// One escape at the start of `tail`; its length.
fn escape(tail: &str, bytes: bool, content: &mut Vec<u8>) -> Result<usize, String> {
    let broken = || "a broken escape in a string".to_owned();
    let kind = tail.chars().nth(1).ok_or_else(broken)?;
    let plain = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        '?' => b'?',
        '"' => b'"',
        '\'' => b'\'',
        '`' => b'`',
        _ => {
            let (skip, length, radix) = match kind {
                'x' | 'X' => (2, 2, 16),
                'u' if !bytes => (2, 4, 16),
                'U' if !bytes => (2, 8, 16),
                '0'..='3' => (1, 3, 8),
                _ => return Err(broken()),
            };
            let digits = tail.get(skip..skip + length).filter(|text| text.chars().all(|c| c.is_digit(radix)));
            let value = u32::from_str_radix(digits.ok_or_else(broken)?, radix).map_err(|_| broken())?;
            if bytes {
                content.push(u8::try_from(value).map_err(|_| broken())?);
            } else {
                let c = char::from_u32(value).ok_or_else(broken)?;
                content.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            return Ok(skip + length);
        }
    };
    content.push(plain);
    Ok(2)
}
