//! The end of a worktree: at once for the person, in the background for the disk.
//!
//! A worktree that holds anything which was not harvested is never removed, nor is a folder that is not
//! the one we made. Of the others the few ignored files that may be somebody's go to the trash (see
//! [`super::trash`]), and the rest is deleted: the folder goes by rename to `.trash/<id>.gone` beside the
//! worktrees, its private repository by rename to our own trash (so that nobody reads a half-deleted
//! one), and only then are they deleted. So a normal removal costs a few renames, and fills no disk.

use super::trash::{GONE, identity};
use super::{LeftOut, OwnCommit, TooMuch, Worktree, Worktrees};
use crate::domain::config::Config;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::fs::{move_to, remove_tree};
use anyhow::Context;
use std::fs::{self, File};
use std::io::ErrorKind;
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

/// Deletions under way; dropping waits for them, then tidies the folder for worktrees away.
///
/// The folder stays as long as anybody uses it: sandboxes that are being started name it.
#[derive(Debug)]
pub struct Deletions {
    running: Mutex<Vec<JoinHandle<()>>>,
    root: PathBuf,
    /// Shared by all who use the folder; none where nothing can be written.
    using: Option<File>,
}

impl Deletions {
    pub(super) fn new(own: &Path, root: &Path) -> Deletions {
        let using = root_lock(own).ok().filter(|file| file.lock_shared().is_ok());
        Deletions { running: Mutex::default(), root: root.to_owned(), using }
    }

    fn start(&self, paths: Vec<PathBuf>) {
        let deletion = thread::spawn(move || {
            for path in paths {
                // What resists stays in the trash: the next start tries again, and `clean` tells why.
                let _ = remove_tree(&path);
            }
        });
        match self.running.lock() {
            Ok(mut running) => running.push(deletion),
            Err(_) => drop(deletion.join()),
        }
    }
}

impl Drop for Deletions {
    fn drop(&mut self) {
        let running = self.running.get_mut().map(std::mem::take).unwrap_or_default();
        for deletion in running {
            let _ = deletion.join();
        }
        if let Some(using) = &self.using {
            // Else whoever uses it still does this.
            let _ = using.unlock();
            if using.try_lock().is_ok() {
                tidy(&self.root);
                let _ = using.unlock();
            }
        }
    }
}

impl Worktrees {
    /// Finishes what an earlier process did not delete any more.
    pub(super) fn delete_trash(&self) {
        let old = self.half_deleted();
        if !old.is_empty() {
            self.deletions.start(old);
        }
    }

    /// Deletes what earlier processes left half deleted, and tells what resists, each in one sentence.
    pub fn finish_deleting(&self) -> Vec<String> {
        let resisting = |path: PathBuf| {
            let error = remove_tree(&path).err()?;
            Some(format!("{} stays: {error}", path.display()))
        };
        self.half_deleted().into_iter().filter_map(resisting).collect()
    }

    /// What was on its way to be deleted: by its name beside the worktrees, and by its place in our own
    /// folder. What the trash holds for somebody has neither.
    fn half_deleted(&self) -> Vec<PathBuf> {
        on_its_way(&self.root, &self.own_dir())
    }
}

/// What earlier removals have not deleted, or could not.
pub fn half_deleted(repo: &Repo, config: &Config) -> Result<Vec<PathBuf>> {
    Ok(on_its_way(&super::root(repo, config)?, &repo.common_dir().join("flow-ai")))
}

fn on_its_way(root: &Path, own: &Path) -> Vec<PathBuf> {
    let below = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let gone = below(root.join(".trash"))
        .filter(|path| path.extension().is_some_and(|end| format!(".{}", end.display()) == GONE));
    // Private repositories; the trash's records are files.
    let private = below(own.join("trash")).filter(|path| path.is_dir());
    gone.chain(private).collect()
}

