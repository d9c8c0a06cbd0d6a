//! One table of inputs, four places: the source, `action.yml`, `docs/action.md`, and the flags of `jobpass login`. And the three
//! other actions' inputs, as their own `action.yml` lists them: none may be missing.

use std::collections::BTreeSet;
use std::fs;

use clap::CommandFactory as _;
use jobpass::cli::Cli;
use jobpass::cli::action::inputs::{Input, OURS, Takes, all};

use crate::action::{beside, outputs, three, uses};
use crate::harness::checkout;
use crate::job::Job;

/// `aws-actions/configure-aws-credentials` 6.
const AWS: [&str; 32] = [
    "aws-region",
    "role-to-assume",
    "audience",
    "role-duration-seconds",
    "role-session-name",
    "role-external-id",
    "role-skip-session-tagging",
    "transitive-tag-keys",
    "custom-tags",
    "inline-session-policy",
    "managed-session-policies",
    "role-chaining",
    "web-identity-token-file",
    "force-skip-oidc",
    "aws-access-key-id",
    "aws-secret-access-key",
    "aws-session-token",
    "use-existing-credentials",
    "allowed-account-ids",
    "mask-aws-account-id",
    "output-credentials",
    "output-env-credentials",
    "unset-current-credentials",
    "aws-profile",
    "overwrite-aws-profile",
    "http-proxy",
    "no-proxy",
    "disable-retry",
    "retry-max-attempts",
    "special-characters-workaround",
    "action-timeout-s",
    "sts-endpoint",
];
/// `google-github-actions/auth` 3.
const GOOGLE: [&str; 17] = [
    "project_id",
    "workload_identity_provider",
    "service_account",
    "audience",
    "credentials_json",
    "create_credentials_file",
    "export_environment_variables",
    "token_format",
    "delegates",
    "universe",
    "request_reason",
    "cleanup_credentials",
    "access_token_lifetime",
    "access_token_scopes",
    "access_token_subject",
    "id_token_audience",
    "id_token_include_email",
];
/// `Azure/login` 3.
const AZURE: [&str; 9] = [
    "client-id",
    "tenant-id",
    "subscription-id",
    "creds",
    "enable-AzPSSession",
    "environment",
    "allow-no-subscriptions",
    "audience",
    "auth-type",
];

fn named(name: &str) -> &'static Input {
    all().find(|input| input.name == name).unwrap_or_else(|| panic!("{name} is not in the table"))
}

/// What `action.yml` says of an input.
fn description(input: &Input) -> String {
    match input.takes {
        Takes::Is(ours) => format!("`{ours}` under another name. {}", input.about),
        Takes::Refused { instead, .. } => format!("Not taken: {}; {instead}", input.about),
        _ => input.about.to_owned(),
    }
}

/// The row of `docs/action.md` for another action's input.
fn row(input: &Input) -> String {
    let ours = match input.takes {
        _ if OURS.iter().any(|own| own.name == input.name) => "the same".to_owned(),
        Takes::Is(ours) => format!("`{ours}`"),
        Takes::Seconds { input: "timeout", .. } => "`timeout`".to_owned(),
        Takes::Seconds { .. } | Takes::Lifetime => "`ttl`".to_owned(),
        Takes::AzureCloud => "`azure-cloud`".to_owned(),
        Takes::Audience => "`aws-audience`, `gcp-audience`, `azure-audience`".to_owned(),
        Takes::TokenFormat => "`output-credentials`".to_owned(),
        Takes::MaskAccounts => "taken".to_owned(),
        Takes::Nothing => "not needed".to_owned(),
        Takes::Ignored(_) => "ignored, with a notice".to_owned(),
        Takes::Refused { off, .. } => match off.first() {
            Some(off) => format!("an error unless `{off}`"),
            None => "an error".to_owned(),
        },
        Takes::Path | Takes::Text | Takes::List | Takes::Switch | Takes::Duration => unreachable!("{}", input.name),
    };
    let about = match input.takes {
        Takes::Refused { instead, .. } => format!("{}; {instead}", input.about),
        _ => input.about.to_owned(),
    };
    format!("| `{}` | {ours} | {about} |", input.name)
}

/// The row of `docs/action.md` for an input of ours.
fn our_row(input: &Input) -> String {
    let value = match input.takes {
        Takes::List => "list",
        Takes::Switch => "boolean",
        Takes::Duration => "duration",
        _ => "text",
    };
    format!("| `{}` | {value} | {} |", input.name, input.about)
}

