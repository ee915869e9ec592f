//! The replay: does merging approved changes onto what was there give exactly what is to be there?
//!
//! One approved change may cover several steps (a topic that was reviewed as a whole and then
//! rebased), and several may cover one: a merge of a side line, each step of which is covered in the
//! same way, so that tasks judged one by one make up their merged result. Content that no approved
//! change brought (an evil merge, a hand-resolved conflict, an extra commit) never comes out of a
//! clean merge, and is refused.

use super::evidence::{Evidence, time};
use super::intermediate;
use super::steps::{self, Step};
use super::tally::Tally;
use super::validity::BranchVerdicts;
use super::{Candidate, Missing, Refusal, demand};
use crate::domain::error::{Result, hint};
use crate::domain::policy::Policy;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::store::trees::{Fork, Merger};
use crate::gate::store::upstream::policy_commit;
use crate::gate::store::{Repo, changes};
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};

/// How deep side lines of side lines are followed.
pub(super) const DEEPEST: usize = 16;
/// How many changes that fit neither end exactly are tried by a merge.
const TRIED: usize = 64;

/// One ruling under way: the policy, and the verdicts found so far.
pub(super) struct Replay<'a> {
    repo: &'a Repo,
    policy: &'a Policy,
    old: ObjectId,
    accepted: Option<ObjectId>,
    pub evidence: Evidence<'a>,
    pub merger: Merger<'a>,
}

/// What a replay came to.
pub(super) enum ReplayResult {
    /// Every step is covered, by these verdicts.
    Covered(Vec<Verdict>),
    /// The step at this index is covered by nothing.
    Stuck { at: usize },
}

