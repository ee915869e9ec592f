//! What earlier runs or killed processes left: worktrees, git's own lock files.

use super::Check;
use crate::config::Config;
use crate::error::Result;
use crate::store::Repo;
use crate::worktree;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TOPIC: &str = "leftovers";

/// A lock file older than this belongs to nobody who is still alive.
const OLD: Duration = Duration::from_secs(10 * 60);

pub(super) fn examine(repo: &Repo, config: &Config) -> Result<Vec<Check>> {
    let mut checks: Vec<Check> = worktrees(repo, config)?
        .into_iter()
        .map(|path| {
            Check::note(
                TOPIC,
                format!("a worktree of a task is left over: {}", path.display()),
                "git flow-ai status tells whether it holds work; git flow-ai clean removes what is merged",
            )
        })
        .collect();
    checks.extend(old_locks(repo).into_iter().map(|path| {
        Check::note(
            TOPIC,
            format!("{} is older than ten minutes", path.display()),
            format!("if no git process is at work: rm {}", path.display()),
        )
    }));
    if checks.is_empty() {
        checks.push(Check::good(TOPIC, "no worktrees or locks left over"));
    }
    Ok(checks)
}

/// Worktrees of ours in the folder for tasks whose run is not under way.
fn worktrees(repo: &Repo, config: &Config) -> Result<Vec<PathBuf>> {
    let root = worktree::root(repo, config)?;
    let mut left = Vec::new();
    for path in worktree::ours(repo) {
        if !path.starts_with(&root) {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let slug = name.split('.').next().unwrap_or_default();
        if !is_locked(&repo.common_dir().join(format!("flow-ai/locks/{slug}.lock"))) {
            left.push(path);
        }
    }
    Ok(left)
}

/// Whether a process holds that lock.
fn is_locked(path: &Path) -> bool {
    fs::File::open(path).is_ok_and(|file| {
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err()
    })
}

/// git's own lock files that block everybody until somebody removes them.
fn old_locks(repo: &Repo) -> Vec<PathBuf> {
    let common = ["config.lock", "packed-refs.lock", "shallow.lock"].map(|name| repo.common_dir().join(name));
    let own = ["index.lock", "HEAD.lock"].map(|name| repo.git_dir().join(name));
    let old = |path: &PathBuf| {
        let age = fs::metadata(path).ok().and_then(|file| file.modified().ok()?.elapsed().ok());
        age.is_some_and(|age| age > OLD)
    };
    common.into_iter().chain(own).filter(old).collect()
}
