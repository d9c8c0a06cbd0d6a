//! Letting nobody in but the owner, and seeing that it is so.
//!
//! Two short runs of `icacls` per new directory, one per directory that is opened again.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Kind, Result};
use crate::files::access::{OWNER, is_owners_alone, list_in};
use crate::random;

/// Takes the inherited entries away from `directory` and gives its owner everything, here and below.
pub(super) fn close(directory: &Path) -> Result<()> {
    let grant = format!("{OWNER}:(OI)(CI)F");
    icacls(directory, &["/inheritance:r".as_ref(), "/grant:r".as_ref(), grant.as_ref()])
}

/// Refuses a directory whose access list lets in anybody but its owner, or whose owner we are not.
///
/// The second follows from the first: what is read back is written into the directory, where only its owner can write.
pub(super) fn check(directory: &Path) -> Result<()> {
    let saved = directory.join(format!(".access-{}", random::hex128()?));
    let read = icacls(directory, &["/save".as_ref(), saved.as_os_str()]).and_then(|()| {
        std::fs::read(&saved).map_err(|error| refused(directory).detail("presented", format!("no list: {error}")))
    });
    let _ = std::fs::remove_file(&saved);
    match list_in(&read?) {
        Some(list) if is_owners_alone(&list) => Ok(()),
        Some(list) => Err(refused(directory).detail("presented", list)),
        None => Err(refused(directory).detail("presented", "no list that can be read")),
    }
}

fn icacls(directory: &Path, arguments: &[&OsStr]) -> Result<()> {
    // Looked for beside this program, then in the system's directory, and only then in PATH (std's order for a full name).
    let ran = Command::new("icacls.exe")
        .arg(directory)
        .args(arguments)
        .arg("/q")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match ran {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(refused(directory).detail("presented", format!("icacls ended with {status}"))),
        Err(error) => Err(refused(directory).detail("presented", format!("icacls does not run: {error}"))),
    }
}

fn refused(directory: &Path) -> Error {
    Error::new(Kind::Files, "not-private", format!("{} is not a private directory of ours", directory.display()))
        .detail("expected", "an access list with its owner and nobody else: D:P(A;OICI;FA;;;OW)")
        .hint("point RUNNER_TEMP to a directory on an NTFS disk that belongs to this user")
}
