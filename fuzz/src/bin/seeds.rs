//! `seeds CASES DIRECTORY TARGET`: writes what a target starts from.

// Coverage is counted in this program too, and the counters are the fuzzer's.
use libfuzzer_sys as _;
use std::path::PathBuf;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [cases, directory, target] = arguments.as_slice() else { panic!("expected CASES DIRECTORY TARGET") };
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    for (at, seed) in jobpass_fuzz::seeds::of(target, &PathBuf::from(cases)).iter().enumerate() {
        std::fs::write(directory.join(format!("case-{at:04}")), seed).expect("a file");
    }
}
