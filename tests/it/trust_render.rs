//! `jobpass trust render`: whatever the job is called, the rule that is printed lets it in and its neighbours not.
//!
//! The rule is taken out of the printed text the way its reader takes it: a shell runs the commands, HCL and Bicep strings are
//! read back by their own escapes.

use std::path::Path;
use std::process::Command;

use jobpass::claims::{Claims, github, gitlab};
use jobpass::cli::job::JobArgs;
use jobpass::edge::{Destination, Edge, file};
use jobpass::trust::lint::{Options, Severity, lint};
use jobpass::trust::render::{Form, Rendered, Wanted, render};
use jobpass::trust::{Decision, TrustPolicy, evaluate};
use jobpass::world::World;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::harness::{Scratch, checkout, run_in};

/// The same sequence in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

/// What a job can be called by somebody who wants to break out of a quote.
const OWNERS: [&str; 4] = ["acme", "a", "Octo-Org", "x1-2"];
const NAMES: [&str; 5] = [
    "shop",
    "shop.js",
    "S_h-op",
    "a",
    "a-name-of-a-repository-that-is-as-long-as-github-lets-one-be-and-longer-than-google-takes-as-a-subject",
];
const REFS: [&str; 9] = [
    "refs/heads/main",
    "refs/tags/v1.0",
    "refs/heads/it's",
    "refs/heads/${username}",
    "refs/heads/%{x}",
    "refs/heads/a$(id)`id`",
    "refs/heads/\"q\"",
    "refs/heads/f/ü#1,2;x",
    "refs/heads/a%3Ab",
];
const ENVIRONMENTS: [&str; 8] =
    ["production", "it's", "a\\b", "p:1", "p%3A1", "${x} %{y} {{z}}", "a \"b\" && true || 'c' == 'c", "$HOME`id`"];

struct Case {
    args: JobArgs,
    issuer: &'static str,
    require: Vec<(String, Vec<String>)>,
}

impl Case {
    fn roll(dice: &mut Dice) -> Case {
        let github = dice.roll(3) > 0;
        let ids = dice.roll(2) == 0;
        let environment = (dice.roll(2) == 0).then(|| dice.one(&ENVIRONMENTS).to_owned());
        let git_ref = dice.one(&REFS).to_owned();
        let repository = format!("{}/{}", dice.one(&OWNERS), dice.one(&NAMES));
        let pull_request = github && dice.roll(5) == 0;
        let mut require = Vec::new();
        if dice.roll(2) == 0 {
            require.push((if github { "repository" } else { "project_path" }.to_owned(), vec![repository.clone()]));
        }
        if let Some(environment) = environment.as_ref().filter(|_| dice.roll(2) == 0) {
            require.push(("environment".to_owned(), vec!["other".to_owned(), environment.clone()]));
        }
        if github && dice.roll(4) == 0 {
            require.push(("runner_environment".to_owned(), vec!["github-hosted".to_owned(), "it's".to_owned()]));
        }
        let args = JobArgs {
            runner: Some(if github { "github" } else { "gitlab" }.to_owned()),
            repo: Some(repository),
            r#ref: Some(git_ref),
            environment,
            event: pull_request.then(|| "pull_request".to_owned()),
            repository_id: ids.then(|| "77001".to_owned()),
            owner_id: ids.then(|| "88002".to_owned()),
            immutable: github && ids && dice.roll(2) == 0,
            claims: None,
        };
        Case { args, issuer: if github { github::ISSUER } else { gitlab::ISSUER }, require }
    }

    fn edge(&self, destination: Destination) -> Edge {
        let mut text = match destination {
            Destination::Aws => {
                "[edge.e-1]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/team/e\"\nregion = \"eu-west-1\"\n"
            }
            Destination::Gcp => {
                "[edge.e-1]\ndestination = \"gcp\"\nservice-account = \"e@p.iam.gserviceaccount.com\"\n\
                 provider = \"projects/123456789012/locations/global/workloadIdentityPools/pool/providers/prov\"\n"
            }
            Destination::Azure => {
                "[edge.e-1]\ndestination = \"azure\"\nclient-id = \"11111111-2222-3333-4444-555555555555\"\n\
                 tenant-id = \"99999999-8888-7777-6666-555555555555\"\n"
            }
        }
        .to_owned();
        text.push_str("[edge.e-1.require]\n");
        for (claim, values) in &self.require {
            text.push_str(&format!("{claim} = {}\n", Value::from(values.clone())));
        }
        file::parse(&text, Path::new("jobpass.toml"))
            .unwrap_or_else(|error| panic!("{error:?}\n{text}"))
            .edges
            .remove(0)
    }
}

