//! Removes temporary files that a killed process left among the objects.
//!
//! git's own `prune` knows only those of git. Ours (gix's) are called `.tmp` and six letters, and are open
//! until they are renamed into their place: what no process has open is left over.

use super::Repo;
use crate::domain::error::Result;
use crate::system::fs::half_written;
use anyhow::Context;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

/// Removes those that were written since then and that no living process has open.
pub fn objects(repo: &Repo, since: SystemTime) -> Result<()> {
    let dir = repo.common_dir().join("objects");
    let entries = fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in entries.flatten() {
        let Ok(data) = entry.metadata() else { continue };
        let is_ours = half_written::is_half_written(&entry.file_name());
        if is_ours && data.is_file() && data.modified().is_ok_and(|time| time >= since) {
            found.push(entry.path());
        }
    }
    for path in half_written::abandoned(found) {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}
