//! A directory for one test, and the tests of this room that need one.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::unix::remove_tree;
use super::*;
use crate::random;

/// A fresh directory, removed at the end of the test.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("jobpass-test.{}", random::hex128().unwrap()));
        let temp = TempDir(path);
        temp.directory("");
        temp
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// An existing file of that content, mode 0644: the suite runs under any umask.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// An existing directory, mode 0755; one that is there already is as good.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        let _ = std::fs::create_dir(&path);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

pub(crate) fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn fifo(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
}

#[test]
fn directories_are_0700_and_files_have_their_mode() {
    let temp = TempDir::new();
    let dir = PrivateDir::create(temp.path(), "jobpass-x").unwrap();
    assert_eq!(mode(dir.path()), 0o700);
    let inner = dir.subdir("gcp-main").unwrap();
    assert_eq!(mode(inner.path()), 0o700);
    dir.write_new("a", b"1", 0o600).unwrap();
    dir.write_new("b", b"1", 0o644).unwrap();
    assert_eq!((mode(&dir.path().join("a")), mode(&dir.path().join("b"))), (0o600, 0o644));
    dir.replace("b", b"2").unwrap();
    assert_eq!((text(&dir.path().join("b")).as_str(), mode(&dir.path().join("b"))), ("2", 0o600));
    assert_eq!(dir.names().unwrap().len(), 3, "no temporary file stays");
    assert!(PrivateDir::open(dir.path()).is_ok());
}

#[test]
fn a_parent_that_others_write_to_needs_the_sticky_bit() {
    let temp = TempDir::new();
    let set = |bits| std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(bits)).unwrap();
    for (bits, fits) in [(0o777, false), (0o1777, true), (0o755, true)] {
        set(bits);
        assert_eq!(PrivateDir::create(temp.path(), "x").is_ok(), fits, "{bits:o}");
    }
}

#[test]
fn a_parent_must_be_a_directory_itself() {
    let temp = TempDir::new();
    symlink(temp.path(), temp.join("link")).unwrap();
    for parent in [temp.join("link"), temp.join("missing"), temp.file("file", "")] {
        let error = PrivateDir::create(&parent, "x").unwrap_err();
        assert_eq!(error.kind.exit_code(), 5, "{error}");
        assert!(error.message.contains(parent.to_str().unwrap()));
    }
}

#[test]
fn open_refuses_what_is_not_private() {
    let temp = TempDir::new();
    let dir = PrivateDir::create(temp.path(), "x").unwrap();
    symlink(dir.path(), temp.join("link")).unwrap();
    assert_eq!(PrivateDir::open(&temp.join("link")).unwrap_err().code, "directory");
    assert_eq!(PrivateDir::open(temp.path()).unwrap_err().code, "not-private");
}

#[test]
fn what_was_planted_is_never_written_through() {
    let temp = TempDir::new();
    // Two victims: a second hard link is a reason of its own to refuse.
    let (victim, linked) = (temp.file("victim", "untouched"), temp.file("linked", "untouched"));
    let dir = PrivateDir::create(temp.path(), "x").unwrap();
    let plant = |name: &str| dir.path().join(name);
    symlink(&victim, plant("symlink")).unwrap();
    std::fs::hard_link(&linked, plant("hardlink")).unwrap();
    fifo(&plant("fifo"));
    std::fs::create_dir(plant("directory")).unwrap();
    for name in ["symlink", "hardlink", "fifo", "directory"] {
        assert_eq!(dir.write_new(name, b"x", 0o600).unwrap_err().kind.exit_code(), 5, "{name}");
        assert_eq!(dir.append(name, b"x").unwrap_err().kind.exit_code(), 5, "{name}");
        assert_eq!(dir.read(name, 10).unwrap_err().kind.exit_code(), 5, "{name}");
        assert_eq!(append_block(&plant(name), b"x\n").unwrap_err().kind.exit_code(), 5, "{name}");
        assert_eq!(write_own(&plant(name), b"x").unwrap_err().kind.exit_code(), 5, "{name}");
    }
    assert_eq!((text(&victim).as_str(), text(&linked).as_str()), ("untouched", "untouched"));
}

#[test]
fn names_cannot_lead_out() {
    let temp = TempDir::new();
    let dir = PrivateDir::create(temp.path(), "x").unwrap();
    for name in ["", ".", "..", "../a", "/etc/x", "a/b", "a\0b"] {
        assert!(
            dir.write_new(name, b"", 0o600).is_err() && dir.subdir(name).is_err() && dir.replace(name, b"").is_err()
        );
    }
}

#[test]
fn a_block_never_joins_the_line_before_it() {
    let temp = TempDir::new();
    for (before, after) in [("", "X=1\n"), ("A=b\n", "A=b\nX=1\n"), ("A=b", "A=b\nX=1\n")] {
        let path = temp.file("env", before);
        let appended = append_block(&path, b"X=1\n").unwrap();
        assert_eq!(text(&path), after);
        appended.undo().unwrap();
        assert_eq!(text(&path), before, "taken back to the byte");
    }
}

