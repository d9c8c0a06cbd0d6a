//! Reading what the caller names: an edge file, a trust policy, an ID token.

use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::system::{files_error, open_to_read};
use crate::error::{Error, Kind, Result};

/// The content of a regular file, at most `max` bytes. Links are followed: Kubernetes delivers token files through them.
///
/// # Errors
/// [`Kind::Files`]: missing, unreadable, not a regular file, or longer than `max`.
pub fn read_limited(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>> {
    limited(open_to_read(path)?, path, max)
}

/// All of standard input, at most `max` bytes.
///
/// # Errors
/// [`Kind::Files`]: unreadable, or longer than `max`.
pub fn read_stdin(max: u64) -> Result<Zeroizing<Vec<u8>>> {
    limited(std::io::stdin().lock(), Path::new("standard input"), max)
}

fn limited(from: impl Read, path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| files_error("read", path, &error))?;
    if bytes.len() as u64 > max {
        return Err(Error::new(Kind::Files, "file", format!("cannot read {}: it is too long", path.display()))
            .detail("expected", format!("at most {max} bytes")));
    }
    Ok(bytes)
}
