//! Merges: each commit that they bring is accounted for, and what they come to is made of approved changes.
//!
//! A merged head brings its history with it. Each commit of that was shown to a reviewer, or is on a
//! branch whose content is accepted, or the side line is walked as the branch itself is, from where it parted.
//! Then the merge's own tree has to be what the changes give, one after the other, on the branch.

use super::approved::Approved;
use super::judge::Judge;
use super::reason::{Answer, Reason};
use super::steps::{self, Step};
use super::walk::{Line, Walk};
use crate::domain::error::Result;
use gix::ObjectId;
use std::collections::HashSet;
use std::rc::Rc;

/// How deep side lines of side lines are followed.
pub(super) const DEEPEST: usize = 16;

type Changes = Vec<Rc<Approved>>;

impl Judge<'_> {
    /// The changes that carry the merge at that place of the line.
    pub fn merge_step(&self, line: &Line<'_>, at: usize) -> Result<Answer<Changes>> {
        let (from, step) = (line.tree_at(at), &line.steps[at]);
        if self.blocks_a_head(step)? || self.is_blocked_pair(from, step.tree)? {
            return Ok(Err(Reason::Blocked));
        }
        let mut changes = Changes::new();
        let mut start = from;
        for head in &step.merged {
            match self.behind(*head, step.before, line.depth)? {
                Ok(more) => add(&mut changes, more),
                Err(reason) => return Ok(Err(reason)),
            }
            if let Some(accepted) = self.accepted
                && self.objects.is_ancestor(*head, accepted)?
                && !self.objects.is_ancestor(*head, step.before)?
            {
                let Some(merged) = self.with_head(step, *head, start)? else { return Ok(Err(Reason::Other)) };
                start = merged;
            }
        }
        // A conflict that was resolved by hand is judged as it stands, before there is a commit of it.
        let as_it_stands = self.by_base.get(&start).into_iter().flatten();
        add(&mut changes, as_it_stands.filter(|change| change.head_tree == step.tree).cloned().collect());
        if line.depth > 0 {
            // On the way to the branch a merge may be git's own: it brings nothing that its parents lack.
            let own = step.commit.map(|commit| self.objects.commit(commit)).transpose()?.flatten();
            let own = own.map(|commit| self.objects.own_base(&commit)).transpose()?.flatten();
            if own == Some(step.tree) {
                return Ok(Ok(changes));
            }
            if step.tree == from {
                return Ok(Err(Reason::Other));
            }
        }
        let has_person = self.person_approves_merge(step, from)?;
        self.compose(start, step.tree, changes, (has_person, line.depth))
    }

    /// The changes that a merged head brings: with them every commit that it has and the branch lacks is
    /// accounted for.
    fn behind(&self, head: ObjectId, before: ObjectId, depth: usize) -> Result<Answer<Changes>> {
        let known = [Some(before), Some(self.old), self.accepted].into_iter().flatten();
        let new = self.objects.repo.ids_between(known, head, usize::MAX)?;
        let mut changes = Changes::new();
        let mut unjudged = None;
        // In the order of history, so that the same is said each time.
        for commit in &new {
            let shown = self.by_commit.get(commit).into_iter().flatten();
            // What was judged before it was committed has no head: a conflict that was resolved.
            let ends_here = shown.filter(|change| change.head.is_none_or(|head| head == *commit));
            add(&mut changes, ends_here.cloned().collect());
            if !self.is_shown_in_approved(*commit)? && !self.is_accepted(*commit)? {
                unjudged = Some(*commit);
            }
        }
        let Some(unjudged) = unjudged else { return Ok(Ok(changes)) };
        if depth >= DEEPEST {
            return Ok(Err(Reason::Unjudged(unjudged)));
        }
        let new: HashSet<ObjectId> = new.into_iter().collect();
        let Some((fork, side)) = steps::side_line(self.objects.repo, &new, head)? else {
            return Ok(Err(Reason::Unrelated));
        };
        let line = Line { start: fork, steps: &side, depth: depth + 1 };
        Ok(match self.walk(&line)? {
            Walk::Through(spans) => {
                for span in spans {
                    add(&mut changes, span.changes.unwrap_or_default());
                }
                Ok(changes)
            }
            Walk::Stuck { at } => {
                Err(Reason::Unjudged(side.get(at).and_then(|step| step.commit).unwrap_or(unjudged)))
            }
        })
    }

    /// Whether reviewers of an approved change were shown that commit.
    fn is_shown_in_approved(&self, commit: ObjectId) -> Result<bool> {
        for change in self.by_commit.get(&commit).into_iter().flatten() {
            if self.is_approved(change)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_approved(&self, change: &Approved) -> Result<bool> {
        if let Some(known) = change.is_approved.get() {
            return Ok(*known);
        }
        let is_approved = self.is_enough(change, &[], &self.policy.base_demand())?.is_ok();
        Ok(*change.is_approved.get_or_init(|| is_approved))
    }

    /// What a merge comes to where a head is taken in as it is, since a guarding remote has it.
    fn with_head(&self, step: &Step, head: ObjectId, onto: ObjectId) -> Result<Option<ObjectId>> {
        match self.objects.merger.fork(step.before, head)? {
            Some(fork) => self.objects.merger.bring(&fork, head, onto),
            None => Ok(None),
        }
    }

    /// Of these changes, those that give one tree from the other: one of them, else the widest of them or the
    /// narrowest, in the order of their history. `place` is whether a person has approved all of it, and how many
    /// merges lead there.
    fn compose(
        &self,
        from: ObjectId,
        to: ObjectId,
        changes: Changes,
        place: (bool, usize),
    ) -> Result<Answer<Changes>> {
        if from == to {
            return Ok(Ok(changes));
        }
        let mut why = Reason::Other;
        let mut widest_first = changes.clone();
        widest_first.sort_by_key(|change| (change.parts.len(), std::cmp::Reverse(change.commits.len())));
        let stacks = self.approved.iter().filter(|stack| {
            !stack.parts.is_empty()
                && stack.parts.iter().all(|part| changes.iter().any(|one| Rc::ptr_eq(one, part)))
        });
        for change in widest_first.iter().chain(stacks) {
            match self.carries_and_lets_in(change, from, to, place)? {
                Ok(()) => return Ok(Ok(vec![change.clone()])),
                Err(reason) => {
                    self.note(from, to, reason.clone());
                    why = if why == Reason::Other { reason } else { why };
                }
            }
        }
        let is_top = |one: &&Rc<Approved>| !changes.iter().any(|other| one.is_less_than(other));
        let is_bottom = |one: &&Rc<Approved>| !changes.iter().any(|other| other.is_less_than(one));
        let top: Changes = changes.iter().filter(is_top).cloned().collect();
        let bottom: Changes = changes.iter().filter(is_bottom).cloned().collect();
        for some in [top, bottom] {
            match self.one_after_the_other(from, to, some, place)? {
                Ok(used) => return Ok(Ok(used)),
                Err(reason) => why = if why == Reason::Other { reason } else { why },
            }
        }
        Ok(Err(why))
    }

    /// Merges the changes onto the tree in the order of their history, each carried there.
    fn one_after_the_other(
        &self,
        from: ObjectId,
        to: ObjectId,
        mut changes: Changes,
        place: (bool, usize),
    ) -> Result<Answer<Changes>> {
        self.sort_by_history(&mut changes)?;
        let (mut tree, mut used) = (from, Changes::new());
        for change in changes {
            let merged = self.objects.merge(change.base_tree, tree, change.head_tree)?;
            let Some(merged) = merged.filter(|merged| *merged != tree) else { continue };
            if let Err(reason) = self.carries_and_lets_in(&change, tree, merged, place)? {
                self.note(from, to, reason.clone());
                return Ok(Err(reason));
            }
            tree = merged;
            used.push(change);
        }
        Ok(if tree == to { Ok(used) } else { Err(Reason::Other) })
    }

    fn carries_and_lets_in(
        &self,
        change: &Approved,
        from: ObjectId,
        to: ObjectId,
        (has_person, depth): (bool, usize),
    ) -> Result<Answer> {
        match self.carries(change, from, to, depth)? {
            Ok(()) => {
                let authors = self.authors_of(change.commits.iter().copied())?;
                self.lets_in(change, (from, to), &authors, has_person)
            }
            Err(reason) => Ok(Err(reason)),
        }
    }

    /// Ancestors before descendants.
    fn sort_by_history(&self, changes: &mut Changes) -> Result<()> {
        let mut sorted = Changes::new();
        for change in changes.drain(..) {
            let mut at = sorted.len();
            for (index, other) in sorted.iter().enumerate() {
                if let (Some(one), Some(other)) = (change.head, other.head)
                    && one != other
                    && self.objects.is_ancestor(one, other)?
                {
                    at = index;
                    break;
                }
            }
            sorted.insert(at, change);
        }
        *changes = sorted;
        Ok(())
    }

    /// Whether a person has approved all that a merge brings.
    fn person_approves_merge(&self, step: &Step, from: ObjectId) -> Result<bool> {
        if self.person_approves(from, step.tree)? {
            return Ok(true);
        }
        for head in &step.merged {
            let Some(fork) = self.objects.merger.fork(step.before, *head)? else { return Ok(false) };
            let Some(tree) = self.objects.tree(*head)? else { return Ok(false) };
            if !self.person_approves(fork.tree, tree)? {
                return Ok(false);
            }
        }
        Ok(!step.merged.is_empty())
    }

    /// Whether a verdict blocks what a head brings.
    pub fn blocks_a_head(&self, step: &Step) -> Result<bool> {
        for head in &step.merged {
            if let Some(fork) = self.objects.merger.fork(step.before, *head)?
                && let Some(tree) = self.objects.tree(*head)?
                && self.is_blocked_pair(fork.tree, tree)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Adds the changes that are not there yet.
fn add(changes: &mut Changes, more: Changes) {
    for change in more {
        if !changes.iter().any(|one| Rc::ptr_eq(one, &change)) {
            changes.push(change);
        }
    }
}
