//! Arguments that several verbs share, and what they mean: which edges, which source, which network.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::delivery;
use crate::edge::endpoints::Endpoints;
use crate::edge::file::{self, File};
use crate::edge::flags::{self, Given};
use crate::edge::{Edge, Problems, Target};
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
    /// GCP: service account between the job and the one to impersonate (repeatable, in order)
    #[arg(long, value_name = "EMAIL")]
    pub gcp_delegates: Vec<String>,
    /// GCP: the universe's domain [default: googleapis.com]
    #[arg(long, value_name = "DOMAIN")]
    pub gcp_universe_domain: Option<String>,
    /// GCP: why the access is wanted; Google's audit log shows it
    #[arg(long, value_name = "TEXT")]
    pub gcp_request_reason: Option<String>,
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
    /// AWS only, in place of `ttl`: another action's input says it per cloud.
    #[arg(skip)]
    pub aws_ttl: Option<String>,
    /// GCP only, in place of `ttl`.
    #[arg(skip)]
    pub gcp_ttl: Option<String>,
    /// What the flags are called.
    #[arg(skip)]
    pub names: Names,
}

/// What a flag is called where it was given: on the command line by itself, in the GitHub Action by the input that set it.
#[derive(Clone, Debug, Default)]
pub struct Names(Option<BTreeMap<&'static str, &'static str>>);

impl Names {
    /// Names of inputs, by the flag without its dashes; a flag that is not among them is called as its own input.
    #[must_use]
    pub fn of_inputs(inputs: BTreeMap<&'static str, &'static str>) -> Names {
        Names(Some(inputs))
    }

    fn of(&self, flag: &'static str) -> &'static str {
        let own = flag.trim_start_matches('-');
        self.0.as_ref().map_or(flag, |inputs| inputs.get(own).copied().unwrap_or(own))
    }

    /// `flag` where flags were given, `input` where inputs were.
    fn either<T>(&self, flag: T, input: T) -> T {
        if self.0.is_some() { input } else { flag }
    }
}

/// What the inputs are called as a whole.
pub const INPUTS: &str = "the action's `with`";
/// What an empty input can come from. The runner does not tell an empty text from nothing.
pub const UNSET: &str = "an unset secret or variable evaluates to the empty text: check its name, and that this run may \
                         read it (a fork's pull request and Dependabot get no secrets)";

impl EdgeFlags {
    fn given(&self) -> Vec<Given> {
        let names = &self.names;
        let one = |flag: &'static str, key: &'static str, value: &Option<String>| {
            value.as_ref().map(|value| (names.of(flag), key, vec![value.clone()]))
        };
        let many = |flag: &'static str, key: &'static str, values: &[String]| {
            (!values.is_empty()).then(|| (names.of(flag), key, values.to_vec()))
        };
        let aws = [
            one("--aws-role", "role", &self.aws_role),
            one("--aws-region", "region", &self.aws_region),
            one("--aws-session-name", "session-name", &self.aws_session_name),
            one("--aws-session-policy", "session-policy", &self.aws_session_policy),
            many("--aws-managed-session-policies", "managed-session-policies", &self.aws_managed_session_policies),
            many("--aws-allowed-account-ids", "allowed-account-ids", &self.aws_allowed_account_ids),
            one("--aws-audience", "audience", &self.aws_audience),
            one("--aws-ttl", "ttl", &self.aws_ttl),
        ];
        let gcp = [
            one("--gcp-provider", "provider", &self.gcp_provider),
            one("--gcp-service-account", "service-account", &self.gcp_service_account),
            one("--gcp-project", "project", &self.gcp_project),
            many("--gcp-scopes", "scopes", &self.gcp_scopes),
            one("--gcp-id-token-audience", "id-token-audience", &self.gcp_id_token_audience),
            one("--gcp-audience", "audience", &self.gcp_audience),
            many("--gcp-delegates", "delegates", &self.gcp_delegates),
            one("--gcp-universe-domain", "universe-domain", &self.gcp_universe_domain),
            one("--gcp-request-reason", "request-reason", &self.gcp_request_reason),
            one("--gcp-ttl", "ttl", &self.gcp_ttl),
        ];
        let azure = [
            one("--azure-client-id", "client-id", &self.azure_client_id),
            one("--azure-tenant-id", "tenant-id", &self.azure_tenant_id),
            one("--azure-subscription-id", "subscription-id", &self.azure_subscription_id),
            one("--azure-cloud", "cloud", &self.azure_cloud),
            many("--azure-resources", "resources", &self.azure_resources),
            one("--azure-audience", "audience", &self.azure_audience),
        ];
        let given = |destination, values: Vec<Option<_>>, required: &[(&'static str, &'static str)]| Given {
            destination,
            values: values.into_iter().flatten().collect(),
            required: required.iter().map(|(key, flag)| (*key, names.of(flag))).collect(),
            absent: names.either(|flag, example| format!("add {flag} {example}"), |_, _| UNSET.to_owned()),
        };
        vec![
            given("aws", aws.into(), &[("role", "--aws-role"), ("region", "--aws-region")]),
            given("gcp", gcp.into(), &[("provider", "--gcp-provider")]),
            given("azure", azure.into(), &[("client-id", "--azure-client-id"), ("tenant-id", "--azure-tenant-id")]),
        ]
    }

