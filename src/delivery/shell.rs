//! `--format shell`: statements for `eval "$(jobpass login --format shell)"`, in the words that every POSIX shell knows.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::Plan;
use super::github_env::{check_value, is_variable_name};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// `unset` for what would win over ours, then `export NAME='value'` for each variable.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind): a name outside `[A-Z_][A-Z0-9_]*`, or a control character in a value.
pub fn exports(plan: &Plan) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(unsets(plan.removed.iter().copied())?);
    for variable in &plan.variables {
        text.push_str(&export(variable.name, variable.value.reveal())?);
    }
    Ok(text)
}

/// `unset` for what ends as the empty text, and `export` for what gets its earlier value back: for logout.
///
/// # Errors
/// As [`exports`].
pub fn restores(variables: &BTreeMap<String, Secret>) -> Result<Zeroizing<String>> {
    let (blank, back): (Vec<_>, Vec<_>) = variables.iter().partition(|(_, after)| after.is_empty());
    let mut text = Zeroizing::new(unsets(blank.into_iter().map(|(name, _)| name.as_str()))?);
    for (name, earlier) in back {
        text.push_str(&export(name, earlier.reveal())?);
    }
    Ok(text)
}

/// One `export NAME='value'` line.
///
/// # Errors
/// As [`exports`].
fn export(name: &str, value: &str) -> Result<Zeroizing<String>> {
    check_name(name)?;
    check_value(name, value)?;
    let mut text = Zeroizing::new(format!("export {name}='"));
    // Inside single quotes a shell reads everything as it stands, but for the quote itself.
    text.push_str(&Zeroizing::new(value.replace('\'', r"'\''")));
    text.push_str("'\n");
    Ok(text)
}

/// One `unset` line per name.
fn unsets<'a>(names: impl Iterator<Item = &'a str>) -> Result<String> {
    let mut text = String::new();
    for name in names {
        check_name(name)?;
        text.push_str("unset ");
        text.push_str(name);
        text.push('\n');
    }
    Ok(text)
}

fn check_name(name: &str) -> Result<()> {
    if is_variable_name(name) {
        return Ok(());
    }
    Err(Error::usage("variable-name", "a name is not a variable of ours")
        .detail("expected", "[A-Z_][A-Z0-9_]*")
        .detail("presented", crate::secret::clean(name, &[])))
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::super::testing::*;
    use super::*;

    fn shell(script: &str) -> String {
        let output =
            std::process::Command::new("sh").env_clear().env("OLD", "1").args(["-c", script]).output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_takes_every_value_as_it_stands() {
        for value in ["", "a b", "it's", "''", "$(id)", "`id`", "\\", "$HOME", "a\"b", "!!", "é", "a;b", "'; id; '"] {
            let line = export("A", value).unwrap();
            assert_eq!(shell(&format!("{}printf %s \"$A\"", *line)), value);
        }
        assert!(export("A", "a\nb").is_err());
        for name in ["", "a", "A;id", "A B", "1A", "A=1"] {
            assert!(export(name, "x").is_err() && unsets([name].into_iter()).is_err(), "{name}");
        }
    }

    #[test]
    fn login_and_logout_are_each_others_reverse() {
        let plan = planned(&[aws("deploy", true)], Mode::Files, &[("AWS_ACCESS_KEY_ID", "AKIAOLD")]);
        let text = exports(&plan).unwrap();
        assert!(text.starts_with("unset AWS_ACCESS_KEY_ID\nexport JOBPASS_PASS='/pass'\n"), "{}", *text);
        let off = unsets(plan.variables.iter().map(|variable| variable.name)).unwrap();
        assert_eq!(shell(&format!("{}{off}env | grep -c AWS", *text)), "0\n");
    }
}
