//! What the fuzz targets hold (`fuzz/`), on every cited case and on every input that once broke something.
//!
//! The fuzzers themselves are built and run by `scripts/fuzz`; this needs nothing but what is built here anyway.

use crate::harness::checkout;

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "shared with the fuzz targets")]
mod checks;

/// Every so many cases: each is asked some hundred questions, and the fuzzers begin with all of them.
const STEP: usize = 8;

#[test]
fn what_the_fuzzers_hold_is_held_by_the_cases() {
    for (target, check) in checks::TARGETS {
        let seeds = checks::seeds::of(target, &checkout().join("tests/cases"));
        let least = if target == "workflow" { 70 } else { 300 };
        assert!(seeds.len() > least, "{} seeds for {target}", seeds.len());
        for (at, seed) in seeds.iter().enumerate().step_by(STEP) {
            check(seed);
            if let Some(changed) = checks::mutate::mutate(seed, at as u64) {
                check(&changed);
            }
        }
    }
}

#[test]
fn what_broke_something_once_does_so_no_more() {
    let mut seen = 0;
    for (target, check) in checks::TARGETS {
        let folder = checkout().join("fuzz/regressions").join(target);
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            check(&std::fs::read(&path).unwrap());
            seen += 1;
        }
    }
    assert!(seen >= 7, "{seen} inputs");
}
