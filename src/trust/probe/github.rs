//! GitHub: the intended job by a trust policy's subject and claims, and what other jobs would present.

use time::OffsetDateTime;

use super::wanted::{Wanted, fill, name};
use super::{Probe, SIBLING, STRANGER, Token, UNREVIEWED, template};
use crate::claims::Claims;
use crate::claims::github::Job;

/// Claims that a subject can be made of.
const KEYS: [&str; 22] = [
    "repo",
    "repository",
    "repository_owner",
    "repository_id",
    "repository_owner_id",
    "repository_visibility",
    "job_workflow_ref",
    "job_workflow_sha",
    "environment",
    "ref",
    "ref_type",
    "workflow",
    "workflow_ref",
    "actor",
    "actor_id",
    "event_name",
    "head_ref",
    "base_ref",
    "run_id",
    "run_number",
    "run_attempt",
    "runner_environment",
];
/// Ids of owners and repositories that are not the intended ones.
const OTHER_IDS: (&str, &str) = ("990000001", "990000002");

/// A job as a trust policy means it.
#[derive(Clone)]
struct Identity {
    job: Job,
    /// Where it is another one than the job's own.
    job_workflow_ref: Option<String>,
    /// The claims of a customised subject.
    template: Option<Vec<String>>,
    /// Claims that follow from nothing else.
    extra: Vec<(String, String)>,
    /// A subject that cannot be made from claims.
    verbatim: Option<String>,
}

impl Identity {
    fn of(wanted: &Wanted) -> Identity {
        let mut job = Job::new("acme/shop", "refs/heads/main");
        let mut extra = Vec::new();
        for (claim, pattern) in &wanted.claims {
            let text = |default: &str| name(pattern.text(), default);
            match claim.as_str() {
                "repository" => job.repository = repository(pattern.text()),
                "repository_owner" => job.repository = format!("{}/shop", text("acme")),
                "repository_id" => job.repository_id = text("456789"),
                "repository_owner_id" => job.owner_id = text("123456"),
                "environment" => job.environment = Some(text("production")),
                "ref" => job.git_ref = git_ref(pattern.text()),
                "event_name" => job.event_name = text("push"),
                "actor" => job.actor = text("developer"),
                "workflow" => job.workflow = text("deploy"),
                "repository_visibility" => job.visibility = text("private"),
                "runner_environment" => job.runner_environment = text("github-hosted"),
                "ref_protected" => job.ref_protected = text("true") == "true",
                "sub" | "aud" | "job_workflow_ref" => {}
                _ => extra.push((claim.clone(), text("value"))),
            }
        }
        if wanted.claims.contains_key("repository_owner")
            && let Some(repository) = wanted.claim("repository")
        {
            job.repository = self::repository(repository.text());
        }
        let workflow = wanted.claim("job_workflow_ref").map(|pattern| workflow(pattern.text()));
        let mut identity = Identity { job, job_workflow_ref: workflow, template: None, extra, verbatim: None };
        identity.read_subject(wanted);
        identity
    }

