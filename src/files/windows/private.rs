//! A directory of our own: nobody but its owner let in, and pinned in its place while it is held.

use std::cell::RefCell;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use super::super::component;
use super::{
    FLAG_BACKUP_SEMANTICS, FLAG_OPEN_REPARSE_POINT, SHARE_DELETE, SHARE_READ, SHARE_WRITE, access, describe, failed,
    files_error, is_link, itself, plain,
};
use crate::error::{Error, Kind, Result};
use crate::random;

// winnt.h, winerror.h
const ACCESS_ADD_FILE: u32 = 0x2;
const ERROR_SHARING_VIOLATION: i32 = 32;

/// A directory that belongs to this user and to nobody else.
#[derive(Debug)]
pub struct PrivateDir {
    /// Held open so that nobody renames or removes it; given up to remove it ourselves.
    held: RefCell<Option<File>>,
    path: PathBuf,
}

/// An exclusive lock on a directory, held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] File);

impl PrivateDir {
    /// Makes `parent/PREFIX-<128 random bits>`, which lets in its owner and nobody else.
    ///
    /// # Errors
    /// [`Kind::Files`] when `parent` is missing, is a link, cannot be written by us, or lies on a disk without access lists.
    pub fn create(parent: &Path, prefix: &str) -> Result<Self> {
        let _parent = hold(parent)?;
        let path = parent.join(format!("{prefix}-{}", random::hex128()?));
        let directory = Self::make(path)?;
        match access::close(&directory.path).and_then(|()| access::check(&directory.path)) {
            Ok(()) => Ok(directory),
            Err(error) => {
                let _ = directory.remove_all();
                Err(error)
            }
        }
    }

    /// Opens a directory that [`create`](Self::create) made earlier.
    ///
    /// # Errors
    /// [`Kind::Files`] when it is a link, is not a directory, belongs to somebody else, or lets in others.
    pub fn open(path: &Path) -> Result<Self> {
        let directory = PrivateDir { held: RefCell::new(Some(hold(path)?)), path: path.to_owned() };
        access::check(path)?;
        Ok(directory)
    }

    /// Makes a directory inside, under a name that we choose. It inherits the access list of this one.
    ///
    /// # Errors
    /// As [`create`](Self::create); something of that name is there already.
    pub fn subdir(&self, name: &str) -> Result<Self> {
        Self::make(self.path.join(component(name, &self.path)?))
    }

