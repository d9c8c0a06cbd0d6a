//! Text inside of other text: shells, HCL, Bicep, CEL. No value here holds a control character (see [`super::pins`]).

/// One word of a POSIX shell.
pub(super) fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    // Inside single quotes a shell reads everything as it stands, but for the quote itself.
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `--name=value` as one word.
pub(super) fn flag(name: &str, value: &str) -> String {
    format!("--{name}={}", shell(value))
}

/// JSON as an HCL expression: objects, lists and strings are written alike, but `${` and `%{` begin a template.
pub(super) fn hcl(json: &str) -> String {
    json.replace("${", "$${").replace("%{", "%%{")
}

/// A string of HCL, quotes included.
pub(super) fn hcl_string(text: &str) -> String {
    hcl(&json(text))
}

/// A string of JSON, quotes included.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A string of Bicep, quotes included.
pub(super) fn bicep(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'").replace("${", r"\${"))
}

/// A string of CEL, quotes included.
pub(super) fn cel(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// A name that Terraform, CloudFormation's templates and Bicep take for a resource.
pub(super) fn identifier(edge: &str) -> String {
    let name = edge.replace('-', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("edge_{name}") } else { name }
}

/// The notices as comments.
pub(super) fn comments(mark: &str, notices: &[String]) -> String {
    notices.iter().map(|notice| format!("{mark} {notice}\n")).collect()
}
