//! Where an edge's exchange goes: the cloud's own hosts, or what the vendors' variables put in their place.

use reqwest::Url;

use super::{Edge, Target};
use crate::error::Result;
use crate::net::Endpoint;
use crate::world::World;

/// The endpoints of one edge.
#[derive(Clone, Debug)]
pub enum Endpoints {
    /// AWS.
    Aws {
        /// STS in the edge's region.
        sts: Endpoint,
        /// True when `AWS_ENDPOINT_URL_STS` named it.
        named: bool,
    },
    /// Google.
    Gcp {
        /// `…/v1/token`.
        token: Endpoint,
        /// `…/v1`, where service accounts are.
        iam_credentials: Endpoint,
    },
    /// Entra.
    Azure {
        /// The authority, without the tenant.
        authority: Endpoint,
    },
}

impl Endpoints {
    /// The endpoints of an edge.
    ///
    /// `AWS_ENDPOINT_URL_STS` is honoured always, as by every AWS client. `CLOUDSDK_API_ENDPOINT_OVERRIDES_STS` and
    /// `…_IAMCREDENTIALS` are honoured in sandbox mode only: outside of it they would move a token to a host that the edge
    /// file does not name. Azure's authority is the edge's.
    ///
    /// # Errors
    /// A usage error that names the variable, before anything is sent.
    pub fn of(edge: &Edge, world: &World, sandbox: bool) -> Result<Endpoints> {
        let at = |error: crate::error::Error| error.at(edge.title());
        let named = |name: &str| if sandbox { world.var(name) } else { Ok(None) };
        let endpoint = |given: Option<&str>, name: &str, usual: String| match given {
            Some(url) => Endpoint::parse(url, name, sandbox),
            None => Endpoint::parse(&usual, &format!("without {name}, {usual}"), sandbox),
        };
        let endpoints = match &edge.target {
            Target::Aws(aws) => {
                let variable = "AWS_ENDPOINT_URL_STS";
                let given = world.var(variable)?;
                let usual = format!("https://sts.{}.{}", aws.region, aws.partition.dns_suffix());
                Endpoints::Aws { sts: endpoint(given, variable, usual).map_err(at)?, named: given.is_some() }
            }
            Target::Gcp(gcp) => {
                let (sts, iam) =
                    ("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS");
                let domain = &gcp.universe_domain;
                Endpoints::Gcp {
                    token: endpoint(named(sts)?, sts, format!("https://sts.{domain}")).map_err(at)?.join("v1/token"),
                    iam_credentials: endpoint(named(iam)?, iam, format!("https://iamcredentials.{domain}"))
                        .map_err(at)?
                        .join("v1"),
                }
            }
            Target::Azure(azure) => {
                Endpoints::Azure { authority: endpoint(None, "authority", azure.cloud.authority.clone()).map_err(at)? }
            }
        };
        Ok(endpoints)
    }

    /// The connections that the exchange will need, to be opened ahead: endpoint and number.
    #[must_use]
    pub fn connections(&self, edge: &Edge) -> Vec<(Endpoint, usize)> {
        match (self, &edge.target) {
            (Endpoints::Gcp { token, iam_credentials }, Target::Gcp(gcp)) => {
                let tokens = usize::from(gcp.service_account.is_some()) + usize::from(gcp.id_token_audience.is_some());
                if token.origin() == iam_credentials.origin() {
                    // The exchange's own connection is free again when the impersonation begins.
                    return vec![(token.clone(), tokens.max(1))];
                }
                vec![(token.clone(), 1), (iam_credentials.clone(), tokens)]
            }
            (Endpoints::Azure { authority }, Target::Azure(azure)) => vec![(authority.clone(), azure.resources.len())],
            (Endpoints::Aws { sts, .. }, _) => vec![(sts.clone(), 1)],
            (Endpoints::Gcp { token, .. }, _) => vec![(token.clone(), 1)],
            (Endpoints::Azure { authority }, _) => vec![(authority.clone(), 1)],
        }
    }

    /// Google's service account URL for one method: `…/projects/-/serviceAccounts/ACCOUNT:METHOD`.
    #[must_use]
    pub fn service_account_url(iam_credentials: &Endpoint, account: &str, method: &str) -> Url {
        iam_credentials.join(&format!("projects/-/serviceAccounts/{account}:{method}")).url().clone()
    }
}
