//! What processes left that died while they used a worktree.

use super::layers::Layers;
use super::record::WorktreeRecord;
use super::{Worktree, Worktrees, dissolve, locate, records, remove};
use crate::domain::error::Result;

impl Worktrees {
    /// The worktrees that a process of ours left when it died, locked by us from now on. What cannot
    /// be read as one is passed over.
    pub fn leftovers(&self) -> Result<Vec<Worktree>> {
        self.sweep_half_made()?;
        let mut found = Vec::new();
        for record in records::unlocked(&self.own_dir())? {
            found.extend(self.left_over(record)?);
        }
        Ok(found)
    }

    fn left_over(&self, record: WorktreeRecord) -> Result<Option<Worktree>> {
        if record.is_in_trash() {
            return Ok(None);
        }
        if record.files().exists() {
            // It died while it deleted it.
            return remove::delete_record(self, record).map(|()| None);
        }
        let Some((name, path, base)) = record.read()? else {
            // It died before there was anything but the record.
            return record.delete().map(|()| None);
        };
        let layers = Layers::read(self, &record, base)?;
        let empty_submodules = Vec::new();
        let mut worktree =
            Worktree { parent: self.clone(), name, path, base, record, layers, empty_submodules };
        locate::follow(&mut worktree)?;
        if locate::other_repository(&worktree).is_some() {
            return Ok(None);
        }
        worktree.record.sweep()?;
        if worktree.layers.is_some() {
            dissolve::undo(&worktree)?;
        }
        // It died on the way into the trash, or out of it.
        worktree.record.unset_removed()?;
        Ok(Some(worktree))
    }
}
