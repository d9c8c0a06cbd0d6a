//! Flexible credentials (preview): `claims['sub'] matches '…' and claims['repository_id'] eq '…'`.
//!
//! Source: Microsoft's "Flexible federated identity credentials" (ms.date 2026-08-14). Not stated there: how a quote is
//! escaped, whether `*` goes over `/` and `:` or may be empty, and whether case counts. Where only that decides, the answer is
//! undecided.

use serde_json::Value;

use super::document::{FederatedCredential, Flexible};
use crate::claims::{Claims, github};
use crate::trust::explanation::Node;
use crate::trust::probe::Pattern;
use crate::trust::{Truth, Verdict, join};

/// One comparison of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Clause<'a> {
    claim: &'a str,
    matches: bool,
    value: &'a str,
}

/// Who may be named with which claims, each with the operators it takes.
const GITHUB: [(&str, bool); 4] =
    [("sub", true), ("job_workflow_ref", true), ("repository_id", false), ("repository_owner_id", false)];
const SUBJECT: [(&str, bool); 1] = [("sub", true)];

/// The expression of a credential as a tree.
pub(super) fn check(credential: &FederatedCredential, flexible: &Flexible, claims: &Claims) -> Node {
    let base = join(&credential.path, "claimsMatchingExpression");
    let path = join(&base, "value");
    let unsupported = |expected: &str, presented: &str, hint: &str| {
        Node::leaf(&path, expected, presented, Verdict::Unsupported).what("expression").hint(hint)
    };
    let mut parts = Vec::new();
    match parse(&flexible.expression) {
        None => parts.push(unsupported(
            "claims['NAME'] eq|matches 'VALUE', joined by ` and `",
            &flexible.expression,
            "it is not of the documented form, or holds a quote or backslash whose escaping is not documented",
        )),
        Some(clauses) => {
            parts.extend(clauses.iter().map(|clause| clause.check(&path, claims)));
            parts.extend(forms(credential, &clauses, &unsupported));
        }
    }
    if flexible.language != Some(1) {
        let met = flexible.language.map_or_else(|| "none".to_owned(), |version| version.to_string());
        parts.push(Node::leaf(join(&base, "languageVersion"), "1", met, Verdict::Unsupported).what("language version"));
    }
    for name in &flexible.unknown {
        let node = Node::leaf(join(&base, name), "a field that is understood", name, Verdict::Unsupported);
        parts.push(node.what("fields of the expression"));
    }
    if credential.subject.is_some() {
        parts.push(unsupported("no subject beside an expression", "both", "which of the two counts is not documented"));
    }
    if credential.managed {
        let hint = "Microsoft's pages disagree whether managed identities take flexible credentials";
        parts.push(unsupported("an application", "a managed identity", hint));
    }
    Node::all(path, parts).what(format!("expression of credential `{}`", credential.name))
}

/// Whether Entra documents such an expression for the issuer.
fn forms(
    credential: &FederatedCredential,
    clauses: &[Clause<'_>],
    unsupported: &dyn Fn(&str, &str, &str) -> Node,
) -> Vec<Node> {
    let issuer = credential.issuer.as_str();
    let github = issuer == github::ISSUER;
    let Some(allowed) = allowed(issuer) else {
        let known = "GitHub, gitlab.com, gitlab.NAME.com, app.terraform.io";
        return vec![unsupported(known, issuer, "flexible credentials are not documented for this issuer")];
    };
    let mut parts = Vec::new();
    for clause in clauses {
        if !allowed.iter().any(|(claim, wildcards)| *claim == clause.claim && (*wildcards || !clause.matches)) {
            let operator = if clause.matches { "matches" } else { "eq" };
            let hint = "Entra refuses such an expression when it is created";
            parts.push(unsupported("a documented claim and operator", &format!("{} {operator}", clause.claim), hint));
        }
    }
    let has = |names: &[&str]| clauses.iter().any(|clause| names.contains(&clause.claim));
    if github && !(has(&["sub"]) && has(&["repository_id", "repository_owner_id"])) {
        let names: Vec<&str> = clauses.iter().map(|clause| clause.claim).collect();
        let hint = "GitHub's expressions need sub and one of the ids; one without still works where it is old, and is refused anew";
        parts.push(unsupported("sub and repository_id or repository_owner_id", &names.join(", "), hint));
    }
    let project_path = clauses.iter().any(|clause| clause.claim == "sub" && clause.value.starts_with("project_path:"));
    if issuer.starts_with("https://gitlab.") && project_path {
        let hint = "GitLab expressions over names were refused in 2026-08 although the documentation allows them";
        parts.push(unsupported("sub by project_id", "sub by project_path", hint));
    }
    parts
}

fn allowed(issuer: &str) -> Option<&'static [(&'static str, bool)]> {
    let gitlab = issuer.strip_prefix("https://gitlab.").is_some_and(|rest| {
        let name = rest.strip_suffix(".com").or_else(|| rest.strip_suffix(".ca")).unwrap_or("/");
        rest == "com"
            || !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    });
    match issuer {
        github::ISSUER => Some(&GITHUB),
        "https://app.terraform.io" | "https://app.eu.terraform.io" => Some(&SUBJECT),
        _ if gitlab => Some(&SUBJECT),
        _ => None,
    }
}

