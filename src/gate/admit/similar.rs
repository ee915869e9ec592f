//! The verdicts on changes whose commits were made anew (rebased, squashed, picked): found by the
//! lines and paths that they change, without reading all there are.
//!
//! Where the target has renamed files meanwhile the paths are others, which the reviewer was not shown: then a
//! review is wanted again.

use super::evidence::Evidence;
use super::steps::Step;
use crate::domain::error::Result;
use crate::gate::store::verdicts::Gists;
use crate::gate::store::{Repo, trees};
use gix::ObjectId;

/// Up to how many steps every run of them is looked for; beyond, only those that begin with the first or
/// end with the last, and each on its own.
const ALL_RUNS: usize = 8;

/// How many runs of more than one step are looked for at most, and of fewer than all.
const RUNS: usize = 256;

impl Evidence<'_> {
    /// Takes the records on changes like those that the steps bring.
    pub fn add_similar(&mut self, old: ObjectId, steps: &[Step]) -> Result<()> {
        let repo = self.repo;
        let mut gists = Gists::new(repo);
        for (from, to) in runs(repo, repo.commit(old)?.tree, steps)? {
            let changed = trees::changed(repo, from, to)?;
            for object in self.notes()?.similar(&changed, &mut gists)? {
                self.add_on(object)?;
            }
        }
        Ok(())
    }
}

/// The pairs of trees that one verdict may be about: of the steps, and of the heads that they merge.
fn runs(repo: &Repo, start: ObjectId, steps: &[Step]) -> Result<Vec<(ObjectId, ObjectId)>> {
    let mut runs = Vec::new();
    for step in steps {
        for head in &step.merged {
            if let Some(fork) = repo.merge_base(step.before, *head)? {
                runs.push((repo.commit(fork)?.tree, repo.commit(*head)?.tree));
            }
        }
    }
    let trees: Vec<ObjectId> = std::iter::once(start).chain(steps.iter().map(|step| step.tree)).collect();
    let last = steps.len();
    // Of a long line each step and the whole matter more than its middle.
    let ones = (0..last).map(|at| (at, at + 1));
    let longest_first = (2..last).rev().flat_map(|length| {
        let ends = last - length;
        let starts = if last <= ALL_RUNS { (0..=ends).collect() } else { vec![0, ends] };
        starts.into_iter().map(move |at| (at, at + length))
    });
    let whole = (last > 1).then_some((0, last));
    let wanted = ones.chain(whole).chain(longest_first.take(RUNS));
    runs.extend(wanted.map(|(from, to)| (trees[from], trees[to])));
    // A merge that is not made yet has its tree nowhere; the heads that it merges have theirs.
    runs.retain(|(from, to)| from != to && repo.has(*from) && repo.has(*to));
    Ok(runs)
}
