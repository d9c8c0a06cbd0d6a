//! What Azure's tools read: ids and a token file for the SDKs and Terraform, and a private directory in which `az` is
//! already signed in (see [`az_config`]).
//!
//! No variable holds a secret: the SDKs and Terraform exchange the ID token from its file. On GitHub it lives five minutes.

use super::{Options, Parts, Plan, Variable, az_config, default_of, variables};
use crate::credential::{AzureTokens, Credential, Grant};
use crate::edge::{Target, azure};
use crate::error::Result;
use crate::secret::Secret;

/// The token's file, without a newline at its end: the Python SDK sends it verbatim.
const TOKEN_FILE: &str = "federated-token";

/// Plans every Azure grant.
pub(super) fn plan(plan: &mut Plan, grants: &[Grant], options: &Options) -> Result<()> {
    let parts: Parts<'_, azure::Target, AzureTokens> = grants
        .iter()
        .filter_map(|grant| match (&grant.edge.target, &grant.credential) {
            (Target::Azure(target), Credential::Azure(tokens)) => Some((grant, target, tokens)),
            _ => None,
        })
        .collect();
    let Some(&(default, ..)) = default_of(&parts) else {
        return Ok(());
    };
    for &(grant, target, tokens) in &parts {
        let edge = grant.edge.name.as_str();
        let directory = format!("azure-{edge}");
        let token = plan.file(edge, &directory, TOKEN_FILE, grant.id_token.raw.clone());
        for (name, contents) in az_config::files(&grant.id_token, target, tokens, options) {
            plan.file(edge, &directory, name, contents);
        }
        let directory = options.root.join(&directory);
        plan.outputs.push((format!("{edge}-config-directory"), super::path_text(&directory)?));
        plan.outputs.push((format!("{edge}-token-file"), super::path_text(&token)?));
        plan.outputs.push((format!("{edge}-tenant-id"), target.tenant_id.clone()));
        if let Some(subscription) = &target.subscription_id {
            plan.outputs.push((format!("{edge}-subscription-id"), subscription.clone()));
        }
        if edge != default.edge.name {
            continue;
        }
        plan.plain(edge, "AZURE_CLIENT_ID", target.client_id.clone());
        plan.plain(edge, "AZURE_TENANT_ID", target.tenant_id.clone());
        plan.path(edge, "AZURE_FEDERATED_TOKEN_FILE", &token)?;
        let standing = options.standing.get(variables::AUTHORITY);
        if target.cloud.name != "public" || standing.is_some() {
            // Never blank, neither now nor after logout: see the constant.
            let usual = azure::Cloud::named("public").map(|cloud| cloud.authority).unwrap_or_default();
            plan.variables.push(Variable {
                name: variables::AUTHORITY,
                value: Secret::new(target.cloud.authority.clone()),
                secret: false,
                edge: edge.to_owned(),
                after: standing.cloned().unwrap_or(usual),
            });
        }
        plan.path(edge, "AZURE_CONFIG_DIR", &directory)?;
        plan.plain(edge, "ARM_USE_OIDC", "true");
        plan.plain(edge, "ARM_CLIENT_ID", target.client_id.clone());
        plan.plain(edge, "ARM_TENANT_ID", target.tenant_id.clone());
        plan.path(edge, "ARM_OIDC_TOKEN_FILE_PATH", &token)?;
        plan.plain(edge, "ARM_ENVIRONMENT", target.cloud.arm_environment);
        if let Some(subscription) = &target.subscription_id {
            plan.plain(edge, "AZURE_SUBSCRIPTION_ID", subscription.clone());
            plan.plain(edge, "ARM_SUBSCRIPTION_ID", subscription.clone());
        }
        // A client secret or a certificate comes before the token file in the SDKs' default chain; Terraform takes
        // ARM_OIDC_TOKEN before the file, and a request URL of another platform before both.
        plan.blank(options, variables::AZURE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_default_edge_in_the_public_cloud() {
        let plan = planned(&[azure("main", true, |_| ())], Mode::Env, &[("AZURE_CLIENT_SECRET", "x")]);
        assert_eq!(
            shown(&plan),
            "JOBPASS_PASS=/pass AZURE_CLIENT_ID=00000000-1111-2222-3333-444444444444 \
             AZURE_TENANT_ID=99999999-1111-2222-3333-444444444444 \
             AZURE_FEDERATED_TOKEN_FILE=/pass/azure-main/federated-token AZURE_CONFIG_DIR=/pass/azure-main ARM_USE_OIDC=true \
             ARM_CLIENT_ID=00000000-1111-2222-3333-444444444444 ARM_TENANT_ID=99999999-1111-2222-3333-444444444444 \
             ARM_OIDC_TOKEN_FILE_PATH=/pass/azure-main/federated-token ARM_ENVIRONMENT=public \
             AZURE_SUBSCRIPTION_ID=88888888-1111-2222-3333-444444444444 \
             ARM_SUBSCRIPTION_ID=88888888-1111-2222-3333-444444444444"
        );
        assert_eq!(contents(&plan, "azure-main", "federated-token"), id_token("main").raw.reveal());
        assert_eq!(plan.removed, ["AZURE_CLIENT_SECRET"]);
    }

    #[test]
    fn another_cloud_names_its_authority() {
        let gov = azure("main", true, |target| target.cloud = azure::Cloud::named("usgov").unwrap());
        let plan = planned(&[gov], Mode::Files, &[]);
        assert_eq!(value(&plan, "AZURE_AUTHORITY_HOST"), Some("https://login.microsoftonline.us"));
        assert_eq!(value(&plan, "ARM_ENVIRONMENT"), Some("usgovernment"));
    }

    #[test]
    fn an_authority_is_never_blank() {
        let after = |plan: &Plan| {
            let found = plan.variables.iter().find(|variable| variable.name == variables::AUTHORITY);
            found.map(|variable| (variable.value.reveal().to_owned(), variable.after.clone()))
        };
        let (public, china) = ("https://login.microsoftonline.com", "https://login.chinacloudapi.cn");
        let gov = || azure("main", true, |target| target.cloud = azure::Cloud::named("usgov").unwrap());
        let us = "https://login.microsoftonline.us";
        assert_eq!(after(&planned(&[gov()], Mode::Env, &[])), Some((us.into(), public.into())));
        let standing = [("AZURE_AUTHORITY_HOST", china)];
        assert_eq!(after(&planned(&[gov()], Mode::Env, &standing)), Some((us.into(), china.into())));
        let plan = planned(&[azure("main", true, |_| ())], Mode::Env, &standing);
        assert_eq!(after(&plan), Some((public.into(), china.into())), "another cloud's would win over the edge's");
        assert!(plan.removed.is_empty(), "{:?}", plan.removed);
        assert_eq!(after(&planned(&[azure("main", true, |_| ())], Mode::Env, &[])), None);
    }

    #[test]
    fn every_edge_has_a_directory_of_its_own() {
        let plan = planned(&[azure("main", true, |_| ()), azure("side", false, |_| ())], Mode::Env, &[]);
        assert_eq!(plan.directories(), ["azure-main", "azure-side"]);
        assert_eq!(value(&plan, "AZURE_CONFIG_DIR"), Some("/pass/azure-main"));
        assert!(plan.outputs.contains(&("side-config-directory".into(), "/pass/azure-side".into())));
    }
}
