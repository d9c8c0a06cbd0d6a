//! What Google's tools read: an `external_account` file for the client libraries, a bare access token for gcloud and Terraform.
//!
//! Two ways lie side by side because neither serves everybody. The client libraries know no file with a bare token, so they
//! get the file whose source is the ID token in the pass, and exchange it themselves. On GitHub that ID token lives five
//! minutes; the access token we have already lives an hour, so gcloud and Terraform get that one. gcloud looks at
//! `auth/access_token_file` before `auth/credential_file_override` (`core/credentials/store.py`, `_Load`), so with both set it
//! uses the token; the override stands for tools that know nothing else.
//!
//! The file never holds the runner's request bearer (the peer's does) and never lies in the workspace.

use serde_json::{Map, Value, json};

use super::{Mode, Options, Parts, Plan, default_of, variables};
use crate::credential::{Credential, GcpTokens, Grant};
use crate::edge::gcp::{TOKEN_SECONDS, UNIVERSE};
use crate::edge::{Target, gcp};
use crate::error::Result;
use crate::secret::Secret;

/// The variables that one tool or another takes the project from; the peer sets the same five.
const PROJECT: [&str; 5] =
    ["CLOUDSDK_CORE_PROJECT", "CLOUDSDK_PROJECT", "GCLOUD_PROJECT", "GCP_PROJECT", "GOOGLE_CLOUD_PROJECT"];

