//! One JSON object per line, appended before the answer is used.

use super::Event;
use crate::error::{Error, Result};
use crate::files::PrivateDir;

/// The log's file name in the pass.
pub const NAME: &str = "audit.jsonl";

/// The line for one event, its newline included.
///
/// # Errors
/// Never for an [`Event`]; the encoder's own error otherwise.
pub fn line(event: &Event) -> Result<String> {
    let text = serde_json::to_string(event)
        .map_err(|error| Error::files("audit", "encode a record for", std::path::Path::new(NAME), &error))?;
    Ok(text + "\n")
}

/// Appends one event to the log in the pass's directory.
///
/// # Errors
/// [`Kind::Files`](crate::error::Kind): the log is not a plain file of ours, or is full. An exchange that cannot be logged
/// must not be used.
pub fn append(directory: &PrivateDir, event: &Event) -> Result<()> {
    directory.append(NAME, line(event)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Effort;
    use crate::delivery::testing::{aws, ends};
    use crate::files::testing::{TempDir, mode, text};

    #[test]
    fn one_line_per_event_whatever_stands_in_it() {
        let temp = TempDir::new();
        let directory = PrivateDir::create(temp.path(), "x").unwrap();
        let mut grant = aws("deploy", true);
        grant.identity = "a\nb\u{1b}[0m\"}".to_owned();
        for _ in 0..3 {
            append(&directory, &Event::granted(&grant, Effort::default(), ends())).unwrap();
        }
        let path = directory.path().join(NAME);
        let lines: Vec<serde_json::Value> =
            text(&path).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((lines.len(), mode(&path)), (3, 0o600));
        assert_eq!(lines[0]["identity"], "a b [0m\"}");
        assert_eq!(lines[0]["outcome"], "granted");
        assert!(lines[0].get("error-code").is_none());
    }

    #[test]
    fn a_log_that_is_a_link_is_refused() {
        let temp = TempDir::new();
        let victim = temp.file("victim", "");
        let directory = PrivateDir::create(temp.path(), "x").unwrap();
        std::os::unix::fs::symlink(&victim, directory.path().join(NAME)).unwrap();
        let event = Event::granted(&aws("deploy", true), Effort::default(), ends());
        assert_eq!(append(&directory, &event).unwrap_err().kind.exit_code(), 5);
        assert_eq!(text(&victim), "");
    }
}
