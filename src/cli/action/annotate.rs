//! Workflow commands that GitHub shows beside the run: one `::error` per failure, and notices.
//!
//! Everything in them is data: what would end a property or a line is escaped as the runner turns it back (actions/runner,
//! `ActionCommand`), so nothing that was presented can begin a command of its own.

use crate::cli::render;
use crate::delivery::mask::escape;
use crate::error::Error;

/// What a failure looks like as an annotation: the code as its title, then what `error[code]:` shows on standard error.
#[must_use]
pub fn error(error: &Error) -> String {
    let details = error.details.iter().map(|(label, value)| format!("{label}: {value}"));
    let hints = error.hints.iter().map(|hint| format!("hint: {hint}"));
    let lines: Vec<String> = std::iter::once(error.message.clone()).chain(details).chain(hints).collect();
    command("error", error.code, &lines.join("\n"))
}

/// A remark that fails nothing.
#[must_use]
pub fn notice(code: &str, text: &str) -> String {
    command("notice", code, text)
}

/// Writes annotations where the runner reads commands. One that cannot be written is no reason to end differently: standard
/// error has the same text.
pub fn show(lines: &[String]) {
    let _ = render::data(&lines.concat());
}

fn command(level: &str, code: &str, text: &str) -> String {
    // Line breaks are kept, as data; what else steers a terminal is not.
    let plain = |text: &str| -> String {
        text.chars().map(|c| if c.is_control() && c != '\n' && c != '\r' { ' ' } else { c }).collect()
    };
    let title = escape(&plain(&format!("jobpass: {code}"))).replace(':', "%3A").replace(',', "%2C");
    // The older form of a command is looked for anywhere in a line.
    let text = escape(&plain(text)).replace("##[", "## [");
    format!("::{level} title={title}::{text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_failure_in_one_line() {
        let shown = Error::denied("sts-refused", "aws edge `aws`: sts refused: AccessDenied: 100%")
            .detail("presented sub", "repo:acme/shop:pull_request")
            .hint("compare the role's trust policy, all of it");
        assert_eq!(
            error(&shown),
            "::error title=jobpass%3A sts-refused::aws edge `aws`: sts refused: AccessDenied: 100%25%0A\
             presented sub: repo:acme/shop:pull_request%0Ahint: compare the role's trust policy, all of it\n"
        );
        assert_eq!(notice("a,b:c%\r\n", "x"), "::notice title=jobpass%3A a%2Cb%3Ac%25%0D%0A::x\n");
    }

    #[test]
    fn nothing_that_was_presented_begins_a_command() {
        for hostile in ["x\n::add-mask::a", "x\r::stop-commands::b", "x%0A::debug::c", "##[error]d", "\u{1b}[31m::e::"]
        {
            let line = error(&Error::denied("x", hostile).detail("presented", hostile).hint(hostile));
            assert_eq!(line.matches('\n').count(), 1, "{line:?}");
            assert!(line.ends_with('\n') && !line.contains(['\r', '\u{1b}']) && !line.contains("##["), "{line:?}");
            assert!(line.starts_with("::error title=jobpass%3A x::"), "{line:?}");
            assert!(!hostile.contains('%') || line.contains("%250A"), "{line:?}");
        }
    }
}
