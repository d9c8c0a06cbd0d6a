//! The seam to everything ambient: environment, clock, working directory.
//!
//! Rooms never ask the process; they are handed a [`World`]. [`World::nothing`] has no variables, no directory and a clock
//! that stands still, so tests run in parallel and touch no process state. Only `main` builds [`World::of_this_process`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use crate::error::{Error, Result};
use crate::system;

/// Where time comes from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's clock, UTC.
    System,
    /// A clock that stands still.
    Fixed(OffsetDateTime),
}

impl Clock {
    /// The present moment, UTC.
    #[must_use]
    pub fn now(self) -> OffsetDateTime {
        match self {
            Clock::System => OffsetDateTime::now_utc(),
            Clock::Fixed(moment) => moment,
        }
    }
}

/// What a room may know of its surroundings.
#[derive(Clone, Debug)]
pub struct World {
    variables: BTreeMap<OsString, OsString>,
    /// Whether `path` and `PATH` are one variable; then `variables` has capitals, and `spellings` what was written instead.
    any_case: bool,
    spellings: BTreeMap<OsString, OsString>,
    /// Where time comes from.
    pub clock: Clock,
    /// The working directory; `None` when there is none any more (it was removed) or none was given.
    pub directory: Option<PathBuf>,
}

impl World {
    /// No variables, no directory, the clock at the epoch.
    #[must_use]
    pub fn nothing() -> Self {
        World {
            variables: BTreeMap::new(),
            any_case: system::VARIABLES_ANY_CASE,
            spellings: BTreeMap::new(),
            clock: Clock::Fixed(OffsetDateTime::UNIX_EPOCH),
            directory: None,
        }
    }

    /// A snapshot of this process's environment and directory, with the system's clock.
    #[must_use]
    pub fn of_this_process() -> Self {
        let mut world = World { clock: Clock::System, directory: std::env::current_dir().ok(), ..World::nothing() };
        for (name, value) in std::env::vars_os() {
            world.insert(&name, value);
        }
        world
    }

    /// The same world with one more variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.insert(OsStr::new(name), value.as_ref().to_owned());
        self
    }

    /// The same world where `path` and `PATH` are one variable, before it has any.
    #[cfg(test)]
    pub(crate) fn of_any_case(mut self) -> Self {
        self.any_case = true;
        self
    }

    fn insert(&mut self, name: &OsStr, value: OsString) {
        let key = self.key(name).into_owned();
        if key == name {
            self.spellings.remove(&key);
        } else {
            self.spellings.insert(key.clone(), name.to_owned());
        }
        self.variables.insert(key, value);
    }

    fn key<'a>(&self, name: &'a OsStr) -> Cow<'a, OsStr> {
        if self.any_case { Cow::Owned(name.to_ascii_uppercase()) } else { Cow::Borrowed(name) }
    }

    fn get(&self, name: &str) -> Option<&OsString> {
        self.variables.get(&*self.key(OsStr::new(name)))
    }

    /// The same world with another clock.
    #[must_use]
    pub fn at(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// A variable's value; the empty value counts as absent, as the clouds' own clients and the runners read it (a GitHub
    /// job cannot unset a variable for later steps, only blank it).
    ///
    /// # Errors
    /// A value that is not UTF-8 is a usage error that names the variable.
    pub fn var(&self, name: &str) -> Result<Option<&str>> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some("") => Ok(None),
                Some(text) => Ok(Some(text)),
                None => Err(Error::usage("variable-not-utf8", format!("the variable {name} is not valid UTF-8"))
                    .hint(format!("set {name} to plain text, or unset it"))),
            },
        }
    }

    /// A variable that holds a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// True when the variable is `1` or `true`.
    #[must_use]
    pub fn switch(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value == "1" || value == "true")
    }

    /// Every variable, in the order of the names; the names are in capitals where their case does not count (Windows), so that
    /// they can be compared.
    pub fn vars(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// How the name of a variable from [`vars`](Self::vars) was written: a shell script may care.
    #[must_use]
    pub fn spelling<'a>(&'a self, name: &'a OsStr) -> &'a OsStr {
        self.spellings.get(name).map_or(name, OsString::as_os_str)
    }

    /// `path` seen from the working directory; an absolute path is itself.
    ///
    /// # Errors
    /// A relative path without a working directory is a usage error.
    pub fn resolve(&self, path: &Path) -> Result<PathBuf> {
        if path.is_absolute() {
            return Ok(path.to_owned());
        }
        match &self.directory {
            Some(directory) => Ok(directory.join(path)),
            None => Err(Error::usage(
                "no-directory",
                format!("{} is relative, and the working directory is gone", path.display()),
            )
            .hint("give the path from the root")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let world = World::nothing().with("A", "").with("B", "b");
        assert_eq!(world.var("A").unwrap(), None);
        assert_eq!(world.var("B").unwrap(), Some("b"));
        assert_eq!(world.path("A"), None);
    }

    #[test]
    fn where_case_does_not_count_a_variable_is_found_under_any_and_keeps_its_spelling() {
        let world =
            World::nothing().of_any_case().with("aws_Profile", "old").with("Aws_Profile", "corp").with("PATH", "/bin");
        assert_eq!(world.var("AWS_PROFILE").unwrap(), Some("corp"));
        assert_eq!(world.path("Path"), Some("/bin".into()));
        let named: Vec<_> = world.vars().map(|(name, _)| (name.to_owned(), world.spelling(name).to_owned())).collect();
        assert_eq!(named, [("AWS_PROFILE".into(), "Aws_Profile".into()), ("PATH".into(), OsString::from("PATH"))]);
        let world = World { any_case: false, ..World::nothing() }.with("aws_profile", "x");
        assert_eq!(world.var("AWS_PROFILE").unwrap(), None);
    }

    #[test]
    fn a_variable_that_is_not_utf8_is_named() {
        use std::os::unix::ffi::OsStrExt;
        let world = World::nothing().with("GITHUB_REF", OsStr::from_bytes(b"\xff"));
        let error = world.var("GITHUB_REF").unwrap_err();
        assert!(error.message.contains("GITHUB_REF"));
        assert_eq!(error.kind.exit_code(), 2);
    }
}