    /// The edges that the flags describe; `None` when there are no such flags.
    pub fn edges(&self, problems: &mut Problems) -> Option<Vec<Edge>> {
        let given = self.given();
        if given.iter().all(|given| given.values.is_empty()) {
            return None;
        }
        let shared: Vec<_> = self.ttl.iter().map(|ttl| (self.names.of("--ttl"), "ttl", ttl.clone())).collect();
        Some(flags::edges(given, &shared, problems))
    }
}

impl EdgeArgs {
    /// The edges that are meant.
    ///
    /// # Errors
    /// Usage errors: no edges at all, flags and file mixed, an unknown name, every problem of file or flags.
    pub fn load(&self, world: &World) -> Result<File> {
        let names = &self.flags.names;
        let mut problems = Problems::default();
        if let Some(edges) = self.flags.edges(&mut problems) {
            if let Some(config) = &self.config {
                let message = names.either(
                    "edges are described by flags and by a file at the same time",
                    "edges are described by inputs and by a file at the same time",
                );
                return Err(Error::usage("edges-twice", message).detail("file", config.display().to_string()).hint(
                    names.either(
                        "put the flags' values into the file, or leave --config out",
                        "put the inputs' values into the file, or leave `config` out",
                    ),
                ));
            }
            let edges = problems.into_result(names.either("the command line", INPUTS), edges)?;
            return Ok(File { edges: self.chosen(edges)?, ..File::default() });
        }
        let path = match &self.config {
            Some(config) => world.resolve(config)?,
            None => file::find(world).ok_or_else(|| self.no_edges())?,
        };
        if self.flags.ttl.is_some() {
            let message =
                names.either("--ttl belongs to edges from flags", "`ttl` belongs to edges described by inputs");
            return Err(Error::usage("ttl-flag", message)
                .detail("file", path.display().to_string())
                .hint("in the file, set ttl on the edge"));
        }
        let file = file::load(&path)?;
        Ok(File { edges: self.chosen(file.edges)?, rehearsal: file.rehearsal, exemptions: file.exemptions })
    }

    fn no_edges(&self) -> Error {
        let error = |message: &str| Error::usage("no-edges", message);
        self.flags.names.either(
            error("there are no edges: no jobpass.toml here or above, and no flags")
                .hint("describe one with flags, such as --aws-role ARN --aws-region REGION")
                .hint("or write a jobpass.toml; examples/ has one per cloud and runner"),
            error("no cloud is described: no jobpass.toml in the workspace or above, and no input of a cloud is given")
                .detail("expected", "aws-role and aws-region, gcp-provider, or azure-client-id and azure-tenant-id")
                .hint(UNSET)
                .hint("for a jobpass.toml, run actions/checkout first, or name the file with `config`"),
        )
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
        deadline(text).map_err(|why| Error::usage("timeout", format!("--timeout `{text}` {why}")))
    }
}

/// When all of it must be over.
///
/// # Errors
/// What is wrong, in words that stand after the text itself.
pub fn deadline(text: &str) -> Result<Duration, String> {
    match duration::parse(text)? {
        Duration::ZERO => Err("is zero, which leaves no time for anything".to_owned()),
        deadline => Ok(deadline),
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
