//! What a terminal shows: snapshots of the three clouds' explanations with and without colour, and a real pseudo-terminal.
//!
//! `RENEW_SNAPSHOTS=1 cargo test --test it terminal::` writes `tests/it/snapshots/*.txt` anew; the diff is then read by a person.
//! An escape character stands there as `␛`.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::harness::{Scratch, checkout, jobpass, run};

const CLOUDS: [&str; 3] = ["aws", "gcp", "azure"];
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// The command lines of one snapshot.
fn explain(cloud: &str) -> Vec<Vec<String>> {
    let file = |folder: &str| format!("{folder}/{cloud}.json");
    let of = |trust: String, environment: &str| {
        let mut words = vec!["explain", "--trust", &trust, "--repo", "acme/shop", "--environment", environment];
        words.extend(if cloud == "aws" { &["--role", ROLE][..] } else { &[] });
        words.into_iter().map(str::to_owned).collect()
    };
    let known = "examples/04-three-clouds/trust";
    vec![
        of(file(known), "production"),
        of(file(known), "staging"),
        of(file("tests/it/snapshots/undecided"), "production"),
    ]
}

fn dry_run() -> Vec<Vec<String>> {
    let own = ["dry-run", "--config", "examples/04-three-clouds/jobpass.toml"].map(str::to_owned).to_vec();
    vec![own.clone(), [own, vec!["--repo".to_owned(), "eve/shop".to_owned()]].concat()]
}

/// Times, and the order in which edges that run at the same time are answered, are no part of a snapshot.
fn settled(text: &str) -> String {
    let (body, requests) = text.split_once("\nrequests (").unwrap_or((text, ""));
    let mut lines: Vec<String> = body.lines().map(str::to_owned).collect();
    for line in lines.iter_mut().filter(|line| line.contains("expires  ")) {
        let at = line.find("20").unwrap();
        line.replace_range(at.., "TIME");
    }
    let mut requests: Vec<&str> = requests.lines().collect();
    if requests.len() > 1 {
        lines.push(String::new());
        requests[1..].sort_unstable();
        lines.push(format!("requests ({}", requests.remove(0)));
        lines.extend(requests.into_iter().map(str::to_owned));
    }
    lines.join("\n")
}

/// What the command lines print with this `--color`, one under the other with their exit codes.
fn shown(all: &[Vec<String>], color: &str) -> String {
    let mut out = String::new();
    for words in all {
        let home = Scratch::new();
        let ran = run(jobpass(home.path()).args(words).args(["--color", color]).current_dir(checkout()));
        assert_eq!(ran.stderr, "", "{words:?}");
        let words = words.join(" ");
        out.push_str(&format!("$ jobpass {words} --color {color}\n{}\n[{}]\n\n", settled(&ran.stdout), ran.code));
    }
    out
}

