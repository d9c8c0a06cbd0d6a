//! Files on Windows.
//!
//! A directory of ours gets an access list that lets in its owner and nobody else, and is held open without the right to
//! rename or remove it, so that its path, and every path above it, means the same directory as long as we use it. Links of
//! any kind (reparse points) are not followed. The access list is set and read back by `icacls`, which every Windows has:
//! the system's own calls are `unsafe`, and no crate that is kept up offers them otherwise.

mod access;
mod append;
mod own;
mod private;

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

pub use append::{Appended, append_block};
pub use own::{read_own, remove_own, write_own};
pub use private::{Lock, PrivateDir, is_own_directory};

use crate::error::{Error, Kind, Result};

// winnt.h, winbase.h
const ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
const FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
const FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
const SHARE_READ: u32 = 1;
const SHARE_WRITE: u32 = 2;
const SHARE_DELETE: u32 = 4;

/// Opens a regular file to be read; links are followed.
pub(super) fn open_to_read(path: &Path) -> Result<File> {
    let fail = |error: io::Error| failed("file", "read", path, &error);
    let file = File::open(path).map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    if !meta.is_file() {
        return Err(super::not_regular(path, describe(&meta)));
    }
    Ok(file)
}

/// Options to open the thing of that name itself, not what a link there leads to.
fn itself() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(FLAG_OPEN_REPARSE_POINT);
    options
}

pub(super) fn files_error(doing: &str, path: &Path, error: &io::Error) -> Error {
    failed("file", doing, path, error)
}

/// The error of one operation, with a next step where the cause is a known one.
fn failed(code: &'static str, doing: &str, path: &Path, error: &io::Error) -> Error {
    let shown = Error::files(code, doing, path, error);
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            shown.hint("free some space there, or point RUNNER_TEMP to another disk")
        }
        io::ErrorKind::ReadOnlyFilesystem => shown.hint("point RUNNER_TEMP to a disk that can be written"),
        _ => shown,
    }
}

fn is_link(meta: &Metadata) -> bool {
    meta.file_attributes() & ATTRIBUTE_REPARSE_POINT != 0
}

/// In words, for "expected a regular file, found …".
fn describe(meta: &Metadata) -> &'static str {
    if is_link(meta) {
        "a link or another reparse point"
    } else if meta.is_dir() {
        "a directory"
    } else if meta.is_file() {
        "a regular file"
    } else {
        "something unknown"
    }
}

/// Refuses a file whose bytes somebody else could reach: a link, not regular, a second hard link.
fn plain(code: &'static str, path: &Path, file: &File) -> Result<()> {
    let fail = |error: io::Error| failed(code, "look at", path, &error);
    let meta = file.metadata().map_err(fail)?;
    if is_link(&meta) || !meta.is_file() {
        return Err(Error::new(Kind::Files, code, format!("{} is not a regular file", path.display()))
            .detail("expected", "a regular file")
            .detail("presented", describe(&meta)));
    }
    let names = winapi_util::file::information(file).map_err(fail)?.number_of_links();
    if names > 1 {
        return Err(Error::new(Kind::Files, code, format!("{} has a second name", path.display()))
            .detail("expected", "a file with one hard link")
            .detail("presented", format!("{names} hard links"))
            .hint("remove the file; jobpass writes a new one"));
    }
    Ok(())
}
