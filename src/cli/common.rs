//! Arguments that several verbs share, and what they mean: which edges, which source, which network.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::delivery;
use crate::edge::endpoints::Endpoints;
use crate::edge::file::{self, File};
use crate::edge::flags::{self, Given};
use crate::edge::{Edge, Target};
use crate::error::{Error, Result};
use crate::login::Asked;
use crate::net::{Client, DEADLINE};
use crate::runner::Wanted;
use crate::world::World;
use crate::{duration, edge};

/// Which edges: from the file by name, or from flags.
#[derive(Clone, Debug, Default, Args)]
pub struct EdgeArgs {
    /// Edges to use, by name; all of the file's when none is named
    #[arg(value_name = "EDGE")]
    pub edges: Vec<String>,
    /// The edge file [default: jobpass.toml here or above]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    /// Flags that describe edges.
    pub flags: EdgeFlags,
}

/// One edge per cloud, described by flags.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Edges from flags")]
pub struct EdgeFlags {
    /// How long credentials are asked to live, such as 15m or 1h
    #[arg(long, value_name = "DURATION")]
    pub ttl: Option<String>,
    /// AWS: the role to assume
    #[arg(long, value_name = "ARN")]
    pub aws_role: Option<String>,
    /// AWS: the region
    #[arg(long, value_name = "REGION")]
    pub aws_region: Option<String>,
    /// AWS: the session name [default: jobpass-RUN-ATTEMPT]
    #[arg(long, value_name = "NAME")]
    pub aws_session_name: Option<String>,
    /// AWS: inline session policy, JSON
    #[arg(long, value_name = "JSON")]
    pub aws_session_policy: Option<String>,
    /// AWS: managed session policy (repeatable)
    #[arg(long, value_name = "ARN")]
    pub aws_managed_session_policies: Vec<String>,
    /// AWS: account that the role must lie in (repeatable)
    #[arg(long, value_name = "ID")]
    pub aws_allowed_account_ids: Vec<String>,
    /// AWS: the ID token's audience [default: sts.amazonaws.com]
    #[arg(long, value_name = "AUD")]
    pub aws_audience: Option<String>,
    /// GCP: the workload identity provider's full name
    #[arg(long, value_name = "NAME")]
    pub gcp_provider: Option<String>,
    /// GCP: the service account to impersonate [default: direct access]
    #[arg(long, value_name = "EMAIL")]
    pub gcp_service_account: Option<String>,
    /// GCP: the project that tools work in
    #[arg(long, value_name = "ID")]
    pub gcp_project: Option<String>,
    /// GCP: scope of the access token (repeatable)
    #[arg(long, value_name = "SCOPE")]
    pub gcp_scopes: Vec<String>,
    /// GCP: also ask for a Google ID token with this audience
    #[arg(long, value_name = "AUD")]
    pub gcp_id_token_audience: Option<String>,
    /// GCP: the ID token's audience [default: the provider's]
    #[arg(long, value_name = "AUD")]
    pub gcp_audience: Option<String>,
    /// Azure: the application's client id
    #[arg(long, value_name = "GUID")]
    pub azure_client_id: Option<String>,
    /// Azure: the tenant
    #[arg(long, value_name = "ID")]
    pub azure_tenant_id: Option<String>,
    /// Azure: the subscription
    #[arg(long, value_name = "GUID")]
    pub azure_subscription_id: Option<String>,
    /// Azure: public, usgov or china [default: public]
    #[arg(long, value_name = "CLOUD")]
    pub azure_cloud: Option<String>,
    /// Azure: resource to get a token for (repeatable) [default: management]
    #[arg(long, value_name = "URI")]
    pub azure_resources: Vec<String>,
    /// Azure: the ID token's audience [default: the cloud's]
    #[arg(long, value_name = "AUD")]
    pub azure_audience: Option<String>,
}

