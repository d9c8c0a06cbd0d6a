//! Delivery: how credentials reach the job's tools. The only room that reveals a secret.
//!
//! *Plan first, write later*: a [`Plan`] says what would be written where, and is computed from the grants alone. The pass
//! writes it; a dry run prints it. Each cloud's file says which variables and files that cloud's own tools read.
//!
//! The default edge of a cloud gets the plain variables; every edge gets a profile, a file or a directory under its own name.

pub mod aws;
pub mod az_config;
pub mod azure;
pub mod dotenv;
pub mod exec;
pub mod gcp;
pub mod github_env;
pub mod mask;
pub mod outputs;
pub mod shell;
#[cfg(test)]
pub(crate) mod testing;
pub mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

use crate::credential::{Credential, Grant};
use crate::error::{Error, Result};
use crate::files::PrivateDir;
use crate::secret::Secret;
use crate::world::World;

/// The variable that names the pass's directory to a later `jobpass logout`.
pub const PASS_VARIABLE: &str = "JOBPASS_PASS";

/// Where secrets may lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// In variables where a cloud's tools read them there, in private files otherwise.
    #[default]
    Env,
    /// In private files only; variables hold paths and names.
    Files,
}

/// Where the tools' own clients exchange, when it is not the clouds' public endpoints (the sandbox).
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// Base of Google's STS, without a slash at its end.
    pub gcp_sts: Option<String>,
    /// Base of Google's IAM Credentials, without a slash at its end.
    pub gcp_iam_credentials: Option<String>,
    /// Azure Resource Manager, without a slash at its end.
    pub azure_resource_manager: Option<String>,
}

/// What a plan depends on beside the grants.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where secrets may lie.
    pub mode: Mode,
    /// The pass's directory, from the root.
    pub root: PathBuf,
    /// Endpoints that the tools shall use.
    pub endpoints: Endpoints,
    /// The clouds' variables that stand in the job already and are not empty. Values are kept for the names in
    /// [`variables::RESTORED`] only, none of which is a secret.
    pub standing: BTreeMap<String, String>,
    /// The present moment, UTC.
    pub now: OffsetDateTime,
}

impl Options {
    /// Options for a job in `world` whose pass lies at `root`.
    #[must_use]
    pub fn new(world: &World, mode: Mode, root: &Path) -> Self {
        let standing = world
            .vars()
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Some((name.to_str()?, value)))
            .filter(|(name, _)| variables::is_cloud(name) || variables::REGIONS.contains(name))
            .map(|(name, value)| {
                let kept = if variables::RESTORED.contains(&name) { value.to_str().unwrap_or_default() } else { "" };
                (name.to_owned(), kept.to_owned())
            })
            .collect();
        Options { mode, root: root.to_owned(), endpoints: Endpoints::default(), standing, now: world.clock.now() }
    }
}

/// A file that would be written: `root/directory/name`, mode 0600, in a directory of mode 0700.
#[derive(Clone)]
pub struct PlannedFile {
    /// The directory inside the pass.
    pub directory: String,
    /// The file's name.
    pub name: String,
    /// Its whole content.
    pub contents: Secret,
    /// The edge it belongs to; a cloud's name when it serves several.
    pub edge: String,
}

/// A variable that would be set.
#[derive(Clone)]
pub struct Variable {
    /// Its name: `[A-Z_][A-Z0-9_]*`.
    pub name: &'static str,
    /// Its value.
    pub value: Secret,
    /// Whether the value is a secret; paths, regions and ids are not.
    pub secret: bool,
    /// The edge it belongs to.
    pub edge: String,
    /// What logout sets it to. A runner cannot unset a variable, so this is the empty text but for those whose empty value
    /// the tools refuse.
    pub after: String,
}

