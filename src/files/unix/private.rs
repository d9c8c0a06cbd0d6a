//! A directory of our own: mode 0700, reached through an open descriptor only.

use std::ffi::{OsStr, OsString};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::super::component;
use super::group::is_ours_alone;
use super::tree::remove_tree;
use super::{failed, file_type, files_error, is_own, plain};
use crate::error::{Error, Kind, Result};
use crate::random;

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory that belongs to this user and to nobody else.
#[derive(Debug)]
pub struct PrivateDir {
    fd: OwnedFd,
    path: PathBuf,
}

/// An exclusive lock on a directory, held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] OwnedFd);

impl PrivateDir {
    /// Makes `parent/PREFIX-<128 random bits>`, mode 0700 whatever the umask.
    ///
    /// # Errors
    /// [`Kind::Files`] when `parent` is missing, is a link, can be written by others without a sticky bit (they could swap
    /// what lies in it; a group of which we are the only member does not count), or cannot be written by us.
    pub fn create(parent: &Path, prefix: &str) -> Result<Self> {
        let held = open_parent(parent)?;
        let name = format!("{prefix}-{}", random::hex128()?);
        Self::make(held.as_fd(), parent, OsStr::new(&name))
    }

    /// Opens a directory that [`create`](Self::create) made earlier.
    ///
    /// # Errors
    /// [`Kind::Files`] when it is a link, is not a directory, belongs to somebody else, or can be read or written by others.
    pub fn open(path: &Path) -> Result<Self> {
        let fd = rustix::fs::open(path, DIRECTORY, Mode::empty())
            .map_err(|errno| failed("directory", "open", path, errno))?;
        let directory = PrivateDir { fd, path: path.to_owned() };
        directory.check()?;
        Ok(directory)
    }

    /// Makes a directory inside, under a name that we choose.
    ///
    /// # Errors
    /// As [`create`](Self::create); something of that name is there already.
    pub fn subdir(&self, name: &str) -> Result<Self> {
        Self::make(self.fd.as_fd(), &self.path, component(name, &self.path)?)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn make(parent: BorrowedFd<'_>, parent_path: &Path, name: &OsStr) -> Result<Self> {
        let path = parent_path.join(name);
        let fail = |errno| failed("directory", "create", &path, errno);
        rustix::fs::mkdirat(parent, name, Mode::RWXU).map_err(fail)?;
        let opened = match rustix::fs::openat(parent, name, DIRECTORY, Mode::empty()) {
            // A umask of 0777 took even our own access. The name is still the directory just made: only its owner can
            // rename it in a parent that passed `open_parent`.
            Err(Errno::ACCESS) => rustix::fs::chmodat(parent, name, Mode::RWXU, AtFlags::empty())
                .and_then(|()| rustix::fs::openat(parent, name, DIRECTORY, Mode::empty())),
            other => other,
        };
        let made =
            opened.and_then(|fd| rustix::fs::fchmod(&fd, Mode::RWXU).map(|()| fd)).map_err(fail).and_then(|fd| {
                let directory = PrivateDir { fd, path: path.clone() };
                directory.check().map(|()| directory)
            });
        if made.is_err() {
            let _ = rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR);
        }
        made
    }

    fn check(&self) -> Result<()> {
        let stat = rustix::fs::fstat(&self.fd).map_err(|errno| failed("directory", "look at", &self.path, errno))?;
        let mode = Mode::from_raw_mode(stat.st_mode);
        if is_own(&stat) && !mode.intersects(Mode::RWXG.union(Mode::RWXO)) {
            return Ok(());
        }
        Err(Error::new(
            Kind::Files,
            "not-private",
            format!("{} is not a private directory of ours", self.path.display()),
        )
        .detail("expected", format!("mode 0700, owner {}", rustix::process::geteuid().as_raw()))
        .detail("presented", format!("mode {:04o}, owner {}", mode.bits() & 0o7777, stat.st_uid)))
    }

