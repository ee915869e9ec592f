//! Removed worktrees that can be restored: whole ones, and ignored files of others.
//!
//! They stay in their record as `files/`, moved there by rename, beside `removed`: when and why, as JSON.
//! That is written first and deleted last, so that a kill leaves the files at their path or in the record,
//! and the record says which.
//!
//! A record and not a commit, because of what these files are: no agent sees a record, while every agent
//! reads all objects, `.env` included; `git push --mirror` leaves it at home; and what is dropped is deleted,
//! instead of waiting for `git gc`.

use super::ignored::IgnoredFiles;
use super::record::{self, WorktreeRecord};
use super::records;
use super::{Worktree, Worktrees, dissolve, private_git, scan};
use crate::domain::error::{Result, hint};
use crate::domain::text::shell::command_line;
use crate::system::fs::disk_usage::{GLANCE, THOROUGH, measure};
use crate::system::fs::{move_new, remove_tree};
use anyhow::Context;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrashKind {
    Worktree,
    /// The ignored files of a worktree whose other files are all in commits.
    Ignored,
}

/// When and why something was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    pub kind: TrashKind,
    /// The run that was the spec's newest then.
    pub run: Option<String>,
    pub at: Timestamp,
    pub why: String,
    /// What is nowhere else and somebody's work; such an entry is never deleted unasked.
    pub holds: Option<String>,
    /// The bytes that it takes on disk.
    pub bytes: u64,
}

/// One thing in the trash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrashEntry {
    pub id: String,
    /// The worktree's name: `<slug>.<task>`.
    pub name: String,
    /// Where it is restored to: its path, in today's folder for worktrees.
    pub path: PathBuf,
    pub removal: Removal,
    record: PathBuf,
}

impl TrashEntry {
    /// Where its files are now.
    pub fn files(&self) -> PathBuf {
        self.record.join("files")
    }
}

/// A repository's trash. It needs no config, so that it can be read when nothing else works.
#[derive(Debug, Clone)]
pub struct Trash {
    common: PathBuf,
    root: Option<PathBuf>,
}

impl Trash {
    /// The trash of the repository with that common git directory. `root` is today's folder for worktrees,
    /// if it is known: a repository can be moved.
    pub fn new(common: &Path, root: Option<&Path>) -> Trash {
        Trash { common: common.to_owned(), root: root.map(Path::to_owned) }
    }

    /// What is in it, oldest first, and records that cannot be read, each in one sentence.
    pub fn entries(&self) -> Result<(Vec<TrashEntry>, Vec<String>)> {
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for dir in records::dirs(&self.own_dir())?.into_iter().filter(|dir| record::is_in_trash(dir)) {
            match self.read(&dir) {
                Ok(entry) => entries.push(entry),
                // Restored or deleted meanwhile.
                Err(_) if !record::is_in_trash(&dir) => {}
                Err(error) => unreadable.push(format!("{} cannot be read: {error:#}", dir.display())),
            }
        }
        entries.sort_by(|a, b| (a.removal.at, &a.id).cmp(&(b.removal.at, &b.id)));
        Ok((entries, unreadable))
    }

    fn read(&self, dir: &Path) -> Result<TrashEntry> {
        let removal = match serde_json::from_slice(&fs::read(dir.join("removed"))?) {
            Ok(removal) => removal,
            Err(_) => unknown_removal(dir)?,
        };
        let path = PathBuf::from(std::ffi::OsString::from_vec(fs::read(dir.join("path"))?));
        let path = match (&self.root, path.file_name()) {
            (Some(root), Some(name)) => root.join(name),
            _ => path,
        };
        let name = String::from_utf8_lossy(&fs::read(dir.join("name"))?).into_owned();
        let id = dir.to_string_lossy().rsplit('-').next().unwrap_or_default().to_owned();
        Ok(TrashEntry { id, name, path, removal, record: dir.to_owned() })
    }

    /// Restores an entry: to its path, or to another one where nothing is. Returns where it is now.
    pub fn restore(&self, entry: &TrashEntry, to: Option<&Path>) -> Result<PathBuf> {
        let record = lock(entry)?;
        let path = to.map(std::path::absolute).transpose()?.unwrap_or_else(|| entry.path.clone());
        if path.symlink_metadata().is_ok() {
            return Err(occupied(entry, &path));
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        }
        // Before the files move, so that a kill does not leave a record that looks for them elsewhere.
        record.set_path(&entry.path)?;
        // What the user wanted elsewhere is theirs.
        record.set_restored(to.map(|_| &*path))?;
        if let Err(error) = move_new(&record.files(), &path) {
            record.set_restored(None)?;
            return Err(cannot_restore(entry, &path, error));
        }
        match entry.removal.kind {
            TrashKind::Worktree => record.unset_removed()?,
            TrashKind::Ignored => record.delete()?,
        }
        Ok(path)
    }

