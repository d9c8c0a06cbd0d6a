//! `--format`: text for people, JSON for programs, and where variables come out, lines for `eval`.

/// `--format text|json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: one object on standard output, whatever the outcome.
    Json,
}

/// `--format text|json|shell`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ShellFormat {
    /// For people, and for the runner that reads masks.
    #[default]
    Text,
    /// For programs: one object on standard output, whatever the outcome.
    Json,
    /// For `eval`: one statement a line.
    Shell,
}
