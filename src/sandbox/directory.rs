//! What exists at the destinations: roles, providers, service accounts, applications, all from the edges.

use super::State;
use crate::edge::{Edge, Target, aws, azure, gcp};
use crate::trust::{Decision, Explanation, TrustPolicy};

/// Whether something is given.
pub(super) enum Outcome {
    /// Given: by the trust policy, or because the sandbox is open.
    Granted(Option<Explanation>),
    /// The trust policy says no, or nothing can be told: a stand-in must not grant what nobody understands.
    Refused(Explanation),
    /// Nothing here is named so, or it has no trust policy.
    Absent,
}

impl State {
    fn edges<'a, T>(
        &'a self,
        fits: impl Fn(&'a Edge) -> Option<T> + 'a,
    ) -> impl Iterator<Item = (&'a Edge, Option<&'a TrustPolicy>, T)> {
        let edges = self.options.edges.iter();
        edges.filter_map(move |(edge, trust)| Some((edge, trust.as_ref(), fits(edge)?)))
    }

    /// The edges into one role.
    pub(super) fn roles<'a>(
        &'a self,
        role: &'a str,
    ) -> impl Iterator<Item = (&'a Edge, Option<&'a TrustPolicy>, &'a aws::Target)> {
        self.edges(move |edge| match &edge.target {
            Target::Aws(target) if target.role == role => Some(target),
            _ => None,
        })
    }

    /// The edges whose last role is reached over others.
    pub(super) fn chains(&self) -> impl Iterator<Item = &aws::Target> {
        self.edges(|edge| match &edge.target {
            Target::Aws(target) => Some(target),
            _ => None,
        })
        .map(|(_, _, target)| target)
    }

    /// The edges over one provider.
    pub(super) fn providers<'a>(
        &'a self,
        provider: &'a gcp::Provider,
    ) -> impl Iterator<Item = (&'a Edge, Option<&'a TrustPolicy>, &'a gcp::Target)> {
        self.edges(move |edge| match &edge.target {
            Target::Gcp(target) if target.provider == *provider => Some(target),
            _ => None,
        })
    }

    /// The edges into one application; client ids are GUIDs, written in either case.
    pub(super) fn applications<'a>(
        &'a self,
        client_id: &'a str,
    ) -> impl Iterator<Item = (&'a Edge, Option<&'a TrustPolicy>, &'a azure::Target)> {
        self.edges(move |edge| match &edge.target {
            Target::Azure(target) if target.client_id.eq_ignore_ascii_case(client_id) => Some(target),
            _ => None,
        })
    }

    /// Decides over edges that stand for the same thing: one that allows is enough.
    pub(super) fn decide<'a>(
        &self,
        edges: impl Iterator<Item = (&'a Edge, Option<&'a TrustPolicy>)>,
        evaluate: impl Fn(&TrustPolicy, &Edge) -> Explanation,
    ) -> Outcome {
        let mut refused: Option<Explanation> = None;
        for (edge, trust) in edges {
            let Some(trust) = trust else { continue };
            let explanation = evaluate(trust, edge);
            if explanation.decision == Decision::Allowed {
                return Outcome::Granted(Some(explanation));
            }
            refused.get_or_insert(explanation);
        }
        match refused {
            Some(explanation) => Outcome::Refused(explanation),
            None if self.options.open => Outcome::Granted(None),
            None => Outcome::Absent,
        }
    }
}

/// Behind a vendor's text where the trust policy could not be understood: the vendor would have decided.
pub(super) fn undecided(explanation: &Explanation) -> &'static str {
    match explanation.decision {
        Decision::Undecided => " (sandbox wording: undecided, the trust policy uses something that is not understood)",
        Decision::Allowed | Decision::Denied => "",
    }
}
