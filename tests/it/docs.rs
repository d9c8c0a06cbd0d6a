//! What the documents say, held against the repository: paths, exit codes, error codes, keys, variables, command lines.
//!
//! Each check is a function from texts to what is missing, so that the last test can show that it does miss things.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use jobpass::cli::{Cli, render};
use jobpass::edge::Destination;
use jobpass::error::{Error, Kind};
use jobpass::trust::render::Form;

use crate::harness::{Scratch, checkout, jobpass, run};

fn read(path: &str) -> String {
    fs::read_to_string(checkout().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every document that is held: name from the root, text.
fn documents() -> Vec<(String, String)> {
    let mut names: Vec<String> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].map(str::to_owned).to_vec();
    for entry in fs::read_dir(checkout().join("docs")).unwrap() {
        names.push(format!("docs/{}", entry.unwrap().file_name().to_string_lossy()));
    }
    names.sort();
    names.into_iter().map(|name| (read(&name), name)).map(|(text, name)| (name, text)).collect()
}

/// Sources below `src/ROOM`: name from the root, text without the tests at its end and without documentation comments.
fn sources(room: &str) -> Vec<(String, String)> {
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
    let mut paths = Vec::new();
    walk(&checkout().join(room), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| path.strip_prefix(checkout()).unwrap().display().to_string())
        .filter(|name| !name.ends_with("/testing.rs") && !name.ends_with("/tests.rs") && !name.contains("/tests/"))
        .map(|name| {
            let text = read(&name);
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            (name, code)
        })
        .collect()
}

/// What stands between back ticks, and every word of a fenced block; links to files as `(target)`.
struct Marked {
    code: Vec<String>,
    fenced: Vec<String>,
    links: Vec<String>,
}

fn marked(text: &str) -> Marked {
    let mut marked = Marked { code: Vec::new(), fenced: Vec::new(), links: Vec::new() };
    let mut inside = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
            marked.fenced.push(String::new());
        } else if inside || line.starts_with("    ") {
            marked.fenced.push(line.trim().to_owned());
        } else {
            marked.code.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
            for rest in line.split("](").skip(1) {
                marked.links.push(rest.split(')').next().unwrap().to_owned());
            }
        }
    }
    assert!(!inside, "a fence is left open");
    marked
}

/// The repository's own top-level names, after which a word is taken for a path of it.
const TOP: [&str; 9] = ["src/", "tests/", "examples/", "docs/", "scripts/", "benches/", "fuzz/", "action/", ".ci/"];

fn is_path(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let known = TOP.iter().any(|top| word.starts_with(top));
    let root = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].contains(&word)
        || ["Cargo.toml", "Cargo.lock", "deny.toml", "clippy.toml", "rustfmt.toml", "LICENSE"].contains(&word);
    plain && (known || root || word.ends_with(".rs"))
}

/// Paths that a document names and the repository does not have.
fn missing_paths(name: &str, text: &str) -> Vec<String> {
    let marked = marked(text);
    let words = marked.code.iter().chain(&marked.fenced).flat_map(|text| text.split_whitespace());
    let mut missing: Vec<String> =
        words.filter(|word| is_path(word)).filter(|word| !checkout().join(word).exists()).map(str::to_owned).collect();
    let base = checkout().join(name).parent().unwrap().to_owned();
    for link in marked.links.iter().filter(|link| !link.contains("://") && !link.starts_with('#')) {
        if !base.join(link.split('#').next().unwrap()).exists() {
            missing.push(link.clone());
        }
    }
    missing
}

#[test]
fn every_path_that_a_document_names_exists() {
    for (name, text) in documents() {
        let missing = missing_paths(&name, &text);
        assert!(missing.is_empty(), "{name} names what is not there: {missing:?}");
    }
}

/// The cells of every table row below a heading that starts with `heading`, back ticks taken away; all rows without one.
fn rows(text: &str, heading: Option<&str>) -> Vec<Vec<String>> {
    let mut inside = heading.is_none();
    let mut rows = Vec::new();
    for line in text.lines() {
        if let Some(heading) = heading
            && line.starts_with('#')
        {
            inside = line.trim_start_matches(['#', ' ']).starts_with(heading);
        }
        if inside && line.starts_with("| ") {
            let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', ""));
            rows.push(cells.collect());
        }
    }
    rows
}

