//! Private directories and files: no links followed, nobody else let in, atomic replace.
//!
//! The two systems do this differently, in twins of one shape: `unix/` by open directories and modes, `windows/` by access lists
//! and directories that nobody can rename while they are held. Errors are [`Kind::Files`](crate::error::Kind) (exit 5) and
//! carry the path and the system's own text.

#[cfg(any(windows, test))]
mod access;
mod read;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::ffi::OsStr;
use std::path::Path;

pub use read::{read_limited, read_stdin};
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use system::{Appended, Lock, PrivateDir, append_block, is_own_directory, read_own, remove_own, write_own};

use crate::error::{Error, Kind, Result};

/// One name, not a path: nothing given by a caller can lead out of the directory.
fn component<'a>(name: &'a str, directory: &Path) -> Result<&'a OsStr> {
    // On Windows a colon begins a second stream of the same file, and a dot or blank at the end is dropped.
    let windows = cfg!(windows) && (name.contains(['\\', ':']) || name.ends_with(['.', ' ']));
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) || windows {
        return Err(Error::new(
            Kind::Files,
            "file",
            format!("cannot use a name with a path in it in {}", directory.display()),
        ));
    }
    Ok(OsStr::new(name))
}

fn not_regular(path: &Path, found: &str) -> Error {
    Error::new(Kind::Files, "file", format!("cannot read {}", path.display()))
        .detail("expected", "a regular file")
        .detail("presented", found)
}
