//! The live trust policy, through the command lines that the developer is signed in with: `aws`, `gcloud`, `az`.
//!
//! No shell, one word per argument, a deadline, nothing secret passed; jobpass holds no identity of its own here. What comes
//! back is cut down to what a trust policy is, in the form that [`crate::trust::TrustPolicy::parse`] reads.

use std::io::ErrorKind;
use std::process::{Output, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::edge::aws::RoleArn;
use crate::edge::{Destination, Edge, Target, aws, azure, gcp};
use crate::error::{Error, Result};
use crate::secret::clean;
use crate::trust::read_json;
use crate::world::World;

/// How long one command may take. `az` and `gcloud` need seconds to start.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What is live.
#[derive(Clone, Debug)]
pub struct Live {
    /// In the form of an edge's `trust` file.
    pub document: Value,
    /// JSON pointer of the document in the file it was taken from; empty for the whole.
    pub base: String,
    /// What could not be had.
    pub notices: Vec<String>,
}

/// The command line that is asked.
#[must_use]
pub fn tool(destination: Destination) -> &'static str {
    match destination {
        Destination::Aws => "aws",
        Destination::Gcp => "gcloud",
        Destination::Azure => "az",
    }
}

/// Asks the destination's own command line.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind): the program is not there. [`Kind::Network`](crate::error::Kind): it failed, took too
/// long, or printed something else than JSON.
pub async fn fetch(edge: &Edge, deadline: Duration, world: &World) -> Result<Live> {
    let tools = Tools { deadline, world };
    let fetched = match &edge.target {
        Target::Aws(target) => of_aws(&tools, target).await,
        Target::Gcp(target) => of_gcp(&tools, target).await,
        Target::Azure(target) => of_azure(&tools, target).await,
    };
    fetched.map_err(|error| error.at(edge.title()))
}

/// The role, and each OIDC provider that its trust policy names.
async fn of_aws(tools: &Tools<'_>, target: &aws::Target) -> Result<Live> {
    let arn = RoleArn::parse(&target.role).map_err(|why| Error::usage("configuration", format!("the role {why}")))?;
    let name = arn.name.rsplit('/').next().unwrap_or(&arn.name);
    let region = format!("--region={}", target.region);
    let usual = [region.as_str(), "--output=json"];
    let answer = tools.json("aws", &["iam", "get-role", &format!("--role-name={name}")], &usual).await?;
    let role = answer.get("Role").cloned().unwrap_or_default();
    let met = role.get("Arn").and_then(Value::as_str).unwrap_or_default();
    if met != target.role {
        return Err(Error::network("vendor-tool", "aws answered with another role")
            .detail("expected", &target.role)
            .detail("presented", met)
            .hint("sign in to the role's account, for example with AWS_PROFILE"));
    }
    let mut arns = Vec::new();
    federated(&role, &mut arns);
    let (mut providers, mut notices) = (Vec::new(), Vec::new());
    let answers = join_all(arns.iter().map(async |arn| {
        let words = ["iam", "get-open-id-connect-provider", &format!("--open-id-connect-provider-arn={arn}")];
        tools.json("aws", &words, &usual).await
    }));
    for (arn, answer) in arns.iter().zip(answers.await) {
        match answer {
            Ok(answer) => {
                let mut provider = only(&answer, &["Url", "ClientIDList"]);
                provider.insert("Arn".to_owned(), arn.as_str().into());
                providers.push(Value::Object(provider));
            }
            Err(error) => notices.push(format!("{arn} cannot be shown: {}", said(&error))),
        }
    }
    let role = only(&role, &["Arn", "RoleName", "Path", "MaxSessionDuration", "AssumeRolePolicyDocument", "Tags"]);
    let mut document = json!({ "role": role });
    if let (Some(object), false) = (document.as_object_mut(), providers.is_empty()) {
        object.insert("providers".to_owned(), providers.into());
    }
    Ok(Live { document, base: String::new(), notices })
}

/// Every ARN of an OIDC provider in the role, once.
fn federated(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(":oidc-provider/") && !into.contains(text) => into.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|one| federated(one, into)),
        Value::Object(all) => all.values().for_each(|one| federated(one, into)),
        _ => {}
    }
}