/// Every kind that a process can end with. The match makes a new kind a compile error here.
fn kinds() -> Vec<Kind> {
    let all = [
        Kind::Findings,
        Kind::Usage,
        Kind::NoToken,
        Kind::Denied,
        Kind::Files,
        Kind::Network,
        Kind::Partial,
        Kind::Undecided,
        Kind::Signal(2),
        Kind::Signal(15),
    ];
    for kind in all {
        match kind {
            Kind::Findings | Kind::Usage | Kind::NoToken | Kind::Denied | Kind::Files => {}
            Kind::Network | Kind::Partial | Kind::Undecided | Kind::Signal(_) => {}
        }
    }
    all.to_vec()
}

#[test]
fn the_table_of_exit_codes_is_that_of_the_source() {
    let expected: BTreeSet<(String, String)> = kinds()
        .into_iter()
        .map(|kind| {
            let class = render::error_json(&Error::new(kind, "x", "x"))["class"].as_str().unwrap().to_owned();
            (kind.exit_code().to_string(), class)
        })
        .chain([("0".to_owned(), "–".to_owned())])
        .collect();
    let shown: BTreeSet<(String, String)> = rows(&read("docs/exit-codes.md"), Some("Exit codes"))
        .into_iter()
        .filter(|row| row[0] != "exit")
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    assert_eq!(shown, expected);
}

/// `(kind, code)` of every error that the sources make.
fn codes(sources: &[(String, String)]) -> BTreeSet<(String, String)> {
    const CALLS: [(&str, &str); 7] = [
        ("Error::usage(", "Usage"),
        ("Error::denied(", "Denied"),
        ("Error::network(", "Network"),
        ("Error::files(", "Files"),
        ("failed(", "Files"),
        ("plain(", "Files"),
        ("Error::new(", ""),
    ];
    let mut codes = BTreeSet::new();
    for (name, code) in sources {
        // Helpers of the files room; elsewhere these words mean other things.
        let helpers = name.starts_with("src/files/");
        for (call, kind) in CALLS.into_iter().filter(|(call, _)| helpers || !["failed(", "plain("].contains(call)) {
            for rest in code.split(call).skip(1).map(str::trim_start) {
                let (kind, rest) = match kind {
                    "" => {
                        let Some(rest) = rest.trim_start_matches("crate::error::").strip_prefix("Kind::") else {
                            // Another library's type of the same name, or a helper's own definition.
                            assert!(rest.starts_with(')') || rest.starts_with("kind"), "{name}: {:.60}", rest);
                            continue;
                        };
                        let (kind, rest) = rest.split_once(',').unwrap();
                        (kind.split('(').next().unwrap(), rest.trim_start())
                    }
                    kind => (kind, rest),
                };
                match rest.strip_prefix('"') {
                    Some(rest) => {
                        codes.insert((kind.to_owned(), rest.split('"').next().unwrap().to_owned()));
                    }
                    // The helpers of the files room take the code from their callers, which are looked at themselves.
                    None if ["failed(", "plain("].contains(&call) || rest.starts_with("code") => {}
                    None => panic!("{name}: {call} without a code that can be read: {rest:.60}"),
                }
            }
        }
    }
    codes
}

fn documented_codes(text: &str) -> BTreeSet<(String, String)> {
    let sections =
        [("2:", "Usage"), ("3:", "NoToken"), ("4:", "Denied"), ("5:", "Files"), ("6:", "Network"), ("130,", "Signal")];
    let rows = |heading, kind: &str| {
        let rows = rows(text, Some(heading)).into_iter().map(|row| row[0].clone()).filter(|code| code != "code");
        rows.map(|code| (kind.to_owned(), code)).collect::<Vec<_>>()
    };
    sections.into_iter().flat_map(|(heading, kind)| rows(heading, kind)).collect()
}

