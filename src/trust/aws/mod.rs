//! IAM role trust policies: statement by statement, in the order IAM documents.
//!
//! A statement matches when principal, action and every condition do. A matching Deny denies; a matching Allow allows;
//! otherwise the answer is no. What is not understood stays unknown: in an Allow it cannot allow, in a Deny it cannot be
//! overlooked. Sources: IAM user guide, "Policy evaluation logic", "Condition operators", "Principal".

mod compare;
mod condition;
mod document;
mod drift;
mod facts;
mod hints;
mod input;
mod keys;
mod operator;
mod principal;
mod provider;
mod refused;
mod statement;
mod table;
mod tags;
mod template;
mod variable;

pub(super) use drift::said;
pub(in crate::trust) use facts::{ConditionFacts, Filling, RoleFacts, StatementFacts};
pub use input::RoleTrust;
pub(super) use input::decode;
pub(super) use template::is_template;

use self::document::{Document, Effect, Unread};
use self::input::Role;
use self::principal::{Name, Principal};
use self::provider::Provider;
use super::explanation::{Decision, Explanation, Node, Truth, Verdict};
use super::places::join;
use super::subject;
use crate::claims::Claims;
use crate::edge::aws::RoleArn;

pub(super) const ASSUME: &str = "sts:AssumeRoleWithWebIdentity";
const TAG: &str = "sts:TagSession";
const SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";
/// A role's longest session where nobody has set it, in seconds.
pub const LONGEST_SESSION: u64 = 3_600;

/// One call of `AssumeRoleWithWebIdentity`, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The role's ARN; `None` takes the file's, or any role for a bare document.
    pub role: Option<&'a str>,
    /// The issuer of the token as the destination sees it.
    pub issuer: &'a str,
    /// The token's claims.
    pub claims: &'a Claims,
    /// `DurationSeconds`, where it is known.
    pub seconds: Option<u64>,
    /// `RoleSessionName`, where it is known.
    pub session_name: Option<&'a str>,
    /// What is known of the request beside the token: a condition key and its values, none for a key that is absent.
    pub known: &'a [(String, Vec<String>)],
}

/// What the request context holds.
struct Request<'a> {
    /// The issuer without `https://`: the prefix of the condition keys.
    provider: &'a str,
    /// The names that the token's provider has in a `Principal`; empty when the role's account is not known.
    principals: Vec<String>,
    account: Option<String>,
    partition: Option<String>,
    claims: &'a Claims,
    session_name: Option<&'a str>,
    known: &'a [(String, Vec<String>)],
    role_tags: Option<&'a [(String, String)]>,
    variables: bool,
}

/// Whether AWS certainly fills a condition key `PROVIDER:CLAIM` where the token has the claim; `provider` is the issuer without
/// `https://`.
pub(super) fn is_filled(provider: &str, claim: &str) -> bool {
    ["sub", "aud"].contains(&claim) || table::filled(&provider.to_lowercase(), claim) == table::Filled::Yes
}

/// Would this role be given to a token of this issuer with these claims?
#[must_use]
pub fn evaluate(trust: &RoleTrust, asked: &Asked<'_>) -> Explanation {
    let role = match trust.role(asked.role) {
        Ok(role) => role,
        Err(roles) => {
            let wanted = asked.role.unwrap_or("one role, or its ARN");
            return undecided(
                "",
                "role in the file",
                wanted,
                &roles,
                "name the role by its ARN, or save the role that is meant",
            );
        }
    };
    let document = match &role.document {
        Ok(document) => document,
        Err(Unread::Broken(why)) => {
            return undecided(&role.path, "role trust policy", "one that can be read", why, "");
        }
        Err(Unread::Later(why)) => {
            return undecided(&role.path, "role trust policy", "one whose text is known", "", why);
        }
    };
    let Some(provider) = asked.issuer.strip_prefix("https://").filter(|host| !host.is_empty()) else {
        let hint = "IAM's providers have https:// URLs only; keys and ARNs leave it out";
        return undecided("", "issuer", "a URL with https", asked.issuer, hint);
    };
    let arn = match asked.role.or(role.arn.as_deref()).map(RoleArn::parse) {
        Some(Err(what)) => return undecided("", "role", "a role's ARN", &what, ""),
        Some(Ok(arn)) => Some(arn),
        None => None,
    };
    let request = Request {
        provider,
        principals: principals(provider, arn.as_ref()),
        account: arn.as_ref().map(|arn| arn.account.clone()),
        partition: arn.as_ref().map(|arn| arn.partition.to_string()),
        claims: asked.claims,
        session_name: asked.session_name,
        known: asked.known,
        role_tags: role.tags.as_deref(),
        variables: document.variables,
    };
    let registered: Vec<&Provider> = trust.providers.iter().filter(|one| one.is(&request)).collect();
    let is_registered = !registered.is_empty();
    let mut parts = actions(asked.claims).map(|action| decide(document, action, &request, is_registered)).collect();
    flatten(&mut parts);
    parts.extend(audiences(&registered, &request));
    parts.extend(several_accounts(document, &request));
    parts.extend(duration(role, asked.seconds));
    parts.extend(claims_in_form(asked.claims));
    parts.extend(document.refused.iter().map(|(path, why)| statement::unsupported(path, why)));
    let explanation = Explanation::of(Node::all(role.path.clone(), parts).what("role trust policy"));
    finish(explanation, is_registered, arn.is_none())
}

