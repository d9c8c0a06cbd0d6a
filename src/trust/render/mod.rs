//! The tightest trust policy for an edge and a job, ready to be pasted.
//!
//! First the pins: which claims have to have which values (`pins.rs`). Then one file per cloud makes the rule of them in the
//! cloud's own JSON, which is what [`super::TrustPolicy::parse`] reads, and writes it in one of the [`Form`]s. What a cloud
//! cannot compare, and what is not known, is a notice and never a looser rule without one.

mod aws;
mod azure;
mod gcp;
mod pins;
mod quote;

use std::fmt;

use self::pins::Pins;
use crate::claims::Claims;
use crate::edge::{Destination, Edge, Target};
use crate::error::{Error, Result};

/// How a trust policy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The role trust policy alone.
    AwsJson,
    /// A resource of the cloud's Terraform provider.
    Terraform,
    /// A template in JSON.
    CloudFormation,
    /// Commands of `gcloud`.
    Gcloud,
    /// A command of `az`.
    Az,
    /// A resource of a user-assigned identity.
    Bicep,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 6] =
        [Form::AwsJson, Form::Terraform, Form::CloudFormation, Form::Gcloud, Form::Az, Form::Bicep];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Form::AwsJson => "aws-json",
            Form::Terraform => "terraform",
            Form::CloudFormation => "cloudformation",
            Form::Gcloud => "gcloud",
            Form::Az => "az",
            Form::Bicep => "bicep",
        }
    }

    /// What a destination is written in when nobody says.
    #[must_use]
    pub fn usual(destination: Destination) -> Form {
        match destination {
            Destination::Aws => Form::AwsJson,
            Destination::Gcp => Form::Gcloud,
            Destination::Azure => Form::Az,
        }
    }

    /// The forms that a destination can be written in.
    #[must_use]
    pub fn of(destination: Destination) -> &'static [Form] {
        match destination {
            Destination::Aws => &[Form::AwsJson, Form::Terraform, Form::CloudFormation],
            Destination::Gcp => &[Form::Gcloud, Form::Terraform],
            Destination::Azure => &[Form::Az, Form::Terraform, Form::Bicep],
        }
    }
}

impl std::str::FromStr for Form {
    type Err = String;

    fn from_str(text: &str) -> Result<Form, String> {
        let names = Form::ALL.map(Form::as_str).join(", ");
        Form::ALL.into_iter().find(|form| form.as_str() == text).ok_or_else(|| format!("expected one of {names}"))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The edge that the rule is for.
    pub edge: &'a Edge,
    /// The issuer of the job's ID tokens.
    pub issuer: &'a str,
    /// The job's claims as far as they are *known*: `sub` at least, ids only where somebody named them.
    pub known: &'a Claims,
    /// Azure: an expression over claims instead of one subject.
    pub flexible: bool,
}

/// A rendered trust policy.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// In the form that was asked for, with a line break at its end.
    pub text: String,
    /// The same in the form that [`super::TrustPolicy::parse`] reads.
    pub core: String,
    /// What the rule does not hold, or rests on; each with what to do.
    pub notices: Vec<String>,
}

/// Renders the rule.
///
/// # Errors
/// Usage errors: a form of another cloud, a job that the edge's own `require` table keeps out, a value that a form cannot
/// carry or that is beyond a limit of the cloud.
pub fn render(wanted: &Wanted<'_>, form: Form) -> Result<Rendered> {
    let destination = wanted.edge.destination();
    let forms = Form::of(destination);
    if !forms.contains(&form) {
        let names = forms.iter().map(|form| form.as_str()).collect::<Vec<_>>().join(", ");
        let message = format!("{} cannot be written as {form}", wanted.edge.title());
        return Err(Error::usage("render-form", message).detail("expected", names).detail("presented", form.as_str()));
    }
    if wanted.flexible && (destination != Destination::Azure || form != Form::Az) {
        let message = format!("{} has no flexible credential as {form}", wanted.edge.title());
        let hint = "only Entra applications have them, and az is the form that can create one: --as az";
        return Err(Error::usage("render-form", message).hint(hint));
    }
    let pins = Pins::of(wanted)?;
    let rendered = match &wanted.edge.target {
        Target::Aws(target) => aws::render(wanted, target, pins, form),
        Target::Gcp(target) => gcp::render(wanted, target, pins, form),
        Target::Azure(target) => azure::render(wanted, target, pins, form),
    };
    rendered.map_err(|error| error.at(wanted.edge.title()))
}

/// A value that cannot be written down.
fn unwritable(what: impl Into<String>) -> Error {
    Error::usage("render-value", what)
}
