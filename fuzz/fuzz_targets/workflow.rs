#![no_main]

use jobpass_fuzz::mutate::mutate;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|data: &[u8]| jobpass_fuzz::workflow::check(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    match data.get(..size).and_then(|input| mutate(input, u64::from(seed))) {
        // One in eight is left to the fuzzer, which knows what the program compares.
        Some(changed) if seed % 8 > 0 && changed.len() <= max_size => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