impl EdgeFlags {
    fn given(&self) -> Vec<Given> {
        type Values = Vec<(&'static str, &'static str, Vec<String>)>;
        fn one(values: &mut Values, flag: &'static str, key: &'static str, value: Option<&String>) {
            if let Some(value) = value {
                values.push((flag, key, vec![value.clone()]));
            }
        }
        fn many(values: &mut Values, flag: &'static str, key: &'static str, given: &[String]) {
            if !given.is_empty() {
                values.push((flag, key, given.to_vec()));
            }
        }
        let (mut aws, mut gcp, mut azure) = (Vec::new(), Vec::new(), Vec::new());
        one(&mut aws, "--aws-role", "role", self.aws_role.as_ref());
        one(&mut aws, "--aws-region", "region", self.aws_region.as_ref());
        one(&mut aws, "--aws-session-name", "session-name", self.aws_session_name.as_ref());
        one(&mut aws, "--aws-session-policy", "session-policy", self.aws_session_policy.as_ref());
        many(
            &mut aws,
            "--aws-managed-session-policies",
            "managed-session-policies",
            &self.aws_managed_session_policies,
        );
        many(&mut aws, "--aws-allowed-account-ids", "allowed-account-ids", &self.aws_allowed_account_ids);
        one(&mut aws, "--aws-audience", "audience", self.aws_audience.as_ref());
        one(&mut gcp, "--gcp-provider", "provider", self.gcp_provider.as_ref());
        one(&mut gcp, "--gcp-service-account", "service-account", self.gcp_service_account.as_ref());
        one(&mut gcp, "--gcp-project", "project", self.gcp_project.as_ref());
        many(&mut gcp, "--gcp-scopes", "scopes", &self.gcp_scopes);
        one(&mut gcp, "--gcp-id-token-audience", "id-token-audience", self.gcp_id_token_audience.as_ref());
        one(&mut gcp, "--gcp-audience", "audience", self.gcp_audience.as_ref());
        one(&mut azure, "--azure-client-id", "client-id", self.azure_client_id.as_ref());
        one(&mut azure, "--azure-tenant-id", "tenant-id", self.azure_tenant_id.as_ref());
        one(&mut azure, "--azure-subscription-id", "subscription-id", self.azure_subscription_id.as_ref());
        one(&mut azure, "--azure-cloud", "cloud", self.azure_cloud.as_ref());
        many(&mut azure, "--azure-resources", "resources", &self.azure_resources);
        one(&mut azure, "--azure-audience", "audience", self.azure_audience.as_ref());
        [("aws", aws), ("gcp", gcp), ("azure", azure)]
            .into_iter()
            .map(|(destination, values)| Given { destination, values })
            .collect()
    }
}

impl EdgeArgs {
    /// The edges that are meant.
    ///
    /// # Errors
    /// Usage errors: no edges at all, flags and file mixed, an unknown name, every problem of file or flags.
    pub fn load(&self, world: &World) -> Result<File> {
        let given = self.flags.given();
        let described = given.iter().any(|given| !given.values.is_empty());
        let file = if described {
            if let Some(config) = &self.config {
                return Err(Error::usage("edges-twice", "edges are described by flags and by a file at the same time")
                    .detail("file", config.display().to_string())
                    .hint("put the flags' values into the file, or leave --config out"));
            }
            let shared: Vec<_> = self.flags.ttl.iter().map(|ttl| ("--ttl", "ttl", ttl.clone())).collect();
            File { edges: flags::edges(given, &shared)?, rehearsal: None }
        } else {
            if self.flags.ttl.is_some() {
                return Err(Error::usage("ttl-flag", "--ttl belongs to edges from flags")
                    .hint("in the file, set ttl on the edge"));
            }
            let path = match &self.config {
                Some(config) => world.resolve(config)?,
                None => file::find(world).ok_or_else(|| {
                    Error::usage("no-edges", "there are no edges: no jobpass.toml here or above, and no flags")
                        .hint("describe one with flags, such as --aws-role ARN --aws-region REGION")
                        .hint("or write a jobpass.toml; examples/ has one per cloud and runner")
                })?,
            };
            file::load(&path)?
        };
        Ok(File { edges: self.chosen(file.edges)?, rehearsal: file.rehearsal })
    }

