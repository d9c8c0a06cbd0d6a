//! One role, provider or credential with its battery decided.

use super::Options;
use crate::claims::Claims;
use crate::trust::explanation::{Decision, Explanation};
use crate::trust::probe::{self, Kind, Probe, Tenancy, Token, Wanted};
use crate::trust::{Verdict, aws, azure, gcp};

/// What is looked at.
pub(super) enum Part<'a> {
    Aws(aws::RoleFacts<'a>),
    Gcp(gcp::ProviderFacts<'a>),
    Azure(azure::CredentialFacts<'a>),
}

/// One thing that lets tokens in, with what became of the battery.
pub(super) struct Examined<'a> {
    pub(super) part: Part<'a>,
    pub(super) options: Options<'a>,
    /// One for every job that is meant.
    pub(super) groups: Vec<Group>,
    /// How many tokens were decided.
    pub(super) decisions: usize,
}

/// One intended job and its adversaries.
pub(super) struct Group {
    pub(super) wanted: Wanted,
    pub(super) kind: Kind,
    pub(super) tenancy: Tenancy,
    pub(super) intended: Token,
    pub(super) explanation: Explanation,
    /// Only those that get in, or may.
    pub(super) admitted: Vec<Trial>,
    /// GCP: those that the provider itself takes, whatever the bindings give them.
    pub(super) taken: Vec<Trial>,
    /// AWS: those that only a Deny keeps out.
    pub(super) but_for_denies: Vec<Trial>,
}

/// A token that gets in.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) probe: Probe,
    pub(super) claims: Claims,
    /// The claims in which it is another than the intended job's.
    pub(super) unlike: Vec<String>,
    /// What let it in.
    pub(super) path: String,
    /// It cannot be told to be kept out.
    pub(super) perhaps: bool,
}

impl<'a> Examined<'a> {
    /// A role; `None` for one that no web identity can have.
    pub(super) fn role(role: aws::RoleFacts<'a>, options: &Options<'a>) -> Option<Self> {
        let wanted = role.wanted();
        let federated = role.statements.as_ref().map_or(true, |all| all.iter().any(|one| !one.issuers.is_empty()));
        if !federated && !role.path().is_empty() {
            return None;
        }
        let of_key = |one: &aws::StatementFacts| {
            let outside = one.conditions.iter().filter(|one| one.filling == aws::Filling::Elsewhere || one.unsure);
            outside.map(|one| one.path.clone()).chain(one.later.clone()).collect::<Vec<_>>()
        };
        let elsewhere = role.statements.iter().flatten().flat_map(of_key);
        // Which of several accounts the role is in lies outside of the token too.
        let elsewhere: Vec<String> = elsewhere.chain(role.list_path().map(str::to_owned)).collect();
        let denies = role.statements.iter().flatten().any(|one| !one.allow);
        let mut decisions = 0;
        let mut groups = Vec::new();
        for wanted in wanted {
            let audiences = vec![wanted.audience.clone(), probe::WRONG_AUDIENCE.to_owned()];
            let alone = role.alone(&wanted.issuer, &audiences, true);
            let asked = |trust: &aws::RoleTrust, token: &Token| {
                let (issuer, claims) = (token.issuer.as_str(), &token.claims);
                aws::evaluate(
                    trust,
                    &aws::Asked { role: None, issuer, claims, seconds: None, session_name: None, known: &[] },
                )
            };
            let unsure = |path: &str| elsewhere.iter().any(|other| other == path);
            let mut group = Group::of(wanted, options.now, &mut decisions, &unsure, |token| asked(&alone, token));
            if denies {
                let open = role.alone(&group.wanted.issuer, &audiences, false);
                for token in probe::battery(&group.wanted, options.now) {
                    if [Probe::Stranger, Probe::Sibling].contains(&token.probe) {
                        decisions += 1;
                        let explanation = asked(&open, &token);
                        group.but_for_denies.extend(Trial::of(token, &group.intended.claims, &explanation, &unsure));
                    }
                }
            }
            groups.push(group);
        }
        Some(Examined { part: Part::Aws(role), options: *options, groups, decisions })
    }

