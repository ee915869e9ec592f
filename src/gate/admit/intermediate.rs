//! Steps that one verdict covers together, and what they do on the way that was not judged.
//!
//! A verdict is about where a change begins and ends; a branch that takes it in by several commits also
//! passes through what lies between. The commits that were judged may lie there, and their rebased or
//! rewritten selves. What adds and takes away again something else may not: a step that touches a path
//! on which the change leaves no trace, or that goes back to where the branch has been, has to be the
//! clean pick of a commit that was judged.

use super::steps::Step;
use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use crate::gate::store::Repo;
use crate::gate::store::trees::Merger;
use gix::ObjectId;
use std::collections::BTreeSet;

/// How many picks are tried for one question.
const PICKS: usize = 256;

/// The paths that differ between two trees.
type Paths = BTreeSet<Vec<u8>>;

/// Whether these steps, which lead from that tree to where the verdicts' change ends, only do what the
/// commits did that were judged.
pub(super) fn adds_nothing(
    merger: &Merger<'_>,
    repo: &Repo,
    start: ObjectId,
    steps: &[Step],
    verdicts: &[Verdict],
) -> Result<bool> {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Ok(true) };
    let heads = verdicts.iter().filter_map(|verdict| verdict.head_commit);
    let heads: Vec<ObjectId> = heads.filter(|head| repo.has(*head)).collect();
    if steps.len() == 1 || last.commit.is_some_and(|commit| heads.contains(&commit)) {
        return Ok(true);
    }
    let traces = paths(merger, start, last.tree)?;
    let mut been = BTreeSet::from([start]);
    let mut judged = None;
    let mut before = start;
    for step in steps {
        let touched = paths(merger, before, step.tree)?;
        let is_odd = before != step.tree && (!touched.is_subset(&traces) || !been.insert(step.tree));
        if is_odd {
            let judged = match &mut judged {
                Some(judged) => judged,
                None => judged.insert(JudgedCommits::new(merger, repo, first.before, &heads)?),
            };
            if !judged.contains_pick(merger, before, step.tree, &touched)? {
                return Ok(false);
            }
        }
        before = step.tree;
    }
    Ok(true)
}

fn paths(merger: &Merger<'_>, from: ObjectId, to: ObjectId) -> Result<Paths> {
    Ok(merger.sealed()?.changed(from, to)?.into_iter().map(|changed| changed.path).collect())
}

/// The commits that were judged, oldest first.
struct JudgedCommits {
    commits: Vec<(ObjectId, ObjectId, Paths)>,
    /// The one after the last that was found: a rebase keeps their order.
    next: usize,
    picks: usize,
}

impl JudgedCommits {
    fn new(merger: &Merger<'_>, repo: &Repo, fork: ObjectId, heads: &[ObjectId]) -> Result<JudgedCommits> {
        let mut commits = Vec::new();
        for head in heads {
            for commit in repo.commits_between([fork], *head)?.into_iter().rev() {
                let base = match commit.parents.first() {
                    Some(parent) if repo.has(*parent) => repo.tree_of(*parent)?,
                    // A shallow clone ends here.
                    Some(_) => continue,
                    None => repo.empty_tree(),
                };
                commits.push((base, commit.tree, paths(merger, base, commit.tree)?));
            }
        }
        Ok(JudgedCommits { commits, next: 0, picks: 0 })
    }

    /// Whether the step from one tree to another, which touches these paths, is the clean pick of one.
    fn contains_pick(
        &mut self,
        merger: &Merger<'_>,
        from: ObjectId,
        to: ObjectId,
        touched: &Paths,
    ) -> Result<bool> {
        let in_order = (self.next..self.commits.len()).chain(0..self.next);
        // Those of the same paths first; the target may have renamed files since, hence the others.
        let (likely, others): (Vec<usize>, Vec<usize>) =
            in_order.partition(|at| touched.is_subset(&self.commits[*at].2));
        for at in likely.into_iter().chain(others) {
            let (base, tree, paths) = &self.commits[at];
            if paths.len() < touched.len() {
                continue;
            }
            self.picks += 1;
            if self.picks > PICKS {
                return Ok(false);
            }
            if merger.merge(*base, from, *tree)? == Some(to) {
                self.next = at + 1;
                return Ok(true);
            }
        }
        Ok(false)
    }
}
