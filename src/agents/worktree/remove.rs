//! The end of a worktree: at once for the user, in the background for the disk.
//!
//! A worktree that holds anything which is nowhere else is never removed, nor is a folder that is not the
//! one we made. Of the others the few ignored files that may be somebody's go to the trash (see
//! [`super::trash`]), and the rest is deleted: the folder goes by rename into the worktree's record, the
//! record by rename to `<common git dir>/flow-ai/trash/<id>`, and only then is it deleted. So a normal
//! removal costs a few renames, and no process reads what is half deleted.

use super::record::WorktreeRecord;
use super::{Worktree, Worktrees, deletions, ignored, private_git, repair, trash, unsaved};
use crate::domain::error::Result;
use crate::system::fs::rename_new;
use anyhow::Context;
use std::fs;
use std::io::ErrorKind;

/// What [`Worktree::remove`] came to.
#[derive(Debug)]
pub enum Removed {
    Gone,
    /// It stays: it holds something that is in no commit. What, in one sentence.
    Kept(String),
}

/// Removes it, unless it holds something that is nowhere else.
pub(super) fn remove(mut worktree: Worktree) -> Result<Removed> {
    if let Some(why) = unsaved::not_ours(&worktree)? {
        return Ok(Removed::Kept(why));
    }
    if let Some(why) = unsaved::unsaved(&worktree)? {
        repair::close(&mut worktree)?;
        return Ok(Removed::Kept(why));
    }
    let kept = ignored::worth_keeping(&worktree)?;
    if !kept.paths.is_empty() {
        trash::put_ignored(&worktree, &kept)?;
    }
    discard(worktree)?;
    Ok(Removed::Gone)
}

/// Removes it whatever it holds.
pub(super) fn discard(worktree: Worktree) -> Result<()> {
    let Worktree { parent, path, record, .. } = worktree;
    let mut elsewhere = None;
    if path.symlink_metadata().is_ok() {
        let moved = match rename_new(&path, &record.files()) {
            // On another file system it waits for its deletion there.
            Err(error) if error.kind() == ErrorKind::CrossesDevices => {
                let gone = deletions::gone(parent.root());
                elsewhere = Some(gone.join(record.id()));
                parent.make_shared(&gone).and_then(|()| rename_new(&path, &gone.join(record.id())))
            }
            moved => moved,
        };
        moved.with_context(|| format!("cannot remove {}", path.display()))?;
    }
    // The repository was moved away from there, so that nobody works there any more.
    if let Some(old) = path.parent().filter(|folder| *folder != parent.root()) {
        deletions::remove_seats(old);
    }
    delete_record(&parent, record)?;
    parent.deletions.start(elsewhere.into_iter().collect());
    Ok(())
}

/// Deletes a record with all that is in it, in the background.
pub(super) fn delete_record(worktrees: &Worktrees, record: WorktreeRecord) -> Result<()> {
    private_git::release_base(&worktrees.common, &record)?;
    let gone = worktrees.own_dir().join("trash").join(record.id());
    fs::create_dir_all(worktrees.own_dir().join("trash")).context("cannot make the trash")?;
    let context = || format!("cannot move {} to the trash", record.dir().display());
    fs::rename(record.dir(), &gone).with_context(context)?;
    worktrees.deletions.start(vec![gone]);
    Ok(())
}
