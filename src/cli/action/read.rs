//! From the runner's `INPUT_` variables to the arguments of a login. Every problem is found before anything is sent, and named by
//! the input that the author wrote.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum as _;

use super::annotate;
use super::inputs::{Input, Takes, all};
use crate::cli::common::{EdgeArgs, EdgeFlags, INPUTS, Names, NetArgs, SourceArgs, deadline};
use crate::cli::format::ShellFormat;
use crate::cli::login::{self, Deliver};
use crate::duration;
use crate::edge::draft::distance;
use crate::edge::{Destination, Problems};
use crate::error::Result;
use crate::secret::clean;
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
        let mut reading = Reading::default();
        for input in all() {
            if let Some(value) = world.var(&variable(input.name))?.map(str::trim).filter(|value| !value.is_empty()) {
                reading.take(input, value);
            }
        }
        reading.audience();
        reading.token_format();
        reading.near_misses(world);
        Ok(reading.told())
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

/// The variable that the runner puts an input into.
fn variable(input: &str) -> String {
    format!("INPUT_{}", input.to_uppercase().replace(' ', "_"))
}

/// What an input of ours, or a part of it, was set to.
struct Set {
    texts: Vec<String>,
    /// The input that set it.
    by: &'static str,
}

#[derive(Default)]
struct Reading {
    set: BTreeMap<&'static str, Set>,
    audience: Option<(&'static str, String)>,
    token_format: Option<(&'static str, String)>,
    mask_accounts: bool,
    notices: Vec<String>,
    problems: Problems,
}

impl Reading {
    fn take(&mut self, input: &Input, value: &str) {
        let name = input.name;
        match input.takes {
            Takes::Path => {}
            Takes::Is(ours) => {
                let list = all().any(|input| input.name == ours && matches!(input.takes, Takes::List));
                self.put(ours, if list { items(value) } else { vec![value.to_owned()] }, name);
            }
            Takes::Text => self.put(name, vec![value.to_owned()], name),
            Takes::List => self.put(name, items(value), name),
            Takes::Switch => {
                if let Some(switch) = self.switch(name, value) {
                    self.put(name, vec![switch.to_string()], name);
                }
            }
            Takes::Duration => match if name == "timeout" { deadline(value) } else { duration::parse(value) } {
                Ok(_) => self.put(name, vec![value.to_owned()], name),
                Err(why) => self.problem(name, format!("{} {why}", quoted(value)), None),
            },
            Takes::Seconds { input, zero } => {
                if !value.bytes().all(|b| b.is_ascii_digit()) {
                    let message = format!("is {}, expected whole seconds such as 3600, without a unit", quoted(value));
                    self.problem(name, message, None);
                } else if !(zero && value.bytes().all(|b| b == b'0')) {
                    self.put(input, vec![format!("{value}s")], name);
                }
            }
            Takes::Lifetime => {
                let bare = value.bytes().all(|b| b.is_ascii_digit());
                let text = if bare { format!("{value}s") } else { value.to_owned() };
                match duration::parse(&text) {
                    Ok(_) => self.put("gcp-ttl", vec![text], name),
                    Err(why) => self.problem(name, format!("{} {why}", quoted(value)), None),
                }
            }
            Takes::AzureCloud => {
                let cloud = match value.to_lowercase().as_str() {
                    "azurecloud" => "public",
                    "azureusgovernment" => "usgov",
                    "azurechinacloud" => "china",
                    _ => {
                        let names = "azurecloud, azureusgovernment, azurechinacloud";
                        self.problem(name, format!("is {}, expected one of {names}", quoted(value)), None);
                        return;
                    }
                };
                self.put("azure-cloud", vec![cloud.to_owned()], name);
            }
            Takes::Audience => self.audience = Some((name, value.to_owned())),
            Takes::TokenFormat => match value {
                "access_token" | "id_token" => self.token_format = Some((name, value.to_owned())),
                _ => self.problem(name, format!("is {}, expected access_token or id_token", quoted(value)), None),
            },
            Takes::MaskAccounts => self.mask_accounts = self.switch(name, value).unwrap_or_default(),
            Takes::Nothing => {
                self.switch(name, value);
            }
            Takes::Ignored(off) => {
                if off.is_empty() || self.switch(name, value).is_some_and(|on| !off.contains(&on.to_string().as_str()))
                {
                    self.notices.push(annotate::notice("ignored", &format!("`{name}` is not used: {}", input.about)));
                }
            }
            Takes::Refused { off, instead } => {
                if !off.iter().any(|harmless| harmless.eq_ignore_ascii_case(value)) {
                    // The value is not shown: it may be the very secret that nobody should hand over.
                    self.problem(name, format!("is not taken: {}", input.about), Some(instead));
                }
            }
        }
    }

    fn problem(&mut self, input: &str, message: String, hint: Option<&str>) {
        self.problems.push(input, message, hint.map(str::to_owned));
    }

    /// Sets an input of ours; two names for one thing may not differ.
    fn put(&mut self, ours: &'static str, texts: Vec<String>, by: &'static str) {
        match self.set.get(ours) {
            Some(known) if known.texts != texts => {
                let message = format!("and {} are two names for one thing, and their values differ", known.by);
                self.problem(by, message, Some("keep one of them"));
            }
            Some(_) => {}
            None => {
                self.set.insert(ours, Set { texts, by });
            }
        }
    }

    /// `true|false` as the core schema of YAML 1.2 has them; anything else is neither.
    fn switch(&mut self, name: &str, value: &str) -> Option<bool> {
        match value {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => {
                self.problem(name, format!("is {}, expected true or false", shape(value)), None);
                None
            }
        }
    }

    /// The clouds that inputs describe.
    fn clouds(&self) -> Vec<Destination> {
        let described = |cloud: &Destination| {
            self.set.keys().any(|ours| ours.strip_prefix(cloud.as_str()).is_some_and(|rest| rest.starts_with('-')))
        };
        Destination::ALL.into_iter().filter(described).collect()
    }

    fn audience(&mut self) {
        let Some((name, audience)) = self.audience.take() else { return };
        let ours = match self.clouds().as_slice() {
            [Destination::Aws] => "aws-audience",
            [Destination::Gcp] => "gcp-audience",
            [Destination::Azure] => "azure-audience",
            [] => {
                let hint = "in a jobpass.toml, set audience on the edge";
                self.problem(name, "belongs to a cloud, and no input describes one".to_owned(), Some(hint));
                return;
            }
            several => {
                let names: Vec<&str> = several.iter().map(|cloud| cloud.as_str()).collect();
                let own: Vec<String> = names.iter().map(|cloud| format!("{cloud}-audience")).collect();
                let message = format!("could be that of {}: each has its own", names.join(" or "));
                self.problem(name, message, Some(&format!("write {} instead", own.join(" and "))));
                return;
            }
        };
        self.put(ours, vec![audience], name);
    }

    fn token_format(&mut self) {
        let Some((name, format)) = self.token_format.as_ref() else { return };
        if format == "id_token" && !self.set.contains_key("gcp-id-token-audience") {
            let message = "is `id_token`, and there is no audience for it".to_owned();
            self.problem(name, message, Some("set id_token_audience; an unset variable evaluates to the empty text"));
        }
    }

    /// An unknown input that looks like a known one is a typing error. Others are none of ours: the runner has warned of them,
    /// and a composite action or a job can leave such variables behind.
    fn near_misses(&mut self, world: &World) {
        let known: Vec<&str> = all().map(|input| input.name).collect();
        let names: Vec<String> = world
            .vars()
            .filter_map(|(name, _)| name.to_str()?.strip_prefix("INPUT_"))
            .map(str::to_lowercase)
            .filter(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name)))
            .collect();
        for name in names {
            let same = |known: &&&str| known.replace('_', "-").eq_ignore_ascii_case(&name.replace('_', "-"));
            let near = |known: &&&str| distance(&name, known) <= if known.len() < 8 { 1 } else { 2 };
            if let Some(meant) = known.iter().find(same).or_else(|| known.iter().find(near)) {
                let name = clean(&name, &[]);
                self.problem(
                    &name,
                    "is not an input of this action".to_owned(),
                    Some(&format!("did you mean `{meant}`?")),
                );
            }
        }
    }

