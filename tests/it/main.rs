//! One test binary on the real `jobpass`: each file is a chapter, `harness` scrubs the world.

mod config;
mod examples;
mod exec;
mod harness;
mod house;
#[allow(dead_code, reason = "shared with the other test binary")]
mod job;
mod login;
mod trips;
