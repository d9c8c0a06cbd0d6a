//! The stories behind a difference that people know from support threads; no hint decides anything.

use super::condition::Rule;
use super::keys::Found;
use super::operator::Test;
use super::statement::provider_host;
use super::{Node, Request, Verdict};
use crate::trust::{glob, subject};

/// Adds what is known about one condition that does not hold, or that holds for a reason its author may not have meant.
pub(super) fn condition(node: Node, rule: &Rule<'_>, key: &str, found: &Found) -> Node {
    match (node.verdict, found) {
        (Verdict::Match, Found::Absent { dead: true, .. }) if rule.operator.test != Test::Null => {
            node.hint("so this condition always holds and keeps nobody out")
        }
        (Verdict::Match, Found::Absent { .. }) if rule.operator.test != Test::Null => {
            node.hint("this operator holds on a key that is absent")
        }
        (Verdict::Missing, Found::Absent { dead: true, .. }) => node.hint("so this condition never holds"),
        (Verdict::Mismatch, Found::Present(present)) if !rule.operator.negated && !present.many => {
            match (rule.operator.test, present.values.as_slice()) {
                (Test::Text { .. } | Test::Like, [presented]) => text(node, rule, &key.to_lowercase(), presented),
                _ => node,
            }
        }
        _ => node,
    }
}

fn text(mut node: Node, rule: &Rule<'_>, key: &str, presented: &str) -> Node {
    let like = rule.operator.test == Test::Like;
    if !like && rule.values.iter().any(|value| value.contains(['*', '?'])) {
        node = node.hint("`*` and `?` are plain characters under this operator; StringLike takes them as wildcards");
    }
    let lower = presented.to_lowercase();
    if rule.values.iter().any(|value| fits(like, &value.to_lowercase(), &lower)) {
        node = node.hint("they differ in upper and lower case only, and case counts");
    }
    let request = rule.request;
    let own = |name: &str| key == format!("{}:{name}", request.provider).to_lowercase();
    if own("sub") {
        let story = |value: &String| subject::story(value, presented).or_else(|| owner_with_id(value, presented));
        let hint = rule.values.iter().find_map(story);
        if let Some(hint) = hint {
            node = node.hint(hint);
        }
    }
    if own("aud")
        && let Some(hint) = audience(rule.values, presented)
    {
        node = node.hint(hint);
    }
    node
}

fn fits(like: bool, value: &str, presented: &str) -> bool {
    if like { glob::matches(value, presented) } else { value == presented }
}

/// `repo:OWNER/*` beside a subject with ids: the owner's id stands where the slash was expected.
fn owner_with_id(value: &str, presented: &str) -> Option<String> {
    let (owner, rest) = value.strip_prefix("repo:")?.split_once('/')?;
    let (given, _) = presented.strip_prefix("repo:")?.split_once('/')?;
    let id = given.strip_prefix(owner)?.strip_prefix('@')?;
    let in_form = rest.starts_with('*').then(|| format!("repo:{owner}@{id}/{rest}"))?;
    Some(format!("the repository has the immutable subject, with ids; in that form this one is `{in_form}`"))
}

fn audience(values: &[String], presented: &str) -> Option<String> {
    let sts = |text: &str| text.starts_with("sts.amazonaws.");
    let wanted = values.first()?;
    if presented.starts_with("https://github.com/") {
        return Some(format!("that is the audience of a token that was asked for without one: ask for `{wanted}`"));
    }
    (sts(presented) && values.iter().any(|value| sts(value)))
        .then(|| format!("the audience is that of another partition: ask for `{wanted}`"))
}

/// What may be behind a provider that is none of those the statement names.
pub(super) fn provider(node: Node, named: &str, request: &Request<'_>) -> Node {
    if request.principals.iter().any(|own| own.to_lowercase() == named.to_lowercase()) {
        return node.hint("they differ in upper and lower case only; whether AWS looks at that here is not documented");
    }
    let (Some(host), own_host) = (provider_host(named), request.provider) else { return node };
    if host == own_host && node.verdict == Verdict::Unsupported {
        return node.hint(format!(
            "IAM knows this issuer by its name alone, `{own_host}`; whether a provider that was made for it counts is not documented"
        ));
    }
    if host == own_host {
        let account = request.account.as_deref().unwrap_or_default();
        return node.hint(format!("the provider is named in another account or partition than the role's, {account}"));
    }
    let bare = |host: &str| {
        let bare = host.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
        bare.to_lowercase()
    };
    if bare(host) == bare(own_host) {
        return node.hint(format!(
            "a provider's ARN ends with the issuer as it stands in the token, but for https://: `{own_host}`"
        ));
    }
    let inside = |long: &str, short: &str| long.strip_prefix(short).is_some_and(|rest| rest.starts_with('/'));
    if inside(host, own_host) || inside(own_host, host) {
        return node.hint(format!(
            "an enterprise with an issuer of its own has its name behind the host: the token's is `{own_host}`, and a provider \
             for `{host}` is another one"
        ));
    }
    node
}
