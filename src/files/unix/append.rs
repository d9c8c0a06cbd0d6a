//! Adding a block to a file that the runner reads: `GITHUB_ENV`, `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY`.
//!
//! The runner parses such a file even when the step failed, so a block is there whole or not at all, and it never joins the
//! line before it (a step that ends without a newline would swallow our first variable).

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::{failed, plain};
use crate::error::{Error, Kind, Result};

/// A block that was appended, and the way to take it back.
#[derive(Debug)]
pub struct Appended {
    fd: OwnedFd,
    path: PathBuf,
    before: u64,
    after: u64,
}

/// Appends `block` with a single write; a newline is put before it when the file does not end with one.
///
/// # Errors
/// [`Kind::Files`] (exit 5), and the file is as it was: it is missing, a link, not a regular file, has a second hard link, or
/// the block does not fit.
pub fn append_block(path: &Path, block: &[u8]) -> Result<Appended> {
    let fail = |errno| failed("runner-file", "append to", path, errno);
    // NONBLOCK: a pipe or device in the file's place must not stop us before fstat can refuse it.
    let flags = OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(fail)?;
    let stat = rustix::fs::fstat(&fd).map_err(fail)?;
    plain("runner-file", path, &stat)?;
    let before = u64::try_from(stat.st_size).unwrap_or(0);
    let mut bytes = Vec::with_capacity(block.len().saturating_add(1));
    if let Some(last) = before.checked_sub(1) {
        let mut byte = [0u8; 1];
        if rustix::io::pread(&fd, &mut byte, last).map_err(fail)? == 1 && byte != *b"\n" {
            bytes.push(b'\n');
        }
    }
    bytes.extend_from_slice(block);
    let bytes = zeroize::Zeroizing::new(bytes);
    let after = before.saturating_add(bytes.len() as u64);
    let appended = Appended { fd, path: path.to_owned(), before, after };
    match rustix::io::write(&appended.fd, &bytes) {
        Ok(count) if count == bytes.len() => Ok(appended),
        Ok(count) => {
            let partial = Appended { after: before.saturating_add(count as u64), ..appended };
            partial.undo()?;
            Err(Error::new(Kind::Files, "runner-file", format!("cannot append to {}: it is full", path.display()))
                .detail("expected", format!("{} bytes written at once", bytes.len()))
                .detail("presented", format!("{count} bytes written"))
                .hint("free some space on the runner's disk"))
        }
        Err(errno) => Err(fail(errno)),
    }
}

impl Appended {
    /// Takes the block back. When somebody has written behind it since, the file stays as it is: their bytes are not ours.
    ///
    /// # Errors
    /// [`Kind::Files`] when the file cannot be cut, or has grown.
    pub fn undo(self) -> Result<()> {
        let fail = |errno| failed("runner-file", "take back a block from", &self.path, errno);
        let size = rustix::fs::fstat(&self.fd).map_err(fail)?.st_size;
        if u64::try_from(size).unwrap_or(0) != self.after {
            return Err(Error::new(
                Kind::Files,
                "runner-file",
                format!("cannot take back a block from {}: something was written behind it", self.path.display()),
            ));
        }
        rustix::fs::ftruncate(&self.fd, self.before).map_err(fail)
    }
}
