//! A provider with its condition, and the binding of the one subject on the service account.

use serde_json::{Value, json};

use super::pins::{Pin, Pins};
use super::quote::{self, cel, flag, hcl_string};
use super::{Form, Rendered, Wanted, unwritable};
use crate::edge::gcp::Target;
use crate::error::Result;
use crate::trust::gcp::{SUBJECT_BYTES, WORKLOAD_IDENTITY_USER};

/// The longest condition, in characters (REST reference of providers).
const CONDITION: usize = 4_096;

/// What delegation takes (`iam.serviceAccounts.implicitDelegation`), on every account of the chain.
const TOKEN_CREATOR: &str = "roles/iam.serviceAccountTokenCreator";

/// What stands in the rule, whatever the form.
struct Parts<'a> {
    target: &'a Target,
    issuer: String,
    audience: String,
    mapping: &'static str,
    condition: String,
    member: String,
}

pub(super) fn render(wanted: &Wanted<'_>, target: &Target, mut pins: Pins, form: Form) -> Result<Rendered> {
    let (mapping, subject) = mapping(&pins)?;
    let mut condition = vec![format!("assertion.sub == {}", cel(&pins.subject))];
    condition.extend(pins.more.iter().map(comparison));
    let condition = condition.join(" && ");
    if condition.chars().count() > CONDITION {
        return Err(unwritable(format!("the condition is longer than the {CONDITION} characters that Google takes")));
    }
    pins.notices.push(
        "the condition is the provider's, for everybody who uses it: give other jobs a provider of their own"
            .to_owned(),
    );
    let (universe, pool) = (&target.universe_domain, target.provider.pool_name());
    let member = format!("principal://iam.{universe}/{pool}/subject/{subject}");
    if target.service_account.is_none() {
        pins.notices.push(format!("direct access: give {member} a role on each resource that the job needs"));
    }
    if let Some(last) = target.delegates.last() {
        pins.notices.push(format!(
            "delegates: the member is bound on the first, and each needs {TOKEN_CREATOR} on the next, {last} on the account at the end"
        ));
    }
    let (issuer, audience) = (pins.issuer.clone(), pins.audience.clone());
    let parts = Parts { target, issuer, audience, mapping, condition, member };
    let core = format!("{:#}", parts.core());
    let text = match form {
        Form::Terraform => parts.terraform(&quote::identifier(&wanted.edge.name), &pins.notices),
        _ => parts.gcloud(&pins.notices)?,
    };
    Ok(Rendered { text, core, notices: pins.notices })
}

/// What becomes `google.subject`, and its value for this job: the subject, or where that is too long the repository's number.
fn mapping(pins: &Pins) -> Result<(&'static str, String)> {
    if pins.subject.len() <= SUBJECT_BYTES {
        return Ok(("assertion.sub", pins.subject.clone()));
    }
    let id = |claim: &str| match pins.more.iter().find(|pin| pin.claim == claim)?.values.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    };
    match (id("repository_id"), id("project_id")) {
        (Some(id), _) => Ok(("assertion.repository_id", id)),
        (_, Some(id)) => Ok(("assertion.project_id", id)),
        _ => Err(unwritable(format!(
            "the subject has {} bytes, Google takes {SUBJECT_BYTES} as google.subject",
            pins.subject.len()
        ))
        .hint("with --repository-id the number is mapped in its place, and the condition compares the subject")),
    }
}

/// The account's name for tools that otherwise ask for its project.
fn whole(account: &str) -> String {
    format!("projects/-/serviceAccounts/{account}")
}

/// One claim in CEL. A claim that some of the issuer's tokens lack is asked for first: to read it would be an error.
fn comparison(pin: &Pin) -> String {
    let plain = pin.claim.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && pin.claim.starts_with(|c: char| c.is_ascii_lowercase());
    let place = if plain { format!("assertion.{}", pin.claim) } else { format!("assertion[{}]", cel(&pin.claim)) };
    let compared = match pin.values.as_slice() {
        [one] => format!("{place} == {}", cel(one)),
        many => format!("{place} in [{}]", many.iter().map(|value| cel(value)).collect::<Vec<_>>().join(", ")),
    };
    if pin.claim == "environment" { format!("has({place}) && {compared}") } else { compared }
}

impl Parts<'_> {
    fn core(&self) -> Value {
        let mut core = json!({
            "provider": {
                "name": self.target.provider.name(),
                "state": "ACTIVE",
                "attributeMapping": { "google.subject": self.mapping },
                "attributeCondition": self.condition,
                "oidc": { "issuerUri": self.issuer, "allowedAudiences": [self.audience] },
            },
        });
        if let (Some(account), Some(object)) = (self.account(), core.as_object_mut()) {
            let binding = json!({ "serviceAccount": account, "role": self.role(), "members": [self.member] });
            object.insert("bindings".to_owned(), json!([binding]));
        }
        core
    }

    /// Whom the federated identity acts as first.
    fn account(&self) -> Option<&str> {
        let first = self.target.delegates.first().map(|delegate| delegate.rsplit('/').next().unwrap_or(delegate));
        first.or(self.target.service_account.as_deref())
    }

    fn role(&self) -> &'static str {
        if self.target.delegates.is_empty() { WORKLOAD_IDENTITY_USER } else { TOKEN_CREATOR }
    }

    fn gcloud(&self, notices: &[String]) -> Result<String> {
        let provider = &self.target.provider;
        if self.audience.contains(',') {
            return Err(unwritable(format!("gcloud splits the audience `{}` at its comma", self.audience)));
        }
        let mut commands = vec![vec![
            // By its whole name: `--project` takes the project's id, and the number is what is known.
            format!("gcloud iam workload-identity-pools providers create-oidc {}", quote::shell(&provider.name())),
            flag("issuer-uri", &self.issuer),
            flag("allowed-audiences", &self.audience),
            flag("attribute-mapping", &format!("google.subject={}", self.mapping)),
            flag("attribute-condition", &self.condition),
        ]];
        if let Some(account) = self.account() {
            commands.push(vec![
                format!("gcloud iam service-accounts add-iam-policy-binding {}", quote::shell(&whole(account))),
                flag("role", self.role()),
                flag("member", &self.member),
            ]);
        }
        let commands: String = commands.iter().map(|words| words.join(" \\\n  ") + "\n").collect();
        let comments = quote::comments("#", notices);
        Ok(format!("{comments}# a provider that is there already: update-oidc with the same flags\n{commands}"))
    }

    fn terraform(&self, id: &str, notices: &[String]) -> String {
        let provider = &self.target.provider;
        let text = hcl_string;
        let mut out = quote::comments("#", notices);
        out += &format!(
            "resource \"google_iam_workload_identity_pool_provider\" \"{id}\" {{\n  \
             project                            = {}\n  workload_identity_pool_id          = {}\n  \
             workload_identity_pool_provider_id = {}\n  attribute_condition                = {}\n  \
             attribute_mapping = {{\n    \"google.subject\" = {}\n  }}\n  \
             oidc {{\n    issuer_uri        = {}\n    allowed_audiences = [{}]\n  }}\n}}\n",
            text(&provider.project_number),
            text(&provider.pool),
            text(&provider.provider),
            text(&self.condition),
            text(self.mapping),
            text(&self.issuer),
            text(&self.audience),
        );
        if let Some(account) = self.account() {
            out += &format!(
                "\nresource \"google_service_account_iam_member\" \"{id}\" {{\n  service_account_id = {}\n  \
                 role               = {}\n  member             = {}\n}}\n",
                text(&whole(account)),
                text(self.role()),
                text(&self.member),
            );
        }
        out
    }
}
