//! A file at a place that the caller named (`--env-file F`): not offered here. It would hold secrets under whatever access
//! list its directory hands down, and who owns a file cannot be asked without `unsafe`.

use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Refuses.
///
/// # Errors
/// Always.
pub fn write_own(path: &Path, _bytes: &[u8]) -> Result<()> {
    Err(unsupported(path))
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn read_own(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    Err(unsupported(path))
}

/// Nothing of ours can be there.
///
/// # Errors
/// None; the signature is that of the other systems.
pub fn remove_own(_path: &Path, _line: &str) -> Result<bool> {
    Ok(false)
}

fn unsupported(path: &Path) -> Error {
    Error::usage("unsupported", format!("writing variables to {} is not supported on windows yet", path.display()))
        .hint("leave out --env-file; use jobpass exec, or login with --format json")
}
