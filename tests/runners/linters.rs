//! What users copy, and what this project runs, as real linters see it: no finding, none suppressed.

use std::fs;
use std::path::Path;

use crate::harness::{Ran, checkout, run};
use crate::{Machine, copy, log};

/// A folder as a repository has it: the workflows of the examples and our own, and the action.
fn repository(machine: &Machine) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(checkout().join("examples")).unwrap() {
        let (folder, name) = (entry.as_ref().unwrap().path(), entry.unwrap().file_name().into_string().unwrap());
        if folder.join("workflow.yml").exists() {
            names.push((format!("{name}.yml"), folder.join("workflow.yml")));
        }
    }
    if let Ok(own) = fs::read_dir(checkout().join(".github/workflows")) {
        names.extend(own.map(|entry| {
            let path = entry.unwrap().path();
            (format!("own-{}", path.file_name().unwrap().to_string_lossy()), path)
        }));
    }
    assert!(names.len() >= 4, "the examples' workflows: {names:?}");
    for (name, path) in &names {
        machine.scratch.write(&format!("linted/.github/workflows/{name}"), &fs::read_to_string(path).unwrap());
    }
    let action = fs::read_to_string(checkout().join("action.yml")).unwrap();
    machine.scratch.write("linted/action.yml", &action);
    names.into_iter().map(|(name, _)| format!(".github/workflows/{name}")).collect()
}

fn zizmor(machine: &Machine, directory: &Path) -> Ran {
    let mut command = machine.runner("zizmor", directory);
    // The auditor sees most; what needs GitHub's servers is left out.
    run(command.args(["--offline", "--no-progress", "--strict-collection", "--persona", "auditor", "."]))
}

fn actionlint(machine: &Machine, directory: &Path) -> Ran {
    run(machine.runner("actionlint", directory).args(["-no-color", "-verbose"]))
}

#[test]
fn zizmor_finds_nothing() {
    let machine = Machine::new();
    let workflows = repository(&machine);
    let directory = machine.path("linted");
    let ran = zizmor(&machine, &directory);
    assert_eq!(ran.code, 0, "{}", log(&ran));
    for file in workflows.iter().map(String::as_str).chain(["action.yml"]) {
        assert!(ran.stderr.contains(&format!("completed ./{file}")), "{file} was read: {}", ran.stderr);
        let text = fs::read_to_string(directory.join(file)).unwrap();
        assert!(!text.contains("zizmor: ignore"), "{file} suppresses a finding");
    }
    assert!(!checkout().join(".github/zizmor.yml").exists() && !checkout().join("zizmor.yml").exists());

    // And it does look: a tag that may move is a finding.
    let file = directory.join(&workflows[0]);
    let text = fs::read_to_string(&file).unwrap();
    let (pin, _) = text.split_once("actions/checkout@").unwrap().1.split_once('\n').unwrap();
    fs::write(&file, text.replace(pin, "v6")).unwrap();
    let ran = zizmor(&machine, &directory);
    assert!(ran.code != 0 && ran.stdout.contains("unpinned-uses"), "{}", log(&ran));
}

#[test]
fn actionlint_finds_nothing() {
    let machine = Machine::new();
    let workflows = repository(&machine);
    let directory = machine.path("linted");
    copy(&checkout().join("action"), &directory.join("action"));
    // It reads the action where a workflow uses it.
    let uses = "on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: $/.\n        with: { aws-role: x }\n";
    machine.scratch.write("linted/.github/workflows/uses.yml", uses);
    machine.commit(&directory, "https://github.com/acme/shop");
    let ran = actionlint(&machine, &directory);
    assert_eq!(ran.code, 0, "{}", log(&ran));
    for file in &workflows {
        assert!(log(&ran).contains(&format!("Linting {file}\n")), "{file} was read: {}", log(&ran));
    }

    // And it does look, at the workflows and at the action.
    let file = directory.join(&workflows[0]);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("runs-on:", "run-on:")).unwrap();
    machine.scratch.write("linted/.github/workflows/uses.yml", &uses.replace("aws-role", "aws-rule"));
    let ran = actionlint(&machine, &directory);
    assert!(ran.code != 0 && ran.stdout.contains("\"run-on\""), "{}", log(&ran));
    assert!(ran.stdout.contains("\"aws-rule\" is not defined in action"), "{}", log(&ran));
}
