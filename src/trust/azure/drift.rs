//! Federated credentials as facts. A credential's name and description are for people.

use super::document::{FederatedCredential, FederatedCredentials};
use crate::trust::drift::{Fact, Part, Said};
use crate::trust::join;

/// What the list says.
pub(in crate::trust) fn said(trust: &FederatedCredentials) -> Said {
    let unknown = |one: &FederatedCredential| {
        let expression = join(&one.path, "claimsMatchingExpression");
        let language = |language: Option<i64>| language.is_none().then(|| "languageVersion".to_owned());
        let inside = one
            .flexible
            .iter()
            .flat_map(|flexible| flexible.unknown.iter().cloned().chain(language(flexible.language)));
        let inside = inside.map(|name| join(&expression, &name));
        one.unknown.iter().map(|name| join(&one.path, name)).chain(inside).collect::<Vec<_>>()
    };
    Said {
        parts: trust.all.iter().map(part).collect(),
        not_understood: trust.all.iter().flat_map(unknown).chain(trust.more.clone()).collect(),
        silent: Vec::new(),
    }
}

fn part(credential: &FederatedCredential) -> Part {
    let path = |name: &str| join(&credential.path, name);
    let mut facts = vec![Fact::new("issuer", &credential.issuer, path("issuer"))];
    facts.extend(credential.subject.iter().map(|subject| Fact::new("subject", subject, path("subject"))));
    facts.extend(credential.audiences.iter().map(|audience| Fact::new("audience", audience, path("audiences"))));
    if let Some(flexible) = &credential.flexible {
        let at = path("claimsMatchingExpression");
        facts.push(Fact::new("expression", &flexible.expression, join(&at, "value")));
        let language = flexible.language.map_or_else(|| "none".to_owned(), |language| language.to_string());
        facts.push(Fact::new("language of the expression", &language, join(&at, "languageVersion")));
    }
    Part { what: "credential".to_owned(), path: credential.path.clone(), facts }
}
