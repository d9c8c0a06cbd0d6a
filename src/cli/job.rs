//! Which job a dry run or a sandbox stands in for: flags, else a claims file, else `[dry-run]` of the edge file, else the git
//! checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use time::OffsetDateTime;

use crate::claims::{Claims, github, gitlab};
use crate::edge::file::Rehearsal;
use crate::error::{Error, Result};
use crate::sandbox::Runner;
use crate::trust;
use crate::world::World;

/// The job, from the command line.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "The job to stand in for")]
pub struct JobArgs {
    /// github or gitlab [default: github]
    #[arg(long, value_name = "NAME")]
    pub runner: Option<String>,
    /// OWNER/NAME, or GitLab's project path [default: the git checkout's remote]
    #[arg(long, value_name = "REPO")]
    pub repo: Option<String>,
    /// Full ref; in GitLab, the branch [default: the git checkout's branch]
    #[arg(long, value_name = "REF")]
    pub r#ref: Option<String>,
    /// The job's environment
    #[arg(long, value_name = "NAME")]
    pub environment: Option<String>,
    /// The event [default: push]
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// The repository's number, or that of GitLab's project
    #[arg(long, value_name = "ID")]
    pub repository_id: Option<String>,
    /// The owner's number, or that of GitLab's namespace
    #[arg(long, value_name = "ID")]
    pub owner_id: Option<String>,
    /// GitHub: the subject with ids, as repositories created since 2026-07-15 have it
    #[arg(long)]
    pub immutable: bool,
    /// Take the claims from a JSON file instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["repo", "ref", "environment", "event", "immutable", "repository_id", "owner_id"])]
    pub claims: Option<PathBuf>,
}

/// The job, settled.
pub struct Job {
    /// Which runner.
    pub runner: Runner,
    /// GitHub's job.
    pub github: github::Job,
    /// GitLab's job.
    pub gitlab: gitlab::Job,
    /// Claims in place of either's.
    pub claims: Option<Claims>,
    /// The issuer that a destination would see.
    pub issuer: String,
    /// For the reader: where it was taken from.
    pub told_by: &'static str,
    /// What somebody said of it; the rest is made up or follows.
    pub told: Told,
}

/// What was said about a job, and not made up: what else the claims hold is good for a rehearsal and for no rule.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Whether a flag, the file or the checkout names the ref.
    pub git_ref: bool,
    /// The number of the repository or project.
    pub repository_id: Option<String>,
    /// The number of the owner or namespace.
    pub owner_id: Option<String>,
}

impl Job {
    /// The claims of a token that this job would get for `audience`; a claims file's, with that audience.
    #[must_use]
    pub fn claims_for(&self, audience: &str, now: OffsetDateTime) -> Claims {
        match (&self.claims, self.runner) {
            (Some(claims), _) => {
                let mut claims = claims.clone();
                claims.set("aud", audience);
                claims
            }
            (None, Runner::Github) => self.github.claims(&self.issuer, audience, now),
            (None, Runner::Gitlab) => self.gitlab.claims(&self.issuer, audience, now),
        }
    }
}

/// A claims file larger than this is refused, in bytes.
const MAX_CLAIMS: u64 = 64 * 1024;

