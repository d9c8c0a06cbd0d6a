//! Sweeping: a login removes what killed jobs left behind.
//!
//! Only what bears a pass's name, belongs to this user, is private, and is worked on by nobody. In the runner's own temporary
//! directory that is every other job's pass whose process is gone (one job at a time has it); in a shared one, a pass whose
//! credentials have ended, or whose process is gone and was to end it.

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
    let runner = world.var("RUNNER_NAME")?;
    let now = world.clock.now().unix_timestamp();
    let mut swept = Swept::default();
    for (path, key) in passes_in(&base.path) {
        match sweep_one(&path, base.exclusive && key != job, runner, now) {
            Ok(true) => swept.removed.push(path),
            Ok(false) => {}
            Err(error) => swept.failed.push(error),
        }
    }
    Ok(swept)
}

fn sweep_one(path: &Path, other_job: bool, runner: Option<&str>, now: i64) -> Result<bool> {
    // A link, another user's directory, one that others can read: not a pass of ours, whatever its name.
    let Ok(directory) = PrivateDir::open(path) else {
        return Ok(false);
    };
    let Some(_lock) = directory.lock(Duration::ZERO)? else {
        return Ok(false);
    };
    let journal = Journal::read(&directory)?;
    let ended = match &journal {
        None => {
            let age = if other_job { STARTING } else { UNFINISHED };
            directory.changed()?.saturating_add(age) < now
        }
        Some(journal) => {
            let over = match journal.expires {
                Some(expires) => expires.saturating_add(GRACE) < now,
                None => journal.created.saturating_add(RECORD) < now,
            };
            // A runner has one job at a time, and its directory to itself: another job's pass there has ended. Two runners
            // that were given one directory are told apart by their names.
            let left_behind = other_job && journal.runner.as_deref() == runner;
            // The lock says the same of the process, but for file systems that know no locks.
            let gone = !journal.owner.lives();
            // Without an expiry there is no credential in it, only the record of a denial: that stays its time.
            let abandoned = journal.expires.is_some() && journal.holder == Holder::Process;
            over || (gone && (left_behind || abandoned))
        }
    };
    if !ended {
        return Ok(false);
    }
    remove(&directory, journal.as_ref())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::Pass;
    use super::super::tests::Job;
    use super::*;
    use crate::delivery::testing::ends;
    use crate::files::testing::TempDir;
    use crate::world::Clock;

    #[test]
    fn a_login_sweeps_what_the_runners_last_job_left() {
        let job = Job::new("7");
        let left = job.login();
        let at_work = job.login();
        let mut journal = Journal::read(&PrivateDir::open(&left).unwrap()).unwrap().unwrap();
        journal.owner.pid = i32::MAX;
        journal.write(&PrivateDir::open(&left).unwrap()).unwrap();
        let job = Job::within(job.temp, "8");
        let own = job.login();
        let busy = Pass::open(&job.world.clone().with("GITHUB_RUN_ID", "6"), Holder::Job).unwrap();
        let swept = sweep(&job.world).unwrap();
        assert_eq!((swept.removed, swept.failed.len()), (vec![left.clone()], 0));
        assert!(!left.exists() && own.exists() && busy.directory().exists());
        assert!(at_work.exists(), "its process lives, whether it holds a lock or not");
    }

    #[test]
    fn in_a_shared_directory_only_what_has_ended_is_swept() {
        let temp = TempDir::new();
        let at = |seconds: u64| {
            World::nothing()
                .with("TMPDIR", temp.path())
                .at(Clock::Fixed(ends() - Duration::from_secs(600) + Duration::from_secs(seconds)))
        };
        let open = |holder, job: &str| Pass::open(&at(0).with("CI_JOB_ID", job), holder).unwrap();
        let keep = |mut pass: Pass, expires| {
            pass.journal.expires = expires;
            pass.journal.write(&pass.directory).unwrap();
            pass.kept = true;
        };
        keep(open(Holder::Job, "1"), Some(ends().unix_timestamp()));
        keep(open(Holder::Job, "2"), None);
        let mut gone = open(Holder::Process, "3");
        gone.journal.owner.pid = i32::MAX;
        keep(gone, Some(ends().unix_timestamp()));
        let swept = |seconds| sweep(&at(seconds)).unwrap().removed.len();
        assert_eq!(swept(0), 1, "the process that is gone");
        assert_eq!(swept(600), 0, "within the grace");
        assert_eq!(swept(661), 1, "its credentials have ended");
        assert_eq!(swept(23 * 3_600), 0);
        assert_eq!(swept(25 * 3_600), 1, "a record without credentials");
    }

    #[test]
    fn a_sweep_never_leaves_its_prefix() {
        let job = Job::new("8");
        let random = "0123456789abcdef0123456789abcdef";
        let outside = Job::new("1");
        let precious = outside.login();
        symlink(&precious, job.temp.join("tmp").join(format!("jobpass-1-1-build-{random}"))).unwrap();
        std::fs::create_dir(job.temp.join("tmp/jobpass-cache")).unwrap();
        std::fs::create_dir(job.temp.join("tmp/other")).unwrap();
        let left = PrivateDir::create(&job.temp.join("tmp"), "jobpass-1-1-build").unwrap();
        symlink(&precious, left.path().join("child")).unwrap();
        let at = |seconds| {
            let moment = std::time::SystemTime::now() + Duration::from_secs(seconds);
            sweep(&job.world.clone().at(Clock::Fixed(moment.into()))).unwrap().removed
        };
        assert!(at(0).is_empty(), "a directory just made may be about to get its journal");
        assert_eq!(at(60), [left.path()]);
        assert!(precious.join("journal.json").exists());
        assert!(job.temp.join("tmp/jobpass-cache").exists() && job.temp.join("tmp/other").exists());
    }
}
