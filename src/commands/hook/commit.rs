//! `pre-commit` and `pre-merge-commit`: git is about to make a commit of the index.
//!
//! A merge that was refused or conflicted is concluded by `git commit`, which runs `pre-commit`; so
//! that has to look for a merge under way. The commit's tree is that of the index that git names, which it
//! may have put elsewhere.

use super::{HookAnswer, Moment, decide, guarded};
use crate::domain::error::Result;
use crate::gate::admit::{Candidate, New};
use crate::gate::store::{Repo, changes};
use anyhow::Context;
use gix::ObjectId;

pub(super) fn ask(moment: Moment) -> Result<HookAnswer> {
    let repo = Repo::discover()?;
    let Some(candidate) = guarded(&repo)? else { return Ok(HookAnswer::Pass) };
    let tree = changes::index_tree(&repo).context("the tree of the index cannot be told")?;
    let mut heads = merge_heads(&repo);
    if moment == Moment::MergeCommit {
        heads.extend(announced_heads());
        heads.sort();
        heads.dedup();
    }
    decide(repo, Candidate { new: New::Tree { tree, heads }, ..candidate }, moment)
}

/// The heads of the merge that is under way in this worktree.
fn merge_heads(repo: &Repo) -> Vec<ObjectId> {
    let text = std::fs::read_to_string(repo.git_dir().join("MERGE_HEAD")).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// The heads that `git merge` names to its children as `GITHEAD_<id>`.
pub(super) fn announced_heads() -> Vec<ObjectId> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| name.strip_prefix("GITHEAD_").and_then(|id| id.parse().ok())).collect()
}
