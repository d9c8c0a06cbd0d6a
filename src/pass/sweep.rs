//! Sweeping: a login removes what killed jobs left behind.
//!
//! Only what bears a pass's name, belongs to this user, is private, and is worked on by nobody. In the runner's own temporary
//! directory that is every other job's pass (one job at a time has it); in a shared one, a pass whose credentials have ended
//! or whose process is gone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{Holder, Journal};
use super::logout::{passes_in, remove};
use super::place::{self, Base};
use crate::error::{Error, Result};
use crate::files::PrivateDir;
use crate::world::World;

/// A pass goes this long after its last credential ended, in seconds: clocks differ.
const GRACE: i64 = 60;
/// A record without credentials (a denial's) is kept this long, in seconds.
const RECORD: i64 = 24 * 3_600;
/// A directory without a journal is kept this long, in seconds: its login may be about to write one.
const UNFINISHED: i64 = 600;
/// The same where no other job should be running at all, in seconds.
const STARTING: i64 = 5;

/// What a sweep did.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Removed.
    pub removed: Vec<PathBuf>,
    /// What could not be removed, and why. A login goes on all the same.
    pub failed: Vec<Error>,
}

/// Removes what killed jobs left where this job's pass lies.
///
/// # Errors
/// There is no directory for passes, or a variable is not UTF-8; never for what is found there.
pub fn sweep(world: &World) -> Result<Swept> {
    let (base, job) = (Base::of(world)?, place::job_key(world)?);
    let now = world.clock.now().unix_timestamp();
    let mut swept = Swept::default();
    for (path, key) in passes_in(&base.path) {
        match sweep_one(&path, key == job, base.exclusive, now) {
            Ok(true) => swept.removed.push(path),
            Ok(false) => {}
            Err(error) => swept.failed.push(error),
        }
    }
    Ok(swept)
}

fn sweep_one(path: &Path, same_job: bool, exclusive: bool, now: i64) -> Result<bool> {
    // A link, another user's directory, one that others can read: not a pass of ours, whatever its name.
    let Ok(directory) = PrivateDir::open(path) else {
        return Ok(false);
    };
    let Some(_lock) = directory.lock(Duration::ZERO)? else {
        return Ok(false);
    };
    let journal = Journal::read(&directory)?;
    // The runner's own directory is this job's alone, so what another job left there has ended.
    let left_behind = exclusive && !same_job;
    let ended = match &journal {
        None => {
            let age = if left_behind { STARTING } else { UNFINISHED };
            directory.changed()?.saturating_add(age) < now
        }
        Some(journal) => {
            let over = match journal.expires {
                Some(expires) => expires.saturating_add(GRACE) < now,
                None => journal.created.saturating_add(RECORD) < now,
            };
            left_behind || over || (journal.holder == Holder::Process && !journal.owner.lives())
        }
    };
    if !ended {
        return Ok(false);
    }
    remove(&directory, journal.as_ref())?;
    Ok(true)
}
