//! GitLab jobs, run by gitlab-ci-local with the shell executor: the component in `templates/`, and the plain script.
//!
//! Where gitlab-ci-local differs from GitLab: it mints no `id_tokens` (the sandbox's come as variables of the project), it
//! says `GITLAB_CI=false` unless told otherwise, and it lets no component be fetched here: the one of the example is put
//! where it keeps those that it fetched. It checks the jobs against GitLab's own JSON Schema.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::harness::{Ran, checkout, run};
use crate::job::Sandbox;
use crate::{Machine, RELEASE, binary, copy, credentials_in, log, sandbox, sha256};

struct Project {
    machine: Machine,
    sandbox: Sandbox,
    directory: PathBuf,
    /// What the project's settings define.
    variables: Vec<(String, String)>,
}

impl Project {
    /// The example as a project of its own, beside a sandbox that plays GitLab.
    fn new(sandbox_args: &[&str]) -> Project {
        let machine = Machine::new();
        let directory = machine.path("shop");
        copy(&checkout().join("examples/05-gitlab"), &directory);
        let mut args = vec!["--runner", "gitlab"];
        args.extend(sandbox_args);
        let sandbox = sandbox(&machine, &directory.join("jobpass.toml"), &args);
        // gitlab-ci-local has its own of the others.
        let own = |name: &str| !name.starts_with("CI_") || name == "CI_JOB_ID";
        let variables = sandbox.variables.clone().into_iter().filter(|(name, _)| own(name)).collect();
        Project { machine, sandbox, directory, variables }
    }

    /// Puts the component where a fetched one lies, with `binary` as the release's, and `checksum` for it.
    fn release(self, binary: Vec<u8>, checksum: &str) -> Project {
        let base = serve(binary);
        let text = fs::read_to_string(checkout().join("templates/jobpass.yml")).unwrap();
        let (mut input, mut filled) = ("", 0);
        let mut released = String::new();
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            if indent == 4 {
                input = line.trim().trim_end_matches(':');
            }
            let value: &str = match input {
                "base" => &base,
                "sha256-x86_64" | "sha256-aarch64" => checksum,
                _ => "",
            };
            if line.starts_with("      default:") && ["base", "sha256-x86_64", "sha256-aarch64"].contains(&input) {
                released += &format!("      default: \"{value}\"\n");
                filled += 1;
            } else {
                released += &format!("{line}\n");
            }
        }
        assert_eq!(filled, 3, "the base and a checksum for each architecture");
        let place = format!("shop/.gitlab-ci-local/includes/gitlab.com/acme/jobpass/{RELEASE}/templates/jobpass.yml");
        self.machine.scratch.write(&place, &released);
        Project { variables: [self.variables, vec![("BASE".to_owned(), base)]].concat(), ..self }
    }

    fn released(self) -> Project {
        let binary = binary();
        let checksum = sha256(&binary);
        self.release(fs::read(binary).unwrap(), &checksum)
    }

    /// Another `.gitlab-ci.yml` than the example's.
    fn with(self, text: &str) -> Project {
        let include = format!("include:\n  - component: $CI_SERVER_FQDN/acme/jobpass/jobpass@{RELEASE}\n");
        fs::write(self.directory.join(".gitlab-ci.yml"), include + text).unwrap();
        self
    }

    fn set(mut self, name: &str, value: &str) -> Project {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn run(&self, job: &str) -> Ran {
        self.machine.commit(&self.directory, "https://gitlab.com/acme/shop.git");
        let lines: String = self.variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        // Read from the project's directory, where it must not stay: it holds the ID tokens.
        let file = self.machine.scratch.write("variables.env", &lines);
        let mut command = self.machine.runner("gitlab-ci-local", &self.directory);
        command.args(["--variables-file", "../variables.env", "--no-color", "--shell-executor-no-image"]);
        command.args(["--ignore-predefined-vars", "CI_JOB_ID,GITLAB_CI", job]);
        let ran = run(&mut command);
        assert!(file.exists());
        ran
    }

    /// No pass, no binary, no credential in any file.
    fn assert_nothing_left(&self) {
        assert!(!self.directory.join(".jobpass").exists(), "the component removes the binary");
        self.machine.assert_nothing_left(&[&self.directory]);
    }
}

