//! GitLab: the intended job by a trust policy's subject and claims, and what other jobs would present.

use time::OffsetDateTime;

use super::github::other_case;
use super::wanted::{ANY, ONE, Wanted, fill, name};
use super::{Probe, SIBLING, STRANGER, Token, UNREVIEWED, template};
use crate::claims::Claims;
use crate::claims::gitlab::Job;

/// Claims that a subject can be made of.
const KEYS: [&str; 8] = [
    "project_path",
    "project_id",
    "ref_type",
    "ref",
    "namespace_id",
    "namespace_path",
    "ref_protected",
    "environment_protected",
];
const DEFAULT: [&str; 3] = ["project_path", "ref_type", "ref"];
const OTHER_IDS: (&str, &str) = ("990000001", "990000002");

#[derive(Clone)]
struct Identity {
    job: Job,
    template: Vec<String>,
    extra: Vec<(String, String)>,
    verbatim: Option<String>,
}

impl Identity {
    fn of(wanted: &Wanted) -> Identity {
        let mut identity = Identity {
            job: Job::default(),
            template: DEFAULT.map(str::to_owned).to_vec(),
            extra: Vec::new(),
            verbatim: None,
        };
        for (claim, pattern) in wanted.claims.iter().filter(|(claim, _)| *claim != "sub" && *claim != "aud") {
            identity.set(claim, pattern.text());
        }
        if let Some(pattern) = wanted.claim("sub").filter(|pattern| !pattern.is_open()) {
            let parts = template::parse(pattern.text(), &KEYS, &[]).unwrap_or_default();
            parts.iter().for_each(|(key, text)| identity.set(key, text));
            let keys: Vec<String> = parts.iter().map(|(key, _)| (*key).to_owned()).collect();
            let begins_open = pattern.text().starts_with([ANY, ONE]);
            if !begins_open && !keys.is_empty() && !DEFAULT.iter().take(keys.len()).eq(keys.iter()) {
                identity.template = keys;
            }
            if !pattern.fits(&identity.subject()) {
                // With the usual parts behind those that are written out.
                identity.template.extend(["ref_type", "ref"].map(str::to_owned));
            }
            if !pattern.fits(&identity.subject()) {
                identity.verbatim = Some(fill(pattern.text(), "x", 'x'));
            }
        }
        identity
    }

    fn set(&mut self, claim: &str, text: &str) {
        let job = &mut self.job;
        match claim {
            "project_path" => job.project_path = path(text),
            "namespace_path" => job.project_path = format!("{}/shop", name(text, "acme").trim_end_matches('/')),
            "project_id" => job.project_id = name(text, "456789"),
            "namespace_id" => job.namespace_id = name(text, "123456"),
            "ref" => job.git_ref = fill(text, "main", 'm'),
            "ref_path" => job.git_ref = fill(text, "main", 'm').replace("refs/heads/", "").replace("refs/tags/", ""),
            "ref_type" => job.ref_type = name(text, "branch"),
            "ref_protected" => job.ref_protected = name(text, "true") == "true",
            "pipeline_source" => job.pipeline_source = name(text, "push"),
            "user_login" => job.user_login = name(text, "developer"),
            "environment" => job.environment = Some(name(text, "production")),
            "runner_environment" => job.runner_environment = name(text, "gitlab-hosted"),
            "project_visibility" => job.visibility = name(text, "private"),
            _ => self.extra.push((claim.to_owned(), name(text, "value"))),
        }
    }

    fn subject(&self) -> String {
        if let Some(verbatim) = &self.verbatim {
            return verbatim.clone();
        }
        let Job { project_path, git_ref, ref_type, project_id, namespace_id, .. } = &self.job;
        let value = |key: &str| match key {
            "project_path" => project_path.clone(),
            "project_id" => project_id.clone(),
            "ref_type" => ref_type.clone(),
            "ref" => git_ref.clone(),
            "namespace_id" => namespace_id.clone(),
            "namespace_path" => self.job.namespace().to_owned(),
            "ref_protected" => self.job.ref_protected.to_string(),
            _ => "false".to_owned(),
        };
        self.template.iter().map(|key| format!("{key}:{}", value(key))).collect::<Vec<_>>().join(":")
    }

