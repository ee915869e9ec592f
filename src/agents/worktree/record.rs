//! What is known of a worktree, in a folder that nothing in the worktree reaches.
//!
//! `<common git dir>/flow-ai/worktrees/<id>/` holds:
//!
//! | name | what it is |
//! |---|---|
//! | `name`, `path`, `base` | as it was asked for, where it is, the commit that it was made from |
//! | `folder` | which folder was made, see [`super::locate`] |
//! | `index` | as git wrote it at checkout; missing until that was complete |
//! | `copied` | the paths that we brought in, separated by NUL |
//! | `submodules.list`, `submodules/` | what its submodules were filled from, and their indexes |
//! | `layers` | the clean checkout that it is seen through and the layer of a setup, see [`super::layers`]; missing in a folder like any other |
//! | `upper/`, `view/` | what was written in it then; where we see its files |
//! | `work/`, `git.work/` | the kernel's, beside `upper/` and `git/` |
//! | `setup`, `ready` | what its setup changed, see [`super::setup_changes`]; when it was done |
//! | `index.last` | as it was collected last |
//! | `collected` | the tree of that and the [`Contents`], if nothing was left out |
//! | `saved` | the tree that is known to be safe elsewhere |
//! | `settled` | the tips of its own refs that are |
//! | `git/` | the private repository: the only part that its agent writes |
//! | `template/`, `aside/` | what is restored in that; what was found in its place |
//! | `removed`, `files/` | it is in the trash, see [`super::trash`] |
//! | `restored` | where the user has it now, if they chose the place |
//! | `lock` | locked while a process uses the worktree |

use super::contents::Contents;
use crate::domain::error::Result;
use crate::system::fs::remove_tree;
use anyhow::Context;
use gix::ObjectId;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The file that names the clean checkout which a worktree is seen through, and the layer that a setup made.
pub const LAYERS: &str = "layers";

/// What the names of scratch indexes begin with.
const SCRATCH: &str = "scratch-";

/// What the names of files begin with that are not renamed into their place yet.
const TEMPORARY: &str = ".tmp";

/// A record, locked by this process unless it is only looked at.
#[derive(Debug)]
pub struct WorktreeRecord {
    dir: PathBuf,
    /// Locked as long as it is open.
    _lock: Option<File>,
}

impl WorktreeRecord {
    /// A new record of that name, with these files. Made and locked aside, then renamed into its place, so
    /// that no process takes it for one whose process has died.
    pub fn create(own: &Path, name: &str, files: &[(&str, &[u8])]) -> Result<WorktreeRecord> {
        let id = unique_id(name)?;
        let aside = own.join("stage").join(&id);
        fs::create_dir_all(&aside).with_context(|| format!("cannot make {}", aside.display()))?;
        let Some(mut record) = WorktreeRecord::lock(aside)? else {
            anyhow::bail!("the new worktree {id} is locked by another process already");
        };
        record.write("name", name.as_bytes())?;
        for (file, bytes) in files {
            record.write(file, bytes)?;
        }
        let dir = own.join("worktrees").join(id);
        let context = || format!("cannot make {}", dir.display());
        fs::create_dir_all(own.join("worktrees")).with_context(context)?;
        fs::rename(&record.dir, &dir).with_context(context)?;
        record.dir = dir;
        Ok(record)
    }

    /// Takes the lock; `None` if another process has it, or the record has gone.
    pub fn lock(dir: PathBuf) -> Result<Option<WorktreeRecord>> {
        let Some(lock) = open_lock(&dir)? else { return Ok(None) };
        Ok(lock.try_lock().is_ok().then_some(WorktreeRecord { dir, _lock: Some(lock) }))
    }

    /// Without the lock, only to be read.
    pub fn to_read(dir: PathBuf) -> WorktreeRecord {
        WorktreeRecord { dir, _lock: None }
    }

