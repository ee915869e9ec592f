//! What the verdicts on a spec's branches come to, as the gate counts them.

use super::Judgement;
use crate::domain::change::Change;
use crate::domain::error::{Result, hint};
use crate::domain::policy::Policy;
use crate::domain::verdict::Verdict;
use crate::gate::admit::{self, BranchVerdicts, Tally};
use crate::gate::signing::Signers;
use crate::gate::store::changes::{self, trailer};
use crate::gate::store::trees::Merger;
use crate::gate::store::{Repo, config};
use anyhow::Context;
use gix::ObjectId;

/// How far back on a task's branch its beginning is looked for.
const DEPTH: usize = 10_000;

/// The branch that flows go to.
#[derive(Default)]
pub(super) struct Target {
    name: String,
    /// `None` if there is no such branch yet, or none can be told to be it.
    tip: Option<ObjectId>,
    /// `None` if no verdict can count: it cannot be read, or says who may sign in a list that cannot.
    policy: Option<Policy>,
}

impl Target {
    /// What can be read of it, and why the rest cannot. If these are only branches of specs, nothing of them can have been judged, and
    /// it is not looked for.
    pub(super) fn read(repo: &Repo, refs: &[(String, ObjectId)]) -> (Target, Option<anyhow::Error>) {
        let mut target = Target::default();
        if refs.iter().all(|(name, _)| name.ends_with("/spec")) {
            return (target, None);
        }
        let read = target.fill(repo).context("the verdicts cannot be counted");
        let mistake = || {
            let mistake = config::mistake(repo, &target.name).ok()??;
            let what =
                format!("nobody could work under the config of {}, so {}", target.name, mistake.effect());
            Some(hint(format!("{what}: {}", mistake.why), mistake.fix))
        };
        let error = read.err().or_else(mistake);
        (target, error)
    }

    fn fill(&mut self, repo: &Repo) -> Result<()> {
        self.name = repo.target()?;
        self.tip = repo.find_ref(&format!("refs/heads/{}", self.name))?;
        let policy = config::policy(repo, &self.name)?;
        if policy.signed && self.tip.is_some() {
            Signers::of_branch(repo, &policy, &self.name)?;
        }
        self.policy = Some(policy);
        Ok(())
    }
}

/// The verdicts that count for that branch.
pub(super) struct Judged<'a> {
    repo: &'a Repo,
    tip: Option<ObjectId>,
    /// `None` if no verdict can count.
    verdicts: Option<BranchVerdicts<'a>>,
    /// For what changes demand, of all specs.
    merger: Merger<'a>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(repo: &'a Repo, target: &'a Target) -> Judged<'a> {
        let counted = |policy| BranchVerdicts::new(repo, policy, &target.name);
        let verdicts = target.policy.as_ref().map(counted);
        Judged { repo, tip: target.tip, verdicts, merger: Merger::new(repo) }
    }

    /// What the verdicts on a result come to, whose they are, and whether it is in the target already.
    pub(super) fn result(&self, head: ObjectId, tasks: &[ObjectId]) -> Result<(Tally, Vec<Judgement>, bool)> {
        let Some(tip) = self.tip else { return Ok((Tally::Unjudged, Vec::new(), false)) };
        if self.repo.is_ancestor(head, tip)? {
            return Ok((Tally::Unjudged, judgements(self.on_commit(head)?), true));
        }
        let (tally, judgements) = self.since(tip, head, &self.same_tree(head, tasks)?)?;
        Ok((tally, judgements, false))
    }

    /// What the verdicts on a task's work come to, and whose they are.
    pub(super) fn task(&self, head: ObjectId) -> Result<(Tally, Vec<Judgement>)> {
        if self.on_commit(head)?.is_empty() {
            return Ok((Tally::Unjudged, Vec::new()));
        }
        match (self.base_of_task(head)?, self.tip) {
            (Some(base), _) => self.on(&changes::between(self.repo, base, head)?, &[]),
            (None, Some(tip)) => self.since(tip, head, &[]),
            (None, None) => Ok((Tally::Unjudged, Vec::new())),
        }
    }

    /// The test command that is known to fail on that commit's files; `None` if none is.
    pub(super) fn failing(&self, head: ObjectId) -> Result<Option<String>> {
        let Some(verdicts) = &self.verdicts else { return Ok(None) };
        let failed = verdicts.failed_tests(self.repo.tree_of(head)?)?;
        Ok(failed.into_iter().next().map(|record| record.command))
    }

    /// Whether enough rivals approve, and none blocks, what each of these branches of tasks is at.
    pub(super) fn approves_each(&self, heads: &[ObjectId]) -> Result<bool> {
        for head in heads {
            if !matches!(self.task(*head)?.0, Tally::Approved(_)) {
                return Ok(false);
            }
        }
        Ok(!heads.is_empty())
    }

    /// Which of these commits have that one's tree: what was decided about the only task of a plan is about
    /// its result too, and the gate finds it.
    fn same_tree(&self, head: ObjectId, others: &[ObjectId]) -> Result<Vec<ObjectId>> {
        let tree = self.repo.tree_of(head)?;
        let mut same = Vec::new();
        for other in others {
            if self.repo.tree_of(*other)? == tree {
                same.push(*other);
            }
        }
        Ok(same)
    }

    /// What a merge of that commit would bring. The others have its tree.
    fn since(&self, tip: ObjectId, head: ObjectId, same: &[ObjectId]) -> Result<(Tally, Vec<Judgement>)> {
        // Most commits have no verdict: then it need not be found out what they change.
        let mut judged = false;
        for commit in same.iter().chain([&head]) {
            judged = judged || !self.on_commit(*commit)?.is_empty();
        }
        if !judged {
            return Ok((Tally::Unjudged, Vec::new()));
        }
        // No verdict can be about histories that were merged crosswise.
        match changes::since_if_plain(self.repo, tip, head)? {
            Some(change) => self.on(&change, same),
            None => Ok((Tally::Unjudged, Vec::new())),
        }
    }

    fn on(&self, change: &Change, same: &[ObjectId]) -> Result<(Tally, Vec<Judgement>)> {
        let Some(verdicts) = &self.verdicts else { return Ok((Tally::Unjudged, Vec::new())) };
        let found = verdicts.on_change_also(change, same)?;
        let policy = verdicts.policy();
        let demand = admit::demand_by(&self.merger, policy, change.base_tree, change.head_tree)?;
        Ok((admit::tally(&found, policy, &demand), judgements(found)))
    }

    fn on_commit(&self, head: ObjectId) -> Result<Vec<Verdict>> {
        match &self.verdicts {
            Some(verdicts) => verdicts.on_commit(&self.repo.commit(head)?),
            None => Ok(Vec::new()),
        }
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
