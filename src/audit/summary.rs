//! A table for `GITHUB_STEP_SUMMARY`: who got what, until when.

use std::path::Path;

use super::{Event, Outcome};
use crate::error::Result;
use crate::files::append_block;

/// The Markdown of the table, one row per event; empty without events.
#[must_use]
pub fn markdown(events: &[Event]) -> String {
    if events.is_empty() {
        return String::new();
    }
    let mut text =
        String::from("### jobpass\n\n| edge | destination | outcome | identity | expires | request id | ms |\n");
    text.push_str("|---|---|---|---|---|---|--:|\n");
    for event in events {
        let outcome = match event.outcome {
            Outcome::Granted => "granted".to_owned(),
            Outcome::Denied => format!("denied: {}", event.error_code.as_deref().unwrap_or_default()),
            Outcome::Failed => format!("failed: {}", event.error_code.as_deref().unwrap_or_default()),
        };
        let milliseconds = event.milliseconds.to_string();
        let cells: [&str; 7] = [
            &event.edge,
            event.destination,
            &outcome,
            &event.identity,
            event.expiration.as_deref().unwrap_or("–"),
            &event.request_id,
            &milliseconds,
        ];
        for text_of_cell in cells {
            text.push_str("| ");
            text.push_str(&cell(text_of_cell));
            text.push(' ');
        }
        text.push_str("|\n");
    }
    text.push('\n');
    text
}

/// Appends the table to the step's summary.
///
/// # Errors
/// [`Kind::Files`](crate::error::Kind), as [`append_block`]. A login that did everything else goes on without its summary.
pub fn append(path: &Path, events: &[Event]) -> Result<()> {
    match markdown(events) {
        text if text.is_empty() => Ok(()),
        text => append_block(path, text.as_bytes()).map(|_| ()),
    }
}

/// Text that means nothing to Markdown, to HTML and to the runner: everything but plain characters becomes a numeric entity,
/// so no cell ends early, no link or picture appears, and no `::command::` stands in it.
fn cell(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    for c in text.chars() {
        match c {
            _ if c.is_control() => out.push(' '),
            // Marks that change the direction of text can make one name look like another.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            // GitHub makes a link of everything that begins with "www.".
            '.' if before.eq_ignore_ascii_case(&'w') => out.push_str("&#46;"),
            ' ' | '-' | '/' | ',' | '=' | '+' | '.' => out.push(c),
            _ if c.is_alphanumeric() => out.push(c),
            _ => out.push_str(&format!("&#{};", u32::from(c))),
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Effort;
    use crate::delivery::testing::{aws, ends};
    use crate::error::Error;
    use crate::files::testing::TempDir;

    #[test]
    fn a_row_per_event() {
        let grant = aws("deploy", true);
        let effort = Effort { milliseconds: 31, attempts: 1 };
        let denied = Event::refused(&grant.edge, None, &Error::denied("aws-denied", "no"), effort, ends());
        let text = markdown(&[Event::granted(&grant, effort, ends()), denied]);
        assert_eq!(
            text,
            "### jobpass\n\n| edge | destination | outcome | identity | expires | request id | ms |\n|---|---|---|---|---|---|--:|\n\
             | deploy | aws | granted | arn&#58;aws&#58;iam&#58;&#58;123456789012&#58;role/deploy | 2026-11-23T04&#58;00&#58;00Z | request-deploy | 31 |\n\
             | deploy | aws | denied&#58; aws-denied | arn&#58;aws&#58;iam&#58;&#58;123456789012&#58;role/deploy | – |  | 31 |\n\n"
                .replace("| – |", "| &#8211; |")
        );
        assert_eq!(markdown(&[]), "");
    }

    #[test]
    fn no_cell_can_say_anything_but_itself() {
        let hostile =
            "a|b\n::set-env name=X::y\r`c`<img src=x onerror=y>[l](http://e)![p](x)*_~#@\\&amp; www.e.com \u{202e}x";
        let mut event = Event::granted(&aws("deploy", true), Effort::default(), ends());
        event.identity = hostile.to_owned();
        event.request_id = hostile.to_owned();
        let text = markdown(&[event]);
        assert_eq!(text.lines().count(), 6, "heading, blank, head, rule, one row, blank");
        let row = text.lines().nth(4).unwrap();
        assert_eq!(row.matches('|').count(), 8, "{row}");
        for mark in ["::", "`", "<", ">", "[", "](", "*", "_", "\\", "www.", "://", "\u{202e}", "&amp"] {
            assert!(!row.contains(mark), "{mark}: {row}");
        }
    }

    #[test]
    fn it_stands_on_lines_of_its_own() {
        let temp = TempDir::new();
        let path = temp.file("summary", "text without newline");
        append(&path, &[Event::granted(&aws("deploy", true), Effort::default(), ends())]).unwrap();
        assert!(crate::files::testing::text(&path).starts_with("text without newline\n### jobpass\n"));
    }
}