    fn chosen(&self, edges: Vec<Edge>) -> Result<Vec<Edge>> {
        let names: Vec<&str> = edges.iter().map(|edge| edge.name.as_str()).collect();
        for name in &self.edges {
            if !names.contains(&name.as_str()) {
                let error = Error::usage("unknown-edge", format!("there is no edge `{name}`"))
                    .detail("known edges", names.join(", "));
                return Err(match edge::draft::nearest(name, &names) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                });
            }
        }
        if self.edges.is_empty() {
            return Ok(edges);
        }
        let mut chosen: Vec<Edge> = edges.into_iter().filter(|edge| self.edges.contains(&edge.name)).collect();
        edge::valid::settle_defaults(&mut chosen);
        Ok(chosen)
    }
}

/// Which source of ID tokens.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Source of the ID token")]
pub struct SourceArgs {
    /// The runner: github or gitlab [default: detected]
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// A variable that holds an ID token (repeatable, chosen by audience)
    #[arg(long, value_name = "NAME", conflicts_with = "source")]
    pub token_env: Vec<String>,
    /// A file that holds an ID token; - is standard input
    #[arg(long, value_name = "PATH", conflicts_with_all = ["source", "token_env"])]
    pub token_file: Option<PathBuf>,
}

impl SourceArgs {
    /// What the runner room reads.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted { source: self.source.clone(), token_env: self.token_env.clone(), token_file: self.token_file.clone() }
    }
}

/// How the network is used.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Network")]
pub struct NetArgs {
    /// When all of it must be over [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
    /// Allow sandbox issuers and plain http on loopback (also JOBPASS_SANDBOX=1)
    #[arg(long)]
    pub sandbox: bool,
    /// Say more on standard error: the requests that were made
    #[arg(long, short)]
    pub verbose: bool,
}

impl NetArgs {
    /// True in sandbox mode.
    #[must_use]
    pub fn sandbox(&self, world: &World) -> bool {
        self.sandbox || world.switch("JOBPASS_SANDBOX")
    }

    /// The client.
    ///
    /// # Errors
    /// As [`Client::new`]; a `--timeout` that is no duration.
    pub fn client(&self, world: &World) -> Result<Client> {
        Client::new(world, self.deadline()?, self.sandbox(world))
    }

    fn deadline(&self) -> Result<Duration> {
        let Some(text) = &self.timeout else { return Ok(DEADLINE) };
        let bad = |why: String| Error::usage("timeout", format!("--timeout `{text}` {why}"));
        let deadline = duration::parse(text).map_err(bad)?;
        if deadline.is_zero() {
            return Err(bad("is zero, which leaves no time for anything".to_owned()));
        }
        Ok(deadline)
    }
}

/// The edges with their endpoints, so that a wrong endpoint is found before anything is sent.
///
/// # Errors
/// As [`Endpoints::of`].
pub fn asked(edges: Vec<Edge>, world: &World, sandbox: bool) -> Result<Vec<Asked>> {
    edges
        .into_iter()
        .map(|mut edge| {
            // The stand-in's authority takes the cloud's place everywhere: in the exchange, and in what the tools read.
            if let Target::Azure(azure) = &mut edge.target
                && sandbox
                && let Some(authority) = world.var("AZURE_AUTHORITY_HOST")?
            {
                azure.cloud = azure.cloud.clone().with_authority(authority);
            }
            Ok(Asked { endpoints: Endpoints::of(&edge, world, sandbox)?, edge })
        })
        .collect()
}

/// The stand-ins' endpoints for what the tools read, in sandbox mode.
///
/// # Errors
/// A variable that is not UTF-8.
pub fn sandbox_endpoints(world: &World) -> Result<delivery::Endpoints> {
    let base =
        |name: &str| -> Result<Option<String>> { Ok(world.var(name)?.map(|url| url.trim_end_matches('/').to_owned())) };
    Ok(delivery::Endpoints {
        gcp_sts: base("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS")?,
        gcp_iam_credentials: base("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS")?,
        azure_resource_manager: base("AZURE_AUTHORITY_HOST")?,
    })
}
