//! A folder that only one command writes, and that goes with it.
//!
//! If we are killed it stays, its lock is free, and the next start removes it. Folders without our lock are
//! not ours.

use super::access::{Access, AccessRules, access_in};
use crate::domain::error::Result;
use crate::system::fs::lock::{self, Lock};
use crate::system::fs::{remove_tree, temporary};
use anyhow::Context;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How the folders' names begin, see [`temporary::create_dir`].
const PREFIX: &str = "flow-ai-tmp-";

/// The file in it that is locked while the folder is needed.
const LOCK: &str = "lock";

/// The folder in it that the command gets. What is beside that is ours: nothing in there can be replaced by
/// a link or a pipe.
const INSIDE: &str = "inside";

/// Where in that temporary files go.
pub const OWN: &str = "own";

/// Where in that caches go.
pub const CACHE: &str = "cache";

/// One such folder. Dropping it removes it.
#[derive(Debug)]
pub struct Temporary {
    folder: TempDir,
    _lock: Lock,
}

impl Temporary {
    pub fn new() -> Result<Temporary> {
        // Killed before it is locked, it is found by the mark in its name.
        let folder = temporary::create_dir("tmp")?;
        Temporary::prepare(folder).context("cannot make a temporary folder")
    }

    fn prepare(folder: TempDir) -> std::io::Result<Temporary> {
        for name in [OWN, CACHE] {
            fs::create_dir_all(folder.path().join(INSIDE).join(name))?;
        }
        // It gets its name when it is locked, so that no sweep finds it before.
        let unlocked = folder.path().join("locking");
        let lock = lock::take(&unlocked)?;
        fs::rename(unlocked, folder.path().join(LOCK))?;
        Ok(Temporary { folder, _lock: lock })
    }

    /// The folder that the command gets.
    pub fn inside(&self) -> PathBuf {
        self.folder.path().join(INSIDE)
    }

    /// A file that only we write.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // The folder would go by itself, but for what its command has closed: folders without rights.
        let _ = remove_tree(self.folder.path());
    }
}

/// Removes the folders whose owners are dead.
pub fn sweep() {
    let own = rustix::process::getuid().as_raw();
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let is_named = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
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

/// Variables that name it for temporary files and caches, to whom it is at that path. A cache of an agent's
/// own state stays where it is.
pub fn variables(rules: &AccessRules, seen: &Path) -> Vec<(OsString, OsString)> {
    let own = seen.join(OWN);
    let mut variables: Vec<(OsString, OsString)> =
        ["TMPDIR", "TMP", "TEMP"].map(|name| (name.into(), own.clone().into())).into();
    let cache = rules.temporary.join(CACHE);
    let usual = rules.home().map(|home| home.join(".cache"));
    if let Some(usual) = usual.filter(|usual| access_in(&rules.paths, usual) != Access::Write) {
        for own in rules.paths.iter().filter(|(_, access)| **access == Access::Write) {
            if let Ok(name) = own.0.strip_prefix(&usual) {
                let _ = symlink(own.0, cache.join(name));
            }
        }
        variables.push(("XDG_CACHE_HOME".into(), seen.join(CACHE).into()));
        variables.push(("npm_config_cache".into(), seen.join(CACHE).join("npm").into()));
    }
    variables
}
