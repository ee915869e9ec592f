//! Why git failed, by kind: the one place that reads git's messages.
//!
//! They are translated, so whoever wants a kind first has git speak English, with [`in_english`].

use super::describe;
use std::fmt;
use std::process::{Command, ExitStatus};

/// A git command that failed.
#[derive(Debug)]
pub struct GitError {
    /// The command as a user would type it.
    pub command: String,
    pub status: ExitStatus,
    /// What git printed, without the white space around it.
    pub stderr: String,
}

/// What a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The disk is full, or the user's quota.
    NoSpace,
    /// Something here cannot be written, which waiting does not change.
    Unwritable,
    /// The remote does not have the ref.
    RefMissing,
    /// Another process wrote the same ref at that moment, or has done so since it was read.
    RefMoved,
    /// A file's content cannot be taken as its attributes ask: encoded, filtered.
    Content,
    Other,
}

/// The first row with a phrase that git printed decides.
const PHRASES: &[(ErrorKind, &[&str])] = &[
    (ErrorKind::NoSpace, &["No space left on device", "Disk quota exceeded"]),
    (ErrorKind::Unwritable, &["unable to create directory", "couldn't write", "Read-only file system"]),
    (ErrorKind::RefMissing, &["couldn't find remote ref"]),
    (
        ErrorKind::RefMoved,
        &[
            LOCKED,
            "failed to update ref",
            "Unable to create",
            "fetch first",
            "incorrect old value",
            // From git 2.54 on.
            "reference already exists",
            "reference does not exist",
        ],
    ),
    (
        ErrorKind::Content,
        &["failed to encode", " if encoded as ", "and back is not the same", "clean filter"],
    ),
];

const LOCKED: &str = "cannot lock ref '";

/// Has git, and the hooks and filters that it starts, print messages in English.
pub fn in_english(command: &mut Command) -> &mut Command {
    command.env("LC_ALL", "C")
}

/// What git's messages mean. What the remote printed is only about the remote's disk.
pub fn kind(messages: &str) -> ErrorKind {
    let has = |kind: ErrorKind, phrase: &str| {
        let is_local = matches!(kind, ErrorKind::NoSpace | ErrorKind::Unwritable);
        messages.lines().any(|line| line.contains(phrase) && !(is_local && line.starts_with("remote:")))
    };
    let row = PHRASES.iter().find(|(kind, phrases)| phrases.iter().any(|phrase| has(*kind, phrase)));
    row.map_or(ErrorKind::Other, |(kind, _)| *kind)
}

/// The refs that git could not lock.
pub fn locked_refs(messages: &str) -> Vec<&str> {
    let after = messages.lines().filter_map(|line| Some(line.split_once(LOCKED)?.1));
    after.map(|rest| rest.split('\'').next().unwrap_or(rest)).collect()
}

/// Whether git printed that it leaves out paths whose names it refuses.
pub fn ignores_paths(messages: &str) -> bool {
    messages.lines().any(|line| line.starts_with("Ignoring path "))
}

impl GitError {
    pub fn new(command: &Command, status: ExitStatus, stderr: &[u8]) -> GitError {
        let stderr = String::from_utf8_lossy(stderr).trim().to_owned();
        GitError { command: describe(command), status, stderr }
    }

    pub fn kind(&self) -> ErrorKind {
        kind(&self.stderr)
    }

    /// Why an error came about, if a git command that failed is among its causes.
    pub fn kind_of(error: &anyhow::Error) -> ErrorKind {
        let mut errors = error.chain().filter_map(|cause| cause.downcast_ref::<GitError>());
        errors.next().map_or(ErrorKind::Other, GitError::kind)
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed ({}): {}", self.command, self.status, self.stderr)
    }
}

impl std::error::Error for GitError {}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, kind, locked_refs};

    #[test]
    fn a_message_has_one_kind() {
        let locked = "error: cannot lock ref 'refs/notes/flow-ai': is at 12 but expected 34";
        for (messages, expected) in [
            (locked, ErrorKind::RefMoved),
            ("error: cannot lock ref 'a'\nfatal: write error: No space left on device", ErrorKind::NoSpace),
            (
                "remote: fatal: No space left on device\n ! [remote rejected] (fetch first)",
                ErrorKind::RefMoved,
            ),
            ("fatal: couldn't find remote ref refs/notes/flow-ai", ErrorKind::RefMissing),
            ("fatal: not a git repository", ErrorKind::Other),
            ("", ErrorKind::Other),
        ] {
            assert_eq!(kind(messages), expected, "{messages}");
        }
        assert_eq!(locked_refs(&format!("x\n{locked}\n")), ["refs/notes/flow-ai"]);
    }
}
