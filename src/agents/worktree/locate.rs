//! Where a dead process's worktree is by now: folders are moved and copied by hand.

use super::Worktree;
use crate::domain::error::Result;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The longest `.git` file that is read, in bytes.
const LONGEST: u64 = 65_536;

impl Worktree {
    /// Follows a worktree that was moved together with its repository: it lies in the folder for worktrees
    /// by its old name, and is the folder that we made.
    pub(super) fn follow(&mut self) -> Result<()> {
        let Some(name) = self.path.file_name().filter(|_| self.path.symlink_metadata().is_err()) else {
            return Ok(());
        };
        let now = self.place.root.join(name);
        if now.symlink_metadata().is_err() || super::record::paths(&self.place.own_dir()).contains(&now) {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.path, now);
        let is_ours = (self.record.folder()?.is_some() && self.replaced()?.is_none()) || self.leads_here();
        match is_ours {
            true => self.record.set_path(&self.path),
            false => {
                self.path = before;
                Ok(())
            }
        }
    }

    /// The repository that it belongs to, where ours is only a copy of that one: its records tell of
    /// worktrees in which the other's agents may be at work. None where it is ours.
    pub(super) fn belongs_to(&self) -> Option<PathBuf> {
        let link = self.path.join(".git");
        link.symlink_metadata().ok().filter(|data| data.is_file() && data.len() < LONGEST)?;
        let text = fs::read(link).ok()?;
        let told = PathBuf::from(OsStr::from_bytes(text.trim_ascii_end().strip_prefix(b"gitdir: ")?));
        let (told, own) = (told.canonicalize().ok()?, self.git_dir().canonicalize().ok()?);
        let mut of = PathBuf::from("flow-ai/worktrees");
        of.push(self.record.id());
        of.push("git");
        let is_another = told != own && told.ends_with(of) && !told.starts_with(&self.path);
        is_another.then_some(told)
    }
}
