//! The one table of inputs: what `action.yml` declares, what `docs/action.md` lists, what is read.
//!
//! Ours are named after the flags of `jobpass login`. Those of three other actions are read too, so that moving over is a change
//! of one line per cloud; what is not taken says why. A test holds the three places together.

use super::peers;

/// One input.
#[derive(Debug)]
pub struct Input {
    /// As it stands below `with:`.
    pub name: &'static str,
    /// How its value is read.
    pub takes: Takes,
    /// One sentence for whoever writes a workflow.
    pub about: &'static str,
}

/// How a value is read. White space around it never counts, and an empty value counts as not given: the runner cannot tell an
/// unset secret from nothing.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Read by the part in JavaScript, before there is a binary.
    Path,
    /// One text.
    Text,
    /// Texts, one a line or separated by commas.
    List,
    /// `true` or `false` as YAML 1.2 writes them.
    Switch,
    /// A duration with units.
    Duration,
    /// Another name of an input of ours.
    Is(&'static str),
    /// Whole seconds, for an input of ours that is a duration. Zero means "no limit of your own" where `zero` says so.
    Seconds {
        /// Ours.
        input: &'static str,
        /// Whether `0` counts as not given.
        zero: bool,
    },
    /// Seconds, or a duration with units, for Google's tokens only.
    Lifetime,
    /// Azure's name of a cloud, for ours.
    AzureCloud,
    /// An audience; the cloud is the one that the other inputs describe.
    Audience,
    /// `access_token` or `id_token`: Google's tokens as outputs.
    TokenFormat,
    /// Masks the accounts of the roles.
    MaskAccounts,
    /// A boolean that changes nothing here, whatever it says.
    Nothing,
    /// Not taken, and nothing is lost by that: said in a notice unless the value is one of these, which mean "off".
    Ignored(&'static [&'static str]),
    /// Not taken: an error unless the value is one of `off`.
    Refused {
        /// Values that ask for nothing.
        off: &'static [&'static str],
        /// What to do.
        instead: &'static str,
    },
}

/// Every input, ours first.
pub fn all() -> impl Iterator<Item = &'static Input> {
    OURS.iter().chain(peers::AWS).chain(peers::GOOGLE).chain(peers::AZURE).chain(peers::SHARED)
}

const fn input(name: &'static str, takes: Takes, about: &'static str) -> Input {
    Input { name, takes, about }
}

/// Ours.
pub const OURS: &[Input] = &[
    input("aws-role", Takes::Text, "AWS: the ARN of the role to assume"),
    input("aws-region", Takes::Text, "AWS: the region; it has to lie in the role's partition"),
    input("aws-session-name", Takes::Text, "AWS: the session's name; jobpass-RUN-ATTEMPT when not given"),
    input("aws-session-policy", Takes::Text, "AWS: an inline session policy, JSON"),
    input("aws-managed-session-policies", Takes::List, "AWS: ARNs of managed session policies, at most ten"),
    input("aws-allowed-account-ids", Takes::List, "AWS: the accounts that the role may lie in"),
    input("aws-audience", Takes::Text, "AWS: the ID token's audience; sts.amazonaws.com when not given"),
    input("gcp-provider", Takes::Text, "GCP: the full name of the workload identity provider"),
    input("gcp-service-account", Takes::Text, "GCP: the service account to impersonate; direct access when not given"),
    input("gcp-project", Takes::Text, "GCP: the project that tools work in; the service account's when not given"),
    input("gcp-scopes", Takes::List, "GCP: scopes of the access token; cloud-platform when not given"),
    input("gcp-id-token-audience", Takes::Text, "GCP: also ask for a Google ID token with this audience"),
    input("gcp-audience", Takes::Text, "GCP: the ID token's audience; the provider's own when not given"),
    input("gcp-delegates", Takes::List, "GCP: service accounts between the job and the one to impersonate, in order"),
    input("gcp-universe-domain", Takes::Text, "GCP: the universe's domain; googleapis.com when not given"),
    input("gcp-request-reason", Takes::Text, "GCP: why the access is wanted; Google's audit log shows it"),
    input("azure-client-id", Takes::Text, "Azure: the client id of the application or user-assigned identity"),
    input("azure-tenant-id", Takes::Text, "Azure: the tenant"),
    input("azure-subscription-id", Takes::Text, "Azure: the subscription that tools work in"),
    input("azure-cloud", Takes::Text, "Azure: public, usgov or china; public when not given"),
    input("azure-resources", Takes::List, "Azure: resources to get tokens for; management when not given"),
    input("azure-audience", Takes::Text, "Azure: the ID token's audience; the cloud's own when not given"),
    input("ttl", Takes::Duration, "How long credentials are asked to live, such as 15m or 1h; 1h when not given"),
    input(
        "config",
        Takes::Text,
        "The edge file; jobpass.toml in the workspace or above when no input describes a cloud",
    ),
    input("edges", Takes::List, "Edges of the file to use, by name; all when not given"),
    input("source", Takes::Text, "Where the ID token comes from: github or gitlab; detected when not given"),
    input("token-env", Takes::List, "Variables that hold ID tokens, in place of the runner's own"),
    input("token-file", Takes::Text, "A file that holds an ID token, in place of the runner's own"),
    input("deliver", Takes::Text, "env, or files for nothing secret in variables; env when not given"),
    input("env-file", Takes::Text, "Also write the variables to this dotenv file"),
    input(
        "keep-going",
        Takes::Switch,
        "Hand over what was granted even when another edge was not; the step fails anyway",
    ),
    input("timeout", Takes::Duration, "When all of it must be over; 60s when not given"),
    input("verbose", Takes::Switch, "Log the requests that were made"),
    input(
        "optional",
        Takes::Switch,
        "Where no ID token is to be had (a fork, a missing permission), go on without credentials",
    ),
    input("output-credentials", Takes::Switch, "Also give the secrets as outputs; every later step can read them"),
    input("path", Takes::Path, "A jobpass binary to run instead of the action's own; its checksum is not looked at"),
];
