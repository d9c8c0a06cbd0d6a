//! What AWS's tools read: plain variables, and a private pair of credentials and config files with a profile per edge.
//!
//! In [`Mode::Env`] the plain variables are the default edge's. The pair of files comes along when there are several AWS
//! edges (`aws --profile NAME`), or when a profile is named in the job: a named profile makes botocore drop the variables,
//! so the name then has to mean ours. In [`Mode::Files`] there is only the pair, with the default edge as `[default]`.
//!
//! `AWS_PROFILE` is never set where it did not stand: a GitHub job cannot unset it afterwards, and an empty profile is an
//! error to botocore (see [`variables::PROFILES`]).

use super::{Mode, Options, Parts, Plan, Variable, default_of, rfc3339, variables};
use crate::credential::{AwsSession, Credential, Grant};
use crate::edge::{Target, aws};
use crate::error::{Error, Result};
use crate::secret::Secret;

const DIRECTORY: &str = "aws";

/// Plans every AWS grant.
///
/// # Errors
/// An edge that is not the default and is named `default` is a usage error: AWS's tools give that profile a meaning.
pub(super) fn plan(plan: &mut Plan, grants: &[Grant], options: &Options) -> Result<()> {
    let parts: Parts<'_, aws::Target, AwsSession> = grants
        .iter()
        .filter_map(|grant| match (&grant.edge.target, &grant.credential) {
            (Target::Aws(target), Credential::Aws(session)) => Some((grant, target, session)),
            _ => None,
        })
        .collect();
    let Some(&(default, target, session)) = default_of(&parts) else {
        return Ok(());
    };
    if let Some((grant, _, _)) =
        parts.iter().find(|(grant, ..)| grant.edge.name == "default" && grant.edge.name != default.edge.name)
    {
        return Err(Error::usage("profile-default", "an edge named `default` has to be the default edge of aws")
            .at(grant.edge.title())
            .hint(format!("rename it, or make it the default instead of `{}`", default.edge.name)));
    }
    for (grant, _, session) in &parts {
        plan.outputs.push((format!("{}-account-id", grant.edge.name), session.account.clone()));
    }
    let name = default.edge.name.as_str();
    let profiles: Vec<&'static str> =
        variables::PROFILES.iter().copied().filter(|name| options.standing.contains_key(*name)).collect();
    if options.mode == Mode::Env {
        plan.plain(name, "AWS_ACCESS_KEY_ID", session.access_key_id.clone());
        plan.secret(name, "AWS_SECRET_ACCESS_KEY", &session.secret_access_key);
        plan.secret(name, "AWS_SESSION_TOKEN", &session.session_token);
        plan.plain(name, "AWS_CREDENTIAL_EXPIRATION", rfc3339(session.expiration));
        plan.plain(name, "AWS_ACCOUNT_ID", session.account.clone());
    }
    // A region in the environment wins over every profile's own, so it is left out where profiles differ in it.
    let regions_differ = parts.iter().any(|(_, other, _)| other.region != target.region);
    if options.mode == Mode::Env || !regions_differ {
        plan.plain(name, "AWS_REGION", target.region.clone());
        plan.plain(name, "AWS_DEFAULT_REGION", target.region.clone());
    }
    if options.mode == Mode::Files && regions_differ {
        plan.blank(options, variables::REGIONS);
    }
    if options.mode == Mode::Env && regions_differ {
        plan.notes.push(format!(
            "AWS_REGION is {} for every profile; with --deliver files each profile has its own region",
            target.region
        ));
    }
    if options.mode == Mode::Files || parts.len() > 1 || !profiles.is_empty() {
        let path = plan.file("aws", DIRECTORY, "credentials", credentials(&parts, default));
        plan.path(name, "AWS_SHARED_CREDENTIALS_FILE", &path)?;
        let path = plan.file("aws", DIRECTORY, "config", config(&parts, default));
        plan.path(name, "AWS_CONFIG_FILE", &path)?;
        for profile in profiles {
            let after = options.standing.get(profile).cloned().unwrap_or_default();
            plan.variables.push(Variable {
                name: profile,
                value: Secret::new("default"),
                secret: false,
                edge: name.to_owned(),
                after,
            });
        }
    }
    // Everything of AWS that we did not set: keys shadow profiles, and web identity, container endpoints and the old
    // AWS_SECURITY_TOKEN (botocore reads it before AWS_SESSION_TOKEN) all come before what we deliver in some client.
    let others: Vec<&'static str> =
        variables::AWS.iter().copied().filter(|name| !variables::PROFILES.contains(name)).collect();
    plan.blank(options, &others);
    Ok(())
}

/// The profiles a session goes under: its edge's name, and `default` for the default edge.
fn profiles<'a>(grant: &'a Grant, default: &Grant) -> Vec<&'a str> {
    let name = grant.edge.name.as_str();
    if name == default.edge.name && name != "default" { vec!["default", name] } else { vec![name] }
}

