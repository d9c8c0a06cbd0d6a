//! GitHub workflows with the action: the examples' own, and what can go wrong in a job.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::act::Workflow;
use crate::{credentials_in, harness, log};

/// Runs the example's own workflow; what its log has to say.
fn example(name: &str, sandbox_args: &[&str], says: &[&str]) {
    let workflow = Workflow::of_example(name, sandbox_args);
    let ran = workflow.run();
    let text = log(&ran);
    assert_eq!(ran.code, 0, "{text}");
    for expected in says {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(credentials_in(&text), [""; 0], "{text}");
    assert!(!text.contains(&workflow.variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]), "{text}");
    workflow.assert_nothing_left();
}

const ARN: &str = "arn:aws:sts::123456789012:assumed-role/deploy/";
const GOOGLE: &str = "publish@acme-shop.iam.gserviceaccount.com in acme-shop until ";
const SUBSCRIPTION: &str = "\"id\": \"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\"";

#[test]
fn example_aws() {
    example("01-aws-github", &[], &[ARN, "Post jobpass/jobpass", "ended "]);
}

#[test]
fn example_gcp() {
    example("02-gcp-github", &["--environment", "production"], &[GOOGLE, "ended "]);
}

#[test]
fn example_azure() {
    example("03-azure-github", &[], &[SUBSCRIPTION, "ended "]);
}

#[test]
fn example_three_clouds() {
    example("04-three-clouds", &["--environment", "production"], &[ARN, GOOGLE, SUBSCRIPTION, "ended "]);
}

