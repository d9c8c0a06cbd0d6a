//! Where a pass lies, and which job it belongs to.

use std::path::PathBuf;

use crate::error::{Error, Kind, Result};
use crate::system;
use crate::world::World;

/// Every pass's directory begins with this.
pub const PREFIX: &str = "jobpass";
/// The longest job key, in bytes: with prefix and random part it stays a short file name.
const LONGEST_KEY: usize = 96;

/// The directory that passes lie in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// From the root.
    pub path: PathBuf,
    /// Whether one job at a time has it to itself, by the runner's contract (GitHub's `RUNNER_TEMP`).
    pub exclusive: bool,
}

impl Base {
    /// `RUNNER_TEMP`, else `XDG_RUNTIME_DIR`, else `TMPDIR`, else `/tmp` (on Windows `TEMP` and `TMP` take the places of the
    /// last three); never the workspace, which is archived, cached and uploaded.
    ///
    /// # Errors
    /// [`Kind::Files`] when it is a relative path or lies in the workspace.
    pub fn of(world: &World) -> Result<Base> {
        let (name, path) = system::DIRECTORIES
            .iter()
            .find_map(|name| Some((*name, world.path(name)?)))
            .unwrap_or((system::TEMPORARY.0, PathBuf::from(system::TEMPORARY.1)));
        let path = system::without_system_links(path);
        if !path.is_absolute() {
            return Err(Error::new(Kind::Files, "base", format!("{name} is {}, a relative path", path.display()))
                .hint(format!("set {name} to a path from the root")));
        }
        for workspace in ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"] {
            // A workspace of "/" would hold every directory there is.
            if let Some(place) = world.path(workspace).filter(|place| place.parent().is_some())
                && system::lies_in(&path, &place)
            {
                let message = format!("{name} lies in the workspace: {}", path.display());
                return Err(Error::new(Kind::Files, "base", message)
                    .detail("expected", format!("a directory outside {}", place.display()))
                    .hint("what lies in the workspace is archived, cached and uploaded; credentials must not be"));
            }
        }
        let exclusive = name == "RUNNER_TEMP" && !system::is_shared(&path);
        Ok(Base { path, exclusive })
    }
}

/// The job's name on this machine: GitHub's run, attempt, runner and job; GitLab's job id; `local` elsewhere. The legs of a
/// matrix differ in nothing but the runner: without it, a leg's logout would end its neighbour's pass.
///
/// # Errors
/// A variable that is not UTF-8 is a usage error that names it.
pub fn job_key(world: &World) -> Result<String> {
    let key = if let Some(run) = world.var("GITHUB_RUN_ID")? {
        let attempt = world.var("GITHUB_RUN_ATTEMPT")?.unwrap_or("1");
        let runner = world.var("RUNNER_NAME")?.map(|name| format!("{name}-")).unwrap_or_default();
        format!("{run}-{attempt}-{runner}{}", world.var("GITHUB_JOB")?.unwrap_or("job"))
    } else if let Some(job) = world.var("CI_JOB_ID")? {
        format!("gitlab-{job}")
    } else {
        "local".to_owned()
    };
    // It becomes part of a file name, and a job's name is whatever its author wrote.
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    Ok(key.chars().map(|c| if fits(c) { c } else { '_' }).take(LONGEST_KEY).collect())
}

/// The job key in a pass's directory name; `None` for a name that is not a pass's.
#[must_use]
pub fn key_in(name: &str) -> Option<&str> {
    let (key, random) = name.strip_prefix(PREFIX)?.strip_prefix('-')?.rsplit_once('-')?;
    (random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit()) && !key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_runners_directory_comes_first() {
        let world = World::nothing();
        assert_eq!(Base::of(&world).unwrap().path, Path::new("/tmp"));
        let world = world.with("TMPDIR", "/t").with("XDG_RUNTIME_DIR", "/x");
        assert_eq!(Base::of(&world).unwrap(), Base { path: "/x".into(), exclusive: false });
        let world = world.with("RUNNER_TEMP", "/r");
        assert_eq!(Base::of(&world).unwrap(), Base { path: "/r".into(), exclusive: true });
        assert!(!Base::of(&world.with("RUNNER_TEMP", "/tmp")).unwrap().exclusive, "a shared directory is nobody's own");
    }

    #[test]
    fn never_the_workspace_never_relative() {
        for (name, value) in [("RUNNER_TEMP", "/w/acme/tmp"), ("TMPDIR", "tmp"), ("TMPDIR", "/w/acme")] {
            let world = World::nothing().with("GITHUB_WORKSPACE", "/w/acme").with(name, value);
            assert_eq!(Base::of(&world).unwrap_err().kind.exit_code(), 5, "{name}={value}");
        }
        assert!(Base::of(&World::nothing().with("CI_PROJECT_DIR", "/").with("TMPDIR", "/tmp")).is_ok());
        assert!(Base::of(&World::nothing().with("CI_PROJECT_DIR", "/w/a").with("TMPDIR", "/w/ab")).is_ok());
    }

    #[test]
    fn job_keys_are_file_names() {
        let github =
            World::nothing().with("GITHUB_RUN_ID", "7").with("GITHUB_RUN_ATTEMPT", "2").with("GITHUB_JOB", "../a b");
        assert_eq!(job_key(&github).unwrap(), "7-2-___a_b");
        assert_eq!(job_key(&github.clone().with("RUNNER_NAME", "ci 4")).unwrap(), "7-2-ci_4-___a_b");
        assert_eq!(job_key(&World::nothing().with("CI_JOB_ID", "9")).unwrap(), "gitlab-9");
        assert_eq!(job_key(&World::nothing()).unwrap(), "local");
        assert!(job_key(&github.with("GITHUB_JOB", "x".repeat(500))).unwrap().len() <= LONGEST_KEY);
    }

    #[test]
    fn names_of_passes() {
        let random = "0123456789abcdef0123456789abcdef";
        assert_eq!(key_in(&format!("jobpass-7-2-build-{random}")), Some("7-2-build"));
        for name in [
            format!("jobpass-{random}"),
            format!("jobpass-x-{random}0"),
            format!("other-x-{random}"),
            "jobpass-x".into(),
        ] {
            assert_eq!(key_in(&name), None, "{name}");
        }
    }
}
