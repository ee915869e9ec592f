//! Out of the trash: to where it was, or to another place, and never over something.

use super::{Entry, Trash};
use crate::domain::error::{Result, hint};
use crate::system::fs::move_to;
use anyhow::Context;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

impl Trash {
    /// Gives an entry back: to its place, or to another one where nothing is. Returns where it is now.
    pub fn restore(&self, entry: &Entry, to: Option<&Path>) -> Result<PathBuf> {
        let _lock = self.lock(entry)?;
        let place = self.place(entry);
        let path = match to {
            Some(to) => std::path::absolute(to)?,
            None => self.original(entry),
        };
        if path.symlink_metadata().is_ok() {
            return Err(occupied(entry, &path));
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        let record = self.own.join("worktrees").join(&entry.worktree);
        // Locked before it is among the others, so that nobody takes it for a dead one whose folder has gone.
        let held = File::options().write(true).open(place.join("record/lock")).ok();
        if let Some(held) = &held {
            held.lock().context("cannot lock the worktree's record")?;
        }
        give_back(&place.join("record"), &record)?;
        match move_to(&place.join("files"), &path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(occupied(entry, &path)),
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let fix = format!(
                    "give it back to its place, and copy it from there: git flow-ai recover {}",
                    entry.id
                );
                return Err(hint(format!("{} is on another file system", path.display()), fix));
            }
            other => other.with_context(|| format!("cannot move it to {}", path.display()))?,
        }
        if record.is_dir() {
            self.tell_record(&record, &path, to.is_some())?;
        }
        self.forget(entry, &place)?;
        Ok(path)
    }

    /// Its place, also when the folder for worktrees moved together with the repository.
    fn original(&self, entry: &Entry) -> PathBuf {
        let path = entry.path();
        let moved = self.place(entry) != entry.place.path();
        match (&self.root, path.file_name()) {
            (Some(root), Some(name)) if moved => root.join(name),
            _ => path,
        }
    }

    /// Writes into a worktree's record where it is now; what a person wanted elsewhere is theirs.
    fn tell_record(&self, record: &Path, path: &Path, elsewhere: bool) -> Result<()> {
        let write = |name: &str, bytes: &[u8]| {
            fs::write(record.join(name), bytes).with_context(|| format!("cannot write {}", record.display()))
        };
        if elsewhere {
            write("restored", b"")?;
        }
        write("path", path.as_os_str().as_bytes())
    }
}

/// Moves one part of an entry back to where it was; what is not there has been given back before.
fn give_back(from: &Path, home: &Path) -> Result<()> {
    if from.symlink_metadata().is_err() {
        return Ok(());
    }
    if let Some(parent) = home.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    }
    move_to(from, home).with_context(|| format!("cannot give back {}", home.display()))
}

fn occupied(entry: &Entry, path: &Path) -> anyhow::Error {
    hint(
        format!("{} exists, and nothing is ever written over", path.display()),
        format!("name another place: git flow-ai recover {} --to <folder>", entry.id),
    )
}
