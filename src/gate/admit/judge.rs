//! One ruling under way: the policy, what was found of verdicts, and what was read and merged so far.

use super::Candidate;
use super::approved::{Approved, MOST_COMMITS};
use super::evidence::Evidence;
use super::objects::Objects;
use super::reason::{Answer, Reason};
use super::steps::Step;
use super::tally::{Tally, tally};
use super::validity::BranchVerdicts;
use crate::domain::change::Author;
use crate::domain::error::Result;
use crate::domain::policy::{Demand, Policy};
use crate::domain::verdict::Verdict;
use crate::gate::store::trees::{Entry, Merger};
use crate::gate::store::upstream::policy_commit;
use crate::gate::store::{Repo, changes, in_force};
use gix::ObjectId;
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// How many stacks of approved changes are tried as one.
const STACKS: usize = 64;

/// What one commit has and another has not, newest first; `None` if it cannot be read to its end.
type Histories = HashMap<(Option<ObjectId>, ObjectId), Option<Rc<[ObjectId]>>>;

pub(super) struct Judge<'a> {
    pub policy: &'a Policy,
    pub branch: &'a str,
    /// The commit that the update starts from.
    pub old: ObjectId,
    pub accepted: Option<ObjectId>,
    pub evidence: Evidence<'a>,
    pub objects: Objects<'a>,
    /// The approved changes; those of several parts last.
    pub approved: Vec<Rc<Approved>>,
    pub by_base: HashMap<ObjectId, Vec<Rc<Approved>>>,
    pub by_commit: HashMap<ObjectId, Vec<Rc<Approved>>>,
    /// Whether the branch has seen an entry at a path, see [`carries`](super::carries).
    pub seen: RefCell<HashMap<(Vec<u8>, Entry), bool>>,
    /// Why a step was not carried by a change that seems to be meant for it.
    pub reasons: RefCell<HashMap<[ObjectId; 2], Reason>>,
    /// The commits of the update on its first-parent line, the old tip included.
    line: HashSet<ObjectId>,
    /// The commits of the update, whichever parent leads to them.
    entering: HashSet<ObjectId>,
    /// See [`landed`](super::landed).
    pub histories: RefCell<Histories>,
    ancestors: OnceCell<Vec<ObjectId>>,
}