fn credentials(parts: &Parts<'_, aws::Target, AwsSession>, default: &Grant) -> Secret {
    let mut text = String::new();
    for (grant, _, session) in parts {
        for profile in profiles(grant, default) {
            for line in [
                &format!("[{profile}]\naws_access_key_id = {}\naws_secret_access_key = ", session.access_key_id),
                session.secret_access_key.reveal(),
                "\naws_session_token = ",
                session.session_token.reveal(),
                "\naws_account_id = ",
                &session.account,
                "\n\n",
            ] {
                text.push_str(line);
            }
        }
    }
    Secret::new(text)
}

fn config(parts: &Parts<'_, aws::Target, AwsSession>, default: &Grant) -> Secret {
    let mut text = String::new();
    for (grant, target, _) in parts {
        for profile in profiles(grant, default) {
            // In the config file, and only there, every section but [default] begins with the word "profile".
            let section = if profile == "default" { profile.to_owned() } else { format!("profile {profile}") };
            text.push_str(&format!("[{section}]\nregion = {}\n\n", target.region));
        }
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn one_edge_needs_no_file() {
        let plan = planned(&[aws("deploy", true)], Mode::Env, &[]);
        assert_eq!(plan.directories(), [""; 0]);
        assert_eq!(
            shown(&plan),
            "JOBPASS_PASS=/pass AWS_ACCESS_KEY_ID=ASIADEPLOY AWS_SECRET_ACCESS_KEY=*** AWS_SESSION_TOKEN=*** \
             AWS_CREDENTIAL_EXPIRATION=2026-11-23T04:00:00Z AWS_ACCOUNT_ID=123456789012 AWS_REGION=eu-central-1 \
             AWS_DEFAULT_REGION=eu-central-1"
        );
        assert!(plan.removed.is_empty());
    }

    #[test]
    fn several_edges_get_a_profile_each_and_no_aws_profile() {
        let plan = planned(&[aws("logs", false), aws("deploy", true)], Mode::Env, &[]);
        assert_eq!(value(&plan, "AWS_ACCESS_KEY_ID"), Some("ASIADEPLOY"), "the default edge's");
        assert_eq!(value(&plan, "AWS_PROFILE"), None);
        assert_eq!(value(&plan, "AWS_CONFIG_FILE"), Some("/pass/aws/config"));
        let credentials = contents(&plan, "aws", "credentials");
        for section in
            ["[logs]\naws_access_key_id = ASIALOGS\n", "[default]\naws_access_key_id = ASIADEPLOY\n", "[deploy]\n"]
        {
            assert!(credentials.contains(section), "{section}");
        }
        assert!(contents(&plan, "aws", "config").contains("[profile logs]\nregion = eu-central-1\n"));
    }

    #[test]
    fn files_mode_has_no_secret_in_a_variable_and_blanks_what_would_win() {
        let standing = [("AWS_ACCESS_KEY_ID", "AKIAOLD"), ("AWS_ROLE_ARN", "x"), ("AWS_REGION", "us-east-1")];
        let plan = planned(&[aws("deploy", true)], Mode::Files, &standing);
        assert!(plan.variables.iter().all(|variable| !variable.secret));
        assert_eq!(value(&plan, "AWS_ACCESS_KEY_ID"), None);
        assert_eq!(plan.removed, ["AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN"]);
        assert_eq!(value(&plan, "AWS_REGION"), Some("eu-central-1"));
    }

    #[test]
    fn a_profile_named_in_the_job_comes_to_mean_ours_and_is_put_back() {
        let plan = planned(&[aws("deploy", true)], Mode::Env, &[("AWS_PROFILE", "corp")]);
        let profile = plan.variables.iter().find(|variable| variable.name == "AWS_PROFILE").unwrap();
        assert_eq!((profile.value.reveal(), profile.after.as_str()), ("default", "corp"));
        assert!(contents(&plan, "aws", "credentials").starts_with("[default]\n"));
        assert!(!plan.removed.contains(&"AWS_PROFILE"), "an empty profile is an error to botocore");
    }

    #[test]
    fn an_edge_named_default_must_be_it() {
        let error =
            super::super::plan(&[aws("default", false), aws("deploy", true)], &options(Mode::Env, &[])).err().unwrap();
        assert_eq!(error.code, "profile-default");
        let plan = planned(&[aws("default", true), aws("deploy", false)], Mode::Env, &[]);
        assert_eq!(contents(&plan, "aws", "credentials").matches("[default]").count(), 1);
    }

    #[test]
    fn the_secret_key_stands_in_no_fact() {
        let plan = planned(&[aws("deploy", true)], Mode::Env, &[]);
        for (name, value) in &plan.outputs {
            assert!(!value.contains("secret-of"), "{name}");
        }
    }
}