/// Names, and the claims of a token for `audience`.
type Tokens = Vec<(String, Claims)>;

fn claims_of(job: &jobpass::cli::job::Job, audience: &str) -> Claims {
    match job.runner {
        jobpass::sandbox::Runner::Github => job.github.claims(&job.issuer, audience, OffsetDateTime::UNIX_EPOCH),
        jobpass::sandbox::Runner::Gitlab => job.gitlab.claims(&job.issuer, audience, OffsetDateTime::UNIX_EPOCH),
    }
}

/// Tokens of neighbours and strangers: each differs in one thing that the rule has to hold.
fn strangers(case: &Case, job: &jobpass::cli::job::Job, edge: &Edge) -> Tokens {
    let mut all: Tokens = Vec::new();
    let exact = edge.destination() != Destination::Azure;
    let repository = case.args.repo.clone().unwrap();
    let (owner, name) = repository.split_once('/').unwrap();
    let mut other = |what: &str, change: &dyn Fn(&mut github::Job, &mut gitlab::Job)| {
        let mut stranger = jobpass::cli::job::Job {
            runner: job.runner,
            github: job.github.clone(),
            gitlab: job.gitlab.clone(),
            claims: None,
            issuer: job.issuer.clone(),
            told_by: "",
            told: jobpass::cli::job::Told::default(),
        };
        change(&mut stranger.github, &mut stranger.gitlab);
        all.push((what.to_owned(), claims_of(&stranger, &edge.audience)));
    };
    for (what, repository) in [
        ("a stranger", format!("stranger/{name}")),
        ("an owner's name that goes on", format!("{owner}evil/{name}")),
        ("an owner's name that ends alike", format!("not{owner}/{name}")),
        ("a repository's name that goes on", format!("{owner}/{name}-evil")),
        ("a sibling", format!("{owner}/sibling")),
        ("another case", repository.to_uppercase()),
    ] {
        if repository != case.args.repo.clone().unwrap() {
            other(what, &|github, gitlab| {
                (github.repository, gitlab.project_path) = (repository.clone(), repository.clone());
                (github.repository_id, gitlab.project_id) = ("1".to_owned(), "1".to_owned());
            });
        }
    }
    let github = job.runner == jobpass::sandbox::Runner::Github;
    let environment_is_subject = github && case.args.environment.is_some();
    let pull_request = case.args.event.is_some();
    // Where the subject names no ref, Entra has nothing to hold it by; a pull request's ref is held by nobody.
    if (!environment_is_subject || exact) && !pull_request {
        other("another branch", &|github, gitlab| {
            github.git_ref = "refs/heads/other".to_owned();
            gitlab.git_ref = "other".to_owned();
        });
        other("a tag of the name", &|github, gitlab| {
            github.git_ref = "refs/tags/main".to_owned();
            gitlab.ref_type = "tag2".to_owned();
        });
        if github {
            other("a pull request", &|github, _| *github = github.clone().pull_request(9, "topic", "main"));
        }
    }
    if environment_is_subject {
        other("another environment", &|github, _| github.environment = Some("other".to_owned()));
        other("no environment", &|github, _| github.environment = None);
        let twin = case.args.environment.clone().unwrap();
        let twin = if twin.contains(':') { twin.replace(':', "%3A") } else { twin.replace("%3A", ":") };
        if exact && Some(&twin) != case.args.environment.as_ref() {
            other("the environment's escaped twin", &|github, _| github.environment = Some(twin.clone()));
        }
    }
    if case.args.repository_id.is_some() && (exact || case.args.immutable) {
        other("a new repository under the old name", &|github, gitlab| {
            github.repository_id = "99".to_owned();
            gitlab.project_id = "99".to_owned();
        });
    }
    let own = claims_of(job, &edge.audience);
    all.push(("another audience".to_owned(), claims_of(job, "https://github.com/acme")));
    for claim in ["sub", "aud"] {
        let without: serde_json::Map<String, Value> = own
            .as_map()
            .iter()
            .filter(|(name, _)| *name != claim)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        all.push((format!("no {claim}"), Claims::new(without)));
    }
    all
}

