//! One statement: whom it is for, what it is for, and under which conditions.

use super::document::{Actions, Effect, Statement};
use super::principal::{Federated, Name, Principal};
use super::{Node, Request, Truth, Verdict, condition, hints, join, table};
use crate::trust::glob;

/// All parts of a statement; it matches when every one does.
pub(super) fn check(statement: &Statement, action: &str, request: &Request<'_>) -> Vec<Node> {
    let mut parts = vec![principal(statement, request), of_action(statement, action)];
    parts.extend(condition::check(statement, request));
    for path in &statement.empty {
        parts.push(unsupported(path, "what AWS makes of an operator without a key is not documented"));
    }
    parts
}

/// Something that is not understood.
pub(super) fn unsupported(path: &str, why: &str) -> Node {
    let name = path.rsplit('/').next().unwrap_or_default();
    Node::leaf(path, "an element that is understood", name, Verdict::Unsupported).hint(why)
}

/// A Deny: what counts for the reader is whether the whole of it matches.
pub(super) fn deny(statement: &Statement, parts: Vec<Node>) -> Node {
    let node = Node::none(statement.path.clone(), parts).what(statement.name());
    match node.truth() {
        Truth::Yes => node.sides("not to match", "it does not match"),
        Truth::No => node.sides("not to match", "it matches, and a Deny wins over every Allow"),
        Truth::Unknown => node.sides("not to match", "it cannot be told"),
    }
}

/// The provider's registered audiences bound `aud` in any case. A trust policy that tests it names one that its author takes
/// for registered; one that does not leaves the answer to a list that is not in this file.
pub(super) fn audience_unbound(statement: &Statement, request: &Request<'_>) -> Node {
    let audiences = request.claims.audiences().join(", ");
    let path = join(&statement.path, "Condition");
    Node::leaf(path, "one of the provider's client ids", audiences, Verdict::Unsupported)
        .what("audience, which only the OIDC provider's own list decides")
        .hint("add what `aws iam get-open-id-connect-provider` prints: {\"role\": …, \"provider\": …}")
}

fn principal(statement: &Statement, request: &Request<'_>) -> Node {
    let path = join(&statement.path, "Principal");
    let wanted = request.principals.first().cloned().unwrap_or_else(|| format!("the provider of {}", request.provider));
    let leaf = |verdict| Node::leaf(path.clone(), "", wanted.clone(), verdict).what("provider");
    let named = match &statement.principal {
        Principal::Federated(named) => named,
        Principal::Refused => {
            return leaf(Verdict::Unsupported)
                .hint("AWS refuses a role trust policy with `\"Principal\": \"*\"` or without a principal");
        }
        Principal::Unknown(why) => return leaf(Verdict::Unsupported).hint(why.as_str()),
    };
    if named.is_empty() {
        return leaf(Verdict::Mismatch)
            .sides("a federated principal", wanted)
            .hint("AWS and service principals are no web identity");
    }
    let one = |Federated { path, name }: &Federated| {
        let shown = name.of(request.account.as_deref(), request.partition.as_deref());
        let verdict = same_provider(name, statement.effect, request);
        let node = Node::leaf(path.clone(), shown.clone(), wanted.clone(), verdict).what("provider");
        match (name, verdict) {
            (Name::Later(_, why), _) => node.hint(why.as_str()),
            (_, Verdict::Match) => node,
            _ => hints::provider(node, &shown, request),
        }
    };
    match named.as_slice() {
        [only] => one(only),
        many => Node::any(path.clone(), many.iter().map(one).collect()).what("provider"),
    }
}

fn same_provider(name: &Name, effect: Effect, request: &Request<'_>) -> Verdict {
    let name = match name {
        Name::Later(..) => return Verdict::Unsupported,
        Name::Text(text) => text.clone(),
        // Whichever account it is, it is the role's own.
        Name::Own(_) => {
            name.of(request.account.as_deref().or(Some(ANY_ACCOUNT)), request.partition.as_deref().or(Some("aws")))
        }
    };
    if name.contains(['*', '?', '$']) {
        // IAM accepts none of them here, so there is nothing documented to evaluate.
        return Verdict::Unsupported;
    }
    if table::BUILT_IN.contains(&request.provider) && provider_host(&name) == Some(request.provider) {
        // Documented is the name alone, and that no provider should be made; what one that was made does is not.
        return Verdict::Unsupported;
    }
    let matches = if request.principals.is_empty() {
        // The role's account is not known; the note says so.
        provider_host(&name) == Some(request.provider)
    } else {
        request.principals.contains(&name)
    };
    let other_case = name.to_lowercase();
    let case_only = if request.principals.is_empty() {
        provider_host(&other_case).is_some_and(|host| host == request.provider.to_lowercase())
    } else {
        request.principals.iter().any(|own| own.to_lowercase() == other_case)
    };
    match (matches, effect) {
        (true, _) => Verdict::Match,
        // Whether STS compares case-sensitively is not documented: it cannot allow, and it cannot be overlooked.
        (false, Effect::Deny) if case_only => Verdict::Unsupported,
        (false, _) => Verdict::Mismatch,
    }
}

/// Stands for the role's account where nobody knows it.
const ANY_ACCOUNT: &str = "000000000000";

/// The issuer, without `https://`, that a federated principal names by its ARN.
pub(super) fn named_host(name: &Name) -> Option<String> {
    provider_host(&name.of(Some(ANY_ACCOUNT), Some("aws"))).map(str::to_owned)
}

/// The issuer, without `https://`, that an OIDC provider's ARN ends with.
pub(super) fn provider_host(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource]
            if (*partition == "aws" || partition.starts_with("aws-"))
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit()) =>
        {
            resource.strip_prefix("oidc-provider/")
        }
        _ => None,
    }
}

/// Names of actions are compared without regard to case; wildcards are allowed.
fn of_action(statement: &Statement, action: &str) -> Node {
    let any =
        |patterns: &[String]| patterns.iter().any(|one| glob::matches(&one.to_lowercase(), &action.to_lowercase()));
    let leaf = |name: &str, expected: String, verdict| {
        Node::leaf(join(&statement.path, name), expected, action, verdict).what("action")
    };
    match &statement.actions {
        Actions::These(patterns) => {
            let node = leaf("Action", patterns.join(" or "), Truth::from(any(patterns)).into());
            let other = patterns.iter().any(|one| one.eq_ignore_ascii_case("sts:AssumeRole"));
            if node.verdict == Verdict::Mismatch && other {
                return node
                    .hint("sts:AssumeRole is for AWS principals: a web identity needs sts:AssumeRoleWithWebIdentity");
            }
            node
        }
        Actions::AllBut(patterns) => {
            leaf("NotAction", format!("none of {}", patterns.join(", ")), Truth::from(!any(patterns)).into())
        }
        Actions::Unknown => leaf("Action", "one list of actions".to_owned(), Verdict::Unsupported),
    }
}
