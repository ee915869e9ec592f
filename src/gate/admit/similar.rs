//! The verdicts on changes whose commits were made anew (rebased, squashed, picked): found by the
//! paths that they touch, without reading all there are.
//!
//! Where the target has renamed files meanwhile the paths are others: then the newest verdicts are
//! looked through, and those tried whose files are not where they were. So a very old verdict on a file
//! that was renamed since is not found, and a review is wanted again; everything else is.

use super::evidence::Evidence;
use super::steps::Step;
use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use crate::gate::store::{Repo, trees};
use gix::ObjectId;
use std::collections::BTreeSet;

/// Up to how many steps every run of them is looked for; beyond, only those that begin with the first or
/// end with the last, and each on its own.
const ALL_RUNS: usize = 8;

/// How many runs are looked for at most.
const RUNS: usize = 256;

impl Evidence<'_> {
    /// Takes the records on changes like those that the steps bring.
    pub fn add_similar(&mut self, old: ObjectId, steps: &[Step]) -> Result<()> {
        let repo = self.repo;
        for (from, to) in runs(repo, repo.commit(old)?.tree, steps)? {
            let changed = trees::changed(repo, from, to)?;
            for object in self.notes()?.similar(changed.iter().map(|changed| changed.path.as_slice()))? {
                self.add_on(object)?;
            }
            self.touched.extend(changed.into_iter().map(|changed| changed.path));
        }
        Ok(())
    }

    /// Takes those of the newest records that are about files which are not where they were.
    pub fn add_renamed(&mut self, old: ObjectId, _: &[Step]) -> Result<()> {
        let repo = self.repo;
        let start = repo.commit(old)?.tree;
        for object in self.notes()?.newest()? {
            for verdict in self.notes()?.on(object)?.0 {
                if could_lead_there(repo, start, &self.touched, &verdict)? {
                    self.add_on(object)?;
                }
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
    let longest_first =
        (1..=last).rev().flat_map(|length| (0..=last - length).map(move |at| (at, at + length)));
    let wanted =
        longest_first.filter(|(from, to)| last <= ALL_RUNS || *from == 0 || *to == last || to - from == 1);
    // Of a long line the steps themselves matter more than its middle.
    let (ones, more): (Vec<_>, Vec<_>) = wanted.partition(|(from, to)| to - from == 1 || to - from == last);
    runs.extend(ones.into_iter().chain(more).map(|(from, to)| (trees[from], trees[to])));
    // A merge that is not made yet has its tree nowhere; the heads that it merges have theirs.
    runs.retain(|(from, to)| from != to && repo.has(*from) && repo.has(*to));
    runs.truncate(RUNS);
    Ok(runs)
}

/// Whether merging a judged change onto that tree could touch only these paths, though it touches others
/// where it was judged: each of its files is among them, or is there already as judged, or has gone
/// elsewhere.
fn could_lead_there(
    repo: &Repo,
    start: ObjectId,
    touched: &BTreeSet<Vec<u8>>,
    verdict: &Verdict,
) -> Result<bool> {
    // What was judged may be gone: then it proves nothing.
    let Ok(changed) = trees::changed(repo, verdict.base_tree, verdict.head_tree) else { return Ok(false) };
    let mut is_in_already = true;
    for changed in &changed {
        let now = trees::entry(repo, start, &changed.path)?;
        let is_there = now == changed.new;
        is_in_already = is_in_already && is_there;
        let has_moved = match changed.old {
            Some(_) => now.is_none(),
            None => !has_folder_of(repo, start, &changed.path)?,
        };
        if !(touched.contains(&changed.path) || is_there || has_moved) {
            return Ok(false);
        }
    }
    Ok(!is_in_already)
}

/// Whether the folder that a path is in is there.
fn has_folder_of(repo: &Repo, tree: ObjectId, path: &[u8]) -> Result<bool> {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(end) => Ok(trees::entry(repo, tree, &path[..end])?.is_some()),
        None => Ok(true),
    }
}
