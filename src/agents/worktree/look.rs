//! Looking into a worktree from outside, while its agent works or after that: to read, never to write.

use super::layers::Layers;
use super::record::WorktreeRecord;
use super::records;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::overlay::Overlay;
use std::path::PathBuf;

/// A worktree that can be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// `<slug>.<task>`.
    pub name: String,
    pub path: PathBuf,
    /// What has to be mounted to see its files at that path, and what git needs to compare them; nothing if they are
    /// there for everybody.
    pub overlays: Vec<Overlay>,
}

/// The worktrees that are not in the trash, whichever process uses them. What cannot be read as one is passed over.
pub fn looks(repo: &Repo) -> Result<Vec<Look>> {
    let own = repo.common_dir().join("flow-ai");
    let dirs = records::dirs(&own)?.into_iter().filter(|dir| !super::record::is_in_trash(dir));
    Ok(dirs.filter_map(|dir| look(&WorktreeRecord::to_read(dir)).ok().flatten()).collect())
}

fn look(record: &WorktreeRecord) -> Result<Option<Look>> {
    let Some((name, path, _)) = record.read()? else { return Ok(None) };
    let layers = Layers::found(&record.own(), record)?;
    let overlays = layers
        .map(|layers| vec![Overlay { at: path.clone(), ..layers.view(record) }, layers.git_view(record)]);
    Ok(Some(Look { name, path, overlays: overlays.unwrap_or_default() }))
}
