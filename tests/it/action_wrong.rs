//! What a workflow's author can get wrong with the action: each case is data, and ends with the exit code of its class, one
//! annotation that says what to do, and nothing that later steps could see. Here what is missing and what does not go together;
//! `action_clouds` has values of one cloud, `action_values` the others and what is not taken, `action_denied` what comes after.

use std::fs;

use crate::action::{AWS, AZURE, GCP, beside, uses};
use crate::harness::{Ran, files_below};
use crate::job::Job;

pub(crate) type With = &'static [(&'static str, &'static str)];

/// Inputs that are right, and those that are not: they take the place of the ones with their names.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) base: &'static [With],
    pub(crate) with: With,
    /// The annotation's title and lines; the first line of what is wrong with inputs goes without saying.
    pub(crate) says: Says,
}

pub(crate) enum Says {
    Inputs(&'static [&'static str]),
    Other(&'static str, &'static [&'static str]),
}

/// The hint where something is empty.
pub(crate) const UNSET: &str = "hint: an unset secret or variable evaluates to the empty text: check its name, and that this run may read it \
                     (a fork's pull request and Dependabot get no secrets)";

impl Case {
    fn inputs(&self) -> Vec<(&'static str, &'static str)> {
        let base = self.base.iter().flat_map(|with| with.iter()).copied();
        let kept = base.filter(|(input, _)| !self.with.iter().any(|(other, _)| other == input));
        kept.chain(self.with.iter().copied()).collect()
    }

    fn annotation(&self) -> String {
        match self.says {
            Says::Other(code, lines) => format!("::error title=jobpass%3A {code}::{}", lines.join("%0A")),
            Says::Inputs(lines) => {
                let count = lines.iter().filter(|line| !line.starts_with("hint: ")).count();
                let problems = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
                let lines = lines.join("%0A");
                format!("::error title=jobpass%3A configuration::the action's `with` has {problems}%0A{lines}")
            }
        }
    }
}

/// Each of them ends with 2, has its one annotation, and leaves nothing.
pub(crate) fn all_fail(cases: &[Case]) {
    let (_scratch, sandbox) = beside(&[]);
    for case in cases {
        let job = Job::new(&sandbox.variables);
        let ran = uses(&job, &case.inputs());
        let said = ran.stdout.replace(&job.workspace().display().to_string(), "WORKSPACE");
        fails(case.name, &job, &ran, 2);
        assert_eq!(said, case.annotation() + "\n", "{}", case.name);
    }
    assert_eq!(sandbox.requests(), [""; 0], "nothing was asked, not even for an ID token");
}

/// What holds of every failure: nothing for later steps, no command but ours, and no file but a denial's record.
pub(crate) fn fails(name: &str, job: &Job, ran: &Ran, code: i32) {
    assert_eq!(ran.code, code, "{name}: {}", ran.stderr);
    assert!(ran.stdout.lines().all(|line| line.starts_with("::error title=jobpass%3A ")), "{name}: {}", ran.stdout);
    let commands = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
    assert!(!ran.stderr.lines().any(commands), "{name}: {}", ran.stderr);
    assert!(ran.stderr.contains("error["), "{name}: the usual text stays: {}", ran.stderr);
    assert!(!(ran.stdout.clone() + &ran.stderr).contains("canary"), "{name}: what could be a secret is not shown");
    assert_eq!(job.file("GITHUB_ENV") + &job.file("GITHUB_OUTPUT"), "", "{name}");
    let mut left: Vec<String> = job
        .passes()
        .iter()
        .flat_map(|pass| files_below(pass))
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    left.sort();
    let record: &[&str] = if code == 4 { &["audit.jsonl", "journal.json"] } else { &[] };
    assert_eq!(left, record, "{name}");
    assert_eq!(fs::read_dir(job.workspace()).unwrap().count(), 0, "{name}: the workspace");
}

#[test]
fn what_is_missing() {
    let case = |name, base, with, says| Case { name, base, with, says };
    all_fail(&[
        case(
            "nothing at all",
            &[],
            &[],
            Says::Other(
                "no-edges",
                &[
                    "no cloud is described: no jobpass.toml in the workspace or above, and no input of a cloud is given",
                    "expected: aws-role and aws-region, gcp-provider, or azure-client-id and azure-tenant-id",
                    UNSET,
                    "hint: for a jobpass.toml, run actions/checkout first, or name the file with `config`",
                ],
            ),
        ),
        case(
            "only a lifetime",
            &[],
            &[("ttl", "1h")],
            Says::Other(
                "no-edges",
                &[
                    "no cloud is described: no jobpass.toml in the workspace or above, and no input of a cloud is given",
                    "expected: aws-role and aws-region, gcp-provider, or azure-client-id and azure-tenant-id",
                    UNSET,
                    "hint: for a jobpass.toml, run actions/checkout first, or name the file with `config`",
                ],
            ),
        ),
        case(
            "an empty role",
            &[&AWS],
            &[("aws-role", "  ")],
            Says::Inputs(&[
                "aws-role: is missing or empty, and aws-region is given; expected something like arn:aws:iam::123456789012:role/NAME",
                UNSET,
            ]),
        ),
        case(
            "an empty region",
            &[],
            &[("role-to-assume", "arn:aws:iam::123456789012:role/deploy")],
            Says::Inputs(&[
                "aws-region: is missing or empty, and role-to-assume is given; expected something like eu-central-1",
                UNSET,
            ]),
        ),
        case(
            "an empty provider",
            &[&GCP],
            &[("gcp-provider", "")],
            Says::Inputs(&[
                "gcp-provider: is missing or empty, and gcp-service-account is given; expected something like projects/123456789/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
                UNSET,
            ]),
        ),
        case(
            "an empty tenant",
            &[],
            &[("client-id", "11111111-2222-3333-4444-555555555555")],
            Says::Inputs(&[
                "tenant-id: is missing or empty, and client-id is given; expected something like 00000000-0000-0000-0000-000000000000",
                UNSET,
            ]),
        ),
        case(
            "an empty role by the other name",
            &[],
            &[("role-session-name", "ci"), ("aws-region", "eu-central-1")],
            Says::Inputs(&[
                "role-to-assume: is missing or empty, and aws-region is given; expected something like arn:aws:iam::123456789012:role/NAME",
                UNSET,
            ]),
        ),
        case(
            "two clouds half",
            &[&AWS, &AZURE],
            &[("aws-role", ""), ("azure-client-id", "")],
            Says::Inputs(&[
                "aws-role: is missing or empty, and aws-region is given; expected something like arn:aws:iam::123456789012:role/NAME",
                "azure-client-id: is missing or empty, and azure-tenant-id is given; expected something like 00000000-0000-0000-0000-000000000000",
                UNSET,
            ]),
        ),
        case(
            "no such file",
            &[],
            &[("config", "deploy/jobpass.toml")],
            Says::Other(
                "configuration",
                &[
                    "cannot read WORKSPACE/deploy/jobpass.toml: No such file or directory (os error 2)",
                    "hint: check the path and its checkout, or describe one edge per cloud with flags or inputs",
                ],
            ),
        ),
        case(
            "an audience for the ID token and none asked",
            &[&GCP],
            &[("token_format", "id_token")],
            Says::Inputs(&[
                "token_format: is `id_token`, and there is no audience for it",
                "hint: set id_token_audience; an unset variable evaluates to the empty text",
            ]),
        ),
    ]);
}

#[test]
fn what_does_not_go_together() {
    let case = |name, base, with, says| Case { name, base, with, says };
    all_fail(&[
        case(
            "two roles",
            &[&AWS],
            &[("role-to-assume", "arn:aws:iam::123456789012:role/other")],
            Says::Inputs(&[
                "role-to-assume: and aws-role are two names for one thing, and their values differ",
                "hint: keep one of them",
            ]),
        ),
        case(
            "two lifetimes",
            &[&AWS],
            &[("ttl", "1h"), ("role-duration-seconds", "900")],
            Says::Inputs(&[
                "role-duration-seconds: and ttl both say how long credentials live, and differ",
                "hint: keep one of them",
            ]),
        ),
        case(
            "whose audience",
            &[&AWS, &AZURE],
            &[("audience", "sts.amazonaws.com")],
            Says::Inputs(&[
                "audience: could be that of aws or azure: each has its own",
                "hint: write aws-audience and azure-audience instead",
            ]),
        ),
        case(
            "nobody's audience",
            &[],
            &[("audience", "sts.amazonaws.com"), ("config", "jobpass.toml")],
            Says::Inputs(&[
                "audience: belongs to a cloud, and no input describes one",
                "hint: in a jobpass.toml, set audience on the edge",
            ]),
        ),
        case(
            "file and inputs",
            &[&AWS],
            &[("config", "jobpass.toml")],
            Says::Other(
                "edges-twice",
                &[
                    "edges are described by inputs and by a file at the same time",
                    "file: jobpass.toml",
                    "hint: put the inputs' values into the file, or leave `config` out",
                ],
            ),
        ),
        case(
            "two sources",
            &[&AWS],
            &[("token-env", "TOKEN"), ("web-identity-token-file", "token")],
            Says::Inputs(&[
                "web-identity-token-file: and token-env both say where the ID token comes from",
                "hint: keep one of them",
            ]),
        ),
        case(
            "an edge that no input describes",
            &[&AWS],
            &[("edges", "aws, gpc")],
            Says::Other("unknown-edge", &["there is no edge `gpc`", "known edges: aws"]),
        ),
    ]);
}
