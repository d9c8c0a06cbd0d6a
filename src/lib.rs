//! jobpass: the runner's ID token exchanged for cloud credentials that live as long as the job.
//!
//! The rooms in the order of the flow; [`login`] is the page that reads like it:
//!
//! [`runner`] → [`claims`] → [`gate`] → [`exchange`] → [`delivery`] → [`pass`], with one
//! [`audit`] record per attempt. [`edge`] says what is asked for, [`net`] is the one HTTP client, [`trust`] decides offline,
//! [`sandbox`] serves the stand-ins. On the ground lie [`error`], [`secret`], [`world`],
//! [`system`] and [`files`].

pub mod audit;
pub mod claims;
pub mod cli;
pub mod credential;
pub mod delivery;
pub mod duration;
pub mod edge;
pub mod error;
pub mod exchange;
pub mod files;
pub mod gate;
pub mod jwt;
pub mod live;
pub mod login;
pub mod net;
pub mod pass;
pub mod random;
pub mod runner;
pub mod sandbox;
pub mod secret;
pub mod system;
pub mod trust;
pub mod world;
