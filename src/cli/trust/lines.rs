//! The lines of a file as code scanning knows them: how wide they are, and the hash by which it finds one again.
//!
//! A finding keeps its alert while its line moves if `primaryLocationLineHash` is the one that GitHub's own upload action
//! computes (github/codeql-action, `src/fingerprints.ts`, 2026): a polynomial over the hundred UTF-16 units from the line's first
//! one on, blanks left out, every kind of line end taken for one, an end mark behind the file and nothing behind that.

use std::collections::BTreeMap;

const WINDOW: usize = 100;
const FACTOR: u64 = 37;
/// Behind the last unit of a file.
const END: u16 = u16::MAX;
const LINE_FEED: u16 = 10;
const RETURN: u16 = 13;

/// What is known of each line of one file.
pub(super) struct Lines {
    hashes: Vec<String>,
    widths: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: &str) -> Lines {
        let widths = text.split('\n').map(|line| line.trim_end_matches('\r').chars().count()).collect();
        Lines { hashes: hashes(text), widths }
    }

    /// The hash of a line, counted from 1.
    pub(super) fn hash(&self, line: usize) -> Option<&str> {
        self.hashes.get(line.checked_sub(1)?).map(String::as_str)
    }

    /// How many characters a line has, counted from 1.
    pub(super) fn width(&self, line: usize) -> Option<usize> {
        self.widths.get(line.checked_sub(1)?).copied()
    }
}

/// The units that count, and where among them each line begins.
fn units(text: &str) -> (Vec<u16>, Vec<usize>) {
    let (mut units, mut starts) = (Vec::with_capacity(text.len() + 1), Vec::new());
    let (mut begins, mut returned) = (true, false);
    for unit in text.encode_utf16().chain([END]) {
        let blank = [u16::from(b' '), u16::from(b'\t')].contains(&unit);
        if blank || (returned && unit == LINE_FEED) {
            returned = false;
            continue;
        }
        returned = unit == RETURN;
        if begins {
            starts.push(units.len());
        }
        begins = returned || unit == LINE_FEED;
        units.push(if returned { LINE_FEED } else { unit });
    }
    (units, starts)
}

fn hashes(text: &str) -> Vec<String> {
    let (units, starts) = units(text);
    let mut seen: BTreeMap<u64, usize> = BTreeMap::new();
    let hash = |start: usize| {
        let window = units.iter().skip(start).copied().chain(std::iter::repeat(0)).take(WINDOW);
        window.fold(0_u64, |hash, unit| hash.wrapping_mul(FACTOR).wrapping_add(u64::from(unit)))
    };
    let counted = |hash: u64| {
        let count = seen.entry(hash).and_modify(|count| *count += 1).or_insert(1);
        format!("{hash:x}:{count}")
    };
    starts.into_iter().map(hash).map(counted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the action's own tests.
    #[test]
    fn hashes_are_those_of_the_upload_action() {
        assert_eq!(hashes(""), ["c129715d7a2bc9a3:1"]);
        let four = ["271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"];
        assert_eq!(hashes(" a\nb\n  \t\tc\n d"), four);
        let seven = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        for end in ["\n", "\r", "\r\n"] {
            let text = [" hello; \t", "world!!!", "", "", "  \t\tGreetings", " End", ""].join(end);
            assert_eq!(hashes(&text), seven, "{end:?}");
        }
        let repeated = hashes(&"Lorem ipsum dolor sit amet.\n".repeat(10));
        assert_eq!(repeated[1], "a7f2ff13bc495cf2:2");
        assert_eq!(repeated[6..8], ["a7f2ff1481e87703:1", "a9cf91f7bbf1862b:1"]);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let lines = Lines::of("{\r\n  \"ü\": 1\r\n}");
        assert_eq!([0, 1, 2, 3, 4].map(|line| lines.width(line)), [None, Some(1), Some(8), Some(1), None]);
        assert_eq!(lines.hash(0), None);
        assert_eq!(lines.hash(2), hashes("{\r\n  \"ü\": 1\r\n}").get(1).map(String::as_str));
    }
}
