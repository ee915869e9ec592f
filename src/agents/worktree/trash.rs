//! What was removed and held something that is in no commit: kept for a while, and given back.
//!
//! An entry is a record `<common git dir>/flow-ai/trash/<id>.json`, out of reach of agents, and a folder
//! `<worktrees>/.trash/<id>/` with what was moved there by rename: `files` (the worktree, or the ignored
//! files of one), `record` (what we know of it, with its private repository). The record is written first, so that dying at any moment leaves the files either
//! in their place or in a folder that a record names. Nothing in the trash is ever opened or run. Only what
//! a record of this repository names is ours: several repositories may share one folder for worktrees.

mod back;
mod put;

use super::Worktrees;
use super::private::base_ref;
use super::remove::tidy_unused;
use crate::domain::error::{Result, hint};
use crate::gate::store::Repo;
use crate::system::fs::remove_tree;
use anyhow::{Context, bail};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The version of the records.
const VERSION: u32 = 1;

/// The end of the name of what is only waiting to be deleted.
pub(super) const GONE: &str = ".gone";

/// What an entry holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A whole worktree.
    Worktree,
    /// The ignored files of a worktree whose other files are all in commits.
    Ignored,
}

/// One thing in the trash, as its record says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    version: u32,
    /// Eight hexadecimal digits.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The worktree's name: `<slug>.<task>`.
    pub name: String,
    /// The id of the worktree's own record.
    pub worktree: String,
    /// The run that was the spec's newest then.
    #[serde(default)]
    pub run: Option<String>,
    /// When it was removed.
    pub at: Timestamp,
    /// Why, in one sentence.
    pub why: String,
    /// What it holds that is nowhere else and is somebody's work; such an entry is never deleted unasked.
    #[serde(default)]
    pub holds: Option<String>,
    /// The bytes that it takes on disk.
    pub bytes: u64,
    path: Bytes,
    place: Bytes,
    /// Which folder `files` is, see [`identity`].
    #[serde(default)]
    folder: String,
}

/// A path, which need not be text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Other(Vec<u8>),
}

impl Bytes {
    fn of(path: &Path) -> Bytes {
        match path.to_str() {
            Some(text) => Bytes::Text(text.to_owned()),
            None => Bytes::Other(path.as_os_str().as_bytes().to_vec()),
        }
    }

    fn path(&self) -> PathBuf {
        match self {
            Bytes::Text(text) => PathBuf::from(text),
            Bytes::Other(bytes) => PathBuf::from(std::ffi::OsString::from_vec(bytes.clone())),
        }
    }
}

impl Entry {
    /// Where it was.
    pub fn path(&self) -> PathBuf {
        self.path.path()
    }
}

/// A repository's trash. It needs no config, so that it can be read when nothing else works.
#[derive(Debug, Clone)]
pub struct Trash {
    own: PathBuf,
    root: Option<PathBuf>,
}

impl Trash {
    /// The trash of the repository with that common git directory. `root` is today's folder for worktrees,
    /// where that can be told: after a repository was moved, its trash is looked for there too.
    pub fn of(common: &Path, root: Option<&Path>) -> Trash {
        Trash { own: common.join("flow-ai"), root: root.map(Path::to_owned) }
    }