    fn text(&mut self, ours: &str) -> Option<String> {
        self.set.get(ours)?.texts.first().cloned()
    }

    fn texts(&mut self, ours: &str) -> Vec<String> {
        self.set.get(ours).map(|set| set.texts.clone()).unwrap_or_default()
    }

    fn on(&mut self, ours: &str) -> bool {
        self.text(ours).as_deref() == Some("true")
    }

    fn path(&mut self, ours: &str) -> Option<PathBuf> {
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

    fn told(mut self) -> Told {
        let mut names: BTreeMap<&'static str, &'static str> =
            self.set.iter().map(|(ours, set)| (*ours, set.by)).collect();
        // A cloud's own lifetime is spoken of by the input that set it; there is none of ours.
        names.retain(|ours, by| ours != by);
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

/// One a line or separated by commas; empty ones do not count.
fn items(value: &str) -> Vec<String> {
    value.split(['\n', ',']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// A short word as it is; else what it looks like: a text in the wrong place can be a secret.
fn quoted(value: &str) -> String {
    let word = value.len() <= 20 && value.bytes().all(|b| b.is_ascii_graphic());
    if word { format!("`{value}`") } else { shape(value) }
}

/// What a value looks like, without showing it, but for the words that people take for a boolean.
fn shape(value: &str) -> String {
    let lower = value.to_lowercase();
    match lower.as_str() {
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "1" | "0" | "null" | "~" => format!("`{value}`"),
        _ if value.bytes().all(|b| b.is_ascii_digit()) => "a number".to_owned(),
        _ if value.lines().count() > 1 => format!("a text of {} lines", value.lines().count()),
        _ => format!("a text of {} characters", value.chars().count()),
    }
}
