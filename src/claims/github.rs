//! The claims of a GitHub Actions job, as GitHub's issuer would state them.
//!
//! Source: GitHub's OpenID Connect reference (2026) and tokens seen in public. All values are strings, ids, counters and
//! booleans too, except `iat`, `nbf` and `exp`.

use time::OffsetDateTime;

use super::Claims;

/// The issuer of github.com. Enterprises may have their slug behind it; GitHub Enterprise Server has its own.
pub const ISSUER: &str = "https://token.actions.githubusercontent.com";
/// How long an ID token lives, in seconds. GitHub offers no parameter for it.
pub const LIFE_SECONDS: i64 = 300;
/// GitHub dates `nbf` back by this many seconds, so that a slow clock at the destination does not refuse the token.
pub const BACKDATED_SECONDS: i64 = 600;

/// What a job is, in the few words that the claims follow from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// `OWNER/REPO`.
    pub repository: String,
    /// The full ref: `refs/heads/main`, `refs/tags/v1`, `refs/pull/7/merge`.
    pub git_ref: String,
    /// The environment that the job names. GitHub lets the workflow's author choose any text.
    pub environment: Option<String>,
    /// `push`, `pull_request`, `workflow_dispatch` …
    pub event_name: String,
    /// The commit, 40 hex digits.
    pub sha: String,
    /// Who started the run.
    pub actor: String,
    /// The workflow's file name under `.github/workflows/`.
    pub workflow_file: String,
    /// The workflow's `name:`.
    pub workflow: String,
    /// The run.
    pub run_id: String,
    /// Which attempt of the run, from 1.
    pub run_attempt: String,
    /// The repository's number, never given to another one.
    pub repository_id: String,
    /// The owner's number, never given to another one.
    pub owner_id: String,
    /// `public`, `private` or `internal`.
    pub visibility: String,
    /// `github-hosted` or `self-hosted`.
    pub runner_environment: String,
    /// Whether the ref is protected.
    pub ref_protected: bool,
    /// The subject with numbers in it (`repo:O@OID/R@RID:…`): the default of repositories created after 2026-07-15.
    pub immutable: bool,
    /// For pull requests: the branch that is to be merged.
    pub head_ref: Option<String>,
    /// For pull requests: the branch that is merged into.
    pub base_ref: Option<String>,
}

impl Default for Job {
    fn default() -> Self {
        Job::new("acme/shop", "refs/heads/main")
    }
}

impl Job {
    /// A push to `git_ref` of `repository`; everything else is derived or has a harmless value.
    #[must_use]
    pub fn new(repository: &str, git_ref: &str) -> Self {
        let owner = repository.split('/').next().unwrap_or_default();
        Job {
            repository: repository.to_owned(),
            git_ref: git_ref.to_owned(),
            environment: None,
            event_name: "push".to_owned(),
            sha: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            actor: format!("{owner}-developer"),
            workflow_file: "deploy.yml".to_owned(),
            workflow: "deploy".to_owned(),
            run_id: "16000000001".to_owned(),
            run_attempt: "1".to_owned(),
            repository_id: "456789".to_owned(),
            owner_id: "123456".to_owned(),
            visibility: "private".to_owned(),
            runner_environment: "github-hosted".to_owned(),
            ref_protected: false,
            immutable: false,
            head_ref: None,
            base_ref: None,
        }
    }

    /// The same repository's pull request `number` from `head` into `base`.
    #[must_use]
    pub fn pull_request(mut self, number: u64, head: &str, base: &str) -> Self {
        self.git_ref = format!("refs/pull/{number}/merge");
        self.event_name = "pull_request".to_owned();
        self.head_ref = Some(head.to_owned());
        self.base_ref = Some(base.to_owned());
        self
    }

    /// The part of the repository's name before the slash.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }

    /// The audience of a token asked for without one. The same for every repository of the owner, so never one to rely on.
    #[must_use]
    pub fn default_audience(&self) -> String {
        format!("https://github.com/{}", self.owner())
    }

    /// `sub` in the default formats; the first that applies: environment, pull request, ref.
    ///
    /// A `:` inside a value becomes `%3A`, here and not in the claims of their own.
    #[must_use]
    pub fn subject(&self) -> String {
        let escaped = |value: &str| value.replace(':', "%3A");
        let repository = match self.repository.split_once('/') {
            Some((owner, name)) if self.immutable => {
                format!("{}@{}/{}@{}", escaped(owner), self.owner_id, escaped(name), self.repository_id)
            }
            _ => escaped(&self.repository),
        };
        let context = match &self.environment {
            Some(environment) => format!("environment:{}", escaped(environment)),
            None if self.event_name == "pull_request" => "pull_request".to_owned(),
            None => format!("ref:{}", escaped(&self.git_ref)),
        };
        format!("repo:{repository}:{context}")
    }

