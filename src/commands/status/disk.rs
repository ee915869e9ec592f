//! How much disk we take, and for what.
//!
//! Every folder is walked once and no further than a limit, so that it takes a second if an agent left
//! a million files; a sum that is not all says so.

use crate::agents::worktree;
use crate::commands::recover;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::fs::disk_usage::{Usage, measure};
use serde::Serialize;

/// What we take on the disk.
#[derive(Debug, Clone, Serialize)]
pub struct Disk {
    /// The folders in which agents work, or worked.
    pub worktrees: Usage,
    /// What is known of them, with the objects of their own repositories.
    pub private: Usage,
    /// What was removed and can be got back.
    pub trash: Usage,
    pub journals: Usage,
    /// How many refs keep commits that no branch could take, or archived specs.
    pub recovered: usize,
    /// How many removed things hold work that is nowhere else: they are never deleted unasked.
    pub held: usize,
}

impl Disk {
    pub fn total(&self) -> Usage {
        self.worktrees.and(self.private).and(self.trash).and(self.journals)
    }
}

/// Measures all of it, looking at no more than so many files of each kind.
pub fn disk(repo: &Repo, limit: u64) -> Result<Disk> {
    let worktrees = worktree::disk_usage(repo, limit)?;
    let (found, _) = recover::list(repo)?;
    Ok(Disk {
        worktrees: worktrees.folders,
        private: worktrees.records,
        trash: worktrees.trash,
        journals: measure(&repo.common_dir().join("flow-ai/runs"), limit),
        recovered: found.iter().filter(|found| found.bytes.is_none()).count(),
        held: found.iter().filter(|found| found.holds.is_some()).count(),
    })
}
