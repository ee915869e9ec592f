//! What earlier runs or killed processes left: worktrees, what was removed and waits, git's own lock files.

use super::Check;
use crate::agents::worktree;
use crate::commands::recover;
use crate::domain::config::Config;
use crate::domain::error::Result;
use crate::domain::text::units;
use crate::gate::store::Repo;
use crate::system::fs::disk_usage::{GLANCE, Usage, measure};
use crate::system::fs::lock;
use crate::system::git::lock_file::LockFile;
use std::path::PathBuf;
use std::time::Duration;

const TOPIC: &str = "leftovers";

/// A lock file older than this belongs to no living process.
const OLD: Duration = Duration::from_secs(10 * 60);

pub(super) fn examine(repo: &Repo, config: &Config) -> Result<Vec<Check>> {
    let mut checks: Vec<Check> = worktrees(repo, config)?
        .into_iter()
        .map(|path| {
            let size = size(measure(&path, GLANCE));
            Check::note(
                TOPIC,
                format!("a worktree of a task is left over ({size}): {}", path.display()),
                "git flow-ai run <spec> commits what it holds; git flow-ai clean removes it, and with --trash whatever it holds",
            )
        })
        .collect();
    checks.extend(removed(repo)?);
    checks.extend(half_deleted(repo));
    checks.extend(old_locks(repo).map(|lock| Check::note(TOPIC, lock.to_string(), lock.fix())));
    if checks.is_empty() {
        checks.push(Check::good(TOPIC, "no worktrees or locks left over"));
    }
    Ok(checks)
}

/// What was removed and holds work that is nowhere else, so that only the user can drop it; and records
/// of the trash that cannot be read.
fn removed(repo: &Repo) -> Result<Vec<Check>> {
    let (found, unreadable) = recover::list(repo)?;
    let held: Vec<_> = found.iter().filter(|found| found.holds.is_some()).collect();
    let mut checks = Vec::new();
    if !held.is_empty() {
        let bytes = held.iter().filter_map(|found| found.bytes).sum();
        let size = size(Usage { bytes, ..Usage::default() });
        let says = format!("{} removed with work that is nowhere else ({size})", held.len());
        let fix = "git flow-ai recover lists and gives back; --drop <id> deletes for good";
        checks.push(Check::note(TOPIC, says, fix));
    }
    checks.extend(
        unreadable.into_iter().map(|what| Check::note(TOPIC, what, "look at it, and remove it yourself")),
    );
    Ok(checks)
}

/// What a removal could not delete.
fn half_deleted(repo: &Repo) -> impl Iterator<Item = Check> {
    worktree::half_deleted(repo).into_iter().map(|path| {
        let size = size(measure(&path, GLANCE));
        let says = format!("a removed worktree is not all deleted yet ({size}): {}", path.display());
        Check::note(TOPIC, says, "git flow-ai clean deletes it, or says what resists")
    })
}

/// `1.2 GiB`, `at least 1.2 GiB`.
fn size(usage: Usage) -> String {
    let more = if usage.at_least { "at least " } else { "" };
    format!("{more}{}", units::size(usage.bytes))
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
        if !lock::is_held(&repo.common_dir().join(format!("flow-ai/locks/{slug}.lock"))) {
            left.push(path);
        }
    }
    Ok(left)
}

/// git's own lock files, which block every git until they are removed.
fn old_locks(repo: &Repo) -> impl Iterator<Item = LockFile> {
    let common = ["config.lock", "packed-refs.lock", "shallow.lock"].map(|name| repo.common_dir().join(name));
    let own = ["index.lock", "HEAD.lock"].map(|name| repo.git_dir().join(name));
    let folders = [repo.work_dir().unwrap_or(repo.git_dir()), repo.git_dir(), repo.common_dir()];
    let locks = common.into_iter().chain(own).filter_map(move |path| LockFile::find(&path, &folders));
    locks.filter(|lock| lock.age > OLD)
}