/// The commands of a script as a shell runs them, each as its words.
fn shell(script: &str) -> Vec<Vec<String>> {
    let functions = "say() { for word in \"$@\"; do printf '%s\\0' \"$word\"; done; printf '\\1'; }\n\
                     gcloud() { say \"$@\"; }\naz() { say \"$@\"; }\n";
    let ran = Command::new("sh").args(["-euc", &format!("{functions}{script}")]).env_clear().output().unwrap();
    assert!(ran.status.success(), "{}\n{script}", String::from_utf8_lossy(&ran.stderr));
    let text = String::from_utf8(ran.stdout).unwrap();
    let words = |command: &str| command.split_terminator('\0').map(str::to_owned).collect();
    text.split_terminator('\u{1}').map(words).collect()
}

fn flag<'a>(words: &'a [String], name: &str) -> &'a str {
    let prefix = format!("--{name}=");
    words.iter().find_map(|word| word.strip_prefix(prefix.as_str())).unwrap_or_else(|| panic!("--{name} in {words:?}"))
}

/// The value of `key = "…"` in HCL or `key: '…'` in Bicep, unescaped; every one of them, in order.
fn values(text: &str, key: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with(['#', '/']));
    let after = |line: &str| {
        let rest = line.trim_start().strip_prefix(key)?.trim_start().strip_prefix(['=', ':'])?;
        Some(rest.trim().trim_start_matches('[').trim_end_matches(']').to_owned())
    };
    code.filter_map(after).map(|value| unquoted(&value)).collect()
}

fn unquoted(value: &str) -> String {
    match value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inside) => {
            assert_eq!(inside.matches("${").count(), inside.matches("\\${").count(), "a template begins in {value}");
            inside.replace("\\${", "${").replace("\\'", "'").replace("\\\\", "\\")
        }
        None => serde_json::from_str(&templates(value)).unwrap_or_else(|error| panic!("{value}: {error}")),
    }
}

/// HCL's escapes of what begins a template.
fn templates(hcl: &str) -> String {
    for mark in ["${", "%{"] {
        let doubled = format!("{}{mark}", &mark[..1]);
        assert_eq!(hcl.matches(mark).count(), hcl.matches(&doubled).count(), "a template begins in {hcl}");
    }
    hcl.replace("$${", "${").replace("%%{", "%{")
}