/// Serves the binary to whoever asks, as long as the tests run.
fn serve(binary: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/mirror", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            let wanted = lines.next().and_then(Result::ok).unwrap_or_default();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            let known = wanted.starts_with("GET /mirror/jobpass-") && wanted.contains("-unknown-linux-musl ");
            let (status, body) = if known { ("200 OK", &binary[..]) } else { ("404 Not Found", &b"none"[..]) };
            let head = format!("HTTP/1.0 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = client.write_all(head.as_bytes()).and_then(|()| client.write_all(body));
        }
    });
    base
}

#[test]
fn the_examples_job_with_the_component() {
    let project = Project::new(&[]).released();
    let ran = project.run("deploy");
    let text = log(&ran);
    assert_eq!(ran.code, 0, "{text}");
    assert!(text.contains("assumed-role/gitlab-deploy/"), "{text}");
    assert!(text.contains("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"), "az is signed in: {text}");
    assert!(text.contains("> ended "), "{text}");
    assert_eq!(credentials_in(&text), [""; 0]);
    let seen = project.machine.seen_by("aws").into_values().collect::<Vec<_>>().join("\n");
    assert!(credentials_in(&seen).len() >= 3, "the search finds credentials where they are");
    project.assert_nothing_left();
}

#[test]
fn the_examples_job_without_the_component() {
    let project = Project::new(&[]).released();
    let url = project.variables.iter().find(|(name, _)| name == "BASE").unwrap().1.clone();
    let token = project.sandbox.variables["AWS_ID_TOKEN"].clone();
    let mut project = project
        .set("JOBPASS_URL", &format!("{url}/jobpass-x86_64-unknown-linux-musl"))
        .set("JOBPASS_SHA256", &sha256(&binary()))
        .set("SHOP_TOKEN", &token);
    project.variables.retain(|(name, _)| !name.ends_with("_ID_TOKEN"));
    let ran = project.run("who-am-i");
    let text = log(&ran);
    assert_eq!(ran.code, 0, "{text}");
    assert!(text.contains("assumed-role/gitlab-deploy/"), "{text}");
    assert_eq!(credentials_in(&text), [""; 0]);
    // The runner clears the directory before the next job. The binary itself says SANDBOX in many places.
    fs::remove_file(project.directory.join("jobpass")).unwrap();
    project.assert_nothing_left();

    let project = project.set("JOBPASS_SHA256", &"0".repeat(64));
    fs::remove_file(project.machine.path("seen/aws")).unwrap();
    fs::remove_dir_all(project.directory.join(".git")).unwrap();
    let ran = project.run("who-am-i");
    assert_ne!(ran.code, 0, "{}", log(&ran));
    assert!(project.machine.seen_by("aws").is_empty(), "another binary than the one that was named is not run");
}

#[test]
fn another_binary_than_the_releases_is_not_run() {
    let project = Project::new(&[]);
    let marker = project.machine.path("it-was-run");
    let script = format!("#!/bin/sh\ntouch '{}'\n", marker.display());
    let project = project.release(script.into_bytes(), &sha256(&binary()));
    let ran = project.run("deploy");
    let text = log(&ran);
    assert_ne!(ran.code, 0, "{text}");
    assert!(text.contains("jobpass: expected SHA-256 ") && text.contains(", met "), "{text}");
    assert!(text.contains("so there is no pass to end"), "after_script runs, and runs nothing: {text}");
    assert!(!marker.exists(), "the binary was run");
    assert!(project.machine.seen_by("aws").is_empty(), "the script was run");
}

/// The lines of one of the component's two scripts, as GitLab hands them to the shell.
fn script(component: &str, name: &str) -> String {
    let (_, rest) = component.split_once(&format!("  {name}:\n")).unwrap();
    let block = rest.lines().skip_while(|line| !line.starts_with("    - |")).skip(1);
    block.take_while(|line| line.starts_with("      ")).map(|line| format!("{}\n", &line[6..])).collect()
}

