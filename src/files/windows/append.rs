//! Adding a block to a file that the runner reads: `GITHUB_ENV`, `GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY`.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{SHARE_READ, SHARE_WRITE, failed, itself, plain};
use crate::error::{Error, Kind, Result};

/// A block that was appended, and the way to take it back.
#[derive(Debug)]
pub struct Appended {
    // Held: as long as it is, nobody can put another file under this name.
    file: File,
    path: PathBuf,
    before: u64,
    after: u64,
}

/// Appends `block` with a single write; a newline (LF, as everywhere) is put before it when the file does not end with one.
///
/// # Errors
/// [`Kind::Files`] (exit 5), and the file is as it was: it is missing, a link, not a regular file, has a second hard link, or
/// the block does not fit.
pub fn append_block(path: &Path, block: &[u8]) -> Result<Appended> {
    let fail = |error: io::Error| failed("runner-file", "append to", path, &error);
    let mut file = itself().read(true).append(true).share_mode(SHARE_READ | SHARE_WRITE).open(path).map_err(fail)?;
    plain("runner-file", path, &file)?;
    let before = file.metadata().map_err(fail)?.len();
    let mut bytes = Vec::with_capacity(block.len().saturating_add(1));
    if let Some(last) = before.checked_sub(1) {
        let mut byte = [0u8; 1];
        if file.seek_read(&mut byte, last).map_err(fail)? == 1 && byte != *b"\n" {
            bytes.push(b'\n');
        }
    }
    bytes.extend_from_slice(block);
    let bytes = zeroize::Zeroizing::new(bytes);
    let written = file.write(&bytes);
    let appended = |count: usize| before.saturating_add(count as u64);
    match written {
        Ok(count) if count == bytes.len() => {
            Ok(Appended { file, path: path.to_owned(), before, after: appended(count) })
        }
        Ok(count) => {
            Appended { file, path: path.to_owned(), before, after: appended(count) }.undo()?;
            Err(Error::new(Kind::Files, "runner-file", format!("cannot append to {}: it is full", path.display()))
                .detail("expected", format!("{} bytes written at once", bytes.len()))
                .detail("presented", format!("{count} bytes written"))
                .hint("free some space on the runner's disk"))
        }
        Err(error) => Err(fail(error)),
    }
}

impl Appended {
    /// Takes the block back. When somebody has written behind it since, the file stays as it is: their bytes are not ours.
    ///
    /// # Errors
    /// [`Kind::Files`] when the file cannot be cut, or has grown.
    pub fn undo(self) -> Result<()> {
        let fail = |error: io::Error| failed("runner-file", "take back a block from", &self.path, &error);
        if self.file.metadata().map_err(fail)?.len() != self.after {
            return Err(Error::new(
                Kind::Files,
                "runner-file",
                format!("cannot take back a block from {}: something was written behind it", self.path.display()),
            ));
        }
        // A file that was opened to be appended to cannot be cut.
        let writable = itself().write(true).share_mode(SHARE_READ | SHARE_WRITE).open(&self.path).map_err(fail)?;
        writable.set_len(self.before).map_err(fail)
    }
}
