//! What the verdicts on a spec's branches come to, as the gate counts them.

use super::Judgement;
use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::Verdict;
use crate::gate::admit::{self, BranchVerdicts, Tally};
use crate::gate::store::changes::{self, trailer};
use crate::gate::store::{Repo, config};
use gix::ObjectId;

/// How far back on a task's branch its beginning is looked for.
const DEPTH: usize = 10_000;

/// The branch that flows go to.
pub(super) struct Target {
    name: String,
    /// `None` if there is no such branch yet.
    tip: Option<ObjectId>,
    policy: Policy,
}

impl Target {
    /// `None` if these are only branches of specs: nothing of them can have been judged.
    pub(super) fn read(repo: &Repo, refs: &[(String, ObjectId)]) -> Result<Option<Target>> {
        if refs.iter().all(|(name, _)| name.ends_with("/spec")) {
            return Ok(None);
        }
        let name = repo.target()?;
        let tip = repo.find_ref(&format!("refs/heads/{name}"))?;
        Ok(Some(Target { policy: config::policy(repo, &name)?, tip, name }))
    }
}

/// The verdicts that count for that branch.
pub(super) struct Judged<'a> {
    repo: &'a Repo,
    target: &'a Target,
    verdicts: BranchVerdicts<'a>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(repo: &'a Repo, target: &'a Target) -> Judged<'a> {
        Judged { repo, target, verdicts: BranchVerdicts::new(repo, &target.policy, &target.name) }
    }

    /// What the verdicts on a result come to, whose they are, and whether it is in the target already.
    pub(super) fn result(&self, head: ObjectId) -> Result<(Tally, Vec<Judgement>, bool)> {
        let Some(tip) = self.target.tip else { return Ok((Tally::Unjudged, Vec::new(), false)) };
        if self.repo.is_ancestor(head, tip)? {
            let verdicts = self.verdicts.on_commit(&self.repo.commit(head)?)?;
            return Ok((Tally::Unjudged, judgements(verdicts), true));
        }
        let (tally, judgements) = self.since(tip, head)?;
        Ok((tally, judgements, false))
    }

    /// What the verdicts on a task's work come to, and whose they are.
    pub(super) fn task(&self, head: ObjectId) -> Result<(Tally, Vec<Judgement>)> {
        if self.is_unjudged(head)? {
            return Ok((Tally::Unjudged, Vec::new()));
        }
        match (self.base_of_task(head)?, self.target.tip) {
            (Some(base), _) => self.on(&changes::between(self.repo, base, head)?),
            (None, Some(tip)) => self.since(tip, head),
            (None, None) => Ok((Tally::Unjudged, Vec::new())),
        }
    }

    /// Whether enough rivals approve, and none blocks, what each of these branches of tasks is at.
    pub(super) fn approves_each<'b>(&self, heads: impl Iterator<Item = &'b ObjectId>) -> Result<bool> {
        let mut any = false;
        for head in heads {
            any = true;
            if !matches!(self.task(*head)?.0, Tally::Approved(_)) {
                return Ok(false);
            }
        }
        Ok(any)
    }

    /// What a merge of that commit would bring.
    fn since(&self, tip: ObjectId, head: ObjectId) -> Result<(Tally, Vec<Judgement>)> {
        if self.is_unjudged(head)? {
            return Ok((Tally::Unjudged, Vec::new()));
        }
        // Histories that were merged crosswise may have no change that a verdict could be about.
        match changes::since(self.repo, tip, head) {
            Ok(change) => self.on(&change),
            Err(_) => Ok((Tally::Unjudged, Vec::new())),
        }
    }

    fn on(&self, change: &Change) -> Result<(Tally, Vec<Judgement>)> {
        let verdicts = self.verdicts.on_change(change)?;
        let policy = &self.target.policy;
        let demand = admit::demand(self.repo, policy, change.base_tree, change.head_tree)?;
        Ok((admit::tally(&verdicts, policy, &demand), judgements(verdicts)))
    }

    /// Most commits have no verdict: then it need not be found out what they change.
    fn is_unjudged(&self, head: ObjectId) -> Result<bool> {
        Ok(self.verdicts.on_commit(&self.repo.commit(head)?)?.is_empty())
    }

    /// The commit that a task's branch says its work began from.
    fn base_of_task(&self, head: ObjectId) -> Result<Option<ObjectId>> {
        for commit in self.repo.first_parents(head, ObjectId::null(head.kind())).take(DEPTH) {
            let commit = commit?;
            if let Some(base) = commit.trailers(trailer::BASE).next() {
                return Ok(base.parse().ok().filter(|base| self.repo.has(*base)));
            }
        }
        Ok(None)
    }
}

/// Whose verdicts they are, the newest last.
fn judgements(verdicts: Vec<Verdict>) -> Vec<Judgement> {
    let oldest_first = verdicts.into_iter().rev();
    oldest_first.map(|one| Judgement { decision: one.decision, reviewer: one.reviewer }).collect()
}
