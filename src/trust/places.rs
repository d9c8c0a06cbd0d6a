//! Where things stand in a text: line and column by JSON pointer.
//!
//! For JSON a walk over text that the strict parser has accepted already; it locates and judges nothing. What it cannot follow has no
//! place, and the explanation is the same without.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::CharIndices;

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Characters, counted from 1.
    pub column: usize,
}

/// The places of one text, as a tree like its values.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// A member's key, an item's or the root's value.
    pub(super) here: Option<Place>,
    /// By name; a list's by number. A map, because an account has many roles and every comparison is looked up.
    pub(super) inside: BTreeMap<String, Places>,
}

impl Places {
    /// Walks a JSON text that [`super::json::parse`] has accepted.
    #[must_use]
    pub(super) fn of(text: &str) -> Places {
        let body = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut walk = Walk { text: body, chars: body.char_indices().peekable(), line: 1, column: 1 };
        walk.blanks();
        let here = walk.place();
        walk.value(here).unwrap_or_default()
    }

    /// The place of what `pointer` names (RFC 6901): of a member its key, of an item its first character. A pointer that goes
    /// on where the text has no parts (into a text that holds JSON) has the place of the last part there is.
    #[must_use]
    pub fn find(&self, pointer: &str) -> Option<Place> {
        let mut at = self;
        for part in pointer.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            match at.inside.get(&name) {
                Some(inside) => at = inside,
                None => break,
            }
        }
        at.here
    }
}

/// `pointer` one step further; the name is escaped as RFC 6901 wants it.
#[must_use]
pub fn join(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

struct Walk<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    line: usize,
    column: usize,
}

impl Walk<'_> {
    fn place(&self) -> Place {
        Place { line: self.line, column: self.column }
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let (at, c) = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some((at, c))
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next();
        }
    }

    /// One value, whose place is known. As deep as the parser lets a text be (128).
    fn value(&mut self, here: Place) -> Option<Places> {
        let mut inside = BTreeMap::new();
        match self.peek()? {
            '"' => {
                self.string()?;
            }
            open @ ('{' | '[') => {
                self.next();
                loop {
                    self.blanks();
                    match self.peek()? {
                        '}' | ']' => {
                            self.next();
                            break;
                        }
                        ',' => {
                            self.next();
                            continue;
                        }
                        _ => {}
                    }
                    let place = self.place();
                    let name = if open == '{' { self.key()? } else { inside.len().to_string() };
                    let value = self.value(place)?;
                    inside.insert(name, value);
                }
            }
            _ => {
                while self.peek().is_some_and(|c| !matches!(c, ',' | '}' | ']') && !c.is_whitespace()) {
                    self.next();
                }
            }
        }
        Some(Places { here: Some(here), inside })
    }

    fn key(&mut self) -> Option<String> {
        let key = self.string()?;
        self.blanks();
        self.chars.next_if(|(_, c)| *c == ':')?;
        self.column += 1;
        self.blanks();
        Some(key)
    }

    fn string(&mut self) -> Option<String> {
        let (start, _) = self.next()?;
        loop {
            match self.next()? {
                (_, '\\') => {
                    self.next()?;
                }
                (end, '"') => return serde_json::from_str(self.text.get(start..=end)?).ok(),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::json;

    fn at(text: &str, pointer: &str) -> Option<(usize, usize)> {
        assert!(json::parse(text).is_ok(), "{text}");
        Places::of(text).find(pointer).map(|place| (place.line, place.column))
    }

    const TEXT: &str = "{\n  \"a\": [1, {\"b/c~\": \"x\\\"}\"},\n    true],\n  \"\\u0064\" : {} , \"é\":null\n}\n";

    #[test]
    fn keys_items_and_the_root_have_their_places() {
        for (pointer, place) in [
            ("", (1, 1)),
            ("/a", (2, 3)),
            ("/a/0", (2, 9)),
            ("/a/1", (2, 12)),
            ("/a/1/b~1c~0", (2, 13)),
            ("/a/2", (3, 5)),
            ("/d", (4, 3)),
            ("/é", (4, 19)),
        ] {
            assert_eq!(at(TEXT, pointer), Some(place), "{pointer}");
        }
    }

    #[test]
    fn what_is_not_there_has_the_place_of_what_is_nearest() {
        assert_eq!(at(TEXT, "/a/1/b~1c~0/Statement/0"), Some((2, 13)));
        assert_eq!(at(TEXT, "/nothing"), Some((1, 1)));
        assert_eq!(at("\u{feff}  7", ""), Some((1, 3)));
    }

    #[test]
    fn join_escapes_what_find_reads() {
        let pointer = join(&join("", "a"), "b/~c");
        assert_eq!(pointer, "/a/b~1~0c");
        assert_eq!(at("{\"a\":\n{\n\"b/~c\":1}}", &pointer), Some((3, 1)));
    }

    /// Every value that the parser gives has a place where its text begins.
    #[test]
    fn places_and_values_agree() {
        fn check(text: &str, value: &serde_json::Value, pointer: &str, places: &Places) {
            let place = places.find(pointer).unwrap();
            let rest: String = text.lines().nth(place.line - 1).unwrap().chars().skip(place.column - 1).collect();
            let name = pointer.rsplit('/').next().unwrap_or_default();
            let is_item = name.parse::<usize>().is_ok();
            assert!(is_item || pointer.is_empty() || rest.starts_with('"'), "{pointer}: {rest}");
            match value {
                serde_json::Value::Object(all) => {
                    all.iter().for_each(|(name, value)| check(text, value, &join(pointer, name), places));
                }
                serde_json::Value::Array(all) => {
                    all.iter().enumerate().for_each(|(n, v)| check(text, v, &join(pointer, &n.to_string()), places));
                }
                _ => {}
            }
        }
        let value = json::parse(TEXT).unwrap();
        for text in [value.to_string(), format!("{value:#}"), format!("{value:#}").replace('\n', "\r\n")] {
            check(&text, &value, "", &Places::of(&text));
        }
    }

    /// One by one through the list it would be a thousand million steps.
    #[test]
    fn a_long_list_is_no_reason_to_wait() {
        let many = 60_000;
        let text = format!("[{}{{}}]", "{\"a\":1},".repeat(many));
        let (places, began) = (Places::of(&text), std::time::Instant::now());
        assert!((0..many).all(|at| places.find(&format!("/{at}/a")).is_some_and(|place| place.line == 1)));
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }

    #[test]
    fn text_that_no_parser_took_only_lacks_places() {
        for text in ["", "{", "{\"a", "[1,", "{\"a\" 1}", "\"\\", "]", "{]"] {
            let _ = Places::of(text).find("/a/0");
        }
    }
}