#[test]
fn a_shell_that_is_not_bash_and_no_curl() {
    // gitlab-ci-local has bash. An image may have sh and wget only, so its scripts are run by what this machine has as sh.
    let project = Project::new(&[]).released();
    let component = project.directory.join(".gitlab-ci-local/includes/gitlab.com/acme/jobpass").join(RELEASE);
    let component = fs::read_to_string(component.join("templates/jobpass.yml")).unwrap();
    let input = |name: &str| {
        let (_, rest) = component.split_once(&format!("    {name}:\n")).unwrap();
        rest.split_once("default: \"").unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    let mut before = script(&component, "before_script");
    for name in ["base", "sha256-x86_64", "sha256-aarch64", "login"] {
        before = before.replace(&format!("$[[ inputs.{name} ]]"), &input(name));
    }
    assert!(!before.contains("$[["), "{before}");

    let tools = project.machine.path("tools");
    fs::create_dir(&tools).unwrap();
    for directory in std::env::split_paths(&std::env::var_os("PATH").unwrap()) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if entry.file_name() != "curl" {
                // The first on the PATH counts.
                let _ = symlink(entry.path(), tools.join(entry.file_name()));
            }
        }
    }
    let path = format!("{}:{}", project.machine.path("bin").display(), tools.display());
    let step = |text: &str| {
        let mut command = Command::new("sh");
        command.env_clear().args(["-ec", text]).current_dir(&project.directory).envs(project.variables.clone());
        command
            .env("PATH", &path)
            .env("HOME", project.machine.path("home"))
            .env("TMPDIR", project.machine.path("temp"));
        run(command.env("CI_PROJECT_DIR", &project.directory))
    };
    let ran = step("readlink -f /bin/sh");
    assert!(!ran.stdout.contains("bash"), "sh is {}: this test needs another", ran.stdout);
    assert_ne!(step("command -v curl").code, 0);
    let ran = step(&format!("{before}\naws sts get-caller-identity"));
    assert!(ran.code == 0 && ran.stdout.contains("assumed-role/gitlab-deploy/"), "{}", log(&ran));
    let ran = step(&script(&component, "after_script"));
    assert!(ran.code == 0 && ran.stderr.contains("ended "), "{}", log(&ran));
    project.assert_nothing_left();
}

#[test]
fn no_checksum_no_download() {
    let project = Project::new(&[]).release(b"anything".to_vec(), "");
    let ran = project.run("deploy");
    let text = log(&ran);
    assert_ne!(ran.code, 0, "{text}");
    assert!(text.contains("expected the SHA-256 of the binary for"), "{text}");
    assert!(project.machine.seen_by("aws").is_empty(), "the script was run");
}

#[test]
fn a_script_that_fails_ends_signed_out_and_after_script_sees_nothing() {
    let job = "deploy:\n  extends: .jobpass\n  script:\n    - aws sts get-caller-identity\n    - exit 3\n    - echo NEVER-HERE\n  \
               after_script:\n    - !reference [.jobpass, after_script]\n    - echo \"LATER [$AWS_SECRET_ACCESS_KEY] \
               [$JOBPASS_PASS] [$AZURE_CONFIG_DIR] $(ls -A \"$TMPDIR\" | wc -l)\"\n";
    let project = Project::new(&[]).released().with(job);
    let ran = project.run("deploy");
    let text = log(&ran);
    assert_ne!(ran.code, 0, "{text}");
    assert!(text.contains("assumed-role/gitlab-deploy/") && !text.contains("> NEVER-HERE"), "{text}");
    assert!(text.contains("> LATER [] [] [] 0"), "{text}");
    project.assert_nothing_left();
}

#[test]
fn a_denied_login_ends_the_job_before_its_script() {
    let project = Project::new(&["--ref", "topic"]).released();
    let ran = project.run("deploy");
    let text = log(&ran);
    assert_ne!(ran.code, 0, "{text}");
    assert!(
        text.contains("presented ref            topic") && text.contains("FAIL 4"),
        "the login's own exit code: {text}"
    );
    assert!(project.machine.seen_by("aws").is_empty(), "the script was run: {text}");
    project.assert_nothing_left();
}

#[test]
fn the_components_inputs() {
    // Two includes, each with a job to extend and a login of its own: by flags, without an edge file.
    let include = format!("  - component: $CI_SERVER_FQDN/acme/jobpass/jobpass@{RELEASE}\n    inputs:\n      ");
    let job = |name: &str, role: &str| {
        format!("job: .{name}\n      login: --aws-role arn:aws:iam::123456789012:role/{role} --aws-region eu-west-1\n")
    };
    let text = format!(
        "{include}{}{include}{}one:\n  extends: .first\n  script: aws sts get-caller-identity\ntwo:\n  extends: .second\n  \
         script: aws sts get-caller-identity\n",
        job("first", "first"),
        job("second", "second")
    );
    let project = Project::new(&["--open"]).released().with(&text);
    fs::remove_file(project.directory.join("jobpass.toml")).unwrap();
    for (name, role) in [("one", "assumed-role/first/"), ("two", "assumed-role/second/")] {
        let _ = fs::remove_dir_all(project.directory.join(".git"));
        let ran = project.run(name);
        let text = log(&ran);
        assert_eq!(ran.code, 0, "{text}");
        assert!(text.contains(role), "{text}");
        project.assert_nothing_left();
    }
}
