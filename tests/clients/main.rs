//! Real clients against what jobpass writes and serves: nothing here speaks a cloud's protocol itself.
//!
//! `tests/clients/install` puts them under `target/clients`; one that is missing is a failure, never a skip.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails"
)]

#[path = "../it/harness.rs"]
#[allow(dead_code, reason = "shared with the other test binary")]
mod harness;
#[path = "../it/job.rs"]
#[allow(dead_code, reason = "shared with the other test binary")]
mod job;

mod aws;
mod azure;
mod gcp;
mod moto;
mod rust;
mod sarif;
mod three_clouds;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Ran, Scratch, checkout};
use crate::job::{Job, Sandbox};

/// A job beside a sandbox that knows the edges of `example`.
pub(crate) fn beside_sandbox(example: &str, args: &[&str]) -> (Scratch, Sandbox, Job) {
    let scratch = Scratch::new();
    let config = config_of(example);
    let mut all = vec!["--config", &config];
    all.extend(args);
    let sandbox = Sandbox::start(&scratch, &all);
    let job = Job::new(&sandbox.variables);
    (scratch, sandbox, job)
}

/// The path of an example's edge file.
pub(crate) fn config_of(example: &str) -> String {
    checkout().join("examples").join(example).join("jobpass.toml").display().to_string()
}

/// A program of the Python environment.
pub(crate) fn python(name: &str) -> PathBuf {
    installed(&checkout().join("target/clients/venv/bin").join(name))
}

fn installed(path: &Path) -> PathBuf {
    assert!(path.exists(), "{} is not there: run tests/clients/install", path.display());
    path.to_owned()
}

/// Runs one of the drivers and reads the JSON object it prints.
pub(crate) fn driver(job: &Job, name: &str, args: &[&str]) -> Result<Value, String> {
    let ran = drive(job, name, args);
    if ran.code != 0 {
        return Err(ran.stderr);
    }
    Ok(serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{name} printed no JSON ({error}): {}", ran.stdout)))
}

fn drive(job: &Job, name: &str, args: &[&str]) -> Ran {
    let script = installed(&checkout().join("tests/clients").join(name)).display().to_string();
    let mut all = vec![script.as_str()];
    all.extend(args);
    if name.ends_with(".mjs") { job.step(Path::new("node"), &all) } else { job.step(&python("python"), &all) }
}

/// A login that must succeed.
pub(crate) fn login(job: &Job, args: &[&str]) -> Ran {
    let mut all = vec!["login"];
    all.extend(args);
    let ran = job.jobpass(&all);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran
}
