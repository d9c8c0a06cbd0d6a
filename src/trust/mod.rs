//! (trust policy, claims) → explanation: would this destination let this job in, and why (not).
//!
//! Pure: no network, no files, no clock. The sandbox decides by the same code that explains a denial, so they cannot
//! disagree. **Undecided is an answer**: whatever is not documented, or not understood here yet, is never *allowed*.
//!
//! What is modelled, and from which document, stands in the files of the three rooms; everything else is undecided.

pub mod aws;
pub mod azure;
mod document;
pub mod drift;
mod explanation;
pub mod gcp;
mod glob;
mod json;
pub mod lint;
mod places;
mod probe;
pub mod render;
mod shell;
mod subject;
#[cfg(test)]
mod testing;
mod truth;
mod workflow;
mod yaml;

pub use explanation::{Decision, Explanation, Node, Reason, Truth, Verdict};
pub use json::MOST_BYTES;
pub use places::{Place, Places, join};
pub use workflow::Workflow;

use serde_json::Value;

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
    /// Each as JSON or as YAML.
    ///
    /// # Errors
    /// Text that is neither JSON nor YAML, holds a key twice, or has not the shape named above. What is well formed and merely not
    /// understood is no error: it makes the answer undecided.
    pub fn parse(destination: Destination, text: &str) -> Result<TrustPolicy> {
        let parsed = placed(text).and_then(|(value, places)| Ok((Rules::from_json(destination, &value)?, places)));
        let (rules, places) = parsed.map_err(|what| {
            Error::usage("trust-policy", format!("the {destination} trust policy cannot be read: {what}"))
        })?;
        Ok(TrustPolicy { rules, places })
    }

    /// Reads a file of any of these forms, recognised by what is in it.
    ///
    /// # Errors
    /// As [`TrustPolicy::parse`].
    pub fn recognise(text: &str) -> Result<TrustPolicy> {
        let parsed =
            placed(text).and_then(|(value, places)| Ok((Rules::from_json(destination_of(&value), &value)?, places)));
        let (rules, places) = parsed.map_err(|what| {
            Error::usage("trust-policy", format!("the trust policy cannot be read: {what}")).hint(
                "save what `aws iam get-role`, `gcloud iam workload-identity-pools providers describe --format json` or \
                 `az ad app federated-credential list` prints",
            )
        })?;
        Ok(TrustPolicy { rules, places })
    }

    /// Reads a YAML file that nobody named: `None` for what is no CloudFormation template with a role in it.
    ///
    /// # Errors
    /// As [`TrustPolicy::parse`], for a text that speaks of itself as a template.
    pub fn template(text: &str) -> Result<Option<TrustPolicy>> {
        match placed(text) {
            Ok((value, _)) if !aws::is_template(&value) || aws::RoleTrust::is_empty(&value) => Ok(None),
            Err(_) if !text.contains("AWS::") || !text.contains("Resources") => Ok(None),
            _ => TrustPolicy::recognise(text).map(Some),
        }
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

/// One JSON value as trust policies are read: percent-encoded too, as IAM's interface gives a document, and an error
/// where a key stands twice, because readers disagree about which of the two counts.
///
/// # Errors
/// What is wrong with it.
pub fn read_json(text: &str) -> std::result::Result<Value, String> {
    json::parse(aws::decode(text)?.as_deref().unwrap_or(text))
}

/// The same, or one YAML document.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> std::result::Result<Value, String> {
    placed(text).map(|(value, _)| value)
}

/// One JSON value, or one YAML document, with the places of its parts. What begins with a brace, a bracket or a percent-encoded
/// brace is JSON, and its faults are JSON's.
fn placed(text: &str) -> std::result::Result<(Value, Places), String> {
    let body = text.trim_start_matches('\u{feff}').trim_start();
    if ["{", "[", "%7B", "%7b"].iter().any(|begin| body.starts_with(begin)) {
        return read_json(text).map(|value| (value, Places::of(text)));
    }
    yaml::parse(text)
}

/// Whose form it is. What is nobody's counts as AWS's, whose forms are the most.
fn destination_of(value: &Value) -> Destination {
    let credential = |value: &Value| value.get("issuer").is_some() || value.get("properties").is_some();
    let list = |value: &Value| value.as_array().is_some_and(|all| all.iter().all(credential));
    let provider = |value: &Value| value.get("oidc").is_some() || value.get("attributeMapping").is_some();
    if list(value) || credential(value) || value.get("value").is_some_and(list) {
        Destination::Azure
    } else if provider(value) || value.get("provider").is_some_and(provider) {
        Destination::Gcp
    } else {
        Destination::Aws
    }
}

