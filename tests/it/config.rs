//! What a wrong edge file or flag gets: every problem with its place, exit 2, nothing sent, nothing left.

use crate::harness::{Scratch, run_in};

const GITHUB: [(&str, &str); 1] = [("GITHUB_ACTIONS", "true")];

/// Runs `login` on an edge file and gives the whole of standard error.
fn rejected(file: &str) -> String {
    let scratch = Scratch::new();
    scratch.write("jobpass.toml", file);
    let ran = run_in(scratch.path(), &GITHUB, ["login"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    assert_eq!(scratch.listing(), ["jobpass.toml"]);
    ran.stderr
}

#[test]
fn every_problem_is_listed_with_line_and_column() {
    let shown = rejected(
        r#"
[defaults]
ttl = "1h"

[edge.Deploy]
destination = "aws"
role = "arn:aws:iam::123456789012:user/deploy"
regoin = "eu-central-1"
ttl = "2h"
allowed-account-ids = [123456789012]

[edge.publish]
destination = "gcp"
provider = "projects/my-project/locations/global/workloadIdentityPools/ci-pool/providers/github"
review-by = "2027-03-01"

[edge.infra]
destination = "azur"

[edges.x]
"#,
    );
    assert_eq!(
        shown,
        "\
error[configuration]: jobpass.toml has 10 problems
  jobpass.toml:5:7    `Deploy` is not a usable edge name
  jobpass.toml:5:7    edge `Deploy` has no region
  jobpass.toml:7:8    role `arn:aws:iam::123456789012:user/deploy` is not a role: after the account comes role/NAME
  jobpass.toml:8:10   `Deploy` has the unknown key `regoin`
  jobpass.toml:9:7    ttl 2h is longer than the 1h of [defaults], which an edge may narrow and never widen
  jobpass.toml:10:24  allowed-account-ids holds an integer, expected strings
  jobpass.toml:14:12  provider `projects/my-project/locations/global/workloadIdentityPools/ci-pool/providers/github` has the \
project id `my-project` where the project's number stands; `gcloud projects describe my-project \
--format='value(projectNumber)'` prints it
  jobpass.toml:15:13  review-by is a string, expected a date
  jobpass.toml:18:15  destination is `azur`, expected one of aws, gcp, azure
  jobpass.toml:20:2   unknown key `edges`, expected defaults, dry-run, lint and edge.NAME
hint: use 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit
hint: add region = \"eu-central-1\"
hint: did you mean `region`?
hint: write ttl = \"1h\" or less
hint: write review-by = 2027-03-01, without quotes
hint: did you mean `azure`?
hint: did you mean `edge`?
"
    );
}

#[test]
fn aws_limits_are_checked_before_anything_is_sent() {
    let edge = |lines: &str| {
        format!(
            "[edge.e]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/r\"\nregion = \"eu-west-1\"\n{lines}\n"
        )
    };
    let long = format!("session-policy = '{{\"a\":\"{}\"}}'", "x".repeat(2048));
    let many = format!("managed-session-policies = [{}]", "\"arn:aws:iam::aws:policy/ReadOnlyAccess\",".repeat(11));
    for (lines, part) in [
        ("ttl = \"14m\"", "outside 15m to 12h"),
        ("ttl = \"13h\"", "outside 15m to 12h"),
        ("ttl = 3600", "ttl is an integer, expected a string"),
        ("ttl = \"1 hour\"", "has the unit ` hour`"),
        (
            "ttl = \"2h\"\nchain = [\"arn:aws:iam::210987654321:role/next\"]",
            "longer than 1h, which is all that AWS gives",
        ),
        ("chain = [\"arn:aws-cn:iam::210987654321:role/next\"]", "lies in partition aws-cn, the edge in aws"),
        (
            "chain = [{ role = \"arn:aws:iam::210987654321:role/next\", external-id = \"a b\" }]",
            "external-id does not fit",
        ),
        ("session-name = \"a b\"", "session-name `a b` does not fit"),
        ("session-policy = 'not json'", "session-policy is not JSON"),
        (long.as_str(), "AWS takes 2048"),
        (many.as_str(), "has 11, AWS takes 10"),
        ("allowed-account-ids = [\"42\"]", "not an account id of twelve digits"),
        ("default = \"yes\"", "default is a string, expected true or false"),
        ("audience = \"\"", "audience is empty"),
    ] {
        let shown = rejected(&edge(lines));
        assert!(shown.contains(part), "{lines}\n{shown}");
    }
}

#[test]
fn a_role_and_a_region_of_different_partitions_are_a_configuration_error() {
    let shown = rejected(
        "[edge.e]\ndestination = \"aws\"\nrole = \"arn:aws-us-gov:iam::123456789012:role/r\"\nregion = \"eusc-de-east-1\"\n",
    );
    assert!(shown.contains(
        "jobpass.toml:4:10  region `eusc-de-east-1` lies in partition aws-eusc, the role in partition aws-us-gov"
    ));
}

#[test]
fn gcp_and_azure_limits_are_checked_before_anything_is_sent() {
    let gcp = |lines: &str| {
        format!(
            "[edge.e]\ndestination = \"gcp\"\nprovider = \
             \"projects/1/locations/global/workloadIdentityPools/ci-pool/providers/github\"\n{lines}\n"
        )
    };
    let azure = |lines: &str| format!("[edge.e]\ndestination = \"azure\"\n{lines}\n");
    let ids = "client-id = \"11111111-2222-3333-4444-555555555555\"\ntenant-id = \"contoso.example\"\n";
    for (file, part) in [
        (gcp("service-account = \"a b@c.d\""), "neither an email nor a unique id"),
        (gcp("service-account = \"x/../y@p.iam.gserviceaccount.com\""), "neither an email nor a unique id"),
        (gcp("id-token-audience = \"x\""), "needs a service-account"),
        (gcp("delegates = [\"a@b.c\"]"), "delegates need a service-account"),
        (gcp("service-account = \"a@b.c\"\nttl = \"5m\""), "outside 10m to 12h"),
        (gcp("universe-domain = \"evil/\""), "is not a domain"),
        (azure(""), "edge `e` has no client-id"),
        (azure("client-id = \"shop\"\ntenant-id = \"contoso.example\""), "client-id `shop` is not a GUID"),
        (
            azure("client-id = \"11111111-2222-3333-4444-555555555555\"\ntenant-id = \"a/b\""),
            "neither a GUID nor a domain",
        ),
        (azure(&format!("{ids}cloud = \"germany\"")), "expected one of public, usgov, china"),
        (azure(&format!("{ids}authority = \"http://login.example\"")), "plain http"),
    ] {
        let shown = rejected(&file);
        assert!(shown.contains(part), "{file}\n{shown}");
    }
}

#[test]
fn toml_that_cannot_be_read_is_placed() {
    let shown = rejected("[edge.e]\ndestination = \n[edge.e]\n");
    assert!(shown.contains("jobpass.toml:2:15"), "{shown}");
    let shown = rejected("");
    assert!(shown.contains("there is no edge"), "{shown}");
}

#[test]
fn flags_have_the_same_rules_and_are_named_in_the_message() {
    let scratch = Scratch::new();
    let args = ["login", "--aws-role", "deploy", "--aws-region", "eu-central-1", "--ttl", "5m", "--gcp-project", "p"];
    let ran = run_in(scratch.path(), &GITHUB, args);
    assert_eq!(ran.code, 2);
    for part in [
        "--aws-role  ",
        "a role ARN has 20 to 2048",
        "--ttl ",
        "outside 15m to 12h",
        "--gcp-provider  is missing or empty, and --gcp-project is given",
    ] {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
}

#[test]
fn edges_that_are_not_there() {
    let scratch = Scratch::new();
    let ran = run_in(scratch.path(), &GITHUB, ["login"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("error[no-edges]"), "{}", ran.stderr);
    let ran = run_in(scratch.path(), &GITHUB, ["login", "--config", "missing.toml"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("missing.toml"), "{}", ran.stderr);
    scratch.write(
        "jobpass.toml",
        "[edge.deploy]\ndestination = \"aws\"\nrole = \"arn:aws:iam::123456789012:role/r\"\nregion = \"eu-west-1\"\n",
    );
    let ran = run_in(scratch.path(), &GITHUB, ["login", "deplay"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("did you mean `deploy`?"), "{}", ran.stderr);
    let ran = run_in(scratch.path(), &GITHUB, ["login", "--config", "jobpass.toml", "--aws-region", "eu-west-1"]);
    assert!(ran.stderr.contains("error[edges-twice]"), "{}", ran.stderr);
}
