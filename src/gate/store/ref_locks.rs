//! Locks on refs that a killed process of ours left, which would block git and us for ever.
//!
//! git's lock files do not say who made them. So while we write refs, a file says which, and we hold it
//! locked ([`Intent`]). If such a file is there and not locked, its process was killed, and a ref's lock
//! made right after it is that process's: it is removed. Any other lock stays, and is named in an error.

use super::Repo;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::NamedTempFile;

/// How the names of these files begin, in our own directory.
const PREFIX: &str = "writing-refs-";

/// How long after its intent a process makes its locks at most: writing refs takes milliseconds.
const LONGEST: Duration = Duration::from_secs(5);

/// Says which refs are being written, until it is dropped.
pub(super) struct Intent {
    _file: Option<NamedTempFile>,
}

impl Intent {
    /// To be taken before the refs' own locks. Where it cannot be written, a lock that is left is only named.
    pub fn new<'a>(repo: &Repo, refs: impl IntoIterator<Item = &'a str>) -> Intent {
        let write = || {
            let mut file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(repo.own_dir()?)?;
            file.as_file().lock()?;
            let names: Vec<&str> = refs.into_iter().chain(["packed-refs"]).collect();
            file.write_all(names.join("\n").as_bytes())?;
            anyhow::Ok(file)
        };
        Intent { _file: write().ok() }
    }
}

impl Repo {
    /// Removes the locks that killed processes of ours left; returns which.
    pub fn remove_dead_locks(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.common_dir().join("flow-ai")).into_iter().flatten().flatten();
        let intents = files.filter(|file| file.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        intents.flat_map(|file| locks_of_dead(self.common_dir(), &file.path()).unwrap_or_default()).collect()
    }
}

/// Removes the locks of that intent's process if it is dead, and the intent.
fn locks_of_dead(common: &Path, intent: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut file = File::open(intent)?;
    if file.try_lock().is_err() {
        return Ok(Vec::new());
    }
    let since = file.metadata()?.modified()?;
    let mut names = String::new();
    file.read_to_string(&mut names)?;
    let mut removed = Vec::new();
    for name in names.lines() {
        let lock = common.join(format!("{name}.lock"));
        let Ok(made) = lock.symlink_metadata().and_then(|data| data.modified()) else { continue };
        if made.duration_since(since).is_ok_and(|later| later <= LONGEST) && fs::remove_file(&lock).is_ok() {
            removed.push(lock);
        }
    }
    fs::remove_file(intent)?;
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, locks_of_dead};
    use std::fs::{self, File};
    use std::time::Duration;

    #[test]
    fn only_a_dead_process_loses_only_the_locks_that_it_made() {
        let dir = tempfile::tempdir().unwrap();
        let (common, intent) = (dir.path(), dir.path().join("intent"));
        fs::create_dir_all(common.join("refs/heads")).unwrap();
        fs::write(&intent, "refs/heads/a\nrefs/heads/b\npacked-refs").unwrap();
        let since = fs::metadata(&intent).unwrap().modified().unwrap();
        let make = |name: &str, time| {
            let lock = File::create(common.join(format!("{name}.lock"))).unwrap();
            lock.set_modified(time).unwrap();
        };
        make("refs/heads/a", since);
        make("refs/heads/b", since + LONGEST + Duration::from_secs(1));
        make("refs/heads/c", since);
        make("packed-refs", since - Duration::from_secs(1));
        let held = File::open(&intent).unwrap();
        held.lock().unwrap();
        assert!(locks_of_dead(common, &intent).unwrap().is_empty());
        drop(held);
        assert_eq!(locks_of_dead(common, &intent).unwrap(), [common.join("refs/heads/a.lock")]);
        assert!(!intent.exists());
        for name in ["refs/heads/b", "refs/heads/c", "packed-refs"] {
            assert!(common.join(format!("{name}.lock")).exists(), "{name}");
        }
    }
}
