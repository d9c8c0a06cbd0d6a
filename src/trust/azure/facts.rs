//! What a credential says, laid out for checks that look at the text and not at one token.

use super::document::FederatedCredential;
use super::{AUDIENCES, FederatedCredentials, flexible};
use crate::trust::join;
use crate::trust::probe::{Pattern, Wanted};

/// One credential of a list.
pub(in crate::trust) struct CredentialFacts<'a> {
    credential: &'a FederatedCredential,
    /// Its place in the list, from 0, and how long the list is.
    pub(in crate::trust) of: (usize, usize),
}

impl FederatedCredentials {
    /// Every credential.
    pub(in crate::trust) fn facts(&self) -> Vec<CredentialFacts<'_>> {
        let all = self.all.len();
        self.all.iter().enumerate().map(|(at, credential)| CredentialFacts { credential, of: (at, all) }).collect()
    }
}

impl<'a> CredentialFacts<'a> {
    /// The credential as the only one.
    pub(in crate::trust) fn alone(&self) -> FederatedCredentials {
        FederatedCredentials { all: vec![self.credential.clone()], more: None }
    }

    /// JSON pointer of a field.
    pub(in crate::trust) fn path(&self, field: &str) -> String {
        if field.is_empty() { self.credential.path.clone() } else { join(&self.credential.path, field) }
    }

    /// Its issuer.
    pub(in crate::trust) fn issuer(&self) -> &'a str {
        &self.credential.issuer
    }

    /// Its subject; `None` for a flexible credential.
    pub(in crate::trust) fn subject(&self) -> Option<&'a str> {
        self.credential.subject.as_deref()
    }

    /// Whether it has an expression in the place of a subject.
    pub(in crate::trust) fn is_flexible(&self) -> bool {
        self.credential.flexible.is_some()
    }

    /// Whether it belongs to a user-assigned managed identity.
    pub(in crate::trust) fn is_managed(&self) -> bool {
        self.credential.managed
    }

    /// Its audiences, each with whether Microsoft documents it for a cloud.
    pub(in crate::trust) fn audiences(&self) -> impl Iterator<Item = (&'a str, bool)> {
        let known = |text: &str| AUDIENCES.iter().any(|(audience, _)| *audience == text);
        self.credential.audiences.iter().map(move |text| (text.as_str(), known(text)))
    }

    /// Whom it means; `None` where it says neither subject nor a readable expression.
    pub(in crate::trust) fn wanted(&self) -> Option<Wanted> {
        let claims = match (&self.credential.flexible, self.subject()) {
            (Some(expression), _) => flexible::patterns(&expression.expression)?,
            (None, Some(subject)) => vec![("sub".to_owned(), Pattern::exact(subject))],
            (None, None) => return None,
        };
        Some(Wanted {
            issuer: self.issuer().to_owned(),
            audience: self.credential.audiences.first().cloned().unwrap_or_default(),
            claims: claims.into_iter().collect(),
        })
    }
}
