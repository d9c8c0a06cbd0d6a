//! What happened, in order, to the microsecond: enough for a test to prove which connection was open before what.

use std::io::Write as _;
use std::sync::Mutex;
use std::time::Instant;

use serde::Serialize;

use crate::trust::Explanation;

/// One moment.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// Microseconds since the sandbox started, by a clock that never goes back.
    pub at: u64,
    /// Number of the connection, from 1.
    pub connection: u64,
    /// What happened.
    pub event: Event,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The request's method; empty for a connection.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The request's path without its query; empty for a connection.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The request's `Host`; empty for a connection.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The answer's status; 0 before it, and for an answer that a fault swallowed.
    pub status: u16,
    /// What the request was about: an action, an audience, a fault.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// What the trust policy said, with every check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

/// The three moments that are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A TCP connection was accepted.
    Accepted,
    /// A request has arrived in full.
    Received,
    /// Its answer is about to be sent.
    Answered,
}

/// Keeps the entries, and writes them to a file as they come, one JSON object a line.
pub(super) struct Log {
    start: Instant,
    entries: Mutex<Vec<LogEntry>>,
    file: Option<Mutex<std::fs::File>>,
}

impl Log {
    pub(super) fn new(file: Option<std::fs::File>) -> Log {
        Log { start: Instant::now(), entries: Mutex::new(Vec::new()), file: file.map(Mutex::new) }
    }

    /// An entry of this moment.
    pub(super) fn entry(&self, connection: u64, event: Event, scheme: &'static str) -> LogEntry {
        LogEntry {
            at: u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX),
            connection,
            event,
            scheme,
            method: String::new(),
            path: String::new(),
            host: String::new(),
            status: 0,
            what: String::new(),
            explanation: None,
        }
    }

    pub(super) fn push(&self, entry: LogEntry) {
        if let Some(file) = &self.file
            && let Ok(line) = serde_json::to_string(&entry)
        {
            // A full disk must not take the sandbox down: the entry is still in memory.
            // One write, so that a reader meets whole lines.
            let _ = super::lock(file).write_all(format!("{line}\n").as_bytes());
        }
        super::lock(&self.entries).push(entry);
    }

    pub(super) fn entries(&self) -> Vec<LogEntry> {
        super::lock(&self.entries).clone()
    }
}
