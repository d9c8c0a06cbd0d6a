//! Problems of an edge file: all of them, each with its place.

use crate::error::{Error, Kind};

/// One thing that is wrong, and where.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The file and place: `jobpass.toml:12:8`; for a flag, the flag's name.
    pub place: String,
    /// What was expected and what stands there.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Collects problems until the end, so that the reader sees all of them at once.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// One more.
    pub fn push(&mut self, place: impl Into<String>, message: impl Into<String>, hint: Option<String>) {
        self.found.push(Problem { place: place.into(), message: message.into(), hint });
    }

    /// `Ok(value)` when nothing was found.
    ///
    /// # Errors
    /// One usage error that lists every problem.
    pub fn into_result<T>(self, subject: &str, value: T) -> Result<T, Error> {
        if self.found.is_empty() {
            return Ok(value);
        }
        let count = self.found.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        let mut error = Error::new(Kind::Usage, "configuration", format!("{subject} has {count} {noun}"));
        // In the order of the file, whichever room found them; flags have no position and keep theirs.
        let mut found = self.found;
        found.sort_by_key(|problem| position(&problem.place));
        for problem in found {
            error = error.detail(problem.place, problem.message);
            if let Some(hint) = problem.hint
                && !error.hints.contains(&hint)
            {
                error = error.hint(hint);
            }
        }
        Err(error)
    }
}

/// Line and column at the end of `NAME:LINE:COLUMN`.
fn position(place: &str) -> (usize, usize) {
    let mut parts = place.rsplit(':');
    let mut number = || parts.next().and_then(|part| part.parse().ok());
    let (column, line) = (number(), number());
    line.zip(column).unwrap_or_default()
}
