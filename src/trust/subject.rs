//! What is behind two GitHub subjects that differ: the stories that people meet, each with the form that would fit.
//!
//! Source: GitHub's OpenID Connect reference (2026): an environment takes the ref's place, a pull request has none, a `:` in a
//! value is `%3A`; repositories created, renamed or transferred after 2026-07-15 have ids in their subject.

use serde_json::Value;

use super::Verdict;
use super::explanation::Node;
use crate::claims::Claims;

/// A token without a subject is none that an issuer gives (OpenID Connect Core 1.0, section 2: `sub` is required), so what a
/// destination does with one is not documented; `None` where there is one.
pub(super) fn absent(claims: &Claims) -> Option<Node> {
    let presented = match claims.value("sub") {
        Some(Value::String(text)) if !text.is_empty() => return None,
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let node = Node::leaf("", "a subject", presented, Verdict::Unsupported).what("subject of the token");
    Some(node.hint("every ID token has a text in `sub`: these claims are not those of a whole token"))
}

/// What a destination makes of a list of audiences that holds something else than texts is not documented (RFC 7519, 4.1.3:
/// an array of strings).
pub(super) fn odd_audience(claims: &Claims) -> Option<Node> {
    let audience = claims.value("aud")?;
    let is_odd = audience.as_array().is_some_and(|all| !all.iter().all(Value::is_string));
    let node = Node::leaf("", "a text, or a list of texts", audience.to_string(), Verdict::Unsupported);
    is_odd.then(|| node.what("audience of the token"))
}

/// `repo:OWNER[@ID]/NAME[@ID]:CONTEXT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subject<'a> {
    owner: &'a str,
    owner_id: Option<&'a str>,
    name: &'a str,
    name_id: Option<&'a str>,
    context: &'a str,
}

impl<'a> Subject<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (repository, context) = text.strip_prefix("repo:")?.split_once(':')?;
        let (owner, name) = repository.split_once('/')?;
        // `@` cannot occur in the names themselves.
        let id = |part: &'a str| part.split_once('@').map_or((part, None), |(name, id)| (name, Some(id)));
        let ((owner, owner_id), (name, name_id)) = (id(owner), id(name));
        Some(Subject { owner, owner_id, name, name_id, context })
    }

    fn has_ids(&self) -> bool {
        self.owner_id.is_some() && self.name_id.is_some()
    }

    /// Also where they differ in case only: GitHub does not look at it, the clouds do.
    fn same_names(&self, other: &Subject<'_>) -> bool {
        self.owner.eq_ignore_ascii_case(other.owner) && self.name.eq_ignore_ascii_case(other.name)
    }
}

/// Why these two may differ, and what would fit; `None` where there is no more to say than that they differ.
pub(super) fn story(expected: &str, presented: &str) -> Option<String> {
    let (wanted, given) = (Subject::parse(expected)?, Subject::parse(presented)?);
    if !wanted.same_names(&given) {
        return None;
    }
    let more = of_same_repository(&wanted, &given, presented);
    if (wanted.owner, wanted.name) == (given.owner, given.name) {
        return more;
    }
    let case = "owner and repository differ in upper and lower case, and case counts".to_owned();
    Some(more.map_or(case.clone(), |more| format!("{case}; {more}")))
}

fn of_same_repository(wanted: &Subject<'_>, given: &Subject<'_>, presented: &str) -> Option<String> {
    if wanted.has_ids() != given.has_ids() {
        return Some(other_form(wanted, given));
    }
    if given.has_ids() && (wanted.owner_id, wanted.name_id) != (given.owner_id, given.name_id) {
        return Some(
            "the names are the same and the ids are not: it is another repository under a name that was free"
                .to_owned(),
        );
    }
    if wanted.context == given.context {
        return None;
    }
    if let Some(story) = no_context(wanted.context) {
        return Some(story);
    }
    let is = |subject: &Subject<'_>, kind: &str| subject.context.strip_prefix(kind).map(str::to_owned);
    if let Some(environment) = is(given, "environment:") {
        return Some(match is(wanted, "environment:") {
            Some(other) if other.replace(':', "%3A") == environment => {
                format!("GitHub writes a `:` inside an environment's name as %3A: expect `{presented}`")
            }
            Some(_) => "the job names another environment".to_owned(),
            None => format!(
                "the job names the environment `{environment}`, which takes the place of the ref in the subject: expect `{presented}`"
            ),
        });
    }
    if given.context == "pull_request" {
        return Some("the run belongs to a pull request, whose subject carries no ref".to_owned());
    }
    if is(wanted, "environment:").is_some() {
        return Some("the job names no environment: `environment:` in the job puts it into the subject".to_owned());
    }
    (is(wanted, "ref:").is_some() && is(given, "ref:").is_some()).then(|| "the run is of another ref".to_owned())
}

/// Why no subject of GitHub's is like this one; `*` and `?` are taken for wildcards. `None` where one may be.
pub(super) fn never(subject: &str) -> Option<String> {
    let Subject { owner, name, context, .. } = Subject::parse(subject)?;
    // A wildcard goes over colons, and a variable has one: what is behind the next one is not the context then.
    let open = [owner, name].iter().any(|part| part.contains(['*', '?', '$']));
    no_context(context).filter(|_| !open && !context.starts_with('$'))
}

