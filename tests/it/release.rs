//! What `scripts/release` refuses, and that everything that names a release's files names the same. What it makes is
//! checked by `scripts/check-release`, which builds for minutes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::harness::{Ran, Scratch, checkout, run};

const CARGO: &str =
    "[package]\nname = \"jobpass\"\nversion = \"1.2.3\"\nrepository = \"https://example.com/jobpass\"\n";

fn git(directory: &Path, words: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let ran =
        run(command.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(words).current_dir(directory));
    assert_eq!(ran.code, 0, "git {words:?}: {}", ran.stderr);
    ran.stdout
}

/// A repository of one commit with the script in it, and this changelog.
fn repository(changelog: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("Cargo.toml", CARGO);
    scratch.write("CHANGELOG.md", changelog);
    scratch.write(".gitignore", "/target\n/given\n/out\n");
    scratch.write("scripts/release", &fs::read_to_string(checkout().join("scripts/release")).unwrap());
    git(scratch.path(), &["init", "--quiet"]);
    git(scratch.path(), &["add", "."]);
    git(scratch.path(), &["commit", "--quiet", "--message", "all"]);
    scratch
}

fn release(directory: &Path, words: &[&str]) -> Ran {
    let mut command = Command::new("bash");
    let path = format!("{}:{}", directory.join("target/bin").display(), std::env::var("PATH").unwrap());
    command.env_clear().env("PATH", path).env("HOME", directory);
    run(command.arg("scripts/release").args(words).current_dir(directory))
}

const DATED: &str = "## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n\n- x\n";

#[track_caller]
fn refused(scratch: &Scratch, words: &[&str], code: i32, parts: &[&str]) {
    let ran = release(scratch.path(), words);
    assert_eq!(ran.code, code, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.stdout, "", "paths are printed for what was made");
    for part in parts.iter().chain(&["release: expected ", ", met ", ": "]) {
        assert!(ran.stderr.contains(part), "{part}\n{}", ran.stderr);
    }
    assert!(!scratch.path().join("target/releases/1.2.3").exists() && !scratch.path().join("out/dist").exists());
}

