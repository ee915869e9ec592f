//! The verdicts that a ruling can rest on, grouped by the change that they are about.
//!
//! Where a note hangs proves nothing, the record's own pair of trees does; so looking in more places
//! is only a matter of time: first on the heads at hand, then on every commit of the update, then by
//! what it changes (a rebase leaves its verdict behind on the old commit). If the branch counts only signed
//! records, the others are left out here: not even where a change begins, or which commits were shown, is believed
//! of a record that nobody vouches for.

use super::steps::Step;
use super::tally::{Tally, tally};
use super::validity::{BranchVerdicts, Void};
use crate::domain::error::Result;
use crate::domain::policy::Demand;
use crate::domain::verdict::Verdict;
use crate::gate::store::Repo;
use crate::gate::store::verdicts::Notes;
use gix::ObjectId;
use indexmap::IndexMap;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// How many commits of an update are searched for notes before the index is.
const RANGE: usize = 512;

/// The verdicts that count, by (base tree, head tree).
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) repo: &'a Repo,
    pub(super) verdicts: BranchVerdicts<'a>,
    changes: IndexMap<(ObjectId, ObjectId), Vec<Verdict>>,
    /// Why a record that would count otherwise does not, where only signed ones do: one for each change.
    unproven: HashMap<(ObjectId, ObjectId), String>,
    looked: HashSet<ObjectId>,
}

impl<'a> Evidence<'a> {
    pub fn new(repo: &'a Repo, verdicts: BranchVerdicts<'a>) -> Evidence<'a> {
        let (changes, unproven, looked) = (IndexMap::new(), HashMap::new(), HashSet::new());
        Evidence { repo, verdicts, changes, unproven, looked }
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
            // What blocks the same change hangs on its tree too: a reworded commit is no way round. What hangs
            // there is about that tree, so that no note leads from one to the next without end.
            for tree in self.take(object)? {
                if self.looked.insert(tree) {
                    self.take(tree)?;
                }
            }
        }
        Ok(())
    }

    /// Takes the records on that object which count, and tells the trees that they are about.
    fn take(&mut self, object: ObjectId) -> Result<HashSet<ObjectId>> {
        let mut trees = HashSet::new();
        // Lines that cannot be read are no approvals; `verdict list` names them.
        for verdict in self.notes()?.on(object)?.0 {
            if self.verdicts.ineligible(&verdict, &[]).is_some() {
                continue;
            }
            let change = (verdict.base_tree, verdict.head_tree);
            if let Some(void) = self.verdicts.unproven(&verdict)? {
                if let Void::Unproven(why) = void {
                    let who = || format!("{} of {}: {why}", verdict.decision, verdict.reviewer.name);
                    self.unproven.entry(change).or_insert_with(who);
                }
                continue;
            }
            trees.insert(verdict.head_tree);
            let on_change = self.changes.entry(change).or_default();
            if !on_change.contains(&verdict) {
                on_change.push(verdict);
            }
        }
        Ok(trees)
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

    /// The changes that are approved if their paths demand nothing more, with the verdicts that say so.
    pub fn hopeful(&self) -> Vec<(ObjectId, ObjectId, Vec<Verdict>)> {
        let policy = self.verdicts.policy();
        let hope = |verdicts: &[Verdict]| match tally(verdicts, policy, &policy.base_demand()) {
            Tally::Approved(verdicts) => Some(verdicts),
            _ => None,
        };
        let changes = self.changes.iter();
        changes.filter_map(|((base, head), verdicts)| Some((*base, *head, hope(verdicts)?))).collect()
    }

    /// Why a record on a change that would count otherwise does not: its signature. `None` if there is no
    /// such record.
    pub fn without_proof(&self, base: ObjectId, head: ObjectId) -> Option<&str> {
        self.unproven.get(&(base, head)).map(String::as_str)
    }

    fn on(&self, base: ObjectId, head: ObjectId) -> &[Verdict] {
        self.changes.get(&(base, head)).map_or(&[], Vec::as_slice)
    }
}
