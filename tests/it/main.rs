//! One test binary on the real `jobpass`: each file is a chapter, `harness` scrubs the world.

mod config;
mod docs;
mod harness;
mod house;
