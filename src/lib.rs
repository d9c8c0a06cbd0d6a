//! jobpass: the runner's ID token exchanged for cloud credentials that live as long as the job.
//!
//! The rooms in the order of the flow:
//!
//! runner → claims → gate → exchange → delivery → pass.

pub mod audit;
pub mod claims;
pub mod cli;
pub mod credential;
pub mod delivery;
pub mod edge;
pub mod error;
pub mod files;
pub mod pass;
pub mod secret;
pub mod world;
