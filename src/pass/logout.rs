//! Ending passes: files, variables, the env file. Idempotent, and usable after a crash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use super::earlier::{self, Earlier, MOST};
use super::handed::{self, Handed};
use super::journal::{Holder, Journal};
use super::place::{self, Base};
use super::{LOCK_WAIT, in_use};
use crate::delivery::github_env::{Names, block};
use crate::delivery::{Held, PASS_VARIABLE};
use crate::error::{Error, Kind, Result};
use crate::files::{PrivateDir, append_block, is_own_directory, remove_own};
use crate::secret::Secret;
use crate::world::World;

/// What was ended.
#[derive(Clone, Default)]
pub struct Ended {
    /// The passes' directories; all are gone.
    pub passes: Vec<PathBuf>,
    /// The variables that the passes had handed to the job, with what they are set to now.
    pub variables: BTreeMap<String, Secret>,
    /// Variables that the passes had handed to the job and another step has set since: they are left as they are.
    pub others: Vec<String>,
    /// What was granted and has not ended yet. Nothing is revoked at the cloud.
    pub live: Vec<Held>,
    /// Passes left alone because a running `jobpass exec` holds them and ends them itself.
    pub in_use: Vec<PathBuf>,
    /// Whether the job's later steps see the variables blanked (GitHub).
    pub blanked: bool,
}

/// Ends the pass at `explicit`; without one, the pass named by `JOBPASS_PASS` and every pass of this job.
///
/// Nothing to end is no error: a second logout, or one after a failed login, succeeds.
///
/// # Errors
/// [`Kind::Files`]: `explicit` is not a pass of ours, or is in use; something cannot be removed or blanked. What could be
/// ended has been ended by then.
pub fn end(world: &World, explicit: Option<&Path>) -> Result<Ended> {
    let mut ended = Ended::default();
    let mut handed = Vec::new();
    let mut failures = Vec::new();
    let named = match explicit {
        Some(path) => Some(world.resolve(path)?),
        None => world.path(PASS_VARIABLE),
    };
    let found = if explicit.is_some() { Vec::new() } else { of_this_job(world)? };
    let all = named.iter().chain(found.iter().filter(|path| Some(*path) != named.as_ref()));
    for path in all {
        match end_one(path, explicit.is_some(), world, &mut ended) {
            Ok(None) => {}
            Ok(Some(one)) => {
                failures.extend(one.failure.clone());
                handed.push(one);
            }
            Err(error) => failures.push(error),
        }
    }
    (ended.variables, ended.others) = handed::settle(handed, world);
    if !ended.variables.is_empty()
        && world.switch("GITHUB_ACTIONS")
        && let Some(env) = world.path("GITHUB_ENV")
    {
        let entries = ended.variables.iter().map(|(name, after)| (name.as_str(), after.reveal()));
        match block(Names::Variables, entries).and_then(|text| append_block(&env, text.as_bytes())) {
            Ok(_) => ended.blanked = true,
            Err(error) => failures.push(error),
        }
    }
    match failures.into_iter().reduce(|first, next| first.detail("also", next.message)) {
        None => Ok(ended),
        Some(error) => Err(error),
    }
}

/// The passes of this job in the directory that passes lie in. In a shared one anybody can use such a name: what is a link or
/// somebody else's is not this job's.
fn of_this_job(world: &World) -> Result<Vec<PathBuf>> {
    let (base, job) = (Base::of(world)?, place::job_key(world)?);
    let named = passes_in(&base.path).into_iter().filter(|(_, key)| *key == job).map(|(path, _)| path);
    Ok(named.filter(|path| is_own_directory(path)).collect())
}

/// Everything in `base` that has a pass's name, with the job key in it. A directory that cannot be listed holds none.
pub(super) fn passes_in(base: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(base).into_iter().flatten().filter_map(std::result::Result::ok);
    let mut all: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            Some((entry.path(), place::key_in(name.to_str()?)?.to_owned()))
        })
        .collect();
    all.sort();
    all
}

fn end_one(path: &Path, explicit: bool, world: &World, ended: &mut Ended) -> Result<Option<Handed>> {
    if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(None);
    }
    // The name and the owner decide before anything is removed: JOBPASS_PASS comes from the environment.
    if path.file_name().and_then(|name| place::key_in(name.to_str()?)).is_none() {
        return Err(Error::new(Kind::Files, "not-a-pass", format!("{} is not a pass", path.display()))
            .detail("expected", format!("a directory {}-JOB-RANDOM that jobpass login made", place::PREFIX))
            .hint("name the directory that jobpass login printed, or leave it out"));
    }
    let directory = PrivateDir::open(path)?;
    let held_by_process = matches!(Journal::read(&directory)?, Some(Journal { holder: Holder::Process, .. }));
    let wait = if held_by_process && !explicit { Duration::ZERO } else { LOCK_WAIT };
    let Some(_lock) = directory.lock(wait)? else {
        if explicit || !held_by_process {
            return Err(in_use(path));
        }
        ended.in_use.push(path.to_owned());
        return Ok(None);
    };
    // Once more, now that nobody writes it.
    let journal = Journal::read(&directory)?;
    let pad = directory.read(earlier::PAD, MOST as u64)?.map(Zeroizing::new);
    remove(&directory, journal.as_ref())?;
    ended.passes.push(path.to_owned());
    let Some(journal) = journal else { return Ok(None) };
    let now = world.clock.now().unix_timestamp();
    ended.live.extend(journal.grants.iter().filter(|grant| grant.expires > now).cloned());
    let (earlier, failure) = match Earlier::joined(pad.as_deref().map(Vec::as_slice), world) {
        Ok(earlier) => (earlier, None),
        Err(error) => (Earlier::default(), Some(error)),
    };
    Ok(Some(Handed { journal, earlier, failure }))
}

/// Removes what a pass holds: the env file, if it is still the one that was written, then the whole private directory. The
/// tools leave logs and caches in there, so it goes with all that is in it.
///
/// # Errors
/// [`Kind::Files`] when something stays.
pub(super) fn remove(directory: &PrivateDir, journal: Option<&Journal>) -> Result<()> {
    let env_file = match journal.and_then(|journal| journal.env_file.as_deref()) {
        Some(path) => remove_own(path, &format!("{PASS_VARIABLE}={}", directory.path().display())).map(|_| ()),
        None => Ok(()),
    };
    directory.remove_all().and(env_file)
}
