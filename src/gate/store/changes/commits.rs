//! The commits of a change, and what each of them does by itself.

use crate::domain::error::{Result, hint};
use crate::gate::store::trees::Merger;
use crate::gate::store::{Commit, Repo};
use gix::ObjectId;
use std::collections::{HashMap, HashSet};

/// The commits that `head` has and no `base` has, parents first.
pub fn carried(
    repo: &Repo,
    base: impl IntoIterator<Item = ObjectId>,
    head: ObjectId,
) -> Result<Vec<ObjectId>> {
    Ok(parents_first(&repo.commits_between(base, head)?))
}

/// Their ids, each after its parents.
pub(super) fn parents_first(commits: &[Commit]) -> Vec<ObjectId> {
    let by_id: HashMap<ObjectId, &Commit> = commits.iter().map(|commit| (commit.id, commit)).collect();
    let (mut ordered, mut seen) = (Vec::new(), HashSet::new());
    for commit in commits {
        let mut waiting = vec![(commit.id, false)];
        while let Some((id, parents_are_there)) = waiting.pop() {
            if parents_are_there {
                ordered.push(id);
            } else if let Some(commit) = by_id.get(&id).filter(|_| seen.insert(id)) {
                waiting.push((id, true));
                waiting.extend(commit.parents.iter().rev().map(|parent| (*parent, false)));
            }
        }
    }
    ordered
}

/// The tree that a commit is compared with for what it does by itself: its parent's, the empty one of a
/// root; of a merge, what git itself merges its parents to, or the first parent's where they conflict or
/// were merged crosswise. A merged tree may be in the merger's own directory only.
pub fn own_base(repo: &Repo, merger: &Merger<'_>, commit: &Commit) -> Result<ObjectId> {
    let Some((first, others)) = commit.parents.split_first() else { return Ok(repo.empty_tree()) };
    if let Some(cut_off) = commit.parents.iter().find(|parent| !repo.has(**parent)) {
        return Err(hint(
            format!(
                "what {} changes cannot be told: its parent {cut_off} is not in this shallow clone",
                commit.id
            ),
            repo.make_whole(),
        ));
    }
    let first_tree = repo.tree_of(*first)?;
    let mut merged = first_tree;
    for other in others {
        let fork = merger.fork(*first, *other)?.filter(|fork| fork.commits.len() <= 1);
        let Some(fork) = fork else { return Ok(first_tree) };
        let Some(next) = merger.bring(&fork, *other, merged)? else { return Ok(first_tree) };
        merged = next;
    }
    Ok(merged)
}