impl<'a> Replay<'a> {
    /// A ruling that has looked nowhere yet.
    pub fn new(repo: &'a Repo, policy: &'a Policy, candidate: &'a Candidate) -> Result<Replay<'a>> {
        let Candidate { old, accepted, .. } = *candidate;
        let policy_commit = policy_commit(repo, old, accepted)?;
        let verdicts = BranchVerdicts::at(repo, policy, &candidate.branch, policy_commit);
        let evidence = Evidence::new(repo, verdicts);
        Ok(Replay { repo, policy, old, accepted, evidence, merger: Merger::new(repo) })
    }

    /// Looks for verdicts further and further away until they cover the steps from that tree: in the
    /// common case the verdict hangs on the merged head. What brings nothing new is not tried again.
    pub fn look(&mut self, old: ObjectId, start: ObjectId, steps: &[Step]) -> Result<ReplayResult> {
        self.evidence.add_near(steps)?;
        let mut replayed = self.replay_side(start, steps, 0)?;
        for further in [Evidence::add_range, Evidence::add_similar, Evidence::add_renamed] {
            let known = self.evidence.len();
            if let ReplayResult::Covered(_) = replayed {
                break;
            }
            further(&mut self.evidence, old, steps)?;
            if self.evidence.len() > known {
                replayed = self.replay_side(start, steps, 0)?;
            }
        }
        Ok(replayed)
    }

    fn replay_side(&self, start: ObjectId, steps: &[Step], depth: usize) -> Result<ReplayResult> {
        if let Some(last) = steps.last()
            && self.is_blocked_pair(start, last.tree)?
        {
            return Ok(ReplayResult::Stuck { at: 0 });
        }
        // From each index that is reached, the furthest is tried first: one verdict for many steps.
        let mut reached = BTreeMap::from([(0, Vec::new())]);
        let mut tried = BTreeSet::new();
        while let Some(at) = reached.keys().rev().find(|at| !tried.contains(*at)).copied() {
            tried.insert(at);
            let so_far: Vec<Verdict> = reached.get(&at).cloned().unwrap_or_default();
            if at == steps.len() {
                return Ok(ReplayResult::Covered(so_far));
            }
            let tree = if at == 0 { start } else { steps[at - 1].tree };
            for (next, verdicts) in self.ways_on(tree, &steps[at..], depth)? {
                let all = so_far.iter().chain(&verdicts).cloned().collect();
                reached.entry(at + next).or_insert(all);
            }
        }
        Ok(ReplayResult::Stuck { at: reached.keys().next_back().copied().unwrap_or_default() })
    }

    /// How many of these steps can be gone at once from that tree, and by which verdicts.
    pub fn ways_on(
        &self,
        tree: ObjectId,
        steps: &[Step],
        depth: usize,
    ) -> Result<Vec<(usize, Vec<Verdict>)>> {
        let Some(first) = steps.first() else { return Ok(Vec::new()) };
        if first.tree == tree {
            return Ok(vec![(1, Vec::new())]);
        }
        let mut ways = Vec::new();
        for (base, head, verdicts) in self.plausible(tree, steps)? {
            self.make_again(base, &verdicts)?;
            // A change that is in already leads nowhere, and must not carry what was done and undone.
            let Some(result) = self.merger.merge(base, tree, head)?.filter(|result| *result != tree) else {
                continue;
            };
            if reaches(steps, result, &verdicts).is_some()
                && let Tally::Approved(verdicts) = self.evidence.tally(base, head)?
                && let Some(last) = reaches(steps, result, &verdicts)
                && !self.is_blocked(tree, &steps[..=last])?
                && intermediate::adds_nothing(&self.merger, self.repo, tree, &steps[..=last], &verdicts)?
                && let Tally::Approved(verdicts) = self.tally_for_steps(tree, &steps[..=last], verdicts)?
            {
                ways.push((last + 1, verdicts));
            }
        }
        if ways.is_empty()
            && let Some(verdicts) = self.compose(tree, first, depth)?
        {
            ways.push((1, verdicts));
        }
        Ok(ways)
    }

    /// What several common ancestors merge to is in no commit, so that a clone may lack it: where a
    /// change starts from a tree that is not here, the fork of its head is merged again.
    fn make_again(&self, base: ObjectId, verdicts: &[Verdict]) -> Result<()> {
        if self.merger.has(base) {
            return Ok(());
        }
        for head in verdicts.iter().filter_map(|verdict| verdict.head_commit) {
            if self.repo.has(head) {
                self.merger.fork(self.old, head)?;
            }
        }
        Ok(())
    }

    /// The approved changes that could lead on from that tree: those that fit exactly, then the
    /// newest that touch the same paths, then the newest of the others (files are renamed).
    fn plausible(&self, tree: ObjectId, steps: &[Step]) -> Result<Vec<(ObjectId, ObjectId, Vec<Verdict>)>> {
        let approved = self.evidence.hopeful();
        let (mut fitting, mut others): (Vec<_>, Vec<_>) = approved
            .into_iter()
            .partition(|(base, head, _)| *base == tree || steps.iter().any(|step| step.tree == *head));
        if others.len() > TRIED
            && let Some(last) = steps.last()
        {
            let changed = self.merger.sealed()?.changed(tree, last.tree)?;
            let paths: BTreeSet<String> = changed.iter().map(|changed| changed.display()).collect();
            let touches = |verdicts: &[Verdict]| {
                verdicts.iter().any(|verdict| verdict.shown.files.iter().any(|file| paths.contains(file)))
            };
            others.sort_by_cached_key(|(_, _, verdicts)| {
                std::cmp::Reverse((touches(verdicts), time(verdicts)))
            });
            others.truncate(TRIED);
        }
        fitting.append(&mut others);
        Ok(fitting)
    }

    /// Whether a reviewer's newest verdict blocks exactly what these steps bring, or what they merge in.
    pub fn is_blocked(&self, tree: ObjectId, steps: &[Step]) -> Result<bool> {
        let Some(last) = steps.last() else { return Ok(false) };
        if self.is_blocked_pair(tree, last.tree)? {
            return Ok(true);
        }
        for step in steps {
            for head in &step.merged {
                if let Some(fork) = self.merger.fork(step.before, *head)?
                    && self.is_blocked_pair(fork.tree, self.repo.commit(*head)?.tree)?
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    pub fn is_blocked_pair(&self, base: ObjectId, head: ObjectId) -> Result<bool> {
        Ok(!self.blocking(base, head)?.is_empty())
    }

    /// The verdicts that block exactly that change.
    pub fn blocking(&self, base: ObjectId, head: ObjectId) -> Result<Vec<Verdict>> {
        Ok(match self.evidence.tally(base, head)? {
            Tally::Blocked(verdicts) => verdicts,
            _ => Vec::new(),
        })
    }

    /// What approving verdicts come to for these steps from that tree: of rivals of everybody who made
    /// their commits, and as many as their paths demand. A record knows the authors of what was judged,
    /// and that may have been staged, or committed anew, before it was known whose it was.
    fn tally_for_steps(&self, tree: ObjectId, steps: &[Step], verdicts: Vec<Verdict>) -> Result<Tally> {
        if verdicts.iter().any(|verdict| verdict.decision == Decision::Waive) {
            return Ok(Tally::Approved(verdicts));
        }
        let Some(last) = steps.last() else { return Ok(Tally::Unjudged) };
        let mut authors = Vec::new();
        for step in steps {
            match step.commit {
                Some(commit) => authors.extend(changes::authors(self.repo, Some(step.before), commit)?),
                None => {
                    for head in &step.merged {
                        authors.extend(changes::authors(self.repo, Some(step.before), *head)?);
                    }
                }
            }
        }
        let demand = demand(self.repo, self.policy, tree, last.tree)?;
        self.evidence.verdicts.tally(&verdicts, &authors, &demand)
    }

    /// Whether a merge is nothing but the clean merge of side lines that are covered themselves.
    fn compose(&self, tree: ObjectId, step: &Step, depth: usize) -> Result<Option<Vec<Verdict>>> {
        if step.merged.is_empty() || depth >= DEEPEST || self.is_blocked(tree, std::slice::from_ref(step))? {
            return Ok(None);
        }
        let mut verdicts = Vec::new();
        let mut merged = tree;
        for head in &step.merged {
            let Some(fork) = self.merger.fork(step.before, *head)? else { return Ok(None) };
            let Some(of_side) = self.side(&fork, *head, depth)? else { return Ok(None) };
            verdicts.extend(of_side);
            let Some(next) = self.merger.bring(&fork, *head, merged)? else { return Ok(None) };
            merged = next;
        }
        Ok((merged == step.tree).then_some(verdicts))
    }

    /// The verdicts that cover a side line from its fork to its head; none where something is not. A line
    /// that parts from the branch at several commits has no steps of its own: it is judged as a whole.
    fn side(&self, fork: &Fork, head: ObjectId, depth: usize) -> Result<Option<Vec<Verdict>>> {
        if let Some(accepted) = self.accepted
            && self.repo.is_ancestor(head, accepted)?
        {
            return Ok(Some(Vec::new()));
        }
        let Some(at) = fork.commit() else { return Ok(None) };
        let Some(steps) = steps::between(self.repo, at, head)? else { return Ok(None) };
        match self.replay_side(fork.tree, &steps, depth + 1)? {
            ReplayResult::Covered(verdicts) => Ok(Some(verdicts)),
            ReplayResult::Stuck { .. } => Ok(None),
        }
    }

    /// Whether a verdict may be about these steps that cannot be compared here, since what was judged has
    /// not been fetched.
    fn is_blind(&self, steps: &[Step]) -> bool {
        let is_unread = |step: &Step| !self.merger.has(step.tree);
        self.repo.is_partial() && (self.merger.lacks() || steps.iter().any(is_unread))
    }

    /// Why the step at that index keeps everything out, and what a review could mend.
    pub fn refusal(&self, start: ObjectId, steps: &[Step], at: usize) -> Result<Refusal> {
        let missing = self.missing(start, steps, at)?;
        let tally = self.evidence.tally(missing.base_tree, missing.head_tree)?;
        if tally == Tally::Unjudged && self.is_blind(steps) {
            return Err(hint(
                "this is a partial clone, and lacks what the change would have to be compared with",
                self.repo.make_whole(),
            ));
        }
        let what = self.describe(&missing)?;
        let most = self.policy.base_demand().approvals;
        let (why, blocking, wants_person) = match tally {
            Tally::Blocked(verdicts) => {
                let who: Vec<String> = verdicts
                    .iter()
                    .map(|verdict| format!("{} ({})", verdict.reviewer.name, verdict.reviewer.vendor))
                    .collect();
                (format!("{} asks for changes to {what}", who.join(" and ")), verdicts, false)
            }
            Tally::Short(have) => (format!("{what} has {have} of {most} approvals"), Vec::new(), false),
            Tally::Approved(verdicts) | Tally::NeedsPerson(verdicts) => {
                let demand = demand(self.repo, self.policy, missing.base_tree, missing.head_tree)?;
                match self.tally_for_steps(missing.base_tree, &steps[at..], verdicts)? {
                    Tally::NeedsPerson(_) => {
                        (format!("a rule wants a person's approval of {what}"), Vec::new(), true)
                    }
                    Tally::Short(have) if demand.approvals > most => (
                        format!("{what} has {have} of the {} approvals that a rule wants", demand.approvals),
                        Vec::new(),
                        false,
                    ),
                    _ => (format!("who approved {what} is no rival of all who made it"), Vec::new(), false),
                }
            }
            Tally::Unjudged => {
                let why = match self.evidence.without_proof(missing.base_tree, missing.head_tree)? {
                    Some(why) => format!("no verdict that counts covers {what}; the {why}"),
                    None => format!("no rival's verdict covers {what}"),
                };
                (why, Vec::new(), false)
            }
        };
        Ok(Refusal { why, missing: Some(missing), blocking, wants_person })
    }

    /// For a clean merge of one head, the change that the head brings; else what the steps from there
    /// bring as they stand.
    fn missing(&self, start: ObjectId, steps: &[Step], at: usize) -> Result<Missing> {
        let at = at.min(steps.len().saturating_sub(1));
        let base_tree = if at == 0 { start } else { steps[at - 1].tree };
        let (step, last) = (&steps[at], &steps[steps.len() - 1]);
        if at + 1 == steps.len()
            && let [head] = step.merged[..]
            && let Some(fork) = self.merger.fork(step.before, head)?
            && self.merger.bring(&fork, head, base_tree)? == Some(step.tree)
        {
            let (base_tree, head_tree) = (fork.tree, self.repo.commit(head)?.tree);
            return Ok(Missing { base_tree, head_tree, base: fork.commit(), head: Some(head) });
        }
        Ok(Missing { base_tree, head_tree: last.tree, base: Some(step.before), head: last.commit })
    }

    /// The change for people.
    fn describe(&self, missing: &Missing) -> Result<String> {
        let Some(head) = missing.head else { return Ok("the changes as they stand".into()) };
        let commit = self.repo.commit(head)?;
        Ok(format!("{} (\"{}\")", head.to_hex_with_len(10), commit.subject()))
    }
}

/// The step at which a change has fully come in: the very commit that was reviewed, else the first
/// with that tree. What is done and undone after that is not part of the change, though the tree is
/// the same again.
fn reaches(steps: &[Step], result: ObjectId, verdicts: &[Verdict]) -> Option<usize> {
    let is_reviewed = |step: &Step| {
        step.commit.is_some() && verdicts.iter().any(|verdict| verdict.head_commit == step.commit)
    };
    let has_it = |step: &Step| step.tree == result;
    steps.iter().rposition(|step| has_it(step) && is_reviewed(step)).or_else(|| steps.iter().position(has_it))
}
