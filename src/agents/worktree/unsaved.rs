//! Whether a worktree holds anything that is nowhere else.
//!
//! What was collected and saved is not collected a second time: as long as the files that differ from the
//! checkout are those that were collected, with the same content, and its agent has committed nothing else,
//! it is known what collecting would find. Anything out of the ordinary is collected again.

use super::import::AgentCommit;
use super::scan::{Scan, as_path};
use super::scratch_index::ScratchIndex;
use super::upper::Upper;
use super::{LeftOut, TooMuch, Worktree, agent_refs, collect, import, layers, locate, repair};
use crate::domain::error::Result;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

/// Why it must stay, in one sentence: a file that is not ignored is neither in the tree that was saved
/// last nor (if none was) in its base; or it is not what we made. `None` if it can be removed.
pub(super) fn unsaved(worktree: &Worktree) -> Result<Option<String>> {
    if let Some(why) = not_ours(worktree)? {
        return Ok(Some(why));
    }
    if !worktree.is_there() {
        let commits = import::commits_without_folder(worktree)?;
        return Ok(commits_held(&commits).map(|what| format!("its folder is gone, but {what}")));
    }
    if !worktree.is_complete() || is_as_saved(worktree) {
        return Ok(None);
    }
    let now = match collect::collect(worktree) {
        Ok(now) => now,
        Err(error) => match error.downcast_ref::<TooMuch>() {
            Some(much) => return Ok(Some(format!("it holds too much: {much}"))),
            None => return Err(error),
        },
    };
    let same = match worktree.record.saved()? {
        Some(tree) => tree == now.tree,
        None => now.changed == 0,
    };
    if !same {
        return Ok(Some("it holds files that are in no commit".into()));
    }
    if let Some(what) = commits_held(&now.commits) {
        return Ok(Some(what));
    }
    let left: Vec<String> =
        now.left_out.iter().filter(|left| left.reason.holds_content()).map(LeftOut::to_string).collect();
    Ok((!left.is_empty()).then(|| left.join(", ")))
}

/// Why only the user may remove it: what is at its path is another folder, or they had it restored.
pub(super) fn not_ours(worktree: &Worktree) -> Result<Option<String>> {
    if worktree.record.is_restored() {
        return Ok(Some("you had it restored there; remove it yourself when you are done".into()));
    }
    if let Some(why) = locate::replaced(worktree)? {
        return Ok(Some(why));
    }
    Ok(layers::foreign(worktree)
        .map(|name| format!("somebody put {name} into its folder; take it out again")))
}

/// Whether it is for certain as it was when it was saved. What cannot be read is not.
fn is_as_saved(worktree: &Worktree) -> bool {
    compare_with_saved(worktree).unwrap_or(false)
}

fn compare_with_saved(worktree: &Worktree) -> Result<bool> {
    let Some((collected, contents)) = worktree.record.collected()? else { return Ok(false) };
    if worktree.record.saved()? != Some(collected) {
        return Ok(false);
    }
    let repaired = repair::repair(worktree)?;
    if !repaired.is_readable || !repaired.changed.is_empty() || !agent_refs::are_settled(worktree)? {
        return Ok(false);
    }
    let Some(mut paths) = changed_paths(worktree)? else { return Ok(false) };
    let copied: HashSet<PathBuf> = worktree.record.copied()?.into_iter().collect();
    paths.retain(|path| !copied.contains(as_path(path)));
    Ok(contents.is_still(&worktree.files(), &paths))
}

/// The paths that may differ from the checkout; `None` if there is anything that git does not list, or would wait for.
fn changed_paths(worktree: &Worktree) -> Result<Option<Vec<Vec<u8>>>> {
    if let Some(layers) = &worktree.layers {
        let changes = Upper::of(worktree, layers)?;
        return Ok(changes.odd.is_empty().then(|| changes.touched.into_iter().collect()));
    }
    if !Scan::new(&worktree.path, &BTreeSet::new())?.odd.is_empty() {
        return Ok(None);
    }
    let index = ScratchIndex::of_checkout(worktree)?;
    Ok(Some([index.changed_files()?, index.new_files()?].concat()))
}

/// What is said of commits that are nowhere else.
fn commits_held(commits: &[AgentCommit]) -> Option<String> {
    let (first, others) = commits.split_first()?;
    let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    Some(format!("it holds commits of its own ({}{others})", first.name))
}
