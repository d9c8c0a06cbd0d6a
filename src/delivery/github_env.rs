//! The format of GitHub's command files (`GITHUB_ENV`, `GITHUB_OUTPUT`): one block of `NAME<<DELIMITER` entries.
//!
//! A value that could close its own entry could set any variable of the later steps, `LD_PRELOAD` included (CVE-2022-35954).
//! So the delimiter is 128 random bits, no value may hold it, and no value may hold a control character in the first place.

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::random;

/// Which file the block is for, and so which names it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// `GITHUB_ENV`: `[A-Z_][A-Z0-9_]*`, but not `NODE_OPTIONS`, which the runner refuses.
    Variables,
    /// `GITHUB_OUTPUT` and `GITHUB_STATE`: `[a-z0-9][a-z0-9-]*`.
    Outputs,
}

/// The block for `entries`, to be appended with a single write.
///
/// # Errors
/// - [`Kind::Usage`](crate::error::Kind): a name outside the alphabet, or a control character in a value (the value itself is
///   never quoted).
/// - [`Kind::Files`](crate::error::Kind): the system has no randomness.
pub fn block<'a>(names: Names, entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Zeroizing<String>> {
    with_delimiter(names, entries, &format!("jobpass-{}", random::hex128()?))
}

fn with_delimiter<'a>(
    names: Names,
    entries: impl IntoIterator<Item = (&'a str, &'a str)>,
    delimiter: &str,
) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in entries {
        if !fits(names, name) {
            let alphabet = match names {
                Names::Variables => "[A-Z_][A-Z0-9_]*, but not NODE_OPTIONS",
                Names::Outputs => "[a-z0-9][a-z0-9-]*",
            };
            return Err(Error::usage("variable-name", "a name does not fit the runner's file")
                .detail("expected", alphabet)
                .detail("presented", crate::secret::clean(name, &[])));
        }
        check_value(name, value)?;
        // Out of reach for chance; a value that holds it knows it.
        if value.contains(delimiter) {
            return Err(Error::usage(
                "variable-value",
                format!("the value of {name} holds the delimiter of its own entry"),
            ));
        }
        for piece in [name, "<<", delimiter, "\n", value, "\n", delimiter, "\n"] {
            text.push_str(piece);
        }
    }
    Ok(text)
}

/// Refuses what no variable of ours holds: control characters, newlines among them.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind) with the variable's name, never its value.
pub(super) fn check_value(name: &str, value: &str) -> Result<()> {
    if value.chars().any(char::is_control) {
        return Err(Error::usage("variable-value", format!("the value of {name} holds a control character"))
            .detail("expected", "one line of text without NUL, carriage return or escape"));
    }
    Ok(())
}

fn fits(names: Names, name: &str) -> bool {
    let bytes = name.as_bytes();
    match names {
        Names::Variables => is_variable_name(name) && name != "NODE_OPTIONS",
        Names::Outputs => {
            let letter = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            bytes.first().is_some_and(letter) && bytes.iter().all(|b| letter(b) || *b == b'-')
        }
    }
}

