//! The inputs of three other actions, each with the decision: another name of ours, nothing, a notice, or an error that says why.
//!
//! A value that cannot be honoured is an error wherever dropping it could give more than was asked for. Facts about the other
//! actions are those of their versions 6 (AWS), 3 (Google) and 3 (Azure).

use super::inputs::{Input, Takes};

const fn is(name: &'static str, ours: &'static str, about: &'static str) -> Input {
    Input { name, takes: Takes::Is(ours), about }
}

const fn reads(name: &'static str, takes: Takes, about: &'static str) -> Input {
    Input { name, takes, about }
}

const fn refused(
    name: &'static str,
    off: &'static [&'static str],
    about: &'static str,
    instead: &'static str,
) -> Input {
    Input { name, takes: Takes::Refused { off, instead }, about }
}

const FALSE: &[&str] = &["false"];
const TRUE: &[&str] = &["true"];

/// `aws-actions/configure-aws-credentials`; `aws-region` and `output-credentials` have the same name and meaning as ours.
pub(super) const AWS: &[Input] = &[
    is("role-to-assume", "aws-role", "The full ARN: a bare name says nothing about the account"),
    reads(
        "role-duration-seconds",
        Takes::Seconds { input: "aws-ttl", zero: false },
        "`ttl` for AWS alone, in whole seconds",
    ),
    is("role-session-name", "aws-session-name", "The session's name"),
    refused(
        "role-external-id",
        &[],
        "AWS takes no external id together with an ID token",
        "leave it out; for a chained role, set external-id in the chain of a jobpass.toml",
    ),
    reads(
        "role-skip-session-tagging",
        Takes::Nothing,
        "No session tags are sent with an ID token: AWS takes them from its claims",
    ),
    refused(
        "transitive-tag-keys",
        &[],
        "no session tags are sent with an ID token",
        "leave it out; AWS takes tags from the ID token's claims",
    ),
    refused(
        "custom-tags",
        &[],
        "no session tags are sent with an ID token",
        "leave it out; AWS takes tags from the ID token's claims",
    ),
    is("inline-session-policy", "aws-session-policy", "It is checked to be a JSON object of at most 2048 characters"),
    is("managed-session-policies", "aws-managed-session-policies", "One a line or separated by commas"),
    refused(
        "role-chaining",
        FALSE,
        "a role is never assumed with credentials that happen to stand in the job",
        "list the further roles as chain in a jobpass.toml: one step assumes them one after the other",
    ),
    is("web-identity-token-file", "token-file", "Its token has to be for the audience that is asked for"),
    refused(
        "force-skip-oidc",
        FALSE,
        "the ID token is the only way in",
        "for other credentials, set the cloud's own variables in the job",
    ),
    refused("aws-access-key-id", &[], KEYS, KEYS_INSTEAD),
    refused("aws-secret-access-key", &[], KEYS, KEYS_INSTEAD),
    refused("aws-session-token", &[], KEYS, KEYS_INSTEAD),
    refused(
        "use-existing-credentials",
        FALSE,
        "credentials that stand in the job are never used, and whose they are is not asked",
        "skip this step with an if: condition where the job has credentials of its own",
    ),
    is("allowed-account-ids", "aws-allowed-account-ids", "It is checked before anything is handed over"),
    reads(
        "mask-aws-account-id",
        Takes::MaskAccounts,
        "The roles' accounts are masked before anything shows them; the runner then drops job outputs that hold them",
    ),
    refused(
        "output-env-credentials",
        TRUE,
        "a login hands credentials to later steps, in variables or in files that variables name",
        "use deliver: files to keep secrets out of variables, or run one command with jobpass exec",
    ),
    reads(
        "unset-current-credentials",
        Takes::Nothing,
        "Variables that would win over what is handed over are always blanked, and put back at the job's end",
    ),
    refused(
        "aws-profile",
        &[],
        "no file in the home directory is written",
        "every edge of a jobpass.toml is a profile of its name; for one edge use the variables",
    ),
    reads("overwrite-aws-profile", Takes::Nothing, "No profile outside the pass is ever touched"),
    refused("http-proxy", &[], PROXY, "set HTTPS_PROXY in the step's or the job's env"),
    refused("no-proxy", &[], PROXY, "set NO_PROXY in the step's or the job's env"),
    reads(
        "disable-retry",
        Takes::Ignored(FALSE),
        "What passes by itself is repeated within `timeout`; a denial never is",
    ),
    reads(
        "retry-max-attempts",
        Takes::Ignored(&[]),
        "What passes by itself is tried five times at most; a denial once",
    ),
    reads(
        "special-characters-workaround",
        Takes::Ignored(FALSE),
        "Keys with special characters are handed over as they are",
    ),
    reads(
        "action-timeout-s",
        Takes::Seconds { input: "timeout", zero: true },
        "`timeout` in whole seconds; 0 means the 60s of ours",
    ),
    refused(
        "sts-endpoint",
        &[],
        "an endpoint is not named by an input",
        "set AWS_ENDPOINT_URL_STS in the step's env, as for every client of AWS",
    ),
];

