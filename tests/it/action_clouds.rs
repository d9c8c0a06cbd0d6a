//! Inputs of one cloud that cannot be right, and what the annotation says of each.

use crate::action::{AWS, AZURE, GCP};
use crate::action_wrong::{Case, Says, all_fail};

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
