//! The rules by their codes, and how one runs.

use super::examined::{Examined, Trial};
use super::{Finding, Severity, audience, aws, entra, gcp, issuers, offline, shared, subjects, workflow};
use crate::edge::Edge;
use crate::trust::workflow::Workflow;

/// One rule. Codes are stable: what a rule no longer finds leaves a gap.
#[derive(Debug)]
pub struct Rule {
    /// `TP001`.
    pub code: &'static str,
    /// How bad it usually is.
    pub severity: Severity,
    /// What it finds, in a few words.
    pub name: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    pub(super) check: Check,
}

/// How a rule finds what it finds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    /// Looks at one role, provider or credential.
    Of(fn(&Examined<'_>, &mut Hits<'_>)),
    /// Looks at a workflow, beside the edges of the edge file.
    OfWorkflow(fn(&Workflow, &[Edge], &mut Hits<'_>)),
    /// Needs what this check does not have; the text says what.
    NotHere(&'static str),
    /// Given by the command line, over several files.
    ByTheVerb,
}

impl Rule {
    /// What the rule would need, where it is not looked for.
    #[must_use]
    pub fn not_here(&self) -> Option<&'static str> {
        match self.check {
            Check::NotHere(why) => Some(why),
            Check::Of(_) | Check::OfWorkflow(_) | Check::ByTheVerb => None,
        }
    }

    pub(super) fn run(&'static self, examined: &Examined<'_>, findings: &mut Vec<Finding>) {
        if let Check::Of(check) = self.check {
            check(examined, &mut Hits { rule: self, from: findings.len(), findings });
        }
    }

    pub(super) fn run_over(&'static self, workflow: &Workflow, edges: &[Edge], findings: &mut Vec<Finding>) {
        if let Check::OfWorkflow(check) = self.check {
            check(workflow, edges, &mut Hits { rule: self, from: findings.len(), findings });
        }
    }

    /// A finding of this rule about a whole file, for what only the command line knows.
    #[must_use]
    pub fn about(&'static self, path: &str, message: impl Into<String>) -> Finding {
        Finding {
            rule: self,
            severity: self.severity,
            path: path.to_owned(),
            place: None,
            message: message.into(),
            admits: Vec::new(),
            token: None,
            unlike: Vec::new(),
        }
    }
}

/// Where a rule puts what it finds.
pub(super) struct Hits<'f> {
    rule: &'static Rule,
    from: usize,
    findings: &'f mut Vec<Finding>,
}

impl Hits<'_> {
    /// Something in the text.
    pub(super) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.milder(self.rule.severity, path, message);
    }

    /// Something in the text that is less bad here.
    pub(super) fn milder(&mut self, severity: Severity, path: &str, message: impl Into<String>) {
        let message = message.into();
        let known = self.findings.iter().skip(self.from).any(|one| one.path == path && one.message == message);
        if !known {
            self.findings.push(Finding { severity, ..self.rule.about(path, message) });
        }
    }

    /// A token that gets in.
    pub(super) fn admit(&mut self, severity: Severity, trial: &Trial, message: impl Into<String>) {
        let subject = trial.claims.subject();
        let same = |one: &&mut Finding| one.path == trial.path && one.severity == severity;
        if let Some(known) = self.findings.iter_mut().skip(self.from).find(same) {
            if !known.admits.contains(&subject) {
                known.admits.push(subject);
            }
            return;
        }
        let mut message = message.into();
        if trial.perhaps {
            message.push_str("; what would keep it out is not documented, or cannot be told offline");
        }
        self.findings.push(Finding {
            severity,
            admits: vec![subject],
            token: Some(trial.claims.clone()),
            unlike: trial.unlike.clone(),
            ..self.rule.about(&trial.path, message)
        });
    }

    /// The rule's own severity.
    pub(super) fn severity(&self) -> Severity {
        self.rule.severity
    }
}

/// Every rule, in the order of the codes.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let families: [&'static [Rule]; 9] = [
        &shared::RULES,
        &subjects::RULES,
        &audience::RULES,
        &aws::RULES,
        &gcp::RULES,
        &entra::RULES,
        &issuers::RULES,
        &workflow::RULES,
        &offline::RULES,
    ];
    families.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        let codes: Vec<&str> = rules().map(|rule| rule.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        assert!(codes.iter().all(|code| code.len() == 5 && code.starts_with("TP")));
        assert!(rules().all(|rule| !rule.why.is_empty() && !rule.fix.is_empty() && !rule.name.ends_with('.')));
    }
}