    /// Writes a new file, whole or not at all.
    ///
    /// # Errors
    /// [`Kind::Files`]: something of that name is there (a link counts), or the bytes do not fit; then the name is free again.
    pub fn write_new(&self, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let (name, path) = (component(name, &self.path)?, self.path.join(name));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|errno| failed("file", "create", &path, errno))?;
        let written = rustix::fs::fchmod(&fd, Mode::from_raw_mode(mode as _))
            .map_err(std::io::Error::from)
            .and_then(|()| std::fs::File::from(fd).write_all(bytes));
        written.map_err(|error| {
            let _ = rustix::fs::unlinkat(&self.fd, name, AtFlags::empty());
            files_error("write", &path, &error)
        })
    }

    /// Writes a file under `name` in one step: readers see the old content or the new one. Mode 0600.
    ///
    /// # Errors
    /// [`Kind::Files`]; the old content is untouched then.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let target = component(name, &self.path)?;
        let temporary = format!(".{name}.{}", random::hex128()?);
        self.write_new(&temporary, bytes, 0o600)?;
        rustix::fs::renameat(&self.fd, temporary.as_str(), &self.fd, target).map_err(|errno| {
            let _ = rustix::fs::unlinkat(&self.fd, temporary.as_str(), AtFlags::empty());
            failed("file", "replace", &self.path.join(name), errno)
        })
    }

    /// Adds one line (its newline included) to a file of ours, made with mode 0600 when it is not there.
    ///
    /// # Errors
    /// [`Kind::Files`]: not a plain file, or the line does not fit.
    pub fn append(&self, name: &str, line: &[u8]) -> Result<()> {
        let (name, path) = (component(name, &self.path)?, self.path.join(name));
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fail = |errno| failed("file", "append to", &path, errno);
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::RUSR | Mode::WUSR).map_err(fail)?;
        plain("file", &path, &rustix::fs::fstat(&fd).map_err(fail)?)?;
        rustix::fs::fchmod(&fd, Mode::RUSR | Mode::WUSR).map_err(fail)?;
        std::fs::File::from(fd).write_all(line).map_err(|error| files_error("append to", &path, &error))
    }

    /// The content of a file of ours, at most `max` bytes; `None` when it is not there.
    ///
    /// # Errors
    /// [`Kind::Files`]: not a plain file, longer than `max`, or unreadable.
    pub fn read(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>> {
        let (name, path) = (component(name, &self.path)?, self.path.join(name));
        read_at(&self.fd, name, &path, max)
    }

    /// Takes the directory's lock; `None` when somebody holds it longer than `wait`. The lock goes with the process that
    /// holds it, however that process ends.
    ///
    /// # Errors
    /// None for a file system that knows no locks (some network mounts): there a lock protects nobody, and refusing to work
    /// would help nobody either.
    pub fn lock(&self, wait: Duration) -> Result<Option<Lock>> {
        // A descriptor of its own: the lock belongs to the open file description, and `self` lives on without it.
        let fd = rustix::fs::openat(&self.fd, ".", DIRECTORY, Mode::empty())
            .map_err(|errno| failed("directory", "lock", &self.path, errno))?;
        let until = Instant::now() + wait;
        loop {
            match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Err(Errno::WOULDBLOCK) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Ok(()) | Err(_) => return Ok(Some(Lock(fd))),
            }
        }
    }

    /// The names in it.
    ///
    /// # Errors
    /// [`Kind::Files`] when it cannot be listed.
    pub fn names(&self) -> Result<Vec<OsString>> {
        names_in(self.fd.as_fd()).map_err(|errno| failed("directory", "list", &self.path, errno))
    }

    /// When it was last changed, in seconds since the epoch.
    ///
    /// # Errors
    /// [`Kind::Files`] when the system does not say.
    pub fn changed(&self) -> Result<i64> {
        let stat = rustix::fs::fstat(&self.fd).map_err(|errno| failed("directory", "look at", &self.path, errno))?;
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the field's type differs per system")]
        Ok(stat.st_mtime as i64)
    }

    /// Removes it with everything in it; a link in it is removed itself, never followed. It may have gone already.
    ///
    /// # Errors
    /// [`Kind::Files`] with the first thing that stays, the rest has still been removed; or a link stands in its own place.
    pub fn remove_all(&self) -> Result<()> {
        remove_tree(&self.path).map(|_| ())
    }

    /// Removes one file of ours; true when it was there.
    ///
    /// # Errors
    /// [`Kind::Files`] when it is there and stays.
    pub fn remove(&self, name: &str) -> Result<bool> {
        match rustix::fs::unlinkat(&self.fd, component(name, &self.path)?, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(failed("file", "remove", &self.path.join(name), errno)),
        }
    }
}

/// True for a directory of this user's, links not followed. A first look only: [`PrivateDir::open`] decides.
#[must_use]
pub fn is_own_directory(path: &Path) -> bool {
    rustix::fs::lstat(path).is_ok_and(|stat| file_type(&stat) == FileType::Directory && is_own(&stat))
}

/// Opens the directory that ours shall lie in, and looks at who may write there.
fn open_parent(parent: &Path) -> Result<OwnedFd> {
    let fail = |errno| failed("directory", "open", parent, errno);
    let fd = rustix::fs::open(parent, DIRECTORY, Mode::empty()).map_err(fail)?;
    let stat = rustix::fs::fstat(&fd).map_err(fail)?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    // A group without other members gives nothing away; that is how a umask of 0002 is meant.
    let by_group = mode.contains(Mode::WGRP) && !(is_own(&stat) && is_ours_alone(stat.st_gid));
    if (by_group || mode.contains(Mode::WOTH)) && !mode.contains(Mode::SVTX) {
        return Err(Error::new(Kind::Files, "parent-writable", format!("others can write to {}", parent.display()))
            .detail("expected", "a directory that only its owner can write to, or one with the sticky bit")
            .detail(
                "presented",
                format!("mode {:04o}, owner {}, group {}", mode.bits() & 0o7777, stat.st_uid, stat.st_gid),
            )
            .hint(format!("chmod go-w {}", parent.display())));
    }
    debug_assert_eq!(file_type(&stat), FileType::Directory);
    Ok(fd)
}

pub(super) fn names_in(fd: BorrowedFd<'_>) -> rustix::io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    Ok(names)
}

/// The content of a plain file, at most `max` bytes; `None` when it is not there.
pub(super) fn read_at(directory: &OwnedFd, name: &OsStr, path: &Path, max: u64) -> Result<Option<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        other => other.map_err(|errno| failed("file", "open", path, errno))?,
    };
    plain("file", path, &rustix::fs::fstat(&fd).map_err(|errno| failed("file", "look at", path, errno))?)?;
    let mut bytes = Vec::new();
    std::fs::File::from(fd)
        .take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| files_error("read", path, &error))?;
    if bytes.len() as u64 > max {
        return Err(Error::new(Kind::Files, "file", format!("{} has more than {max} bytes", path.display())));
    }
    Ok(Some(bytes))
}
