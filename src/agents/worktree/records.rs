//! All records of a repository, whichever process uses them.

use super::record::{LAYERS, WorktreeRecord, as_path, is_in_trash};
use crate::domain::error::Result;
use crate::system::fs::remove_tree;
use anyhow::Context;
use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What worktrees are seen through, relative to our own folder, whichever process uses them.
pub fn layers(own: &Path) -> BTreeSet<PathBuf> {
    let texts =
        dirs(own).unwrap_or_default().into_iter().filter_map(|dir| fs::read_to_string(dir.join(LAYERS)).ok());
    let names = |text: String| {
        let keys: Vec<&str> = text.split_ascii_whitespace().collect();
        let name = |(kind, key): (&str, &&str)| Path::new(kind).join(key);
        ["bases", "setups"].into_iter().zip(&keys).map(name).collect::<Vec<_>>()
    };
    texts.flat_map(names).collect()
}

/// The records, by path.
pub fn dirs(own: &Path) -> Result<Vec<PathBuf>> {
    let dir = own.join("worktrees");
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", dir.display())),
    };
    let mut dirs = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    dirs.sort();
    Ok(dirs)
}

/// The folders of all worktrees that are not in the trash, whichever process uses them.
pub fn paths(own: &Path) -> Vec<PathBuf> {
    let records = dirs(own).unwrap_or_default().into_iter().filter(|dir| !is_in_trash(dir));
    let path = |dir: PathBuf| fs::read(dir.join("restored")).or_else(|_| fs::read(dir.join("path"))).ok();
    records.filter_map(path).map(as_path).collect()
}

/// Removes what was being made aside when its process was killed. No process may be making a record now.
pub fn sweep_stage(own: &Path) -> Result<()> {
    for entry in fs::read_dir(own.join("stage")).into_iter().flatten().flatten() {
        let path = entry.path();
        remove_tree(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// The records that no living process holds.
pub fn unlocked(own: &Path) -> Result<Vec<WorktreeRecord>> {
    Ok(dirs(own)?
        .into_iter()
        .map(WorktreeRecord::lock)
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}
