//! Rules that are in the catalogue and not looked for here, each with what it would need; and those about the files as such.

use super::Severity;
use super::registry::{Check, Rule};

pub(super) const NAMESPACE: Rule = Rule {
    code: "TP009",
    severity: Severity::High,
    name: "a namespace that nobody owns",
    why: "whoever registers the name gets in",
    fix: "remove what names it",
    check: Check::NotHere("asks the issuer's service whether the organisation exists"),
};
pub(super) const PROTECTION: Rule = Rule {
    code: "TP011",
    severity: Severity::Medium,
    name: "an environment without protection rules",
    why: "a name that whoever writes a workflow can choose protects nothing",
    fix: "give the environment required reviewers or branch rules, and compare the repository as well",
    check: Check::NotHere("asks GitHub for the environment's protection rules"),
};
pub(super) const TEMPLATE: Rule = Rule {
    code: "TP017",
    severity: Severity::Medium,
    name: "a subject of another template than the repository's",
    why: "a repository has one template for its subjects; what was written for another one never fits",
    fix: "compare with the template in force",
    check: Check::NotHere("asks GitHub for the repository's subject template"),
};

/// About the files and exemptions, given by the command line.
pub(super) const RULES: [Rule; 4] = [
    Rule {
        code: "TP090",
        severity: Severity::High,
        name: "an exemption past its date",
        why: "somebody said until when this may stay, and that day is over; what it hid is shown again",
        fix: "repair what it was for, or decide anew and write another date",
        check: Check::ByTheVerb,
    },
    Rule {
        code: "TP091",
        severity: Severity::Low,
        name: "an exemption that hides nothing",
        why: "what it was for is gone, and it would hide the next one",
        fix: "remove it",
        check: Check::ByTheVerb,
    },
    Rule {
        code: "TP092",
        severity: Severity::High,
        name: "a role that cannot be read",
        why: "nothing is said of a trust policy that is not understood",
        fix: "save the role's document as the vendor's tools print it",
        check: Check::Of(super::aws::unreadable),
    },
    Rule {
        code: "TP093",
        severity: Severity::Info,
        name: "an issuer without a battery",
        why: "what strangers of this issuer could present is not known, so only the text was looked at",
        fix: "compare `sub` and `aud` exactly",
        check: Check::Of(super::issuers::unknown),
    },
];
