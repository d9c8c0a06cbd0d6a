//! The claims of a GitLab CI job, as a GitLab instance would state them.
//!
//! Source: GitLab's documentation of `id_tokens` (2026). Values are strings, ids and booleans too; `runner_id` is a number.

use serde_json::Value;
use time::OffsetDateTime;

use super::Claims;

/// The issuer of gitlab.com. A self-managed instance's is its own URL.
pub const ISSUER: &str = "https://gitlab.com";
/// The life of a token of a job with the usual timeout of one hour, in seconds; it follows the job's timeout.
pub const LIFE_SECONDS: i64 = 3_600;
/// GitLab's documented sample dates `nbf` back by this many seconds.
pub const BACKDATED_SECONDS: i64 = 5;

/// What a job is, in the few words that the claims follow from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// `GROUP/PROJECT`, with any number of subgroups between.
    pub project_path: String,
    /// The short name of the branch or tag.
    pub git_ref: String,
    /// `branch` or `tag`.
    pub ref_type: String,
    /// The environment that the job names.
    pub environment: Option<String>,
    /// `push`, `merge_request_event`, `web`, `schedule` …
    pub pipeline_source: String,
    /// The commit, 40 hex digits.
    pub sha: String,
    /// Who runs the job.
    pub user_login: String,
    /// The project's number, never given to another one.
    pub project_id: String,
    /// The group's number.
    pub namespace_id: String,
    /// The pipeline.
    pub pipeline_id: String,
    /// The job.
    pub job_id: String,
    /// `public`, `private` or `internal`.
    pub visibility: String,
    /// `gitlab-hosted` or `self-hosted`.
    pub runner_environment: String,
    /// Whether the ref is protected.
    pub ref_protected: bool,
}

impl Default for Job {
    fn default() -> Self {
        Job::new("acme/shop", "main", "branch")
    }
}

impl Job {
    /// A push to `git_ref` of `project_path`; everything else is derived or has a harmless value.
    #[must_use]
    pub fn new(project_path: &str, git_ref: &str, ref_type: &str) -> Self {
        Job {
            project_path: project_path.to_owned(),
            git_ref: git_ref.to_owned(),
            ref_type: ref_type.to_owned(),
            environment: None,
            pipeline_source: "push".to_owned(),
            sha: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            user_login: "developer".to_owned(),
            project_id: "456789".to_owned(),
            namespace_id: "123456".to_owned(),
            pipeline_id: "1600000001".to_owned(),
            job_id: "4000000001".to_owned(),
            visibility: "private".to_owned(),
            runner_environment: "gitlab-hosted".to_owned(),
            ref_protected: false,
        }
    }

    /// The group: the project's path without its last part.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.project_path.rsplit_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// `sub` in the default form; the ref has no `refs/heads/` before it.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("project_path:{}:ref_type:{}:ref:{}", self.project_path, self.ref_type, self.git_ref)
    }

    /// The full ref: `refs/heads/…`, `refs/tags/…`.
    #[must_use]
    pub fn ref_path(&self) -> String {
        let kind = if self.ref_type == "tag" { "tags" } else { "heads" };
        format!("refs/{kind}/{}", self.git_ref)
    }

    /// The whole claim set of a token for `audience`.
    #[must_use]
    pub fn claims(&self, issuer: &str, audience: &str, now: OffsetDateTime) -> Claims {
        let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        let config = format!("{host}/{}//.gitlab-ci.yml@{}", self.project_path, self.ref_path());
        let protected = if self.ref_protected { "true" } else { "false" };
        let mut claims = Claims::default();
        for (name, value) in [
            ("iss", issuer),
            ("sub", &self.subject()),
            ("aud", audience),
            ("jti", &super::token_id(now)),
            ("namespace_id", &self.namespace_id),
            ("namespace_path", self.namespace()),
            ("project_id", &self.project_id),
            ("project_path", &self.project_path),
            ("project_visibility", &self.visibility),
            ("user_id", "1000001"),
            ("user_login", &self.user_login),
            ("user_email", &format!("{}@example.com", self.user_login)),
            ("user_access_level", "developer"),
            ("pipeline_id", &self.pipeline_id),
            ("pipeline_source", &self.pipeline_source),
            ("job_id", &self.job_id),
            ("ref", &self.git_ref),
            ("ref_type", &self.ref_type),
            ("ref_path", &self.ref_path()),
            ("ref_protected", protected),
            ("runner_environment", &self.runner_environment),
            ("sha", &self.sha),
            ("ci_config_ref_uri", &config),
            ("ci_config_sha", &self.sha),
        ] {
            claims.set(name, value);
        }
        claims.set("runner_id", Value::from(1));
        if let Some(environment) = &self.environment {
            claims.set("environment", environment.as_str());
            claims.set("environment_protected", "false");
            claims.set("deployment_tier", tier(environment));
            claims.set("environment_action", "start");
        }
        let issued = now.unix_timestamp();
        claims.set("iat", issued);
        claims.set("nbf", issued - BACKDATED_SECONDS);
        claims.set("exp", issued + LIFE_SECONDS);
        claims
    }
}

