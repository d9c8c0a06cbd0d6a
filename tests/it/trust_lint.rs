//! `jobpass trust lint` as a command: what it reads, what it prints, how it ends.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Ran, Scratch, checkout, run_in};

const ISSUER: &str = "token.actions.githubusercontent.com";

/// A role trust policy for a subject under `StringLike`.
fn role(subject: &str) -> String {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": format!("arn:aws:iam::123456789012:oidc-provider/{ISSUER}")},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {format!("{ISSUER}:aud"): "sts.amazonaws.com"},
                "StringLike": {format!("{ISSUER}:sub"): subject},
            },
        }],
    });
    format!("{document:#}")
}

const SAFE: &str = "repo:acme/shop:environment:production";

fn lint(home: &Scratch, args: &[&str]) -> Ran {
    run_in(home.path(), &[], ["trust", "lint"].iter().chain(args))
}

fn parsed(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn codes(document: &Value, list: &str) -> Vec<String> {
    document[list].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_stranger_who_gets_in_is_shown_and_ends_with_1() {
    let home = Scratch::new();
    home.write("open.json", &role("repo:*"));
    let ran = lint(&home, &["open.json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""), "{}", ran.stdout);
    for text in [
        "open.json\n  critical TP002  another organisation gets in\n",
        "at       /Statement/0/Condition/StringLike/token.actions.githubusercontent.com:sub line ",
        "gets in  repo:stranger-org/shop:ref:refs/heads/main\n",
        "repository_owner=stranger-org",
        "fix      write organisation and repository out",
        "1 critical; 1 file, ",
    ] {
        assert!(ran.stdout.contains(text), "{text}\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains("event_name="), "only what is unlike the intended job: {}", ran.stdout);
    home.write("safe.json", &role(SAFE));
    let ran = lint(&home, &["safe.json"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("  info     TP008") && ran.stdout.contains("1 info; 1 file"), "{}", ran.stdout);
}

#[test]
fn json_has_the_documented_shape() {
    let home = Scratch::new();
    home.write("open.json", &role("repo:acme*"));
    let ran = lint(&home, &["open.json", "--format", "json"]);
    let document = parsed(&ran);
    assert_eq!((ran.code, codes(&document, "findings")), (1, vec!["TP003".to_owned()]));
    let finding = &document["findings"][0];
    assert_eq!(finding["severity"], "critical");
    assert_eq!(finding["file"], "open.json");
    assert_eq!(finding["path"], format!("/Statement/0/Condition/StringLike/{ISSUER}:sub"));
    assert!(finding["line"].as_u64().unwrap() > 1 && finding["column"].as_u64().unwrap() > 1);
    assert_eq!(finding["admits"][0], "repo:acme-evil/shop:ref:refs/heads/main");
    assert_eq!(finding["token"]["sub"], finding["admits"][0]);
    for name in ["message", "why", "fix", "name"] {
        assert!(finding[name].as_str().is_some_and(|text| text.len() > 5), "{name}");
    }
    assert_eq!(document["exempted"], json!([]));
    assert_eq!(document["summary"]["severities"], json!({"critical": 1}));
    assert_eq!(document["summary"]["files"], 1);
}

#[test]
fn the_threshold_decides_the_exit_code() {
    let home = Scratch::new();
    home.write("branches.json", &role("repo:acme@1/shop@2:ref:refs/heads/*"));
    for (threshold, code) in [("critical", 0), ("high", 0), ("medium", 1), ("low", 1), ("info", 1)] {
        let ran = lint(&home, &["branches.json", "--fail-on", threshold]);
        assert_eq!(ran.code, code, "{threshold}\n{}", ran.stdout);
    }
    assert_eq!(lint(&home, &["branches.json"]).code, 0);
    assert_eq!(lint(&home, &["branches.json", "--fail-on", "dreadful"]).code, 2);
}

#[test]
fn a_directory_is_walked_for_json_and_every_form_is_recognised() {
    let home = Scratch::new();
    home.write("trust/deep/aws.json", &role("repo:*"));
    let list = json!([{"name": "a", "issuer": format!("https://{ISSUER}"), "subject": "repo:acme/*",
        "audiences": ["api://AzureADTokenExchange"]}]);
    home.write("trust/azure.json", &list.to_string());
    let provider = json!({"name": "projects/1/locations/global/workloadIdentityPools/p/providers/q", "state": "ACTIVE",
        "oidc": {"issuerUri": format!("https://{ISSUER}")}, "attributeMapping": {"google.subject": "assertion.sub"}});
    home.write("trust/gcp.json", &provider.to_string());
    home.write("trust/.hidden/x.json", "not looked at");
    home.write("trust/notes.txt", "not looked at");
    let ran = lint(&home, &["trust", "--format", "json"]);
    let document = parsed(&ran);
    let mut found: Vec<(String, String)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["file"].as_str().unwrap().to_owned(), one["code"].as_str().unwrap().to_owned()))
        .collect();
    found.retain(|(_, code)| ["TP002", "TP050", "TP061"].contains(&code.as_str()));
    let expected = [("trust/azure.json", "TP061"), ("trust/deep/aws.json", "TP002"), ("trust/gcp.json", "TP050")];
    assert_eq!(found, expected.map(|(file, code)| (file.to_owned(), code.to_owned())));
    assert_eq!(document["summary"]["files"], 3);
}

#[test]
fn several_roles_of_one_file_are_each_looked_at_and_one_that_cannot_be_read_is_told() {
    let home = Scratch::new();
    let policy = |subject: &str| serde_json::from_str::<Value>(&role(subject)).unwrap();
    let roles = json!({"Roles": [
        {"RoleName": "safe", "Arn": "arn:aws:iam::123456789012:role/safe", "AssumeRolePolicyDocument": policy(SAFE)},
        {"RoleName": "open", "Arn": "arn:aws:iam::123456789012:role/open", "AssumeRolePolicyDocument": policy("*")},
        {"RoleName": "odd", "Arn": "arn:aws:iam::123456789012:role/odd",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}, "MaxSessionDuration": 3600},
        {"RoleName": "broken", "Arn": "arn:aws:iam::123456789012:role/broken",
            "AssumeRolePolicyDocument": {"Version": "1999-01-01", "Statement": []}},
        {"RoleName": "ec2", "Arn": "arn:aws:iam::123456789012:role/ec2", "AssumeRolePolicyDocument": {
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole"}]}},
    ]});
    home.write("roles.json", &roles.to_string());
    let document = parsed(&lint(&home, &["roles.json", "--format", "json"]));
    let at: Vec<(&str, &str)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["code"].as_str().unwrap(), one["path"].as_str().unwrap()))
        .collect();
    assert!(at.iter().any(|(code, path)| *code == "TP002" && path.starts_with("/Roles/1/")), "{at:?}");
    assert!(at.contains(&("TP092", "/Roles/3")), "{at:?}");
    assert!(at.iter().all(|(_, path)| !path.starts_with("/Roles/4") && !path.starts_with("/Roles/2")), "{at:?}");
}

#[test]
fn what_cannot_be_read_ends_with_2_and_says_which_file() {
    let home = Scratch::new();
    home.write("broken.json", "{\"Version\": ");
    home.write("twice.json", "{\"issuer\": \"a\", \"issuer\": \"b\"}");
    home.write("other.json", "{\"hello\": 1}");
    fs::create_dir(home.path().join("empty")).unwrap();
    for name in ["broken.json", "twice.json", "other.json", "missing.json", "empty"] {
        let ran = lint(&home, &[name]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{name}: {}", ran.stderr);
        assert!(name == "empty" || ran.stderr.contains(name), "{}", ran.stderr);
        let document = parsed(&lint(&home, &[name, "--format", "json"]));
        assert_eq!(document["error"]["exit"], 2, "{name}");
    }
    let ran = lint(&home, &[]);
    assert!(ran.code == 2 && ran.stderr.contains("no-trust-policies"), "{}", ran.stderr);
}

fn edges(exemption: &str) -> String {
    format!(
        "{exemption}\n[edge.deploy]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/deploy\"\n\
         region = \"eu-central-1\"\nttl = \"1h\"\ntrust = \"trust/deploy.json\"\n\n[edge.other]\ndestination = \"aws\"\n\
         role = \"arn:aws:iam::123456789012:role/other\"\nregion = \"eu-central-1\"\n"
    )
}

fn exemption(more: &str) -> String {
    edges(&format!("[[lint.exempt]]\nrule = \"TP004\"\nreason = \"being split up\"\n{more}\n"))
}

#[test]
fn an_edge_file_means_its_edges_trust_policies() {
    let home = Scratch::new();
    let long: Value = serde_json::from_str(&role("repo:acme@1/*")).unwrap();
    let role = json!({"Role": {"RoleName": "deploy", "Arn": "arn:aws:iam::123456789012:role/deploy",
        "MaxSessionDuration": 43200, "AssumeRolePolicyDocument": long}});
    home.write("trust/deploy.json", &role.to_string());
    home.write("jobpass.toml", &edges(""));
    for args in [&["--config", "jobpass.toml", "--format", "json"][..], &["--format", "json"]] {
        let document = parsed(&lint(&home, args));
        let found = codes(&document, "findings");
        assert!(found.contains(&"TP004".to_owned()) && found.contains(&"TP040".to_owned()), "{found:?}");
        assert_eq!(document["summary"]["files"], 1);
        assert_eq!(document["findings"][0]["file"], "trust/deploy.json");
    }
}

#[test]
fn an_exemption_holds_until_its_day_and_then_is_a_finding() {
    let home = Scratch::new();
    home.write("trust/deploy.json", &role("repo:acme@1/*"));
    let path = format!("/Statement/0/Condition/StringLike/{ISSUER}:sub");
    for (about, more) in [
        ("the edge", "edge = \"deploy\"\nuntil = 2999-01-01".to_owned()),
        ("the file", "file = \"trust/deploy.json\"\nuntil = 2999-01-01".to_owned()),
        ("the place", format!("edge = \"deploy\"\npath = \"{path}\"\nuntil = 2999-01-01")),
    ] {
        home.write("jobpass.toml", &exemption(&more));
        for args in
            [&["--format", "json"][..], &["trust", "--format", "json"], &["trust/deploy.json", "--format", "json"]]
        {
            let document = parsed(&lint(&home, args));
            assert_eq!(codes(&document, "exempted"), ["TP004"], "{about}");
            assert!(!codes(&document, "findings").contains(&"TP004".to_owned()), "{about}");
            assert_eq!(document["exempted"][0]["exempt"], json!({"reason": "being split up", "until": "2999-01-01"}));
        }
    }
    home.write("jobpass.toml", &exemption("edge = \"deploy\"\nuntil = 2020-01-01"));
    let ran = lint(&home, &["--format", "json"]);
    let document = parsed(&ran);
    let found = codes(&document, "findings");
    assert!(found.contains(&"TP004".to_owned()) && found.contains(&"TP090".to_owned()), "{found:?}");
    assert_eq!((ran.code, codes(&document, "exempted").len()), (1, 0));
    let told = document["findings"].as_array().unwrap().iter().find(|one| one["code"] == "TP090").unwrap();
    assert_eq!(told["file"], "jobpass.toml");
    assert!(told["message"].as_str().unwrap().contains("jobpass.toml:1:"), "{told}");

    home.write("jobpass.toml", &exemption("edge = \"deploy\"\npath = \"/elsewhere\"\nuntil = 2999-01-01"));
    let found = codes(&parsed(&lint(&home, &["--format", "json"])), "findings");
    assert!(found.contains(&"TP004".to_owned()) && found.contains(&"TP091".to_owned()), "{found:?}");
}

#[test]
fn an_exemption_without_reason_date_or_place_is_a_problem_of_the_file() {
    let home = Scratch::new();
    home.write("trust/deploy.json", &role(SAFE));
    for (text, expected) in [
        ("rule = \"TP004\"\nedge = \"deploy\"\nuntil = 2999-01-01", "an exemption has to say reason"),
        ("rule = \"TP004\"\nreason = \" \"\nedge = \"deploy\"\nuntil = 2999-01-01", "an exemption has to say reason"),
        ("rule = \"TP004\"\nreason = \"x\"\nedge = \"deploy\"", "an exemption has to say until"),
        ("rule = \"TP004\"\nreason = \"x\"\nedge = \"deploy\"\nuntil = \"2999-01-01\"", "until is no date"),
        ("rule = \"TP004\"\nreason = \"x\"\nuntil = 2999-01-01", "file or edge"),
        ("rule = \"TP004\"\nreason = \"x\"\nuntil = 2999-01-01\nedge = \"deploy\"\nfile = \"a\"", "file or edge"),
        ("rule = \"TP004\"\nreason = \"x\"\nuntil = 2999-01-01\nedge = \"deploy\"\nwhy = \"a\"", "unknown key `why`"),
    ] {
        home.write("jobpass.toml", &edges(&format!("[[lint.exempt]]\n{text}\n")));
        let ran = lint(&home, &[]);
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{text}\n{}", ran.stderr);
    }
}

#[test]
fn sarif_has_every_rule_and_points_at_the_line() {
    let home = Scratch::new();
    home.write("trust/a b.json", &role("repo:acme@1/*"));
    home.write("trust/deploy.json", &role("repo:*"));
    home.write(
        "jobpass.toml",
        &edges("[[lint.exempt]]\nrule = \"TP002\"\nreason = \"r\"\nedge = \"deploy\"\nuntil = 2999-01-01\n"),
    );
    let document = parsed(&lint(&home, &["trust", "--format", "sarif"]));
    assert_eq!(document["version"], "2.1.0");
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), jobpass::trust::lint::rules().count());
    let results = run["results"].as_array().unwrap();
    let of = |code: &str| results.iter().find(|one| one["ruleId"] == code).unwrap();
    let whole = of("TP004");
    assert_eq!(whole["level"], "error");
    let place = &whole["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "trust/a%20b.json");
    assert!(place["region"]["startLine"].as_u64().unwrap() > 1);
    let at = usize::try_from(whole["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[at]["id"], "TP004");
    assert_eq!(of("TP002")["suppressions"][0]["justification"], "r");
}

/// What GitHub's page "SARIF support for code scanning" (2026) requires of a file, and its limits.
fn code_scanning_refuses(document: &Value, root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let said = |value: &Value, most: usize| value.as_str().is_some_and(|text| (1..=most).contains(&text.len()));
    check(said(&document["$schema"], 200) && document["version"] == "2.1.0", "schema and version".to_owned());
    let runs = document["runs"].as_array().unwrap();
    check((1..=20).contains(&runs.len()), format!("{} runs", runs.len()));
    for run in runs {
        let driver = &run["tool"]["driver"];
        check(said(&driver["name"], 200), "the tool's name".to_owned());
        let rules = driver["rules"].as_array().unwrap();
        for rule in rules {
            let texts = [&rule["shortDescription"]["text"], &rule["fullDescription"]["text"]];
            let weight = &rule["properties"]["security-severity"];
            let weight =
                weight.as_str().map_or_else(|| weight.is_null().then_some(5.0), |text| text.parse::<f64>().ok());
            check(said(&rule["id"], 255) && texts.iter().all(|text| said(text, 1024)), format!("{rule}"));
            check(said(&rule["help"]["text"], 100_000), format!("help: {rule}"));
            check(weight.is_some_and(|weight| weight > 0.0 && weight <= 10.0), format!("severity: {rule}"));
            check(rule["properties"]["tags"].as_array().is_some_and(|tags| tags.len() <= 10), format!("tags: {rule}"));
        }
        let results = run["results"].as_array().unwrap();
        check(results.len() <= 25_000 && rules.len() <= 25_000, "too many".to_owned());
        for result in results {
            let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            check(rules[at]["id"] == result["ruleId"], format!("ruleIndex: {result}"));
            check(said(&result["message"]["text"], 10_000), format!("message: {result}"));
            check(result["locations"].as_array().is_some_and(|all| all.len() == 1), format!("locations: {result}"));
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap_or_default();
            let relative = !uri.is_empty() && !uri.contains("://") && !uri.starts_with(['/', '.']);
            let there = root.join(uri.replace("%20", " "));
            check(relative && there.is_file() && !there.is_symlink(), format!("uri: {result}"));
            let number = |name: &str| place["region"][name].as_u64().unwrap_or(0);
            let (begin, end) = ((number("startLine"), number("startColumn")), (number("endLine"), number("endColumn")));
            let lines = fs::read_to_string(&there).unwrap_or_default().lines().count() as u64;
            check(begin.0 > 0 && begin.1 > 0 && begin <= end && end.0 <= lines, format!("region: {result}"));
            check(
                said(&result["partialFingerprints"]["primaryLocationLineHash"], 40),
                format!("fingerprint: {result}"),
            );
        }
    }
    wrong
}

#[test]
fn sarif_has_what_code_scanning_asks_for() {
    let home = Scratch::new();
    for row in crate::public_trust_policies::rows() {
        let (_, below) = row.file.split_once("policies/").unwrap();
        home.write(&format!("trust policies/{below}"), &row.text);
    }
    let until = |day: &str| {
        format!(
            "[[lint.exempt]]\nrule = \"TP002\"\nreason = \"r\"\nfile = \"trust policies/aws/any-subject.json\"\nuntil = {day}\n"
        )
    };
    home.write("jobpass.toml", &edges(&format!("{}{}", until("2999-01-01"), until("2020-01-01"))));
    let document = parsed(&lint(&home, &["trust policies", "--format", "sarif"]));
    assert_eq!(code_scanning_refuses(&document, home.path()), Vec::<String>::new());
    let ended = document["runs"][0]["results"].as_array().unwrap().iter().find(|one| one["ruleId"] == "TP090").unwrap();
    let place = &ended["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&json!("jobpass.toml"), &json!(6)));

    // However a file is named, its alert is at the file itself.
    home.write("trust/deploy.json", &role("repo:*"));
    std::os::unix::fs::symlink("deploy.json", home.path().join("trust/link.json")).unwrap();
    let absolute = home.path().join("trust/deploy.json").display().to_string();
    for name in ["trust/deploy.json", "./trust/deploy.json", "trust/../trust/deploy.json", "trust/link.json", &absolute]
    {
        let document = parsed(&lint(&home, &[name, "--format", "sarif"]));
        let place = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "trust/deploy.json", "{name}");
    }
    let elsewhere = Scratch::new();
    let document = parsed(&lint(&elsewhere, &[&absolute, "--format", "sarif"]));
    let place = &document["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], format!("file://{absolute}"));
    assert_ne!(code_scanning_refuses(&document, elsewhere.path()), Vec::<String>::new());
}

#[test]
fn the_documented_rules_are_the_registrys() {
    let text = fs::read_to_string(checkout().join("docs/rules.md")).unwrap();
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let sections: Vec<&str> = text.split("\n## ").skip(1).collect();
    let mut headed = Vec::new();
    for rule in jobpass::trust::lint::rules() {
        if let Some(needs) = rule.not_here() {
            let row = format!("| {} | {} | {} | {needs} |", rule.code, rule.severity, rule.name);
            assert!(text.contains(&row), "docs/rules.md lacks the row {row}");
            continue;
        }
        headed.push(rule.code);
        let section = sections.iter().find(|section| section.starts_with(rule.code));
        let section = plain(section.unwrap_or_else(|| panic!("docs/rules.md lacks {}", rule.code)));
        let first = format!("{} **{}** · {}", rule.code, rule.severity, rule.name);
        for part in [&first, &format!("Why: {}.", rule.why), &format!("Fix: {}.", rule.fix)] {
            assert!(section.contains(&plain(part)), "docs/rules.md: {} lacks `{part}`", rule.code);
        }
        assert!(section.contains("```"), "{} has no example", rule.code);
    }
    let documented: Vec<&str> =
        sections.iter().filter(|section| section.starts_with("TP")).map(|section| &section[..5]).collect();
    assert_eq!(documented, headed, "docs/rules.md has rules that are not there");
}

#[test]
fn the_trust_policies_of_the_examples_edges_are_safe() {
    let home = Scratch::new();
    let folders = fs::read_dir(checkout().join("examples")).unwrap().map(|entry| entry.unwrap().path().join("trust"));
    let folders: Vec<String> = folders.filter(|path| path.is_dir()).map(|path| path.display().to_string()).collect();
    assert!(folders.len() >= 5, "{folders:?}");
    let args: Vec<&str> = folders.iter().map(String::as_str).chain(["--fail-on", "low"]).collect();
    let ran = lint(&home, &args);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
}
