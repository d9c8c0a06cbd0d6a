//! Delivery to one child process: only the child sees the credentials.
//!
//! The child's environment is the job's without any other cloud credential, without the right to mint ID tokens, and with the
//! plan's variables. Signals go on to the child, so that a cancelled job ends its tool and not only us.

use std::ffi::OsString;

use tokio::process::Command;

use super::{PASS_VARIABLE, Plan, variables};
use crate::claims::unverified;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::system::{self, Signals};
use crate::world::World;

/// A command that did not start, with the exit status that a shell gives it.
#[derive(Debug)]
pub struct NotStarted {
    /// 127: there is no such command. 126: it is there and cannot be run.
    pub code: u8,
    /// What to show.
    pub error: Error,
}

/// The child's whole environment. `edges` chooses whose variables it gets; empty means all of the plan's.
///
/// With `pass_runner_token` the child may mint ID tokens itself: the runner's request URL and bearer, and variables that hold
/// a JWT (GitLab's `id_tokens`), stay.
#[must_use]
pub fn child_environment(
    world: &World,
    plan: &Plan,
    edges: &[&str],
    pass_runner_token: bool,
) -> Vec<(OsString, OsString)> {
    // The bearer under another name is still the bearer.
    let bearer = world.vars().find(|(name, _)| *name == "ACTIONS_ID_TOKEN_REQUEST_TOKEN").map(|(_, value)| value);
    let stays = |name: &str, value: &std::ffi::OsStr| {
        if variables::is_cloud(name) || name.starts_with(variables::OWN_PREFIX) {
            return false;
        }
        let mints = variables::RUNNER.contains(&name)
            || bearer.is_some_and(|bearer| !bearer.is_empty() && bearer == value)
            || value.to_str().is_some_and(|text| unverified::decode(Secret::new(text)).is_ok());
        pass_runner_token || !mints
    };
    let ours = plan
        .variables
        .iter()
        .filter(|variable| variable.name != PASS_VARIABLE)
        .filter(|variable| edges.is_empty() || edges.contains(&variable.edge.as_str()));
    let mut all: Vec<(OsString, OsString)> = world
        .vars()
        .filter(|(name, value)| stays(&name.to_string_lossy(), value))
        .filter(|(name, _)| !ours.clone().any(|variable| *name == variable.name))
        .map(|(name, value)| (world.spelling(name).to_owned(), value.to_owned()))
        .collect();
    all.extend(ours.map(|variable| (variable.name.into(), variable.value.reveal().into())));
    all
}

