//! What the Windows twin does with names; here, so that it is tested where the tests run.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// What a command prompt tries where `PATHEXT` does not say.
const EXTENSIONS: &str = ".COM;.EXE;.BAT;.CMD";

/// Where the command prompt finds `name`: in `PATH`, with each of the extensions in `PATHEXT`. A name with a directory or a
/// known extension, and one that is not found, stays as it is. The working directory is not searched: what lies in a checkout
/// must not be run in place of a tool.
pub(super) fn windows_program(
    name: &OsStr,
    environment: &[(OsString, OsString)],
    is_file: &dyn Fn(&Path) -> bool,
) -> OsString {
    let value = |wanted: &str| {
        environment.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_os_str())
    };
    let extensions = value("PATHEXT").and_then(OsStr::to_str).filter(|text| !text.is_empty()).unwrap_or(EXTENSIONS);
    let known = |extension: &OsStr| {
        extensions.split(';').any(|one| one.strip_prefix('.').is_some_and(|one| extension.eq_ignore_ascii_case(one)))
    };
    let has_directory = name.to_string_lossy().contains(['/', '\\', ':']);
    if has_directory || Path::new(name).extension().is_some_and(known) {
        return name.to_owned();
    }
    let Some(path) = value("PATH") else { return name.to_owned() };
    for directory in std::env::split_paths(path).filter(|directory| !directory.as_os_str().is_empty()) {
        for extension in extensions.split(';').filter(|extension| !extension.is_empty()) {
            let mut candidate = directory.join(name).into_os_string();
            candidate.push(extension.to_ascii_lowercase());
            if is_file(Path::new(&candidate)) {
                return candidate;
            }
        }
    }
    name.to_owned()
}

/// Whether `path` is `place` or lies in it, where `A` and `a` are the same name.
pub(super) fn lies_in_any_case(path: &Path, place: &Path) -> bool {
    let mut parts = path.components();
    place
        .components()
        .all(|wanted| parts.next().is_some_and(|part| part.as_os_str().eq_ignore_ascii_case(wanted.as_os_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, environment: &[(&str, &str)], files: &[&str]) -> String {
        let environment: Vec<(OsString, OsString)> =
            environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let is_file = |path: &Path| files.iter().any(|file| Path::new(file) == path);
        windows_program(OsStr::new(name), &environment, &is_file).into_string().unwrap()
    }

    #[test]
    fn a_program_is_found_as_a_command_prompt_does() {
        let environment = [("Path", "/empty::/tools:/more"), ("PATHEXT", ".EXE;.CMD")];
        let files = ["/tools/az.cmd", "/more/az.exe", "/tools/aws.exe", "/tools/aws.cmd", "az.cmd"];
        assert_eq!(found("az", &environment, &files), "/tools/az.cmd", "the first directory, not the first extension");
        assert_eq!(found("aws", &environment, &files), "/tools/aws.exe");
        assert_eq!(found("python3.12", &environment, &["/more/python3.12.exe"]), "/more/python3.12.exe");
        for name in ["az.cmd", "missing", "./az", r"C:\az", r"tools\az"] {
            assert_eq!(found(name, &environment, &files), name);
        }
        assert_eq!(found("az", &[("PATH", "/tools")], &files), "/tools/az.cmd", "without PATHEXT");
        assert_eq!(found("az", &[], &files), "az");
    }

    #[test]
    fn names_differ_by_more_than_case() {
        let lies_in = |path: &str, place: &str| lies_in_any_case(Path::new(path), Path::new(place));
        assert!(lies_in("/A/Shop/tmp", "/a/shop") && lies_in("/a/shop", "/A/SHOP"));
        assert!(!lies_in("/a/shop2", "/a/shop") && !lies_in("/a", "/a/shop"));
    }
}
