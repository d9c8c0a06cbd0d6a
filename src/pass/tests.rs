//! Passes in a directory of the test's own.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::earlier::Earlier;
use super::journal::Journal;
use super::*;
use crate::delivery::github_env::tests::runner_reads;
use crate::delivery::testing::{aws, azure, ends, gcp};
use crate::delivery::{Mode, Options, Plan, plan};
use crate::files::testing::{TempDir, mode, text};
use crate::world::Clock;

/// A GitHub job: its world, with empty command files.
pub(super) struct Job {
    pub(super) temp: TempDir,
    pub(super) world: World,
}

impl Job {
    pub(super) fn new(run: &str) -> Job {
        Job::within(TempDir::new(), run)
    }

    pub(super) fn within(temp: TempDir, run: &str) -> Job {
        temp.directory("tmp");
        let world = World::nothing()
            .at(Clock::Fixed(ends() - Duration::from_secs(600)))
            .with("GITHUB_ACTIONS", "true")
            .with("GITHUB_RUN_ID", run)
            .with("GITHUB_JOB", "build")
            .with("RUNNER_TEMP", temp.join("tmp"))
            .with("GITHUB_ENV", temp.file("env", ""))
            .with("GITHUB_OUTPUT", temp.file("output", ""));
        Job { temp, world }
    }

    fn plan(&self, pass: &Pass) -> Plan {
        let grants = [aws("deploy", true), gcp("main", true, |_, _| ()), azure("app", true, |_| ())];
        plan(&grants, &Options::new(&self.world, Mode::Env, pass.directory())).unwrap()
    }

    fn commit(&self, pass: &mut Pass, sinks: &Sinks) -> (Result<()>, String) {
        let mut stdout = Vec::new();
        let result = pass.commit(&self.plan(pass), &Earlier::default(), sinks, &mut stdout);
        (result, String::from_utf8(stdout).unwrap())
    }

    fn sinks(&self) -> Sinks {
        Sinks::of_job(&self.world, None).unwrap()
    }

    /// A whole login; the pass stays with the job.
    pub(super) fn login(&self) -> PathBuf {
        let mut pass = Pass::open(&self.world, Holder::Job).unwrap();
        self.commit(&mut pass, &self.sinks()).0.unwrap();
        pass.directory().to_owned()
    }

    fn passes(&self) -> Vec<PathBuf> {
        logout::passes_in(&self.temp.join("tmp")).into_iter().map(|(path, _)| path).collect()
    }

    fn env(&self) -> String {
        text(&self.temp.join("env"))
    }
}

/// What the runner makes of the command file: the last value of each name.
fn variables(text: &str) -> std::collections::BTreeMap<String, String> {
    let (pairs, complaint) = runner_reads(text);
    assert_eq!(complaint, None);
    pairs.into_iter().collect()
}

#[test]
fn a_login_writes_all_and_a_logout_takes_all_back() {
    let job = Job::new("7");
    let mut pass = Pass::open(&job.world, Holder::Job).unwrap();
    assert!(pass.directory().join(journal::NAME).exists(), "the journal comes first");
    let (result, stdout) = job.commit(&mut pass, &job.sinks());
    result.unwrap();
    let directory = pass.directory().to_owned();
    drop(pass);

    assert!(stdout.lines().all(|line| line.starts_with("::add-mask::")) && stdout.contains("secret-of-deploy"));
    let set = variables(&job.env());
    assert_eq!(set["AWS_ACCESS_KEY_ID"], "ASIADEPLOY");
    assert_eq!(set["JOBPASS_PASS"], directory.to_str().unwrap());
    assert_eq!(variables(&text(&job.temp.join("output")))["deploy-account-id"], "123456789012");
    let token = Path::new(&set["AZURE_FEDERATED_TOKEN_FILE"]);
    assert_eq!((mode(token), mode(token.parent().unwrap()), mode(&directory)), (0o600, 0o700, 0o700));
    assert_eq!(mode(&directory.join(journal::NAME)), 0o600);
    assert!(!text(&directory.join(journal::NAME)).contains("secret-of"), "no secret in the journal");

    // A tool leaves its bookkeeping, and a link to something that is not ours.
    let victim = job.temp.file("victim", "untouched");
    PrivateDir::open(&directory.join("azure-app")).unwrap().subdir("logs").unwrap();
    symlink(&victim, directory.join("azure-app/logs/link")).unwrap();
    let ended = logout::end(&job.world, None).unwrap();
    assert_eq!((ended.passes, ended.blanked), (vec![directory.clone()], true));
    assert!(!directory.exists());
    assert_eq!(text(&victim), "untouched");
    let set = variables(&job.env());
    assert!(set.values().all(String::is_empty), "{set:?}");

    let before = job.env();
    assert!(logout::end(&job.world, None).unwrap().passes.is_empty(), "a second logout finds nothing");
    assert_eq!(job.env(), before);
}

