//! Where a pass may lie and what it may replace (threats T17, T18, T33).

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::harness::{Ran, Scratch, checkout, files_below, is_root};
use crate::job::{Job, Sandbox};

fn sandbox() -> (Scratch, Sandbox, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config]);
    (scratch, sandbox, config)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn assert_nothing_handed_over(job: &Job, ran: &Ran, place: &Path, name: &str) {
    assert_eq!(ran.code, 5, "{name}: {}", ran.stderr);
    assert!(ran.stderr.contains(&place.display().to_string()), "{name}: {}", ran.stderr);
    assert_eq!((job.file("GITHUB_ENV").as_str(), job.file("GITHUB_OUTPUT").as_str()), ("", ""), "{name}");
}

#[test]
fn a_directory_that_others_could_change_is_not_used() {
    let (_scratch, sandbox, config) = sandbox();
    for name in ["missing", "a file", "a link", "0777", "0775 of another group"] {
        let mut job = Job::new(&sandbox.variables);
        let place = job.scratch.path().join("place");
        match name {
            "missing" => {}
            "a file" => fs::write(&place, "precious").unwrap(),
            "a link" => symlink(job.temp(), &place).unwrap(),
            _ => fs::create_dir(&place).unwrap(),
        }
        match name {
            "0777" => fs::set_permissions(&place, Permissions::from_mode(0o777)).unwrap(),
            "0775 of another group" if is_root() => {
                chown(&place, None, Some(4711)).unwrap();
                fs::set_permissions(&place, Permissions::from_mode(0o775)).unwrap();
            }
            "0775 of another group" => continue,
            _ => {}
        }
        job.set("RUNNER_TEMP", &place.display().to_string());
        let before = sandbox.requests().len();
        let ran = job.jobpass(&["login", "--config", &config]);
        assert_nothing_handed_over(&job, &ran, &place, name);
        assert_eq!(sandbox.requests().len(), before, "{name}: found before anything is sent");
        if name.starts_with('0') {
            assert!(
                ran.stderr.contains("error[parent-writable]") && ran.stderr.contains("chmod go-w"),
                "{}",
                ran.stderr
            );
        }
        assert!(job.passes().is_empty() && (name != "a file" || fs::read_to_string(&place).unwrap() == "precious"));
    }
}

/// As the binary reads it: our own group, with nobody else in it.
fn group_is_ours_alone() -> bool {
    let (uid, gid) = (rustix::process::geteuid().as_raw().to_string(), rustix::process::getegid().as_raw().to_string());
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let group = fs::read_to_string("/etc/group").unwrap_or_default();
    let field = |line: &str, at: usize| line.split(':').nth(at).unwrap_or_default().to_owned();
    let with_it: Vec<String> = passwd.lines().filter(|line| field(line, 3) == gid).map(|line| field(line, 2)).collect();
    let members: Vec<String> = group.lines().filter(|line| field(line, 2) == gid).map(|line| field(line, 3)).collect();
    with_it == [uid] && members == [""]
}

#[test]
fn a_runner_with_umask_0002_is_served_when_its_group_is_its_own() {
    let (_scratch, sandbox, config) = sandbox();
    let job = Job::new(&sandbox.variables);
    fs::set_permissions(job.temp(), Permissions::from_mode(0o775)).unwrap();
    let ran = job.jobpass(&["login", "--config", &config]);
    // Where the machine's users share a group, or are not in its files, it stays refused.
    let expected = if group_is_ours_alone() { 0 } else { 5 };
    assert_eq!(ran.code, expected, "{}", ran.stderr);
    for (allowed, code) in [(0o1777, 0), (0o700, 0), (0o755, 0), (0o773, 5)] {
        let job = Job::new(&sandbox.variables);
        fs::set_permissions(job.temp(), Permissions::from_mode(allowed)).unwrap();
        let ran = job.jobpass(&["login", "deploy", "--config", &config]);
        assert_eq!(ran.code, code, "{allowed:o}: {}", ran.stderr);
    }
}

#[test]
fn modes_are_ours_whatever_the_umask() {
    let (_scratch, sandbox, config) = sandbox();
    for umask in ["000", "777", "022"] {
        let job = Job::new(&sandbox.variables);
        let file = job.scratch.path().join("job.env");
        let script =
            format!("umask {umask}; exec \"$JOBPASS\" login --config '{config}' --env-file '{}'", file.display());
        let ran = job.shell(&script);
        assert_eq!(ran.code, 0, "{umask}: {}", ran.stderr);
        let passes = job.passes();
        assert_eq!((passes.len(), mode(&passes[0])), (1, 0o700), "{umask}");
        let below = files_below(&passes[0]);
        assert!(below.len() > 6, "{below:?}");
        for path in &below {
            assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700), "{umask} {}", path.display());
        }
        assert_eq!(mode(&file), 0o600, "{umask}");
    }
}

