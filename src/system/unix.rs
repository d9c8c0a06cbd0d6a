//! Linux and macOS.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::process::{Pid, Resource, Rlimit, kill_process};
use tokio::process::Child;
use tokio::signal::unix::{Signal as Incoming, SignalKind, signal};

use super::{INTERRUPTED, Stop, TERMINATED};

/// Whether `path` and `PATH` are one variable.
pub const VARIABLES_ANY_CASE: bool = false;

/// The variables that name a directory for a pass, the best first.
pub const DIRECTORIES: &[&str] = &["RUNNER_TEMP", "XDG_RUNTIME_DIR", "TMPDIR"];

/// The directory for what goes with the process, and for a pass where no variable names one. On macOS `/tmp` is a link.
pub const TEMPORARY: (&str, &str) = ("TMPDIR", if cfg!(target_os = "macos") { "/private/tmp" } else { "/tmp" });

/// No core file: a secret must not leave through one. On Linux no debugger of the same user either; macOS would need a call
/// that only `unsafe` code can make.
pub fn harden() {
    // The hard limit stays: a command that `exec` runs may raise its own again.
    let none = Rlimit { current: Some(0), ..rustix::process::getrlimit(Resource::Core) };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// SIGINT and SIGTERM.
#[derive(Debug)]
pub struct Stops {
    interrupt: Incoming,
    terminate: Incoming,
}

impl Stops {
    /// Begins to listen; from now on they no longer end this process by themselves.
    ///
    /// # Errors
    /// The system's own.
    pub fn listen() -> io::Result<Stops> {
        Ok(Stops { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// The next one.
    pub async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop { name: "SIGINT", number: INTERRUPTED },
            _ = self.terminate.recv() => Stop { name: "SIGTERM", number: TERMINATED },
        }
    }
}

/// A signal for a child.
pub use rustix::process::Signal;

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT, for whoever runs a child.
#[derive(Debug)]
pub struct Signals {
    interrupt: Incoming,
    terminate: Incoming,
    hangup: Incoming,
    quit: Incoming,
    terminal: bool,
}

impl Signals {
    /// Begins to listen; from now on they no longer end this process by themselves.
    ///
    /// # Errors
    /// The system's own.
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            quit: signal(SignalKind::quit())?,
            // A CI job has none.
            terminal: std::fs::File::open("/dev/tty").is_ok(),
        })
    }

    /// The next signal that the child does not get by itself. A terminal sends its signals to every process in front of it;
    /// the child would get them twice, and two interrupts mean "stop at once" to Terraform and others.
    pub async fn next(&mut self) -> Signal {
        loop {
            let (number, from_terminal) = tokio::select! {
                _ = self.interrupt.recv() => (Signal::INT, true),
                _ = self.quit.recv() => (Signal::QUIT, true),
                _ = self.hangup.recv() => (Signal::HUP, true),
                _ = self.terminate.recv() => (Signal::TERM, false),
            };
            if !(from_terminal && self.terminal) {
                return number;
            }
        }
    }
}

/// Sends `signal` to the child.
pub fn pass_on(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = pid {
        // It may have ended by itself meanwhile; `wait` says so next.
        let _ = kill_process(pid, signal);
    }
}

/// Asks the child to end.
pub fn terminate(child: &Child) {
    pass_on(child, Signal::TERM);
}

/// The program as the child's `PATH` finds it; the system does that itself.
#[must_use]
pub fn program(name: &OsString, _environment: &[(OsString, OsString)]) -> OsString {
    name.clone()
}

/// A child's exit code as shells count it: its own, or 128 + the signal that ended it.
#[must_use]
pub fn exit_code(status: ExitStatus) -> u8 {
    let number = status.code().or_else(|| status.signal().map(|signal| signal.saturating_add(128)));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
}

/// Whether a process of that number is there.
#[must_use]
pub fn process_lives(pid: i32) -> bool {
    // EPERM means that it is there and is somebody else's.
    Pid::from_raw(pid)
        .is_some_and(|pid| !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH)))
}

/// When it started, in clock ticks since boot: the 22nd field of `/proc/PID/stat` (proc(5)); the second one is a name in
/// parentheses that may hold anything. `None` where the system does not say (macOS).
#[must_use]
pub fn process_started(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

/// True for a directory that several users, and so several jobs, write to.
#[must_use]
pub fn is_shared(directory: &Path) -> bool {
    std::fs::symlink_metadata(directory).is_ok_and(|meta| meta.mode() & 0o1000 != 0)
}

/// Whether `path` is `place` or lies in it, by their names.
#[must_use]
pub fn lies_in(path: &Path, place: &Path) -> bool {
    path.starts_with(place)
}

/// `path` without the links that macOS itself has put into the root: they are no reason to refuse it.
#[must_use]
pub fn without_system_links(path: PathBuf) -> PathBuf {
    #[cfg(target_os = "macos")]
    let path = macos_path(path);
    path
}

/// `/tmp`, `/var` and `/etc` are links into `/private` on every macOS.
#[cfg(any(target_os = "macos", test))]
fn macos_path(path: PathBuf) -> PathBuf {
    let linked = ["/tmp", "/var", "/etc"].iter().any(|link| path.starts_with(link));
    if linked { Path::new("/private").join(path.strip_prefix("/").unwrap_or(&path)) } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_childs_own() {
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), 7);
        assert_eq!(exit_code(ExitStatus::from_raw(15)), 143);
    }

    #[test]
    fn the_links_of_macos_are_written_out() {
        for (given, meant) in [
            ("/tmp", "/private/tmp"),
            ("/var/folders/x/T/", "/private/var/folders/x/T/"),
            ("/private/tmp", "/private/tmp"),
            ("/tmpfs", "/tmpfs"),
            ("/Users/runner/work/_temp", "/Users/runner/work/_temp"),
        ] {
            assert_eq!(macos_path(given.into()), Path::new(meant), "{given}");
        }
    }
}