/// Plans every GCP grant.
pub(super) fn plan(plan: &mut Plan, grants: &[Grant], options: &Options) -> Result<()> {
    let parts: Parts<'_, gcp::Target, GcpTokens> = grants
        .iter()
        .filter_map(|grant| match (&grant.edge.target, &grant.credential) {
            (Target::Gcp(target), Credential::Gcp(tokens)) => Some((grant, target, tokens)),
            _ => None,
        })
        .collect();
    let Some(&(default, ..)) = default_of(&parts) else {
        return Ok(());
    };
    for &(grant, target, tokens) in &parts {
        let edge = grant.edge.name.as_str();
        let directory = format!("gcp-{edge}");
        let access_token = plan.file(edge, &directory, "access-token", tokens.access_token.clone());
        plan.outputs.push((format!("{edge}-access-token-file"), super::path_text(&access_token)?));
        if let Some(project) = target.working_project() {
            plan.outputs.push((format!("{edge}-project-id"), project));
        }
        // The file format has no key for delegates: the libraries would ask for the account directly, and be denied.
        let credentials = if target.delegates.is_empty() {
            // Google's libraries take surrounding white space as part of the token: no newline at its end.
            let subject = plan.file(edge, &directory, "subject-token", grant.id_token.raw.clone());
            let contents = external_account(grant, target, &super::path_text(&subject)?, options);
            let path = plan.file(edge, &directory, "credentials.json", contents);
            plan.outputs.push((format!("{edge}-credentials-file"), super::path_text(&path)?));
            Some(path)
        } else {
            plan.notes.push(format!(
                "{}: client libraries cannot impersonate through delegates, so there is no credentials file; gcloud and \
                 Terraform use the access token",
                grant.edge.title()
            ));
            None
        };
        if let Some(id_token) = &tokens.id_token {
            let path = plan.file(edge, &directory, "id-token", id_token.clone());
            plan.outputs.push((format!("{edge}-id-token-file"), super::path_text(&path)?));
        }
        if edge != default.edge.name {
            continue;
        }
        plan.path(edge, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", &access_token)?;
        if let Some(path) = credentials {
            for name in
                ["GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", "GOOGLE_GHA_CREDS_PATH"]
            {
                plan.path(edge, name, &path)?;
            }
        }
        if options.mode == Mode::Env {
            plan.secret(edge, "GOOGLE_OAUTH_ACCESS_TOKEN", &tokens.access_token);
        }
        for name in PROJECT {
            if let Some(project) = &target.working_project() {
                plan.plain(edge, name, project.clone());
            }
        }
        if let Some(project) = &target.quota_project {
            plan.plain(edge, "GOOGLE_CLOUD_QUOTA_PROJECT", project.clone());
        }
        if target.universe_domain != UNIVERSE {
            plan.plain(edge, "GOOGLE_CLOUD_UNIVERSE_DOMAIN", target.universe_domain.clone());
            plan.plain(edge, "CLOUDSDK_CORE_UNIVERSE_DOMAIN", target.universe_domain.clone());
        }
        // A bare token or a key in these variables comes before any file, in gcloud and in Terraform.
        plan.blank(options, variables::GCP);
    }
    Ok(())
}

/// The file that Application Default Credentials read, with the ID token in `subject` as its source.
fn external_account(grant: &Grant, target: &gcp::Target, subject: &str, options: &Options) -> Secret {
    let universe = &target.universe_domain;
    let sts = options.endpoints.gcp_sts.clone().unwrap_or_else(|| format!("https://sts.{universe}"));
    let mut file = Map::new();
    let mut set = |name: &str, value: Value| file.insert(name.to_owned(), value);
    set("type", json!("external_account"));
    set("universe_domain", json!(universe));
    set("audience", json!(target.provider.sts_audience(universe)));
    set("subject_token_type", json!("urn:ietf:params:oauth:token-type:jwt"));
    set("token_url", json!(format!("{sts}/v1/token")));
    set("credential_source", json!({ "file": subject }));
    match &target.service_account {
        Some(account) => {
            let base = options.endpoints.gcp_iam_credentials.clone();
            let base = base.unwrap_or_else(|| format!("https://iamcredentials.{universe}"));
            let url = format!("{base}/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
            set("service_account_impersonation_url", json!(url));
            let seconds = grant.edge.ttl.as_secs().clamp(*TOKEN_SECONDS.start(), *TOKEN_SECONDS.end());
            set("service_account_impersonation", json!({ "token_lifetime_seconds": seconds }));
        }
        // Where gcloud and the libraries ask who a federated token is.
        None => {
            set("token_info_url", json!(format!("{sts}/v1/introspect")));
        }
    }
    if let Some(project) = &target.quota_project {
        set("quota_project_id", json!(project));
    }
    Secret::new(Value::Object(file).to_string())
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn file(plan: &Plan) -> Value {
        serde_json::from_str(contents(plan, "gcp-main", "credentials.json")).unwrap()
    }

    #[test]
    fn a_service_account_in_env_mode() {
        let plan = planned(&[gcp("main", true, |_, _| ())], Mode::Env, &[]);
        assert_eq!(
            file(&plan),
            json!({
                "type": "external_account",
                "universe_domain": "googleapis.com",
                "audience": "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/ci-pool/providers/github",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": { "file": "/pass/gcp-main/subject-token" },
                "service_account_impersonation_url":
                    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/deploy@shop.iam.gserviceaccount.com:generateAccessToken",
                "service_account_impersonation": { "token_lifetime_seconds": 900 },
            })
        );
        assert_eq!(contents(&plan, "gcp-main", "subject-token"), id_token("main").raw.reveal());
        assert_eq!(value(&plan, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"), Some("/pass/gcp-main/access-token"));
        assert_eq!(contents(&plan, "gcp-main", "access-token"), "ya29.token-of-main", "no newline at its end");
        assert_eq!(value(&plan, "GOOGLE_OAUTH_ACCESS_TOKEN"), Some("ya29.token-of-main"));
        for name in PROJECT {
            assert_eq!(value(&plan, name), Some("shop"));
        }
    }

    #[test]
    fn direct_access_in_another_universe() {
        let direct = gcp("main", true, |target, _| {
            target.service_account = None;
            target.universe_domain = "cloud.example".to_owned();
            target.quota_project = Some("quota".to_owned());
        });
        let plan = planned(&[direct], Mode::Env, &[]);
        let file = file(&plan);
        assert_eq!(file["token_info_url"], "https://sts.cloud.example/v1/introspect");
        assert_eq!(file["quota_project_id"], "quota");
        assert!(file.get("service_account_impersonation_url").is_none());
        assert_eq!(value(&plan, "GOOGLE_CLOUD_UNIVERSE_DOMAIN"), Some("cloud.example"));
    }

    #[test]
    fn files_mode_has_no_secret_in_a_variable() {
        let plan = planned(&[gcp("main", true, |_, _| ())], Mode::Files, &[("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.old")]);
        assert!(plan.variables.iter().all(|variable| !variable.secret));
        assert_eq!(plan.removed, ["GOOGLE_OAUTH_ACCESS_TOKEN"]);
    }

    #[test]
    fn only_the_default_edge_has_variables_and_every_edge_its_files() {
        let plan = planned(&[gcp("side", false, |_, _| ()), gcp("main", true, |_, _| ())], Mode::Env, &[]);
        assert_eq!(value(&plan, "GOOGLE_APPLICATION_CREDENTIALS"), Some("/pass/gcp-main/credentials.json"));
        assert_eq!(plan.directories(), ["gcp-side", "gcp-main"]);
        assert!(plan.outputs.contains(&("side-credentials-file".into(), "/pass/gcp-side/credentials.json".into())));
    }

    #[test]
    fn delegates_leave_no_file_that_would_be_denied() {
        let chained =
            gcp("main", true, |target, _| target.delegates = vec!["projects/-/serviceAccounts/a@b".to_owned()]);
        let plan = planned(&[chained], Mode::Env, &[]);
        assert_eq!(value(&plan, "GOOGLE_APPLICATION_CREDENTIALS"), None);
        assert!(value(&plan, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE").is_some());
        assert!(plan.notes[0].contains("delegates"));
    }

    #[test]
    fn an_id_token_is_a_file_and_an_output_that_names_it() {
        let both = gcp("main", true, |_, tokens| tokens.id_token = Some(id_token("x").raw));
        let plan = planned(&[both], Mode::Env, &[]);
        assert!(plan.outputs.contains(&("main-id-token-file".into(), "/pass/gcp-main/id-token".into())));
        assert_eq!(contents(&plan, "gcp-main", "id-token"), id_token("x").raw.reveal());
    }

    #[test]
    fn endpoints_in_use_reach_the_file() {
        let mut options = options(Mode::Env, &[]);
        options.endpoints.gcp_sts = Some("https://localhost:1".to_owned());
        options.endpoints.gcp_iam_credentials = Some("https://localhost:2".to_owned());
        let plan = super::super::plan(&[gcp("main", true, |_, _| ())], &options).unwrap();
        let text = file(&plan).to_string();
        assert!(text.contains("https://localhost:1/v1/token") && text.contains("https://localhost:2/v1/projects/-/"));
        assert!(!text.contains("googleapis.com/v1"));
    }
}