#[test]
fn every_error_code_is_documented_under_its_exit_and_no_other_is() {
    let mut made = codes(&sources("src"));
    // The one whose kind is changed on its way: a token that was handed over, not answered.
    assert!(made.insert(("NoToken".to_owned(), "id-token-malformed".to_owned())));
    let shown = documented_codes(&read("docs/exit-codes.md"));
    let undocumented: Vec<_> = made.difference(&shown).collect();
    let stale: Vec<_> = shown.difference(&made).collect();
    assert!(undocumented.is_empty() && stale.is_empty(), "not documented: {undocumented:?}\nnot made: {stale:?}");
}

/// The literals that follow one of `calls`.
fn literals(code: &str, calls: &[&str]) -> BTreeSet<String> {
    calls
        .iter()
        .flat_map(|call| code.split(call).skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"'))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

fn keys_taken() -> BTreeSet<String> {
    let calls = ["text(", "texts(", "required(", "flag(", "take(", "header_value("];
    let code: String = sources("src/edge").into_iter().map(|(_, code)| code).collect();
    literals(&code, &calls)
}

#[test]
fn every_key_of_the_edge_file_is_documented_and_no_other_is() {
    let taken = keys_taken();
    assert!(taken.len() > 30, "{taken:?}");
    let shown: BTreeSet<String> = rows(&read("docs/edge-file.md"), None)
        .into_iter()
        .map(|row| row[0].clone())
        .filter(|key| key != "key" && !key.starts_with('['))
        .collect();
    let undocumented: Vec<_> = taken.difference(&shown).collect();
    let stale: Vec<_> = shown.difference(&taken).collect();
    assert!(undocumented.is_empty() && stale.is_empty(), "not documented: {undocumented:?}\nnot taken: {stale:?}");
}

/// Every upper-case name in quotes: a variable that a cloud's file sets, or that one of its tables lists.
fn variable_names(code: &str) -> BTreeSet<String> {
    let quoted = code.split('"').skip(1).step_by(2);
    let is_name = |text: &&str| {
        text.len() > 4
            && text.contains('_')
            && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    quoted.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_variable_that_delivery_sets_or_takes_away_is_documented() {
    let documented = read("docs/delivery.md");
    // The format of the runner's file names variables of others only, in its port of the runner's parser.
    for (name, code) in sources("src/delivery").into_iter().filter(|(name, _)| !name.ends_with("/github_env.rs")) {
        let missing: Vec<_> = variable_names(&code)
            .into_iter()
            .filter(|variable| !documented.contains(&format!("`{variable}`")))
            .collect();
        assert!(missing.is_empty(), "docs/delivery.md lacks variables of {name}: {missing:?}");
    }
    let suffixes = jobpass::delivery::OUTPUT_SUFFIXES.into_iter();
    for suffix in suffixes.chain(jobpass::delivery::outputs::CREDENTIAL_SUFFIXES) {
        assert!(documented.contains(&format!("`NAME-{suffix}`")), "docs/delivery.md lacks the output NAME-{suffix}");
    }
}

#[test]
fn every_field_of_the_record_is_documented() {
    let source = read("src/audit/mod.rs");
    let event = source.split("pub struct Event {").nth(1).unwrap().split("\n}").next().unwrap();
    let fields: BTreeSet<String> = event
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix("pub ")?.split(':').next()?.replace('_', "-")))
        .collect();
    let shown: BTreeSet<String> = rows(&read("docs/audit.md"), Some("fields"))
        .into_iter()
        .map(|row| row[0].clone())
        .filter(|field| field != "field")
        .collect();
    assert_eq!(shown, fields);
}

#[test]
fn the_forms_of_a_rendered_rule_are_documented_in_their_order() {
    let shown: Vec<(String, String)> = rows(&read("docs/trust.md"), Some("render"))
        .into_iter()
        .filter(|row| row.len() == 2 && row[0] != "destination" && !row[0].starts_with('-'))
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let made: Vec<(String, String)> = Destination::ALL
        .into_iter()
        .map(|destination| {
            assert_eq!(Form::of(destination)[0], Form::usual(destination));
            let forms: Vec<&str> = Form::of(destination).iter().map(|form| form.as_str()).collect();
            (destination.to_string(), forms.join(" "))
        })
        .collect();
    assert_eq!(shown, made);
}

/// The functions that a part of a source matches by name.
fn functions(code: &str) -> BTreeSet<String> {
    literals(code, &["(true, ", "(false, ", "(_, "])
}

#[test]
fn the_functions_that_decide_a_condition_are_documented_and_no_other_is() {
    let source = read("src/trust/gcp/cel/functions.rs");
    let (known, computed) = source.split_once("\nfn standard(").unwrap();
    let document = read("docs/trust.md");
    let row = |name: &str| {
        let line = document.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap();
        let words = line.split('`').skip(1).step_by(2).map(|word| word.split('(').next().unwrap().to_owned());
        words.filter(|word| word.chars().all(|c| c.is_ascii_alphabetic())).collect::<BTreeSet<_>>()
    };
    let decided = row("decided");
    let missing: Vec<_> = functions(known).into_iter().filter(|name| !decided.contains(name)).collect();
    assert!(missing.is_empty() && functions(known).len() > 8, "{missing:?}");
    let macros = ["has", "exists", "map", "in"];
    let stale: Vec<_> =
        decided.iter().filter(|name| !functions(known).contains(*name) && !macros.contains(&name.as_str())).collect();
    assert!(stale.is_empty(), "documented as decided, and not in the source: {stale:?}");
    let own = row("computed");
    let both: Vec<_> = own.intersection(&decided).collect();
    assert!(both.is_empty(), "{both:?}");
    let unknown: Vec<_> = functions(computed)
        .into_iter()
        .filter(|name| {
            !own.contains(name)
                && !["string", "bytes", "bool", "dyn", "type", "int", "uint", "double"].contains(&name.as_str())
        })
        .collect();
    assert!(unknown.is_empty(), "computed, and not documented: {unknown:?}");
}

/// Names of tests in the threat model (four words or more, joined by underscores) that no file has.
fn missing_tests(text: &str, all: &str) -> Vec<String> {
    let is_test = |word: &&String| {
        // Some inputs of the action look like one.
        !jobpass::cli::action::inputs::all().any(|input| input.name == word.as_str())
            && word.matches('_').count() >= 3
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let named = marked(text).code;
    named.iter().filter(is_test).filter(|name| !all.contains(&format!("fn {name}("))).cloned().collect()
}

fn all_tests() -> String {
    fn walk(directory: &Path, out: &mut String) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                out.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut all = String::new();
    walk(&checkout().join("src"), &mut all);
    walk(&checkout().join("tests"), &mut all);
    all
}

#[test]
fn every_test_that_a_document_names_exists() {
    let all = all_tests();
    for (name, text) in documents() {
        let missing = missing_tests(&text, &all);
        assert!(missing.is_empty(), "{name} names tests that do not exist: {missing:?}");
    }
}

/// The command lines of ours in a document's code blocks, each as words without `jobpass`.
fn command_lines(text: &str) -> Vec<Vec<String>> {
    let mut joined = String::new();
    let mut folded = false;
    for line in marked(text).fenced {
        // A folded scalar of YAML goes on until the next item or the block's end.
        folded &= !(line.is_empty() || line.starts_with("- "));
        joined.push_str(if folded { " " } else { "\n" });
        joined.push_str(line.trim_end_matches(">-"));
        folded |= line.ends_with(">-");
    }
    let mut all = Vec::new();
    for line in joined.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let line = line.split(" #").next().unwrap().replace("cargo run --release -- ", "jobpass ");
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = |word: &&str| {
            ["jobpass", "\"$(jobpass", "$(jobpass", "\"jobpass"].contains(word) || word.ends_with("/jobpass")
        };
        if let Some(at) = words.iter().position(name).filter(|at| words.len() > at + 1) {
            let words = &words[at + 1..];
            all.push(words.iter().map(|word| word.trim_end_matches(")\"").trim_matches('\'').to_owned()).collect());
        }
    }
    all
}

fn does_not_parse(words: &[String]) -> Option<String> {
    let line = std::iter::once("jobpass").chain(words.iter().map(String::as_str));
    Cli::try_parse_from(line).err().map(|error| error.to_string())
}

#[test]
fn every_command_line_in_a_document_parses() {
    let mut seen = 0;
    for (name, text) in documents() {
        for words in command_lines(&text) {
            seen += 1;
            if let Some(error) = does_not_parse(&words) {
                panic!("{name}: jobpass {}\n{error}", words.join(" "));
            }
        }
    }
    assert!(seen > 10, "only {seen} command lines were found");
}

/// In the README's blocks of output, `…` stands for lines that are left out.
#[test]
fn what_the_readme_shows_is_what_is_printed() {
    let readme = read("README.md");
    let blocks = readme.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let commands: Vec<&str> = blocks.flat_map(|block| block.split("$ jobpass ").skip(1)).collect();
    assert_eq!(commands.len(), 4, "a denial of each cloud, and a finding");
    for command in commands {
        let mut lines = command.lines();
        let words: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        let ran = run(jobpass(&checkout()).args(&words));
        let expected = if words[0] == "explain" { Kind::Denied } else { Kind::Findings };
        assert_eq!(ran.code, i32::from(expected.exit_code()), "{words:?}: {}", ran.stderr);
        let mut printed = ran.stdout.lines();
        for line in lines.filter(|line| *line != "…") {
            assert!(printed.any(|one| one == line), "not printed, or not in this order: {line}\n{}", ran.stdout);
        }
    }
}

#[test]
fn the_readmes_first_command_runs() {
    let dry_run = "cargo run --release -- dry-run --config examples/04-three-clouds/jobpass.toml";
    let readme = read("README.md");
    let marked = marked(&readme);
    assert!(marked.fenced.iter().any(|line| line == dry_run), "the command is not in the README");
    assert!(marked.fenced.iter().any(|line| line == "tests/run"), "the test command is not in the README");
    let home = Scratch::new();
    let mut command = jobpass(home.path());
    let ran = run(command.args(dry_run.split(' ').skip(4)).current_dir(checkout()));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for edge in ["aws edge `deploy`: allowed", "gcp edge `publish`: allowed", "azure edge `infra`: allowed"] {
        assert!(ran.stdout.contains(edge), "{edge}\n{}", ran.stdout);
    }
    assert!(home.listing().is_empty(), "a dry run writes nothing");
}

#[test]
fn these_checks_do_find_what_is_missing() {
    assert_eq!(
        missing_paths("README.md", "see `src/nowhere.rs`, [x](docs/none.md), `trust/aws.json`"),
        ["src/nowhere.rs", "docs/none.md"]
    );
    assert_eq!(
        missing_paths("README.md", "```\nscripts/none --x\n```\n`src/error.rs` [y](docs/exit-codes.md#x)"),
        ["scripts/none"]
    );
    let source = "Error::usage(\n  \"a-b\", x) Error::new(Kind::Signal(number), \"c\", y) failed(\"d\", z)";
    let made = codes(&[("src/files/x.rs".to_owned(), source.to_owned())]);
    let pair = |kind: &str, code: &str| (kind.to_owned(), code.to_owned());
    assert_eq!(made, BTreeSet::from([pair("Usage", "a-b"), pair("Signal", "c"), pair("Files", "d")]));
    let shown = documented_codes("## 2: usage\n| code | when |\n|---|---|\n| `a-b` | x |\n## 4: denied\n| `c` | y |\n");
    assert_eq!(shown, BTreeSet::from([pair("Usage", "a-b"), pair("Denied", "c")]));
    assert_eq!(literals("draft.text(\"one\", p) draft.take( \"two\")", &["text(", "take("]).len(), 2);
    assert_eq!(variable_names("plain(e, \"AWS_REGION\") \"text\""), BTreeSet::from(["AWS_REGION".to_owned()]));
    assert_eq!(missing_tests("`no_such_test_here` `one_word`", "fn other_test_is_here()"), ["no_such_test_here"]);
    let lines = command_lines(
        "```\neval \"$(jobpass login --format shell)\"   # x\n- run: >-\n    jobpass exec a --\n    b c\n- x\n```\n",
    );
    assert_eq!(lines, [vec!["login", "--format", "shell"], vec!["exec", "a", "--", "b", "c"]]);
    assert!(lines.iter().all(|words| does_not_parse(words).is_none()));
    assert!(does_not_parse(&["login".to_owned(), "--no-such-flag".to_owned()]).is_some());
}