#[test]
fn a_wrong_command_line_is_refused() {
    let scratch = repository(DATED);
    for (words, part) in [
        (vec![], "met ''"),
        (vec!["1.2"], "met '1.2'"),
        (vec!["v1.2.3"], "met 'v1.2.3'"),
        (vec!["1.2.3", "1.2.4"], "met '1.2.3' and '1.2.4'"),
        (vec!["1.2.3", "--with"], "a directory after --with"),
        (vec!["1.2.3", "--dryrun"], "met '--dryrun'"),
    ] {
        refused(&scratch, &words, 2, &[part, "see scripts/release --help"]);
    }
    let help = release(scratch.path(), &["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("scripts/release VERSION [--dry-run DIR] [--with DIR]"), "{}", help.stdout);
}

#[test]
fn another_version_than_cargos_is_refused() {
    refused(&repository(DATED), &["1.2.4"], 1, &["version 1.2.4 in Cargo.toml, met 1.2.3"]);
}

#[test]
fn a_changelog_without_the_version_is_refused() {
    let scratch = repository("## [Unreleased]\n\n## [1.2.30] - 2026-01-02\n");
    refused(&scratch, &["1.2.3", "--dry-run", "out"], 1, &["'## [1.2.3] - DATE' in CHANGELOG.md, met none"]);
}

#[test]
fn a_release_has_a_day_and_a_dry_run_need_not() {
    let scratch = repository("## [1.2.3] - not yet released\n");
    refused(&scratch, &["1.2.3"], 1, &["met '## [1.2.3] - not yet released'"]);
    scratch.write("dirty", "");
    refused(&scratch, &["1.2.3", "--dry-run", "out"], 1, &["a clean tree"]);
}

#[test]
fn a_tree_that_is_not_the_commit_is_refused() {
    let scratch = repository(DATED);
    scratch.write("src/extra.rs", "");
    refused(&scratch, &["1.2.3"], 1, &["a clean tree, met '?? src/'"]);
    fs::remove_dir_all(scratch.path().join("src")).unwrap();
    scratch.write("CHANGELOG.md", &format!("{DATED}- y\n"));
    refused(&scratch, &["1.2.3"], 1, &["a clean tree, met ' M CHANGELOG.md'"]);
}

#[test]
fn a_version_is_released_once() {
    let scratch = repository(DATED);
    git(scratch.path(), &["tag", "v1.2.3"]);
    refused(&scratch, &["1.2.3"], 1, &["no tag v1.2.3 yet, met one"]);
}

#[test]
fn what_lies_in_the_way_stays() {
    let scratch = repository(DATED);
    scratch.write("out/mine", "");
    refused(&scratch, &["1.2.3", "--dry-run", "out"], 1, &["to be new or empty, met files"]);
    assert!(scratch.path().join("out/mine").exists());
    refused(&scratch, &["1.2.3", "--with", "given"], 1, &["a directory with binaries"]);
}

/// The start of a program for the target, as far as the script looks.
fn program(target: &str) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    let mut put = |at: usize, what: &[u8]| bytes[at..at + what.len()].copy_from_slice(what);
    match target {
        "x86_64-unknown-linux-musl" => (put(0, b"\x7fELF"), put(18, &62_u16.to_le_bytes())),
        "aarch64-unknown-linux-musl" => (put(0, b"\x7fELF"), put(18, &183_u16.to_le_bytes())),
        "x86_64-apple-darwin" => (put(0, b"\xcf\xfa\xed\xfe"), put(4, &0x0100_0007_u32.to_le_bytes())),
        "aarch64-apple-darwin" => (put(0, b"\xcf\xfa\xed\xfe"), put(4, &0x0100_000c_u32.to_le_bytes())),
        "x86_64-pc-windows-msvc" => (put(0, b"MZ"), put(60, &128_u32.to_le_bytes())),
        other => panic!("no program for {other}"),
    };
    if target.ends_with("msvc") {
        bytes[128..134].copy_from_slice(b"PE\0\0\x64\x86");
    }
    bytes
}

/// Key of the action to target, from the script's own table.
fn targets() -> BTreeMap<String, String> {
    let script = fs::read_to_string(checkout().join("scripts/release")).unwrap();
    let table = script.split("TARGETS=(\n").nth(1).unwrap().split("\n)").next().unwrap();
    let words = |line: &str| {
        line.trim().trim_matches('"').split_once(' ').map(|(key, target)| (key.to_owned(), target.to_owned()))
    };
    table.lines().map(|line| words(line).unwrap()).collect()
}

fn file_of(target: &str) -> String {
    format!("jobpass-{target}{}", if target.contains("windows") { ".exe" } else { "" })
}

/// A repository with programs for all targets in `given`, and a cargo that says so and fails: what comes after them builds.
fn with_programs() -> Scratch {
    let scratch = repository(DATED);
    fs::create_dir_all(scratch.path().join("given")).unwrap();
    for target in targets().values() {
        fs::write(scratch.path().join("given").join(file_of(target)), program(target)).unwrap();
    }
    let cargo = scratch.write("target/bin/cargo", "#!/bin/sh\necho \"cargo was reached\" >&2\nexit 1\n");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    scratch
}

#[test]
fn programs_are_known_by_their_first_bytes() {
    let scratch = with_programs();
    let ran = release(scratch.path(), &["1.2.3", "--with", "given"]);
    assert!(ran.stderr.contains("cargo was reached"), "the five are what they are named: {}", ran.stderr);
    for (target, other) in [
        ("x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"),
        ("aarch64-unknown-linux-musl", "aarch64-apple-darwin"),
        ("x86_64-apple-darwin", "aarch64-apple-darwin"),
        ("aarch64-apple-darwin", "x86_64-apple-darwin"),
        ("x86_64-pc-windows-msvc", "x86_64-unknown-linux-musl"),
    ] {
        let file = scratch.path().join("given").join(file_of(target));
        fs::write(&file, program(other)).unwrap();
        let ran = release(scratch.path(), &["1.2.3", "--with", "given"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("expected a program for {target} in ")),
            "{other} as {target}: {}",
            ran.stderr
        );
        assert!(!scratch.path().join("target/releases/1.2.3").exists(), "half a release stays");
        fs::write(&file, program(target)).unwrap();
    }
}

#[test]
fn a_release_has_every_target() {
    let scratch = with_programs();
    fs::remove_file(scratch.path().join("given").join(file_of("x86_64-pc-windows-msvc"))).unwrap();
    refused(&scratch, &["1.2.3", "--with", "given"], 1, &["all 5 targets, met none for x86_64-pc-windows-msvc"]);
    let ran = release(scratch.path(), &["1.2.3", "--with", "given", "--dry-run", "out"]);
    assert!(ran.stderr.contains("release: without x86_64-pc-windows-msvc"), "{}", ran.stderr);
    assert!(ran.stderr.contains("cargo was reached"), "{}", ran.stderr);
}

#[test]
fn the_changelog_has_the_sections_that_a_release_asks_for() {
    let changelog = fs::read_to_string(checkout().join("CHANGELOG.md")).unwrap();
    let headings: Vec<&str> = changelog.lines().filter(|line| line.starts_with("## [")).collect();
    assert_eq!(headings[0], "## [Unreleased]");
    assert!(headings[1].starts_with(concat!("## [", env!("CARGO_PKG_VERSION"), "] - ")), "{headings:?}");
}

#[test]
fn whoever_names_a_releases_files_names_the_same() {
    let targets = targets();
    let manifest: toml::Table = fs::read_to_string(checkout().join("Cargo.toml")).unwrap().parse().unwrap();
    let package = &manifest["package"];
    let (repository, version) = (package["repository"].as_str().unwrap(), package["version"].as_str().unwrap());
    let base = format!("{repository}/releases/download/v{version}");

    // cargo binstall's words, as its documentation has them: `binary-ext` has the dot and is empty but on Windows.
    let binstall = &package["metadata"]["binstall"];
    assert_eq!(binstall["pkg-fmt"].as_str(), Some("bin"));
    for target in targets.values() {
        let extension = if target.contains("windows") { ".exe" } else { "" };
        let words = [
            ("repo", repository),
            ("version", version),
            ("name", "jobpass"),
            ("target", target),
            ("binary-ext", extension),
        ];
        let url = words.iter().fold(binstall["pkg-url"].as_str().unwrap().to_owned(), |url, (word, value)| {
            url.replace(&format!("{{ {word} }}"), value)
        });
        assert_eq!(url, format!("{base}/{}", file_of(target)));
    }

    // On main the action's table has no binary yet, but the place that they will be downloaded from.
    let table: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(checkout().join("action/binaries.json")).unwrap()).unwrap();
    assert_eq!((table["version"].as_str(), table["base"].as_str()), (Some(version), Some(base.as_str())));
    assert_eq!(table["binaries"], serde_json::json!({}));

    let workflow = fs::read_to_string(checkout().join(".github/workflows/release.yml")).unwrap();
    for target in targets.values() {
        let built = workflow.contains(&format!("asset: {}\n", file_of(target)))
            && workflow.contains(&format!("target: {target}\n"));
        let static_one = target.ends_with("-linux-musl")
            && workflow.lines().any(|line| line.contains("target: [") && line.contains(target));
        assert!(built || static_one, "release.yml does not build {target}");
    }
    assert_eq!(
        targets.keys().collect::<Vec<_>>(),
        ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-x64"]
    );
}

