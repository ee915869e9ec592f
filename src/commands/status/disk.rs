//! How much disk we take, and for what.
//!
//! Every folder is walked once and no further than a limit, so that it takes a second where an agent left
//! a million files; a sum that is not all is told as such.

use crate::agents::worktree::measure::{Usage, measure};
use crate::agents::worktree::{self, trash};
use crate::commands::recover;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use serde::Serialize;
use std::path::Path;

/// What we take on the disk.
#[derive(Debug, Clone, Serialize)]
pub struct Disk {
    /// The folders in which agents work, or worked.
    pub worktrees: Usage,
    /// What is written down of them, with the objects of their own repositories.
    pub private: Usage,
    /// What was removed and can be got back.
    pub trash: Usage,
    /// Journals and transcripts.
    pub journals: Usage,
    /// How many refs keep commits that no branch could take, or archived specs.
    pub recovered: usize,
    /// How many removed things hold work that is nowhere else: they are never deleted unasked.
    pub held: usize,
}

impl Disk {
    /// All together.
    pub fn total(&self) -> Usage {
        self.worktrees.and(self.private).and(self.trash).and(self.journals)
    }
}

/// Measures all of it, looking at no more than so many files of each kind.
pub fn disk(repo: &Repo, limit: u64) -> Result<Disk> {
    let own = repo.common_dir().join("flow-ai");
    let all = |paths: &mut dyn Iterator<Item = std::path::PathBuf>| {
        paths.fold(Usage::default(), |sum, path| sum.and(measure(&path, limit.saturating_sub(sum.files))))
    };
    let there = |path: &Path| measure(path, limit);
    let trash = recover::trash_of(repo);
    let (entries, _) = trash.entries()?;
    let mut places = entries.iter().map(|entry: &trash::Entry| trash.place(entry));
    let (found, _) = recover::list(repo)?;
    Ok(Disk {
        worktrees: all(&mut worktree::ours(repo).into_iter()),
        private: there(&own.join("worktrees")),
        trash: all(&mut places).and(there(&own.join("trash"))),
        journals: there(&own.join("runs")),
        recovered: found.iter().filter(|found| found.bytes.is_none()).count(),
        held: found.iter().filter(|found| found.holds.is_some()).count(),
    })
}