#[test]
fn what_fails_late_leaves_every_file_as_it_was() {
    let job = Job::new("7");
    job.temp.file("env", "A=b");
    job.temp.file("output", "c=d\n");
    job.temp.file("F", "old");
    std::fs::create_dir(job.temp.join("directory")).unwrap();
    symlink(job.temp.join("env"), job.temp.join("link")).unwrap();
    for bad in ["/dev/full", "missing", "directory", "link"] {
        let sinks = Sinks { env: Some(job.temp.join(bad)), env_file: Some(job.temp.join("F")), ..job.sinks() };
        let mut pass = Pass::open(&job.world, Holder::Job).unwrap();
        let error = job.commit(&mut pass, &sinks).0.unwrap_err();
        assert_eq!(error.kind.exit_code(), 5, "{bad}: {error}");
        assert!(error.details.iter().all(|(label, _)| label != "not taken back"), "{error:?}");
        drop(pass);
        assert_eq!((job.env().as_str(), text(&job.temp.join("output")).as_str()), ("A=b", "c=d\n"), "{bad}");
        assert_eq!(text(&job.temp.join("F")), "old");
        assert!(job.passes().is_empty(), "{bad}");
    }
}

#[test]
fn without_masks_nothing_is_written() {
    let job = Job::new("7");
    let mut pass = Pass::open(&job.world, Holder::Job).unwrap();
    let mut full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = pass.commit(&job.plan(&pass), &Earlier::default(), &job.sinks(), &mut full).unwrap_err();
    assert_eq!(error.code, "standard-output");
    assert_eq!(std::fs::read_dir(pass.directory()).unwrap().count(), 1, "only the journal");
    assert_eq!(job.env(), "");
}

#[test]
fn the_whole_flow_outside_github_prints_no_mask() {
    let job = Job::new("7");
    let world = World::nothing().with("CI_JOB_ID", "9").with("TMPDIR", job.temp.join("tmp")).at(job.world.clock);
    let file = job.temp.join("F");
    let mut pass = Pass::open(&world, Holder::Job).unwrap();
    let (result, stdout) = job.commit(&mut pass, &Sinks::of_job(&world, Some(&file)).unwrap());
    result.unwrap();
    assert_eq!((stdout.as_str(), mode(&file), job.env().as_str()), ("", 0o600, ""));
    drop(pass);
    let ended = logout::end(&world, None).unwrap();
    assert!(!file.exists() && !ended.blanked && ended.variables.contains_key("AWS_SESSION_TOKEN"));
}

#[test]
fn a_denial_keeps_its_record_and_any_other_failure_nothing() {
    let job = Job::new("7");
    drop(Pass::open(&job.world, Holder::Job).unwrap());
    assert!(job.passes().is_empty());
    let pass = Pass::open(&job.world, Holder::Job).unwrap();
    pass.held().append("audit.jsonl", b"{}\n").unwrap();
    pass.keep_record();
    assert_eq!(job.passes().len(), 1);
    assert_eq!(logout::end(&job.world, None).unwrap().passes.len(), 1);
}

