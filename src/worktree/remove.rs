//! The end of a worktree: at once for the person, in the background for the disk.
//!
//! The folder goes by rename to `.trash` beside the worktrees, its private repository by rename to our
//! own trash (so that nobody reads a half-deleted one), and only then are they deleted. A
//! worktree that holds anything which was not harvested is never removed.

use super::{LeftOut, TooMuch, Worktree, Worktrees};
use crate::error::Result;
use anyhow::Context;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread::{self, JoinHandle};

/// What [`Worktree::remove`] came to.
#[derive(Debug)]
pub enum Removed {
    /// It is gone.
    Gone,
    /// It stays: it holds something that is in no commit. What, in one sentence.
    Kept(String),
}

/// Deletions under way; dropping waits for them.
#[derive(Debug, Default)]
pub struct Deletions(Mutex<Vec<JoinHandle<()>>>);

impl Deletions {
    fn start(&self, paths: Vec<PathBuf>, then: impl FnOnce() + Send + 'static) {
        let deletion = thread::spawn(move || {
            for path in paths {
                // What resists stays in the trash, and the next start tries again.
                let _ = delete(&path);
            }
            then();
        });
        match self.0.lock() {
            Ok(mut running) => running.push(deletion),
            Err(_) => drop(deletion.join()),
        }
    }
}

impl Drop for Deletions {
    fn drop(&mut self) {
        let running = self.0.get_mut().map(std::mem::take).unwrap_or_default();
        for deletion in running {
            let _ = deletion.join();
        }
    }
}

impl Worktrees {
    /// Finishes what an earlier process did not delete any more.
    pub(super) fn delete_trash(&self) {
        let trash = [self.root.join(".trash"), self.own_dir().join("trash")];
        let old: Vec<PathBuf> = trash
            .iter()
            .filter_map(|dir| fs::read_dir(dir).ok())
            .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
            .collect();
        if !old.is_empty() {
            let root = self.root.clone();
            self.deletions.start(old, move || tidy(&root));
        }
    }
}

impl Worktree {
    /// Why it must stay, in one sentence: a file that is not ignored is neither in the tree that was let
    /// go last nor (when none was) in its base. None when it can be removed.
    pub fn unsaved(&self) -> Result<Option<String>> {
        if !self.is_complete() || !self.is_there() {
            return Ok(None);
        }
        let now = match self.harvest() {
            Ok(now) => now,
            Err(error) => match error.downcast_ref::<TooMuch>() {
                Some(much) => return Ok(Some(format!("it holds too much: {much}"))),
                None => return Err(error),
            },
        };
        let same = match self.record.saved()? {
            Some(tree) => tree == now.tree,
            None => now.changed == 0,
        };
        if !same {
            return Ok(Some("it holds files that are in no commit".into()));
        }
        if let [own, others @ ..] = &now.commits[..] {
            let others =
                if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            return Ok(Some(format!("it holds commits of its own ({}{others})", own.name)));
        }
        let left: Vec<String> =
            now.left_out.iter().filter(|left| left.why.holds_content()).map(LeftOut::to_string).collect();
        Ok((!left.is_empty()).then(|| left.join(", ")))
    }

    /// Removes it, unless it holds something that is nowhere else.
    pub fn remove(self) -> Result<Removed> {
        if let Some(why) = self.unsaved()? {
            self.close()?;
            return Ok(Removed::Kept(why));
        }
        self.discard()?;
        Ok(Removed::Gone)
    }

    /// Removes it whatever it holds.
    pub(super) fn discard(self) -> Result<()> {
        let trash = self.place.root.join(".trash");
        let gone = trash.join(self.record.id());
        move_away(&self.path, &gone)?;
        let trash = self.place.own_dir().join("trash");
        let admin = trash.join(self.record.id());
        move_away(&self.git_dir(), &admin)?;
        self.release_base()?;
        let stage = self.place.own_dir().join("stage").join(self.record.id());
        let root = self.place.root.clone();
        let deletions = self.place.deletions.clone();
        self.record.delete()?;
        deletions.start(vec![gone, admin, stage], move || tidy(&root));
        Ok(())
    }
}

/// Renames into a trash folder on the same file system; what is not there any more is no failure.
fn move_away(from: &Path, to: &Path) -> Result<()> {
    if from.symlink_metadata().is_err() {
        return Ok(());
    }
    let context = || format!("cannot move {} to the trash", from.display());
    for _ in 0..100 {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).with_context(context)?;
        }
        match fs::rename(from, to) {
            // Another deletion tidied the empty trash away in between.
            Err(error) if error.kind() == ErrorKind::NotFound && from.symlink_metadata().is_ok() => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => return other.with_context(context),
        }
    }
    anyhow::bail!("{} vanishes as often as it is made", to.display())
}

/// Removes the root and its trash when nothing is in them.
fn tidy(root: &Path) {
    let _ = fs::remove_dir(root.join(".trash"));
    let _ = fs::remove_dir(root);
}

/// Deletes a folder whatever its modes, following no symbolic link.
fn delete(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes every folder below writable again.
fn open_up(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}