#[test]
fn a_block_with_others_bytes_behind_it_stays() {
    let temp = TempDir::new();
    let path = temp.file("env", "");
    let appended = append_block(&path, b"X=1\n").unwrap();
    append_block(&path, b"Y=2\n").unwrap();
    assert!(appended.undo().is_err());
    assert_eq!(text(&path), "X=1\nY=2\n");
}

#[test]
fn devices_and_missing_files_are_refused() {
    for path in ["/dev/full", "/dev/null", "/nonexistent/env"] {
        let error = append_block(Path::new(path), b"X=1\n").unwrap_err();
        assert_eq!((error.kind.exit_code(), error.message.contains(path)), (5, true), "{error}");
    }
}

#[test]
fn own_files_are_created_replaced_and_removed_only_while_they_are_ours() {
    let temp = TempDir::new();
    let path = temp.join("F");
    write_own(&path, b"1").unwrap();
    write_own(&path, b"P=/pass\nX=1\n").unwrap();
    assert_eq!((text(&path).as_str(), mode(&path)), ("P=/pass\nX=1\n", 0o600));
    assert!(!remove_own(&path, "P=/pas").unwrap(), "a piece of the line is not the line");
    std::fs::rename(&path, temp.join("kept")).unwrap();
    symlink(temp.join("kept"), &path).unwrap();
    assert!(!remove_own(&path, "P=/pass").unwrap(), "a link is not our file");
    std::fs::rename(temp.join("kept"), &path).unwrap();
    assert!(remove_own(&path, "P=/pass").unwrap());
    assert!(!remove_own(&path, "P=/pass").unwrap(), "a second time is no error");
    assert!(!remove_own(Path::new("/nonexistent/F"), "P=/pass").unwrap());
}

#[test]
fn remove_tree_takes_links_and_never_what_they_point_at() {
    let temp = TempDir::new();
    temp.directory("outside");
    let victim = temp.file("outside/victim", "untouched");
    let dir = PrivateDir::create(temp.path(), "x").unwrap();
    let az = dir.subdir("azure-main").unwrap();
    let deep = az.subdir("logs").unwrap().subdir("deep").unwrap();
    deep.write_new("file", b"x", 0o600).unwrap();
    symlink(temp.join("outside"), az.path().join("logs/link")).unwrap();
    symlink(&victim, dir.path().join("victim")).unwrap();
    fifo(&dir.path().join("fifo"));
    symlink(dir.path(), temp.join("in-place")).unwrap();
    assert!(remove_tree(&temp.join("in-place")).is_err(), "a link in the directory's place");
    assert!(az.path().join("logs/deep/file").exists(), "and nothing behind it is touched");
    assert!(remove_tree(dir.path()).unwrap());
    assert!(!dir.path().exists());
    assert!(!remove_tree(dir.path()).unwrap());
    assert_eq!(text(&victim), "untouched");
}

#[test]
fn a_racer_that_swaps_the_directory_for_a_link_gains_nothing() {
    let temp = TempDir::new();
    temp.directory("victim");
    let dir = PrivateDir::create(temp.path(), "x").unwrap();
    let (place, aside) = (dir.path().to_owned(), temp.join("aside"));
    let (from, to) = (place.clone(), aside.clone());
    let link = temp.join("victim");
    let racer = std::thread::spawn(move || {
        for _ in 0..500 {
            std::fs::rename(&from, &to).unwrap();
            symlink(&link, &from).unwrap();
            std::fs::remove_file(&from).unwrap();
            std::fs::rename(&to, &from).unwrap();
        }
    });
    let mut number = 0;
    while !racer.is_finished() && number < 5_000 {
        dir.write_new(&format!("f{number}"), b"x", 0o600).unwrap();
        number += 1;
    }
    racer.join().unwrap();
    assert_eq!(std::fs::read_dir(temp.join("victim")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), number);
}

#[test]
fn one_lock_at_a_time_and_gone_with_its_holder() {
    let temp = TempDir::new();
    let dir = PrivateDir::create(temp.path(), "x").unwrap();
    let held = dir.lock(Duration::ZERO).unwrap();
    assert!(held.is_some());
    assert!(PrivateDir::open(dir.path()).unwrap().lock(Duration::from_millis(20)).unwrap().is_none());
    drop(held);
    assert!(dir.lock(Duration::ZERO).unwrap().is_some());
}

#[test]
fn reading_is_limited_and_takes_regular_files_only() {
    let temp = TempDir::new();
    let path = temp.file("token", "12345");
    assert_eq!(read_limited(&path, 5).unwrap().as_slice(), b"12345");
    assert_eq!(read_limited(&path, 4).unwrap_err().kind.exit_code(), 5);
    fifo(&temp.join("fifo"));
    for path in [temp.join("fifo"), temp.path().to_owned(), temp.join("missing")] {
        assert_eq!(read_limited(&path, 5).unwrap_err().kind.exit_code(), 5);
    }
}
