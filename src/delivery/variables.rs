//! The variables that carry cloud credentials, one table per cloud.
//!
//! `exec` takes all of them out of the child's environment before it puts ours in; a login blanks those that would win over
//! what it delivers. Sources: the clouds' own clients (see `docs/delivery.md`).

/// AWS: keys, profiles, files, web identity, container endpoints.
pub const AWS: &[&str] = &[
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCOUNT_ID",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_CREDENTIAL_FILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// Google Cloud: files, bare tokens, gcloud's `auth` properties (all of which have the prefix [`GCP_PREFIX`]).
pub const GCP: &[&str] = &[
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "CLOUDSDK_AUTH_LOGIN_CONFIG_FILE",
    "GCLOUD_KEYFILE_JSON",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_KEYFILE_JSON",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_GHA_CREDS_PATH",
    "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
];

/// Every property of gcloud's `auth` section can be set through a variable of this prefix.
pub const GCP_PREFIX: &str = "CLOUDSDK_AUTH_";

/// Azure: the SDKs' variables, Terraform's, and the managed-identity endpoints.
pub const AZURE: &[&str] = &[
    "ARM_ACCESS_KEY",
    "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID",
    "ARM_CLIENT_CERTIFICATE",
    "ARM_CLIENT_CERTIFICATE_PASSWORD",
    "ARM_CLIENT_CERTIFICATE_PATH",
    "ARM_CLIENT_ID",
    "ARM_CLIENT_ID_FILE_PATH",
    "ARM_CLIENT_SECRET",
    "ARM_CLIENT_SECRET_FILE_PATH",
    "ARM_ENVIRONMENT",
    "ARM_MSI_ENDPOINT",
    "ARM_OIDC_REQUEST_TOKEN",
    "ARM_OIDC_REQUEST_URL",
    "ARM_OIDC_TOKEN",
    "ARM_OIDC_TOKEN_FILE_PATH",
    "ARM_SAS_TOKEN",
    "ARM_SUBSCRIPTION_ID",
    "ARM_TENANT_ID",
    "ARM_USE_AKS_WORKLOAD_IDENTITY",
    "ARM_USE_CLI",
    "ARM_USE_MSI",
    "ARM_USE_OIDC",
    "AZD_AUTH_ENDPOINT",
    "AZD_AUTH_KEY",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CONFIG_DIR",
    "AZURE_CREDENTIALS",
    "AZURE_FEDERATED_TOKEN",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_OIDC_REQUEST_TOKEN",
    "AZURE_OIDC_REQUEST_URL",
    "AZURE_OIDC_TOKEN",
    "AZURE_PASSWORD",
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_TENANT_ID",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_USERNAME",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
];

/// What lets a process mint ID tokens, or act, in the job's name. `ACTIONS_RUNTIME_TOKEN` has the same value as the request
/// token.
pub const RUNNER: &[&str] =
    &["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_RUNTIME_TOKEN"];

/// Our own variables have this prefix.
pub const OWN_PREFIX: &str = "JOBPASS_";

/// The profile's variables. botocore takes an empty profile for the name of a profile: "The config profile () could not be
/// found", even where keys stand in the environment. Measured 2026-11.
pub const PROFILES: &[&str] = &["AWS_DEFAULT_PROFILE", "AWS_PROFILE"];

/// Where Entra is. azure-identity for Python makes the URL `https://` of an empty one
/// (sdk/identity/azure-identity/azure/identity/_internal/utils.py, `normalize_authority`).
pub const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";

/// Variables whose empty value the tools refuse, so that logout puts the earlier value back instead of blanking them.
pub const RESTORED: &[&str] = &["AWS_DEFAULT_PROFILE", "AWS_PROFILE", AUTHORITY];

/// A region in the environment wins over every profile's own.
pub const REGIONS: &[&str] = &["AWS_DEFAULT_REGION", "AWS_REGION"];

/// True for a variable that can carry a cloud credential or point to one.
#[must_use]
pub fn is_cloud(name: &str) -> bool {
    [AWS, GCP, AZURE].iter().any(|table| table.contains(&name)) || name.starts_with(GCP_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_have_nothing_twice() {
        for table in [AWS, GCP, AZURE, RUNNER] {
            assert!(table.windows(2).all(|pair| pair[0] < pair[1]), "{table:?}");
        }
    }

    #[test]
    fn regions_and_projects_are_no_credentials() {
        for name in ["AWS_REGION", "AWS_DEFAULT_REGION", "GOOGLE_CLOUD_PROJECT", "PATH", "ARM_PROVIDER_X"] {
            assert!(!is_cloud(name), "{name}");
        }
        assert!(is_cloud("CLOUDSDK_AUTH_DISABLE_CREDENTIALS"));
    }
}
