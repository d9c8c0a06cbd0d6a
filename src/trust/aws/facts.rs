//! What a role trust policy says, laid out for checks that look at the text and not at one token.

use super::document::{Actions, Condition, Document, Effect};
use super::input::{Role, RoleTrust};
use super::operator::{Operator, Set, Test};
use super::principal::{Federated, Name, Principal};
use super::provider::Provider;
use super::statement::named_host;
use super::table::{self, Filled};
use super::{ASSUME, TAG};
use crate::trust::glob;
use crate::trust::probe::{Pattern, Wanted};

/// One role of a file.
pub(in crate::trust) struct RoleFacts<'a> {
    role: &'a Role,
    providers: &'a [Provider],
    /// Its statements; `Err` says why the document cannot be read.
    pub(in crate::trust) statements: Result<Vec<StatementFacts>, String>,
    /// Characters without white space, which is what the quota counts.
    pub(in crate::trust) size: usize,
    /// Whether `${…}` is a variable.
    pub(in crate::trust) variables: bool,
}

/// One statement.
pub(in crate::trust) struct StatementFacts {
    pub(in crate::trust) path: String,
    pub(in crate::trust) allow: bool,
    /// Issuers, with `https://`, and where they stand.
    pub(in crate::trust) issuers: Vec<(String, String)>,
    /// Where principals stand that are known later only.
    pub(in crate::trust) later: Vec<String>,
    pub(in crate::trust) actions: ActionFacts,
    pub(in crate::trust) conditions: Vec<ConditionFacts>,
}

/// The actions of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::trust) struct ActionFacts {
    /// `sts:AssumeRoleWithWebIdentity` is among them.
    pub(in crate::trust) assume: bool,
    /// `sts:TagSession` is.
    pub(in crate::trust) tag: bool,
    /// By a wildcard, or by leaving others out.
    pub(in crate::trust) broad: bool,
}

/// What fills a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::trust) enum Filling {
    /// A claim of the token.
    Claim,
    /// Nothing, for no token of this issuer.
    Never,
    /// AWS itself, or the token's tags.
    Elsewhere,
}

/// One key under one operator.
pub(in crate::trust) struct ConditionFacts {
    pub(in crate::trust) path: String,
    pub(in crate::trust) operator: String,
    pub(in crate::trust) key: String,
    /// The key without the provider before it.
    pub(in crate::trust) claim: String,
    pub(in crate::trust) filling: Filling,
    /// Whether AWS fills the key is not known for certain.
    pub(in crate::trust) unsure: bool,
    pub(in crate::trust) values: Vec<String>,
    /// Its values are known later only, or none of those that IAM takes.
    pub(in crate::trust) unread: bool,
    /// `StringLike`, `ArnLike`: values have wildcards.
    pub(in crate::trust) wildcards: bool,
    pub(in crate::trust) texts: bool,
    pub(in crate::trust) null: bool,
    pub(in crate::trust) negated: bool,
    pub(in crate::trust) if_exists: bool,
    pub(in crate::trust) for_all: bool,
}

impl RoleTrust {
    /// Every role of the file.
    pub(in crate::trust) fn facts(&self) -> Vec<RoleFacts<'_>> {
        self.roles.iter().map(|role| RoleFacts::of(role, &self.providers)).collect()
    }
}

impl<'a> RoleFacts<'a> {
    fn of(role: &'a Role, providers: &'a [Provider]) -> Self {
        let document = role.document.as_ref();
        RoleFacts {
            role,
            providers,
            statements: document.map(statements).map_err(|unread| unread.why().to_owned()),
            size: document.map_or(0, |document| document.size),
            variables: document.is_ok_and(|document| document.variables),
        }
    }