    /// What the subject says wins over the claims: it is what every cloud compares.
    fn read_subject(&mut self, wanted: &Wanted) {
        let Some(pattern) = wanted.claim("sub") else { return };
        if pattern.is_open() {
            return;
        }
        let parts = template::parse(pattern.text(), &KEYS, &["pull_request"]).unwrap_or_default();
        for (key, text) in &parts {
            match *key {
                "repo" | "repository" => self.read_repository(text),
                "repository_owner" => self.job.repository = format!("{}/shop", name(text, "acme")),
                "repository_id" => self.job.repository_id = name(text, "456789"),
                "repository_owner_id" => self.job.owner_id = name(text, "123456"),
                "environment" => self.job.environment = Some(name(text, "production").replace("%3A", ":")),
                "ref" => self.job.git_ref = git_ref(text),
                "workflow" => self.job.workflow = name(text, "deploy").replace("%3A", ":"),
                "event_name" => self.job.event_name = name(text, "push"),
                "actor" => self.job.actor = name(text, "developer"),
                "job_workflow_ref" => self.job_workflow_ref = Some(workflow(text)),
                "context" => {
                    self.job = self.job.clone().pull_request(7, "topic", "main");
                    self.job.environment = None;
                }
                other => self.extra.push((other.to_owned(), name(text, "value"))),
            }
        }
        let keys: Vec<&str> = parts.iter().map(|(key, _)| *key).collect();
        let default = matches!(keys.as_slice(), [] | ["repo"] | ["ref" | "environment" | "context"])
            || matches!(keys.as_slice(), ["repo", "ref" | "environment" | "context"]);
        // `ref:…` alone is a subject of its own making; behind a wildcard it is the end of a default one.
        let alone =
            keys.len() == 1 && keys.first().is_some_and(|key| *key != "repo" && pattern.text().starts_with(key));
        if !default || alone {
            self.template = Some(keys.iter().map(|key| (*key).to_owned()).collect());
        }
        if !pattern.fits(&self.subject()) {
            // The classic form fits not: perhaps the one with ids does (`repo:acme@*`).
            self.job.immutable = !self.job.immutable;
            if !pattern.fits(&self.subject()) {
                self.job.immutable = !self.job.immutable;
                self.verbatim = Some(fill(pattern.text(), "x", 'x'));
            }
        }
    }

    fn read_repository(&mut self, text: &str) {
        let (owner, name_part) = text.split_once('/').unwrap_or((text, ""));
        let id = |part: &str| part.split_once('@').map(|(_, id)| id.to_owned());
        if let Some(id) = id(owner) {
            self.job.owner_id = name(&id, "123456");
            self.job.immutable = true;
        }
        if let Some(id) = id(name_part) {
            self.job.repository_id = name(&id, "456789");
        }
        self.job.repository = repository(text);
    }

    fn subject(&self) -> String {
        if let Some(verbatim) = &self.verbatim {
            return verbatim.clone();
        }
        let Some(template) = &self.template else { return self.job.subject() };
        let whole = self.job.subject();
        let (repository, context) = whole
            .strip_prefix("repo:")
            .and_then(|rest| rest.split_once(':'))
            .map_or((String::new(), String::new()), |(repository, context)| {
                (repository.to_owned(), context.to_owned())
            });
        let own = self.claim_texts();
        let parts = template.iter().map(|key| match key.as_str() {
            "repo" => format!("repo:{repository}"),
            "context" => context.clone(),
            key => {
                let value = own.iter().find(|(name, _)| name == key).map(|(_, value)| value.replace(':', "%3A"));
                format!("{key}:{}", value.unwrap_or_default())
            }
        });
        parts.collect::<Vec<_>>().join(":")
    }

    /// The claims of which a customised subject can be made.
    fn claim_texts(&self) -> Vec<(String, String)> {
        let job = &self.job;
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut all = vec![
            own("repository", &job.repository),
            own("repository_owner", job.owner()),
            own("repository_id", &job.repository_id),
            own("repository_owner_id", &job.owner_id),
            own("repository_visibility", &job.visibility),
            own("environment", job.environment.as_deref().unwrap_or_default()),
            own("ref", &job.git_ref),
            own("workflow", &job.workflow),
            own("actor", &job.actor),
            own("event_name", &job.event_name),
            own("runner_environment", &job.runner_environment),
            own("job_workflow_ref", &self.workflow_ref()),
        ];
        all.extend(self.extra.iter().cloned());
        all
    }

    fn workflow_ref(&self) -> String {
        let Job { repository, workflow_file, git_ref, .. } = &self.job;
        let own = || format!("{repository}/.github/workflows/{workflow_file}@{git_ref}");
        self.job_workflow_ref.clone().unwrap_or_else(own)
    }

    fn claims(&self, wanted: &Wanted, now: i64) -> Claims {
        let moment = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let claims = self.job.claims(&wanted.issuer, &wanted.audience, moment);
        // Made anew for every token: the same file has to give the same findings.
        let mut claims = super::without(&claims, "jti");
        claims.set("job_workflow_ref", self.workflow_ref());
        for (name, value) in &self.extra {
            claims.set(name, value.as_str());
        }
        claims.set("sub", self.subject());
        claims
    }