    fn claims(&self, wanted: &Wanted, now: i64) -> Claims {
        let moment = OffsetDateTime::from_unix_timestamp(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let claims = self.job.claims(&wanted.issuer, &wanted.audience, moment);
        let mut claims = super::without(&claims, "jti");
        for (name, value) in &self.extra {
            claims.set(name, value.as_str());
        }
        claims.set("sub", self.subject());
        claims
    }

    fn project(&self, path: String, same_group: bool) -> Identity {
        let mut other = Identity { verbatim: None, ..self.clone() };
        other.job.project_path = path;
        other.job.project_id = OTHER_IDS.1.to_owned();
        if !same_group {
            other.job.namespace_id = OTHER_IDS.0.to_owned();
            other.job.user_login = "stranger".to_owned();
        }
        other
    }

    fn run_of(&self, git_ref: &str, ref_type: &str, source: &str) -> Identity {
        let mut other = Identity { verbatim: None, ..self.clone() };
        (other.job.git_ref, other.job.ref_type) = (git_ref.to_owned(), ref_type.to_owned());
        other.job.pipeline_source = source.to_owned();
        (other.job.ref_protected, other.job.environment) = (false, None);
        other
    }
}

fn path(text: &str) -> String {
    let filled = name(text, "acme/shop");
    match filled.strip_suffix('/') {
        Some(group) => format!("{group}/shop"),
        None if filled.contains('/') => filled,
        None => format!("{filled}/shop"),
    }
}

/// The intended job and the others.
pub(super) fn tokens(wanted: &Wanted, now: i64) -> Vec<Token> {
    let intended = Identity::of(wanted);
    let mut all = Vec::new();
    let mut add =
        |probe, identity: &Identity| all.push(Token::new(probe, &wanted.issuer, identity.claims(wanted, now)));
    add(Probe::Intended, &intended);
    let whole = intended.job.project_path.clone();
    let (top, rest) = whole.split_once('/').unwrap_or((STRANGER, SIBLING));
    let (group, own) = whole.rsplit_once('/').unwrap_or((STRANGER, SIBLING));
    add(Probe::Stranger, &intended.project(format!("{STRANGER}/{rest}"), false));
    add(Probe::Stranger, &intended.project(format!("{}/{rest}", "z".repeat(top.len())), false));
    for squat in [format!("{top}-evil"), format!("{top}x"), format!("not{top}")] {
        add(Probe::Squat, &intended.project(format!("{squat}/{rest}"), false));
    }
    add(Probe::Sibling, &intended.project(format!("{group}/{SIBLING}"), true));
    for near in [format!("{own}-evil"), format!("{own}x"), format!("not-{own}")] {
        add(Probe::NamePrefix, &intended.project(format!("{group}/{near}"), true));
    }
    add(Probe::OtherBranch, &intended.run_of(UNREVIEWED, "branch", "push"));
    add(Probe::OtherTag, &intended.run_of(UNREVIEWED, "tag", "push"));
    add(Probe::PullRequest, &intended.run_of(UNREVIEWED, "branch", "merge_request_event"));
    let mut environment = intended.clone();
    environment.job.environment = Some(UNREVIEWED.to_owned());
    add(Probe::OtherEnvironment, &environment);
    let mut recycled = intended.clone();
    (recycled.job.namespace_id, recycled.job.project_id) = (OTHER_IDS.0.to_owned(), OTHER_IDS.1.to_owned());
    add(Probe::Recycled, &recycled);
    let mut case = Identity { verbatim: None, ..intended.clone() };
    case.job.project_path = other_case(&whole);
    add(Probe::Case, &case);
    let mut person = intended.clone();
    person.job.user_login = "somebody-else".to_owned();
    person.extra.retain(|(name, _)| !name.starts_with("user_"));
    for claim in ["user_id", "user_email"] {
        person.extra.push((claim.to_owned(), "somebody-else".to_owned()));
    }
    add(Probe::OtherActor, &person);
    all
}

#[cfg(test)]
mod tests {
    use super::super::Pattern;
    use super::*;

    #[test]
    fn the_intended_job_of_a_subject() {
        for (pattern, expected) in [
            ("project_path:g/p:ref_type:branch:ref:main", "project_path:g/p:ref_type:branch:ref:main"),
            ("project_path:g/*", "project_path:g/shop:ref_type:branch:ref:main"),
            ("project_path:g/s/*:ref_type:tag:ref:v*", "project_path:g/s/shop:ref_type:tag:ref:vmain"),
            ("project_id:7:*", "project_id:7:ref_type:branch:ref:main"),
            ("project_path:*", "project_path:acme/shop:ref_type:branch:ref:main"),
            ("*:ref_type:branch:ref:live", "project_path:acme/shop:ref_type:branch:ref:live"),
        ] {
            let wanted = Wanted {
                issuer: "https://gitlab.com".to_owned(),
                claims: [("sub".to_owned(), Pattern::like(pattern))].into(),
                ..Wanted::default()
            };
            let subject = tokens(&wanted, 0)[0].claims.subject();
            assert_eq!(subject, expected, "{pattern}");
        }
    }
}
