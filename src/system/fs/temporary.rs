//! Temporary directories. If this process is killed, the next run finds them: their names hold its mark.

use crate::domain::error::Result;
use crate::system::mark::own_mark;
use anyhow::Context;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How much of the mark is in a name: sockets' paths may be no longer than a hundred characters.
const SHOWN: usize = 12;

/// A directory that vanishes when it is dropped; only we can read it. `what` is a word for users who find it.
pub fn create_dir(what: &str) -> Result<TempDir> {
    create_dir_in(&root(), what)
}

/// The same in that directory.
pub fn create_dir_in(parent: &Path, what: &str) -> Result<TempDir> {
    let prefix = format!("{}{}-", prefix(what), shown(&own_mark()?));
    let cannot = || format!("cannot make a temporary folder in {}", parent.display());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).with_context(cannot)
}

/// How the names of those for that begin.
pub fn prefix(what: &str) -> String {
    format!("flow-ai-{what}-")
}

/// Where they are made.
pub fn root() -> PathBuf {
    std::env::temp_dir()
}

/// Removes those that a dead process with that mark left there.
pub fn sweep(root: &Path, mark: &str) {
    let part = format!("-{}-", shown(mark));
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_its = name.to_str().is_some_and(|name| name.starts_with("flow-ai-") && name.contains(&part));
        if is_its && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // The system removes what we cannot.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn shown(mark: &str) -> &str {
    mark.get(..SHOWN).unwrap_or(mark)
}