    /// The whole claim set of a token for `audience`.
    #[must_use]
    pub fn claims(&self, issuer: &str, audience: &str, now: OffsetDateTime) -> Claims {
        let workflow_ref = format!("{}/.github/workflows/{}@{}", self.repository, self.workflow_file, self.git_ref);
        let ref_type = if self.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
        let mut claims = Claims::default();
        for (name, value) in [
            ("iss", issuer),
            ("sub", &self.subject()),
            ("aud", audience),
            ("jti", &super::token_id(now)),
            ("actor", &self.actor),
            ("actor_id", "1000001"),
            ("base_ref", self.base_ref.as_deref().unwrap_or_default()),
            ("check_run_id", "40000000001"),
            ("event_name", &self.event_name),
            ("head_ref", self.head_ref.as_deref().unwrap_or_default()),
            ("job_workflow_ref", &workflow_ref),
            ("job_workflow_sha", &self.sha),
            ("ref", &self.git_ref),
            ("ref_protected", if self.ref_protected { "true" } else { "false" }),
            ("ref_type", ref_type),
            ("repository", &self.repository),
            ("repository_id", &self.repository_id),
            ("repository_owner", self.owner()),
            ("repository_owner_id", &self.owner_id),
            ("repository_visibility", &self.visibility),
            ("run_attempt", &self.run_attempt),
            ("run_id", &self.run_id),
            ("run_number", "42"),
            ("runner_environment", &self.runner_environment),
            ("sha", &self.sha),
            ("workflow", &self.workflow),
            ("workflow_ref", &workflow_ref),
            ("workflow_sha", &self.sha),
        ] {
            claims.set(name, value);
        }
        if let Some(environment) = &self.environment {
            claims.set("environment", environment.as_str());
            claims.set("environment_node_id", "EN_kwDOABCDEF4AAAAB");
        }
        let issued = now.unix_timestamp();
        claims.set("iat", issued);
        claims.set("nbf", issued - BACKDATED_SECONDS);
        claims.set("exp", issued + LIFE_SECONDS);
        claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job::new("octo-org/octo-repo", "refs/heads/main")
    }

    #[test]
    fn a_push_has_its_ref_in_the_subject() {
        assert_eq!(job().subject(), "repo:octo-org/octo-repo:ref:refs/heads/main");
        assert_eq!(Job::new("o/r", "refs/tags/v1").subject(), "repo:o/r:ref:refs/tags/v1");
    }

    #[test]
    fn a_pull_request_has_no_ref_in_the_subject() {
        assert_eq!(job().pull_request(7, "topic", "main").subject(), "repo:octo-org/octo-repo:pull_request");
    }

    #[test]
    fn an_environment_wins_over_pull_request_and_ref() {
        let mut job = job().pull_request(7, "topic", "main");
        job.environment = Some("production".to_owned());
        assert_eq!(job.subject(), "repo:octo-org/octo-repo:environment:production");
    }

    #[test]
    fn pull_request_target_counts_as_a_ref() {
        // It runs in the base repository with its rights: the subject is the base branch's.
        let mut job = job();
        job.event_name = "pull_request_target".to_owned();
        assert_eq!(job.subject(), "repo:octo-org/octo-repo:ref:refs/heads/main");
    }

    #[test]
    fn the_immutable_subject_is_the_documented_example() {
        let mut job = job();
        job.immutable = true;
        assert_eq!(job.subject(), "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main");
    }

    #[test]
    fn a_colon_is_escaped_in_the_subject_only() {
        let mut job = job();
        job.environment = Some("production:eastus".to_owned());
        let claims = job.claims(ISSUER, "a", OffsetDateTime::UNIX_EPOCH);
        assert_eq!(claims.subject(), "repo:octo-org/octo-repo:environment:production%3Aeastus");
        assert_eq!(claims.text("environment").as_deref(), Some("production:eastus"));
    }

    #[test]
    fn only_times_are_numbers() {
        let mut job = job();
        job.environment = Some("production".to_owned());
        let claims = job.claims(ISSUER, "a", OffsetDateTime::UNIX_EPOCH);
        for (name, value) in claims.as_map() {
            assert_eq!(value.is_number(), ["iat", "nbf", "exp"].contains(&name.as_str()), "{name}");
            assert!(value.is_number() || value.is_string(), "{name}");
        }
    }

    #[test]
    fn a_job_without_an_environment_has_no_such_claim() {
        let claims = job().claims(ISSUER, "a", OffsetDateTime::UNIX_EPOCH);
        assert_eq!(claims.value("environment"), None);
        assert_eq!(claims.value("environment_node_id"), None);
    }

    #[test]
    fn times_are_those_of_the_documented_sample() {
        let now = OffsetDateTime::from_unix_timestamp(1_632_493_567).unwrap();
        let claims = job().claims(ISSUER, "a", now);
        assert_eq!(claims.seconds("iat"), Some(1_632_493_567));
        assert_eq!(claims.seconds("nbf"), Some(1_632_492_967));
        assert_eq!(claims.seconds("exp"), Some(1_632_493_867));
    }

    #[test]
    fn two_tokens_never_share_an_id() {
        let [a, b] = [0, 1].map(|_| job().claims(ISSUER, "a", OffsetDateTime::UNIX_EPOCH).text("jti"));
        assert_ne!(a, b);
    }

    #[test]
    fn the_type_of_a_ref_follows_from_it() {
        for (git_ref, kind) in
            [("refs/heads/tags/x", "branch"), ("refs/tags/v1", "tag"), ("refs/pull/1/merge", "branch")]
        {
            let claims = Job::new("o/r", git_ref).claims(ISSUER, "a", OffsetDateTime::UNIX_EPOCH);
            assert_eq!(claims.text("ref_type").as_deref(), Some(kind), "{git_ref}");
        }
    }
}
