//! Ending passes: files, variables, the env file. Idempotent, and usable after a crash.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::journal::{Holder, Journal};
use super::place::{self, Base};
use super::{LOCK_WAIT, in_use};
use crate::delivery::PASS_VARIABLE;
use crate::delivery::github_env::{Names, block, is_variable_name};
use crate::error::{Error, Kind, Result};
use crate::files::{PrivateDir, append_block, is_own_directory, remove_own, remove_tree};
use crate::world::World;

/// What was ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// The passes' directories; all are gone.
    pub passes: Vec<PathBuf>,
    /// The variables that the passes had handed to the job, with what they are set to now.
    pub variables: BTreeMap<String, String>,
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
    let mut failures = Vec::new();
    let named = match explicit {
        Some(path) => Some(world.resolve(path)?),
        None => world.path(PASS_VARIABLE),
    };
    let found = if explicit.is_some() { Vec::new() } else { of_this_job(world)? };
    let all = named.iter().chain(found.iter().filter(|path| Some(*path) != named.as_ref()));
    for path in all {
        if let Err(error) = end_one(path, explicit.is_some(), &mut ended) {
            failures.push(error);
        }
    }
    if !ended.variables.is_empty()
        && world.switch("GITHUB_ACTIONS")
        && let Some(env) = world.path("GITHUB_ENV")
    {
        let entries = ended.variables.iter().map(|(name, after)| (name.as_str(), after.as_str()));
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

fn end_one(path: &Path, explicit: bool, ended: &mut Ended) -> Result<()> {
    if path.symlink_metadata().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(());
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
        return Ok(());
    };
    // Once more, now that nobody writes it.
    let journal = Journal::read(&directory)?;
    remove(&directory, journal.as_ref())?;
    ended.passes.push(path.to_owned());
    for variable in journal.into_iter().flat_map(|journal| journal.variables) {
        if is_variable_name(&variable.name) {
            ended.variables.insert(variable.name, variable.after);
        }
    }
    Ok(())
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
    remove_tree(directory.path()).map(|_| ()).and(env_file)
}