impl Rules {
    fn from_json(destination: Destination, value: &Value) -> std::result::Result<Rules, String> {
        match destination {
            Destination::Aws => aws::RoleTrust::from_json(value).map(Rules::Aws),
            Destination::Gcp => gcp::ProviderTrust::from_json(value).map(|trust| Rules::Gcp(Box::new(trust))),
            Destination::Azure => azure::FederatedCredentials::from_json(value).map(Rules::Azure),
        }
    }
}

/// Would a token of `issuer` with these claims be let in by this file, whichever edge asks?
///
/// `role` is for a file with several AWS roles; `known` is what is known of the request at AWS beside the token. For the
/// rest as [`evaluate`].
#[must_use]
pub fn evaluate_file(
    trust: &TrustPolicy,
    role: Option<&str>,
    known: &[(String, Vec<String>)],
    issuer: &str,
    claims: &Claims,
) -> Explanation {
    let explanation = match &trust.rules {
        Rules::Aws(rules) => {
            let asked = aws::Asked { role, issuer, claims, seconds: None, session_name: None, known };
            aws::evaluate(rules, &asked)
        }
        Rules::Gcp(rules) => gcp::evaluate_file(rules, issuer, claims),
        Rules::Azure(rules) => azure::evaluate(rules, issuer, claims),
    };
    explanation.placed(&trust.places)
}

/// Would this call of AWS be granted, as it was made and not as an edge would make it?
#[must_use]
pub fn evaluate_call(trust: &TrustPolicy, asked: &aws::Asked<'_>) -> Explanation {
    let explanation = match &trust.rules {
        Rules::Aws(rules) => aws::evaluate(rules, asked),
        Rules::Gcp(_) | Rules::Azure(_) => other_kind("aws", trust),
    };
    explanation.placed(&trust.places)
}

fn other_kind(wanted: &str, trust: &TrustPolicy) -> Explanation {
    let given = trust.destination().to_string();
    Explanation::of(Node::leaf("", wanted, given, Verdict::Unsupported).what("kind of trust policy"))
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
        _ => other_kind(edge.destination().as_str(), trust),
    };
    explanation.placed(&trust.places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_recognised_by_what_is_in_them() {
        for (text, destination) in [
            (r#"{"Statement":[]}"#, Some(Destination::Aws)),
            (r#"%7B%22Statement%22%3A%5B%5D%7D"#, Some(Destination::Aws)),
            (r#"{"Role":{"AssumeRolePolicyDocument":{"Statement":[]}}}"#, Some(Destination::Aws)),
            (r#"{"role":{"Statement":[]},"provider":{"Url":"x","ClientIDList":[]}}"#, Some(Destination::Aws)),
            (r#"{"name":"n","oidc":{"issuerUri":"i"}}"#, Some(Destination::Gcp)),
            (r#"{"provider":{"name":"n","oidc":{"issuerUri":"i"}},"bindings":[]}"#, Some(Destination::Gcp)),
            ("[]", Some(Destination::Azure)),
            (r#"[{"issuer":"i","subject":"s","audiences":["a"]}]"#, Some(Destination::Azure)),
            (r#"{"issuer":"i","subject":"s","audiences":["a"]}"#, Some(Destination::Azure)),
            (r#"{"value":[{"issuer":"i","subject":"s","audiences":["a"]}]}"#, Some(Destination::Azure)),
            ("{}", None),
            ("1", None),
            ("", None),
            (r#"{"Statement":[],"Statement":[]}"#, None),
            (r#"{"provider":{"attributeMapping":{}}}"#, None),
        ] {
            let found = TrustPolicy::recognise(text).ok().map(|trust| trust.destination());
            assert_eq!(found, destination, "{text}");
        }
    }

    #[test]
    fn a_file_that_nobody_named_is_a_template_with_a_role_or_nothing() {
        const ROLE: &str = "Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument: {Statement: []}\n";
        assert_eq!(TrustPolicy::template(ROLE).unwrap().map(|trust| trust.destination()), Some(Destination::Aws));
        for nothing in [
            "",
            "a: 1\n",
            "Resources:\n  B:\n    Type: AWS::S3::Bucket\n",
            "Statement: []\n",
            "Resources: [\n",
            "a: AWS::IAM::Role\nb: [\n",
        ] {
            assert!(TrustPolicy::template(nothing).unwrap().is_none(), "{nothing}");
        }
        assert!(TrustPolicy::template(&format!("{ROLE}  broken: [\n")).is_err());
    }
}
