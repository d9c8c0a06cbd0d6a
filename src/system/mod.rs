//! What differs between operating systems outside of files: who asks this process to end, children, other processes, the
//! names of variables, and the directories that everybody knows.
//!
//! `unix.rs` and `windows.rs` are twins of one shape; nothing else in the program asks which system it runs on, but for
//! `src/files/`, which has twins of its own.

#[cfg(any(windows, test))]
mod foreign;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// Something that asks this process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// What people call it.
    pub name: &'static str,
    /// The signal's number; on Windows that of the signal which means the same on Unix.
    pub number: u8,
}

/// Somebody asks from the terminal.
const INTERRUPTED: u8 = 2;
/// Somebody else asks.
const TERMINATED: u8 = 15;

impl Stop {
    /// Whether it comes from the terminal, which tells the child too.
    #[must_use]
    pub fn is_interrupt(self) -> bool {
        self.number == INTERRUPTED
    }
}
