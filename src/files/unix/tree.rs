//! Removing a directory with all that tools left in it, without ever leaving it.

use std::ffi::OsStr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::failed;
use super::private::names_in;
use crate::error::{Error, Kind, Result};

/// Deeper than this nothing of ours and no tool's bookkeeping goes; each level holds one descriptor.
const MAX_DEPTH: usize = 64;

/// Removes the directory `path` and everything in it; true when it was there. A link is removed itself, never followed;
/// a link *in the directory's own place* is refused.
///
/// # Errors
/// [`Kind::Files`] with the first thing that stays; the rest has still been removed.
pub(in crate::files) fn remove_tree(path: &Path) -> Result<bool> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::new(Kind::Files, "directory", format!("cannot remove {}", path.display())));
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent = match rustix::fs::open(parent, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(false),
        other => other.map_err(|errno| failed("directory", "open", parent, errno))?,
    };
    match remove_directory(parent.as_fd(), name, MAX_DEPTH) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(failed("directory", "remove", path, errno)),
    }
}

fn remove_directory(parent: BorrowedFd<'_>, name: &OsStr, depth: usize) -> rustix::io::Result<()> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Errno::NAMETOOLONG);
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    let mut first_failure = None;
    for entry in names_in(directory.as_fd())? {
        let removed = match rustix::fs::unlinkat(&directory, entry.as_os_str(), AtFlags::empty()) {
            // Linux says EISDIR for a directory, POSIX and macOS say EPERM.
            Err(Errno::ISDIR | Errno::PERM) => remove_directory(directory.as_fd(), &entry, depth),
            Err(Errno::NOENT) => Ok(()),
            other => other,
        };
        if let Err(errno) = removed {
            first_failure.get_or_insert(errno);
        }
    }
    match first_failure {
        Some(errno) => Err(errno),
        None => rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR),
    }
}