    /// The same job in a repository of somebody else: names and refs are his to choose, ids and workflow are his own.
    fn of_stranger(&self, owner: &str) -> Identity {
        let mut other = self.elsewhere(owner, self.job.repository.split('/').nth(1).unwrap_or(SIBLING));
        other.job.owner_id = OTHER_IDS.0.to_owned();
        if self.begins_free() {
            // That he can make such a subject as well is a probe of its own.
            other.template = None;
        }
        other
    }

    /// Whether the subject begins with a claim that whoever writes a workflow chooses.
    fn begins_free(&self) -> bool {
        const FREE: [&str; 8] =
            ["environment", "ref", "workflow", "event_name", "head_ref", "base_ref", "run_attempt", "actor"];
        let first = self.template.as_ref().and_then(|template| template.first());
        first.is_some_and(|first| FREE.contains(&first.as_str()))
    }

    fn elsewhere(&self, owner: &str, name: &str) -> Identity {
        let mut other = self.clone();
        let own = format!("{owner}/{name}");
        other.job_workflow_ref =
            self.job_workflow_ref.as_ref().map(|path| match path.split_once("/.github/workflows/") {
                Some((_, file)) => format!("{own}/.github/workflows/{file}"),
                None => format!("{own}/.github/workflows/deploy.yml@{}", self.job.git_ref),
            });
        other.job.repository = own;
        other.job.repository_id = OTHER_IDS.1.to_owned();
        if self.job.actor.starts_with(self.job.owner()) {
            other.job.actor = format!("{owner}-developer");
        }
        other.verbatim = None;
        other
    }

    /// Another run of the same repository, by its own unreviewed workflow.
    fn run_of(&self, git_ref: &str) -> Identity {
        let mut other = self.clone();
        other.job.git_ref = git_ref.to_owned();
        other.job.environment = None;
        other.job.event_name = "push".to_owned();
        (other.job.head_ref, other.job.base_ref) = (None, None);
        other.job.ref_protected = false;
        (other.job_workflow_ref, other.verbatim) = (None, None);
        // A subject by environment is not made for a job without one; the default's context takes its place.
        other
    }
}

/// `OWNER/NAME` of a text with wildcards and perhaps ids.
fn repository(text: &str) -> String {
    let (owner, own) = text.split_once('/').unwrap_or((text, ""));
    let plain = |part: &str, default: &str| name(part.split('@').next().unwrap_or_default(), default);
    format!("{}/{}", plain(owner, "acme"), plain(own, "shop"))
}

fn git_ref(text: &str) -> String {
    let filled = fill(text, "main", 'm');
    if filled.starts_with("refs/") { filled } else { format!("refs/heads/{filled}") }
}

fn workflow(text: &str) -> String {
    match text.split_once('@') {
        Some((path, at)) => format!("{}@{}", workflow_path(path), git_ref(at)),
        None => format!("{}@refs/heads/main", workflow_path(text)),
    }
}

fn workflow_path(text: &str) -> String {
    match text.split_once("/.github/workflows/") {
        Some((of, file)) => format!("{}/.github/workflows/{}", repository(of), fill(file, "deploy.yml", 'd')),
        None => format!("{}/.github/workflows/deploy.yml", repository(text)),
    }
}

