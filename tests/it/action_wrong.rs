//! What a workflow's author can get wrong with the action: each case is data, and ends with the exit code of its class, one
//! annotation that says what to do, and nothing that later steps could see.

use std::fs;

use crate::action::{AWS, AZURE, GCP, beside, uses};
use crate::harness::{Ran, files_below};
use crate::job::Job;

type With = &'static [(&'static str, &'static str)];

/// Inputs that are right, and those that are not: they take the place of the ones with their names.
struct Case {
    name: &'static str,
    base: &'static [With],
    with: With,
    /// The annotation's title and lines; the first line of what is wrong with inputs goes without saying.
    says: Says,
}

enum Says {
    Inputs(&'static [&'static str]),
    Other(&'static str, &'static [&'static str]),
}

/// The hint where something is empty.
const UNSET: &str = "hint: an unset secret or variable evaluates to the empty text: check its name, and that this run may read it \
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
fn all_fail(cases: &[Case]) {
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
fn one_clouds_inputs() {
    let case = |name, base, with, says| Case { name, base, with, says };
    all_fail(&[
        case(
            "everything at once",
            &[&AWS, &GCP],
            &[("aws-region", "eu"), ("gcp-provider", "github"), ("verbose", "ja")],
            Says::Inputs(&[
                "verbose: is a text of 2 characters, expected true or false",
                "aws-region: region `eu` is not the name of an AWS region",
                "gcp-provider: provider `github` is not of the form projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
                "hint: jobpass knows the regions of aws, aws-cn, aws-us-gov and aws-eusc",
            ]),
        ),
        case(
            "no such region",
            &[&AWS],
            &[("aws-region", "eu-central")],
            Says::Inputs(&[
                "aws-region: region `eu-central` is not the name of an AWS region",
                "hint: jobpass knows the regions of aws, aws-cn, aws-us-gov and aws-eusc",
            ]),
        ),
        case(
            "a region of another partition",
            &[&AWS],
            &[("aws-region", "cn-north-1")],
            Says::Inputs(&[
                "aws-region: region `cn-north-1` lies in partition aws-cn, the role in partition aws",
                "hint: name a region of aws; a role cannot be assumed from another partition",
            ]),
        ),
        case(
            "a bare role name",
            &[&AWS],
            &[("aws-role", ""), ("role-to-assume", "deploy")],
            Says::Inputs(&["role-to-assume: role `deploy` has 6 characters, a role ARN has 20 to 2048"]),
        ),
        case(
            "a user's ARN",
            &[&AWS],
            &[("aws-role", "arn:aws:iam::123456789012:user/deploy")],
            Says::Inputs(&[
                "aws-role: role `arn:aws:iam::123456789012:user/deploy` is not a role: after the account comes role/NAME",
            ]),
        ),
        case(
            "eleven digits",
            &[&AWS],
            &[("aws-role", "arn:aws:iam::12345678901:role/deploy")],
            Says::Inputs(&[
                "aws-role: role `arn:aws:iam::12345678901:role/deploy` has `12345678901` where the account's twelve digits stand",
            ]),
        ),
        case(
            "an assumed role's ARN",
            &[&AWS],
            &[("aws-role", "arn:aws:sts::123456789012:assumed-role/deploy/x")],
            Says::Inputs(&[
                "aws-role: role `arn:aws:sts::123456789012:assumed-role/deploy/x` is not of the form arn:PARTITION:iam::ACCOUNT:role/NAME",
            ]),
        ),
        case(
            "a role that is a command",
            &[&AWS],
            &[("aws-role", "arn:aws:iam::123456789012:user/x\n::add-mask::e\n##[error]f")],
            Says::Inputs(&[
                "aws-role: role `arn:aws:iam::123456789012:user/x%0A::add-mask::e%0A## [error]f` is not a role: after the account comes role/NAME",
            ]),
        ),
        case(
            "an octal account",
            &[&AWS],
            &[("allowed-account-ids", "123456789012, 5349")],
            Says::Inputs(&[
                "allowed-account-ids: `5349` is not an account id of twelve digits",
                "hint: quote account ids: they can begin with a zero",
            ]),
        ),
        case(
            "no JSON",
            &[&AWS],
            &[("inline-session-policy", "{ \"Version\": ")],
            Says::Inputs(&["inline-session-policy: session-policy is not JSON: line 1 column 12"]),
        ),
        case(
            "a pool",
            &[&GCP],
            &[("gcp-provider", "projects/123456789012/locations/global/workloadIdentityPools/ci-pool")],
            Says::Inputs(&[
                "gcp-provider: provider `projects/123456789012/locations/global/workloadIdentityPools/ci-pool` is a pool's name: /providers/PROVIDER is missing at its end",
            ]),
        ),
        case(
            "a project id",
            &[&GCP],
            &[
                ("gcp-provider", ""),
                (
                    "workload_identity_provider",
                    "projects/acme-shop/locations/global/workloadIdentityPools/ci-pool/providers/github",
                ),
            ],
            Says::Inputs(&[
                "workload_identity_provider: provider `projects/acme-shop/locations/global/workloadIdentityPools/ci-pool/providers/github` has the project id `acme-shop` where the project's number stands; `gcloud projects describe acme-shop --format='value(projectNumber)'` prints it",
            ]),
        ),
        case(
            "a provider's short name",
            &[&GCP],
            &[("gcp-provider", "github")],
            Says::Inputs(&[
                "gcp-provider: provider `github` is not of the form projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
            ]),
        ),
        case(
            "another host",
            &[&GCP],
            &[(
                "gcp-provider",
                "https://evil.example/projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github",
            )],
            Says::Inputs(&[
                "gcp-provider: provider `https://evil.example/projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github` names the host `evil.example`, expected iam.googleapis.com",
            ]),
        ),
        case(
            "a display name",
            &[&GCP],
            &[("gcp-service-account", "Publish Shop")],
            Says::Inputs(&["gcp-service-account: service-account `Publish Shop` is neither an email nor a unique id"]),
        ),
        case(
            "an application's name",
            &[&AZURE],
            &[("azure-client-id", "acme-shop")],
            Says::Inputs(&[
                "azure-client-id: client-id `acme-shop` is not a GUID",
                "hint: client-id is the id, not the display name",
            ]),
        ),
        case(
            "no such Azure cloud",
            &[&AZURE],
            &[("azure-cloud", "usgo")],
            Says::Inputs(&[
                "azure-cloud: cloud is `usgo`, expected one of public, usgov, china",
                "hint: did you mean `usgov`?",
            ]),
        ),
        case(
            "a cloud that was closed",
            &[&AZURE],
            &[("environment", "AzureGermanCloud")],
            Says::Inputs(&[
                "environment: is `AzureGermanCloud`, expected one of azurecloud, azureusgovernment, azurechinacloud",
            ]),
        ),
    ]);
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
fn values_of_the_wrong_kind() {
    let case = |name, with, says| Case { name, base: &[&AWS], with, says };
    all_fail(&[
        case("yes", &[("keep-going", "yes")], Says::Inputs(&["keep-going: is `yes`, expected true or false"])),
        case(
            "a secret for a boolean",
            &[("verbose", "c2VjcmV0LW9mLWFjbWU")],
            Says::Inputs(&["verbose: is a text of 19 characters, expected true or false"]),
        ),
        case(
            "a number for a boolean",
            &[("output-credentials", "17")],
            Says::Inputs(&["output-credentials: is a number, expected true or false"]),
        ),
        case(
            "no unit",
            &[("ttl", "900")],
            Says::Inputs(&["ttl: `900` has no unit, expected a duration such as 15m, 1h30m or 900s"]),
        ),
        case(
            "blanks in a duration",
            &[("ttl", "1 h")],
            Says::Inputs(&["ttl: `1 h` has the unit ` h`, expected a duration such as 15m, 1h30m or 900s"]),
        ),
        case(
            "too short",
            &[("ttl", "5m")],
            Says::Inputs(&["ttl: ttl 5m is outside 15m to 12h, the range of a role session"]),
        ),
        case(
            "too long",
            &[("ttl", "2d")],
            Says::Inputs(&["ttl: ttl 2d is outside 15m to 12h, the range of a role session"]),
        ),
        case(
            "no time",
            &[("timeout", "0s")],
            Says::Inputs(&["timeout: `0s` is zero, which leaves no time for anything"]),
        ),
        case(
            "a unit where seconds stand",
            &[("role-duration-seconds", "1h")],
            Says::Inputs(&["role-duration-seconds: is `1h`, expected whole seconds such as 3600, without a unit"]),
        ),
        case(
            "seconds out of range",
            &[("role-duration-seconds", "60")],
            Says::Inputs(&["role-duration-seconds: ttl 1m is outside 15m to 12h, the range of a role session"]),
        ),
        case(
            "a lifetime in words",
            &[("access_token_lifetime", "one hour")],
            Says::Inputs(&[
                "access_token_lifetime: `one hour` is not a duration, expected a duration such as 15m, 1h30m or 900s",
            ]),
        ),
        case(
            "no such delivery",
            &[("deliver", "stdout")],
            Says::Inputs(&["deliver: is `stdout`, expected env or files"]),
        ),
        case(
            "no such source",
            &[("source", "circleci")],
            Says::Other(
                "source",
                &[
                    "unknown source `circleci`",
                    "expected: github or gitlab",
                    "hint: for any other runner, name the token with --token-env or --token-file",
                ],
            ),
        ),
        case(
            "no such format",
            &[("token_format", "jwt")],
            Says::Inputs(&["token_format: is `jwt`, expected access_token or id_token"]),
        ),
        case(
            "letters out of order",
            &[("aws-regoin", "eu-central-1")],
            Says::Inputs(&["aws-regoin: is not an input of this action", "hint: did you mean `aws-region`?"]),
        ),
        case(
            "an underscore",
            &[("aws_role", "x")],
            Says::Inputs(&["aws_role: is not an input of this action", "hint: did you mean `aws-role`?"]),
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

#[test]
fn what_is_not_taken() {
    let case = |name, with, says| Case { name, base: &[&AWS], with, says };
    all_fail(&[
        case(
            "stored keys",
            &[("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE"), ("aws-secret-access-key", "canary/canary")],
            Says::Inputs(&[
                "aws-access-key-id: is not taken: no stored keys are used, and AWS asks for none with an ID token",
                "aws-secret-access-key: is not taken: no stored keys are used, and AWS asks for none with an ID token",
                "hint: leave it out and delete the secret; role-to-assume and aws-region are enough",
            ]),
        ),
        case(
            "a stored key of Google's",
            &[("credentials_json", "{\"private_key\":\"canary\"}")],
            Says::Inputs(&[
                "credentials_json: is not taken: no stored keys are used",
                "hint: leave it out and delete the key; workload_identity_provider is enough",
            ]),
        ),
        case(
            "a stored secret of Azure's",
            &[("creds", "{\"clientSecret\":\"canary\"}")],
            Says::Inputs(&[
                "creds: is not taken: no stored secrets are used",
                "hint: leave it out and delete the secret; client-id and tenant-id are enough with a federated credential",
            ]),
        ),
        case(
            "chaining",
            &[("role-chaining", "true")],
            Says::Inputs(&[
                "role-chaining: is not taken: a role is never assumed with credentials that happen to stand in the job",
                "hint: list the further roles as chain in a jobpass.toml: one step assumes them one after the other",
            ]),
        ),
        case(
            "an external id",
            &[("role-external-id", "canary")],
            Says::Inputs(&[
                "role-external-id: is not taken: AWS takes no external id together with an ID token",
                "hint: leave it out; for a chained role, set external-id in the chain of a jobpass.toml",
            ]),
        ),
        case(
            "existing credentials",
            &[("use-existing-credentials", "true")],
            Says::Inputs(&[
                "use-existing-credentials: is not taken: credentials that stand in the job are never used, and whose they are is not asked",
                "hint: skip this step with an if: condition where the job has credentials of its own",
            ]),
        ),
        case(
            "no variables",
            &[("output-env-credentials", "false")],
            Says::Inputs(&[
                "output-env-credentials: is not taken: a login hands credentials to later steps, in variables or in files that variables name",
                "hint: use deliver: files to keep secrets out of variables, or run one command with jobpass exec",
            ]),
        ),
        case(
            "a proxy",
            &[("http-proxy", "http://user:canary@proxy.example")],
            Says::Inputs(&[
                "http-proxy: is not taken: the proxy is that of the job, for every request",
                "hint: set HTTPS_PROXY in the step's or the job's env",
            ]),
        ),
        case(
            "PowerShell",
            &[("enable-AzPSSession", "true")],
            Says::Inputs(&[
                "enable-AzPSSession: is not taken: Az PowerShell is not signed in",
                "hint: run Connect-AzAccount -FederatedToken with the file of the output azure-token-file",
            ]),
        ),
        case(
            "the machine's identity",
            &[("auth-type", "IDENTITY")],
            Says::Inputs(&[
                "auth-type: is not taken: a machine's own identity is not the job's",
                "hint: leave it out; a user-assigned identity with a federated credential works through client-id",
            ]),
        ),
    ]);
}