impl Worktree {
    /// Why it must stay, in one sentence: a file that is not ignored is neither in the tree that was let
    /// go last nor (when none was) in its base; or it is not what we made. None when it can be removed.
    pub fn unsaved(&self) -> Result<Option<String>> {
        if let Some(why) = self.not_ours()? {
            return Ok(Some(why));
        }
        if !self.is_there() {
            return Ok(own_commits(&self.orphans()?).map(|what| format!("its folder is gone, but {what}")));
        }
        if !self.is_complete() {
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
        if let Some(what) = own_commits(&now.commits) {
            return Ok(Some(what));
        }
        let left: Vec<String> =
            now.left_out.iter().filter(|left| left.why.holds_content()).map(LeftOut::to_string).collect();
        Ok((!left.is_empty()).then(|| left.join(", ")))
    }

    /// Why nobody but a person may remove it: what is at its path is another folder, or a person asked
    /// for it.
    pub fn not_ours(&self) -> Result<Option<String>> {
        if self.record.scratch("restored").exists() {
            return Ok(Some("you had it restored there; remove it yourself when you are done".into()));
        }
        self.replaced()
    }

    /// What is at its path and is not what we made: nothing of that is ever read or written.
    pub(super) fn replaced(&self) -> Result<Option<String>> {
        if self.path.symlink_metadata().is_err() {
            return Ok(None);
        }
        let Some(now) = identity(&self.path) else {
            return Ok(Some(
                "something that is no folder has taken its place; it is not ours to remove".into(),
            ));
        };
        // A copy of the whole, as from a backup, still leads here.
        let is_ours = self.record.folder()?.is_some_and(|made| made == now) || self.leads_here();
        Ok((!is_ours).then(|| "another folder has taken its place; it is not ours to remove".into()))
    }

    /// Whether its `.git` file names the folder that we keep for it.
    pub(super) fn leads_here(&self) -> bool {
        let link = self.path.join(".git");
        let is_file = link.symlink_metadata().is_ok_and(|data| data.is_file() && data.len() < 65_536);
        let id = self.record.id().as_encoded_bytes();
        is_file && fs::read(link).is_ok_and(|text| text.windows(id.len()).any(|part| part == id))
    }

    /// Removes it, unless it holds something that is nowhere else.
    pub fn remove(self) -> Result<Removed> {
        // We died while it was on its way into the trash, or out of it.
        if self.path.symlink_metadata().is_err()
            && let Some(place) = self.place.trash().half_moved(&self.record.id().to_string_lossy())?
        {
            self.follow_into(&place)?;
            return Ok(Removed::Gone);
        }
        if let Some(why) = self.not_ours()? {
            return Ok(Removed::Kept(why));
        }
        if let Some(why) = self.unsaved()? {
            self.close()?;
            return Ok(Removed::Kept(why));
        }
        let spare = self.spare()?;
        if !spare.paths.is_empty() {
            self.trash_files(&spare.paths, spare.bytes)?;
        }
        self.discard()?;
        Ok(Removed::Gone)
    }

    /// Removes it whatever it holds.
    pub(super) fn discard(self) -> Result<()> {
        let mut name = self.record.id().to_owned();
        name.push(GONE);
        let gone = self.place.root.join(".trash").join(&name);
        move_away(&self.path, &gone)?;
        let admin = self.place.own_dir().join("trash").join(&name);
        move_away(&self.git_dir(), &admin)?;
        move_away(&self.record.scratch("aside"), &admin.join("aside"))?;
        self.release_base()?;
        let stage = self.place.own_dir().join("stage").join(self.record.id());
        let deletions = self.place.deletions.clone();
        self.record.delete()?;
        deletions.start(vec![gone, admin, stage]);
        Ok(())
    }
}

/// What is said of commits that are nowhere else; none where there are none.
fn own_commits(commits: &[OwnCommit]) -> Option<String> {
    let (first, others) = commits.split_first()?;
    let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    Some(format!("it holds commits of its own ({}{others})", first.name))
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
        match move_to(from, to) {
            // Another deletion tidied the empty trash away in between.
            Err(error) if error.kind() == ErrorKind::NotFound && from.symlink_metadata().is_ok() => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => return other.with_context(context),
        }
    }
    anyhow::bail!("{} vanishes as often as it is made", to.display())
}

/// The lock of the folder for worktrees.
fn root_lock(own: &Path) -> std::io::Result<File> {
    // No spec's name begins with a dot.
    File::options().create(true).truncate(false).write(true).open(own.join("locks/.root.lock"))
}

/// Removes the folder for worktrees when nothing is in it and nobody uses it.
pub(super) fn tidy_unused(own: &Path, root: &Path) {
    if root_lock(own).is_ok_and(|lock| lock.try_lock().is_ok()) {
        tidy(root);
    }
}

/// Removes the root and its trash when nothing is in them.
fn tidy(root: &Path) {
    let _ = fs::remove_dir(root.join(".trash"));
    let _ = fs::remove_dir(root);
}