/// What would be written where.
#[derive(Clone, Default)]
pub struct Plan {
    /// The pass's directory.
    pub root: PathBuf,
    /// Files, in the order they are written.
    pub files: Vec<PlannedFile>,
    /// Variables, in the order they are set.
    pub variables: Vec<Variable>,
    /// Variables that stand in the job and would win over ours: they are blanked.
    pub removed: Vec<&'static str>,
    /// Leaf secrets, to be masked before anything is written.
    pub masks: Vec<Secret>,
    /// Facts for later steps, none of them secret: see [`OUTPUT_SUFFIXES`].
    pub outputs: Vec<(String, String)>,
    /// Secrets as outputs, where they were asked for: see [`outputs::CREDENTIAL_SUFFIXES`].
    pub credentials: Vec<(String, Secret)>,
    /// What the reader should know.
    pub notes: Vec<String>,
    /// What is handed over, and when it ends.
    pub grants: Vec<Held>,
}

/// A grant that somebody holds from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The edge, as messages name it.
    pub edge: String,
    /// When the credential ends, in seconds since the epoch.
    pub expires: i64,
}

impl Plan {
    /// The directories inside the pass, in the order they are made.
    #[must_use]
    pub fn directories(&self) -> Vec<&str> {
        let mut all: Vec<&str> = Vec::new();
        for file in &self.files {
            if !all.contains(&file.directory.as_str()) {
                all.push(&file.directory);
            }
        }
        all
    }

    /// What `GITHUB_ENV` gets: blanks for what would win over ours, then our variables.
    ///
    /// # Errors
    /// As [`github_env::block`].
    pub fn env_block(&self) -> Result<Zeroizing<String>> {
        let blanks = self.removed.iter().map(|name| (*name, ""));
        let variables = self.variables.iter().map(|variable| (variable.name, variable.value.reveal()));
        github_env::block(github_env::Names::Variables, blanks.chain(variables))
    }

    /// What `GITHUB_OUTPUT` gets.
    ///
    /// # Errors
    /// As [`github_env::block`].
    pub fn output_block(&self) -> Result<Zeroizing<String>> {
        let outputs = self.outputs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let credentials = self.credentials.iter().map(|(name, value)| (name.as_str(), value.reveal()));
        github_env::block(github_env::Names::Outputs, outputs.chain(credentials))
    }

    fn file(&mut self, edge: &str, directory: &str, name: &str, contents: Secret) -> PathBuf {
        let file =
            PlannedFile { directory: directory.to_owned(), name: name.to_owned(), contents, edge: edge.to_owned() };
        let path = file.path(&self.root);
        self.files.push(file);
        path
    }

    fn secret(&mut self, edge: &str, name: &'static str, value: &Secret) {
        let variable =
            Variable { name, value: value.clone(), secret: true, edge: edge.to_owned(), after: String::new() };
        self.variables.push(variable);
    }

    fn plain(&mut self, edge: &str, name: &'static str, value: impl Into<String>) {
        let value = Secret::new(value);
        self.variables.push(Variable { name, value, secret: false, edge: edge.to_owned(), after: String::new() });
    }

    fn path(&mut self, edge: &str, name: &'static str, path: &Path) -> Result<()> {
        self.plain(edge, name, path_text(path)?);
        Ok(())
    }

    /// Blanks those of `names` that stand in the job and are not set by us.
    fn blank(&mut self, options: &Options, names: &[&'static str]) {
        for name in names {
            let ours = self.variables.iter().any(|variable| variable.name == *name);
            if !ours && options.standing.contains_key(*name) && !self.removed.contains(name) {
                self.removed.push(name);
            }
        }
    }
}

impl PlannedFile {
    /// The file's place in the pass at `root`.
    #[must_use]
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.directory).join(&self.name)
    }

    /// Writes it into its directory, mode 0600.
    ///
    /// # Errors
    /// As [`PrivateDir::write_new`].
    pub fn write(&self, directory: &PrivateDir) -> Result<()> {
        directory.write_new(&self.name, self.contents.reveal().as_bytes(), 0o600)
    }
}

