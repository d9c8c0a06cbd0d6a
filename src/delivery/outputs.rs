//! Outputs of a GitHub step beside the plan's own: every edge's in one object, and the secrets where they were asked for.

use serde_json::{Map, Value};

use super::{OUTPUT_SUFFIXES, Plan};
use crate::credential::{Credential, Grant};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// The outputs with secrets that an edge named `NAME` can have, where they were asked for; every one of them is masked, but for
/// the key's id, which AWS shows in its own logs.
///
/// AWS: `NAME-access-key-id`, `NAME-secret-access-key`, `NAME-session-token`. GCP: `NAME-access-token`, `NAME-id-token`. Azure:
/// `NAME-access-token`, that of the edge's first resource.
pub const CREDENTIAL_SUFFIXES: [&str; 5] =
    ["access-key-id", "secret-access-key", "session-token", "access-token", "id-token"];

/// The name of the output that holds all others: a JSON object, edge → suffix → value, without secrets.
pub const EDGES: &str = "edges";

/// Refuses two edges whose names make one output of two: a GCP edge `x` and an Azure edge `x-access` both make
/// `x-access-token-file`.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind) with the output's name.
pub fn refuse_twins(plan: &Plan) -> Result<()> {
    let mut names: Vec<&str> = plan.outputs.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first()).flatten()) {
        Some(name) => Err(Error::usage("output-name", format!("two edges would both make the output `{name}`"))
            .hint("rename one of them in the edge file")),
        None => Ok(()),
    }
}

/// Adds the output [`EDGES`].
pub fn edges(plan: &mut Plan, grants: &[Grant]) {
    let mut all = Map::new();
    for grant in grants {
        let edge = grant.edge.name.as_str();
        let value = |suffix: &str| {
            let name = format!("{edge}-{suffix}");
            let (_, value) = plan.outputs.iter().find(|(known, _)| *known == name)?;
            Some((suffix.to_owned(), Value::from(value.as_str())))
        };
        all.insert(edge.to_owned(), Value::Object(OUTPUT_SUFFIXES.into_iter().filter_map(value).collect()));
    }
    plan.outputs.push((EDGES.to_owned(), Value::Object(all).to_string()));
}

/// Adds the secrets of one grant.
pub fn credentials(plan: &mut Plan, grant: &Grant) {
    let secrets = match &grant.credential {
        Credential::Aws(session) => vec![
            ("access-key-id", Secret::new(session.access_key_id.as_str())),
            ("secret-access-key", session.secret_access_key.clone()),
            ("session-token", session.session_token.clone()),
        ],
        Credential::Gcp(tokens) => std::iter::once(("access-token", tokens.access_token.clone()))
            .chain(tokens.id_token.iter().map(|token| ("id-token", token.clone())))
            .collect(),
        Credential::Azure(tokens) => {
            tokens.tokens.first().map(|token| ("access-token", token.access_token.clone())).into_iter().collect()
        }
    };
    plan.credentials
        .extend(secrets.into_iter().map(|(suffix, value)| (format!("{}-{suffix}", grant.edge.name), value)));
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn every_edge_in_one_object_without_secrets() {
        let grants = [aws("deploy", true), gcp("main", true, |_, _| ()), azure("infra", true, |_| ())];
        let mut plan = planned(&grants, Mode::Env, &[]);
        edges(&mut plan, &grants);
        let (_, text) = plan.outputs.last().unwrap();
        let all: Value = serde_json::from_str(text).unwrap();
        assert_eq!(all["deploy"]["account-id"], "123456789012");
        assert_eq!(all["main"]["credentials-file"], "/pass/gcp-main/credentials.json");
        assert_eq!(all["infra"]["token-file"], "/pass/azure-infra/federated-token");
        assert!(!text.contains("secret") && !text.contains("ya29") && !text.contains("entra-token"), "{text}");
    }

    #[test]
    fn two_edges_never_make_one_output() {
        let grants = |name: &str| [gcp("x", true, |_, _| ()), azure(name, true, |_| ())];
        let options = options(Mode::Env, &[]);
        assert!(super::super::plan(&grants("y"), &options).is_ok());
        let error = super::super::plan(&grants("x-access"), &options).err().unwrap();
        assert_eq!((error.code, error.message.contains("`x-access-token-file`")), ("output-name", true));
    }

    #[test]
    fn secrets_are_outputs_only_where_they_were_asked_for_and_are_masked() {
        let grants = [
            aws("deploy", true),
            gcp("main", true, |_, t| t.id_token = Some(id_token("g").raw)),
            azure("infra", true, |_| ()),
        ];
        let mut plan = planned(&grants, Mode::Env, &[]);
        assert!(plan.credentials.is_empty() && !plan.output_block().unwrap().contains("secret-of-deploy"));
        for grant in &grants {
            credentials(&mut plan, grant);
        }
        let names: Vec<&str> = plan.credentials.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            [
                "deploy-access-key-id",
                "deploy-secret-access-key",
                "deploy-session-token",
                "main-access-token",
                "main-id-token",
                "infra-access-token"
            ]
        );
        assert!(names.iter().all(|name| CREDENTIAL_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))));
        for (name, value) in plan.credentials.iter().filter(|(name, _)| !name.ends_with("-key-id")) {
            assert!(plan.masks.iter().any(|mask| mask.matches(value.reveal())), "{name} is not masked");
            assert!(plan.output_block().unwrap().contains(value.reveal()), "{name} is not written");
        }
    }
}
