//! jobpass: the runner's ID token exchanged for cloud credentials that live as long as the job.
//!
//! The rooms in the order of the flow:
//!
//! runner → claims → gate → exchange → delivery → pass.

pub mod claims;
pub mod credential;
pub mod duration;
pub mod edge;
pub mod error;
pub mod jwt;
pub mod sandbox;
pub mod secret;
pub mod trust;
pub mod world;
