//! The journal: what a pass holds, written down before it is made.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::delivery::Held;
use crate::error::{Error, Kind, Result};
use crate::files::PrivateDir;
use crate::system;

/// The journal's file name.
pub const NAME: &str = "journal.json";
/// The version of its shape.
pub const VERSION: u32 = 1;
/// A journal is never longer, in bytes.
const MAX: u64 = 1 << 20;

/// How a pass ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// The job holds it: it outlives the process and ends with `jobpass logout`.
    Job,
    /// The process holds it (`jobpass exec`) and ends it itself.
    Process,
}

/// What a pass holds. No secret stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// [`VERSION`].
    pub version: u32,
    /// The job that it belongs to.
    pub job: String,
    /// The runner's name (`RUNNER_NAME`); a runner has one job at a time.
    #[serde(default)]
    pub runner: Option<String>,
    /// How it ends.
    pub holder: Holder,
    /// When it was made, in seconds since the epoch.
    pub created: i64,
    /// When the last credential in it ends, in seconds since the epoch; `None` while there is none.
    pub expires: Option<i64>,
    /// The process that made it.
    pub owner: Owner,
    /// Directories inside the pass, by name.
    pub directories: Vec<String>,
    /// Files inside the pass, as `directory/name`.
    pub files: Vec<String>,
    /// Variables that were handed to the job.
    pub variables: Vec<Exported>,
    /// Variables that were blanked, because they would have won over those.
    pub blanked: Vec<String>,
    /// What was granted and ends by itself only.
    pub grants: Vec<Held>,
    /// The runner's files that were appended to.
    pub runner_files: Vec<PathBuf>,
    /// The file of `--env-file`.
    pub env_file: Option<PathBuf>,
}

/// A process, told from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since boot, where the system says so (Linux).
    pub started: Option<u64>,
}

/// A variable that was handed to the job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Its name.
    pub name: String,
    /// What logout sets it to: the empty text, or an earlier value that is no secret.
    pub after: String,
    /// The SHA-256 of the value that was handed over, in hexadecimal. What another step has set since is not ours to end.
    pub digest: String,
}

impl Exported {
    /// True for the value that was handed over.
    #[must_use]
    pub fn is(&self, value: &str) -> bool {
        self.digest == digest(value)
    }
}

/// The SHA-256 of a value, in hexadecimal.
#[must_use]
pub fn digest(value: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, value.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Journal {
    /// Reads the journal of the pass at `directory`; `None` when there is none, or only half of one: a process that was killed
    /// while it wrote.
    ///
    /// # Errors
    /// [`Kind::Files`]: unreadable, or not a plain file of ours; a version that this program does not know.
    pub fn read(directory: &PrivateDir) -> Result<Option<Journal>> {
        let Some(bytes) = directory.read(NAME, MAX)? else {
            return Ok(None);
        };
        let Ok(journal) = serde_json::from_slice::<Journal>(&bytes) else {
            return Ok(None);
        };
        if journal.version != VERSION {
            let message = format!("the journal of {} has another version", directory.path().display());
            return Err(Error::new(Kind::Files, "journal-version", message)
                .detail("expected", VERSION.to_string())
                .detail("presented", journal.version.to_string())
                .hint("end the pass with the jobpass that made it"));
        }
        Ok(Some(journal))
    }

    /// Writes it in one step.
    ///
    /// # Errors
    /// [`Kind::Files`]: it does not fit, or a path in it is not UTF-8.
    pub fn write(&self, directory: &PrivateDir) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::files("journal", "write the journal of", directory.path(), &error))?;
        directory.replace(NAME, &bytes)
    }
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn this_process() -> Owner {
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        Owner { pid, started: system::process_started(pid) }
    }

    /// Whether that process is still there. On a system that does not say when a process started, a later process with the
    /// same number counts as the same.
    #[must_use]
    pub fn lives(self) -> bool {
        system::process_lives(self.pid) && (self.started.is_none() || system::process_started(self.pid) == self.started)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::TempDir;

    #[test]
    fn its_shape_is_the_documented_one() {
        let journal = Journal {
            version: VERSION,
            job: "7-1-build".into(),
            runner: Some("r1".into()),
            holder: Holder::Job,
            created: 1,
            expires: Some(2),
            owner: Owner { pid: 3, started: None },
            directories: vec!["aws".into()],
            files: vec!["aws/config".into()],
            variables: vec![Exported { name: "AWS_REGION".into(), after: String::new(), digest: digest("x") }],
            blanked: vec!["AWS_PROFILE".into()],
            grants: vec![Held { edge: "aws edge `a`".into(), expires: 2 }],
            runner_files: vec!["/e".into()],
            env_file: None,
        };
        let text = r#"{"version":1,"job":"7-1-build","runner":"r1","holder":"job","created":1,"expires":2,"owner":{"pid":3,"started":null},"directories":["aws"],"files":["aws/config"],"variables":[{"name":"AWS_REGION","after":"","digest":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}],"blanked":["AWS_PROFILE"],"grants":[{"edge":"aws edge `a`","expires":2}],"runner_files":["/e"],"env_file":null}"#;
        assert_eq!(serde_json::to_string(&journal).unwrap(), text);
        assert_eq!(serde_json::from_str::<Journal>(text).unwrap(), journal);
    }

    #[test]
    fn half_a_journal_is_none_and_another_version_is_refused() {
        let temp = TempDir::new();
        let directory = PrivateDir::create(temp.path(), "x").unwrap();
        assert!(Journal::read(&directory).unwrap().is_none());
        directory.replace(NAME, br#"{"version":1,"job":"7-"#).unwrap();
        assert!(Journal::read(&directory).unwrap().is_none());
        let mut journal = Journal {
            version: 2,
            job: String::new(),
            runner: None,
            holder: Holder::Process,
            created: 0,
            expires: None,
            owner: Owner::this_process(),
            directories: Vec::new(),
            files: Vec::new(),
            variables: Vec::new(),
            blanked: Vec::new(),
            grants: Vec::new(),
            runner_files: Vec::new(),
            env_file: None,
        };
        journal.write(&directory).unwrap();
        assert_eq!(Journal::read(&directory).unwrap_err().code, "journal-version");
        journal.version = VERSION;
        journal.write(&directory).unwrap();
        assert_eq!(Journal::read(&directory).unwrap(), Some(journal));
    }

    #[test]
    fn a_process_is_told_from_a_later_one_with_its_number() {
        let owner = Owner::this_process();
        assert!(owner.lives());
        assert!(!Owner { pid: 0, started: None }.lives());
        assert!(!Owner { pid: i32::MAX, started: None }.lives());
        if let Some(started) = owner.started {
            assert!(!Owner { started: Some(started + 1), ..owner }.lives());
        }
    }
}