/// Runs `command` with `environment` to its end and gives its exit status: the code, or 128 + the signal that ended it.
///
/// On Unix SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on; on Windows the console itself tells the child. What the caller has to take away, it takes away afterwards.
///
/// # Errors
/// [`NotStarted`]; nothing ran then.
pub async fn run(command: &[OsString], environment: Vec<(OsString, OsString)>) -> Result<u8, NotStarted> {
    let not_started = |code, error| NotStarted { code, error };
    let Some((program, arguments)) = command.split_first() else {
        let error = Error::usage("no-command", "no command to run").hint("jobpass exec -- COMMAND ARGUMENTS");
        return Err(not_started(2, error));
    };
    // Before the child: a signal that comes in between would end us alone, with the credentials still there.
    let mut signals = Signals::listen().map_err(|error| {
        not_started(126, Error::new(Kind::Files, "signals", format!("cannot listen for signals: {error}")))
    })?;
    let found = system::program(program, &environment);
    let mut child = Command::new(found).args(arguments).env_clear().envs(environment).spawn().map_err(|error| {
        let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
        let message = format!("cannot run {}: {error}", program.to_string_lossy());
        let error = Error::new(Kind::Usage, "command", message)
            .hint("the command is looked up in PATH; a shell's own words need `sh -c`");
        not_started(code, error)
    })?;
    loop {
        tokio::select! {
            status = child.wait() => {
                return match status {
                    Ok(status) => Ok(system::exit_code(status)),
                    Err(error) => {
                        let message = format!("cannot wait for {}: {error}", program.to_string_lossy());
                        Err(not_started(126, Error::new(Kind::Files, "command", message)))
                    }
                };
            }
            signal = signals.next() => system::pass_on(&child, signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::super::testing::*;
    use super::*;

    fn names(environment: &[(OsString, OsString)]) -> Vec<&str> {
        environment.iter().map(|(name, _)| name.to_str().unwrap()).collect()
    }

    fn sh(script: &str) -> Vec<OsString> {
        ["sh", "-c", script].map(OsString::from).to_vec()
    }

    /// Blocks on a runtime of one thread, as the program does.
    fn run_now(command: &[OsString], environment: Vec<(OsString, OsString)>) -> Result<u8, NotStarted> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(command, environment))
    }

    fn path() -> Vec<(OsString, OsString)> {
        vec![("PATH".into(), "/usr/bin:/bin".into())]
    }

    #[test]
    fn the_child_sees_the_chosen_cloud_and_no_other() {
        let mut world = World::nothing().with("PATH", "/bin").with("AWS_REGION", "us-east-1").with("HOME", "/h");
        for name in variables::AWS.iter().chain(variables::GCP).chain(variables::AZURE).chain(variables::RUNNER) {
            world = world.with(name, "from the job");
        }
        let world = world
            .with("JOBPASS_TRACE", "1")
            .with("CLOUDSDK_AUTH_SOMETHING_NEW", "x")
            .with("COPY_OF_BEARER", "from the job")
            .with("GITLAB_OIDC_TOKEN", id_token("x").raw.reveal())
            .with("NOT_A_TOKEN", "eyJ.is not one");
        let plan = planned(&[aws("deploy", true), azure("app", true, |_| ())], Mode::Env, &[]);
        let environment = child_environment(&world, &plan, &["deploy"], false);
        assert_eq!(
            names(&environment),
            [
                "HOME",
                "NOT_A_TOKEN",
                "PATH",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
                "AWS_CREDENTIAL_EXPIRATION",
                "AWS_ACCOUNT_ID",
                "AWS_REGION",
                "AWS_DEFAULT_REGION",
            ]
        );
        assert!(!environment.iter().any(|(_, value)| value == "from the job"));
    }

    #[test]
    fn where_case_does_not_count_no_spelling_slips_through() {
        let world = World::nothing()
            .of_any_case()
            .with("Aws_Secret_Access_Key", "from the job")
            .with("actions_id_token_request_token", "from the job")
            .with("copy_of_bearer", "from the job")
            .with("aws_region", "us-east-1")
            .with("Path", "/bin");
        let plan = planned(&[aws("deploy", true)], Mode::Env, &[]);
        let environment = child_environment(&world, &plan, &["deploy"], false);
        assert!(!environment.iter().any(|(_, value)| value == "from the job" || value == "us-east-1"));
        assert_eq!(names(&environment).first(), Some(&"Path"), "as it was written");
    }

    #[test]
    fn the_right_to_mint_is_passed_on_only_when_asked() {
        let token = id_token("x").raw;
        let world = World::nothing()
            .with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer-bearer")
            .with("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x")
            .with("ID_TOKEN", token.reveal())
            .with("AWS_ROLE_ARN", "x");
        let plan = planned(&[aws("deploy", true)], Mode::Env, &[]);
        let kept = child_environment(&world, &plan, &[], true);
        for name in ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "ID_TOKEN"] {
            assert!(names(&kept).contains(&name));
            assert!(!names(&child_environment(&world, &plan, &[], false)).contains(&name));
        }
        assert!(!names(&kept).contains(&"AWS_ROLE_ARN"), "another credential is never passed on");
    }

    #[test]
    fn the_exit_status_is_the_childs() {
        assert_eq!(run_now(&sh("exit 7"), path()).unwrap(), 7);
        assert_eq!(run_now(&sh("kill -TERM $$"), path()).unwrap(), 143);
        assert_eq!(
            run_now(&sh("test \"$X\" = y"), vec![("PATH".into(), "/bin:/usr/bin".into()), ("X".into(), "y".into())])
                .unwrap(),
            0
        );
    }

    #[test]
    fn what_cannot_run_says_so_as_a_shell_does() {
        for (command, code) in [("/nonexistent/command", 127), ("/etc/passwd", 126), ("/", 126)] {
            let not = run_now(&[command.into()], path()).unwrap_err();
            assert_eq!((not.code, not.error.message.contains(command)), (code, true), "{}", not.error);
        }
        assert_eq!(run_now(&[], path()).unwrap_err().code, 2);
    }
}
