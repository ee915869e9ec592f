//! What worktrees take on the disk.

use super::records;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::fs::disk_usage::{Usage, measure};
use std::fs;
use std::path::PathBuf;

/// What worktrees take on the disk: their folders, what is kept of them beside those, and the trash. Each
/// is measured up to so many files.
#[derive(Debug, Clone, Copy)]
pub struct DiskUsage {
    pub folders: Usage,
    pub records: Usage,
    pub trash: Usage,
}

/// Measures what the worktrees of a repository take.
pub fn disk_usage(repo: &Repo, limit: u64) -> Result<DiskUsage> {
    let own = repo.common_dir().join("flow-ai");
    let sum = |paths: &mut dyn Iterator<Item = PathBuf>| {
        paths.fold(Usage::default(), |sum, path| sum.and(measure(&path, limit.saturating_sub(sum.files))))
    };
    let all = records::dirs(&own)?;
    let parts = all.iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten().flatten());
    let mut beside = parts.map(|part| part.path()).filter(|part| !part.ends_with("files"));
    let mut files = all.iter().map(|dir| dir.join("files"));
    Ok(DiskUsage {
        folders: sum(&mut records::paths(&own).into_iter()),
        records: sum(&mut beside),
        trash: sum(&mut files).and(measure(&own.join("trash"), limit)),
    })
}
