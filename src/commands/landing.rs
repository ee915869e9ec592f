//! The form in which a change is judged so that an approval lets it in.
//!
//! A change is judged from where it parted from its target. Where the target could not take that in (a base
//! that it never had, files that have moved, text that has changed around the lines, what was taken out
//! again), an approval would be paid for in vain: then what would land on the target's tip is judged. The upper
//! part of a stack is judged on the lower one, which is judged already.

use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::admit::{self, Foreseen};
use crate::gate::store::trees::{Merger, Sealed};
use crate::gate::store::{Repo, upstream, verdicts};
use gix::ObjectId;

/// What is judged as it would land.
#[derive(Debug, Clone)]
pub struct Landing {
    /// The tip of the target that it would land on.
    pub tip: ObjectId,
    /// Why not as it is, in one sentence.
    pub why: String,
}

/// The change as it is to be judged; and, if that is how it would land, where and why.
pub fn judged(
    repo: &Repo,
    policy: &Policy,
    branch: &str,
    change: Change,
) -> Result<(Change, Option<Landing>)> {
    let (Some(head), true) = (change.head_commit, policy.protects(branch)) else { return Ok((change, None)) };
    let Some(tip) = tip(repo, branch, change.base_commit)? else { return Ok((change, None)) };
    let is_plain = change.base_tree == change.head_tree || change.base_commit == Some(tip);
    if is_plain || repo.is_ancestor(head, tip)? || is_on_approved(repo, &change)? {
        return Ok((change, None));
    }
    let Foreseen::Needs { tree, why } = admit::foresee(repo, policy, branch, tip, &change)? else {
        return Ok((change, None));
    };
    let base_tree = repo.tree_of(tip)?;
    if tree == base_tree {
        return Ok((change, None));
    }
    Sealed::over(repo)?.copy_tree_to(repo, tree)?;
    let change = Change { base_tree, head_tree: tree, base_commit: Some(tip), ..change };
    Ok((change, Some(Landing { tip, why })))
}

/// The tip that a change would land on: our own, unless the change begins at what only the remote has so far.
pub(super) fn tip(repo: &Repo, branch: &str, base: Option<ObjectId>) -> Result<Option<ObjectId>> {
    let own = repo.find_ref(&format!("refs/heads/{branch}"))?;
    let theirs = upstream::accepted(repo, branch)?;
    let (Some(own), Some(theirs), Some(base)) = (own, theirs, base) else { return Ok(own.or(theirs)) };
    let only_theirs = !repo.is_ancestor(base, own)? && repo.is_ancestor(base, theirs)?;
    Ok(Some(if only_theirs { theirs } else { own }))
}

/// Whether the change begins where another one ends that was approved.
fn is_on_approved(repo: &Repo, change: &Change) -> Result<bool> {
    let Some(base) = change.base_commit else { return Ok(false) };
    let (verdicts, _) = verdicts::on(repo, base)?;
    let ends_there = |verdict: &Verdict| {
        verdict.head_commit == Some(base)
            && verdict.head_tree == change.base_tree
            && verdict.decision != Decision::RequestChanges
    };
    Ok(verdicts.iter().any(ends_there))
}

/// Whether a verdict is about how its commits would land on its base, and not about their own last tree.
pub fn is_of_landing(repo: &Repo, verdict: &Verdict) -> Result<bool> {
    let (Some(tip), Some(head)) = (verdict.base_commit, verdict.head_commit) else { return Ok(false) };
    let commits = verdict.commits();
    if commits.is_empty() || !commits.iter().chain([&tip, &head]).all(|commit| repo.has(*commit)) {
        return Ok(false);
    }
    if admit::predict(repo, tip, &[head])? == Some(verdict.head_tree) {
        return Ok(true);
    }
    let mut bases = Vec::new();
    for commit in commits {
        bases.extend(repo.commit(*commit)?.parents.into_iter().filter(|parent| !commits.contains(parent)));
    }
    let [base] = bases[..] else { return Ok(false) };
    let (base, head) = (repo.tree_of(base)?, repo.tree_of(head)?);
    Ok(Merger::new(repo).merge(base, repo.tree_of(tip)?, head)? == Some(verdict.head_tree))
}
