//! Several steps under one verdict: a topic that was reviewed as a whole and comes in commit by commit, as a
//! rebase or a cherry-pick of all of it makes it.
//!
//! Each step on the way has to be what one of the topic's own commits comes to there, in their order, and to add
//! and take away only lines that were shown. Squashed commits (`git rebase --autosquash`) may come before
//! others that were made earlier, as long as they share no path with those that they pass.

use super::approved::Approved;
use super::judge::Judge;
use super::objects::Objects;
use super::reason::{Answer, Reason};
use crate::domain::error::Result;
use crate::domain::text::placed::Difference;
use crate::gate::store::Commit;
use gix::ObjectId;
use std::collections::BTreeSet;
use std::rc::Rc;

/// How the subjects of commits begin that `git rebase --autosquash` moves (`git-commit(1)`, `--fixup`).
const SQUASHED: [&str; 3] = ["fixup! ", "squash! ", "amend! "];

/// Where the change stands after each of its commits: what it is compared with, and the tree.
type Stages = Vec<(ObjectId, ObjectId)>;

impl Judge<'_> {
    /// Whether the change carries the steps through all these trees, the one before the first included, on a
    /// line that so many merges lead to.
    pub fn carries_picks(&self, change: &Approved, trees: &[ObjectId], depth: usize) -> Result<Answer> {
        let (Some(first), Some(last)) = (trees.first(), trees.last()) else { return Ok(Err(Reason::Other)) };
        if let Err(reason) = self.carries(change, *first, *last, depth)? {
            return Ok(Err(reason));
        }
        for stages in self.orders(change)? {
            if self.passes_through(change, trees, &stages)? {
                return Ok(Ok(()));
            }
        }
        Ok(Err(Reason::Other))
    }

    /// The orders in which the commits of a change may come in.
    fn orders(&self, change: &Approved) -> Result<Vec<Stages>> {
        let commits = change.read(&self.objects)?;
        for commit in commits.iter().filter(|commit| commit.parents.len() > 1) {
            // What a merge brings of its own comes in by that merge only.
            if self.objects.own_base(commit)? != Some(commit.tree) {
                return Ok(Vec::new());
            }
        }
        let line = change.line(&self.objects)?;
        let is_line = line.len() == change.commits.len();
        let in_line = commits.iter().filter(|commit| is_line || commit.parents.len() < 2);
        let mut given = Stages::new();
        for commit in in_line {
            given.push((self.stage_base(change, commit)?, commit.tree));
        }
        let mut orders = vec![given];
        orders.extend(autosquashed(&self.objects, change, &commits)?);
        Ok(orders)
    }

    /// The tree from which a commit of the change is compared: where it parted from the change's base.
    fn stage_base(&self, change: &Approved, commit: &Commit) -> Result<ObjectId> {
        let Some(base) = change.base else { return Ok(change.base_tree) };
        let is_plain = commit.parents.iter().all(|parent| *parent == base || change.has_commit(*parent));
        if is_plain || self.objects.commit(base)?.is_none() {
            return Ok(change.base_tree);
        }
        match self.objects.repo.merge_bases(base, &[commit.id])?[..] {
            [fork] => Ok(self.objects.tree(fork)?.unwrap_or(change.base_tree)),
            _ => Ok(change.base_tree),
        }
    }

    fn passes_through(&self, change: &Approved, trees: &[ObjectId], stages: &Stages) -> Result<bool> {
        let first = trees[0];
        let mut left = stages.iter();
        for step in trees.windows(2).filter(|step| step[0] != step[1]) {
            let mut is_stage = false;
            for stage in left.by_ref() {
                if self.objects.merge(stage.0, first, stage.1)? == Some(step[1])
                    && self.lands(change, *stage, first, step[1])?.is_ok()
                {
                    is_stage = true;
                    break;
                }
            }
            if !is_stage || !self.is_shown(change, step[0], step[1])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether reviewers were shown each line that a step adds or takes away.
    fn is_shown(&self, change: &Approved, from: ObjectId, to: ObjectId) -> Result<bool> {
        let Some(changed) = self.objects.difference(from, to)? else { return Ok(false) };
        for changed in changed.iter() {
            if change.has_step(&self.objects, changed)? {
                continue;
            }
            let text = |entry| self.objects.text(entry);
            let old = changed.old.map(text).transpose()?;
            let new = changed.new.map(text).transpose()?;
            let (Some(old), Some(new)) = (old.unwrap_or(Some(Vec::new())), new.unwrap_or(Some(Vec::new())))
            else {
                return Ok(false);
            };
            let Some(difference) = Difference::between(&old, &new) else { return Ok(false) };
            if !change.shown(&self.objects, &changed.path)?.contain(&difference) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The order that `git rebase --autosquash` makes of these commits, if it comes to the same.
fn autosquashed(objects: &Objects<'_>, change: &Approved, commits: &[Rc<Commit>]) -> Result<Option<Stages>> {
    let plain: Vec<&Rc<Commit>> = commits.iter().filter(|commit| commit.parents.len() < 2).collect();
    if !plain.iter().any(|commit| is_squashed(commit.subject())) {
        return Ok(None);
    }
    let mut order: Vec<&Commit> = Vec::new();
    for commit in plain {
        let subject = commit.subject();
        let named = base_subject(subject);
        let target = order.iter().rposition(|one| {
            is_squashed(subject)
                && (one.subject() == named
                    || one.subject().starts_with(named)
                    || base_subject(one.subject()) == named)
        });
        let Some(target) = target else {
            order.push(commit);
            continue;
        };
        let own = own_paths(objects, commit)?;
        for passed in &order[target + 1..] {
            if !own.is_disjoint(&own_paths(objects, passed)?) {
                return Ok(None);
            }
        }
        order.insert(target + 1, commit);
    }
    let (mut tree, mut stages) = (change.base_tree, Stages::new());
    for commit in order {
        let Some(base) = objects.own_base(commit)? else { return Ok(None) };
        let Some(next) = objects.merge(base, tree, commit.tree)? else { return Ok(None) };
        stages.push((change.base_tree, next));
        tree = next;
    }
    Ok((tree == change.head_tree).then_some(stages))
}

fn own_paths(objects: &Objects<'_>, commit: &Commit) -> Result<BTreeSet<Vec<u8>>> {
    let Some(base) = objects.own_base(commit)? else { return Ok(BTreeSet::new()) };
    let changed = objects.difference(base, commit.tree)?.unwrap_or_default();
    Ok(changed.iter().map(|changed| changed.path.clone()).collect())
}

fn is_squashed(subject: &str) -> bool {
    SQUASHED.iter().any(|start| subject.starts_with(start))
}

/// The subject without what says that the commit is to be squashed.
fn base_subject(mut subject: &str) -> &str {
    while let Some(rest) = SQUASHED.iter().find_map(|start| subject.strip_prefix(start)) {
        subject = rest;
    }
    subject
}
