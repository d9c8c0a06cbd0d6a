//! Subjects that are made of `claim:value` pairs, as GitHub's customised ones and GitLab's are.

use super::wanted::{ANY, ONE};

/// The claims that a text with wildcards is made of, each with its text, in order; `None` when it is none of these.
///
/// `single`: words that stand alone. Behind a wildcard that may reach over a `:` only what is known by name is read.
pub(super) fn parse<'t>(text: &'t str, known: &[&str], single: &[&str]) -> Option<Vec<(&'t str, &'t str)>> {
    let mut parts = text.split(':');
    let mut all = Vec::new();
    let mut loose = false;
    while let Some(name) = parts.next() {
        if single.contains(&name) {
            all.push(("context", name));
        } else if known.contains(&name) {
            match parts.next() {
                Some(value) => {
                    loose |= value.contains(ANY);
                    all.push((name, value));
                }
                None => return None,
            }
        } else if name.contains([ANY, ONE]) {
            loose = true;
        } else if !loose {
            return None;
        }
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::probe::Pattern;

    #[test]
    fn pairs_in_order() {
        let known = ["repo", "ref", "environment"];
        let single = ["pull_request"];
        assert_eq!(parse("repo:a/b:ref:r", &known, &single).unwrap(), [("repo", "a/b"), ("ref", "r")]);
        assert_eq!(parse("repo:a/b:pull_request", &known, &single).unwrap()[1], ("context", "pull_request"));
        let open = Pattern::like("repo:a/b:*");
        assert_eq!(parse(open.text(), &known, &single).unwrap(), [("repo", "a/b")]);
        assert_eq!(parse("repo:a/b:x:y", &known, &single), None);
        assert_eq!(parse("", &known, &single), None);
    }
}