/// The rule in the JSON that the evaluators read, out of what was printed.
fn core(form: Form, edge: &Edge, text: &str) -> String {
    match (edge.destination(), form) {
        (Destination::Aws, Form::Terraform) => {
            templates(text.split_once("jsonencode(").unwrap().1.rsplit_once(")\n}").unwrap().0)
        }
        (Destination::Aws, _) => text.to_owned(),
        (Destination::Gcp, Form::Gcloud) => {
            let commands = shell(text);
            let [provider, binding] = commands.as_slice() else { panic!("{commands:?}") };
            assert_eq!(provider[..4], ["iam", "workload-identity-pools", "providers", "create-oidc"]);
            let (mapped, expression) = flag(provider, "attribute-mapping").split_once('=').unwrap();
            json!({
                "provider": {
                    "name": provider[4],
                    "attributeMapping": { mapped: expression },
                    "attributeCondition": flag(provider, "attribute-condition"),
                    "oidc": { "issuerUri": flag(provider, "issuer-uri"), "allowedAudiences": [flag(provider, "allowed-audiences")] },
                },
                "bindings": [{ "serviceAccount": binding[3], "role": flag(binding, "role"), "members": [flag(binding, "member")] }],
            })
            .to_string()
        }
        (Destination::Gcp, _) => {
            let one = |key: &str| values(text, key).remove(0);
            json!({
                "provider": {
                    "name": format!(
                        "projects/{}/locations/global/workloadIdentityPools/{}/providers/{}",
                        one("project"), one("workload_identity_pool_id"), one("workload_identity_pool_provider_id")
                    ),
                    "attributeMapping": { "google.subject": one("\"google.subject\"") },
                    "attributeCondition": one("attribute_condition"),
                    "oidc": { "issuerUri": one("issuer_uri"), "allowedAudiences": values(text, "allowed_audiences") },
                },
                "bindings": [{ "serviceAccount": one("service_account_id"), "role": one("role"), "members": [one("member")] }],
            })
            .to_string()
        }
        (Destination::Azure, Form::Az) => {
            let commands = shell(text);
            let [words] = commands.as_slice() else { panic!("{commands:?}") };
            let at = words.iter().position(|word| word == "--parameters" || word == "--body").unwrap();
            words[at + 1].clone()
        }
        (Destination::Azure, _) => {
            let one = |key: &str| values(text, key).remove(0);
            let audience = if form == Form::Terraform {
                one("audiences")
            } else {
                unquoted(text.split_once("audiences: [\n").unwrap().1.lines().next().unwrap().trim())
            };
            json!({ "name": "x", "issuer": one("issuer"), "subject": one("subject"), "audiences": [audience] })
                .to_string()
        }
    }
}

#[test]
fn what_is_rendered_lets_the_job_in_and_no_neighbour() {
    let mut dice = Dice(4);
    let (mut rendered, mut judged, mut refused) = (0, 0, 0);
    for _ in 0..60 {
        let case = Case::roll(&mut dice);
        let job = case.args.settle(None, None, &World::nothing()).unwrap_or_else(|error| panic!("{error:?}"));
        let known = job.known().unwrap();
        for destination in Destination::ALL {
            let edge = case.edge(destination);
            for flexible in [false, true] {
                let wanted = Wanted { edge: &edge, issuer: case.issuer, known: &known, flexible };
                let forms = if flexible { &[Form::Az][..] } else { Form::of(destination) };
                for form in forms.iter().filter(|_| !flexible || destination == Destination::Azure) {
                    let Rendered { text, core: own, .. } = match render(&wanted, *form) {
                        Ok(rendered) => rendered,
                        Err(error) => {
                            assert_eq!((error.code, error.kind.exit_code()), ("render-value", 2), "{error:?}");
                            refused += 1;
                            continue;
                        }
                    };
                    rendered += 1;
                    for json in [own, core(*form, &edge, &text)] {
                        let trust =
                            TrustPolicy::parse(destination, &json).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
                        let decide = |issuer: &str, claims: &Claims| evaluate(&trust, &edge, issuer, claims).decision;
                        let token = claims_of(&job, &edge.audience);
                        no_findings(&case, &edge, &trust, &text);
                        assert_eq!(decide(case.issuer, &token), Decision::Allowed, "{form}: {:?}\n{text}", case.args);
                        for (what, stranger) in strangers(&case, &job, &edge) {
                            judged += 1;
                            let met = decide(case.issuer, &stranger);
                            assert_ne!(met, Decision::Allowed, "{form}: {what}: {:?}\n{text}", case.args);
                        }
                        for issuer in [
                            format!("{}/", case.issuer),
                            format!("{}/acme", case.issuer),
                            "https://evil.example".to_owned(),
                        ] {
                            assert_ne!(decide(&issuer, &token), Decision::Allowed, "{form}: {issuer}\n{text}");
                        }
                    }
                }
            }
        }
    }
    assert!(rendered > 350 && judged > 5_000, "{rendered} rendered, {judged} strangers, {refused} refused");
    assert!(refused < rendered / 3, "{refused} of {rendered} refused");
}