    /// Waits for the lock; `None` if the record has gone.
    pub fn wait_for(dir: PathBuf) -> Result<Option<WorktreeRecord>> {
        let Some(lock) = open_lock(&dir)? else { return Ok(None) };
        lock.lock().with_context(|| format!("cannot lock {}", dir.display()))?;
        Ok(dir.exists().then_some(WorktreeRecord { dir, _lock: Some(lock) }))
    }

    /// The worktree's name, path and base; `None` if we died before all were written.
    pub fn read(&self) -> Result<Option<(String, PathBuf, ObjectId)>> {
        let path = self.get("restored")?.map_or_else(|| self.get("path"), |path| Ok(Some(path)))?;
        let (Some(name), Some(path)) = (self.get("name")?, path) else { return Ok(None) };
        let Some(base) = self.object("base")? else { return Ok(None) };
        let name = String::from_utf8_lossy(&name).into_owned();
        Ok(Some((name, as_path(path), base)))
    }

    /// Remembers where the worktree was moved to.
    pub fn set_path(&self, path: &Path) -> Result<()> {
        self.write("path", path.as_os_str().as_bytes())
    }

    /// Which folder was made, see [`super::locate::identity`].
    pub fn folder(&self) -> Result<Option<String>> {
        Ok(self.get("folder")?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    pub fn id(&self) -> &OsStr {
        self.dir.file_name().unwrap_or_default()
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn git_dir(&self) -> PathBuf {
        self.dir.join("git")
    }

    /// What is restored in it when an agent changed it.
    pub fn template(&self) -> PathBuf {
        self.dir.join("template")
    }

    /// The index as git wrote it at checkout.
    pub fn index(&self) -> PathBuf {
        self.dir.join("index")
    }

    /// The index as it was collected last.
    pub fn last_index(&self) -> PathBuf {
        self.dir.join("index.last")
    }

    /// What was written in it, if it is seen through layers.
    pub fn upper(&self) -> PathBuf {
        self.dir.join("upper")
    }

    /// The kernel's, beside that.
    pub fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    /// The kernel's, beside the private repository.
    pub fn git_work(&self) -> PathBuf {
        self.dir.join("git.work")
    }

    /// Where we see its files then.
    pub fn view(&self) -> PathBuf {
        self.dir.join("view")
    }

    /// Our own folder in the common git directory.
    pub fn own(&self) -> PathBuf {
        self.dir.ancestors().nth(2).unwrap_or(&self.dir).to_owned()
    }

    /// That name in it, relative to our own folder.
    pub fn relative(&self, name: &str) -> PathBuf {
        Path::new("worktrees").join(self.id()).join(name)
    }

    /// The clean checkout that it is seen through, and what a setup made; `None` if it is a folder like any other.
    pub fn layers(&self) -> Result<Option<(String, Option<String>)>> {
        let Some(bytes) = self.get(LAYERS)? else { return Ok(None) };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut keys = text.split_ascii_whitespace().map(str::to_owned);
        let base = keys.next().context("its record names no clean checkout")?;
        Ok(Some((base, keys.next())))
    }

    pub fn set_layers(&self, base: &str, setup: Option<&str>) -> Result<()> {
        self.write(LAYERS, format!("{base} {}", setup.unwrap_or_default()).as_bytes())
    }

    /// Remembers that its files are at its path, and removes what was written in it from here.
    pub fn forget_layers(&self) -> Result<()> {
        self.delete_file(LAYERS)?;
        for folder in [self.upper(), self.work(), self.git_work(), self.view()] {
            remove_tree(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        Ok(())
    }

    /// What was moved here by a removal.
    pub fn files(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// A scratch file of that name.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A scratch index that no other process uses: a git that outlives a killed run may still hold the lock
    /// on its own.
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

    /// What is known of its submodules.
    pub fn submodules(&self) -> Result<Vec<u8>> {
        Ok(self.get("submodules.list")?.unwrap_or_default())
    }

    pub fn set_submodules(&self, bytes: &[u8]) -> Result<()> {
        self.write("submodules.list", bytes)
    }

    /// The tree that was collected last and what it has beyond the checkout, if nothing was left out of it.
    pub fn collected(&self) -> Result<Option<(ObjectId, Contents)>> {
        let bytes = self.get("collected")?.unwrap_or_default();
        let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
        let tree = parts.next().and_then(|tree| ObjectId::from_hex(tree).ok());
        Ok(tree.zip(parts.next().and_then(Contents::from_bytes)))
    }

    pub fn set_collected(&self, collected: Option<(ObjectId, Contents)>) -> Result<()> {
        match collected {
            Some((tree, contents)) => {
                self.write("collected", &[format!("{tree}\n").as_bytes(), &contents.to_bytes()].concat())
            }
            None => self.delete_file("collected"),
        }
    }

    /// The tree of the worktree's files that was last known to be safe elsewhere.
    pub fn saved(&self) -> Result<Option<ObjectId>> {
        self.object("saved")
    }

    pub fn set_saved(&self, tree: ObjectId) -> Result<()> {
        self.write("saved", tree.to_string().as_bytes())
    }

    /// The tips of its own refs that are safe elsewhere, or unwanted.
    pub fn settled(&self) -> Result<Vec<ObjectId>> {
        let text = self.get("settled")?.unwrap_or_default();
        Ok(text.split(|byte| *byte == b'\n').filter_map(|line| ObjectId::from_hex(line).ok()).collect())
    }

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

    /// Whether the user had it restored at a path of their choice.
    pub fn is_restored(&self) -> bool {
        self.dir.join("restored").exists()
    }

    /// Remembers where the user had it restored. Its own path stays, and counts as long as it is in the
    /// trash.
    pub fn set_restored(&self, to: Option<&Path>) -> Result<()> {
        match to {
            Some(path) => self.write("restored", path.as_os_str().as_bytes()),
            None => self.delete_file("restored"),
        }
    }

    /// Whether it is in the trash.
    pub fn is_in_trash(&self) -> bool {
        is_in_trash(&self.dir)
    }

    /// Says that what is in `files/` is in the trash, and why, as JSON. On the disk when it returns, with
    /// what a restore needs, so that a loss of power does not leave files of which nothing is known.
    pub fn set_removed(&self, json: &[u8]) -> Result<()> {
        for name in ["name", "path"] {
            let sync = File::open(self.dir.join(name)).and_then(|file| file.sync_all());
            sync.with_context(|| format!("cannot write {name} of {}", self.dir.display()))?;
        }
        self.replace("removed", json, File::sync_all)
    }

    pub fn unset_removed(&self) -> Result<()> {
        self.delete_file("removed")
    }

    pub fn delete(self) -> Result<()> {
        remove_tree(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))
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
        self.replace(name, bytes, |_| Ok(()))
    }

    fn replace(&self, name: &str, bytes: &[u8], sync: fn(&File) -> std::io::Result<()>) -> Result<()> {
        let path = self.dir.join(name);
        let write = || {
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.dir)?;
            file.write_all(bytes)?;
            sync(file.as_file())?;
            file.persist(&path)?;
            Ok::<(), std::io::Error>(())
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }

    fn delete_file(&self, name: &str) -> Result<()> {
        match fs::remove_file(self.dir.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {name} of {}", self.dir.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Whether that record says that its files are in the trash.
pub fn is_in_trash(dir: &Path) -> bool {
    dir.join("removed").exists() && dir.join("files").symlink_metadata().is_ok()
}

/// The name with what file systems take, and eight random digits: no other process takes the same.
fn unique_id(name: &str) -> Result<String> {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let random =
        getrandom::u32().map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(format!("{}-{random:08x}", plain.trim_matches('.')))
}

fn open_lock(dir: &Path) -> Result<Option<File>> {
    let path = dir.join("lock");
    match File::options().create(true).truncate(false).write(true).open(&path) {
        Ok(file) => Ok(Some(file)),
        // That of another person, in a shared repository, is no business of ours.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot open {}", path.display())),
    }
}

pub(super) fn as_path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}
