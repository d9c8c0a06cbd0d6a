//! The environment of a job whose clients meet the stand-ins.

use std::path::Path;

use super::{State, issuer};
use crate::edge::{Destination, aws, azure};
use crate::error::Result;

/// Which runner the sandbox plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runner {
    /// GitHub Actions.
    #[default]
    Github,
    /// GitLab CI.
    Gitlab,
}

impl Runner {
    /// Both.
    pub const ALL: [Runner; 2] = [Runner::Github, Runner::Gitlab];

    /// The name on the command line and in paths.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Runner::Github => "github",
            Runner::Gitlab => "gitlab",
        }
    }
}

pub(super) fn of(state: &State, runner: Runner, base: &str, ca_file: Option<&Path>) -> Result<Vec<(String, String)>> {
    let mut all: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| all.push((name.to_owned(), value));
    match runner {
        Runner::Github => {
            let job = &state.options.github;
            let claim = |name: &str, own: &str| -> String {
                state.options.claims.as_ref().and_then(|claims| claims.text(name)).unwrap_or_else(|| own.to_owned())
            };
            set("GITHUB_ACTIONS", "true".to_owned());
            set("GITHUB_SERVER_URL", "https://github.com".to_owned());
            set("GITHUB_REPOSITORY", claim("repository", &job.repository));
            set("GITHUB_REPOSITORY_ID", claim("repository_id", &job.repository_id));
            set("GITHUB_REPOSITORY_OWNER", claim("repository_owner", job.owner()));
            set("GITHUB_REPOSITORY_OWNER_ID", claim("repository_owner_id", &job.owner_id));
            set("GITHUB_REF", claim("ref", &job.git_ref));
            set("GITHUB_SHA", claim("sha", &job.sha));
            set("GITHUB_RUN_ID", claim("run_id", &job.run_id));
            set("GITHUB_RUN_ATTEMPT", claim("run_attempt", &job.run_attempt));
            set("GITHUB_JOB", "deploy".to_owned());
            set("GITHUB_ACTOR", claim("actor", &job.actor));
            set("GITHUB_EVENT_NAME", claim("event_name", &job.event_name));
            set("GITHUB_WORKFLOW", claim("workflow", &job.workflow));
            set("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{base}/github/token?api-version=2.0"));
            set("ACTIONS_ID_TOKEN_REQUEST_TOKEN", state.bearer.reveal().to_owned());
        }
        Runner::Gitlab => {
            let job = &state.options.gitlab;
            set("GITLAB_CI", "true".to_owned());
            set("CI_SERVER_URL", issuer::url(state, Runner::Gitlab));
            set("CI_PROJECT_PATH", job.project_path.clone());
            set("CI_JOB_ID", job.job_id.clone());
            set("CI_PIPELINE_ID", job.pipeline_id.clone());
            for (name, destination) in [
                ("AWS_ID_TOKEN", Destination::Aws),
                ("GCP_ID_TOKEN", Destination::Gcp),
                ("AZURE_ID_TOKEN", Destination::Azure),
            ] {
                let token = issuer::mint(state, Runner::Gitlab, &audience(state, destination))?;
                set(name, token.reveal().to_owned());
            }
        }
    }
    set("AWS_ENDPOINT_URL_STS", format!("{base}/aws"));
    // gcloud's own convention: a base that ends in a slash, to which `v1/…` is appended.
    set("CLOUDSDK_API_ENDPOINT_OVERRIDES_STS", format!("{base}/gcp/sts/"));
    set("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS", format!("{base}/gcp/iamcredentials/"));
    set("AZURE_AUTHORITY_HOST", base.to_owned());
    set("JOBPASS_SANDBOX", "1".to_owned());
    if let Some(file) = ca_file {
        // Every client has a name of its own for it, and some machines set curl's.
        for name in ["SSL_CERT_FILE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
            set(name, file.display().to_string());
        }
    }
    Ok(all)
}

/// The audience of the destination's first edge; without one, what the vendor's documentation has its users register.
fn audience(state: &State, destination: Destination) -> String {
    let edge = state.options.edges.iter().map(|(edge, _)| edge).find(|edge| edge.destination() == destination);
    edge.map(|edge| edge.audience.clone()).unwrap_or_else(|| match destination {
        Destination::Aws => aws::AUDIENCE.to_owned(),
        Destination::Azure => azure::Cloud::named("public").map(|cloud| cloud.audience).unwrap_or_default().to_owned(),
        Destination::Gcp => "https://iam.googleapis.com/sandbox".to_owned(),
    })
}