impl JobArgs {
    /// Settles the job. `otherwise` is the repository where nothing names one: a sandbox can stand in for any job, a dry run
    /// cannot.
    ///
    /// # Errors
    /// Usage errors: an unknown runner, an unreadable claims file, a repository that nothing names.
    pub fn settle(&self, rehearsal: Option<&Rehearsal>, otherwise: Option<&str>, world: &World) -> Result<Job> {
        let empty = Rehearsal::default();
        let told = rehearsal.unwrap_or(&empty);
        let runner = self.runner.as_deref().or(told.runner.as_deref()).unwrap_or("github");
        let Some(runner) = Runner::ALL.into_iter().find(|known| known.name() == runner) else {
            return Err(
                Error::usage("runner", format!("unknown runner `{runner}`")).detail("expected", "github or gitlab")
            );
        };
        let usual = match runner {
            Runner::Github => github::ISSUER,
            Runner::Gitlab => gitlab::ISSUER,
        };
        let (mut github, mut gitlab) = (github::Job::default(), gitlab::Job::default());
        if let Some(path) = &self.claims {
            let claims = read_claims(&world.resolve(path)?)?;
            let issuer = claims.issuer();
            let issuer = if issuer.is_empty() { usual.to_owned() } else { issuer };
            return Ok(Job {
                runner,
                github,
                gitlab,
                claims: Some(claims),
                issuer,
                told_by: "the claims file",
                told: Told::default(),
            });
        }
        // A flag for the repository or the ref says "another job": the environment of the file's job is not that job's.
        let moved = self.repo.is_some() || self.r#ref.is_some() || self.event.is_some();
        let environment = self.environment.clone().or_else(|| told.environment.clone().filter(|_| !moved));
        let (repository, from) = match (&self.repo, &told.repository) {
            (Some(repository), _) => (repository.clone(), "flags"),
            (None, Some(repository)) => (repository.clone(), "[dry-run] of the edge file"),
            (None, None) => match (git_repository(world), otherwise) {
                (Ok(repository), _) => (repository, "the git checkout"),
                (Err(_), Some(repository)) => (repository.to_owned(), "no checkout: a made-up repository"),
                (Err(error), None) => return Err(error),
            },
        };
        // Another repository has other numbers, and a job of it need not run on the ref of the file's job.
        let own = |flag: &Option<String>, told: &Option<String>| {
            flag.clone().or_else(|| told.clone().filter(|_| self.repo.is_none()))
        };
        let git_ref = own(&self.r#ref, &told.r#ref);
        let said = Told {
            git_ref: git_ref.is_some() || from == "the git checkout",
            repository_id: own(&self.repository_id, &told.repository_id),
            owner_id: own(&self.owner_id, &told.owner_id),
        };
        let git_ref = match (git_ref, from) {
            (Some(git_ref), _) => git_ref,
            (None, "the git checkout") => git_branch(world)?,
            (None, _) => "refs/heads/main".to_owned(),
        };
        let event = self.event.clone().or_else(|| told.event.clone()).unwrap_or_else(|| "push".to_owned());
        match runner {
            Runner::Github => {
                let full = if git_ref.starts_with("refs/") { git_ref } else { format!("refs/heads/{git_ref}") };
                github = github::Job::new(&repository, &full);
                if event == "pull_request" {
                    github = github.pull_request(7, "topic", "main");
                }
                (github.event_name, github.environment, github.immutable) = (event, environment, self.immutable);
                replace(&mut github.repository_id, &said.repository_id);
                replace(&mut github.owner_id, &said.owner_id);
            }
            Runner::Gitlab => {
                let (kind, name) = match (git_ref.strip_prefix("refs/tags/"), git_ref.strip_prefix("refs/heads/")) {
                    (Some(tag), _) => ("tag", tag),
                    (None, Some(branch)) => ("branch", branch),
                    (None, None) => ("branch", git_ref.as_str()),
                };
                gitlab = gitlab::Job::new(&repository, name, kind);
                // GitLab protects the default branch of every new project.
                gitlab.ref_protected = name == "main" || name == "master";
                (gitlab.pipeline_source, gitlab.environment) = (event, environment);
                replace(&mut gitlab.project_id, &said.repository_id);
                replace(&mut gitlab.namespace_id, &said.owner_id);
            }
        }
        let told_by = if moved || self.environment.is_some() { "flags" } else { from };
        Ok(Job { runner, github, gitlab, claims: None, issuer: usual.to_owned(), told_by, told: said })
    }
}

impl Job {
    /// The claims that were said and what follows from them, for a rule: nothing that is made up for a rehearsal.
    ///
    /// # Errors
    /// A usage error: a subject with ids, and nobody said which.
    pub fn known(&self) -> Result<Claims> {
        if let Some(claims) = &self.claims {
            return Ok(claims.clone());
        }
        let (all, ids, branch) = match self.runner {
            Runner::Github => {
                let all = self.github.claims(&self.issuer, "", OffsetDateTime::UNIX_EPOCH);
                (all, ["repository_id", "repository_owner_id"], self.github.event_name != "pull_request")
            }
            Runner::Gitlab => {
                let all = self.gitlab.claims(&self.issuer, "", OffsetDateTime::UNIX_EPOCH);
                (all, ["project_id", "namespace_id"], true)
            }
        };
        let said = [self.told.repository_id.is_some(), self.told.owner_id.is_some()];
        if self.runner == Runner::Github && self.github.immutable && said.contains(&false) {
            return Err(Error::usage("no-ids", "the subject with ids cannot be written: nobody said which ids")
                .detail("expected", "--repository-id and --owner-id, or both in [dry-run] of the edge file")
                .hint("`gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints them"));
        }
        let names = ["sub", "repository", "repository_owner", "project_path", "namespace_path", "environment"];
        let event = ["event_name", "pipeline_source"];
        let git_ref = ["ref", "ref_type", "ref_path"].into_iter().filter(|_| self.told.git_ref && branch);
        let ids = ids.into_iter().zip(said).filter(|(_, said)| *said).map(|(name, _)| name);
        let mut known = Claims::default();
        for name in names.into_iter().chain(event).chain(git_ref).chain(ids) {
            if let Some(value) = all.value(name) {
                known.set(name, value.clone());
            }
        }
        Ok(known)
    }
}

fn replace(made_up: &mut String, said: &Option<String>) {
    if let Some(said) = said {
        said.clone_into(made_up);
    }
}

fn read_claims(path: &Path) -> Result<Claims> {
    let unreadable =
        |why: String| Error::usage("claims-file", format!("cannot read the claims in {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_CLAIMS {
        return Err(unreadable(format!("it has {size} bytes, more than {MAX_CLAIMS}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    // As strictly as a trust policy: which of two claims of one name counts, readers disagree.
    let why = match trust::read_json(&text) {
        Ok(Value::Object(claims)) => return Ok(Claims::new(claims)),
        Ok(_) => "it holds something else".to_owned(),
        Err(why) => why,
    };
    Err(unreadable(format!("it is not a JSON object of claims: {why}"))
        .hint("`jobpass token --format json` prints a job's claims; the file holds the object under unverified-claims"))
}

fn git(world: &World, args: &[&str]) -> Result<String> {
    let none = |why: String| {
        Error::usage("no-job", format!("the job to stand in for is not known: {why}"))
            .hint("name it with --repo OWNER/NAME --ref refs/heads/BRANCH, or in a [dry-run] table of the edge file")
    };
    let mut command = Command::new("git");
    if let Some(directory) = &world.directory {
        command.current_dir(directory);
    }
    let output = command.args(args).output().map_err(|error| none(format!("git cannot be run: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if !output.status.success() || text.is_empty() {
        return Err(none(format!("`git {}` gives nothing here", args.join(" "))));
    }
    Ok(text)
}

/// `OWNER/NAME` of the remote `origin`: `git@HOST:OWNER/NAME.git`, `https://HOST/OWNER/NAME`, `ssh://…`.
fn git_repository(world: &World) -> Result<String> {
    let url = git(world, &["remote", "get-url", "origin"])?;
    repository_of(&url).ok_or_else(|| {
        Error::usage("no-job", "the remote `origin` names no repository of the form OWNER/NAME")
            .hint("name it with --repo OWNER/NAME")
    })
}

fn repository_of(url: &str) -> Option<String> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => url.split_once(':').map_or(url, |(_, path)| path),
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    (path.contains('/') && path.split('/').all(name)).then(|| path.to_owned())
}

fn git_branch(world: &World) -> Result<String> {
    git(world, &["symbolic-ref", "HEAD"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_of_remotes() {
        for (url, repository) in [
            ("git@github.com:acme/shop.git", Some("acme/shop")),
            ("https://github.com/acme/shop", Some("acme/shop")),
            ("https://user@gitlab.com/acme/team/shop.git", Some("acme/team/shop")),
            ("ssh://git@github.com:22/acme/shop.git", Some("acme/shop")),
            ("shop", None),
            ("https://github.com/", None),
        ] {
            assert_eq!(repository_of(url).as_deref(), repository, "{url}");
        }
    }

    #[test]
    fn flags_win_over_the_file_and_another_job_has_not_the_files_environment() {
        let rehearsal = Rehearsal {
            repository: Some("acme/shop".to_owned()),
            environment: Some("production".to_owned()),
            ..Rehearsal::default()
        };
        let job = JobArgs::default().settle(Some(&rehearsal), None, &World::nothing()).ok().unwrap();
        assert_eq!(job.github.subject(), "repo:acme/shop:environment:production");
        let args = JobArgs { r#ref: Some("topic".to_owned()), ..JobArgs::default() };
        let job = args.settle(Some(&rehearsal), None, &World::nothing()).ok().unwrap();
        assert_eq!(job.github.subject(), "repo:acme/shop:ref:refs/heads/topic");
    }
}