    /// A provider with its bindings.
    pub(super) fn provider(trust: &'a gcp::ProviderTrust, options: &Options<'a>) -> Self {
        let facts = trust.facts();
        let (mut decisions, mut groups) = (0, Vec::new());
        let alone = facts.alone();
        let base = facts.base();
        // What is not known of a token lies in these two; what else is undecided is so for every token.
        let unsure = |path: &str| {
            !path.starts_with(&format!("{base}/attributeCondition"))
                && !path.starts_with(&format!("{base}/attributeMapping"))
        };
        for wanted in facts.wanted() {
            let mut group = Group::of(wanted, options.now, &mut decisions, &unsure, |token| {
                gcp::evaluate_file(trust, &token.issuer, &token.claims)
            });
            if facts.has_bindings() {
                let provider_alone = Group::of(group.wanted.clone(), options.now, &mut decisions, &unsure, |token| {
                    gcp::evaluate_file(&alone, &token.issuer, &token.claims)
                });
                group.taken = provider_alone.admitted;
            } else {
                group.taken.clone_from(&group.admitted);
            }
            groups.push(group);
        }
        Examined { part: Part::Gcp(facts), options: *options, groups, decisions }
    }

    /// One credential.
    pub(super) fn credential(facts: azure::CredentialFacts<'a>, options: &Options<'a>) -> Self {
        let (mut decisions, alone) = (0, facts.alone());
        let groups = facts
            .wanted()
            .map(|wanted| {
                Group::of(wanted, options.now, &mut decisions, &|_| true, |token| {
                    azure::evaluate(&alone, &token.issuer, &token.claims)
                })
            })
            .into_iter()
            .collect();
        Examined { part: Part::Azure(facts), options: *options, groups, decisions }
    }
}

impl Group {
    fn of(
        wanted: Wanted,
        now: i64,
        decisions: &mut usize,
        unsure: &dyn Fn(&str) -> bool,
        decide: impl Fn(&Token) -> Explanation,
    ) -> Group {
        let mut tokens = probe::battery(&wanted, now).into_iter();
        let intended = tokens.next().unwrap_or_else(|| Token::nothing(&wanted.issuer));
        let explanation = decide(&intended);
        *decisions += 1;
        let mut admitted = Vec::new();
        for token in tokens {
            *decisions += 1;
            let explanation = decide(&token);
            admitted.extend(Trial::of(token, &intended.claims, &explanation, unsure));
        }
        Group {
            kind: Kind::of(&wanted.issuer),
            tenancy: Tenancy::of(&wanted.issuer),
            wanted,
            intended,
            explanation,
            admitted,
            taken: Vec::new(),
            but_for_denies: Vec::new(),
        }
    }

    /// The tokens of one of these kinds that get in.
    pub(super) fn of_probe<'g>(&'g self, probes: &'g [Probe]) -> impl Iterator<Item = &'g Trial> {
        self.admitted.iter().filter(|trial| probes.contains(&trial.probe))
    }

    /// Whether one of these gets in.
    pub(super) fn admits(&self, probe: &Probe) -> bool {
        self.admitted.iter().any(|trial| trial.probe == *probe)
    }

    /// Whether anybody of another tenant gets in: everything narrower is said by that.
    pub(super) fn is_open(&self) -> bool {
        self.admits(&Probe::Stranger) || self.admits(&Probe::Squat) || self.admits(&Probe::Customised)
    }
}

impl Trial {
    /// What let the token in; `None` where it is kept out.
    fn of(token: Token, intended: &Claims, explanation: &Explanation, unsure: &dyn Fn(&str) -> bool) -> Option<Trial> {
        let perhaps = match explanation.decision {
            Decision::Denied => return None,
            Decision::Allowed => false,
            Decision::Undecided => true,
        };
        let reasons = explanation.reasons();
        let deciding = || reasons.iter().filter(|reason| reason.decides);
        let unknown = |verdict| verdict == Verdict::Unsupported;
        if perhaps && !deciding().filter(|one| unknown(one.node.verdict)).all(|one| unsure(&one.node.path)) {
            return None;
        }
        let subject = token.claims.subject();
        let holding = || reasons.iter().map(|one| one.node).filter(|node| node.verdict == Verdict::Match || perhaps);
        let by_subject = || {
            holding()
                .find(|node| !node.path.is_empty() && node.presented == subject && !node.what.starts_with("mapping"))
        };
        let by_condition = || holding().find(|node| node.path.ends_with("/attributeCondition"));
        let by_statement = || {
            let action =
                reasons.iter().map(|one| one.node).find(|node| node.what == "action" && node.verdict == Verdict::Match);
            action.map(|node| node.path.rsplit_once('/').map_or("", |(statement, _)| statement).to_owned())
        };
        let path = by_subject().map(|node| node.path.clone()).or_else(by_statement);
        let path = path.or_else(|| by_condition().map(|node| node.path.clone())).unwrap_or_default();
        let unlike = token.claims.unlike(intended);
        Some(Trial { probe: token.probe, claims: token.claims, unlike, path, perhaps })
    }
}