/// Plans the delivery of `grants`.
///
/// # Errors
/// - [`Kind::Network`](crate::error::Kind): a credential holds a control character, which no cloud sends.
/// - [`Kind::Usage`](crate::error::Kind): the pass's path is not UTF-8, an AWS edge bears a name that AWS gives another
///   meaning, or two edges' names make the same output.
pub fn plan(grants: &[Grant], options: &Options) -> Result<Plan> {
    let mut plan = Plan { root: options.root.clone(), ..Plan::default() };
    for grant in grants {
        refuse_control_characters(grant)?;
        plan.masks.extend(mask::of_grant(grant));
        let expires = grant.credential.expiration().unix_timestamp();
        plan.grants.push(Held { edge: grant.edge.title(), expires });
        plan.outputs.push((format!("{}-identity", grant.edge.name), grant.identity.clone()));
        plan.outputs.push((format!("{}-expiration", grant.edge.name), rfc3339(grant.credential.expiration())));
    }
    plan.plain("", PASS_VARIABLE, path_text(&options.root)?);
    plan.outputs.push(("pass".to_owned(), path_text(&options.root)?));
    aws::plan(&mut plan, grants, options)?;
    gcp::plan(&mut plan, grants, options)?;
    azure::plan(&mut plan, grants, options)?;
    outputs::refuse_twins(&plan)?;
    Ok(plan)
}

/// The outputs that an edge named `NAME` can have, by cloud; beside them stands `pass`, the pass's directory.
///
/// All: `NAME-identity`, `NAME-expiration` (RFC 3339). AWS: `NAME-account-id`. GCP: `NAME-project-id`,
/// `NAME-credentials-file`, `NAME-access-token-file`, `NAME-id-token-file`. Azure: `NAME-tenant-id`, `NAME-subscription-id`,
/// `NAME-config-directory`, `NAME-token-file`.
pub const OUTPUT_SUFFIXES: [&str; 11] = [
    "identity",
    "expiration",
    "account-id",
    "project-id",
    "tenant-id",
    "subscription-id",
    "credentials-file",
    "access-token-file",
    "id-token-file",
    "config-directory",
    "token-file",
];

/// A moment as RFC 3339 in UTC, to the second: `2026-11-23T04:00:00Z`.
#[must_use]
pub fn rfc3339(moment: OffsetDateTime) -> String {
    let whole = moment.to_offset(time::UtcOffset::UTC).replace_nanosecond(0).unwrap_or(moment);
    whole.format(&Rfc3339).unwrap_or_else(|_| whole.unix_timestamp().to_string())
}

/// What every cloud file needs of its grants: the grant, its part of the edge, its credential.
type Parts<'a, T, C> = Vec<(&'a Grant, &'a T, &'a C)>;

/// The variables that belong to the grant of the default edge; the first grant stands in when that edge was not asked for.
fn default_of<'a, 'b, T, C>(parts: &'b Parts<'a, T, C>) -> Option<&'b (&'a Grant, &'a T, &'a C)> {
    parts.iter().find(|(grant, _, _)| grant.edge.default).or_else(|| parts.first())
}

fn refuse_control_characters(grant: &Grant) -> Result<()> {
    let leaves = grant.credential.secrets();
    let key_id = match &grant.credential {
        Credential::Aws(session) => session.access_key_id.as_str(),
        Credential::Gcp(_) | Credential::Azure(_) => "",
    };
    let texts = leaves.iter().map(|secret| secret.reveal()).chain([key_id, grant.id_token.raw.reveal()]);
    if texts.into_iter().any(|text| text.chars().any(char::is_control)) {
        return Err(Error::network(
            "credential-malformed",
            "the credential holds a control character, which no cloud sends",
        )
        .at(grant.edge.title())
        .detail("request id", grant.request_id.clone()));
    }
    Ok(())
}

/// A path that a runner's file can carry.
pub(crate) fn path_text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Error::usage("path-not-utf8", format!("the pass would lie at {}, which is not valid UTF-8", path.display()))
            .hint("point RUNNER_TEMP to a directory with a plain name")
    })
}
