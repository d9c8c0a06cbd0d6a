//! A federated credential with one exact subject; a flexible one only when that is asked for, because it is a preview.

use serde_json::{Value, json};

use super::pins::{Pin, Pins};
use super::quote::{self, bicep, hcl_string};
use super::{Form, Rendered, Wanted, unwritable};
use crate::claims::github;
use crate::edge::azure::Target;
use crate::error::Result;

/// The longest issuer, subject or audience, in characters ("Workload identity federation considerations").
const CHARACTERS: usize = 600;

pub(super) fn render(wanted: &Wanted<'_>, target: &Target, mut pins: Pins, form: Form) -> Result<Rendered> {
    let name = format!("jobpass-{}", wanted.edge.name);
    for text in [&pins.issuer, &pins.subject, &pins.audience] {
        let length = text.chars().count();
        if length > CHARACTERS {
            return Err(unwritable(format!("`{text}` has {length} characters, Entra takes {CHARACTERS}")));
        }
    }
    let mut credential = json!({ "name": name, "issuer": pins.issuer, "audiences": [pins.audience] });
    let held: &[&str] =
        if wanted.flexible { &["repository_id", "repository_owner_id", "job_workflow_ref"] } else { &[] };
    for Pin { claim, .. } in pins.more.iter().filter(|pin| !held.contains(&pin.claim.as_str())) {
        let id = claim.ends_with("_id");
        // Both ids stand in the immutable subject.
        if !(id && pins.subject.starts_with("repo:") && pins.subject.contains('@')) {
            let instead =
                if id { "; --immutable, where the repository has it, or --flexible compares ids" } else { "" };
            pins.notices.push(format!("Entra does not compare `{claim}`, only the subject{instead}"));
        }
    }
    let place = if wanted.flexible {
        ("claimsMatchingExpression", json!({ "value": expression(&pins)?, "languageVersion": 1 }))
    } else {
        ("subject", Value::from(pins.subject.as_str()))
    };
    if let Some(object) = credential.as_object_mut() {
        object.insert(place.0.to_owned(), place.1);
    }
    if form == Form::Bicep {
        pins.notices.push(
            "this form is of a user-assigned identity, whose name is a parameter; for an application use az or terraform"
                .to_owned(),
        );
    }
    let text = match form {
        Form::Terraform => terraform(target, &pins, &quote::identifier(&wanted.edge.name), &name),
        Form::Bicep => bicep_resource(&pins, &quote::identifier(&wanted.edge.name), &name),
        _ if wanted.flexible => {
            pins.notices.push("flexible credentials are a preview, and are created through Graph's /beta".to_owned());
            let comments = quote::comments("#", &pins.notices);
            let url = format!(
                "{}/beta/applications(appId='{}')/federatedIdentityCredentials",
                graph(target.cloud.name),
                target.client_id
            );
            format!(
                "{comments}az rest --method POST --headers Content-Type=application/json \\\n  --url {} \\\n  --body {}\n",
                quote::shell(&url),
                quote::shell(&credential.to_string())
            )
        }
        _ => format!(
            "{}az ad app federated-credential create --id {} \\\n  --parameters {}\n",
            quote::comments("#", &pins.notices),
            quote::shell(&target.client_id),
            quote::shell(&credential.to_string())
        ),
    };
    Ok(Rendered { text, core: format!("{:#}", json!([credential])), notices: pins.notices })
}

/// The subject and at least one id, as Entra asks for with GitHub; how a quote is escaped is not documented.
fn expression(pins: &Pins) -> Result<String> {
    if pins.issuer != github::ISSUER {
        return Err(unwritable(format!(
            "what a flexible credential has to compare for the issuer {} is not documented",
            pins.issuer
        )));
    }
    let mut clauses = vec![("sub", pins.subject.as_str())];
    for pin in &pins.more {
        if let ("repository_id" | "repository_owner_id" | "job_workflow_ref", [value]) =
            (pin.claim.as_str(), pin.values.as_slice())
        {
            clauses.push((pin.claim.as_str(), value));
        }
    }
    if !clauses.iter().any(|(claim, _)| claim.ends_with("_id")) {
        return Err(unwritable(
            "Entra takes a flexible credential for GitHub only with the repository's or owner's id",
        )
        .hint("give --repository-id and --owner-id"));
    }
    if let Some((claim, value)) = clauses.iter().find(|(_, value)| value.contains(['\'', '\\'])) {
        return Err(unwritable(format!(
            "`{claim}` is `{value}`: how a quote or backslash is escaped in an expression is not documented"
        )));
    }
    Ok(clauses.iter().map(|(claim, value)| format!("claims['{claim}'] eq '{value}'")).collect::<Vec<_>>().join(" and "))
}

/// Microsoft Graph of a cloud ("Microsoft Graph national cloud deployments").
fn graph(cloud: &str) -> &'static str {
    match cloud {
        "usgov" => "https://graph.microsoft.us",
        "china" => "https://microsoftgraph.chinacloudapi.cn",
        _ => "https://graph.microsoft.com",
    }
}

fn terraform(target: &Target, pins: &Pins, id: &str, name: &str) -> String {
    format!(
        "{}data \"azuread_application\" \"{id}\" {{\n  client_id = {}\n}}\n\n\
         resource \"azuread_application_federated_identity_credential\" \"{id}\" {{\n  \
         application_id = data.azuread_application.{id}.id\n  display_name   = {}\n  issuer         = {}\n  \
         subject        = {}\n  audiences      = [{}]\n}}\n",
        quote::comments("#", &pins.notices),
        hcl_string(&target.client_id),
        hcl_string(name),
        hcl_string(&pins.issuer),
        hcl_string(&pins.subject),
        hcl_string(&pins.audience),
    )
}

fn bicep_resource(pins: &Pins, id: &str, name: &str) -> String {
    const VERSION: &str = "2023-01-31";
    format!(
        "{}@description('name of the user-assigned identity')\nparam identityName string\n\n\
         resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@{VERSION}' existing = {{\n  name: identityName\n}}\n\n\
         resource {id} 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@{VERSION}' = {{\n  \
         parent: identity\n  name: {}\n  properties: {{\n    issuer: {}\n    subject: {}\n    audiences: [\n      {}\n    ]\n  }}\n}}\n",
        quote::comments("//", &pins.notices),
        bicep(name),
        bicep(&pins.issuer),
        bicep(&pins.subject),
        bicep(&pins.audience),
    )
}