/// The intended job and the others.
pub(super) fn tokens(wanted: &Wanted, now: i64) -> Vec<Token> {
    let intended = Identity::of(wanted);
    let mut all = Vec::new();
    let mut add =
        |probe, identity: &Identity| all.push(Token::new(probe, &wanted.issuer, identity.claims(wanted, now)));
    add(Probe::Intended, &intended);
    let (owner, own) = intended.job.repository.split_once('/').unwrap_or((STRANGER, SIBLING));
    add(Probe::Stranger, &intended.of_stranger(STRANGER));
    // A pattern that counts letters lets in names of that length only.
    add(Probe::Stranger, &intended.of_stranger(&"z".repeat(owner.len())));
    // And one who calls his repository as the owner is called.
    let mut namesake = intended.of_stranger(STRANGER);
    namesake.job.repository = format!("{STRANGER}/{owner}");
    add(Probe::Stranger, &namesake);
    for squat in [format!("{owner}-evil"), format!("{owner}x"), format!("not{owner}")] {
        add(Probe::Squat, &intended.of_stranger(&squat));
    }
    // Numbers are given out one after the other: one that begins alike is somebody's.
    let mut number = intended.of_stranger(STRANGER);
    number.job.owner_id = format!("{}0", intended.job.owner_id);
    number.job.repository_id = format!("{}0", intended.job.repository_id);
    add(Probe::Squat, &number);
    add(Probe::Sibling, &intended.elsewhere(owner, SIBLING));
    for near in [format!("{own}-evil"), format!("{own}x"), format!("not-{own}")] {
        add(Probe::NamePrefix, &intended.elsewhere(owner, &near));
    }
    if intended.job_workflow_ref.is_some() {
        for (probe, mut caller) in [
            (Probe::StrangerCalling, intended.of_stranger(STRANGER)),
            (Probe::SiblingCalling, intended.elsewhere(owner, SIBLING)),
        ] {
            caller.job_workflow_ref.clone_from(&intended.job_workflow_ref);
            add(probe, &caller);
        }
        let mut moved = intended.clone();
        moved.job_workflow_ref = intended
            .job_workflow_ref
            .as_deref()
            .map(|path| format!("{}@refs/heads/{UNREVIEWED}", path.split('@').next().unwrap_or_default()));
        add(Probe::OtherWorkflowRef, &moved);
    }
    add(Probe::OtherBranch, &intended.run_of(&format!("refs/heads/{UNREVIEWED}")));
    add(Probe::OtherTag, &intended.run_of(&format!("refs/tags/{UNREVIEWED}")));
    let mut pull = intended.run_of("refs/heads/main");
    pull.job = pull.job.pull_request(7, UNREVIEWED, "main");
    add(Probe::PullRequest, &pull);
    let mut environment = Identity { job_workflow_ref: None, verbatim: None, ..intended.clone() };
    environment.job.environment = Some(UNREVIEWED.to_owned());
    environment.job.event_name = "push".to_owned();
    add(Probe::OtherEnvironment, &environment);
    let mut recycled = Identity { verbatim: None, ..intended.clone() };
    (recycled.job.owner_id, recycled.job.repository_id) = (OTHER_IDS.0.to_owned(), OTHER_IDS.1.to_owned());
    add(Probe::Recycled, &recycled);
    let mut styled = Identity { verbatim: None, ..intended.clone() };
    styled.job.immutable = !styled.job.immutable;
    add(Probe::IdForm, &styled);
    customised(&intended, &mut add);
    if let Some(plain) = intended.job.environment.as_ref().filter(|name| name.contains(':')) {
        let mut twin = intended.clone();
        twin.job.environment = Some(plain.replace(':', "%3A"));
        add(Probe::Escaped, &twin);
    }
    let mut case = Identity { verbatim: None, ..intended.clone() };
    case.job.repository = format!("{}/{own}", other_case(owner));
    add(Probe::Case, &case);
    let mut actor = Identity { verbatim: None, ..intended.clone() };
    actor.job.actor = "somebody-else".to_owned();
    actor.extra.retain(|(name, _)| name != "actor_id");
    actor.extra.push(("actor_id".to_owned(), OTHER_IDS.0.to_owned()));
    add(Probe::OtherActor, &actor);
    all
}

/// What a stranger's own template makes of his job, where the trust policy means a subject that is not the default.
fn customised(intended: &Identity, add: &mut impl FnMut(Probe, &Identity)) {
    if intended.begins_free() {
        let mut stranger = intended.of_stranger(STRANGER);
        stranger.template.clone_from(&intended.template);
        stranger.job.actor.clone_from(&intended.job.actor);
        add(Probe::Customised, &stranger);
    }
}