/// A context is `pull_request`, or pairs of a claim's name and its value; custom properties are claims too, of any name.
fn no_context(context: &str) -> Option<String> {
    let name = context.split([':', '*', '?']).next().unwrap_or_default();
    let is_claim = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let goes_on = name.len() < context.len();
    if context.is_empty() || context == "pull_request" || name.starts_with("repo_property_") || is_claim && goes_on {
        return None;
    }
    let plain = name.trim().to_lowercase().replace('-', "_");
    let plain = plain.trim_end_matches('s');
    let instead = match plain {
        "pull_request" | "pr" | "merge_request" => "`pull_request`".to_owned(),
        "ref" | "environment" if goes_on => format!("`{plain}{}`", context.get(name.len()..).unwrap_or_default()),
        _ if name.starts_with("refs/") => format!("`ref:{context}`"),
        _ => "`ref:…`, `environment:…` or `pull_request`".to_owned(),
    };
    Some(format!("no job has `{context}` behind its repository; there stands {instead}"))
}

fn other_form(wanted: &Subject<'_>, given: &Subject<'_>) -> String {
    let Subject { owner, name, context, .. } = wanted;
    match (given.owner_id, given.name_id) {
        (Some(owner_id), Some(name_id)) => format!(
            "the repository has the immutable subject, with ids; in that form this one is `repo:{owner}@{owner_id}/{name}@{name_id}:{context}`"
        ),
        _ => format!(
            "the repository has the classic subject, without ids; in that form this one is `repo:{owner}/{name}:{context}`"
        ),
    }
}

/// A subject without ids in the form with ids.
pub(super) fn with_ids(subject: &str, owner_id: &str, repository_id: &str) -> Option<String> {
    let Subject { owner, name, context, owner_id: None, name_id: None } = Subject::parse(subject)? else { return None };
    Some(format!("repo:{owner}@{owner_id}/{name}@{repository_id}:{context}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories() {
        for (expected, presented, word) in [
            ("repo:a/b:ref:refs/heads/main", "repo:a/b:environment:prod", "environment `prod`"),
            ("repo:a/b:environment:prod", "repo:a/b:environment:test", "another environment"),
            ("repo:a/b:environment:p:1", "repo:a/b:environment:p%3A1", "%3A"),
            ("repo:a/b:environment:prod", "repo:a/b:ref:refs/heads/main", "names no environment"),
            ("repo:a/b:environment:prod", "repo:a/b:pull_request", "pull request"),
            ("repo:a/b:ref:refs/heads/main", "repo:a/b:pull_request", "pull request"),
            ("repo:a/b:ref:refs/heads/main", "repo:a/b:ref:refs/heads/dev", "another ref"),
            ("repo:a/b:ref:x", "repo:a@1/b@2:ref:y", "`repo:a@1/b@2:ref:x`"),
            ("repo:a@1/b@2:ref:x", "repo:a/b:ref:x", "`repo:a/b:ref:x`"),
            ("repo:a@1/b@2:ref:x", "repo:a@1/b@3:ref:x", "another repository"),
            ("repo:A/b:ref:x", "repo:a/b:environment:y", "case counts; the job names the environment `y`"),
            ("repo:A/b:x", "repo:a/b:x", "case counts"),
        ] {
            let story = story(expected, presented).unwrap();
            assert!(story.contains(word), "{expected} {presented}: {story}");
        }
        for (context, instead) in [
            ("refs/heads/main", "`ref:refs/heads/main`"),
            ("refs/heads/*", "`ref:refs/heads/*`"),
            ("pull-request", "`pull_request`"),
            ("pr", "`pull_request`"),
            ("Environment:prod", "`environment:prod`"),
            ("environments-prod", "`ref:…`, `environment:…` or `pull_request`"),
            ("environment", "`ref:…`, `environment:…` or `pull_request`"),
            ("pull_request ", "`pull_request`"),
            ("main", "`ref:…`, `environment:…` or `pull_request`"),
        ] {
            let story = never(&format!("repo:a/b:{context}")).unwrap_or_default();
            assert!(story.ends_with(&format!("there stands {instead}")), "{context}: {story}");
            assert_eq!(super::story(&format!("repo:a/b:{context}"), "repo:a/b:environment:x"), Some(story));
        }
        for possible in [
            "repo:a/b",
            "repo:a/b:",
            "repo:a/b:*",
            "repo:a/b:pull_*",
            "repo:a/b:pull_request",
            "repo:a/b:pull_request:actor:x",
            "repo:a/b:ref:refs/heads/main",
            "repo:a/b:r*:refs/heads/main",
            "repo:a/b:repo_property_My-team:x",
            "repo:a@1/b@2:environment:x",
            "repo:a/*:refs/heads/main",
            "repo:a/b?refs/heads/main",
            "repo:?/b:refs/heads/main",
            "repo:a/${aws:PrincipalTag/name}:refs/heads/main",
            "repo:a/b:${aws:PrincipalTag/context}",
            "project_path:a/b:refs/heads/main",
        ] {
            assert_eq!(never(possible), None, "{possible}");
        }
        // Where only the names differ, nothing is said of the rest.
        for rest in ["ref:refs/heads/main", "environment:prod", "pull_request"] {
            let story = story(&format!("repo:A/b:{rest}"), &format!("repo:a/b:{rest}")).unwrap();
            assert!(story.ends_with("case counts"), "{rest}: {story}");
        }
        for (expected, presented) in [
            ("repo:a/b:ref:x", "repo:c/b:ref:x"),
            ("repo:a@1/b:ref:x", "repo:a/b:ref:x"),
            ("x", "repo:a/b:ref:x"),
            ("repo:a/b", "repo:a/b:x"),
        ] {
            assert_eq!(story(expected, presented), None, "{expected} {presented}");
        }
    }

    #[test]
    fn the_form_with_ids() {
        assert_eq!(with_ids("repo:a/b:ref:x", "1", "2").as_deref(), Some("repo:a@1/b@2:ref:x"));
        assert_eq!(with_ids("repo:a@1/b@2:ref:x", "1", "2"), None);
        assert_eq!(with_ids("project_path:a/b", "1", "2"), None);
    }
}
