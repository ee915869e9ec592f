//! What we know of a worktree, kept where nothing that runs in the worktree comes by.
//!
//! A folder `<common git dir>/flow-ai/worktrees/<id>/` of small files, as git's own admin folders are:
//! `name`, `path`, `base`, `index` (as git wrote it at checkout; missing until that was complete), `copied`
//! (paths that we brought in, separated by NUL), `saved` (the tree of its files last known to be safe
//! elsewhere), `settled` (the tips of its own refs, likewise), `folder` (which
//! folder was made), `ready` (when its set-up was done), `restored` (a person has it now), `lock`, `template/` (what is put back in the
//! private repository), `aside/` (what was found in its place), and `git/`: the private repository itself, the
//! only part that whoever works there can write.

use crate::domain::error::Result;
use anyhow::Context;
use gix::ObjectId;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// What the names of scratch indexes begin with.
const SCRATCH: &str = "scratch-";

/// What the names of files begin with that are not renamed into their place yet.
const TEMPORARY: &str = ".tmp";

/// A record, locked by this process.
#[derive(Debug)]
pub struct Record {
    dir: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl Record {
    /// A new record for a worktree at that path. Made and locked aside, then renamed into its place, so
    /// that nobody takes it for a dead one.
    pub fn create(own: &Path, id: &str, name: &str, path: &Path, base: ObjectId) -> Result<Record> {
        let aside = own.join("stage").join(format!("{id}.record"));
        fs::create_dir_all(&aside).with_context(|| format!("cannot make {}", aside.display()))?;
        let Some(mut record) = Record::lock(aside)? else {
            anyhow::bail!("the new worktree {id} is locked by another process already");
        };
        record.write("base", base.to_string().as_bytes())?;
        record.write("name", name.as_bytes())?;
        record.write("path", path.as_os_str().as_bytes())?;
        record.write("folder", super::trash::identity(path).unwrap_or_default().as_bytes())?;
        let dir = own.join("worktrees").join(id);
        let context = || format!("cannot make {}", dir.display());
        fs::create_dir_all(own.join("worktrees")).with_context(context)?;
        fs::rename(&record.dir, &dir).with_context(context)?;
        record.dir = dir;
        Ok(record)
    }

    /// Takes the lock; none when another process has it, or when the record has gone.
    fn lock(dir: PathBuf) -> Result<Option<Record>> {
        let path = dir.join("lock");
        let lock = match File::options().create(true).truncate(false).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
        };
        Ok(lock.try_lock().is_ok().then_some(Record { dir, _lock: lock }))
    }

    /// The worktree's name, path and base; none when we died before all were written.
    pub fn read(&self) -> Result<Option<(String, PathBuf, ObjectId)>> {
        let (Some(name), Some(path)) = (self.get("name")?, self.get("path")?) else { return Ok(None) };
        let Some(base) = self.object("base")? else { return Ok(None) };
        let name = String::from_utf8_lossy(&name).into_owned();
        Ok(Some((name, PathBuf::from(std::ffi::OsString::from_vec(path)), base)))
    }

    /// Remembers where the worktree was moved to.
    pub fn set_path(&self, path: &Path) -> Result<()> {
        self.write("path", path.as_os_str().as_bytes())
    }

