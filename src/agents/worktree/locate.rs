//! Whether the folder at a worktree's path is the one that we made: folders are moved, copied and replaced
//! by hand.

use super::Worktree;
use super::records;
use crate::domain::error::Result;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The longest `.git` file that is read, in bytes.
const LONGEST: u64 = 65_536;

/// Which folder it is, whatever its name: its number and, since numbers are used again, its time of birth.
/// `None` if it is not a folder. Device numbers are left out: they change when a system starts anew.
pub(super) fn identity(path: &Path) -> Option<String> {
    let data = path.symlink_metadata().ok().filter(|data| data.is_dir())?;
    let born = data.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Some(format!("{} {}", data.ino(), born.map_or(0, |born| born.as_nanos())))
}

/// What is at its path and is not what we made: nothing of that is ever read or written. `None` if it is
/// ours, or nothing.
pub(super) fn replaced(worktree: &Worktree) -> Result<Option<String>> {
    if worktree.path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let Some(now) = identity(&worktree.path) else {
        return Ok(Some("something that is no folder has taken its place; it is not ours to remove".into()));
    };
    // A copy of the whole, as from a backup, still leads here.
    let is_ours = worktree.record.folder()?.is_some_and(|made| made == now) || leads_here(worktree);
    Ok((!is_ours).then(|| "another folder has taken its place; it is not ours to remove".into()))
}

/// Follows a worktree that was moved together with its repository: it lies in the folder for worktrees
/// by its old name, and is the folder that we made.
pub(super) fn follow(worktree: &mut Worktree) -> Result<()> {
    let Some(name) = worktree.path.file_name().filter(|_| worktree.path.symlink_metadata().is_err()) else {
        return Ok(());
    };
    let now = worktree.parent.root.join(name);
    if now.symlink_metadata().is_err() || records::paths(&worktree.parent.own_dir()).contains(&now) {
        return Ok(());
    }
    let before = std::mem::replace(&mut worktree.path, now);
    if replaced(worktree)?.is_none() {
        return worktree.record.set_path(&worktree.path);
    }
    worktree.path = before;
    Ok(())
}

/// The repository that it belongs to, if ours is only a copy of that one: its records name worktrees in
/// which the other's agents may be at work. `None` if it is ours.
pub(super) fn other_repository(worktree: &Worktree) -> Option<PathBuf> {
    let text = pointer(worktree)?;
    let named = PathBuf::from(OsStr::from_bytes(text.trim_ascii_end().strip_prefix(b"gitdir: ")?));
    let (named, own) = (named.canonicalize().ok()?, worktree.git_dir().canonicalize().ok()?);
    let private = Path::new("flow-ai/worktrees").join(worktree.record.id()).join("git");
    let is_another = named != own && named.ends_with(private) && !named.starts_with(&worktree.path);
    is_another.then_some(named)
}

/// Whether its `.git` file names the record that we keep for it.
fn leads_here(worktree: &Worktree) -> bool {
    let id = worktree.record.id().as_bytes();
    pointer(worktree).is_some_and(|text| text.windows(id.len()).any(|part| part == id))
}

/// Its `.git` file, if it is one.
fn pointer(worktree: &Worktree) -> Option<Vec<u8>> {
    let link = worktree.files().join(".git");
    link.symlink_metadata().ok().filter(|data| data.is_file() && data.len() < LONGEST)?;
    fs::read(link).ok()
}
