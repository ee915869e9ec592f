//! What an approval of a change would come to: whether the branch, as it is, would take it in by a merge.
//!
//! A review is worth its cost only if its verdict can let the change in. Where the base of a change is one
//! that the branch has never had, or its files are elsewhere by now, what has to be shown is what would land.

use super::approved::Approved;
use super::judge::Judge;
use super::{Candidate, New};
use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::gate::store::Repo;
use gix::ObjectId;

/// What merging a change into a branch would come to if it were approved as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Foreseen {
    /// It would be let in.
    Enters,
    /// It conflicts with the branch: there is nothing that could be let in.
    Conflicts,
    /// It would make that tree of the branch's, and an approval of the change would not carry that: why.
    Needs { tree: ObjectId, why: String },
}

/// Asks for the branch at that tip.
pub fn foresee(
    repo: &Repo,
    policy: &Policy,
    branch: &str,
    tip: ObjectId,
    change: &Change,
) -> Result<Foreseen> {
    let new = New::Tree { tree: change.head_tree, heads: Vec::new() };
    let candidate = Candidate { branch: branch.to_owned(), old: tip, new, accepted: None };
    let judge = Judge::new(repo, policy, &candidate, tip, &[])?;
    let from = repo.commit(tip)?.tree;
    let Some(tree) = judge.objects.merge(change.base_tree, from, change.head_tree)? else {
        return Ok(Foreseen::Conflicts);
    };
    let trees = (change.base_tree, change.head_tree);
    let ends = (change.base_commit, change.head_commit);
    let approved = Approved::supposed(&judge.objects, trees, ends, change.commits.iter().copied())?;
    Ok(match judge.carries(&approved, from, tree, 0)? {
        Ok(()) => Foreseen::Enters,
        Err(reason) => Foreseen::Needs { tree, why: reason.to_string() },
    })
}