    /// Which folder was made, see [`identity`](super::trash::identity).
    pub fn folder(&self) -> Result<Option<String>> {
        Ok(self.get("folder")?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The id.
    pub fn id(&self) -> &OsStr {
        self.dir.file_name().unwrap_or_default()
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The private repository.
    pub fn git_dir(&self) -> PathBuf {
        self.dir.join("git")
    }

    /// What is put back in it when somebody changed it.
    pub fn template(&self) -> PathBuf {
        self.dir.join("template")
    }

    /// The index as git wrote it at checkout.
    pub fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// A scratch file of that name beside it.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A scratch index that nobody else uses: a git that outlives a killed run may still hold the lock on
    /// its own.
    pub fn scratch_index(&self) -> Result<PathBuf> {
        Ok(self.dir.join(format!("{SCRATCH}{:08x}", getrandom::u32().context("no random numbers")?)))
    }

    /// Removes what a killed process of ours left half done in it.
    pub fn sweep(&self) -> Result<()> {
        for entry in fs::read_dir(&self.dir)?.flatten() {
            let name = entry.file_name();
            let is_half = |prefix: &str| name.as_bytes().starts_with(prefix.as_bytes());
            if is_half(SCRATCH) || is_half(TEMPORARY) || name == "index.new" {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// The paths that we brought in.
    pub fn copied(&self) -> Result<Vec<PathBuf>> {
        let bytes = self.get("copied")?.unwrap_or_default();
        let paths = bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
    }

    /// Adds to the paths that we brought in.
    pub fn add_copied(&self, paths: &[PathBuf]) -> Result<()> {
        let mut bytes = self.get("copied")?.unwrap_or_default();
        for path in paths {
            bytes.extend_from_slice(path.as_os_str().as_bytes());
            bytes.push(0);
        }
        self.write("copied", &bytes)
    }

    /// The tree of the worktree's files that was last known to be safe elsewhere.
    pub fn saved(&self) -> Result<Option<ObjectId>> {
        self.object("saved")
    }

    /// Remembers it.
    pub fn set_saved(&self, tree: ObjectId) -> Result<()> {
        self.write("saved", tree.to_string().as_bytes())
    }

    /// The tips of its own refs that are safe elsewhere, or unwanted.
    pub fn settled(&self) -> Result<Vec<ObjectId>> {
        let text = self.get("settled")?.unwrap_or_default();
        Ok(text.split(|byte| *byte == b'\n').filter_map(|line| ObjectId::from_hex(line).ok()).collect())
    }

    /// Adds to them.
    pub fn settle(&self, tips: &[ObjectId]) -> Result<()> {
        if tips.is_empty() {
            return Ok(());
        }
        let mut text = self.get("settled")?.unwrap_or_default();
        for tip in tips {
            text.extend_from_slice(format!("{tip}\n").as_bytes());
        }
        self.write("settled", &text)
    }

    /// Deletes the record.
    pub fn delete(self) -> Result<()> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.dir.display()))
            }
            _ => Ok(()),
        }
    }

    fn object(&self, name: &str) -> Result<Option<ObjectId>> {
        let bytes = self.get(name)?;
        Ok(bytes.and_then(|bytes| ObjectId::from_hex(bytes.trim_ascii()).ok()))
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.dir.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Written aside and renamed, so that a reader after a crash sees all of it or nothing.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.dir.join(name);
        let write = || {
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.dir)?;
            file.write_all(bytes)?;
            file.persist(&path)?;
            Ok::<(), std::io::Error>(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The folders of all worktrees that have a record, whoever holds it.
pub fn paths(own: &Path) -> Vec<PathBuf> {
    let records = fs::read_dir(own.join("worktrees")).into_iter().flatten().flatten();
    let paths = records.filter_map(|record| fs::read(record.path().join("path")).ok());
    paths.map(|path| PathBuf::from(std::ffi::OsString::from_vec(path))).collect()
}

/// Removes what was being made aside when its process was killed. Nobody may be making a record now.
pub fn sweep_stage(own: &Path) -> Result<()> {
    for entry in fs::read_dir(own.join("stage")).into_iter().flatten().flatten() {
        let path = entry.path();
        // The rest of a worktree is staged when its record is in its place.
        if !own.join("worktrees").join(entry.file_name()).exists() {
            fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

/// The records that no living process holds.
pub fn unlocked(own: &Path) -> Result<Vec<Record>> {
    let dir = own.join("worktrees");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", dir.display())),
    };
    let mut dirs = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    dirs.sort();
    Ok(dirs.into_iter().map(Record::lock).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}
