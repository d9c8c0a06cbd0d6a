//! The house rules that a machine can hold: which rooms may reveal a secret, and that imports go one way.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::checkout;

/// The rooms that may open a secret: what is sent, what is handed over, what the sandbox checks.
const REVEAL: [&str; 9] = [
    "secret.rs",
    "net/",
    "exchange/",
    "delivery/",
    "sandbox/",
    "claims/unverified.rs",
    "cli/token.rs",
    "jwt/",
    "pass/",
];

/// The floors from the ground up: a room imports from its own floor or one below it.
const FLOORS: [&[&str]; 6] = [
    &["error", "secret", "world", "system", "random", "duration"],
    &["claims", "edge", "net", "credential", "files", "jwt"],
    &["runner", "gate", "exchange", "delivery", "pass", "audit", "trust"],
    &["login", "live", "sandbox", "report"],
    &["cli"],
    &["main", "lib"],
];

fn sources() -> Vec<(String, String)> {
    fn walk(directory: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push(path);
            }
        }
    }
    let base = checkout().join("src");
    let mut paths = Vec::new();
    walk(&base, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            // Tests at the end of a file may do what the code may not.
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            (path.strip_prefix(&base).unwrap().display().to_string(), code)
        })
        .collect()
}

#[test]
fn only_the_listed_rooms_reveal_a_secret() {
    let mut offenders = Vec::new();
    for (name, code) in sources() {
        if code.contains(".reveal()") && !REVEAL.iter().any(|room| name.starts_with(room)) {
            offenders.push(name);
        }
    }
    assert!(offenders.is_empty(), "these open a secret and are not on the list: {offenders:?}");
}

#[test]
fn imports_go_one_way() {
    let floor = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    let mut offenders = Vec::new();
    for (name, code) in sources() {
        let room = name.split(['/', '.']).next().unwrap();
        let mine = floor(room).unwrap_or_else(|| panic!("the room `{room}` stands on no floor"));
        for line in code.lines().filter(|line| line.trim_start().starts_with("use crate::")) {
            let rest = line.trim_start().trim_start_matches("use crate::");
            let rooms: Vec<&str> = match rest.strip_prefix('{') {
                Some(list) => {
                    list.split(',').map(|one| one.trim().split([':', '}', ' ', ';']).next().unwrap()).collect()
                }
                None => vec![rest.split([':', ';', ' ']).next().unwrap()],
            };
            for other in rooms.into_iter().filter(|other| !other.is_empty()) {
                if floor(other).is_some_and(|theirs| theirs > mine) {
                    offenders.push(format!("{name}: {}", line.trim()));
                }
            }
        }
    }
    assert!(offenders.is_empty(), "these import from a floor above their own:\n{}", offenders.join("\n"));
}

#[test]
fn the_pure_room_stays_pure() {
    for (name, code) in sources().into_iter().filter(|(name, _)| name.starts_with("trust/")) {
        for word in ["tokio", "reqwest", "std::fs", "std::net", "std::env"] {
            assert!(!code.contains(word), "{name} uses {word}");
        }
    }
}