    fn make(path: PathBuf) -> Result<Self> {
        std::fs::create_dir(&path).map_err(|error| failed("directory", "create", &path, &error))?;
        Ok(PrivateDir { held: RefCell::new(Some(hold(&path)?)), path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new file, whole or not at all. It inherits the directory's access list, whatever `mode` says.
    ///
    /// # Errors
    /// [`Kind::Files`]: something of that name is there (a link counts), or the bytes do not fit; then the name is free again.
    pub fn write_new(&self, name: &str, bytes: &[u8], _mode: u32) -> Result<()> {
        let path = self.path.join(component(name, &self.path)?);
        let mut file = itself()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| failed("file", "create", &path, &error))?;
        file.write_all(bytes).map_err(|error| {
            let _ = std::fs::remove_file(&path);
            files_error("write", &path, &error)
        })
    }

    /// Writes a file under `name` in one step: readers see the old content or the new one.
    ///
    /// # Errors
    /// [`Kind::Files`]; the old content is untouched then.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let target = self.path.join(component(name, &self.path)?);
        let temporary = format!(".{name}.{}", random::hex128()?);
        self.write_new(&temporary, bytes, 0o600)?;
        let temporary = self.path.join(temporary);
        std::fs::rename(&temporary, &target).map_err(|error| {
            let _ = std::fs::remove_file(&temporary);
            failed("file", "replace", &target, &error)
        })
    }

    /// Adds one line (its newline included) to a file of ours, made when it is not there.
    ///
    /// # Errors
    /// [`Kind::Files`]: not a plain file, or the line does not fit.
    pub fn append(&self, name: &str, line: &[u8]) -> Result<()> {
        let path = self.path.join(component(name, &self.path)?);
        let fail = |error: io::Error| failed("file", "append to", &path, &error);
        let mut file = itself().read(true).append(true).create(true).open(&path).map_err(fail)?;
        plain("file", &path, &file)?;
        file.write_all(line).map_err(fail)
    }

    /// The content of a file of ours, at most `max` bytes; `None` when it is not there.
    ///
    /// # Errors
    /// [`Kind::Files`]: not a plain file, longer than `max`, or unreadable.
    pub fn read(&self, name: &str, max: u64) -> Result<Option<Vec<u8>>> {
        let path = self.path.join(component(name, &self.path)?);
        let file = match itself().read(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| failed("file", "open", &path, &error))?,
        };
        plain("file", &path, &file)?;
        let mut bytes = Vec::new();
        file.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| files_error("read", &path, &error))?;
        if bytes.len() as u64 > max {
            return Err(Error::new(Kind::Files, "file", format!("{} has more than {max} bytes", path.display())));
        }
        Ok(Some(bytes))
    }

    /// Takes the directory's lock; `None` when somebody holds it longer than `wait`. The lock goes with the process that
    /// holds it, however that process ends.
    ///
    /// # Errors
    /// [`Kind::Files`] when the directory cannot be opened for another reason than a lock.
    pub fn lock(&self, wait: Duration) -> Result<Option<Lock>> {
        let fail = |error: io::Error| failed("directory", "lock", &self.path, &error);
        let until = Instant::now() + wait;
        loop {
            // Whoever holds one lets nobody else open the directory to write; removing it is let through, and is done with
            // when the lock goes.
            let opened = OpenOptions::new()
                .access_mode(ACCESS_ADD_FILE)
                .share_mode(SHARE_READ | SHARE_DELETE)
                .custom_flags(FLAG_BACKUP_SEMANTICS | FLAG_OPEN_REPARSE_POINT)
                .open(&self.path);
            match opened {
                Ok(file) => return Ok(Some(Lock(file))),
                Err(error) if error.raw_os_error() != Some(ERROR_SHARING_VIOLATION) => return Err(fail(error)),
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
                Err(_) => return Ok(None),
            }
        }
    }

    /// The names in it.
    ///
    /// # Errors
    /// [`Kind::Files`] when it cannot be listed.
    pub fn names(&self) -> Result<Vec<OsString>> {
        let fail = |error: io::Error| failed("directory", "list", &self.path, &error);
        std::fs::read_dir(&self.path)
            .map_err(fail)?
            .map(|entry| entry.map(|entry| entry.file_name()).map_err(fail))
            .collect()
    }

    /// When it was last changed, in seconds since the epoch.
    ///
    /// # Errors
    /// [`Kind::Files`] when the system does not say.
    pub fn changed(&self) -> Result<i64> {
        let fail = |error: io::Error| failed("directory", "look at", &self.path, &error);
        let moment = std::fs::symlink_metadata(&self.path).and_then(|meta| meta.modified()).map_err(fail)?;
        Ok(moment.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
    }

    /// Removes it with everything in it; a link in it is removed itself, never followed. It may have gone already.
    ///
    /// # Errors
    /// [`Kind::Files`] with the first thing that stays; or a link stands in its own place.
    pub fn remove_all(&self) -> Result<()> {
        // Ours again after this line is only what its access list says; nobody else can rename or fill it.
        drop(self.held.take());
        match std::fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(meta) if meta.is_dir() && !is_link(&meta) => {}
            Ok(meta) => return Err(not_a_directory(&self.path, describe(&meta))),
            Err(error) => return Err(failed("directory", "remove", &self.path, &error)),
        }
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("directory", "remove", &self.path, &error))
            }
            _ => Ok(()),
        }
    }

    /// Removes one file of ours; true when it was there.
    ///
    /// # Errors
    /// [`Kind::Files`] when it is there and stays.
    pub fn remove(&self, name: &str) -> Result<bool> {
        let path = self.path.join(component(name, &self.path)?);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("file", "remove", &path, &error)),
        }
    }
}

/// True for a directory, links not followed. A first look only: [`PrivateDir::open`] decides.
#[must_use]
pub fn is_own_directory(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() && !is_link(&meta))
}

/// Opens the directory itself, so that neither it nor one above it can be renamed or removed meanwhile.
fn hold(path: &Path) -> Result<File> {
    let fail = |error: io::Error| failed("directory", "open", path, &error);
    let file = itself()
        .read(true)
        .custom_flags(FLAG_BACKUP_SEMANTICS | FLAG_OPEN_REPARSE_POINT)
        .share_mode(SHARE_READ | SHARE_WRITE)
        .open(path)
        .map_err(fail)?;
    let meta = file.metadata().map_err(fail)?;
    if !meta.is_dir() || is_link(&meta) {
        return Err(not_a_directory(path, describe(&meta)));
    }
    Ok(file)
}

fn not_a_directory(path: &Path, found: &str) -> Error {
    Error::new(Kind::Files, "directory", format!("cannot open {}", path.display()))
        .detail("expected", "a directory itself, neither a file nor a link")
        .detail("presented", found)
}
