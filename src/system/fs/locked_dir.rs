//! Directories that one process needs and that go with it.
//!
//! If we are killed one stays, its lock is free, and the next start removes it. Directories without our lock
//! are not ours.

use super::lock::{self, Lock};
use super::{remove_tree, temporary};
use crate::domain::error::Result;
use anyhow::Context;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tempfile::TempDir;

/// The file in it that is locked while the directory is needed.
const LOCK: &str = "lock";

/// One such directory. Dropping it removes it.
#[derive(Debug)]
pub struct LockedDir {
    dir: TempDir,
    _lock: Lock,
}

impl LockedDir {
    /// A new one in that directory; `what` is a word for users who find it.
    pub fn new(parent: &Path, what: &str) -> Result<LockedDir> {
        // Killed before it is locked, it is found by the mark in its name.
        let dir = temporary::create_dir_in(parent, what)?;
        // The lock gets its name when it is held, so that no sweep finds it before.
        let unlocked = dir.path().join("locking");
        let cannot = || format!("cannot lock {}", dir.path().display());
        let lock = lock::take(&unlocked).with_context(cannot)?;
        fs::rename(unlocked, dir.path().join(LOCK)).with_context(cannot)?;
        Ok(LockedDir { dir, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for LockedDir {
    fn drop(&mut self) {
        // It would go by itself, but for what a command has closed: directories without rights.
        let _ = remove_tree(self.dir.path());
    }
}

/// Removes those of that kind whose owners are dead.
pub fn sweep(parent: &Path, what: &str) {
    let own = rustix::process::getuid().as_raw();
    let prefix = temporary::prefix(what);
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_named = entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
        let is_ours = || entry.metadata().is_ok_and(|found| found.is_dir() && found.uid() == own);
        if !is_named || !is_ours() {
            continue;
        }
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            // What cannot be removed is met again at the next start.
            let _ = remove_tree(&entry.path());
        }
    }
}