/// With a note about what was not looked at, or the code AWS gives.
fn finish(explanation: Explanation, registered: bool, any_account: bool) -> Explanation {
    match explanation.decision {
        Decision::Undecided => explanation,
        Decision::Denied => {
            let failed = explanation.failed();
            let only = |what: &str| failed.iter().all(|node| node.what == what);
            let audience = failed.iter().any(|node| node.what == AUDIENCE && node.truth() == Truth::No);
            let step = if audience {
                "InvalidIdentityToken"
            } else if only(DURATION) {
                "ValidationError"
            } else {
                "AccessDenied"
            };
            explanation.step(Some(step))
        }
        Decision::Allowed => {
            let audiences = if registered { "" } else { "the audiences registered with the OIDC provider, " };
            let explanation = explanation
                .note(format!("outside this file and not looked at: {audiences}service and resource control policies"));
            if !any_account {
                return explanation;
            }
            explanation.note("the role's account is not known: the provider's in the trust policy was taken for it")
        }
    }
}

const AUDIENCE: &str = "audiences registered with the OIDC provider";
const DURATION: &str = "the role's maximum session duration";

fn undecided(path: &str, what: &str, expected: &str, presented: &str, hint: &str) -> Explanation {
    let node = Node::leaf(path, expected, presented, Verdict::Unsupported).what(what);
    Explanation::of(if hint.is_empty() { node } else { node.hint(hint) })
}

/// The names of the token's provider: a built-in one's own, otherwise an ARN in the role's account.
fn principals(provider: &str, arn: Option<&RoleArn>) -> Vec<String> {
    if table::BUILT_IN.contains(&provider) {
        return vec![provider.to_owned()];
    }
    arn.map(|arn| format!("arn:{}:iam::{}:oidc-provider/{provider}", arn.partition, arn.account)).into_iter().collect()
}

/// The actions that the call needs: a token with tags or a source identity needs more than one.
fn actions(claims: &Claims) -> impl Iterator<Item = &'static str> {
    let more = [(TAG, tags::asked(claims).is_some()), (SOURCE_IDENTITY, tags::source_identity(claims).is_some())];
    std::iter::once(ASSUME).chain(more.into_iter().filter(|(_, asked)| *asked).map(|(action, _)| action))
}

/// One action: some Allow has to match, and no Deny.
fn decide(document: &Document, action: &'static str, request: &Request<'_>, registered: bool) -> Node {
    let (mut allows, mut parts) = (Vec::new(), Vec::new());
    for one in &document.statements {
        let mut of_this = statement::check(one, action, request);
        match one.effect {
            Effect::Allow => {
                let bound = registered || one.conditions.iter().any(|one| condition::names_audience(one, request));
                if !bound {
                    of_this.push(statement::audience_unbound(one, request));
                }
                allows.push(Node::all(one.path.clone(), of_this).what(one.name()));
            }
            Effect::Deny => parts.push(statement::deny(one, of_this)),
        }
    }
    parts.insert(0, Node::any(document.path.clone(), allows).what("statements that allow"));
    Node::all(document.path.clone(), parts).what(action)
}

/// A call that needs one action has no level for it.
fn flatten(parts: &mut Vec<Node>) {
    if let [only] = parts.as_mut_slice() {
        *parts = std::mem::take(&mut only.children);
    }
}

