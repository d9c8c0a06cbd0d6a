//! A file at a place that the caller named (`--env-file F`): created 0600, or our own regular file replaced in one step.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::private::read_at;
use super::{failed, files_error, is_own, plain};
use crate::error::{Error, Kind, Result};
use crate::random;

/// More than this such a file never holds, in bytes; a longer one is not ours.
const MAX: u64 = 1 << 20;

/// Writes `bytes` to `path`, whole or not at all, mode 0600.
///
/// # Errors
/// [`Kind::Files`]: the target is a link, not a regular file, has a second hard link or another owner; the directory is
/// missing; the bytes do not fit.
pub fn write_own(path: &Path, bytes: &[u8]) -> Result<()> {
    let (directory, name) = split(path)?;
    let fail = |errno| failed("file", "write", path, errno);
    check(&directory, name, path)?;
    let temporary = format!(".jobpass-{}", random::hex128()?);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let fd = rustix::fs::openat(&directory, temporary.as_str(), flags, mode).map_err(fail)?;
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
    Ok(())
}

/// What stands at `path` now, to be put back when a later step fails; `None` when nothing does.
///
/// # Errors
/// [`Kind::Files`]: [`write_own`] would refuse it, or it is longer than a mebibyte.
pub fn read_own(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let (directory, name) = split(path)?;
    check(&directory, name, path)?;
    Ok(read_at(&directory, name, path, MAX)?.map(Zeroizing::new))
}

/// Removes the file at `path` when one of its lines is `line`, which only our own content holds; true when it was removed.
/// Anything else that stands there stays: a name can come to mean another file.
///
/// # Errors
/// [`Kind::Files`] when it is ours and stays.
pub fn remove_own(path: &Path, line: &str) -> Result<bool> {
    // The directory may have gone, and with it everything in it.
    let Ok((directory, name)) = split(path) else {
        return Ok(false);
    };
    let ours =
        matches!(read_own(path), Ok(Some(bytes)) if bytes.split(|b| *b == b'\n').any(|other| other == line.as_bytes()));
    if !ours {
        return Ok(false);
    }
    rustix::fs::unlinkat(&directory, name, AtFlags::empty()).map_err(|errno| failed("file", "remove", path, errno))?;
    Ok(true)
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
