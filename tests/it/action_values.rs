//! Values of the wrong kind, inputs that are misspelt, and inputs of other actions that are not taken.

use crate::action::AWS;
use crate::action_wrong::{Case, Says, all_fail};

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
