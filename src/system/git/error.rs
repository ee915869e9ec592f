//! Why git failed, by kind: the one place that reads git's messages.
//!
//! They are translated, so whoever wants a kind first has git speak English, with [`in_english`].

use super::describe;
use crate::domain::text::escape::first_line;
use crate::domain::text::shell::command_line;
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

/// A filter of the user's configuration that failed on a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFilter {
    pub filter: String,
    pub path: Option<String>,
    /// What the filter printed last, or the shell for it.
    pub why: Option<String>,
}

/// The filter for which git gave up.
pub fn failed_filter(messages: &str) -> Option<FailedFilter> {
    let lines = || messages.lines().map(str::trim).filter(|line| !line.is_empty());
    let end =
        lines().find_map(|line| line.strip_prefix("fatal: ").filter(|line| line.ends_with(" failed")))?;
    let kinds = [": smudge filter ", ": clean filter "];
    let (path, filter) = kinds.iter().find_map(|kind| end.rsplit_once(kind))?;
    let filter = filter.trim_end_matches(" failed").trim_matches('\'');
    let of_git = |line: &&str| ["error:", "fatal:", "warning:"].iter().any(|start| line.starts_with(start));
    let cannot =
        lines().find_map(|line| line.strip_prefix("error: ").filter(|line| line.starts_with("cannot run ")));
    let why = lines().rfind(|line| !of_git(line)).or(cannot);
    Some(FailedFilter { filter: filter.into(), path: Some(path.into()), why: why.map(str::to_owned) })
}

impl fmt::Display for FailedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FailedFilter { filter, path, why } = self;
        write!(f, "the filter `{filter}` failed")?;
        path.as_ref().map_or(Ok(()), |path| write!(f, " on {path}"))?;
        why.as_ref().map_or(Ok(()), |why| write!(f, ": {}", first_line(why, 200)))
    }
}

impl FailedFilter {
    /// What to do about it.
    pub fn fix(&self) -> String {
        match self.filter.as_str() {
            "lfs" => "install git-lfs (https://git-lfs.com), then: git lfs install".to_owned(),
            name => command_line!(
                "see what it runs: git config --get-regexp {}; programs of the project are not there for it, but for \
                 those in folders that are ignored, such as .venv",
                format!("^filter[.]{}[.]", name.replace('.', "[.]"))
            ),
        }
    }
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
    use super::{ErrorKind, failed_filter, kind, locked_refs};

    #[test]
    fn the_filter_that_failed_is_named_with_what_it_said() {
        let smudge = "git-lfs filter-process: 1: git-lfs: not found\nerror: external filter 'git-lfs' failed\n\
                      fatal: art/big: smudge filter .bin: smudge filter lfs failed";
        let clean = "Traceback:\n  boom\nerror: external filter 'strip' failed 1\nfatal: n.ipynb: clean filter 'strip' failed";
        for (messages, filter, path, why) in [
            (smudge, "lfs", "art/big: smudge filter .bin", "git-lfs filter-process: 1: git-lfs: not found"),
            (clean, "strip", "n.ipynb", "boom"),
        ] {
            let found = failed_filter(messages).unwrap();
            assert_eq!(
                (found.filter.as_str(), found.path.as_deref(), found.why.as_deref()),
                (filter, Some(path), Some(why))
            );
        }
        assert_eq!(failed_filter("fatal: not a git repository"), None);
        assert_eq!(failed_filter("fatal: git fetch failed"), None);
    }

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