/// Without the role's account the provider's is taken for it: that takes one account.
fn several_accounts(document: &Document, request: &Request<'_>) -> Option<Node> {
    let names = document.statements.iter().filter_map(|statement| match &statement.principal {
        Principal::Federated(named) => Some(named),
        Principal::Refused | Principal::Unknown(_) => None,
    });
    let is_own = |name: &&Name| statement::named_host(name).as_deref() == Some(request.provider);
    let names = names.flatten().map(|one| &one.name).filter(is_own);
    let mut arns: Vec<String> = names.map(|name| name.of(None, None)).collect();
    arns.sort();
    arns.dedup();
    if arns.len() < 2 || !request.principals.is_empty() {
        return None;
    }
    let all = arns.join(", ");
    let node = Node::leaf(document.path.clone(), "a provider in the role's account", all, Verdict::Unsupported);
    Some(node.what("the role's account").hint("the provider is named in several accounts: name the role by its ARN"))
}

/// Where the file has several providers of one URL, and not the account of each, only what all of them say counts.
fn audiences(providers: &[&Provider], request: &Request<'_>) -> Option<Node> {
    let mut all = providers.iter().map(|provider| audience(provider, request));
    let first = all.next()?;
    if all.all(|other| other.verdict == first.verdict) {
        return Some(first);
    }
    let node = Node::leaf(first.path, first.expected, first.presented, Verdict::Unsupported).what(AUDIENCE);
    Some(
        node.hint("the file has several providers of this issuer, and which one is in the role's account is not known"),
    )
}

/// The provider's list bounds `aud` whatever the trust policy says.
fn audience(provider: &Provider, request: &Request<'_>) -> Node {
    let presented = request.claims.audiences();
    let listed = presented.iter().filter(|one| provider.client_ids.contains(one)).count();
    // With `azp`, which of the two AWS looks up is not documented for every issuer.
    let azp = request.claims.text("azp").is_some_and(|azp| presented != [azp]);
    let verdict = match (presented.len(), listed) {
        (0, _) => Verdict::Missing,
        _ if azp => Verdict::Unsupported,
        (_, 0) => Verdict::Mismatch,
        (all, listed) if all == listed => Verdict::Match,
        _ => Verdict::Unsupported,
    };
    let node = Node::leaf(provider.path.clone(), provider.client_ids.join(" or "), presented.join(", "), verdict)
        .what(AUDIENCE);
    if verdict == Verdict::Mismatch {
        node.hint("AWS answers `Incorrect token audience` before it looks at the role")
    } else {
        node
    }
}

/// A session that is asked for longer than the role allows is a fault of the request.
fn duration(role: &Role, seconds: Option<u64>) -> Option<Node> {
    if let (Some(path), Some(seconds)) = (&role.unsure_session, seconds)
        && seconds > LONGEST_SESSION
    {
        // No role has less than that.
        let node = Node::leaf(path.clone(), "", format!("{seconds} s"), Verdict::Unsupported).what(DURATION);
        return Some(node.hint("how long a session of this role may last is known when the stack is deployed"));
    }
    let (most, path) = role.longest_session.as_ref()?;
    let verdict = Verdict::from(Truth::from(seconds? <= *most));
    let node = Node::leaf(path.clone(), format!("at most {most} s"), format!("{} s", seconds?), verdict).what(DURATION);
    Some(if verdict == Verdict::Match {
        node
    } else {
        node.hint("shorten the edge's ttl, or raise MaxSessionDuration")
    })
}

/// What of the token is not as AWS documents it, or not as any ID token is.
fn claims_in_form(claims: &Claims) -> Vec<Node> {
    let leaf = |what: &str, expected: &str, presented: &str, why: String| {
        Node::leaf("", expected, presented, Verdict::Unsupported).what(what).hint(why)
    };
    let tags = tags::asked(claims)
        .and_then(Result::err)
        .map(|why| leaf("session tags in the token", "session tags as AWS documents them", tags::TAGS, why));
    let identity = tags::source_identity(claims).and_then(Result::err).map(|why| {
        leaf("source identity in the token", "a source identity as AWS documents it", tags::SOURCE_IDENTITY, why)
    });
    tags.into_iter().chain(identity).chain(subject::absent(claims)).chain(subject::odd_audience(claims)).collect()
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