    /// Where the role stands.
    pub(in crate::trust) fn path(&self) -> &'a str {
        &self.role.path
    }

    /// Where its list of statements stands.
    pub(in crate::trust) fn list_path(&self) -> Option<&'a str> {
        self.role.document.as_ref().ok().map(|document| document.path.as_str())
    }

    /// The role's ARN or name; empty for a bare document.
    pub(in crate::trust) fn title(&self) -> &'a str {
        self.role.arn.as_deref().or(self.role.name.as_deref()).unwrap_or_default()
    }

    /// Its longest session in seconds, and where that stands.
    pub(in crate::trust) fn longest_session(&self) -> Option<(u64, &'a str)> {
        self.role.longest_session.as_ref().map(|(seconds, path)| (*seconds, path.as_str()))
    }

    /// The audiences that the file's provider of this issuer takes, and where they stand.
    pub(in crate::trust) fn registered(&self, issuer: &str) -> Option<(&'a [String], &'a str)> {
        let host = issuer.strip_prefix("https://").unwrap_or(issuer);
        let is = |url: &String| url.strip_prefix("https://").unwrap_or(url) == host;
        let found = self.providers.iter().find(|provider| provider.url.as_ref().is_some_and(is))?;
        Some((&found.client_ids, &found.path))
    }

    /// The role alone; where the file has no provider of `issuer`, one that takes every audience of `audiences`, so that what
    /// is outside of the file decides nothing. Without its Denies, if so wished.
    pub(in crate::trust) fn alone(&self, issuer: &str, audiences: &[String], denies: bool) -> RoleTrust {
        let mut role = self.role.clone();
        if let Ok(document) = &mut role.document {
            // Refused as it stands, it may be stored once that is mended: then breadth counts.
            document.refused.clear();
            document.statements.retain(|statement| denies || statement.effect == Effect::Allow);
        }
        let mut providers = self.providers.to_vec();
        if self.registered(issuer).is_none() {
            providers.push(Provider {
                path: String::new(),
                arn: None,
                url: Some(issuer.to_owned()),
                client_ids: audiences.to_vec(),
            });
        }
        RoleTrust { roles: vec![role], providers }
    }

    /// Whom the role means: for every issuer of every Allow, one for each text of the condition that names most.
    pub(in crate::trust) fn wanted(&self) -> Vec<Wanted> {
        let mut all: Vec<Wanted> = Vec::new();
        for statement in self.statements.iter().flatten().filter(|statement| statement.allow) {
            for (issuer, _) in &statement.issuers {
                for wanted in self.of_statement(statement, issuer) {
                    if !all.contains(&wanted) {
                        all.push(wanted);
                    }
                }
            }
        }
        all
    }

    fn of_statement(&self, statement: &StatementFacts, issuer: &str) -> Vec<Wanted> {
        let positive = |one: &&ConditionFacts| one.texts && !one.negated && one.filling == Filling::Claim;
        let mut claims: Vec<(&str, Vec<Pattern>)> = Vec::new();
        for condition in statement.conditions.iter().filter(positive) {
            let patterns: Vec<Pattern> = condition.patterns().collect();
            if let (Some((_, known)), false) =
                (claims.iter_mut().find(|(claim, _)| *claim == condition.claim), patterns.is_empty())
            {
                // Two conditions on one claim: what fits both.
                let both: Vec<Pattern> =
                    patterns.iter().filter(|one| known.iter().any(|other| other.fits(&one.shown()))).cloned().collect();
                if !both.is_empty() {
                    *known = both;
                }
            } else if !patterns.is_empty() {
                claims.push((&condition.claim, patterns));
            }
        }
        let registered = self.registered(issuer).and_then(|(ids, _)| ids.first());
        let audience = claims.iter().find(|(claim, _)| *claim == "aud").and_then(|(_, patterns)| patterns.first());
        let audience = audience.filter(|pattern| !pattern.is_open()).map(|pattern| pattern.filled("x", 'x'));
        let audience = audience.or_else(|| registered.cloned()).unwrap_or_else(|| "sts.amazonaws.com".to_owned());
        claims.retain(|(claim, _)| *claim != "aud");
        let first = || Wanted {
            issuer: issuer.to_owned(),
            audience: audience.clone(),
            claims: claims
                .iter()
                .filter_map(|(claim, patterns)| Some(((*claim).to_owned(), patterns.first()?.clone())))
                .collect(),
        };
        let mut all = vec![first()];
        for (claim, patterns) in &claims {
            for pattern in patterns.iter().skip(1).take(MOST) {
                let mut wanted = first();
                wanted.claims.insert((*claim).to_owned(), pattern.clone());
                all.push(wanted);
            }
        }
        all
    }
}

/// More texts in one condition than a role's quota of 4096 characters has room for.
const MOST: usize = 512;

