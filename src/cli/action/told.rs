//! From the values of inputs to the arguments of a login: the same that flags become.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum as _;

use super::inputs::{Takes, all};
use super::read::{Reading, quoted};
use crate::cli::common::{EdgeArgs, EdgeFlags, INPUTS, Names, NetArgs, SourceArgs};
use crate::cli::format::ShellFormat;
use crate::cli::login::{self, Deliver};
use crate::duration;
use crate::edge::Problems;
use crate::error::Result;
use crate::world::World;

/// What the inputs say.
pub(super) struct Told {
    /// The login.
    pub(super) login: login::Args,
    /// Whether a job without an ID token goes on without credentials.
    pub(super) optional: bool,
    /// Whether the roles' accounts are to be masked.
    pub(super) mask_accounts: bool,
    /// Annotations about what was ignored.
    pub(super) notices: Vec<String>,
    problems: Problems,
}

impl Told {
    /// Reads the inputs of `world`.
    ///
    /// # Errors
    /// A value that is not UTF-8. Other problems wait for [`Told::checked`].
    pub(super) fn by(world: &World) -> Result<Told> {
        Ok(Reading::of(world)?.told())
    }

    /// The same, when nothing is wrong with it.
    ///
    /// # Errors
    /// One usage error with every problem of inputs and of the edges that they describe.
    pub(super) fn checked(mut self) -> Result<Told> {
        let mut problems = std::mem::take(&mut self.problems);
        self.login.edges.flags.edges(&mut problems);
        problems.into_result(INPUTS, self)
    }
}

impl Reading {
    fn text(&self, ours: &str) -> Option<String> {
        self.set.get(ours)?.texts.first().cloned()
    }

    fn texts(&self, ours: &str) -> Vec<String> {
        self.set.get(ours).map(|set| set.texts.clone()).unwrap_or_default()
    }

    fn on(&self, ours: &str) -> bool {
        self.text(ours).as_deref() == Some("true")
    }

    fn path(&self, ours: &str) -> Option<PathBuf> {
        self.text(ours).map(PathBuf::from)
    }

    /// One cloud's own lifetime; one that says the same as `ttl` is no second one.
    fn ttl(&mut self, ours: &'static str) -> Option<String> {
        let own = self.text(ours)?;
        if let (Some(all), Some(set)) = (self.set.get("ttl"), self.set.get(ours)) {
            let same = all.texts.first().map(|text| duration::parse(text)) == Some(duration::parse(&own));
            let by = set.by;
            if !same {
                self.problem(
                    by,
                    "and ttl both say how long credentials live, and differ".to_owned(),
                    Some("keep one of them"),
                );
            }
        }
        Some(own)
    }

    fn deliver(&mut self) -> Deliver {
        let Some(text) = self.text("deliver") else { return Deliver::default() };
        Deliver::from_str(&text, false).unwrap_or_else(|_| {
            self.problem("deliver", format!("is {}, expected env or files", quoted(&text)), None);
            Deliver::default()
        })
    }

    fn source(&mut self) -> SourceArgs {
        let names = ["source", "token-env", "token-file"];
        let given: Vec<&str> = names.into_iter().filter_map(|name| Some(self.set.get(name)?.by)).collect();
        if let [first, second, ..] = given.as_slice() {
            let message = format!("and {first} both say where the ID token comes from");
            self.problem(second, message, Some("keep one of them"));
        }
        SourceArgs {
            source: self.text("source"),
            token_env: self.texts("token-env"),
            token_file: self.path("token-file"),
        }
    }

    /// How inputs of ours are spoken of: as whoever wrote the workflow does. Who uses another action's names for a cloud is told
    /// of a missing one by that action's name too.
    fn names(&self) -> BTreeMap<&'static str, &'static str> {
        let mut names: BTreeMap<_, _> = self.set.iter().map(|(ours, set)| (*ours, set.by)).collect();
        for input in all() {
            if let Takes::Is(ours) = input.takes
                && let Some((cloud, _)) = ours.split_once('-')
                && self.set.iter().any(|(other, set)| other.starts_with(cloud) && set.by != *other)
            {
                names.entry(ours).or_insert(input.name);
            }
        }
        names
    }

    fn told(mut self) -> Told {
        let names = self.names();
        let flags = EdgeFlags {
            ttl: self.text("ttl"),
            aws_role: self.text("aws-role"),
            aws_region: self.text("aws-region"),
            aws_session_name: self.text("aws-session-name"),
            aws_session_policy: self.text("aws-session-policy"),
            aws_managed_session_policies: self.texts("aws-managed-session-policies"),
            aws_allowed_account_ids: self.texts("aws-allowed-account-ids"),
            aws_audience: self.text("aws-audience"),
            gcp_provider: self.text("gcp-provider"),
            gcp_service_account: self.text("gcp-service-account"),
            gcp_project: self.text("gcp-project"),
            gcp_scopes: self.texts("gcp-scopes"),
            gcp_id_token_audience: self.text("gcp-id-token-audience"),
            gcp_audience: self.text("gcp-audience"),
            gcp_delegates: self.texts("gcp-delegates"),
            gcp_universe_domain: self.text("gcp-universe-domain"),
            gcp_request_reason: self.text("gcp-request-reason"),
            azure_client_id: self.text("azure-client-id"),
            azure_tenant_id: self.text("azure-tenant-id"),
            azure_subscription_id: self.text("azure-subscription-id"),
            azure_cloud: self.text("azure-cloud"),
            azure_resources: self.texts("azure-resources"),
            azure_audience: self.text("azure-audience"),
            aws_ttl: self.ttl("aws-ttl"),
            gcp_ttl: self.ttl("gcp-ttl"),
            names: Names::of_inputs(names),
        };
        let login = login::Args {
            edges: EdgeArgs { edges: self.texts("edges"), config: self.path("config"), flags },
            source: self.source(),
            net: NetArgs { timeout: self.text("timeout"), sandbox: false, verbose: self.on("verbose") },
            deliver: self.deliver(),
            env_file: self.path("env-file"),
            keep_going: self.on("keep-going"),
            output_credentials: self.on("output-credentials"),
            output_gcp_credentials: self.token_format.is_some(),
            format: ShellFormat::Text,
        };
        Told {
            login,
            optional: self.on("optional"),
            mask_accounts: self.mask_accounts,
            notices: self.notices,
            problems: self.problems,
        }
    }
}