    /// Deletes an entry for good. Returns why something of it resists, in one sentence.
    pub fn delete(&self, entry: &TrashEntry) -> Result<Option<String>> {
        let record = lock(entry)?;
        if entry.removal.kind == TrashKind::Worktree {
            private_git::release_base(&self.common, &record)?;
        }
        let gone = self.own_dir().join("trash").join(record.id());
        fs::create_dir_all(self.own_dir().join("trash")).context("cannot make the trash")?;
        let context = || format!("cannot delete {}", record.dir().display());
        fs::rename(record.dir(), &gone).with_context(context)?;
        Ok(remove_tree(&gone).err().map(|error| format!("{} stays: {error}", gone.display())))
    }

    fn own_dir(&self) -> PathBuf {
        self.common.join("flow-ai")
    }
}

/// Moves a worktree into the trash, whatever it holds.
pub(super) fn put(mut worktree: Worktree, why: &str, holds: Option<String>) -> Result<TrashEntry> {
    dissolve::dissolve(&mut worktree)?;
    let bytes = measure(&worktree.path, THOROUGH).bytes;
    let removal = Removal { holds, bytes, ..removal(&worktree, TrashKind::Worktree, why) };
    worktree.record.set_removed(&serde_json::to_vec(&removal)?)?;
    let context = || format!("cannot move {} to the trash", worktree.path.display());
    if let Err(error) = move_new(&worktree.path, &worktree.record.files()) {
        worktree.record.unset_removed()?;
        return Err(error).with_context(context);
    }
    worktree.parent.trash().read(worktree.record.dir())
}

/// Moves ignored files of a worktree into the trash, in a record of their own.
pub(super) fn put_ignored(worktree: &Worktree, ignored: &IgnoredFiles) -> Result<()> {
    let making = worktree.parent.making()?;
    let why = "ignored files of a worktree that was removed";
    let removal = Removal { bytes: ignored.bytes, ..removal(worktree, TrashKind::Ignored, why) };
    let path = [("path", worktree.path.as_os_str().as_bytes())];
    let record = WorktreeRecord::create(&worktree.parent.own_dir(), &worktree.name, &path)?;
    drop(making);
    record.set_removed(&serde_json::to_vec(&removal)?)?;
    for path in &ignored.paths {
        let (from, to) = (worktree.files().join(path), record.files().join(path));
        let context = || format!("cannot keep {}", path.display());
        if !scan::is_real_folder(&worktree.files(), path.parent().unwrap_or(path)) {
            anyhow::bail!("cannot keep {}: a link has taken its folder's place", path.display());
        }
        fs::create_dir_all(to.parent().unwrap_or(&to)).with_context(context)?;
        move_new(&from, &to).with_context(context)?;
    }
    Ok(())
}

fn removal(worktree: &Worktree, kind: TrashKind, why: &str) -> Removal {
    let run = newest_run(&worktree.parent.own_dir(), &worktree.name);
    Removal { kind, run, at: Timestamp::now(), why: why.to_owned(), holds: None, bytes: 0 }
}

/// What can be said of a removal whose own words are damaged.
fn unknown_removal(dir: &Path) -> Result<Removal> {
    // Only the record of a worktree has a base.
    let kind = if dir.join("base").exists() { TrashKind::Worktree } else { TrashKind::Ignored };
    let at = Timestamp::try_from(dir.join("removed").metadata()?.modified()?)?;
    let holds = Some("unknown: the record of its removal is damaged".to_owned());
    let bytes = measure(&dir.join("files"), GLANCE).bytes;
    Ok(Removal { kind, run: None, at, why: "unknown".to_owned(), holds, bytes })
}

/// The newest run of the spec that a worktree's name begins with: ids of runs sort by time.
fn newest_run(own: &Path, name: &str) -> Option<String> {
    let (slug, _) = name.split_once('.')?;
    let runs = fs::read_dir(own.join("runs").join(slug)).ok()?.flatten();
    runs.filter(|run| run.path().is_dir()).filter_map(|run| run.file_name().into_string().ok()).max()
}

impl Worktrees {
    pub fn trash(&self) -> Trash {
        Trash::new(&self.common, Some(&self.root))
    }
}

/// One process at a time restores or deletes an entry; the second finds that it has gone.
fn lock(entry: &TrashEntry) -> Result<WorktreeRecord> {
    let record = WorktreeRecord::wait_for(entry.record.clone())?.filter(WorktreeRecord::is_in_trash);
    record
        .ok_or_else(|| hint(format!("{} has gone from the trash meanwhile", entry.id), "git flow-ai recover"))
}

fn occupied(entry: &TrashEntry, path: &Path) -> anyhow::Error {
    hint(
        format!("{} exists, and nothing is ever written over", path.display()),
        command_line!("name another place: git flow-ai recover {} --to <folder>", entry.id),
    )
}

fn cannot_restore(entry: &TrashEntry, path: &Path, error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AlreadyExists => occupied(entry, path),
        _ => anyhow::Error::new(error).context(format!("cannot move it to {}", path.display())),
    }
}