fn statements(document: &Document) -> Vec<StatementFacts> {
    let one = |statement: &super::document::Statement| {
        let issuers = match &statement.principal {
            Principal::Federated(named) => {
                let one = |one: &Federated| Some((issuer(&one.name, &statement.conditions)?, one.path.clone()));
                named.iter().filter_map(one).collect()
            }
            Principal::Refused | Principal::Unknown(_) => Vec::new(),
        };
        let conditions = statement.conditions.iter().filter_map(|one| condition(one, &issuers)).collect();
        StatementFacts {
            path: statement.path.clone(),
            allow: statement.effect == Effect::Allow,
            actions: actions(&statement.actions),
            issuers,
            later: later(statement),
            conditions,
        }
    };
    document.statements.iter().map(one).collect()
}

fn later(statement: &super::document::Statement) -> Vec<String> {
    let Principal::Federated(named) = &statement.principal else { return Vec::new() };
    named.iter().filter(|one| matches!(one.name, Name::Later(..))).map(|one| one.path.clone()).collect()
}

/// The issuer of a principal; of one that is known later only, the one that the conditions beside it speak of.
fn issuer(name: &Name, conditions: &[Condition]) -> Option<String> {
    let host = match name {
        Name::Text(text) if text == table::GOOGLE => text.clone(),
        Name::Text(_) | Name::Own(_) => named_host(name)?,
        Name::Later(..) => conditions.iter().find_map(|one| {
            let (host, claim) = one.key.rsplit_once(':')?;
            (host.contains('.') && ["aud", "sub"].contains(&claim)).then(|| host.to_owned())
        })?,
    };
    Some(format!("https://{host}"))
}

fn actions(actions: &Actions) -> ActionFacts {
    let holds = |patterns: &[String], action: &str| {
        patterns.iter().any(|one| glob::matches(&one.to_lowercase(), &action.to_lowercase()))
    };
    match actions {
        Actions::These(names) => ActionFacts {
            assume: holds(names, ASSUME),
            tag: holds(names, TAG),
            broad: names.iter().any(|name| name.contains(['*', '?'])),
        },
        Actions::AllBut(names) => ActionFacts { assume: !holds(names, ASSUME), tag: !holds(names, TAG), broad: true },
        Actions::Unknown => ActionFacts::default(),
    }
}

fn condition(condition: &Condition, issuers: &[(String, String)]) -> Option<ConditionFacts> {
    let operator = Operator::parse(&condition.operator)?;
    let key = condition.key.to_lowercase();
    let own = issuers.iter().find_map(|(issuer, _)| {
        let host = issuer.strip_prefix("https://")?.to_lowercase();
        Some((key.strip_prefix(&host)?.strip_prefix(':')?.to_owned(), host))
    });
    let unsure = own.as_ref().is_some_and(|(claim, host)| table::filled(host, claim) == Filled::Unsure);
    let (claim, filling) = match own {
        Some((claim, host)) => {
            let always = ["sub", "aud", "amr", "azp"].contains(&claim.as_str());
            let google = host == table::GOOGLE && ["oaud", "google/organization_number"].contains(&claim.as_str());
            let never = !always && !google && table::filled(&host, &claim) == Filled::No;
            (claim, if never { Filling::Never } else { Filling::Claim })
        }
        None => {
            let (prefix, claim) = key.rsplit_once(':').unwrap_or((&key, ""));
            let foreign = prefix.contains('.') && !prefix.starts_with("github.com/enterprises/") && !issuers.is_empty();
            (claim.to_owned(), if foreign { Filling::Never } else { Filling::Elsewhere })
        }
    };
    Some(ConditionFacts {
        path: condition.path.clone(),
        operator: condition.operator.clone(),
        key: condition.key.clone(),
        claim,
        filling,
        unsure,
        values: condition.values.clone().unwrap_or_default(),
        unread: condition.values.is_none(),
        wildcards: matches!(operator.test, Test::Like | Test::Arn),
        texts: matches!(operator.test, Test::Like | Test::Text { .. }),
        null: operator.test == Test::Null,
        negated: operator.negated,
        if_exists: operator.if_exists,
        for_all: operator.set == Some(Set::ForAllValues),
    })
}

impl ConditionFacts {
    /// Its values as patterns.
    pub(in crate::trust) fn patterns(&self) -> impl Iterator<Item = Pattern> {
        self.values.iter().map(|value| if self.wildcards { Pattern::like(value) } else { Pattern::exact(value) })
    }

    /// Whether it holds for a token that lacks the claim.
    pub(in crate::trust) fn holds_on_absence(&self) -> bool {
        self.negated || self.if_exists || self.for_all
    }
}
