//! `--env-file F`: `NAME=value` lines that GitLab's dotenv reports and `source F` read alike.
//!
//! GitLab takes quotes as part of the value and knows no escapes, blanks or comments; a shell without quotes takes only plain
//! characters. What both read the same way is an unquoted value of plain characters, and every credential is one. Anything
//! else is refused instead of being read differently by one of the two.

use zeroize::Zeroizing;

use super::Plan;
use super::github_env::is_variable_name;
use crate::error::{Error, Result};

/// The file's whole content.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind): a value (never quoted in the message) holds a character outside the common alphabet,
/// a path with a blank for example.
pub fn contents(plan: &Plan) -> Result<Zeroizing<String>> {
    let blanks = plan.removed.iter().map(|name| (*name, ""));
    let set = plan.variables.iter().map(|variable| (variable.name, variable.value.reveal()));
    lines(blanks.chain(set))
}

fn lines<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in entries {
        if !is_variable_name(name) || !value.bytes().all(plain) {
            return Err(Error::usage("env-file-value", format!("an env file cannot carry {name}"))
                .detail("expected", "a value of letters, digits and _ @ % + = : , . / -")
                .hint("point RUNNER_TEMP to a directory with a plain name, or use --format shell"));
        }
        for piece in [name, "=", value, "\n"] {
            text.push_str(piece);
        }
    }
    Ok(text)
}

/// Read the same way by a shell without quotes and by GitLab. `~` is not: a shell expands it after `=` and `:`.
fn plain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&b)
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::super::testing::*;
    use super::*;

    fn shell_reads(file: &str) -> String {
        let temp = crate::files::testing::TempDir::new();
        let path = temp.file("F", file);
        let script = format!("set -a; . {}; env -0", path.display());
        let output = std::process::Command::new("sh").env_clear().args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_reads_what_gitlab_reads() {
        let grants = [aws("deploy", true), gcp("main", true, |_, _| ()), azure("infra", true, |_| ())];
        let plan = planned(&grants, Mode::Env, &[("AWS_SECURITY_TOKEN", "old")]);
        let text = super::contents(&plan).unwrap();
        assert!(text.starts_with("AWS_SECURITY_TOKEN=\nJOBPASS_PASS=/pass\n"), "no comment, no empty line");
        let environment = shell_reads(&text);
        for line in text.lines() {
            assert!(environment.split('\0').any(|entry| entry == line), "{line}");
        }
    }

    #[test]
    fn what_the_two_read_differently_is_refused() {
        for value in ["a b", "a\nb", "$(id)", "`id`", "'a'", "\"a\"", "a;b", "~", "a&b", "a#b", "é", "a\\b", "a*"] {
            let error = lines([("A", value)].into_iter()).unwrap_err();
            assert_eq!(error.code, "env-file-value", "{value:?}");
            assert!(!format!("{error} {:?}", error.details).contains("id)"));
        }
    }
}
