//! What has to hold for every text, whoever wrote it: the checks behind the fuzz targets, and behind
//! `tests/it/fuzz.rs`, which tries them on every case and on every input that once broke something.
//!
//! An input is the text of a trust policy, and behind a NUL byte (which no JSON holds) the claims that ask. A check panics with what it
//! found. The first thing held is that nobody is let in by mistake; that nothing panics or hangs comes for free.

pub mod aws;
pub mod azure;
pub mod cel;
pub mod claims;
pub mod gcp;
pub mod input;
pub mod mutate;
pub mod seeds;
pub mod trust;
pub mod workflow;

/// A target's name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("aws", aws::check),
    ("azure", azure::check),
    ("cel", cel::check),
    ("claims", claims::check),
    ("gcp", gcp::check),
    ("workflow", workflow::check),
];
