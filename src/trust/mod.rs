//! (trust policy, claims) → explanation: would this destination let this job in, and why (not).
//!
//! Pure: no network, no files, no clock. The sandbox decides by the same code that explains a denial, so they cannot
//! disagree. **Undecided is an answer**: whatever is not documented, or not understood here yet, is never *allowed*.
//!
//! What is modelled, and from which document, stands in the files of the three rooms; everything else is undecided.

pub mod aws;
pub mod azure;
mod document;
mod explanation;
pub mod gcp;
mod glob;
mod json;
mod places;
mod subject;
mod truth;

pub use explanation::{Decision, Explanation, Node, Reason, Truth, Verdict};
pub use places::{Place, Places, join};

use crate::claims::Claims;
use crate::edge::{Destination, Edge, Target};
use crate::error::{Error, Result};

/// A trust policy as the destination has it, with the places of its parts in the file.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    /// What it says.
    pub rules: Rules,
    places: Places,
}

/// What a trust policy says.
#[derive(Clone, Debug)]
pub enum Rules {
    /// A role trust policy.
    Aws(aws::RoleTrust),
    /// A workload identity provider and the bindings behind it.
    Gcp(Box<gcp::ProviderTrust>),
    /// The federated identity credentials of one application or identity.
    Azure(azure::FederatedCredentials),
}

impl TrustPolicy {
    /// Reads the file of an edge's `trust`:
    ///
    /// - AWS: the role trust policy, bare or in one of the forms that [`aws::RoleTrust`] is read from;
    /// - GCP: the provider as `gcloud … providers describe --format=json` prints it, alone or in
    ///   `{"provider": …, "pool": …, "bindings": […]}`;
    /// - Azure: the list that `az ad app federated-credential list` prints, or one credential of it.
    ///
    /// # Errors
    /// Text that is not JSON, holds a key twice, or has not the shape named above. What is well formed and merely not
    /// understood is no error: it makes the answer undecided.
    pub fn parse(destination: Destination, text: &str) -> Result<TrustPolicy> {
        // IAM's interface gives the document percent-encoded.
        let decoded = match destination {
            Destination::Aws => aws::decode(text),
            Destination::Gcp | Destination::Azure => Ok(None),
        };
        let parsed = decoded.and_then(|decoded| json::parse(decoded.as_deref().unwrap_or(text)));
        let parsed = parsed.and_then(|value| match destination {
            Destination::Aws => aws::RoleTrust::from_json(&value).map(Rules::Aws),
            Destination::Gcp => gcp::ProviderTrust::from_json(&value).map(|trust| Rules::Gcp(Box::new(trust))),
            Destination::Azure => azure::FederatedCredentials::from_json(&value).map(Rules::Azure),
        });
        let rules = parsed.map_err(|what| {
            Error::usage("trust-policy", format!("the {destination} trust policy cannot be read: {what}"))
        })?;
        Ok(TrustPolicy { rules, places: Places::of(text) })
    }

    /// Whose trust policy it is.
    #[must_use]
    pub fn destination(&self) -> Destination {
        match self.rules {
            Rules::Aws(_) => Destination::Aws,
            Rules::Gcp(_) => Destination::Gcp,
            Rules::Azure(_) => Destination::Azure,
        }
    }
}

/// Would this edge be granted to a token of `issuer` with these claims?
///
/// `issuer` is the issuer the destination would see; `iss` of the claims is not looked at, because a sandbox stands in for
/// the issuer under another URL. Signature and time are the caller's to check ([`crate::jwt::verify()`]).
#[must_use]
pub fn evaluate(trust: &TrustPolicy, edge: &Edge, issuer: &str, claims: &Claims) -> Explanation {
    let explanation = match (&trust.rules, &edge.target) {
        (Rules::Aws(trust), Target::Aws(target)) => {
            let asked = aws::Asked {
                role: Some(&target.role),
                issuer,
                claims,
                seconds: Some(target.first_session(edge.ttl).as_secs()),
                session_name: target.session_name.as_deref(),
                known: &[],
            };
            aws::evaluate(trust, &asked)
        }
        (Rules::Gcp(trust), Target::Gcp(target)) => gcp::evaluate(trust, target, issuer, claims),
        (Rules::Azure(trust), Target::Azure(_)) => azure::evaluate(trust, issuer, claims),
        _ => {
            let (wanted, given) = (edge.destination().to_string(), trust.destination().to_string());
            Explanation::of(Node::leaf("", wanted, given, Verdict::Unsupported).what("kind of trust policy"))
        }
    };
    explanation.placed(&trust.places)
}