#[test]
fn planted_links_survive_with_their_victims_and_stop_nobody() {
    let (_scratch, sandbox, config) = sandbox();
    let mut job = Job::new(&sandbox.variables);
    let victim = job.scratch.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fs::write(victim.join("journal.json"), "precious").unwrap();
    let random = "0123456789abcdef0123456789abcdef";
    // The next job's own key, an earlier job's, and nobody's.
    let names = ["16000000001-1-deploy", "1-1-build", "local"].map(|key| format!("jobpass-{key}-{random}"));
    for name in &names {
        symlink(&victim, job.temp().join(name)).unwrap();
    }
    let foreign = job.temp().join(format!("jobpass-16000000001-1-deploy-{}", random.replace('0', "f")));
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("journal.json"), "somebody else's").unwrap();
    fs::set_permissions(&foreign, Permissions::from_mode(0o755)).unwrap();
    if is_root() {
        chown(&foreign, Some(4711), Some(4711)).unwrap();
    }
    job.set("GITHUB_JOB", "deploy");
    let ran = job.jobpass(&["login", "--config", &config]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("removed"), "{}", ran.stderr);
    let ended = job.jobpass(&["logout"]);
    // Somebody else's directory is not this job's; one of our own that others can read is, and is not silently left.
    assert_eq!(ended.code, if is_root() { 0 } else { 5 }, "{}", ended.stderr);
    let mut left: Vec<_> =
        job.passes().iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    left.sort();
    let mut expected = [names.to_vec(), vec![foreign.file_name().unwrap().to_str().unwrap().to_owned()]].concat();
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(fs::read_to_string(victim.join("journal.json")).unwrap(), "precious");
    assert_eq!(fs::read_to_string(foreign.join("journal.json")).unwrap(), "somebody else's");
    assert_eq!(job.exported()["AWS_SESSION_TOKEN"], "", "this job's own pass has ended");
}

#[test]
fn an_env_file_that_is_not_ours_is_not_replaced() {
    let (_scratch, sandbox, config) = sandbox();
    for name in ["link", "hard link", "directory", "foreign", "no directory"] {
        let job = Job::new(&sandbox.variables);
        let victim = job.scratch.write("victim", "precious");
        let target = job.scratch.path().join(if name == "no directory" { "missing/job.env" } else { "job.env" });
        match name {
            "link" => symlink(&victim, &target).unwrap(),
            "hard link" => fs::hard_link(&victim, &target).unwrap(),
            "directory" => fs::create_dir(&target).unwrap(),
            "foreign" if is_root() => {
                fs::write(&target, "precious").unwrap();
                chown(&target, Some(4711), Some(4711)).unwrap();
            }
            "foreign" => continue,
            _ => {}
        }
        let before = fs::symlink_metadata(&target).ok().map(|meta| (meta.ino(), meta.len()));
        let ran = job.jobpass(&["login", "--config", &config, "--env-file", target.to_str().unwrap()]);
        let named = if name == "no directory" { target.parent().unwrap() } else { &target };
        assert_nothing_handed_over(&job, &ran, named, name);
        assert_eq!(fs::symlink_metadata(&target).ok().map(|meta| (meta.ino(), meta.len())), before, "{name}");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious", "{name}");
        assert!(
            job.passes().is_empty() && !job.scratch.listing().iter().any(|path| path.contains(".jobpass")),
            "{name}"
        );
        assert_eq!(ran.stdout, "", "{name}: refused before a mask is written");
    }
}

/// How to run a script with mounts of its own, where the machine allows that.
fn namespace() -> Option<&'static [&'static str]> {
    static FOUND: OnceLock<Option<&'static [&'static str]>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let ways: [&'static [&'static str]; 2] = [&["unshare", "-m"], &["unshare", "-r", "-m"]];
        ways.into_iter().find(|way| {
            let mut probe = Command::new(way[0]);
            probe.args(&way[1..]).args(["sh", "-c", "mount -t tmpfs -o size=16k none /mnt"]);
            probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        })
    })
}

#[test]
fn a_full_or_read_only_file_system_gets_nothing() {
    let Some(way) = namespace() else {
        println!("skipped: no mounts can be made here");
        return;
    };
    let (_scratch, sandbox, config) = sandbox();
    // What is mounted where, and whose place the message names.
    for (name, prepare) in [
        ("full", "mount -t tmpfs -o size=16k none \"$RUNNER_TEMP\""),
        ("no inodes", "mount -t tmpfs -o nr_inodes=4 none \"$RUNNER_TEMP\""),
        ("nothing free", "mount -t tmpfs -o size=4k none \"$RUNNER_TEMP\"; echo x > \"$RUNNER_TEMP/x\""),
        ("read-only", "mount -t tmpfs -o ro none \"$RUNNER_TEMP\""),
        (
            "short write",
            "mkdir m; mount -t tmpfs -o size=8k none m; head -c 5000 /dev/zero | tr '\\0' '\\n' > m/env; export GITHUB_ENV=$PWD/m/env",
        ),
        (
            "read-only env",
            "mkdir m; mount -t tmpfs none m; printf A=b > m/env; mount -o remount,bind,ro m; export GITHUB_ENV=$PWD/m/env",
        ),
    ] {
        let job = Job::new(&sandbox.variables);
        let script = format!(
            "{prepare}; \"$JOBPASS\" login --config '{config}' >/dev/null; code=$?; \
             test ! -d m || {{ wc -c < m/env; grep -c jobpass- m/env; }}; find \"$RUNNER_TEMP\" -mindepth 1; exit $code"
        );
        let mut command = Command::new(way[0]);
        command.args(&way[1..]).args(["sh", "-c", &script]).env_clear().envs(job.environment());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).current_dir(job.workspace());
        command.env("JOBPASS", job.command(&[]).get_program()).stdin(Stdio::null());
        let ran = crate::harness::run(&mut command);
        assert_eq!(ran.code, 5, "{name}: {}{}", ran.stdout, ran.stderr);
        let because = if name.starts_with("read-only") { "Read-only file system" } else { "error[" };
        assert!(ran.stderr.contains(because) && ran.stderr.contains("hint: "), "{name}: {}", ran.stderr);
        let left = ran.stdout.replace(&job.temp().join("x").display().to_string(), "");
        let expected = match name {
            "short write" => "5000\n0\n",
            "read-only env" => "3\n0\n",
            _ => "",
        };
        assert_eq!(left.trim(), expected.trim(), "{name}: {}", ran.stderr);
        assert_eq!((job.file("GITHUB_ENV").as_str(), job.file("GITHUB_OUTPUT").as_str()), ("", ""), "{name}");
    }
}
