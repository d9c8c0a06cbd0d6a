//! A file at a place that the caller named (`--env-file F`): created 0600, or our own regular file replaced in one step.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::private::files_error;
use super::{failed, file_type, is_own, plain, random_hex};
use crate::error::{Error, Kind, Result};

/// Which file was written, so that only this one is removed later: a name can come to mean another file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnFile {
    /// Where it is, from the root.
    pub path: PathBuf,
    /// Its device.
    pub device: u64,
    /// Its inode.
    pub inode: u64,
}

/// Writes `bytes` to `path`, whole or not at all, mode 0600.
///
/// # Errors
/// [`Kind::Files`]: the target is a link, not a regular file, has a second hard link or another owner; the directory is
/// missing; the bytes do not fit.
pub fn write_own(path: &Path, bytes: &[u8]) -> Result<OwnFile> {
    let (directory, name) = split(path)?;
    let fail = |errno| failed("file", "write", path, errno);
    check(&directory, name, path)?;
    let temporary = format!(".jobpass-{}", random_hex()?);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let fd = rustix::fs::openat(&directory, temporary.as_str(), flags, mode).map_err(fail)?;
    let stat = rustix::fs::fstat(&fd).map_err(fail)?;
    let mut file = std::fs::File::from(fd);
    let written = rustix::fs::fchmod(&file, mode)
        .map_err(std::io::Error::from)
        .and_then(|()| file.write_all(bytes))
        // The rename must not reach the disk before the bytes do: an empty file would look like a finished one.
        .and_then(|()| file.sync_all())
        .map_err(|error| files_error("write", path, &error))
        .and_then(|()| check(&directory, name, path))
        .and_then(|_| rustix::fs::renameat(&directory, temporary.as_str(), &directory, name).map_err(fail));
    if let Err(error) = written {
        let _ = rustix::fs::unlinkat(&directory, temporary.as_str(), AtFlags::empty());
        return Err(error);
    }
    Ok(OwnFile { path: path.to_owned(), device: stat.st_dev as u64, inode: stat.st_ino as u64 })
}

/// Removes the file that [`write_own`] wrote; true when it was there. Another file under the same name stays.
///
/// # Errors
/// [`Kind::Files`] when it is there and stays.
pub fn remove_own(file: &OwnFile) -> Result<bool> {
    let (directory, name) = match split(&file.path) {
        Ok(held) => held,
        // The directory went with everything in it.
        Err(_) if !file.path.parent().is_some_and(Path::exists) => return Ok(false),
        Err(error) => return Err(error),
    };
    match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if file_type(&stat) == FileType::RegularFile && is_own(&stat) && same(&stat, file) => {
            rustix::fs::unlinkat(&directory, name, AtFlags::empty())
                .map_err(|errno| failed("file", "remove", &file.path, errno))?;
            Ok(true)
        }
        Ok(_) | Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(failed("file", "remove", &file.path, errno)),
    }
}

#[allow(clippy::unnecessary_cast, reason = "the fields' types differ per system")]
fn same(stat: &rustix::fs::Stat, file: &OwnFile) -> bool {
    (stat.st_dev as u64, stat.st_ino as u64) == (file.device, file.inode)
}

fn split(path: &Path) -> Result<(OwnedFd, &std::ffi::OsStr)> {
    let name = path
        .file_name()
        .ok_or_else(|| Error::new(Kind::Files, "file", format!("{} is not the name of a file", path.display())))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let directory = rustix::fs::open(parent, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| failed("directory", "open", parent, errno))?;
    Ok((directory, name))
}

/// What stands there now must be nothing, or a plain file of our own.
fn check(directory: &OwnedFd, name: &std::ffi::OsStr, path: &Path) -> Result<()> {
    let stat = match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        other => other.map_err(|errno| failed("file", "look at", path, errno))?,
    };
    plain("file", path, &stat)?;
    if !is_own(&stat) {
        return Err(Error::new(Kind::Files, "file", format!("{} belongs to somebody else", path.display()))
            .detail("expected", format!("owner {}", rustix::process::geteuid().as_raw()))
            .detail("presented", format!("owner {}", stat.st_uid)));
    }
    Ok(())
}
