//! Who else would get in, and what is written wrong: the rules over one trust policy, or over one workflow.
//!
//! A rule decides by tokens where it can: a battery of them (`src/trust/probe`) goes through the evaluators, and a finding shows
//! the first that was admitted. Only what no token can show (a dead key, a literal `*`) is read from the text. Pure.

mod audience;
mod aws;
mod entra;
mod examined;
mod foreign;
mod gcp;
mod issuers;
mod offline;
mod registry;
mod shared;
mod subjects;
mod workflow;

pub use registry::{Rule, rules};

use std::fmt;

use serde::Serialize;

use self::examined::Examined;
use super::places::{Place, Places};
use super::workflow::Workflow;
use super::{Rules, TrustPolicy};
use crate::claims::Claims;
use crate::edge::Edge;

/// How bad a finding is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; a safe trust policy can have it.
    Info,
    /// Untidy, or wide on purpose.
    Low,
    /// Dead, fragile, or wider than needed.
    Medium,
    /// Somebody gets in who should not, inside the organisation or by a likely change.
    High,
    /// Anybody gets in.
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Severity; 5] =
        [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    /// The name as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong with a trust policy or a workflow.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The rule's severity, or a milder one where what is written beside it takes the edge off.
    pub severity: Severity,
    /// JSON pointer into the file.
    pub path: String,
    /// Where that stands.
    pub place: Option<Place>,
    /// What is wrong here, in one line.
    pub message: String,
    /// The subjects of the tokens that were admitted and should not be.
    pub admits: Vec<String>,
    /// The first of these tokens as a whole.
    pub token: Option<Claims>,
    /// The claims in which it is another than the intended job's, by name; some of them it may lack.
    pub unlike: Vec<String>,
}

/// What is known beside the trust policy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Now, in seconds since 1970: when the tokens of the battery are issued.
    pub now: i64,
    /// The edge that the trust policy is for.
    pub edge: Option<&'a Edge>,
}

/// What the rules find, and how much was decided for it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings, the worst first, then in the file's order.
    pub findings: Vec<Finding>,
    /// How many tokens were decided.
    pub decisions: usize,
}

/// Every rule over one trust policy.
#[must_use]
pub fn lint(trust: &TrustPolicy, options: &Options<'_>) -> Report {
    let all: Vec<Examined<'_>> = match &trust.rules {
        Rules::Aws(rules) => rules.facts().into_iter().filter_map(|role| Examined::role(role, options)).collect(),
        Rules::Gcp(rules) => vec![Examined::provider(rules, options)],
        Rules::Azure(rules) => rules.facts().into_iter().map(|one| Examined::credential(one, options)).collect(),
    };
    let mut report = Report { findings: Vec::new(), decisions: all.iter().map(|one| one.decisions).sum() };
    for rule in rules() {
        for examined in &all {
            rule.run(examined, &mut report.findings);
        }
    }
    in_order(&mut report.findings, &trust.places);
    report
}

/// Every rule over one workflow; `edges` are those of the edge file in use, for what they demand of a job.
#[must_use]
pub fn lint_workflow(workflow: &Workflow, edges: &[Edge]) -> Report {
    let mut report = Report::default();
    for rule in rules() {
        rule.run_over(workflow, edges, &mut report.findings);
    }
    in_order(&mut report.findings, &workflow.places);
    report
}

/// The worst first, then as they stand in the file.
fn in_order(findings: &mut [Finding], places: &Places) {
    for finding in findings.iter_mut() {
        finding.place = places.find(&finding.path);
    }
    let line = |finding: &Finding| finding.place.map_or((0, 0), |place| (place.line, place.column));
    findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), line(finding), finding.rule.code));
}
