//! Files on Linux and macOS.
//!
//! Everything here works relative to a directory that is held open, so that a name cannot be swapped for a link between a
//! check and its use. Modes are set on the open file, not through the umask.

mod append;
mod group;
mod own;
mod private;
mod tree;

use std::fs::File;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

pub use append::{Appended, append_block};
pub use own::{read_own, remove_own, write_own};
pub use private::{Lock, PrivateDir, is_own_directory};
#[cfg(test)]
pub(in crate::files) use tree::remove_tree;

use crate::error::{Error, Kind, Result};

/// Opens a regular file to be read; links are followed.
pub(super) fn open_to_read(path: &Path) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| failed("file", "read", path, errno))?;
    let stat = rustix::fs::fstat(&fd).map_err(|errno| failed("file", "read", path, errno))?;
    if file_type(&stat) != FileType::RegularFile {
        return Err(super::not_regular(path, describe(&stat)));
    }
    Ok(File::from(fd))
}

/// The error of one operation on a file, with a next step where the cause is a known one.
pub(super) fn files_error(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    match Errno::from_io_error(error) {
        Some(errno) => failed("file", doing, path, errno),
        None => Error::files("file", doing, path, error),
    }
}

/// The error of one operation, with a next step where the cause is a known one.
fn failed(code: &'static str, doing: &str, path: &Path, errno: Errno) -> Error {
    let error = Error::files(code, doing, path, &std::io::Error::from(errno));
    match errno {
        Errno::LOOP => error.hint("a symbolic link stands there and is not followed; remove it"),
        // O_DIRECTORY | O_NOFOLLOW reports a link to a directory as "not a directory".
        Errno::NOTDIR => error.hint("expected a directory itself, neither a file nor a symbolic link"),
        Errno::NOSPC | Errno::DQUOT => error.hint("free some space there, or point RUNNER_TEMP to another file system"),
        Errno::ROFS => error.hint("point RUNNER_TEMP to a file system that can be written"),
        _ => error,
    }
}

/// What kind of file a status speaks of.
fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// In words, for "expected a regular file, found …".
fn describe(stat: &Stat) -> &'static str {
    match file_type(stat) {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "something unknown",
    }
}

/// Refuses a file whose bytes somebody else could reach: not regular, a second hard link.
fn plain(code: &'static str, path: &Path, stat: &Stat) -> Result<()> {
    if file_type(stat) != FileType::RegularFile {
        return Err(Error::new(Kind::Files, code, format!("{} is not a regular file", path.display()))
            .detail("expected", "a regular file")
            .detail("presented", describe(stat)));
    }
    if stat.st_nlink > 1 {
        return Err(Error::new(Kind::Files, code, format!("{} has a second name", path.display()))
            .detail("expected", "a file with one hard link")
            .detail("presented", format!("{} hard links", stat.st_nlink))
            .hint("remove the file; jobpass writes a new one"));
    }
    Ok(())
}

/// True when this process's user owns it.
fn is_own(stat: &Stat) -> bool {
    stat.st_uid == rustix::process::geteuid().as_raw()
}