    /// What is in it, oldest first, and records that cannot be read, each in one sentence.
    pub fn entries(&self) -> Result<(Vec<Entry>, Vec<String>)> {
        let dir = self.records();
        let files = match fs::read_dir(&dir) {
            Ok(files) => files,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok((Vec::new(), Vec::new()));
            }
            Err(error) => return Err(error).with_context(|| format!("cannot list {}", dir.display())),
        };
        let (mut entries, mut odd) = (Vec::new(), Vec::new());
        for file in files {
            let path = file?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok(Some(entry)) if self.holds_anything(&entry) => entries.push(entry),
                // Given back or deleted meanwhile, or we died before anything was moved.
                Ok(_) => {}
                Err(error) => odd.push(format!("{} cannot be read: {error:#}", path.display())),
            }
        }
        entries.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        Ok((entries, odd))
    }

    /// Where an entry's files are now.
    pub fn place(&self, entry: &Entry) -> PathBuf {
        let recorded = entry.place.path();
        let moved = self.root.as_ref().map(|root| root.join(".trash").join(&entry.id));
        match moved {
            Some(moved) if !recorded.exists() && moved.exists() => moved,
            _ => recorded,
        }
    }

    fn holds_anything(&self, entry: &Entry) -> bool {
        let place = self.place(entry);
        ["files", "record"].iter().any(|part| place.join(part).symlink_metadata().is_ok())
    }

    fn records(&self) -> PathBuf {
        self.own.join("trash")
    }

    /// Deletes an entry for good. Returns why something of it resists, in one sentence.
    pub fn delete(&self, entry: &Entry) -> Result<Option<String>> {
        let _lock = self.lock(entry)?;
        let place = self.place(entry);
        let files = place.join("files");
        // Somebody may have put something else there.
        if files.symlink_metadata().is_ok() && !entry.folder.is_empty() && !is(&files, &entry.folder) {
            bail!("{} is not what was put there: look at it, and remove it yourself", files.display());
        }
        let gone = place.with_file_name(format!("{}{GONE}", entry.id));
        match fs::rename(&place, &gone) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot delete {}", place.display()));
            }
            _ => {}
        }
        self.forget(entry, &place)?;
        self.release(entry)?;
        let resists = remove_tree(&gone).err().map(|error| format!("{} stays: {error}", gone.display()));
        // The trash and the folder for worktrees, once they are empty.
        if let Some(root) = gone.ancestors().nth(2) {
            tidy_unused(&self.own, root);
        }
        Ok(resists)
    }

    /// Lets `git gc` have what a worktree was made from.
    fn release(&self, entry: &Entry) -> Result<()> {
        let Some(common) = self.own.parent() else { return Ok(()) };
        let repo = Repo::open(common)?;
        let name = base_ref(&entry.worktree);
        match repo.find_ref(&name)? {
            Some(base) if entry.kind == Kind::Worktree => repo.delete_ref(&name, base),
            _ => Ok(()),
        }
    }

    /// Forgets an entry that holds nothing any more.
    fn forget(&self, entry: &Entry, place: &Path) -> Result<()> {
        // Only empty folders go by this.
        let _ = place.ancestors().take(2).try_for_each(fs::remove_dir);
        let path = self.records().join(format!("{}.json", entry.id));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// One at a time gives back or deletes; whoever comes second finds that it has gone.
    fn lock(&self, entry: &Entry) -> Result<File> {
        let path = self.records().join(format!("{}.json", entry.id));
        let gone = || hint(format!("{} has gone from the trash meanwhile", entry.id), "git flow-ai recover");
        let file = File::open(&path).map_err(|_| gone())?;
        file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        if !path.exists() { Err(gone()) } else { Ok(file) }
    }

    fn write(&self, entry: &Entry) -> Result<()> {
        let dir = self.records();
        let write = || {
            fs::create_dir_all(&dir)?;
            let mut file = tempfile::NamedTempFile::new_in(&dir)?;
            file.write_all(&serde_json::to_vec(entry)?)?;
            file.as_file().sync_all()?;
            file.persist(dir.join(format!("{}.json", entry.id)))?;
            Ok::<(), std::io::Error>(())
        };
        write().with_context(|| format!("cannot write to {}", dir.display()))
    }

    /// The entry of a worktree that we died over while it was on its way into the trash, or out of it.
    pub(super) fn half_moved(&self, worktree: &str) -> Result<Option<PathBuf>> {
        let (entries, _) = self.entries()?;
        let found = entries.iter().find(|entry| entry.worktree == worktree && entry.kind == Kind::Worktree);
        Ok(found.map(|entry| self.place(entry)))
    }
}

impl Worktrees {
    /// The repository's trash.
    pub fn trash(&self) -> Trash {
        Trash::of(&self.common, Some(&self.root))
    }
}

/// Which folder it is, whatever its name: its number and, since numbers are used again, its time of birth.
/// None for what is no folder. Device numbers are left out: they change when a system starts anew.
pub fn identity(path: &Path) -> Option<String> {
    let data = path.symlink_metadata().ok().filter(|data| data.is_dir())?;
    let born = data.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Some(format!("{} {}", data.ino(), born.map_or(0, |born| born.as_nanos())))
}

fn is(path: &Path, told: &str) -> bool {
    identity(path).as_deref() == Some(told)
}

/// Reads a record; none when it has just gone.
fn read(path: &Path) -> Result<Option<Entry>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let head: Head = serde_json::from_slice(&bytes).context("it is no record")?;
    if head.version != VERSION {
        bail!("a newer git-flow-ai wrote it (version {}): update", head.version);
    }
    Ok(Some(serde_json::from_slice(&bytes).context("it is damaged")?))
}