/// The rules find nothing to say about it, but for what the job itself brings along.
fn no_findings(case: &Case, edge: &Edge, trust: &TrustPolicy, text: &str) {
    let report = lint(trust, &Options { now: 1_800_000_000, edge: Some(edge) });
    for finding in report.findings.iter().filter(|finding| finding.severity > Severity::Info) {
        let known = match finding.rule.code {
            // A pull request's subject is every pull request's.
            "TP006" => case.args.event.is_some(),
            // Without the numbers nothing can take the place of a long subject.
            "TP054" => case.args.repository_id.is_none(),
            // The rules take the subject's `%3A` for the environment's own letters.
            "TP055" => case.args.environment.as_ref().is_some_and(|name| name.contains([':', '%'])),
            _ => false,
        };
        assert!(known, "{} {}: {:?}\n{text}", finding.rule.code, finding.message, case.args);
    }
}

fn example(args: &[&str]) -> crate::harness::Ran {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let mut all = vec!["trust", "render", "--config", &config];
    all.extend(args);
    run_in(scratch.path(), &[], all)
}

#[test]
fn a_rule_on_standard_output_and_what_is_not_known_beside_it() {
    let ran = example(&["deploy"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    let compared = &document["Statement"][0]["Condition"]["StringEquals"];
    assert_eq!(compared["token.actions.githubusercontent.com:sub"], "repo:acme/shop:environment:production");
    assert_eq!(compared["token.actions.githubusercontent.com:ref"], "refs/heads/main");
    for part in
        ["note: the rule goes by names", "--repository-id", "gh api", "the audience sts.amazonaws.com in its list"]
    {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    // A ref that nobody named is not in the rule, nor are the numbers of another repository than the one that was named.
    let ran = example(&["deploy", "--repo", "acme/shop", "--environment", "production"]);
    assert!(ran.stdout.contains("environment:production") && !ran.stdout.contains("refs/heads"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the subject names no ref and none was named"), "{}", ran.stderr);
    let ran = example(&["deploy", "--repository-id", "5", "--owner-id", "6", "--immutable"]);
    assert!(ran.stdout.contains("\"repo:acme@6/shop@5:environment:production\""), "{}", ran.stdout);
    assert!(!ran.stderr.contains("goes by names"), "{}", ran.stderr);
    // What a comment can carry stands in the text too.
    let ran = example(&["publish"]);
    assert!(ran.stdout.contains("# the rule goes by names") && ran.stderr.contains("note: the rule goes by names"));
}

#[test]
fn numbers_in_the_edge_file_are_those_of_its_own_repository() {
    let scratch = Scratch::new();
    let text = "[edge.e]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/e\"\nregion = \"eu-west-1\"\n\
                [dry-run]\nrepository = \"acme/shop\"\nrepository-id = \"4711\"\nowner-id = \"12\"\n";
    let config = scratch.write("jobpass.toml", text).display().to_string();
    let render =
        |more: &[&str]| run_in(scratch.path(), &[], [&["trust", "render", "--config", &config], more].concat());
    assert!(render(&[]).stdout.contains("\"4711\""));
    assert!(render(&["--immutable"]).stdout.contains("repo:acme@12/shop@4711:ref:refs/heads/main"));
    let other = render(&["--repo", "acme/other"]);
    assert!(other.code == 0 && !other.stdout.contains("4711"), "{}{}", other.stdout, other.stderr);
}

#[test]
fn what_cannot_be_rendered_says_why_and_prints_nothing() {
    for (args, code, word) in [
        (vec!["deploy", "--as", "bicep"], "render-form", "aws-json, terraform, cloudformation"),
        (vec!["deploy", "--flexible"], "render-form", "--as az"),
        (vec!["deploy", "--immutable"], "no-ids", "gh api"),
        (vec!["deploy", "--repo", "acme/other"], "render-job", "expected repository"),
        (vec!["infra", "--flexible"], "render-value", "--repository-id"),
        (vec![], "one-edge", "deploy, infra, publish"),
    ] {
        let ran = example(&args);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{args:?}");
        assert!(
            ran.stderr.contains(&format!("error[{code}]")) && ran.stderr.contains(word),
            "{args:?}\n{}",
            ran.stderr
        );
    }
}