/// The provider, its pool, and who may act as the service account.
async fn of_gcp(tools: &Tools<'_>, target: &gcp::Target) -> Result<Live> {
    let pools = ["iam", "workload-identity-pools"];
    let account = target.service_account.as_deref();
    if let Some(account) = account.filter(|account| account.starts_with('-')) {
        let message = format!("service-account `{account}` would be taken for a flag");
        return Err(Error::usage("configuration", message));
    }
    let asked = async |words: &[&str]| tools.json("gcloud", words, &["--format=json"]).await;
    let (provider, pool) = (target.provider.name(), target.provider.pool_name());
    let provider_words = [pools.as_slice(), &["providers", "describe", &provider]].concat();
    let pool_words = [pools.as_slice(), &["describe", &pool]].concat();
    let (provider, pool, bindings) = tokio::join!(asked(&provider_words), asked(&pool_words), async {
        match account {
            Some(account) => Some(asked(&["iam", "service-accounts", "get-iam-policy", account]).await),
            None => None,
        }
    });
    let (mut notices, mut document) = (Vec::new(), json!({ "provider": provider? }));
    let mut parts = Map::new();
    match pool {
        Ok(pool) => drop(parts.insert("pool".to_owned(), pool)),
        Err(error) => notices.push(format!("the pool cannot be shown: {}", said(&error))),
    }
    match account.zip(bindings) {
        Some((account, answer)) => {
            let answer = answer?;
            // An account that nobody was given anything on has no list.
            let mut bindings = answer.get("bindings").cloned().unwrap_or_else(|| json!([]));
            for binding in bindings.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                binding.insert("serviceAccount".to_owned(), account.into());
            }
            parts.insert("bindings".to_owned(), bindings);
        }
        None => notices.push("direct access: the bindings stand on each resource, and are not fetched".to_owned()),
    }
    if let Some(object) = document.as_object_mut() {
        object.extend(parts);
    }
    Ok(Live { document, base: String::new(), notices })
}

async fn of_azure(tools: &Tools<'_>, target: &azure::Target) -> Result<Live> {
    let words = ["ad", "app", "federated-credential", "list", &format!("--id={}", target.client_id)];
    let answer = tools.json("az", &words, &["--output=json"]).await.map_err(|error| {
        // The list of an application with a flexible credential cannot be printed by az (azure-workload-identity#373).
        error
            .hint("of a user-assigned identity: az identity federated-credential list -g GROUP --identity-name NAME | jobpass trust diff EDGE --live -")
            .hint("with flexible credentials az fails on the list: `az rest` on Graph's /beta prints it, for --live -")
    })?;
    let keep = ["name", "issuer", "subject", "audiences", "description", "claimsMatchingExpression"];
    let list = answer.as_array().into_iter().flatten().map(|one| Value::Object(only(one, &keep))).collect();
    Ok(Live { document: Value::Array(list), base: String::new(), notices: Vec::new() })
}

/// These members, where they are there.
fn only(value: &Value, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| Some(((*name).to_owned(), value.get(*name)?.clone()))).collect()
}

/// What a failed command wrote, on one line.
fn said(error: &Error) -> String {
    error
        .details
        .iter()
        .find(|(label, _)| label == SAID)
        .map_or_else(|| error.message.clone(), |(_, text)| text.clone())
}

const SAID: &str = "it said";

struct Tools<'a> {
    deadline: Duration,
    world: &'a World,
}

impl Tools<'_> {
    async fn json(&self, program: &str, words: &[&str], usual: &[&str]) -> Result<Value> {
        let line = format!("{program} {}", words.join(" "));
        let output = self.run(program, &line, words.iter().chain(usual)).await?;
        let failed = |what: String| Error::network("vendor-tool", format!("`{line}` {what}"));
        if !output.status.success() {
            let text = clean(&String::from_utf8_lossy(&output.stderr), &[]);
            return Err(failed(format!("failed ({})", output.status))
                .detail(SAID, text)
                .hint("it runs with your own sign-in: try the same command by hand")
                .hint("saved output does as well: --live FILE, or --live - for standard input"));
        }
        let text = String::from_utf8(output.stdout).map_err(|_| failed("printed no UTF-8".to_owned()))?;
        read_json(&text).map_err(|why| failed(format!("printed no JSON: {why}")))
    }

    async fn run<'w>(
        &self,
        program: &str,
        line: &str,
        words: impl Iterator<Item = &'w &'w str> + Clone,
    ) -> Result<Output> {
        // On Windows gcloud and az are scripts, which are started by their whole name only.
        for name in [program.to_owned(), format!("{program}.cmd")] {
            let mut command = Command::new(name);
            command.args(words.clone()).stdin(Stdio::null()).kill_on_drop(true);
            if let Some(directory) = &self.world.directory {
                command.current_dir(directory);
            }
            match tokio::time::timeout(self.deadline, command.output()).await {
                Err(_) => {
                    let message = format!("`{line}` took longer than {}", crate::duration::text(self.deadline));
                    return Err(Error::network("vendor-tool", message).hint("give it longer with --timeout"));
                }
                Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {}
                Ok(Err(error)) => {
                    return Err(Error::usage("vendor-tool-missing", format!("{program} cannot be run: {error}")));
                }
                Ok(Ok(output)) => return Ok(output),
            }
        }
        Err(Error::usage("vendor-tool-missing", format!("{program} is not installed, or not on PATH"))
            .hint(format!("install {program} and sign in, or give its saved output with --live FILE")))
    }
}