/// The first letter in the other case.
pub(super) fn other_case(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(letters).collect(),
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use super::*;
    use crate::claims::github::ISSUER;

    fn wanted(claims: &[(&str, &str)]) -> Wanted {
        Wanted {
            issuer: ISSUER.to_owned(),
            audience: "sts.amazonaws.com".to_owned(),
            claims: claims.iter().map(|(name, text)| ((*name).to_owned(), Pattern::like(text))).collect(),
        }
    }

    fn subject(pattern: &str) -> String {
        let wanted = wanted(&[("sub", pattern)]);
        Identity::of(&wanted).claims(&wanted, 0).subject()
    }

    #[test]
    fn the_intended_job_of_a_subject() {
        for (pattern, expected) in [
            ("repo:acme/shop:environment:prod", "repo:acme/shop:environment:prod"),
            ("repo:octo/*", "repo:octo/shop:ref:refs/heads/main"),
            ("repo:octo*", "repo:octo/shop:ref:refs/heads/main"),
            ("repo:octo/app*", "repo:octo/app:ref:refs/heads/main"),
            ("repo:octo/app:*", "repo:octo/app:ref:refs/heads/main"),
            ("repo:octo/app:pull_request", "repo:octo/app:pull_request"),
            ("repo:octo@5/app@6:ref:refs/heads/x", "repo:octo@5/app@6:ref:refs/heads/x"),
            ("repo:octo@*", "repo:octo@123456/shop@456789:ref:refs/heads/main"),
            ("*", "repo:acme/shop:ref:refs/heads/main"),
            ("repo:*/*", "repo:acme/shop:ref:refs/heads/main"),
            ("*:ref:refs/heads/live", "repo:acme/shop:ref:refs/heads/live"),
            ("repo:????/app:*", "repo:aaaa/app:ref:refs/heads/main"),
            ("repo:octo/app:ref:refs/tags/v*", "repo:octo/app:ref:refs/tags/vmain"),
            ("environment:prod", "environment:prod"),
            ("ref:refs/heads/main", "ref:refs/heads/main"),
            ("repository_owner:octo:environment:a%3Ab", "repository_owner:octo:environment:a%3Ab"),
            ("repo:octo/app:environment:a%3Ab", "repo:octo/app:environment:a%3Ab"),
            ("workflow:deploy", "workflow:deploy"),
        ] {
            assert_eq!(subject(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn a_stranger_owns_its_ids_and_its_workflow() {
        let wanted = wanted(&[("job_workflow_ref", "acme/ci/.github/workflows/release.yml@refs/tags/v1")]);
        let tokens = tokens(&wanted, 0);
        let of = |probe: Probe| &tokens.iter().find(|token| token.probe == probe).unwrap().claims;
        let text = |probe, claim| of(probe).text(claim).unwrap();
        assert_eq!(
            text(Probe::Stranger, "job_workflow_ref"),
            "stranger-org/shop/.github/workflows/release.yml@refs/tags/v1"
        );
        assert_eq!(
            text(Probe::StrangerCalling, "job_workflow_ref"),
            "acme/ci/.github/workflows/release.yml@refs/tags/v1"
        );
        assert_ne!(text(Probe::Stranger, "repository_owner_id"), text(Probe::Intended, "repository_owner_id"));
        assert_eq!(text(Probe::Sibling, "repository_owner_id"), text(Probe::Intended, "repository_owner_id"));
        assert_ne!(text(Probe::Sibling, "repository_id"), text(Probe::Intended, "repository_id"));
        assert_eq!(of(Probe::PullRequest).subject(), "repo:acme/shop:pull_request");
        assert_eq!(of(Probe::Intended).value("jti"), None);
    }

    #[test]
    fn every_adversary_differs_from_the_intended_job() {
        let wanted = wanted(&[("sub", "repo:octo/app:environment:prod")]);
        let tokens = tokens(&wanted, 0);
        let intended = &tokens[0].claims;
        assert!(tokens.len() > 15);
        assert!(tokens.iter().skip(1).all(|token| token.claims != *intended));
    }
}