#[test]
fn the_second_build_differs_in_everything_that_is_said() {
    let scratch = Scratch::new();
    let script = fs::read_to_string(checkout().join("scripts/check-reproducible")).unwrap();
    scratch.write("scripts/check-reproducible", &script);
    scratch.write(".gitignore", "target\n");
    git(scratch.path(), &["init", "--quiet"]);
    let wanted = |what: &str| {
        // In place of the build, a program whose output is what it sees.
        let build = format!("#!/bin/sh\nmkdir -p target\n{what} >target/out\necho \"$PWD/target/out\"\n");
        let file = scratch.write("scripts/static-build", &build);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        git(scratch.path(), &["add", "."]);
        git(scratch.path(), &["commit", "--quiet", "--message", "all"]);
        let mut command = Command::new("bash");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", scratch.path());
        run(command.arg("scripts/check-reproducible").current_dir(scratch.path()))
    };
    let same = wanted("echo same");
    assert_eq!(same.code, 0, "{}", same.stderr);
    for what in ["pwd", "umask", "date +%Z", "echo $HOME", "echo $CARGO_HOME", "echo $XDG_CACHE_HOME", "echo $LC_ALL"] {
        let ran = wanted(what);
        assert_eq!(ran.code, 1, "{what} is the same in both builds: {}", ran.stderr);
        assert!(ran.stderr.contains("expected the same bytes of both builds, met a difference"), "{}", ran.stderr);
    }
}