#[test]
fn a_process_that_was_killed_is_cleaned_up_after() {
    let job = Job::new("7");
    // Killed before the journal was there, in the middle of it, and between journal and files.
    let base = job.temp.join("tmp");
    let make = || PrivateDir::create(&base, "jobpass-7-1-build").unwrap();
    make();
    make().replace(journal::NAME, b"{\"version\":1,").unwrap();
    let mut pass = Pass::open(&job.world, Holder::Job).unwrap();
    let plan = job.plan(&pass);
    pass.journal.files = plan.files.iter().map(|file| file.name.clone()).collect();
    pass.journal.write(&pass.directory).unwrap();
    pass.kept = true;
    drop(pass);
    assert_eq!(job.passes().len(), 3);
    assert_eq!(logout::end(&job.world, None).unwrap().passes.len(), 3);
    assert!(job.passes().is_empty());
}

#[test]
fn a_logout_needs_no_working_directory() {
    let job = Job::new("7");
    job.login();
    assert_eq!(job.world.directory, None);
    assert_eq!(logout::end(&job.world, None).unwrap().passes.len(), 1);
    assert_eq!(logout::end(&job.world, Some(Path::new("relative"))).err().unwrap().kind.exit_code(), 2);
}

#[test]
fn only_a_pass_is_ended() {
    let job = Job::new("7");
    let pass = job.login();
    let random = "0123456789abcdef0123456789abcdef";
    let link = job.temp.join(&format!("jobpass-x-{random}"));
    symlink(&pass, &link).unwrap();
    let open = job.temp.join(&format!("jobpass-y-{random}"));
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for (path, code) in [(&link, "directory"), (&open, "not-private"), (&job.temp.join("tmp"), "not-a-pass")] {
        let error = logout::end(&job.world, Some(path)).err().unwrap();
        assert_eq!((error.kind.exit_code(), error.code), (5, code), "{}", path.display());
        assert!(path.exists());
    }
    // The same from the environment; the job's own passes are ended nevertheless.
    let error = logout::end(&job.world.clone().with("JOBPASS_PASS", job.temp.path()), None).err().unwrap();
    assert_eq!(error.code, "not-a-pass");
    assert!(!pass.exists() && job.temp.path().exists());
    assert_eq!(variables(&job.env())["AWS_SESSION_TOKEN"], "");
}

#[test]
fn a_running_exec_is_left_alone() {
    let job = Job::new("7");
    let pass = Pass::open(&job.world, Holder::Process).unwrap();
    let ended = logout::end(&job.world, None).unwrap();
    assert_eq!((ended.passes.len(), ended.in_use.len()), (0, 1));
    pass.end().unwrap();
    assert!(job.passes().is_empty());
}

#[test]
fn an_env_file_that_is_no_longer_ours_stays() {
    let job = Job::new("7");
    let file = job.temp.join("F");
    let mut pass = Pass::open(&job.world, Holder::Job).unwrap();
    job.commit(&mut pass, &Sinks { env_file: Some(file.clone()), ..job.sinks() }).0.unwrap();
    drop(pass);
    std::fs::write(&file, "MINE=1\n").unwrap();
    logout::end(&job.world, None).unwrap();
    assert_eq!(text(&file), "MINE=1\n");
}

#[test]
fn fifty_logins_at_once_do_not_meet() {
    let job = Job::new("7");
    // The system's clock, as the files have it: a directory just made must not look old.
    let world = &job.world.clone().at(Clock::System);
    let expires = world.clock.now().unix_timestamp() + 600;
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(move || {
                sweep::sweep(world).unwrap();
                let mut pass = Pass::open(world, Holder::Job).unwrap();
                let grants = [aws("deploy", true), azure("app", true, |_| ())];
                let mut plan = plan(&grants, &Options::new(world, Mode::Files, pass.directory())).unwrap();
                plan.grants.iter_mut().for_each(|grant| grant.expires = expires);
                pass.commit(&plan, &Earlier::default(), &Sinks::default(), &mut Vec::new()).unwrap();
                let journal = Journal::read(pass.held()).unwrap().unwrap();
                assert!(journal.files.iter().all(|file| pass.directory().join(file).exists()));
            });
        }
    });
    assert_eq!(job.passes().len(), 50);
    assert_eq!(logout::end(&job.world, None).unwrap().passes.len(), 50);
    assert!(job.passes().is_empty());
}