const KEYS: &str = "no stored keys are used, and AWS asks for none with an ID token";
const KEYS_INSTEAD: &str = "leave it out and delete the secret; role-to-assume and aws-region are enough";
const PROXY: &str = "the proxy is that of the job, for every request";

/// `google-github-actions/auth`.
pub(super) const GOOGLE: &[Input] = &[
    is("project_id", "gcp-project", "The project that tools work in; the service account's when not given"),
    is("workload_identity_provider", "gcp-provider", "The provider's full name; its form is checked"),
    is("service_account", "gcp-service-account", "Direct access when not given"),
    refused(
        "credentials_json",
        &[],
        "no stored keys are used",
        "leave it out and delete the key; workload_identity_provider is enough",
    ),
    refused(
        "create_credentials_file",
        TRUE,
        "Google's client libraries read nothing but such a file",
        "leave it out: the file lies outside the workspace, in a private directory that goes at the job's end",
    ),
    refused(
        "export_environment_variables",
        TRUE,
        "a login hands credentials to later steps through variables",
        "run one command with jobpass exec where later steps shall have nothing",
    ),
    reads(
        "token_format",
        Takes::TokenFormat,
        "Google's tokens as the outputs gcp-access-token and gcp-id-token; a file holds them anyway",
    ),
    is("delegates", "gcp-delegates", "One a line or separated by commas"),
    is("universe", "gcp-universe-domain", "The universe's domain"),
    is("request_reason", "gcp-request-reason", "It is sent with every call"),
    reads("cleanup_credentials", Takes::Ignored(TRUE), "The post step always ends the pass"),
    reads("access_token_lifetime", Takes::Lifetime, "`ttl` for GCP alone: seconds, or a duration such as 30m"),
    is("access_token_scopes", "gcp-scopes", "One a line or separated by commas"),
    refused(
        "access_token_subject",
        &[],
        "domain-wide delegation is not supported",
        "leave it out, or keep the other action for this one step",
    ),
    is("id_token_audience", "gcp-id-token-audience", "The token lies in a file whatever token_format says"),
    refused(
        "id_token_include_email",
        FALSE,
        "the ID token is asked for without the account's email",
        "compare the token's sub, the account's unique id, instead",
    ),
];

/// `Azure/login`.
pub(super) const AZURE: &[Input] = &[
    is("client-id", "azure-client-id", "The client id of the application or user-assigned identity"),
    is("tenant-id", "azure-tenant-id", "The tenant"),
    is("subscription-id", "azure-subscription-id", "Not needed where tools name one themselves"),
    refused(
        "creds",
        &[],
        "no stored secrets are used",
        "leave it out and delete the secret; client-id and tenant-id are enough with a federated credential",
    ),
    refused(
        "enable-AzPSSession",
        FALSE,
        "Az PowerShell is not signed in",
        "run Connect-AzAccount -FederatedToken with the file of the output azure-token-file",
    ),
    reads(
        "environment",
        Takes::AzureCloud,
        "azurecloud, azureusgovernment or azurechinacloud: `azure-cloud` with its own audience",
    ),
    reads("allow-no-subscriptions", Takes::Nothing, "Subscriptions are neither needed nor listed"),
    refused(
        "auth-type",
        &["service_principal"],
        "a machine's own identity is not the job's",
        "leave it out; a user-assigned identity with a federated credential works through client-id",
    ),
];

/// The same name in all three.
pub(super) const SHARED: &[Input] = &[reads(
    "audience",
    Takes::Audience,
    "The ID token's audience where one cloud is described; for several use aws-audience, gcp-audience, azure-audience",
)];
