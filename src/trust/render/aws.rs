//! A role trust policy: `StringEquals` on `aud`, `sub` and whatever else of the pins AWS fills for the issuer.

use serde::Serialize;

use super::pins::{Pin, Pins};
use super::{Form, Rendered, Wanted, quote, unwritable};
use crate::edge::aws::{RoleArn, Target};
use crate::error::{Error, Result};
use crate::trust::aws::{ASSUME, LONGEST_SESSION, is_filled};

/// The longest role trust policy, in characters without white space (IAM quotas; on request up to 4096).
const CHARACTERS: usize = 2_048;

/// The members in the order that people write them.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: &'static str,
    principal: Principal,
    action: &'static str,
    condition: Condition,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Principal {
    federated: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Condition {
    string_equals: serde_json::Map<String, serde_json::Value>,
}

pub(super) fn render(wanted: &Wanted<'_>, target: &Target, mut pins: Pins, form: Form) -> Result<Rendered> {
    let arn = RoleArn::parse(&target.role)
        .map_err(|why| Error::usage("render-value", format!("the role `{}` {why}", target.role)))?;
    let Some(provider) = pins.issuer.strip_prefix("https://").map(str::to_owned) else {
        return Err(unwritable(format!("IAM has providers with https only, the issuer is `{}`", pins.issuer)));
    };
    let mut keys = serde_json::Map::new();
    let mut compare = |claim: &str, values: &[String]| {
        let escaped: Vec<String> = values.iter().map(|value| escape(value)).collect();
        let value = match escaped.as_slice() {
            [one] => one.as_str().into(),
            many => many.into(),
        };
        keys.insert(format!("{provider}:{claim}"), value);
    };
    compare("aud", std::slice::from_ref(&pins.audience));
    compare("sub", std::slice::from_ref(&pins.subject));
    for Pin { claim, values } in &pins.more {
        if is_filled(&provider, claim) {
            compare(claim, values);
        } else if claim != "repository_owner_id" || !pins.has_ids {
            // The repository's own number says more than its owner's.
            pins.notices.push(format!(
                "AWS does not fill (or not for certain) a condition key for `{claim}` of this issuer: the rule does not compare it"
            ));
        }
    }
    let document = Document {
        version: "2012-10-17",
        statement: [Statement {
            effect: "Allow",
            principal: Principal {
                federated: format!("arn:{}:iam::{}:oidc-provider/{provider}", arn.partition, arn.account),
            },
            action: ASSUME,
            condition: Condition { string_equals: keys },
        }],
    };
    let core = pretty(&document)?;
    let length = core.chars().filter(|c| !c.is_whitespace()).count();
    if length > CHARACTERS {
        return Err(unwritable(format!("the role trust policy has {length} characters, IAM takes {CHARACTERS}")));
    }
    pins.notices
        .push(format!("the account's OIDC provider {provider} has to have the audience {} in its list", pins.audience));
    if let Some(last) = target.chain.last() {
        let (first, last) = (&target.role, &last.role);
        pins.notices.push(format!(
            "the rule is for {first}, which the ID token is exchanged for; {last} at the end of the chain has its own"
        ));
    }
    let seconds = target.first_session(wanted.edge.ttl).as_secs().max(LONGEST_SESSION);
    let (path, name) = arn
        .name
        .rsplit_once('/')
        .map_or(("/".to_owned(), arn.name.as_str()), |(path, name)| (format!("/{path}/"), name));
    let id = quote::identifier(&wanted.edge.name);
    let text = match form {
        Form::Terraform => {
            let (name, path, role) = (quote::hcl_string(name), quote::hcl_string(&path), indented(&quote::hcl(&core)));
            format!(
                "{}resource \"aws_iam_role\" \"{id}\" {{\n  name                 = {name}\n  path                 = {path}\n  \
                 max_session_duration = {seconds}\n  assume_role_policy = jsonencode({role})\n}}\n",
                quote::comments("#", &pins.notices)
            )
        }
        Form::CloudFormation if core.contains("{{resolve:") => {
            return Err(unwritable("CloudFormation takes `{{resolve:` for a reference of its own"));
        }
        Form::CloudFormation => {
            let logical: String = id.split('_').map(capital).collect();
            pretty(&Template {
                version: "2010-09-09",
                resources: [(
                    logical,
                    Resource {
                        kind: "AWS::IAM::Role",
                        properties: Properties {
                            role_name: name,
                            path: &path,
                            max_session_duration: seconds,
                            assume_role_policy_document: &document,
                        },
                    },
                )]
                .into(),
            })? + "\n"
        }
        _ => format!("{core}\n"),
    };
    Ok(Rendered { text, core, notices: pins.notices })
}

#[derive(Serialize)]
struct Template<'a> {
    #[serde(rename = "AWSTemplateFormatVersion")]
    version: &'static str,
    #[serde(rename = "Resources")]
    resources: std::collections::BTreeMap<String, Resource<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Resource<'a> {
    #[serde(rename = "Type")]
    kind: &'static str,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Properties<'a> {
    role_name: &'a str,
    path: &'a str,
    max_session_duration: u64,
    assume_role_policy_document: &'a Document,
}

/// With version 2012-10-17 `${` begins a variable; `${$}` is the character.
fn escape(value: &str) -> String {
    value.replace("${", "${$}{")
}

fn pretty(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|error| unwritable(error.to_string()))
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
