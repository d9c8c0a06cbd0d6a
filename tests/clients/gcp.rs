//! Google's Python and Node libraries on our credentials file, against the sandbox.

use crate::harness::Scratch;
use crate::job::{Job, Sandbox};
use crate::{beside_sandbox, config_of, driver, login};

const DIRECT: &str = "[edge.direct]\ndestination = \"gcp\"\nprovider = \
                      \"projects/123456789012/locations/global/workloadIdentityPools/ci-pool/providers/github\"\nproject = \"acme-shop\"\n";

#[test]
fn both_libraries_impersonate_with_our_file() {
    let (_scratch, sandbox, job) = beside_sandbox("02-gcp-github", &["--environment", "production"]);
    login(&job, &["--config", &config_of("02-gcp-github")]);
    for name in ["google_adc.py", "google_adc.mjs"] {
        let before = sandbox.requests().len();
        let answer = driver(&job, name, &[]).unwrap();
        assert_eq!(answer["service_account"], "publish@acme-shop.iam.gserviceaccount.com", "{name}");
        let after = sandbox.requests();
        assert!(after.len() > before, "{name} asked nobody");
        assert!(after[before..].iter().any(|request| request.contains(":generateAccessToken 200")), "{name}");
    }
}

#[test]
fn both_libraries_use_direct_access() {
    let scratch = Scratch::new();
    let config = scratch.write("jobpass.toml", DIRECT).display().to_string();
    let sandbox = Sandbox::start(&scratch, &["--open"]);
    let job = Job::new(&sandbox.variables);
    for mode in ["env", "files"] {
        login(&job, &["--config", &config, "--deliver", mode]);
        for name in ["google_adc.py", "google_adc.mjs"] {
            driver(&job, name, &[]).unwrap();
        }
    }
}

#[test]
fn a_library_is_denied_where_the_condition_denies() {
    let (_scratch, _sandbox, job) = beside_sandbox("02-gcp-github", &["--environment", "staging"]);
    let ran = job.jobpass(&["login", "--config", &config_of("02-gcp-github")]);
    assert_eq!(ran.code, 4, "the gate closes first: {}", ran.stderr);
    let edge = DIRECT.replace("direct", "publish");
    let config = job.scratch.write("jobpass.toml", &edge).display().to_string();
    let ran = job.jobpass(&["login", "--config", &config]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert!(ran.stderr.contains("attribute condition"), "{}", ran.stderr);
}