/// What a new user does first. The workflow has no step for Google's tools: gcloud is in no registry that tests can reach, so
/// a step with Google's own library is added, and nothing else.
#[test]
fn the_readmes_workflow_in_an_empty_repository() {
    let workflow = Workflow::of_example("04-three-clouds", &["--environment", "production"]);
    let readme = fs::read_to_string(harness::checkout().join("README.md")).unwrap();
    let (_, rest) = readme.split_once("```yaml\n").expect("the README begins with a workflow");
    let (text, _) = rest.split_once("```").unwrap();
    let google = fs::read_to_string(workflow.directory.join("whoami.py")).unwrap().replace('\n', "\n          ");
    for name in fs::read_dir(&workflow.directory).unwrap() {
        let path = name.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    fs::remove_dir_all(workflow.directory.join("trust")).unwrap();
    workflow.write(&format!("{text}      - run: |\n          {google}\n        shell: python3 {{0}}\n"));
    let ran = workflow.run();
    let text = log(&ran);
    assert_eq!(ran.code, 0, "{text}");
    for expected in
        [ARN, "\"tenantId\": \"99999999-8888-7777-6666-555555555555\"", GOOGLE, "not revoked: gcp edge `gcp`"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(credentials_in(&text), [""; 0], "{text}");
    workflow.assert_nothing_left();
}

const AWS: &str = "      - uses: JOBPASS@\n        with:\n          aws-role: arn:aws:iam::123456789012:role/deploy\n          \
                   aws-region: eu-central-1\n";

/// A job beside a sandbox that grants whatever is asked for; no edge file in its repository.
fn open_job(keys: &str, steps: &str) -> Workflow {
    let workflow = Workflow::of_example("01-aws-github", &["--open"]);
    fs::remove_file(workflow.directory.join("jobpass.toml")).unwrap();
    workflow.job(keys, steps);
    workflow
}

#[test]
fn a_step_that_fails_in_between() {
    let workflow =
        open_job("", &format!("{AWS}      - run: aws sts get-caller-identity && exit 3\n      - run: echo NEVER\n"));
    let ran = workflow.run();
    let text = log(&ran);
    assert!(ran.code != 0 && text.contains(ARN) && !text.contains("| NEVER"), "{text}");
    workflow.assert_nothing_left();
}

#[test]
fn a_denied_login_fails_the_step_and_leaves_nothing() {
    let workflow = Workflow::of_example("01-aws-github", &["--ref", "refs/heads/topic"]);
    let ran = workflow.run();
    let text = log(&ran);
    assert!(ran.code != 0 && !text.contains(ARN), "{text}");
    assert_eq!(text.matches("::error title=").count(), 1, "one annotation: {text}");
    assert!(workflow.machine.seen_by("aws").is_empty(), "later steps do not run");
    workflow.assert_nothing_left();
}

#[test]
fn two_uses_in_one_job() {
    let steps = "      - run: echo \"$AWS_ACCESS_KEY_ID\" >\"$HOME/NAME\"; aws sts get-caller-identity\n";
    let workflow = open_job(
        "",
        &format!(
            "{AWS}{}      - uses: WATCH@\n        with: {{ name: between }}\n{}{}      - run: ls -d \"$RUNNER_TEMP\"/jobpass-* >\"$HOME/passes\"\n",
            steps.replace("NAME", "first"),
            AWS.replace("role/deploy", "role/second").replace("eu-central-1", "eu-west-1"),
            steps.replace("NAME", "second"),
        ),
    );
    let ran = workflow.run();
    let text = log(&ran);
    assert_eq!(ran.code, 0, "{text}");
    assert!(text.contains(ARN) && text.contains("assumed-role/second/"), "{text}");
    let noted = |name: &str| fs::read_to_string(workflow.machine.path("home").join(name)).unwrap().trim().to_owned();
    assert_eq!(noted("passes").lines().count(), 2, "both are live");
    assert_ne!(noted("first"), noted("second"));
    let between = workflow.noted("between");
    assert_eq!(
        between.variables["AWS_ACCESS_KEY_ID"],
        noted("first"),
        "the second's post puts back what the first set"
    );
    assert_eq!(between.variables["AWS_REGION"], "eu-central-1");
    assert_eq!(between.temp.iter().filter(|name| !name.contains('/')).count(), 1, "the first still lies there");
    fs::remove_file(workflow.machine.path("home/passes")).unwrap();
    workflow.assert_nothing_left();
}

#[test]
fn the_workspace_wiped_in_between() {
    let wipe = "      - run: rm -rf \"$GITHUB_WORKSPACE\"/* \"$GITHUB_WORKSPACE\"/.[!.]*\n";
    let workflow = open_job("", &format!("{AWS}{wipe}      - run: aws sts get-caller-identity\n"));
    let ran = workflow.run();
    let text = log(&ran);
    assert!(ran.code == 0 && text.contains(ARN) && text.contains("ended "), "{text}");
    assert_eq!(workflow.left().workspace, [""; 0], "it was wiped");
    workflow.assert_nothing_left();
}

#[test]
fn variables_blanked_in_between() {
    let blank =
        "      - run: printf 'AWS_SECRET_ACCESS_KEY=\\nAWS_SESSION_TOKEN=\\nJOBPASS_PASS=\\n' >>\"$GITHUB_ENV\"\n";
    let workflow = open_job("", &format!("{AWS}{blank}      - run: echo \"PASS [$JOBPASS_PASS]\"\n"));
    let ran = workflow.run();
    let text = log(&ran);
    assert!(ran.code == 0 && text.contains("PASS []") && text.contains("ended "), "{text}");
    workflow.assert_nothing_left();
}

#[test]
fn a_job_that_is_cancelled() {
    let workflow =
        open_job("", &format!("{AWS}      - run: touch \"$HOME/there\" && sleep 100\n      - run: echo NEVER\n"));
    let child = workflow.act().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (there, deadline) = (workflow.machine.path("home/there"), Instant::now() + Duration::from_secs(60));
    while !there.exists() {
        assert!(Instant::now() < deadline, "the step did not begin");
        thread::sleep(Duration::from_millis(50));
    }
    let pid = rustix::process::Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ran = harness::ran(&child.wait_with_output().unwrap());
    let text = log(&ran);
    assert!(ran.code != 0 && !text.contains("| NEVER") && text.contains("ended "), "{text}");
    workflow.assert_nothing_left();
}

#[test]
fn credentials_from_before_the_job_are_untouched() {
    let keys = "    env:\n      AWS_PROFILE: corp\n      AWS_ACCESS_KEY_ID: AKIAEARLIER\n      AWS_SECRET_ACCESS_KEY: of-the-job\n      \
                GOOGLE_APPLICATION_CREDENTIALS: /srv/corp.json\n      AZURE_CLIENT_ID: corp\n";
    let three = "      - uses: JOBPASS@\n        with:\n          aws-role: arn:aws:iam::123456789012:role/deploy\n          \
                 aws-region: eu-central-1\n          \
                 gcp-provider: projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github\n          \
                 gcp-project: acme-shop\n          azure-client-id: 11111111-2222-3333-4444-555555555555\n          \
                 azure-tenant-id: 99999999-8888-7777-6666-555555555555\n";
    let mut workflow = open_job(keys, &format!("{three}      - run: aws sts get-caller-identity\n"));
    let files = [".aws/credentials", ".aws/config", ".azure/azureProfile.json", ".config/gcloud/credentials.db"];
    for file in files {
        workflow.machine.scratch.write(&format!("home/{file}"), "[corp]\naws_access_key_id = AKIAEARLIER\n");
    }
    let ran = workflow.run();
    let text = log(&ran);
    assert!(ran.code == 0 && text.contains(ARN), "{text}");
    for file in files {
        let now = fs::read_to_string(workflow.machine.path("home").join(file)).unwrap();
        assert_eq!(now, "[corp]\naws_access_key_id = AKIAEARLIER\n", "{file}");
    }
    for (name, value) in [
        ("AWS_PROFILE", "corp"),
        ("AWS_ACCESS_KEY_ID", "AKIAEARLIER"),
        ("AWS_SECRET_ACCESS_KEY", "of-the-job"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/srv/corp.json"),
        ("AZURE_CLIENT_ID", "corp"),
    ] {
        workflow.set(name, value);
    }
    workflow.assert_nothing_left();
}

#[test]
fn no_secret_can_be_read_in_the_log() {
    // The request's own token GitHub masks itself, before the job begins; act does not know that it is one.
    let show = "      - run: env -u ACTIONS_ID_TOKEN_REQUEST_TOKEN && find \"$JOBPASS_PASS\" -type f ! -name earlier -exec cat {} +\n";
    let workflow = Workflow::of_example("04-three-clouds", &["--environment", "production"]);
    let checkout = "      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd\n";
    workflow.job("", &format!("{checkout}      - uses: JOBPASS@\n{show}"));
    // The same in a file that nobody masks: the search finds credentials where they are.
    let text = fs::read_to_string(workflow.directory.join(".github/workflows/deploy.yml")).unwrap();
    fs::write(
        workflow.directory.join(".github/workflows/deploy.yml"),
        format!("{text}      - run: (env && cat \"$JOBPASS_PASS\"/*/*) >\"$WATCH_INTO/unmasked\"\n"),
    )
    .unwrap();
    let ran = workflow.run();
    let text = log(&ran);
    assert_eq!(ran.code, 0, "{text}");
    assert!(text.contains("AWS_SECRET_ACCESS_KEY=***"), "{text}");
    assert_eq!(credentials_in(&text), [""; 0], "{text}");
    let unmasked = fs::read_to_string(workflow.machine.path("seen/unmasked")).unwrap();
    assert!(credentials_in(&unmasked).len() >= 5, "{:?}", credentials_in(&unmasked));
    workflow.assert_nothing_left();
}

#[test]
fn outputs_reach_later_steps() {
    let with_id = AWS.replace("- uses", "- id: cloud\n        uses");
    let workflow = open_job(
        "",
        &format!(
            "{with_id}      - run: echo \"SAYS $ACCOUNT $IDENTITY\"\n        env:\n          \
             ACCOUNT: ${{{{ steps.cloud.outputs.aws-account-id }}}}\n          \
             IDENTITY: ${{{{ fromJSON(steps.cloud.outputs.edges).aws.identity }}}}\n"
        ),
    );
    let ran = workflow.run();
    let text = log(&ran);
    assert!(ran.code == 0 && text.contains(&format!("SAYS 123456789012 {ARN}")), "{text}");
    workflow.assert_nothing_left();
}