/// The tier that GitLab takes for an environment whose job names none: the first of these that the name has a part of
/// (GitLab's `Environment#guess_tier`, 2026).
fn tier(environment: &str) -> &'static str {
    const PARTS: [(&str, &[&str]); 4] = [
        ("development", &["dev", "review", "trunk"]),
        ("testing", &["test", "tst", "int", "accept", "acpt", "qa", "qc", "control", "quality"]),
        ("staging", &["stag", "stg", "model", "modl", "pre", "demo", "non"]),
        ("production", &["prod", "prd", "live"]),
    ];
    let name = environment.to_ascii_lowercase();
    let found = PARTS.iter().find(|(_, parts)| parts.iter().any(|part| name.contains(part)));
    found.map_or("other", |(tier, _)| tier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tier_is_the_one_that_gitlab_takes_for_a_name() {
        for (name, expected) in [
            ("production", "production"),
            ("eu/Live", "production"),
            ("prd-1", "production"),
            ("pre-production", "staging"),
            ("stg", "staging"),
            ("QA", "testing"),
            ("review/topic", "development"),
            ("blue", "other"),
        ] {
            assert_eq!(tier(name), expected, "{name}");
        }
    }

    fn claims(job: &Job) -> Claims {
        job.claims(ISSUER, "sts.amazonaws.com", OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn the_subject_has_the_short_ref() {
        let job = Job::new("g/sub/p", "main", "branch");
        assert_eq!(job.subject(), "project_path:g/sub/p:ref_type:branch:ref:main");
        assert_eq!(claims(&job).text("ref_path").as_deref(), Some("refs/heads/main"));
        let job = Job::new("g/p", "v1", "tag");
        assert_eq!(job.subject(), "project_path:g/p:ref_type:tag:ref:v1");
        assert_eq!(claims(&job).text("ref_path").as_deref(), Some("refs/tags/v1"));
    }

    #[test]
    fn an_environment_changes_claims_and_not_the_subject() {
        let mut job = Job::default();
        let before = job.subject();
        assert_eq!(claims(&job).value("environment"), None);
        job.environment = Some("production".to_owned());
        assert_eq!(job.subject(), before);
        assert_eq!(claims(&job).text("environment").as_deref(), Some("production"));
    }

    #[test]
    fn the_runner_is_the_only_number_beside_the_times() {
        for (name, value) in claims(&Job::default()).as_map() {
            assert_eq!(value.is_number(), ["iat", "nbf", "exp", "runner_id"].contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn the_namespace_keeps_its_subgroups() {
        assert_eq!(claims(&Job::new("g/sub/p", "main", "branch")).text("namespace_path").as_deref(), Some("g/sub"));
    }

    #[test]
    fn the_token_lives_as_long_as_the_job_may() {
        let claims = claims(&Job::default());
        assert_eq!(claims.seconds("exp"), Some(LIFE_SECONDS));
        assert_eq!(claims.seconds("nbf"), Some(-BACKDATED_SECONDS));
    }
}
