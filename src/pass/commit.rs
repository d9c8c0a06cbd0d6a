//! Writing a plan: all of it, or nothing.
//!
//! The order is what protects: masks first, because the runner echoes what it reads; then the journal, so that a killed
//! process leaves a list of what it was about to write; then files; the block in `GITHUB_ENV` last, because later steps see
//! it even when this one fails. Nothing here waits, so a signal (which is looked at between two awaits) finds all or nothing.

use std::io::Write;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Pass;
use super::earlier::{self, Earlier};
use super::journal::{Exported, digest};
use crate::delivery::github_env::{self, Names};
use crate::delivery::{Plan, dotenv, mask};
use crate::error::{Error, Kind, Result};
use crate::files::{Appended, append_block, read_own, write_own};
use crate::world::World;

/// Where a plan's variables, outputs and masks go, beside the pass's own files.
#[derive(Clone, Debug, Default)]
pub struct Sinks {
    /// Whether mask lines go to standard output: on GitHub only. GitLab has no such command, and would show them.
    pub masks: bool,
    /// `GITHUB_ENV`.
    pub env: Option<PathBuf>,
    /// `GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
    /// `GITHUB_STATE`.
    pub state: Option<PathBuf>,
    /// The file of `--env-file`, from the root.
    pub env_file: Option<PathBuf>,
}

impl Sinks {
    /// Those of a job in `world`: on GitHub the runner's files, elsewhere only what was asked for.
    ///
    /// # Errors
    /// A relative `env_file` without a working directory is a usage error.
    pub fn of_job(world: &World, env_file: Option<&Path>) -> Result<Sinks> {
        let env_file = env_file.map(|path| world.resolve(path)).transpose()?;
        if !world.switch("GITHUB_ACTIONS") {
            return Ok(Sinks { env_file, ..Sinks::default() });
        }
        Ok(Sinks {
            masks: true,
            env: world.path("GITHUB_ENV"),
            output: world.path("GITHUB_OUTPUT"),
            state: world.path("GITHUB_STATE"),
            env_file,
        })
    }
}

/// What was done outside the pass's directory, to be taken back when a later part fails.
#[derive(Default)]
struct Done {
    appended: Vec<Appended>,
    env_file: Option<(PathBuf, Option<Zeroizing<Vec<u8>>>)>,
}

impl Pass {
    /// Writes `plan`, whose root is this pass's directory. `earlier` is what stands in the job's variables; it is carried to
    /// the post step where there is one. Mask lines go to `stdout`, at once and before anything else.
    ///
    /// # Errors
    /// [`Kind::Files`] for whatever cannot be written, [`Kind::Usage`] for what a runner's file cannot carry. Everything
    /// written so far has been taken back then, and dropping the pass removes the rest.
    pub fn commit(&mut self, plan: &Plan, earlier: &Earlier, sinks: &Sinks, stdout: &mut dyn Write) -> Result<()> {
        // What can be refused without writing is refused first.
        let (env, outputs) = (plan.env_block()?, plan.output_block()?);
        let previous = sinks.env_file.as_deref().map(read_own).transpose()?.flatten();
        let dotenv = sinks.env_file.is_some().then(|| dotenv::contents(plan)).transpose()?;
        let halves = if sinks.state.is_some() { earlier.halves()? } else { None };

        if sinks.masks {
            let lines = mask::lines(&plan.masks);
            stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| {
                Error::new(
                    Kind::Files,
                    "standard-output",
                    format!("cannot write the masks where the runner reads them: {error}"),
                )
                .hint("nothing was exported: an unmasked secret must not reach the log")
            })?;
        }
        self.write_journal(plan, sinks)?;
        let mut done = Done::default();
        let written = self.write_files(plan).and_then(|()| {
            if let (Some(path), Some(text)) = (&sinks.env_file, &dotenv) {
                write_own(path, text.as_bytes())?;
                done.env_file = Some((path.clone(), previous));
            }
            if let (Some((pad, text)), Some(state)) = (&halves, &sinks.state) {
                self.directory.write_new(earlier::PAD, pad, 0o600)?;
                let block = github_env::block(Names::Outputs, [(earlier::STATE, text.as_str())])?;
                done.appended.push(append_block(state, block.as_bytes())?);
            }
            for (path, text) in [(&sinks.output, &outputs), (&sinks.env, &env)] {
                if let Some(path) = path {
                    done.appended.push(append_block(path, text.as_bytes())?);
                }
            }
            Ok(())
        });
        match written {
            Ok(()) => {
                self.kept = true;
                Ok(())
            }
            Err(error) => Err(done.take_back(error)),
        }
    }

    fn write_journal(&mut self, plan: &Plan, sinks: &Sinks) -> Result<()> {
        let journal = &mut self.journal;
        journal.expires = plan.grants.iter().map(|grant| grant.expires).max();
        journal.grants.clone_from(&plan.grants);
        journal.directories = plan.directories().into_iter().map(str::to_owned).collect();
        journal.files = plan.files.iter().map(|file| format!("{}/{}", file.directory, file.name)).collect();
        journal.variables = plan
            .variables
            .iter()
            .map(|variable| Exported {
                name: variable.name.to_owned(),
                after: variable.after.clone(),
                digest: digest(variable.value.reveal()),
            })
            .collect();
        journal.blanked = plan.removed.iter().map(|name| (*name).to_owned()).collect();
        journal.runner_files = [&sinks.state, &sinks.output, &sinks.env].into_iter().flatten().cloned().collect();
        journal.env_file.clone_from(&sinks.env_file);
        journal.write(&self.directory)
    }

    fn write_files(&self, plan: &Plan) -> Result<()> {
        for name in plan.directories() {
            let directory = self.directory.subdir(name)?;
            for file in plan.files.iter().filter(|file| file.directory == name) {
                file.write(&directory)?;
            }
        }
        Ok(())
    }
}

impl Done {
    /// Takes everything back, last thing first; what cannot be taken back is added to the error that is already there.
    fn take_back(self, mut error: Error) -> Error {
        let blocks = self.appended.into_iter().rev().map(Appended::undo);
        let env_file = self.env_file.map(|(path, previous)| match previous {
            Some(bytes) => write_own(&path, &bytes),
            None => std::fs::remove_file(&path).map_err(|error| Error::files("file", "remove", &path, &error)),
        });
        for failure in blocks.chain(env_file).filter_map(Result::err) {
            error = error.detail("not taken back", failure.message);
        }
        error
    }
}