/// Clauses with ` and ` between them; `None` for anything else.
fn parse(text: &str) -> Option<Vec<Clause<'_>>> {
    let mut clauses = Vec::new();
    let mut rest = text;
    loop {
        let (claim, behind) = rest.strip_prefix("claims['")?.split_once("'] ")?;
        let (operator, behind) = behind.split_once(" '")?;
        let (value, behind) = behind.split_once('\'')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if claim.is_empty() || !claim.chars().all(plain) || value.contains('\\') {
            return None;
        }
        let matches = match operator {
            "matches" => true,
            "eq" => false,
            _ => return None,
        };
        clauses.push(Clause { claim, matches, value });
        if behind.is_empty() {
            return Some(clauses);
        }
        rest = behind.strip_prefix(" and ")?;
    }
}

/// The claims of an expression with what they have to fit; `None` when it cannot be read.
pub(super) fn patterns(text: &str) -> Option<Vec<(String, Pattern)>> {
    let of = |clause: &Clause<'_>| {
        let pattern = if clause.matches { Pattern::like(clause.value) } else { Pattern::exact(clause.value) };
        (clause.claim.to_owned(), pattern)
    };
    Some(parse(text)?.iter().map(of).collect())
}

impl Clause<'_> {
    fn differs_in_case_from_one_of(&self, claims: &Claims) -> bool {
        claims.as_map().iter().any(|(name, value)| name.eq_ignore_ascii_case(self.claim) && !value.is_null())
    }

    fn check(&self, path: &str, claims: &Claims) -> Node {
        let operator = if self.matches { "matches" } else { "eq" };
        let what = format!("{} {operator}", self.claim);
        let leaf = |presented: &str, verdict| Node::leaf(path, self.value, presented, verdict).what(&what);
        let presented = match claims.value(self.claim) {
            None | Some(Value::Null) if self.differs_in_case_from_one_of(claims) => {
                return leaf("", Verdict::Unsupported)
                    .hint("the token has the claim in other letters; whether case counts there is not documented");
            }
            None | Some(Value::Null) => return leaf("", Verdict::Missing),
            Some(Value::String(text)) if text.is_empty() => {
                return leaf("", Verdict::Unsupported).hint("what an empty claim is compared to is not documented");
            }
            Some(Value::String(text)) => text,
            Some(other) => return leaf(&other.to_string(), Verdict::Unsupported).hint("the claim is no text"),
        };
        let (truth, hint) = if self.matches { wildcards(self.value, presented) } else { equal(self.value, presented) };
        let node = leaf(presented, truth.into());
        match hint {
            Some(hint) => node.hint(hint),
            None => node,
        }
    }
}

fn equal(value: &str, presented: &str) -> (Truth, Option<String>) {
    if value == presented {
        return (Truth::Yes, None);
    }
    if value.to_lowercase() == presented.to_lowercase() {
        return (Truth::Unknown, Some("whether case counts in a flexible credential is not documented".to_owned()));
    }
    let star = value.contains(['*', '?']);
    let hint = if star { Some("eq compares literally: `*` and `?` need matches".to_owned()) } else { None };
    (Truth::No, hint.or_else(|| crate::trust::subject::story(value, presented)))
}

