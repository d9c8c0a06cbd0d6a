//! Which claims a rule compares with what: the subject exactly, the numbers that are never given to another repository where
//! they are known, and what the edge's `require` table asks for beyond the subject.

use super::Wanted;
use crate::claims::Claims;
use crate::error::{Error, Result};

/// Claims of the two issuers that name the same thing: repository, its number, its owner's number.
const NAMES: [[&str; 3]; 2] =
    [["repository", "repository_id", "repository_owner_id"], ["project_path", "project_id", "namespace_id"]];
/// Claims that are no text in the token, or that no rule can hold fast.
const NO_TEXT: [&str; 5] = ["runner_id", "iat", "nbf", "exp", "jti"];

/// One claim and the values it may have.
#[derive(Clone, Debug)]
pub(super) struct Pin {
    pub(super) claim: String,
    pub(super) values: Vec<String>,
}

/// All that a rule compares.
#[derive(Clone, Debug)]
pub(super) struct Pins {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) subject: String,
    /// Beyond the subject, in the order they are written.
    pub(super) more: Vec<Pin>,
    pub(super) notices: Vec<String>,
    /// Whether the numbers of repository and owner are compared, by the subject or beside it.
    pub(super) has_ids: bool,
}

impl Pins {
    /// # Errors
    /// The job has no subject; the edge's own table keeps it out; a value holds a control character.
    pub(super) fn of(wanted: &Wanted<'_>) -> Result<Pins> {
        let (edge, known) = (wanted.edge, wanted.known);
        let subject = known.subject();
        if subject.is_empty() {
            return Err(Error::usage("render-job", format!("{}: the job's claims have no `sub`", edge.title()))
                .hint("name the job with --repo and --ref, or give all its claims with --claims FILE"));
        }
        let required = required(wanted)?;
        let names = NAMES.iter().find(|names| known.value(names[0]).is_some()).unwrap_or(&NAMES[0]);
        let mut pins = Pins {
            issuer: wanted.issuer.to_owned(),
            audience: edge.audience.clone(),
            subject,
            more: Vec::new(),
            notices: Vec::new(),
            has_ids: false,
        };
        pins.ids(names, known, &required);
        let by_name = ["repo:", "project_path:"].iter().any(|prefix| pins.subject.starts_with(prefix));
        if !by_name && !pins.has_ids {
            // A subject made by a template of one's own need not name the repository.
            pins.one(names[0], known);
        }
        if !pins.says("environment", known) {
            pins.one("environment", known);
        }
        if !pins.says("ref", known) && !pins.subject.ends_with(":pull_request") {
            match known.value("ref") {
                Some(_) => pins.one("ref", known),
                None if required.iter().any(|(claim, _)| *claim == "ref") => {}
                None => pins.notices.push(
                    "the subject names no ref and none was named: a job of any ref with this subject gets in; name one with --ref"
                        .to_owned(),
                ),
            }
        }
        for (claim, values) in required {
            pins.required(claim, values, known);
        }
        if pins.subject.ends_with(":pull_request") {
            pins.notices.push(
                "every pull request of the repository has this subject, reviewed or not: grant nothing that writes"
                    .to_owned(),
            );
        }
        pins.written_on_one_line()?;
        Ok(pins)
    }

    fn ids(&mut self, names: &[&'static str; 3], known: &Claims, required: &[(&str, &[String])]) {
        let value = |name: &str| match required.iter().find(|(claim, _)| *claim == name) {
            Some((_, [one])) => Some(one.clone()),
            _ => known.text(name),
        };
        let [_, repository, owner] = *names;
        for name in [repository, owner] {
            if let Some(id) = value(name) {
                self.more.push(Pin { claim: name.to_owned(), values: vec![id] });
            }
        }
        self.has_ids = self.more.iter().any(|pin| pin.claim == repository);
        if !self.has_ids {
            self.notices.push(format!(
                "the rule goes by names, and a freed name can be taken by somebody else: give the numbers with --repository-id and --owner-id ({})",
                if repository == "project_id" {
                    "CI_PROJECT_ID and CI_PROJECT_NAMESPACE_ID of a job show them"
                } else {
                    "`gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints them"
                }
            ));
        } else if repository == "repository_id" && !self.subject.contains('@') && self.subject.starts_with("repo:") {
            self.notices.push(
                "the subject is the classic one; a repository created, renamed or transferred since 2026-07-15 has ids in it: --immutable"
                    .to_owned(),
            );
        }
    }

    fn one(&mut self, claim: &str, known: &Claims) {
        if let Some(value) = known.text(claim) {
            self.more.push(Pin { claim: claim.to_owned(), values: vec![value] });
        }
    }

    /// Whether the subject says what this claim says, by itself.
    fn says(&self, claim: &str, known: &Claims) -> bool {
        let Some(value) = known.text(claim) else { return false };
        // A `:` is `%3A` in the subject, and so is a `%3A`: the subject alone cannot tell them apart.
        if value.contains([':', '%']) {
            return false;
        }
        match claim {
            "repository" => self.subject.starts_with(&format!("repo:{value}:")),
            "repository_owner" => self.subject.starts_with(&format!("repo:{value}/")),
            "project_path" => self.subject.starts_with(&format!("project_path:{value}:")),
            "environment" => self.subject.ends_with(&format!(":environment:{value}")),
            "ref" => self.subject.ends_with(&format!(":ref:{value}")),
            _ => false,
        }
    }

    fn required(&mut self, claim: &str, values: &[String], known: &Claims) {
        if NO_TEXT.contains(&claim) {
            self.notices
                .push(format!("`{claim}` of the require table is no text in the token: only jobpass checks it"));
        } else if let Some(value) = known.text(claim) {
            if values.len() > 1 {
                self.notices.push(format!(
                    "the require table has {} values of `{claim}`, the rule has this job's, `{value}`: render one for each",
                    values.len()
                ));
            }
            if !self.says(claim, known) && !self.more.iter().any(|pin| pin.claim == claim) {
                self.one(claim, known);
            }
        } else if !self.more.iter().any(|pin| pin.claim == claim) {
            self.more.push(Pin { claim: claim.to_owned(), values: values.to_vec() });
        }
    }

    fn written_on_one_line(&self) -> Result<()> {
        let values = self.more.iter().flat_map(|pin| std::iter::once(&pin.claim).chain(&pin.values));
        for text in [&self.issuer, &self.audience, &self.subject].into_iter().chain(values) {
            if text.chars().any(char::is_control) {
                return Err(super::unwritable(format!("`{}` holds a control character", text.escape_debug())));
            }
        }
        Ok(())
    }
}

/// The edge's table, which the job has to pass: a rule that lets in what the gate keeps out would help nobody.
fn required<'a>(wanted: &Wanted<'a>) -> Result<Vec<(&'a str, &'a [String])>> {
    let mut all = Vec::new();
    for (claim, values) in &wanted.edge.require {
        let presented = match claim.as_str() {
            "aud" => Some(wanted.edge.audience.clone()),
            "iss" => Some(wanted.issuer.to_owned()),
            other => wanted.known.text(other),
        };
        if let Some(presented) = presented
            && !values.contains(&presented)
        {
            let message = format!("{}: its own require table keeps this job out", wanted.edge.title());
            return Err(Error::usage("render-job", message)
                .detail(format!("expected {claim}"), values.join(" or "))
                .detail(format!("presented {claim}"), presented)
                .hint("name the job that the edge is for with --repo, --ref, --environment and --event"));
        }
        if !["aud", "iss", "sub"].contains(&claim.as_str()) {
            all.push((claim.as_str(), values.as_slice()));
        }
    }
    Ok(all)
}
