//! The first-parent steps from a branch's old tip to its new one: what the replay goes through.
//!
//! Where the old tip is not on the first-parent line (the branch was merged into a topic, and then
//! fast-forwarded to it) all up to that merge is one step, and what follows are steps as ever. A tip that
//! does not contain the old one is a rewind, unless it builds on what a guarding remote has accepted, as
//! after `pull --rebase`.

use super::{Candidate, New};
use crate::domain::error::Result;
use crate::gate::store::Repo;
use gix::ObjectId;
use std::collections::HashSet;

/// How far the first-parent line is followed before the update counts as one step.
const LONGEST: usize = 10_000;

/// One step of a branch.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// The commit; none where git has not made it yet.
    pub commit: Option<ObjectId>,
    pub tree: ObjectId,
    /// The commit that it is made on.
    pub before: ObjectId,
    /// The heads that it merges in; where the old tip is behind another parent than the first, the commit
    /// itself with all that it has.
    pub merged: Vec<ObjectId>,
}

impl Step {
    /// Whether it stands for all that the commit has, since the old tip is not on the first-parent line.
    pub fn is_whole_update(&self) -> bool {
        self.commit.is_some_and(|commit| self.merged == [commit])
    }
}

/// Where the judgement starts, and the steps from there; none when commits would be lost.
pub(super) fn from_candidate(repo: &Repo, candidate: &Candidate) -> Result<Option<(ObjectId, Vec<Step>)>> {
    let old = candidate.old;
    let new = match &candidate.new {
        New::Tree { tree, heads } => {
            let step = Step { commit: None, tree: *tree, before: old, merged: heads.clone() };
            return Ok(Some((old, vec![step])));
        }
        New::Commit(new) => *new,
    };
    for start in [Some(old), candidate.accepted].into_iter().flatten() {
        if let Some(steps) = between(repo, start, new)? {
            return Ok(Some((start, steps)));
        }
    }
    Ok(None)
}

/// The steps from a commit to a descendant, oldest first; none when it is no descendant.
pub(super) fn between(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<Option<Vec<Step>>> {
    // Where the old tip is not on the line, looking no further than its time saves reading all history.
    let oldest = repo.commit(old)?.time;
    if let Some(steps) = line(repo, old, new, Some(oldest))? {
        return Ok(Some(steps));
    }
    if repo.merge_base(old, new)? != Some(old) {
        return Ok(None);
    }
    // Times are whatever a clock or `--committer-date-is-author-date` says.
    match line(repo, old, new, None)? {
        Some(steps) => Ok(Some(steps)),
        None => Ok(Some(from_join(repo, old, new)?)),
    }
}

/// The steps from the commit on the first-parent line that took in `old`, that one included.
fn from_join(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<Vec<Step>> {
    let mut line = vec![new];
    for commit in repo.first_parents(new, ObjectId::null(new.kind())).skip(1).take(LONGEST) {
        line.push(commit?.id);
    }
    // Everything after the join contains `old`, nothing before it does.
    let (mut join, mut before) = (0, line.len());
    while before - join > 1 {
        let middle = join.midpoint(before);
        if repo.is_ancestor(old, line[middle])? { join = middle } else { before = middle }
    }
    let mut steps = vec![as_one(repo, old, line[join])?];
    for commit in line[..join].iter().rev() {
        let commit = repo.commit(*commit)?;
        let Some((&before, merged)) = commit.parents.split_first() else { continue };
        steps.push(Step { commit: Some(commit.id), tree: commit.tree, before, merged: merged.to_vec() });
    }
    Ok(steps)
}

/// The first-parent line from `new` down to `old`, oldest first; none where it does not lead there, or
/// not before commits that are older than `oldest`.
fn line(repo: &Repo, old: ObjectId, new: ObjectId, oldest: Option<i64>) -> Result<Option<Vec<Step>>> {
    let mut steps = Vec::new();
    let mut at = new;
    while at != old {
        if steps.len() >= LONGEST || !repo.has(at) {
            return Ok(None);
        }
        let commit = repo.commit(at)?;
        let is_older = oldest.is_some_and(|oldest| commit.time < oldest);
        let Some((&before, merged)) = commit.parents.split_first().filter(|_| !is_older) else {
            return Ok(None);
        };
        steps.push(Step { commit: Some(at), tree: commit.tree, before, merged: merged.to_vec() });
        at = before;
    }
    steps.reverse();
    Ok(Some(steps))
}

/// A whole update as one step, which merges in all that the new tip was made of.
fn as_one(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<Step> {
    let commit = repo.commit(new)?;
    Ok(Step { commit: Some(new), tree: commit.tree, before: old, merged: vec![new] })
}

/// The first-parent line of a merged head as far as its commits are new, oldest first, and the tree that it
/// starts from; `None` if it starts from nothing.
pub(super) fn side_line(
    repo: &Repo,
    new: &HashSet<ObjectId>,
    head: ObjectId,
) -> Result<Option<(ObjectId, Vec<Step>)>> {
    let mut steps = Vec::new();
    let mut at = head;
    while new.contains(&at) {
        let commit = repo.commit(at)?;
        let Some((&before, merged)) = commit.parents.split_first() else { return Ok(None) };
        if !repo.has(before) {
            return Ok(None);
        }
        steps.push(Step { commit: Some(at), tree: commit.tree, before, merged: merged.to_vec() });
        at = before;
    }
    steps.reverse();
    Ok(Some((repo.commit(at)?.tree, steps)))
}
