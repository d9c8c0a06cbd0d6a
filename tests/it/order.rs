//! Masks come before anything that they protect (threat T3): what cannot be masked is not exported.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::harness::{Scratch, checkout, files_below, ran};
use crate::job::{Job, Sandbox};
use crate::relay::{Relay, assert_clean};

fn beside(args: &[&str]) -> (Scratch, Sandbox, Job, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &[&["--config", &config], args].concat());
    let job = Job::new(&sandbox.variables);
    (scratch, sandbox, job, config)
}

#[test]
fn masks_that_nobody_can_read_export_nothing() {
    let (_scratch, sandbox, _job, config) = beside(&[]);
    let relay = Relay::before(&sandbox);
    let job = Job::new(&relay.variables);
    for (stream, format) in [("out", "text"), ("err", "json"), ("err", "shell")] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = job.command(&["login", "--config", &config, "--format", format]);
        let command = if stream == "out" { command.stdout(writer) } else { command.stderr(writer) };
        let ran = ran(&command.output().unwrap());
        assert_eq!(ran.code, 5, "{format}: {}", ran.stderr);
        assert!(ran.stdout.is_empty() || (format == "json" && ran.stdout.contains("\"pass\": null")), "{}", ran.stdout);
        assert_clean(&ran.stdout, &relay.secrets(), format);
        if stream == "out" {
            assert!(ran.stderr.contains("error[standard-output]: cannot write the masks"), "{}", ran.stderr);
            assert!(ran.stderr.contains("nothing was exported"), "{}", ran.stderr);
        }
        assert_eq!((job.file("GITHUB_ENV").as_str(), job.file("GITHUB_OUTPUT").as_str()), ("", ""), "{format}");
        assert!(job.passes().is_empty(), "{format}");
    }
}

#[test]
fn nothing_is_written_while_the_masks_are_still_waiting_to_be_read() {
    let (_scratch, _sandbox, job, config) = beside(&[]);
    let (mut reader, writer) = std::io::pipe().unwrap();
    // A full pipe: whoever writes to it waits until somebody reads.
    let mut filler = writer.try_clone().unwrap();
    let filling = thread::spawn(move || filler.write_all(&[b'\n'; 1 << 20]));
    thread::sleep(Duration::from_millis(200));
    let mut command = job.command(&["login", "--config", &config]);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while said.matches("granted ").count() < 3 {
        assert!(talk.read_line(&mut said).unwrap() > 0, "{said}");
    }
    // Everything was granted; what comes next is the masks, and they cannot be written yet.
    thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it waits: {said}");
    assert_eq!((job.file("GITHUB_ENV").as_str(), job.file("GITHUB_OUTPUT").as_str()), ("", ""));
    let written: Vec<_> = job.passes().iter().flat_map(|pass| files_below(pass)).collect();
    assert!(
        written.len() == 2
            && written.iter().all(|path| path.ends_with("audit.jsonl") || path.ends_with("journal.json")),
        "{written:?}"
    );
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    filling.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    let secret = &job.exported()["AWS_SESSION_TOKEN"];
    assert!(all.contains(&format!("::add-mask::{secret}\n")));
}

#[test]
fn the_runners_file_comes_last() {
    let (_scratch, _sandbox, mut job, config) = beside(&[]);
    // GITHUB_ENV is there and cannot be written: by then masks and files have been written, and all is taken back.
    let env = job.scratch.path().join("directory");
    fs::create_dir(&env).unwrap();
    job.set("GITHUB_ENV", &env.display().to_string());
    let output = job.path("GITHUB_OUTPUT");
    fs::write(&output, "a=b").unwrap();
    let file = job.scratch.write("job.env", "EARLIER=1\n");
    let ran = job.jobpass(&["login", "--config", &config, "--env-file", &file.display().to_string()]);
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert!(ran.stdout.contains("::add-mask::"), "masked before it failed");
    assert_eq!(job.file("GITHUB_OUTPUT"), "a=b", "taken back");
    assert_eq!(fs::read_to_string(file).unwrap(), "EARLIER=1\n", "put back");
    assert!(job.passes().is_empty());
}