impl<'a> Judge<'a> {
    /// A ruling on the steps from that commit, which has looked nowhere yet.
    pub fn new(
        repo: &'a Repo,
        policy: &'a Policy,
        candidate: &'a Candidate,
        old: ObjectId,
        steps: &[Step],
    ) -> Result<Judge<'a>> {
        let tip = policy_commit(repo, candidate.old, candidate.accepted)?;
        // The list of signers goes with the policy; where none signs, it need not be looked for.
        let policy_commit = match policy.signed {
            true => in_force::at(repo, tip)?.found.map_or(tip, |(commit, _)| commit),
            false => tip,
        };
        let verdicts = BranchVerdicts::at(repo, policy, &candidate.branch, policy_commit);
        let line = std::iter::once(old).chain(steps.iter().filter_map(|step| step.commit)).collect();
        Ok(Judge {
            policy,
            branch: &candidate.branch,
            old,
            accepted: candidate.accepted,
            evidence: Evidence::new(repo, verdicts),
            objects: Objects::new(repo, Merger::new(repo)),
            approved: Vec::new(),
            by_base: HashMap::new(),
            by_commit: HashMap::new(),
            seen: RefCell::default(),
            reasons: RefCell::default(),
            line,
            entering: entering(repo, old, steps)?,
            histories: RefCell::default(),
            ancestors: OnceCell::new(),
        })
    }

    /// Makes changes of the verdicts that were found.
    pub fn take_evidence(&mut self) -> Result<()> {
        let approvals = usize::try_from(self.policy.base_demand().approvals).unwrap_or(usize::MAX);
        let mut approved = Vec::new();
        for (_, _, mut verdicts) in self.evidence.hopeful() {
            // What was judged for this branch as well does not depend on where else it was.
            let own: Vec<Verdict> =
                verdicts.iter().filter(|one| one.target == self.branch).cloned().collect();
            if let Tally::Approved(_) = tally(&own, self.policy, &self.policy.base_demand()) {
                verdicts = own;
            }
            self.make_again(&verdicts)?;
            let change = Approved::new(&self.objects, verdicts, approvals, self.branch)?;
            approved.extend(change.map(Rc::new));
        }
        self.know(approved);
        Ok(())
    }

    /// Takes those that follow one on another as one each, too: they are many, and few updates need them. Returns
    /// whether there are such.
    pub fn take_stacks(&mut self) -> Result<bool> {
        let stacks = self.stacks(&self.approved)?;
        let are_there = !stacks.is_empty();
        if are_there {
            let approved = std::mem::take(&mut self.approved);
            self.know([approved, stacks].concat());
        }
        Ok(are_there)
    }

    /// Takes these for the approved changes.
    pub fn know(&mut self, approved: Vec<Rc<Approved>>) {
        self.by_base.clear();
        self.by_commit.clear();
        for change in &approved {
            self.by_base.entry(change.base_tree).or_default().push(change.clone());
            if change.parts.is_empty() {
                for commit in &change.commits {
                    self.by_commit.entry(*commit).or_default().push(change.clone());
                }
            }
        }
        self.approved = approved;
    }

    /// What several common ancestors merge to is in no commit, so that a clone may lack it: where a change
    /// starts from a tree that is not here, the fork of its head is merged again.
    fn make_again(&self, verdicts: &[Verdict]) -> Result<()> {
        for verdict in verdicts.iter().filter(|verdict| !self.objects.merger.has(verdict.base_tree)) {
            if let Some(head) = verdict.head_commit.filter(|head| self.objects.repo.has(*head)) {
                self.objects.merger.fork(self.old, head)?;
            }
        }
        Ok(())
    }

    /// The changes that follow one on another, as one each: pairs first, then longer ones.
    fn stacks(&self, approved: &[Rc<Approved>]) -> Result<Vec<Rc<Approved>>> {
        let mut by_base: HashMap<ObjectId, Vec<&Rc<Approved>>> = HashMap::new();
        for change in approved {
            if let Some(base) = change.base.filter(|base| change.head != Some(*base)) {
                by_base.entry(base).or_default().push(change);
            }
        }
        let mut found: Vec<Rc<Approved>> = Vec::new();
        let mut chains: Vec<Vec<Rc<Approved>>> = approved.iter().map(|change| vec![change.clone()]).collect();
        while !chains.is_empty() && found.len() < STACKS {
            let mut longer = Vec::new();
            for chain in &chains {
                let Some(last) = chain.last() else { continue };
                let next = last.head.and_then(|head| by_base.get(&head));
                for next in next.into_iter().flatten() {
                    let continues =
                        next.base_tree == last.head_tree && !chain.iter().any(|one| Rc::ptr_eq(one, next));
                    if continues && found.len() < STACKS {
                        let stack: Vec<Rc<Approved>> =
                            chain.iter().cloned().chain([(*next).clone()]).collect();
                        found.extend(Approved::joined(&self.objects, stack.clone())?.map(Rc::new));
                        longer.push(stack);
                    }
                }
            }
            chains = longer;
        }
        Ok(found)
    }

    /// Whether a commit is one of the update's own line, so that nothing of the branch came after it.
    pub fn is_new_on_line(&self, commit: ObjectId) -> bool {
        self.line.contains(&commit)
    }

    /// Whether a commit is one that the update brings.
    pub fn is_entering(&self, commit: ObjectId) -> bool {
        self.entering.contains(&commit)
    }

    /// The commits of the branch before the update, the newest first.
    pub fn ancestors(&self) -> Result<&[ObjectId]> {
        if let Some(known) = self.ancestors.get() {
            return Ok(known);
        }
        let ids = self.objects.repo.ids_between(None, self.old, usize::MAX)?;
        Ok(self.ancestors.get_or_init(|| ids))
    }

    /// Whether the verdicts on a change are enough for a step that it carries: of rivals of everybody who made
    /// it, these authors included, as many as the paths of both demand, and nobody blocks the step. Where a
    /// person has approved what it is a part of, no rule wants a person for the part.
    pub fn lets_in(
        &self,
        change: &Approved,
        (from, to): (ObjectId, ObjectId),
        authors: &[Author],
        has_person: bool,
    ) -> Result<Answer> {
        if self.is_blocked_pair(from, to)? {
            return Ok(Err(Reason::Blocked));
        }
        let mut demand = self.demand(change, &[(from, to), (change.base_tree, change.head_tree)])?;
        demand.human &= !has_person;
        for part in change.judged() {
            if let Err(reason) = self.is_enough(part, authors, &demand)? {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(()))
    }

    /// Whether a person has approved exactly that change, who may judge it.
    pub fn person_approves(&self, base: ObjectId, head: ObjectId) -> Result<bool> {
        let person = Demand { approvals: 0, human: true };
        Ok(matches!(self.evidence.tally_by(base, head, &person)?, Tally::Approved(_)))
    }

    /// Whether the verdicts on one change come to what is demanded, signatures included.
    pub fn is_enough(&self, change: &Approved, authors: &[Author], demand: &Demand) -> Result<Answer> {
        if change.is_supposed {
            return Ok(Ok(()));
        }
        if change.is_backport && !self.has_landed_where_accepted(change)? {
            return Ok(Err(Reason::NotBackport));
        }
        let mut verdicts = match self.evidence.tally(change.base_tree, change.head_tree)? {
            Tally::Approved(verdicts) => verdicts,
            Tally::Blocked(_) => return Ok(Err(Reason::Blocked)),
            _ => return Ok(Err(Reason::Other)),
        };
        if !change.is_backport {
            verdicts.retain(|verdict| verdict.target == self.branch);
        }
        Ok(match self.evidence.verdicts.tally(&verdicts, authors, demand)? {
            Tally::Approved(_) => Ok(()),
            Tally::NeedsPerson(_) => Err(Reason::WantsPerson),
            Tally::Short(have) => Err(Reason::Short(format!(
                "it has {have} of the {} approvals that are needed",
                demand.approvals
            ))),
            Tally::Blocked(_) => Err(Reason::Blocked),
            Tally::Unjudged => Err(Reason::NotRival),
        })
    }

    /// What the paths between these pairs of trees demand, and those that the commits on the way touch; the
    /// most of all if they cannot be read.
    fn demand(&self, change: &Approved, pairs: &[(ObjectId, ObjectId)]) -> Result<Demand> {
        if self.policy.rules.is_empty() {
            return Ok(self.policy.base_demand());
        }
        let touched = change.touched(&self.objects)?;
        let mut paths: Vec<Vec<u8>> = touched.iter().cloned().collect();
        for (from, to) in pairs {
            let Some(changed) = self.objects.difference(*from, *to)? else {
                return Ok(self.policy.strictest_demand());
            };
            paths.extend(changed.iter().map(|changed| changed.path.clone()));
        }
        Ok(self.policy.demand(&paths))
    }

    /// Whether a change that was judged for another branch landed there, and the policy accepts that.
    fn has_landed_where_accepted(&self, change: &Approved) -> Result<bool> {
        for branch in &self.policy.accept_from {
            let is_for_it = change.verdicts.iter().any(|verdict| verdict.target == *branch);
            let tip = if is_for_it { self.tip_of(branch)? } else { None };
            if let Some(tip) = tip
                && (change.head.map(|head| self.objects.is_ancestor(head, tip)).transpose()?.unwrap_or(false)
                    || self.has_landed(change, tip)?)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The tip of a branch that the policy names; `None` if it is not here.
    fn tip_of(&self, branch: &str) -> Result<Option<ObjectId>> {
        let repo = self.objects.repo;
        repo.branch_named(branch).map_or(Ok(None), |branch| branch.tip(repo))
    }

    /// Whether that commit is on a branch whose content the policy accepts, or on what a guarding remote has.
    pub fn is_accepted(&self, commit: ObjectId) -> Result<bool> {
        let mut tips: Vec<ObjectId> = self.accepted.into_iter().collect();
        for branch in &self.policy.accept_from {
            tips.extend(self.tip_of(branch)?);
        }
        for tip in tips {
            if self.objects.is_ancestor(commit, tip)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Everybody who made these commits.
    pub fn authors_of(&self, commits: impl IntoIterator<Item = ObjectId>) -> Result<Vec<Author>> {
        let mut read = Vec::new();
        for commit in commits {
            read.extend(self.objects.commit(commit)?);
        }
        Ok(changes::authors_of_commits(read.iter().map(AsRef::as_ref)))
    }

    pub fn is_blocked_pair(&self, base: ObjectId, head: ObjectId) -> Result<bool> {
        Ok(!self.blocking(base, head)?.is_empty())
    }

    /// The verdicts that block exactly that change. What changes nothing is all alike: there a verdict is about the
    /// commits that its reviewer was shown, and of those at least one has to enter.
    pub fn blocking(&self, base: ObjectId, head: ObjectId) -> Result<Vec<Verdict>> {
        let Tally::Blocked(mut verdicts) = self.evidence.tally(base, head)? else { return Ok(Vec::new()) };
        if base == head {
            verdicts.retain(|verdict| verdict.commits().iter().any(|commit| self.is_entering(*commit)));
        }
        Ok(verdicts)
    }

    /// Remembers why a change that seems to be meant for a step does not carry it.
    pub fn note(&self, from: ObjectId, to: ObjectId, reason: Reason) {
        if reason != Reason::Other {
            self.reasons.borrow_mut().entry([from, to]).or_insert(reason);
        }
    }

    /// Why the change that seems to be meant for that step does not carry it.
    pub fn reason(&self, from: ObjectId, to: ObjectId) -> Option<Reason> {
        self.reasons.borrow().get(&[from, to]).cloned()
    }
}

/// The commits that the steps bring, and the branch had not before.
fn entering(repo: &Repo, old: ObjectId, steps: &[Step]) -> Result<HashSet<ObjectId>> {
    let mut entering = HashSet::new();
    let last = steps.last().into_iter();
    for head in last.flat_map(|step| step.commit.into_iter().chain(step.merged.iter().copied())) {
        if repo.has(head) {
            entering.extend(repo.ids_between([old], head, MOST_COMMITS)?);
        }
    }
    Ok(entering)
}