/// True for `[A-Z_][A-Z0-9_]*`.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    name.bytes().next().is_some_and(|b| b.is_ascii_uppercase() || b == b'_')
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// How the runner on Linux reads such a file (actions/runner, FileCommandManager): the pairs, or its complaint. Pairs
    /// before a complaint have been applied already, so they come back too.
    pub(crate) fn runner_reads(text: &str) -> (Vec<(String, String)>, Option<String>) {
        let mut pairs = Vec::new();
        let mut rest = text;
        // (line, whether a newline ended it)
        let mut next = || -> Option<(&str, bool)> {
            if rest.is_empty() {
                return None;
            }
            match rest.split_once('\n') {
                Some((line, after)) => {
                    rest = after;
                    Some((line, true))
                }
                None => Some((std::mem::take(&mut rest), false)),
            }
        };
        while let Some((line, _)) = next() {
            if line.is_empty() {
                continue;
            }
            let (equals, heredoc) = (line.find('='), line.find("<<"));
            match (equals, heredoc) {
                (Some(at), here) if here.is_none_or(|here| at < here) => {
                    pairs.push((line[..at].to_owned(), line[at + 1..].to_owned()));
                }
                (_, Some(at)) => {
                    let (name, delimiter) = (&line[..at], &line[at + 2..]);
                    if name.is_empty() || delimiter.is_empty() {
                        return (pairs, Some("name and delimiter must not be empty".to_owned()));
                    }
                    let mut value: Vec<&str> = Vec::new();
                    loop {
                        match next() {
                            None => return (pairs, Some("matching delimiter not found".to_owned())),
                            Some((line, _)) if line == delimiter => break,
                            Some((_, false)) => return (pairs, Some("EOF marker missing new line".to_owned())),
                            Some((line, true)) => value.push(line),
                        }
                    }
                    pairs.push((name.to_owned(), value.join("\n")));
                }
                _ => return (pairs, Some(format!("invalid format '{line}'"))),
            }
        }
        (pairs, None)
    }

    /// A small generator of awkward texts: no randomness from outside, so a failure repeats.
    struct Awkward(u64);

    impl Awkward {
        fn number(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % below
        }

        fn text(&mut self) -> String {
            const PIECES: [&str; 22] = [
                "\n",
                "\r\n",
                "\r",
                "<<",
                "=",
                "EOF",
                "jobpass-D",
                "A",
                "LD_PRELOAD",
                "/x",
                "::set-env name=X::",
                "%0A",
                "\0",
                " ",
                "\"",
                "'",
                "$(id)",
                "é",
                "\u{2028}",
                "\u{1b}[0m",
                "\t",
                "`",
            ];
            (0..self.number(8)).map(|_| PIECES[self.number(PIECES.len())]).collect()
        }
    }

    #[test]
    fn the_runner_reads_back_what_was_meant_or_nothing_is_written() {
        let mut awkward = Awkward(1);
        let (mut written, mut refused) = (0, 0);
        for round in 0..20_000 {
            let (before, a, b) = (awkward.text().replace("<<", ""), awkward.text(), awkward.text());
            let entries = [("A_1", a.as_str()), ("_B", b.as_str())];
            match with_delimiter(Names::Variables, entries, "jobpass-D") {
                Ok(block) => {
                    assert!(![&a, &b].iter().any(|v| v.chars().any(char::is_control)), "round {round}");
                    let meant: Vec<_> = entries.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
                    assert_eq!(runner_reads(&block), (meant.clone(), None), "round {round}");
                    // Behind another step's lines, complete or not, the runner finds ours at the end.
                    let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
                    let (pairs, complaint) = runner_reads(&format!("{before}{separator}{}", *block));
                    assert!(complaint.is_some() || pairs.ends_with(&meant), "round {round}");
                    written += 1;
                }
                Err(error) => {
                    assert!([&a, &b].iter().any(|v| v.chars().any(char::is_control) || v.contains("jobpass-D")));
                    assert!(error.kind.exit_code() == 2 && !error.message.contains("LD_PRELOAD"));
                    refused += 1;
                }
            }
        }
        assert!(written > 1_000 && refused > 1_000, "{written} {refused}");
    }

    #[test]
    fn the_port_of_the_parser_does_what_the_runner_is_known_to_do() {
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(runner_reads("A=b\n\nC=d<<e"), (vec![pair("A", "b"), pair("C", "d<<e")], None));
        assert_eq!(runner_reads("A<<D\n1\n2\nD"), (vec![pair("A", "1\n2")], None), "last line without newline");
        assert_eq!(runner_reads("X=1\nA<<D\n1\n").1.as_deref(), Some("matching delimiter not found"));
        assert_eq!(runner_reads("X=1\nA<<D\n1\n").0, [pair("X", "1")], "pairs before the bad one stay");
        assert_eq!(
            runner_reads("T<<EOF\nt\nEOF\nLD_PRELOAD=/x\nEOF\n").0[1],
            pair("LD_PRELOAD", "/x"),
            "a fixed delimiter"
        );
    }

    #[test]
    fn delimiters_differ_from_call_to_call() {
        let make = || block(Names::Variables, [("A", "b")]).unwrap().to_string();
        let (first, second) = (make(), make());
        assert_ne!(first, second);
        assert_eq!(runner_reads(&first), runner_reads(&second));
    }

    #[test]
    fn names_come_from_their_alphabet() {
        for name in ["", "1A", "a", "A-B", "A B", "A=B", "A<<B", "A\n", "NODE_OPTIONS", "Ä"] {
            assert_eq!(block(Names::Variables, [(name, "x")]).unwrap_err().code, "variable-name", "{name:?}");
        }
        for name in ["", "-a", "A", "a_b", "a\n", "a=b", "a<<b"] {
            assert!(block(Names::Outputs, [(name, "x")]).is_err(), "{name:?}");
        }
        assert!(block(Names::Outputs, [("deploy-2-expiration", "x")]).is_ok());
    }

    #[test]
    fn an_empty_value_blanks_the_variable() {
        let block = block(Names::Variables, [("AWS_SESSION_TOKEN", "")]).unwrap();
        assert_eq!(runner_reads(&block).0, [("AWS_SESSION_TOKEN".to_owned(), String::new())]);
    }
}