fn wildcards(pattern: &str, presented: &str) -> (Truth, Option<String>) {
    if fits(pattern, presented, false) {
        (Truth::Yes, None)
    } else if fits(pattern, presented, true) {
        let hint = "it fits only if `*` goes over `/` and `:` or may be empty, which Microsoft does not state";
        (Truth::Unknown, Some(hint.to_owned()))
    } else if fits(&pattern.to_lowercase(), &presented.to_lowercase(), true) {
        (Truth::Unknown, Some("it fits but for case, and whether case counts is not documented".to_owned()))
    } else {
        (Truth::No, None)
    }
}

/// Whether the whole text fits. Wide: a star takes any run, also an empty one. Narrow: at least one character, and neither
/// star nor question mark takes `/` or `:`.
fn fits(pattern: &str, text: &str, wide: bool) -> bool {
    let text: Vec<char> = text.chars().collect();
    let may = |c: char| wide || !"/:".contains(c);
    // `reached[n]`: the pattern so far fits the first n characters.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for wanted in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        let mut running = false;
        for (at, c) in text.iter().enumerate() {
            let before = reached.get(at).copied().unwrap_or(false);
            running = (running || before) && may(*c);
            let fits = match wanted {
                '*' => running,
                '?' => before && may(*c),
                wanted => before && wanted == *c,
            };
            if let Some(slot) = next.get_mut(at + 1) {
                *slot = fits;
            }
        }
        if wanted == '*' && wide {
            for (slot, before) in next.iter_mut().zip(&reached) {
                *slot |= *before;
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_form_and_nothing_else() {
        let text = "claims['sub'] matches 'repo:contoso/contoso-repo:ref:refs/heads/*' and claims['repository_id'] eq '456789'";
        let clauses = parse(text).unwrap();
        assert_eq!(clauses.len(), 2);
        assert_eq!(clauses[1], Clause { claim: "repository_id", matches: false, value: "456789" });
        assert!(parse("claims['sub'] eq 'a and b'").is_some());
        for text in [
            "",
            "claims['sub'] eq ''x''",
            "claims['sub'] eq 'it''s'",
            "claims['sub'] eq 'a\\'b'",
            "claims['sub'] eq \"a\"",
            "claims['sub']  eq 'a'",
            "claims['sub'] EQ 'a'",
            "claims['sub'] eq 'a' or claims['sub'] eq 'b'",
            "claims['sub'] eq 'a' and",
            "claims['sub'] eq 'a' and ",
            "not claims['sub'] eq 'a'",
            "(claims['sub'] eq 'a')",
            "claims.sub eq 'a'",
            "claims[''] eq 'a'",
            "claims['sub'] eq 'a' ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_star_is_certain_only_inside_of_a_segment() {
        for (pattern, text, truth) in [
            ("a:*", "a:b", Truth::Yes),
            ("a:*", "a:b/c", Truth::Unknown),
            ("a:*", "a:", Truth::Unknown),
            ("a:*", "b:c", Truth::No),
            ("a:?", "a:b", Truth::Yes),
            ("a:?", "a:bc", Truth::No),
            ("a?b", "a/b", Truth::Unknown),
            ("*", "", Truth::Unknown),
            ("A:*", "a:b", Truth::Unknown),
            ("a*c", "abcd", Truth::No),
            ("*a*b*", "xaxbx", Truth::Yes),
            ("", "", Truth::Yes),
            ("", "a", Truth::No),
        ] {
            assert_eq!(wildcards(pattern, text).0, truth, "{pattern} {text}");
        }
    }

    #[test]
    fn issuers() {
        for (issuer, known) in [
            (github::ISSUER, true),
            ("https://gitlab.com", true),
            ("https://gitlab.acme.com", true),
            ("https://gitlab.acme.ca", true),
            ("https://app.eu.terraform.io", true),
            ("https://gitlab.acme.org", false),
            ("https://gitlab..com", false),
            ("https://gitlab.com/", false),
            ("https://gitlab.x/y.com", false),
            ("https://token.actions.githubusercontent.com/acme", false),
        ] {
            assert_eq!(allowed(issuer).is_some(), known, "{issuer}");
        }
    }
}
