//! Windows.

use std::ffi::OsString;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use tokio::process::Child;
use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

use super::{INTERRUPTED, Stop, TERMINATED, foreign};

/// Whether `path` and `PATH` are one variable.
pub const VARIABLES_ANY_CASE: bool = true;

/// The variables that name a directory for a pass, the best first.
pub const DIRECTORIES: &[&str] = &["RUNNER_TEMP", "TEMP", "TMP"];

/// The directory for what goes with the process, and for a pass where no variable names one.
pub const TEMPORARY: (&str, &str) = ("TEMP", r"C:\Windows\Temp");

/// Nothing: Windows writes no core file unless an administrator has asked for one.
pub fn harden() {}

/// Ctrl-C, Ctrl-Break, the console's closing and the machine's. The runner sends the first two, in this order.
#[derive(Debug)]
pub struct Stops {
    interrupt: CtrlC,
    interrupt_hard: CtrlBreak,
    close: CtrlClose,
    shutdown: CtrlShutdown,
}

impl Stops {
    /// Begins to listen; from now on Ctrl-C and Ctrl-Break no longer end this process by themselves.
    ///
    /// # Errors
    /// The system's own.
    pub fn listen() -> io::Result<Stops> {
        Ok(Stops {
            interrupt: ctrl_c()?,
            interrupt_hard: ctrl_break()?,
            close: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop { name: "ctrl-c", number: INTERRUPTED },
            _ = self.interrupt_hard.recv() => Stop { name: "ctrl-break", number: TERMINATED },
            _ = self.close.recv() => Stop { name: "the console's end", number: TERMINATED },
            _ = self.shutdown.recv() => Stop { name: "the system's end", number: TERMINATED },
        }
    }
}

/// A signal for a child: there is none, the console tells every process that it has.
#[derive(Clone, Copy, Debug)]
pub enum Signal {}

/// The same as [`Stops`], for whoever runs a child: taken, and left for the child to answer.
#[derive(Debug)]
pub struct Signals(Stops);

impl Signals {
    /// Begins to listen; from now on Ctrl-C and Ctrl-Break no longer end this process by themselves.
    ///
    /// # Errors
    /// The system's own.
    pub fn listen() -> io::Result<Signals> {
        Stops::listen().map(Signals)
    }

    /// Never: the child gets every one of them by itself.
    pub async fn next(&mut self) -> Signal {
        // Held, so that they stay listened to.
        let _held = &mut self.0;
        pending().await
    }
}

/// Nothing: there is no signal to pass on.
pub fn pass_on(_child: &Child, signal: Signal) {
    match signal {}
}

/// Nothing: what asks this process to end asks the child too.
pub fn terminate(_child: &Child) {}

/// The program as a command prompt finds it: `az` is `az.cmd`, and the system by itself adds `.exe` only.
#[must_use]
pub fn program(name: &OsString, environment: &[(OsString, OsString)]) -> OsString {
    foreign::windows_program(name, environment, &|path| path.is_file())
}

/// A child's exit code, 255 for a number that is larger: an exception's is above 3,000,000,000.
#[must_use]
pub fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX)
}

/// Whether a process of that number is there: taken to be, because only `unsafe` code could ask. What a killed job left is
/// removed once its credentials have ended, not before.
#[must_use]
pub fn process_lives(_pid: i32) -> bool {
    true
}

/// When it started: the system does not say to safe code.
#[must_use]
pub fn process_started(_pid: i32) -> Option<u64> {
    None
}

/// Whether a directory is for several users: by its name alone nobody can tell. The runner's is not.
#[must_use]
pub fn is_shared(_directory: &Path) -> bool {
    false
}

/// Whether `path` is `place` or lies in it, by their names.
#[must_use]
pub fn lies_in(path: &Path, place: &Path) -> bool {
    foreign::lies_in_any_case(path, place)
}

/// `path`: the system has no links of its own in it.
#[must_use]
pub fn without_system_links(path: PathBuf) -> PathBuf {
    path
}
