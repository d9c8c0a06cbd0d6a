//! One test binary on the real `jobpass`: each file is a chapter, `harness` scrubs the world.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that cannot go on fails"
)]

mod action;
mod action_clouds;
mod action_denied;
mod action_file;
mod action_values;
mod action_wrong;
mod clocks;
mod config;
mod denial;
mod docs;
mod dry_run;
mod env_file;
mod examples;
mod exec;
mod explain;
mod faults;
mod federation_cases;
mod files;
mod fuzz;
mod harness;
mod house;
#[allow(dead_code, reason = "shared with the other test binary")]
mod job;
mod layers;
mod leaks;
mod listeners;
mod login;
mod logout;
mod order;
mod partial;
mod proxy;
mod public_trust_policies;
mod records;
mod relay;
mod release;
mod retries;
mod runner;
mod signals;
mod terminal;
mod tls;
mod trips;
mod trust_cases;
mod trust_diff;
mod trust_files;
mod trust_lint;
mod trust_lint_cases;
mod trust_lint_workflows;
mod trust_render;
mod trust_words;
