//! Bindings: which members the mapped identity is, and whether that lets it act as the service account or reach a resource.
//!
//! Members are compared exactly, one attribute each; the provider is no part of them (Google's "Principal identifiers").

use super::document::Binding;
use super::{Asked, Mapped, ProviderTrust};
use crate::trust::explanation::Node;
use crate::trust::{Truth, Verdict, join};

/// What a member needs on a service account to act as it.
pub const WORKLOAD_IDENTITY_USER: &str = "roles/iam.workloadIdentityUser";

/// Whom or what the identity wants to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// To act as this service account: an email or a unique id.
    Account(&'a str),
    /// Resources directly, without a service account.
    Direct,
    /// Whatever the bindings give.
    Anything,
}

/// Whether a binding gives what is asked for; `None` when the answer is outside of the file.
pub(super) fn check(trust: &ProviderTrust, asked: &Asked<'_>, mapped: &Mapped) -> Option<Node> {
    let subject = match asked.wanted {
        Wanted::Account(account) => format!("{WORKLOAD_IDENTITY_USER} on {account}"),
        Wanted::Direct => "direct access".to_owned(),
        Wanted::Anything => "a role".to_owned(),
    };
    let what = format!("member of {subject}");
    let presented = presented(asked, mapped);
    let Some(bindings) = &trust.bindings else {
        // Nobody said what the identity may do; that the provider takes it is an answer only where that was the question.
        let Wanted::Account(account) = asked.wanted else { return None };
        let hint = format!("`gcloud iam service-accounts get-iam-policy {account} --format json` prints them");
        let node = Node::leaf("/bindings", subject, presented, Verdict::Unsupported).what(what);
        return Some(node.hint(format!("the file has no bindings: {hint}")));
    };
    let relevant: Vec<(usize, &Binding)> =
        bindings.iter().enumerate().filter(|(_, binding)| concerns(binding, asked.wanted)).collect();
    if relevant.is_empty() && asked.wanted == Wanted::Direct {
        return None;
    }
    let parts: Vec<Node> = relevant.iter().map(|(at, binding)| one(*at, binding, asked, mapped)).collect();
    if parts.is_empty() {
        let node = Node::leaf("/bindings", subject, presented, Verdict::Missing).what(what);
        return Some(node.hint("no binding in the file gives that role there"));
    }
    Some(Node::any("/bindings", parts).what(what))
}

/// Whom Google takes the token for.
pub(super) fn presented(asked: &Asked<'_>, mapped: &Mapped) -> String {
    let subject = mapped.subject.as_deref().unwrap_or("(undecided)");
    format!("principal://{}subject/{subject}", asked.pool().unwrap_or_else(|| "(unknown pool)/".to_owned()))
}

