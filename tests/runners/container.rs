//! The container image, built by a real builder from `Containerfile`, looked into and run. What is not shown: that an engine
//! starts it. None runs here; its root directory is entered with `chroot`, as the image's user.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::harness::{checkout, is_root, run};
use crate::{Machine, log};

/// Builds the image for one architecture; its configuration, and its files as a directory.
fn built(machine: &Machine, arch: &str) -> (Value, PathBuf) {
    let place = |name: &str| machine.path(name).display().to_string();
    machine.scratch.write("policy.json", r#"{ "default": [{ "type": "insecureAcceptAnything" }] }"#);
    let buildah = |args: &[&str]| {
        let mut command = machine.runner("buildah", machine.scratch.path());
        command.args(["--root", &place("store"), "--runroot", &place("run"), "--storage-driver", "vfs"]);
        let ran = run(command.args(args));
        assert_eq!(ran.code, 0, "buildah {args:?}: {}", log(&ran));
    };
    let (policy, file) = (place("policy.json"), checkout().join("Containerfile").display().to_string());
    let platform = format!("linux/{arch}");
    let (context, image, oci) = (place("context"), format!("jobpass:{arch}"), place(&format!("oci-{arch}")));
    buildah(&[
        "bud",
        "--isolation",
        "chroot",
        "--signature-policy",
        &policy,
        "--platform",
        &platform,
        "--tag",
        &image,
        "--file",
        &file,
        &context,
    ]);
    buildah(&["push", "--signature-policy", &policy, &image, &format!("oci:{oci}")]);

    let read = |name: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(PathBuf::from(&oci).join(name)).unwrap()).unwrap()
    };
    let blob = |value: &Value| format!("blobs/{}", value["digest"].as_str().unwrap().replace(':', "/"));
    let manifest = read(&blob(&read("index.json")["manifests"][0]));
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1, "one file, one layer: {manifest}");
    let root = machine.path(&format!("root-{arch}"));
    fs::create_dir(&root).unwrap();
    let layer = PathBuf::from(&oci).join(blob(&layers[0]));
    let ran = run(Command::new("tar").arg("-xzpf").arg(layer).arg("-C").arg(&root));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    (read(&blob(&manifest["config"])), root)
}

/// A context with one program for this machine's architecture and another for the other.
fn context(machine: &Machine) -> (&'static str, PathBuf) {
    let arch = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let binary = checkout().join("target/static").join(target).join("jobpass");
    assert!(binary.exists(), "{} is not there: run scripts/static-build", binary.display());
    for one in ["amd64", "arm64"] {
        machine.scratch.write(&format!("context/{one}/jobpass"), &format!("a program for {one}"));
    }
    // What else lies in the context must not get into the image.
    machine.scratch.write("context/amd64/other", "");
    fs::copy(&binary, machine.path(&format!("context/{arch}/jobpass"))).unwrap();
    (arch, binary)
}

#[test]
fn the_image_is_the_binary_and_nothing_else() {
    let machine = Machine::new();
    let (own, binary) = context(&machine);
    for arch in ["amd64", "arm64"] {
        let (config, root) = built(&machine, arch);
        assert_eq!(config["architecture"], arch);
        assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/jobpass"]));
        assert_eq!(
            config["config"]["User"], "65532:65532",
            "a number: there is no table of users to look a name up in"
        );
        let names: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["jobpass"]);
        let file = fs::symlink_metadata(root.join("jobpass")).unwrap();
        assert!(file.is_file());
        assert_eq!(file.permissions().mode() & 0o7777, 0o555);
        assert!(!is_root() || file.uid() == 0, "its user cannot replace it");
        let expected =
            if arch == own { fs::read(&binary).unwrap() } else { format!("a program for {arch}").into_bytes() };
        assert!(fs::read(root.join("jobpass")).unwrap() == expected, "{arch}: the binary of that architecture");
    }
}

#[test]
fn it_runs_where_nothing_else_is() {
    let machine = Machine::new();
    let (own, _) = context(&machine);
    let (_, root) = built(&machine, own);
    let mut command = if is_root() {
        let mut chroot = Command::new("chroot");
        chroot.arg("--userspec=65532:65532");
        chroot
    } else {
        let mut unshare = Command::new("unshare");
        unshare.args(["-r", "chroot"]);
        unshare
    };
    // A whole login against the sandbox inside: TLS, the stand-ins, the exchange. No trust policy is there to be explained.
    let args = ["/jobpass", "dry-run", "--repo", "acme/shop", "--aws-region", "eu-west-1", "--aws-role"];
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg(&root).args(args);
    let ran = run(command.arg("arn:aws:iam::123456789012:role/r"));
    assert_eq!(ran.code, 8, "{}", log(&ran));
    assert!(ran.stdout.contains("undecided"), "{}", log(&ran));
}
