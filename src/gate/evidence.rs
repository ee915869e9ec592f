//! The verdicts that a ruling can rest on, grouped by the change that they are about.
//!
//! Where a note hangs proves nothing, the record's own pair of trees does; so looking in more places
//! is only a matter of time: first on the heads at hand, then on every commit of the update, then
//! everywhere (a cherry-pick leaves its verdict behind on the old commit).

use super::standing::{self, Standing, counts, weigh};
use super::steps::Step;
use crate::error::Result;
use crate::policy::Policy;
use crate::store::{Repo, verdicts};
use crate::verdict::Verdict;
use gix::ObjectId;
use indexmap::IndexMap;
use jiff::Timestamp;
use std::collections::{BinaryHeap, HashSet};

/// How many commits of an update are searched for notes before all notes are read instead.
const RANGE: usize = 512;

/// Verdicts that count, by (base tree, head tree).
#[derive(Debug, Default)]
pub(super) struct Evidence {
    branch: String,
    changes: IndexMap<(ObjectId, ObjectId), Vec<Verdict>>,
    looked: HashSet<ObjectId>,
}

impl Evidence {
    /// None yet, for that branch.
    pub fn about(branch: &str) -> Evidence {
        Evidence { branch: branch.to_owned(), ..Evidence::default() }
    }

    /// Takes the notes on the new tips, the merged heads and their trees: a handful.
    pub fn add_near(&mut self, repo: &Repo, policy: &Policy, old: ObjectId, steps: &[Step]) -> Result<()> {
        let _ = old;
        for step in steps.iter().rev().take(RANGE) {
            for commit in step.commit.iter().chain(&step.merged) {
                self.add_on(repo, policy, *commit)?;
            }
            self.add_on(repo, policy, step.tree)?;
        }
        Ok(())
    }

    /// Takes the notes on every commit of the update, whichever parent leads to it.
    pub fn add_range(&mut self, repo: &Repo, policy: &Policy, old: ObjectId, steps: &[Step]) -> Result<()> {
        let tips = steps.iter().flat_map(|step| step.commit.into_iter().chain(step.merged.iter().copied()));
        let mut forks = HashSet::from([old]);
        let mut queue = BinaryHeap::new();
        let mut queued = HashSet::new();
        for tip in tips {
            forks.extend(repo.merge_bases(old, &[tip])?);
            if queued.insert(tip) {
                queue.push((repo.commit(tip)?.time, tip));
            }
        }
        // Newest first, so that the fork points come last; a few commits too many do no harm.
        for _ in 0..RANGE {
            let Some((_, id)) = queue.pop() else { break };
            if forks.contains(&id) {
                continue;
            }
            let commit = repo.commit(id)?;
            self.add_on(repo, policy, id)?;
            self.add_on(repo, policy, commit.tree)?;
            for parent in commit.parents {
                // A shallow clone ends somewhere.
                if repo.has(parent) && queued.insert(parent) {
                    queue.push((repo.commit(parent)?.time, parent));
                }
            }
        }
        Ok(())
    }

    /// Takes every record there is.
    pub fn add_all(&mut self, repo: &Repo, policy: &Policy, _: ObjectId, _: &[Step]) -> Result<()> {
        for (_, verdict) in verdicts::all(repo)? {
            self.add(policy, verdict);
        }
        Ok(())
    }

    fn add_on(&mut self, repo: &Repo, policy: &Policy, object: ObjectId) -> Result<()> {
        if self.looked.insert(object) {
            // Lines that cannot be told are no approvals; `verdict list` names them.
            let (verdicts, _) = verdicts::on(repo, object)?;
            for verdict in verdicts {
                // What blocks the same change hangs on its tree too: a reworded commit is no way round.
                let tree = verdict.head_tree.parse::<ObjectId>().ok();
                self.add(policy, verdict);
                if let Some(tree) = tree {
                    self.add_on(repo, policy, tree)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, policy: &Policy, verdict: Verdict) {
        let trees = (verdict.base_tree.parse::<ObjectId>(), verdict.head_tree.parse::<ObjectId>());
        if let (Ok(base), Ok(head)) = trees
            && counts(&verdict, policy, &self.branch)
        {
            let of_change = self.changes.entry((base, head)).or_default();
            if !of_change.contains(&verdict) {
                of_change.push(verdict);
            }
        }
    }

    /// How a change stands, as far as its paths demand nothing more.
    pub fn standing(&self, policy: &Policy, base: ObjectId, head: ObjectId) -> Standing {
        let verdicts = self.changes.get(&(base, head)).map_or(&[][..], Vec::as_slice);
        weigh(verdicts, policy, &policy.base_demand())
    }

    /// The changes that stand approved, with the newest of their verdicts' times.
    pub fn approved(&self, policy: &Policy) -> Vec<(ObjectId, ObjectId, Vec<Verdict>)> {
        let changes = self.changes.iter();
        changes
            .filter_map(|((base, head), verdicts)| match weigh(verdicts, policy, &policy.base_demand()) {
                Standing::Approved(verdicts) => Some((*base, *head, verdicts)),
                _ => None,
            })
            .collect()
    }
}

/// When a change was last judged, for trying the newest first.
pub(super) fn time(verdicts: &[Verdict]) -> Timestamp {
    verdicts.iter().map(standing::time).max().unwrap_or(Timestamp::MIN)
}
