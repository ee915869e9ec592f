//! Steps that one verdict covers together, and that do on the way what nobody judged.
//!
//! A verdict is about where a change begins and ends; a branch that takes it in by several commits also
//! passes through what lies between. The commits that were judged may lie there, and their rebased or
//! rewritten selves. What adds and takes away again something else may not: a step that touches a path
//! on which the change leaves no trace, or that goes back to where the branch has been, has to be the
//! clean pick of a commit that was judged.

use super::steps::Step;
use crate::error::Result;
use crate::store::trees::Merger;
use crate::store::{Commit, Repo};
use crate::verdict::Verdict;
use gix::ObjectId;
use std::collections::BTreeSet;

/// How many picks are tried for one question.
const PICKS: usize = 64;

/// Whether these steps, which lead from that tree to where the verdicts' change ends, only do what the
/// commits did that were judged.
pub(super) fn is_straight(
    merger: &Merger<'_>,
    repo: &Repo,
    start: ObjectId,
    steps: &[Step],
    verdicts: &[Verdict],
) -> Result<bool> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Ok(true) };
    let heads: Vec<ObjectId> = verdicts
        .iter()
        .filter_map(|verdict| verdict.head_commit.as_ref()?.parse::<ObjectId>().ok())
        .filter(|head| repo.has(*head))
        .collect();
    if steps.len() == 1 || last.commit.is_some_and(|commit| heads.contains(&commit)) {
        return Ok(true);
    }
    let paths = |from: ObjectId, to: ObjectId| -> Result<BTreeSet<Vec<u8>>> {
        Ok(merger.sealed()?.changed(from, to)?.into_iter().map(|changed| changed.path).collect())
    };
    let traces = paths(start, last.tree)?;
    let mut been = BTreeSet::from([start]);
    let mut judged = None;
    let mut picks = 0;
    let mut before = start;
    for step in steps {
        let touched = paths(before, step.tree)?;
        let is_odd = before != step.tree && (!touched.is_subset(&traces) || !been.insert(step.tree));
        if is_odd {
            let commits: &Vec<Commit> = match &judged {
                Some(commits) => commits,
                None => judged.insert(commits_of(repo, first.before, &heads)?),
            };
            let mut is_pick = false;
            for commit in commits {
                let base =
                    commit.parents.first().map_or_else(|| Ok(repo.empty_tree()), |id| repo.tree_of(*id))?;
                if picks >= PICKS || is_pick {
                    break;
                }
                // As many paths, whatever main calls them by now: all others need no process.
                if paths(base, commit.tree)?.len() == touched.len() {
                    picks += 1;
                    is_pick = merger.merge(base, before, commit.tree)? == Some(step.tree);
                }
            }
            if !is_pick {
                return Ok(false);
            }
        }
        before = step.tree;
    }
    Ok(true)
}

/// The commits that were judged, oldest first.
fn commits_of(repo: &Repo, fork: ObjectId, heads: &[ObjectId]) -> Result<Vec<Commit>> {
    let mut commits: Vec<Commit> = Vec::new();
    for head in heads {
        for commit in repo.commits_between([fork], *head)?.into_iter().rev() {
            if commit.parents.iter().all(|parent| repo.has(*parent)) {
                commits.push(commit);
            }
        }
    }
    Ok(commits)
}
