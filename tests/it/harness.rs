//! Runs the real binary in a scrubbed world: no variable of the machine's, a directory of its own, every output searched for
//! the secrets that the test knows.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A directory that goes away with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let name = format!("jobpass-it-{}", jobpass::random::hex128().unwrap());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Everything below it, sorted, as paths from here; to show that nothing was left.
    pub(crate) fn listing(&self) -> Vec<String> {
        fn walk(base: &Path, directory: &Path, out: &mut Vec<String>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                out.push(path.strip_prefix(base).unwrap().display().to_string());
                if path.is_dir() && !path.is_symlink() {
                    walk(base, &path, out);
                }
            }
        }
        let mut out = Vec::new();
        walk(&self.0, &self.0, &mut out);
        out.sort();
        out
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The root of the checkout.
pub(crate) fn checkout() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with an empty environment, in `directory`.
pub(crate) fn jobpass(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobpass"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", directory);
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// Held by who measures time or starts many processes at once: the one must not disturb the other.
static MACHINE: RwLock<()> = RwLock::new(());

/// For who measures.
pub(crate) fn measuring() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// For who starts many processes at once.
#[allow(dead_code, reason = "for the chapters that start many at once")]
pub(crate) fn crowding() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Every regular file below `directory`, links not followed.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() { all.extend(files_below(&path)) } else { all.push(path) }
    }
    all
}

/// True when the tests run as root, whom no permission bit stops.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What a run printed and ended with.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs to the end.
pub(crate) fn run(command: &mut Command) -> Ran {
    ran(&command.output().unwrap())
}

pub(crate) fn ran(output: &Output) -> Ran {
    let code = output.status.code().unwrap_or_else(|| {
        use std::os::unix::process::ExitStatusExt as _;
        128 + output.status.signal().unwrap_or(0)
    });
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
    Ran { code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Runs `jobpass ARGS…` in `directory` with these variables.
pub(crate) fn run_in<A: AsRef<OsStr>>(
    directory: &Path,
    variables: &[(&str, &str)],
    args: impl IntoIterator<Item = A>,
) -> Ran {
    let mut command = jobpass(directory);
    command.args(args);
    for (name, value) in variables {
        command.env(name, value);
    }
    run(&mut command)
}
