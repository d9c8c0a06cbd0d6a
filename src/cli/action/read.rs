//! From the runner's `INPUT_` variables to values: each by itself, then those that need others. Every problem is found before
//! anything is sent, and named by the input that the author wrote.

use std::collections::BTreeMap;

use super::annotate;
use super::inputs::{Input, Takes, all};
use crate::cli::common::{UNSET, deadline};
use crate::duration;
use crate::edge::draft::distance;
use crate::edge::{Destination, Problems};
use crate::error::Result;
use crate::secret::clean;
use crate::world::World;

/// The variable that the runner puts an input into.
fn variable(input: &str) -> String {
    format!("INPUT_{}", input.to_uppercase().replace(' ', "_"))
}

/// What an input of ours, or a part of it, was set to.
pub(super) struct Set {
    pub(super) texts: Vec<String>,
    /// The input that set it.
    pub(super) by: &'static str,
}

/// The inputs, as far as each can be read by itself.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) set: BTreeMap<&'static str, Set>,
    audience: Option<(&'static str, String)>,
    pub(super) token_format: Option<(&'static str, String)>,
    pub(super) mask_accounts: bool,
    pub(super) notices: Vec<String>,
    pub(super) problems: Problems,
}

impl Reading {
    /// Reads every input of `world`; what is wrong with one is among the problems.
    ///
    /// # Errors
    /// A value that is not UTF-8.
    pub(super) fn of(world: &World) -> Result<Reading> {
        let mut reading = Reading::default();
        for input in all() {
            if let Some(value) = world.var(&variable(input.name))?.map(str::trim).filter(|value| !value.is_empty()) {
                reading.take(input, value);
            }
        }
        reading.audience();
        reading.token_format();
        reading.near_misses(world);
        Ok(reading)
    }

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

    pub(super) fn problem(&mut self, input: &str, message: String, hint: Option<&str>) {
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
                let file = self.set.contains_key("config");
                let hint = if file { "in a jobpass.toml, set audience on the edge" } else { UNSET };
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
}

/// One a line or separated by commas; empty ones do not count.
fn items(value: &str) -> Vec<String> {
    value.split(['\n', ',']).map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// A short text as it is; else what it looks like: a text in the wrong place can be a secret.
pub(super) fn quoted(value: &str) -> String {
    let word = value.len() <= 20 && value.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
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
