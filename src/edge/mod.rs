//! Federation edges: from a job's identity to one grant at one destination.
//!
//! An [`Edge`] is valid by construction: it comes out of [`mod@file`] (`jobpass.toml`) or [`flags`] only after every problem was
//! looked for, and nothing in it needs another check before the network is used.

mod arn;
pub mod aws;
pub mod azure;
pub mod draft;
pub mod endpoints;
pub mod exempt;
pub mod file;
pub mod flags;
pub mod gcp;
mod problem;
pub mod valid;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use time::Date;

pub use problem::{Problem, Problems};

/// One federation edge.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The table's name in `jobpass.toml`; for edges from flags, the destination's name.
    pub name: String,
    /// Whether this edge is what the default variables of its cloud point at. Exactly one edge per cloud is.
    pub default: bool,
    /// The `aud` that the ID token is asked for.
    pub audience: String,
    /// Where the exchange happens and what is asked for there.
    pub target: Target,
    /// How long the credential is asked to live. Azure decides this by itself.
    pub ttl: Duration,
    /// Who answers for this edge.
    pub owner: Option<String>,
    /// When somebody has to look at it again.
    pub review_by: Option<Date>,
    /// The destination's trust policy as a file, for everything that is decided offline.
    pub trust: Option<PathBuf>,
    /// The gate: claims that must have one of these values before anything is sent.
    pub require: BTreeMap<String, Vec<String>>,
}

/// What is asked for, per destination.
#[derive(Clone, Debug)]
pub enum Target {
    /// An AWS role.
    Aws(aws::Target),
    /// A Google workload identity provider, directly or through a service account.
    Gcp(gcp::Target),
    /// An Entra application or user-assigned identity.
    Azure(azure::Target),
}

/// The destinations by name, as they stand in `destination = "…"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// Amazon Web Services: STS.
    Aws,
    /// Google Cloud: STS and IAM Credentials.
    Gcp,
    /// Microsoft Entra ID.
    Azure,
}

impl Destination {
    /// All of them, in the order they are shown.
    pub const ALL: [Destination; 3] = [Destination::Aws, Destination::Gcp, Destination::Azure];

    /// The name in the edge file and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Destination::Aws => "aws",
            Destination::Gcp => "gcp",
            Destination::Azure => "azure",
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Edge {
    /// The destination's name.
    #[must_use]
    pub fn destination(&self) -> Destination {
        match self.target {
            Target::Aws(_) => Destination::Aws,
            Target::Gcp(_) => Destination::Gcp,
            Target::Azure(_) => Destination::Azure,
        }
    }

    /// The identity that is asked for, in the destination's own words: a role ARN, a service account, a client id.
    #[must_use]
    pub fn identity(&self) -> String {
        match &self.target {
            Target::Aws(aws) => aws.chain.last().map_or_else(|| aws.role.clone(), |link| link.role.clone()),
            Target::Gcp(gcp) => gcp.service_account.clone().unwrap_or_else(|| gcp.provider.name()),
            Target::Azure(azure) => azure.client_id.clone(),
        }
    }

    /// How messages name it: ``aws edge `deploy` ``.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} edge `{}`", self.destination(), self.name)
    }
}