/// `(name, description)` of everything below a top-level key of `action.yml`. The file has one shape, so that this is enough.
fn declared(key: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(checkout().join("action.yml")).unwrap();
    let mut all = Vec::new();
    let mut inside = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') {
            inside = line == format!("{key}:");
        } else if let (true, Some(name)) = (inside, line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))) {
            all.push((name.strip_suffix(':').expect(line).to_owned(), String::new()));
        } else if inside {
            let text = line.strip_prefix("    description: \"").and_then(|rest| rest.strip_suffix('"')).expect(line);
            let (_, description) = all.last_mut().expect("a name stands before its description");
            assert!(description.is_empty() && !text.contains(['"', '\\']), "{line}");
            description.push_str(text);
        }
    }
    all
}

#[test]
fn the_action_file_declares_the_table() {
    let expected: Vec<_> = all().map(|input| (input.name.to_owned(), description(input))).collect();
    assert_eq!(declared("inputs"), expected);
    let names: BTreeSet<_> = all().map(|input| input.name.to_uppercase()).collect();
    assert_eq!(names.len(), expected.len(), "the runner's variables have no lower case");
}

#[test]
fn the_action_file_runs_the_shim_and_its_post_step() {
    let text = fs::read_to_string(checkout().join("action.yml")).unwrap();
    let (_, runs) = text.split_once("\nruns:\n").unwrap();
    assert_eq!(runs, "  using: node24\n  main: action/main.mjs\n  post: action/post.mjs\n");
    for key in ["name: ", "description: ", "author: ", "branding:\n"] {
        assert!(text.starts_with(key) || text.contains(&format!("\n{key}")), "{key}");
    }
}

#[test]
fn the_outputs_that_are_declared_are_those_that_there_can_be() {
    let (_scratch, sandbox) = beside(&[]);
    let job = Job::new(&sandbox.variables);
    let more = [("gcp-id-token-audience", "https://shop.example"), ("output-credentials", "true")];
    let ran = uses(&job, &[&three()[..], &more].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let given: BTreeSet<String> = outputs(&job).into_keys().chain(["skipped".to_owned()]).collect();
    let declared: Vec<_> = declared("outputs");
    assert!(declared.iter().all(|(_, description)| !description.is_empty()));
    assert_eq!(declared.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>(), given);
    let document = fs::read_to_string(checkout().join("docs/action.md")).unwrap();
    for name in given {
        assert!(document.contains(&format!("\n| `{name}` | ")), "docs/action.md has no row for the output {name}");
    }
}

#[test]
fn every_flag_of_login_is_an_input_and_every_input_a_flag() {
    let command = Cli::command();
    let login = command.find_subcommand("login").unwrap();
    // Not for a step: the format of standard output, and the sandbox, which is a matter of the whole job.
    let flags =
        login.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| !["format", "sandbox"].contains(flag));
    let flags: BTreeSet<&str> = flags.chain(["edges", "optional", "path"]).collect();
    assert_eq!(OURS.iter().map(|input| input.name).collect::<BTreeSet<_>>(), flags);
}

#[test]
fn every_input_of_the_other_actions_is_decided_and_documented() {
    let others: BTreeSet<&str> = AWS.iter().chain(&GOOGLE).chain(&AZURE).copied().collect();
    let ours: BTreeSet<&str> = OURS.iter().map(|input| input.name).collect();
    let table: BTreeSet<&str> = all().map(|input| input.name).collect();
    assert_eq!(table, &others | &ours, "an input of another action is missing, or one that none has is in the table");
    let document = fs::read_to_string(checkout().join("docs/action.md")).unwrap();
    for (heading, names) in [
        ("aws-actions/configure-aws-credentials", &AWS[..]),
        ("google-github-actions/auth", &GOOGLE),
        ("Azure/login", &AZURE),
    ] {
        let (_, section) = document.split_once(&format!("\n### `{heading}` ")).expect(heading);
        let section = section.split("\n#").next().unwrap();
        let shown: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = names.iter().map(|name| row(named(name))).collect();
        assert_eq!(shown, expected, "{heading}");
    }
    let (_, section) = document.split_once("\n## Inputs\n").unwrap();
    let shown: Vec<&str> =
        section.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(shown, OURS.iter().map(our_row).collect::<Vec<_>>());
}
