//! `matches`: patterns of RE2, of which only what the library here reads alike is decided.

use super::value::{Out, Stop, Value};

/// How large a compiled pattern may be, in bytes: repetitions of repetitions grow without measure.
const PATTERN_BYTES: usize = 1 << 16;

/// What a pattern costs, in steps: a macro may ask for it with every item. Repetitions are written out when it is read.
pub(super) fn steps(text: &str, pattern: &str) -> usize {
    let written_out = if pattern.contains('{') { 1_000 } else { 0 };
    100 + written_out + pattern.len().saturating_mul(text.len()) / 1_024
}

/// `matches`: RE2, anywhere in the text. Only patterns that RE2 and the library here read alike.
pub(super) fn matches(text: &str, pattern: &str) -> Out {
    let undecided = |why: &str| Err(Stop::Undecided(format!("the pattern '{pattern}' of `matches`: {why}")));
    // Flags, named groups, sets inside of sets and the borders of words are written or read differently.
    let inside_set = pattern.split('[').skip(1).any(|set| ["&&", "--", "~~"].iter().any(|mark| set.contains(mark)));
    let border = ["\\<", "\\>", "\\b{"].iter().any(|mark| pattern.contains(mark));
    if pattern.replace("(?:", "").contains("(?") || inside_set || border {
        return undecided("flags, named groups, borders of words and operations on sets are not understood here");
    }
    if let Err(why) = alike(pattern, text) {
        return undecided(why);
    }
    match regex_lite::RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build() {
        Ok(regex) => Ok(Value::Bool(regex.is_match(text))),
        Err(error) => undecided(&error.to_string()),
    }
}

/// Whether RE2 and the library here read a pattern alike: RE2 refuses stacked repetitions and more than 1000 of one, has no
/// `\u`, and its `\s` leaves out the vertical tab (google/re2, "Syntax").
fn alike(pattern: &str, text: &str) -> Result<(), &'static str> {
    const LETTERS: &str = "dDsSwWbBAztnrfvax";
    const MOST: u32 = 1_000;
    let (mut rest, mut in_set, mut stacked, mut times) = (pattern.chars().peekable(), false, false, 1_u32);
    while let Some(c) = rest.next() {
        let mut repeats = false;
        match c {
            '\\' => {
                let escaped = rest.next().unwrap_or_default();
                if escaped.is_ascii_alphanumeric() && !LETTERS.contains(escaped) {
                    return Err("an escape that RE2 does not have");
                }
                if matches!(escaped, 's' | 'S') && text.contains('\u{b}') {
                    return Err("whether a vertical tab is white space is read differently");
                }
            }
            // A class by its name, `[:alpha:]`, ends with the second bracket of its own.
            '[' if in_set && rest.next_if_eq(&':').is_some() => {
                while rest.next_if(|c| *c != ']').is_some() {}
                rest.next();
            }
            ']' => in_set = false,
            _ if in_set => {}
            '[' => {
                in_set = true;
                rest.next_if_eq(&'^');
                rest.next_if_eq(&']');
            }
            '{' => {
                let numbers: String = std::iter::from_fn(|| rest.next_if(|c| *c != '}')).collect();
                rest.next();
                let most = numbers.split(',').filter_map(|number| number.parse().ok()).max().unwrap_or(1);
                times = times.saturating_mul(u32::max(most, 1));
                repeats = true;
            }
            c => repeats = matches!(c, '*' | '+' | '?'),
        }
        if repeats && stacked {
            return Err("one repetition behind another");
        }
        stacked = repeats;
        if repeats {
            // `*?` and the like take as little as they can, which changes nothing here.
            rest.next_if_eq(&'?');
        }
    }
    if times > MOST { Err("more repetitions than RE2 takes") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_costs_as_much_as_it_may_take() {
        assert_eq!([steps("", ""), steps("abc", "a{9}"), steps("abc", "a")], [100, 1_100, 100]);
        assert_eq!(steps(&"a".repeat(4_096), &"b".repeat(1_000)), 4_100);
    }

    #[test]
    fn patterns_that_re2_reads_otherwise_are_undecided() {
        for (pattern, text, read) in [
            ("^repo:acme/[a-z*+?{-]+:ref:(?:a|b){2,3}?$", "", true),
            ("[[:alpha:]*+]*[^]*+]+?a??", "", true),
            (r"\[*\]+\\*\.?", "", true),
            (r"\s", "a b", true),
            (r"\s", "a\u{b}b", false),
            (r"[\s]", "a\u{b}b", false),
            ("a{1000}", "", true),
            ("a{1001}", "", false),
            ("(?:a{40}){40}", "", false),
            ("a{0,1001}", "", false),
            ("a**", "", false),
            ("a++", "", false),
            ("a{2}{3}", "", false),
            ("a*?+", "", false),
            (r"\u0061", "", false),
            (r"[\u0061]", "", false),
            (r"\h", "", false),
            (r"\1", "", false),
        ] {
            assert_eq!(alike(pattern, text).is_ok(), read, "{pattern}");
            if !read {
                assert!(matches!(matches(text, pattern), Err(Stop::Undecided(_))), "{pattern}");
            }
        }
    }
}
