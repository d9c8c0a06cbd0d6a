//! How errors look: for a person on standard error, and as JSON where `--format json` was asked for.

use std::io::{self, IsTerminal as _, Write};

use serde_json::{Value, json};

use super::Color;
use crate::error::{Error, Kind};
use crate::world::World;

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    colour: bool,
}

impl Style {
    /// By `--color`, `NO_COLOR`, `TERM`, and whether standard error is a terminal.
    #[must_use]
    pub fn of(color: Color, world: &World) -> Style {
        Style::on(io::stderr().is_terminal(), color, world)
    }

    /// The same for what goes to standard output.
    #[must_use]
    pub fn of_data(color: Color, world: &World) -> Style {
        Style::on(io::stdout().is_terminal(), color, world)
    }

    fn on(terminal: bool, color: Color, world: &World) -> Style {
        let wanted = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let plain = world.path("NO_COLOR").is_some() || world.var("TERM").ok().flatten() == Some("dumb");
                !plain && terminal
            }
        };
        Style { colour: wanted }
    }

    /// No colours.
    #[must_use]
    pub fn plain() -> Style {
        Style { colour: false }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// For what went wrong.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// For what went well.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// For labels.
    #[must_use]
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }
}

/// `error[code]: message`, the details under each other, then the hints.
///
/// # Errors
/// When `out` cannot be written to.
pub fn error(error: &Error, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} {}", style.bad(&format!("error[{}]:", error.code)), harmless(&error.message))?;
    let width = error.details.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    for (label, value) in &error.details {
        let label = format!("{}{}", harmless(label), " ".repeat(width - label.chars().count()));
        let mut lines = value.lines().map(harmless);
        writeln!(out, "  {}  {}", style.faint(&label), lines.next().unwrap_or_default())?;
        for line in lines {
            writeln!(out, "  {}  {line}", " ".repeat(width))?;
        }
    }
    for hint in &error.hints {
        writeln!(out, "{} {}", style.good("hint:"), harmless(hint))?;
    }
    Ok(())
}

/// One line that a GitHub runner takes for text, whoever wrote it: the runner obeys `::command::` at the start of a line, blanks
/// before it or not, and `##[command]` anywhere in one (actions/runner, `ActionCommand`).
fn harmless(line: &str) -> String {
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    no_command(&line)
}

fn no_command(line: &str) -> String {
    let line = line.replace("##[", "## [").replace('\r', " ");
    match line.trim_start().strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => line,
    }
}

/// The documented JSON shape of an error: `code`, `class`, `exit`, `message`, `details`, `hints`.
#[must_use]
pub fn error_json(error: &Error) -> Value {
    json!({
        "code": error.code,
        "class": class(error.kind),
        "exit": error.kind.exit_code(),
        "message": error.message,
        "details": error.details.iter().map(|(label, value)| json!({"label": label, "value": value})).collect::<Vec<_>>(),
        "hints": error.hints,
    })
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Findings => "findings",
        Kind::Usage => "usage",
        Kind::NoToken => "no-id-token",
        Kind::Denied => "denied",
        Kind::Files => "files",
        Kind::Network => "network",
        Kind::Partial => "partial",
        Kind::Undecided => "undecided",
        Kind::Signal(_) => "signal",
    }
}

/// Writes data to standard output; a closed pipe is not an error of ours.
///
/// # Errors
/// Exit 5 when standard output cannot be written to.
pub fn data(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::files("standard-output", "write to", std::path::Path::new("standard output"), &error))
        }
        _ => Ok(()),
    }
}

/// Writes one JSON document to standard output. Two `#` before a bracket would be a command to GitHub's runner, wherever in
/// the line they stand: the second one is escaped.
///
/// # Errors
/// As [`data`].
pub fn json(document: &Value) -> Result<(), Error> {
    data(&format!("{document:#}\n").replace("##[", "#\\u0023["))
}

/// Writes a text for people to standard output, without what would be a command to the runner.
///
/// # Errors
/// As [`data`].
pub fn page(text: &str) -> Result<(), Error> {
    let lines: Vec<String> = text.lines().map(no_command).collect();
    data(&format!("{}\n", lines.join("\n")))
}

/// Writes talk to standard error; what cannot be said is not worth failing for.
pub fn talk(text: &str) {
    let text: Vec<String> = text.lines().map(no_command).collect();
    let _ = writeln!(io::stderr().lock(), "{}", text.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_was_presented_is_a_command_to_the_runner() {
        let hostile = "x\n::add-mask::a\r\n \t::stop-commands::b\u{2028}\n##[error]c";
        let shown = Error::denied("x", hostile).detail("presented", hostile).detail("::a::b", "c").hint(hostile);
        let mut out = Vec::new();
        error(&shown, Style::plain(), &mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(out.lines().all(|line| !line.trim_start().starts_with("::")) && !out.contains("##["), "{out}");
        assert!(!out.contains('\r') && out.contains("add-mask"), "{out}");
    }

    #[test]
    fn an_error_on_the_screen() {
        let shown = Error::denied("sts-refused", "aws edge `deploy`: sts refused: AccessDenied")
            .detail("role", "arn:aws:iam::123456789012:role/deploy")
            .detail("presented sub", "repo:acme/shop:pull_request")
            .hint("compare the role's trust policy with the claims above");
        let mut out = Vec::new();
        error(&shown, Style::plain(), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "error[sts-refused]: aws edge `deploy`: sts refused: AccessDenied\n\
             \x20 role           arn:aws:iam::123456789012:role/deploy\n\
             \x20 presented sub  repo:acme/shop:pull_request\n\
             hint: compare the role's trust policy with the claims above\n"
        );
    }
}