pub(crate) fn held(name: &str, text: &str) {
    let path = checkout().join("tests/it/snapshots").join(format!("{name}.txt"));
    let text = text.replace('\u{1b}', "␛");
    if std::env::var_os("RENEW_SNAPSHOTS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let differs = known.lines().zip(text.lines()).position(|(known, new)| known != new);
    assert!(known == text, "{name}.txt differs from line {:?} on:\n{text}", differs.map(|at| at + 1));
}

/// The text without what makes it coloured.
fn stripped(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').unwrap().1)
}

#[test]
fn three_clouds_with_and_without_colour() {
    let mut all: Vec<(String, Vec<Vec<String>>)> =
        CLOUDS.into_iter().map(|cloud| (format!("explain-{cloud}"), explain(cloud))).collect();
    all.push(("dry-run".to_owned(), dry_run()));
    for (name, lines) in all {
        let (plain, coloured) = (shown(&lines, "never"), shown(&lines, "always"));
        held(&name, &plain);
        held(&format!("{name}-coloured"), &coloured);
        assert!(
            !plain.contains('\u{1b}') && coloured.contains("\u{1b}[1;31m") && coloured.contains("\u{1b}[32m"),
            "{name}"
        );
        assert_eq!(stripped(&coloured).replace("--color always", "--color never"), plain, "{name}");
        for ended in if name == "dry-run" { &["\n[0]\n", "\n[4]\n"][..] } else { &["\n[0]\n", "\n[4]\n", "\n[8]\n"] } {
            assert!(plain.contains(ended), "{name} {ended}");
        }
    }
}

/// A pseudo-terminal: its controlling side, and the side that a program is given.
fn terminal(columns: u16) -> (File, OwnedFd) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let side = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    tcsetwinsize(&side, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (File::from(controller), side)
}

/// Which of the two streams are terminals.
#[derive(Clone, Copy, PartialEq)]
enum On {
    Both,
    Output,
    Error,
}

/// What the terminal showed, and what went elsewhere.
fn on_terminal(args: &[&str], variables: &[(&str, &str)], on: On, columns: u16) -> (String, String) {
    let home = Scratch::new();
    let (mut controller, side) = terminal(columns);
    let elsewhere = home.path().join("elsewhere");
    let file = File::create(&elsewhere).unwrap();
    let of = |terminal: bool| {
        if terminal { Stdio::from(side.try_clone().unwrap()) } else { Stdio::from(file.try_clone().unwrap()) }
    };
    let mut command: Command = jobpass(home.path());
    command.args(args).current_dir(checkout()).stdout(of(on != On::Error)).stderr(of(on != On::Output));
    command.envs(variables.iter().copied());
    let mut child = command.spawn().unwrap();
    // The command keeps its own copies of this side: the terminal ends when nobody has one.
    drop((command, side));
    let mut bytes = Vec::new();
    // Linux says that the other side is gone by an error.
    let _ = controller.read_to_end(&mut bytes);
    child.wait().unwrap();
    let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
    (text, fs::read_to_string(&elsewhere).unwrap())
}

const WORDS: [&str; 7] = [
    "explain",
    "--trust",
    "examples/04-three-clouds/trust/azure.json",
    "--repo",
    "acme/shop",
    "--environment",
    "staging",
];

#[test]
fn a_terminal_has_colour_unless_somebody_says_no() {
    let file = |color: &str| {
        let home = Scratch::new();
        run(jobpass(home.path()).args(WORDS).args(["--color", color]).current_dir(checkout())).stdout
    };
    let (plain, coloured) = (file("never"), file("always"));
    for (variables, color, expected) in [
        (&[][..], None, &coloured),
        (&[("TERM", "xterm-256color")][..], None, &coloured),
        (&[("NO_COLOR", "1")][..], None, &plain),
        // As everywhere, an empty variable is none.
        (&[("NO_COLOR", "")][..], None, &coloured),
        (&[("TERM", "dumb")][..], None, &plain),
        (&[][..], Some("never"), &plain),
        (&[][..], Some("auto"), &coloured),
        (&[("NO_COLOR", "1"), ("TERM", "dumb")][..], Some("always"), &coloured),
    ] {
        let flag = color.map_or_else(Vec::new, |color| vec!["--color", color]);
        // No line is folded or cut to a width: what is copied out of a terminal is what was printed.
        for columns in [40, 200] {
            let (shown, elsewhere) = on_terminal(&[&WORDS[..], &flag].concat(), variables, On::Both, columns);
            assert_eq!((&shown, elsewhere.as_str()), (expected, ""), "{variables:?} {color:?} {columns}");
        }
    }
}

#[test]
fn what_goes_into_a_file_has_no_colour_though_the_other_stream_is_a_terminal() {
    let public = "examples/06-public-trust-policies/aws/any-subject.json";
    let of_three_clouds = ["dry-run", "--config", "examples/04-three-clouds/jobpass.toml"];
    let lint = ["trust", "lint", public];
    for words in [&WORDS[..], &of_three_clouds, &lint] {
        let (shown, file) = on_terminal(words, &[], On::Error, 80);
        assert_eq!(shown, "", "{words:?}");
        assert!(!file.is_empty() && !file.contains('\u{1b}'), "{words:?}\n{file}");
        let (shown, file) = on_terminal(words, &[], On::Output, 80);
        assert!(file.is_empty() && shown.contains("\u{1b}["), "{words:?}\n{shown}");
    }
    // An error is talk.
    let wrong = ["explain", "--trust", "missing.json", "--repo", "acme/shop"];
    let (shown, file) = on_terminal(&wrong, &[], On::Error, 80);
    assert!(shown.starts_with("\u{1b}[1;31merror[") && file.is_empty(), "{shown}");
    let (shown, file) = on_terminal(&wrong, &[], On::Output, 80);
    assert!(file.starts_with("error[") && shown.is_empty(), "{file}");
    assert!(Path::new(&checkout()).join(public).exists());
}
