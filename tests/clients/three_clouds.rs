//! The main job: one login, every client accepts it, one logout, nothing left.

use crate::{beside_sandbox, config_of, driver, login, python};

#[test]
fn one_login_serves_every_client_and_one_logout_ends_it() {
    let (_scratch, _sandbox, job) = beside_sandbox("04-three-clouds", &["--environment", "production"]);
    login(&job, &["--config", &config_of("04-three-clouds")]);

    let caller = job.step(&python("aws"), &["sts", "get-caller-identity", "--output", "json"]);
    assert_eq!(caller.code, 0, "{}", caller.stderr);
    assert!(caller.stdout.contains("assumed-role/deploy/jobpass-16000000001-1"), "{}", caller.stdout);
    let google = driver(&job, "google_adc.py", &[]).unwrap();
    assert_eq!(google["service_account"], "publish@acme-shop.iam.gserviceaccount.com");
    driver(&job, "google_adc.mjs", &[]).unwrap();
    driver(&job, "azure_token.py", &["https://management.azure.com/.default"]).unwrap();
    driver(&job, "azure_token.mjs", &["https://management.azure.com/.default"]).unwrap();
    let az = job.step(&python("az"), &["account", "show", "--output", "json"]);
    assert_eq!(az.code, 0, "{}", az.stderr);
    assert!(az.stdout.contains("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"), "{}", az.stdout);

    let ended = job.jobpass(&["logout"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(job.passes(), [""; 0].map(std::path::PathBuf::from), "nothing may be left");
    let blank = job.exported();
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CONFIG_DIR"] {
        assert_eq!(blank.get(name).map(String::as_str), Some(""), "{name}");
    }
    assert!(driver(&job, "boto3_identity.py", &[]).is_err(), "after logout boto3 has no credentials");
}
