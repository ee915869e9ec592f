//! The verdicts that a ruling can rest on, grouped by the change that they are about.
//!
//! Where a note hangs proves nothing, the record's own pair of trees does; so looking in more places
//! is only a matter of time: first on the heads at hand, then on every commit of the update, then by
//! the paths that it touches (a rebase leaves its verdict behind on the old commit). If the branch counts
//! only signed records, a signature is checked when its record would decide something, never for all.

use super::steps::Step;
use super::tally::{Tally, tally};
use super::validity::{BranchVerdicts, Void};
use crate::domain::error::Result;
use crate::domain::policy::Demand;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::store::Repo;
use crate::gate::store::verdicts::Notes;
use gix::ObjectId;
use indexmap::IndexMap;
use std::collections::{BinaryHeap, HashSet};

/// How many commits of an update are searched for notes before the index is.
const RANGE: usize = 512;

/// Verdicts that count but for their signatures, by (base tree, head tree).
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) repo: &'a Repo,
    pub(super) verdicts: BranchVerdicts<'a>,
    changes: IndexMap<(ObjectId, ObjectId), Vec<Verdict>>,
    looked: HashSet<ObjectId>,
}

impl<'a> Evidence<'a> {
    pub fn new(repo: &'a Repo, verdicts: BranchVerdicts<'a>) -> Evidence<'a> {
        let (changes, looked) = (IndexMap::new(), HashSet::new());
        Evidence { repo, verdicts, changes, looked }
    }

    /// The notes as they stood when they were first asked for.
    pub(super) fn notes(&self) -> Result<&Notes<'a>> {
        self.verdicts.notes()
    }

    /// Takes the notes on the new tips, the merged heads and their trees: a handful. What blocks hangs on
    /// trees, and none of these may be left for later: an approval is taken as soon as it is found.
    pub fn add_near(&mut self, steps: &[Step]) -> Result<()> {
        for step in steps.iter().rev().take(RANGE) {
            for commit in step.commit.iter().chain(&step.merged) {
                self.add_on(*commit)?;
                self.add_on(self.repo.commit(*commit)?.tree)?;
            }
            self.add_on(step.tree)?;
        }
        Ok(())
    }

    /// Takes the notes on every commit of the update, whichever parent leads to it.
    pub fn add_range(&mut self, old: ObjectId, steps: &[Step]) -> Result<()> {
        let tips = steps.iter().flat_map(|step| step.commit.into_iter().chain(step.merged.iter().copied()));
        let mut forks = HashSet::from([old]);
        let mut queue = BinaryHeap::new();
        let mut queued = HashSet::new();
        for tip in tips {
            forks.extend(self.repo.merge_bases(old, &[tip])?);
            if queued.insert(tip) {
                queue.push((self.repo.commit(tip)?.time, tip));
            }
        }
        // Newest first, so that the fork points come last; a few commits too many do no harm.
        for _ in 0..RANGE {
            let Some((_, id)) = queue.pop() else { break };
            if forks.contains(&id) {
                continue;
            }
            let commit = self.repo.commit(id)?;
            self.add_on(id)?;
            self.add_on(commit.tree)?;
            for parent in commit.parents {
                // A shallow clone ends somewhere.
                if self.repo.has(parent) && queued.insert(parent) {
                    queue.push((self.repo.commit(parent)?.time, parent));
                }
            }
        }
        Ok(())
    }

    /// Takes what hangs on that object.
    pub fn add_on(&mut self, object: ObjectId) -> Result<()> {
        if self.looked.insert(object) {
            // Lines that cannot be read are no approvals; `verdict list` names them.
            let (verdicts, _) = self.notes()?.on(object)?;
            for verdict in verdicts {
                // What blocks the same change hangs on its tree too: a reworded commit is no way round.
                let tree = verdict.head_tree;
                self.add(verdict);
                self.add_on(tree)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, verdict: Verdict) {
        if self.verdicts.ineligible(&verdict, &[]).is_none() {
            let on_change = self.changes.entry((verdict.base_tree, verdict.head_tree)).or_default();
            if !on_change.contains(&verdict) {
                on_change.push(verdict);
            }
        }
    }

    /// How many verdicts that may count are known.
    pub fn len(&self) -> usize {
        self.changes.values().map(Vec::len).sum()
    }

    /// What the verdicts on a change come to if its paths demand nothing more.
    pub fn tally(&self, base: ObjectId, head: ObjectId) -> Result<Tally> {
        self.tally_by(base, head, &self.verdicts.policy().base_demand())
    }

    /// The same if so much is demanded.
    pub fn tally_by(&self, base: ObjectId, head: ObjectId, demand: &Demand) -> Result<Tally> {
        self.verdicts.tally(self.on(base, head), &[], demand)
    }

    /// The changes that may be approved, with the verdicts that say so. If only signed records count,
    /// only [`Evidence::tally`] knows whether they are.
    pub fn hopeful(&self) -> Vec<(ObjectId, ObjectId, Vec<Verdict>)> {
        let policy = self.verdicts.policy();
        let hope = |verdicts: &[Verdict]| {
            if policy.signed {
                let lets_in = |verdict: &&Verdict| {
                    verdict.signature.is_some() && verdict.decision != Decision::RequestChanges
                };
                let hopeful: Vec<Verdict> = verdicts.iter().filter(lets_in).cloned().collect();
                return (!hopeful.is_empty()).then_some(hopeful);
            }
            match tally(verdicts, policy, &policy.base_demand()) {
                Tally::Approved(verdicts) => Some(verdicts),
                _ => None,
            }
        };
        let changes = self.changes.iter();
        changes.filter_map(|((base, head), verdicts)| Some((*base, *head, hope(verdicts)?))).collect()
    }

    /// Why a record on a change that would count otherwise does not: its signature. `None` if there is no
    /// such record.
    pub fn without_proof(&self, base: ObjectId, head: ObjectId) -> Result<Option<String>> {
        for verdict in self.on(base, head) {
            if let Some(Void::Unproven(why)) = self.verdicts.unproven(verdict)? {
                return Ok(Some(format!("{} of {}: {why}", verdict.decision, verdict.reviewer.name)));
            }
        }
        Ok(None)
    }

    fn on(&self, base: ObjectId, head: ObjectId) -> &[Verdict] {
        self.changes.get(&(base, head)).map_or(&[], Vec::as_slice)
    }
}
