//! The verdicts that a ruling can rest on, grouped by the change that they are about.
//!
//! Where a note hangs proves nothing, the record's own pair of trees does; so looking in more places
//! is only a matter of time: first on the heads at hand, then on every commit of the update, then by
//! the paths that it touches (a rebase leaves its verdict behind on the old commit), then everywhere,
//! where an earlier version has left records that are not indexed. Where the branch counts only signed
//! records, a signature is checked when its record would decide something, never for all.

use super::steps::Step;
use super::tally::{self, Standing, counts, tally};
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::signing::Signers;
use crate::gate::store::Repo;
use crate::gate::store::verdicts::{self, Notes};
use gix::ObjectId;
use indexmap::IndexMap;
use jiff::Timestamp;
use std::cell::OnceCell;
use std::collections::{BTreeSet, BinaryHeap, HashSet};

/// How many commits of an update are searched for notes before the index is.
const RANGE: usize = 512;

/// Verdicts that count, by (base tree, head tree), as far as their signatures are good.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub(super) repo: &'a Repo,
    policy: &'a Policy,
    notes: OnceCell<Notes<'a>>,
    branch: String,
    /// The commit whose list says who may sign.
    law: ObjectId,
    signers: OnceCell<Signers>,
    changes: IndexMap<(ObjectId, ObjectId), Vec<Verdict>>,
    looked: HashSet<ObjectId>,
    /// The paths that the steps touch, once they have been asked for.
    pub(super) touched: BTreeSet<Vec<u8>>,
}

impl<'a> Evidence<'a> {
    /// None yet, for that branch under the policy at its tip.
    pub fn about(repo: &'a Repo, policy: &'a Policy, branch: &str, law: ObjectId) -> Evidence<'a> {
        let branch = branch.to_owned();
        let (notes, signers, changes) = (OnceCell::new(), OnceCell::new(), IndexMap::new());
        let (looked, touched) = (HashSet::new(), BTreeSet::new());
        Evidence { repo, policy, notes, branch, law, signers, changes, looked, touched }
    }

    /// The notes as they stood when they were first asked for.
    pub(super) fn notes(&self) -> Result<&Notes<'a>> {
        if let Some(notes) = self.notes.get() {
            return Ok(notes);
        }
        let notes = Notes::of(self.repo)?;
        Ok(self.notes.get_or_init(|| notes))
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

    /// Takes every record there is, unless the index knows them all.
    pub fn add_all(&mut self, _: ObjectId, _: &[Step]) -> Result<()> {
        if self.notes()?.are_indexed()? {
            return Ok(());
        }
        for (_, verdict) in verdicts::all(self.repo)? {
            self.add(verdict);
        }
        Ok(())
    }

    /// Takes what hangs on that object.
    pub fn add_on(&mut self, object: ObjectId) -> Result<()> {
        if self.looked.insert(object) {
            // Lines that cannot be told are no approvals; `verdict list` names them.
            let (verdicts, _) = self.notes()?.on(object)?;
            for verdict in verdicts {
                // What blocks the same change hangs on its tree too: a reworded commit is no way round.
                let tree = self.repo.parse_id(&verdict.head_tree);
                self.add(verdict);
                if let Some(tree) = tree {
                    self.add_on(tree)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, verdict: Verdict) {
        let trees = (verdict.base_tree.parse::<ObjectId>(), verdict.head_tree.parse::<ObjectId>());
        if let (Ok(base), Ok(head)) = trees
            && counts(&verdict, self.policy, &self.branch)
        {
            let of_change = self.changes.entry((base, head)).or_default();
            if !of_change.contains(&verdict) {
                of_change.push(verdict);
            }
        }
    }

    /// How many verdicts that may count are known.
    pub fn len(&self) -> usize {
        self.changes.values().map(Vec::len).sum()
    }

    /// How a change stands, as far as its paths demand nothing more.
    pub fn standing(&self, base: ObjectId, head: ObjectId) -> Result<Standing> {
        let mut good = Vec::new();
        for verdict in self.on(base, head) {
            if self.unproven(verdict)?.is_none() {
                good.push(verdict.clone());
            }
        }
        Ok(tally(&good, self.policy, &self.policy.base_demand()))
    }

    /// The changes that may stand approved, with the verdicts that say so. Where signatures count, only
    /// [`Evidence::standing`] knows whether they do.
    pub fn hopeful(&self) -> Vec<(ObjectId, ObjectId, Vec<Verdict>)> {
        let hope = |verdicts: &[Verdict]| {
            if self.policy.signed {
                let speaks_for = |verdict: &&Verdict| {
                    verdict.signature.is_some() && verdict.decision != Decision::RequestChanges
                };
                let hopeful: Vec<Verdict> = verdicts.iter().filter(speaks_for).cloned().collect();
                return (!hopeful.is_empty()).then_some(hopeful);
            }
            match tally(verdicts, self.policy, &self.policy.base_demand()) {
                Standing::Approved(verdicts) => Some(verdicts),
                _ => None,
            }
        };
        let changes = self.changes.iter();
        changes.filter_map(|((base, head), verdicts)| Some((*base, *head, hope(verdicts)?))).collect()
    }

    /// Why records on a change count for nothing though they would otherwise: their signatures. None
    /// where there is none of these.
    pub fn without_proof(&self, base: ObjectId, head: ObjectId) -> Result<Option<String>> {
        for verdict in self.on(base, head) {
            if let Some(why) = self.unproven(verdict)? {
                return Ok(Some(format!("{} of {}: {why}", verdict.decision, verdict.reviewer.name)));
            }
        }
        Ok(None)
    }

    fn on(&self, base: ObjectId, head: ObjectId) -> &[Verdict] {
        self.changes.get(&(base, head)).map_or(&[], Vec::as_slice)
    }

    /// Why a record's signature does not do; none where it does, or where none is needed.
    fn unproven(&self, verdict: &Verdict) -> Result<Option<String>> {
        if !self.policy.signed {
            return Ok(None);
        }
        let signers = match self.signers.get() {
            Some(signers) => signers,
            None => {
                let signers = Signers::at(self.repo, self.policy, self.law)?;
                self.signers.get_or_init(|| signers)
            }
        };
        Ok(signers.signer(verdict)?.err())
    }
}

/// When a change was last judged, for trying the newest first.
pub(super) fn time(verdicts: &[Verdict]) -> Timestamp {
    verdicts.iter().map(tally::time).max().unwrap_or(Timestamp::MIN)
}
