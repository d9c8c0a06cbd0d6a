//! The pass: all that one job holds, and its end.
//!
//! A pass is a private directory with a journal. The journal names what is about to be written before it is written, so that
//! whoever comes after a killed process knows what to take away: `jobpass logout`, or the next login's [`sweep`].

mod commit;
pub mod earlier;
mod handed;
pub mod journal;
pub mod logout;
pub mod place;
pub mod sweep;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

pub use commit::Sinks;
pub use journal::Holder;
use journal::{Journal, Owner};
use place::Base;

use crate::delivery;
use crate::delivery::github_env::{self, Names};
use crate::error::{Error, Kind, Result};
use crate::files::{Lock, PrivateDir, append_block};
use crate::world::World;

/// How long a pass that another process works on is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// An open pass. Dropping it without [`commit`](Pass::commit) or [`keep_record`](Pass::keep_record) removes it: a login that
/// fails, or is told to stop, leaves nothing.
#[must_use]
pub struct Pass {
    directory: PrivateDir,
    journal: Journal,
    /// Held while this process works on the pass, so that nobody sweeps it meanwhile.
    _lock: Lock,
    kept: bool,
}

impl Pass {
    /// Makes the pass's directory and its journal, before anything else is written.
    ///
    /// # Errors
    /// [`Kind::Files`]: no directory to lie in, or it is full, read-only, or open to others; the runner's state file cannot be
    /// written. Nothing is left then.
    pub fn open(world: &World, holder: Holder) -> Result<Pass> {
        let base = Base::of(world)?;
        let job = place::job_key(world)?;
        let directory = PrivateDir::create(&base.path, &format!("{}-{job}", place::PREFIX))?;
        let opened = directory.lock(LOCK_WAIT).and_then(|lock| {
            let lock = lock.ok_or_else(|| in_use(directory.path()))?;
            let journal = Journal {
                runner: world.var("RUNNER_NAME")?.map(str::to_owned),
                version: journal::VERSION,
                job,
                holder,
                created: world.clock.now().unix_timestamp(),
                expires: None,
                owner: Owner::this_process(),
                directories: Vec::new(),
                files: Vec::new(),
                variables: Vec::new(),
                blanked: Vec::new(),
                grants: Vec::new(),
                runner_files: Vec::new(),
                env_file: None,
            };
            journal.write(&directory)?;
            if holder == Holder::Job {
                announce(&directory, world)?;
            }
            Ok((lock, journal))
        });
        match opened {
            Ok((lock, journal)) => Ok(Pass { directory, journal, _lock: lock, kept: false }),
            Err(error) => {
                let _ = directory.remove_all();
                Err(error)
            }
        }
    }

    /// Where it lies; [`delivery::Options::root`](crate::delivery::Options) of the plan that it commits.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its directory, held open: the audit log goes there.
    #[must_use]
    pub fn held(&self) -> &PrivateDir {
        &self.directory
    }

    /// Keeps the directory with what it holds so far, journal and audit log: the record of a denial.
    pub fn keep_record(mut self) {
        self.kept = true;
    }

    /// Ends the pass that this process holds: everything it wrote is removed.
    ///
    /// # Errors
    /// [`Kind::Files`] when something stays.
    pub fn end(mut self) -> Result<()> {
        self.kept = true;
        logout::remove(&self.directory, Some(&self.journal))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if !self.kept {
            // Nobody is left to tell; what stays is journalled, and swept by the next login.
            let _ = logout::remove(&self.directory, Some(&self.journal));
        }
    }
}

/// Tells the runner where the pass lies, before there is anything in it: it hands that to the post step of the action that
/// this step is, even when the step is killed.
fn announce(directory: &PrivateDir, world: &World) -> Result<()> {
    if !world.switch("GITHUB_ACTIONS") {
        return Ok(());
    }
    let Some(state) = world.path("GITHUB_STATE") else { return Ok(()) };
    let path = delivery::path_text(directory.path())?;
    append_block(&state, github_env::block(Names::Outputs, [("pass", path.as_str())])?.as_bytes()).map(|_| ())
}

fn in_use(path: &Path) -> Error {
    Error::new(Kind::Files, "pass-in-use", format!("another jobpass works on {}", path.display()))
        .detail("expected", format!("that it is done within {} s", LOCK_WAIT.as_secs()))
        .hint("wait until it ends, then run jobpass logout again")
}
