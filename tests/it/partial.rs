//! Several clouds (threat T24): each of the eight ways in which three edges can end, with and without `--keep-going`; and
//! several logins at once (T28).

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use crate::harness::{Scratch, checkout, crowding, files_below};
use crate::job::{Job, Sandbox};

/// What only this cloud's edge sets, and the word in its file names.
const CLOUDS: [(&str, &str, &str); 3] = [
    ("deploy", "AWS_SESSION_TOKEN", "aws"),
    ("publish", "GOOGLE_APPLICATION_CREDENTIALS", "gcp"),
    ("infra", "AZURE_CLIENT_ID", "azure"),
];

fn beside() -> (Scratch, Sandbox, String) {
    let scratch = Scratch::new();
    let config = checkout().join("examples/04-three-clouds/jobpass.toml").display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--config", &config]);
    (scratch, sandbox, config)
}

/// The example's edges, those that shall fail asking for what nobody granted.
fn edges(granted: [bool; 3]) -> String {
    let mut text = fs::read_to_string(checkout().join("examples/04-three-clouds/jobpass.toml")).unwrap();
    for (granted, (from, to)) in granted.into_iter().zip([
        ("role/deploy", "role/other"),
        ("publish@acme-shop", "other@acme-shop"),
        ("11111111-2222", "11111111-9999"),
    ]) {
        if !granted {
            text = text.replace(from, to);
        }
    }
    text.lines().filter(|line| !line.starts_with("trust = ")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn eight_outcomes_of_three_edges() {
    let (_scratch, sandbox, _config) = beside();
    for number in 0..8u8 {
        let granted = [0, 1, 2].map(|bit| number & (1 << bit) != 0);
        let count = granted.iter().filter(|granted| **granted).count();
        for keep_going in [false, true] {
            let name = format!("{granted:?} keep-going {keep_going}");
            let job = Job::new(&sandbox.variables);
            let config = job.scratch.write("jobpass.toml", &edges(granted)).display().to_string();
            let mut args = vec!["login", "--config", &config];
            args.extend(keep_going.then_some("--keep-going"));
            let ran = job.jobpass(&args);
            let handed_over = count == 3 || (keep_going && count > 0);
            let code = if count == 3 {
                0
            } else if handed_over {
                7
            } else {
                4
            };
            assert_eq!(ran.code, code, "{name}: {}", ran.stderr);

            let (exported, outputs) = (job.exported(), job.file("GITHUB_OUTPUT"));
            let passes = job.passes();
            assert_eq!(passes.len(), 1, "{name}: credentials, or the record of the denial");
            let files: BTreeSet<String> = files_below(&passes[0])
                .iter()
                .map(|path| path.strip_prefix(&passes[0]).unwrap().display().to_string())
                .collect();
            assert_eq!(exported.contains_key("JOBPASS_PASS"), handed_over, "{name}");
            assert_eq!(ran.stdout.is_empty(), !handed_over, "{name}: masks of what is handed over only");
            for (granted, (edge, variable, cloud)) in granted.into_iter().zip(CLOUDS) {
                let here = granted && handed_over;
                assert_eq!(exported.contains_key(variable), here, "{name}: {variable}");
                assert_eq!(outputs.contains(&format!("{edge}-identity<<")), here, "{name}: {outputs}");
                let has_files = files
                    .iter()
                    .any(|file| file.starts_with(&format!("{cloud}-")) || file.starts_with(&format!("{cloud}/")));
                // AWS keys lie in variables.
                assert!(has_files == here || (cloud == "aws" && !has_files), "{name}: {files:?}");
                let said = format!("{cloud} edge `{edge}`");
                assert!(ran.stderr.contains(&said), "{name}: {said}: {}", ran.stderr);
                assert_eq!(ran.stderr.contains(&format!("granted {said}")), granted, "{name}: {}", ran.stderr);
            }
            if !handed_over {
                let records: BTreeSet<String> = ["audit.jsonl", "journal.json"].map(str::to_owned).into();
                assert_eq!((files, exported.len()), (records, 0), "{name}");
            }
            assert_eq!(
                ran.stderr.contains("would have been granted; nothing was handed over"),
                !handed_over && count > 0
            );
            let logout = job.jobpass(&["logout"]);
            assert_eq!(logout.code, 0, "{name}: {}", logout.stderr);
            assert!(job.passes().is_empty() && job.is_blanked(), "{name}");
        }
    }
}

#[test]
fn twenty_logins_at_once_in_one_directory_do_not_meet() {
    let _crowd = crowding();
    let (_scratch, sandbox, config) = beside();
    let shared = Job::new(&sandbox.variables);
    let jobs: Vec<Job> = (0..20)
        .map(|number| {
            let mut job = Job::new(&sandbox.variables);
            job.set("RUNNER_TEMP", &shared.temp().display().to_string());
            // Half of them the legs of one matrix, which differ in their runner only; half of them jobs of their own.
            let name = if number % 2 == 0 { "leg".to_owned() } else { format!("job-{number}") };
            job.set("GITHUB_JOB", &name);
            job.set("RUNNER_NAME", &format!("runner {number}"));
            job
        })
        .collect();
    thread::scope(|scope| {
        for job in &jobs {
            scope.spawn(|| {
                let ran = job.jobpass(&["login", "--config", &config, "--deliver", "files"]);
                assert_eq!(ran.code, 0, "{}", ran.stderr);
            });
        }
    });
    let mut seen = BTreeSet::new();
    for job in &jobs {
        let exported = job.exported();
        let pass = exported["JOBPASS_PASS"].clone();
        assert!(seen.insert(pass.clone()), "two share a pass");
        for name in ["AWS_CONFIG_FILE", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_FEDERATED_TOKEN_FILE"] {
            assert!(exported[name].starts_with(&pass), "{name} leads into another pass");
            assert!(fs::metadata(&exported[name]).is_ok_and(|meta| meta.len() > 0), "{name}");
        }
    }
    thread::scope(|scope| {
        for job in &jobs {
            scope.spawn(|| {
                let ran = job.jobpass(&["logout"]);
                assert_eq!(ran.code, 0, "{}", ran.stderr);
                assert!(job.is_blanked());
            });
        }
    });
    assert!(shared.passes().is_empty(), "{:?}", shared.passes());
}