/// The account's own name, without `projects/-/serviceAccounts/` or the like before it.
pub(super) fn account_of(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// Whether a binding speaks about what is asked for. Without an account's name it may.
pub(super) fn concerns(binding: &Binding, wanted: Wanted<'_>) -> bool {
    match (wanted, binding.service_account.as_deref().map(account_of)) {
        (Wanted::Anything, _) | (Wanted::Direct, None) => true,
        (Wanted::Direct, Some(_)) => false,
        // The bindings of a service account as IAM prints them do not name it: the edge says whose they are.
        (Wanted::Account(_), None) => binding.role == WORKLOAD_IDENTITY_USER,
        (Wanted::Account(account), Some(of)) => of == account || of.contains('@') != account.contains('@'),
    }
}

fn one(at: usize, binding: &Binding, asked: &Asked<'_>, mapped: &Mapped) -> Node {
    let path = format!("/bindings/{at}");
    let mut parts = vec![members(&path, binding, asked, mapped)];
    if let (Wanted::Account(account), Some(of)) = (asked.wanted, binding.service_account.as_deref().map(account_of)) {
        let verdict = if of == account { Verdict::Match } else { Verdict::Unsupported };
        let node = Node::leaf(join(&path, "serviceAccount"), of, account, verdict).what("service account");
        parts.push(if of == account {
            node
        } else {
            node.hint("an email and a unique id may be one account; the file does not tell")
        });
    }
    if matches!(asked.wanted, Wanted::Account(_)) && binding.role != WORKLOAD_IDENTITY_USER {
        let node =
            Node::leaf(join(&path, "role"), WORKLOAD_IDENTITY_USER, &binding.role, Verdict::Unsupported).what("role");
        parts.push(node.hint("whether this role holds iam.serviceAccounts.getAccessToken is not looked at"));
    }
    if let Some(condition) = &binding.condition {
        let node =
            Node::leaf(join(&path, "condition"), condition, "", Verdict::Unsupported).what("condition of the binding");
        parts.push(node.hint("IAM conditions are not evaluated"));
    }
    if !binding.unknown.is_empty() {
        let fields = binding.unknown.join(", ");
        parts.push(
            Node::leaf(&path, "fields that are understood", fields, Verdict::Unsupported).what("fields of the binding"),
        );
    }
    let account = binding.service_account.as_deref().map_or(String::new(), |account| format!(" on {account}"));
    Node::all(path, parts).what(format!("{}{account}", binding.role))
}

/// The members of pools, each compared; people, groups and service accounts are never a federated identity.
fn members(path: &str, binding: &Binding, asked: &Asked<'_>, mapped: &Mapped) -> Node {
    let path = join(path, "members");
    let presented = presented(asked, mapped);
    let parts: Vec<Node> = binding
        .members
        .iter()
        .enumerate()
        .filter(|(_, member)| member.starts_with("principal") || member.starts_with("all"))
        .map(|(at, member)| is_member(&format!("{path}/{at}"), member, asked, mapped))
        .collect();
    if parts.is_empty() {
        return Node::leaf(path, "a member of the pool", presented, Verdict::Missing).what("members");
    }
    Node::any(path, parts).what("members")
}

/// Exact comparison of one member with what the identity is.
fn is_member(path: &str, member: &str, asked: &Asked<'_>, mapped: &Mapped) -> Node {
    let leaf = |presented: &str, truth: Truth| Node::leaf(path, member, presented, truth.into()).what("member");
    let (kind, rest) = member.split_once("://").unwrap_or((member, ""));
    let Some(pool) = asked.pool() else {
        return leaf("", Truth::Unknown).hint("the provider has no name, so its pool is not known");
    };
    let whole = |rest: &str| format!("{kind}://{pool}{rest}");
    let Some(rest) = rest.strip_prefix(pool.as_str()) else {
        let of_pool = rest.contains("/locations/global/workloadIdentityPools/")
            || rest.contains("/locations/global/workforcePools/");
        let truth = if of_pool && rest.starts_with("iam.") { Truth::No } else { Truth::Unknown };
        let node = leaf(&whole(""), truth);
        return if truth == Truth::No {
            node.hint("another pool, or the pool of another project; the project's number counts, not its id")
        } else {
            node
        };
    };
    match (kind, rest.split_once('/')) {
        ("principalSet", None) if rest == "*" => leaf(&whole("*"), Truth::Yes),
        ("principal", Some(("subject", value))) => match &mapped.subject {
            Some(subject) => {
                compared(leaf(&whole(&format!("subject/{subject}")), same(value, subject)), value, subject)
            }
            None => leaf("", Truth::Unknown),
        },
        ("principalSet", Some(("group", value))) => match &mapped.groups {
            Some(groups) => {
                let truth = groups.iter().map(|group| same(value, group)).fold(Truth::No, Truth::or);
                leaf(&groups.iter().map(|group| whole(&format!("group/{group}"))).collect::<Vec<_>>().join(", "), truth)
            }
            None => leaf("", Truth::Unknown),
        },
        ("principalSet", Some((attribute, value))) => {
            let name = attribute.strip_prefix("attribute.");
            match name.and_then(|name| mapped.attributes.iter().find(|(mapped, _)| mapped == name)) {
                Some((name, Some(mapped))) => {
                    compared(leaf(&whole(&format!("attribute.{name}/{mapped}")), same(value, mapped)), value, mapped)
                }
                Some((_, None)) => leaf("", Truth::Unknown),
                None if name.is_some() => {
                    let node = Node::leaf(path, member, "", Verdict::Missing).what("member");
                    node.hint(format!("the provider does not map {attribute}: add it to attributeMapping"))
                }
                None => leaf("", Truth::Unknown),
            }
        }
        _ => leaf("", Truth::Unknown).hint("this form of a member is not documented"),
    }
}

fn compared(node: Node, expected: &str, presented: &str) -> Node {
    if node.is_case_only() {
        return node.hint("they differ in upper and lower case only, and case counts");
    }
    if node.verdict == Verdict::Mismatch && expected.contains('*') {
        return node
            .hint("a `*` in a member is a literal character: map the part that matters to an attribute and bind that");
    }
    super::hints::subject(node, expected, presented)
}

/// Whether a member's value may be percent-encoded, or may be empty, is not documented.
fn same(expected: &str, presented: &str) -> Truth {
    if expected.is_empty() && presented.is_empty() {
        Truth::Unknown
    } else if expected == presented {
        Truth::Yes
    } else if expected.contains('%') {
        Truth::Unknown
    } else {
        Truth::No
    }
}
