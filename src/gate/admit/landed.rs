//! Whether a change was in the branch before: then it is spent, and what took it out holds.
//!
//! A revert says that a change shall not be there. An approval from before it must not bring the change back
//! by a pick or a merge, whichever way it came in.

use super::approved::Approved;
use super::judge::Judge;
use super::objects::Entry;
use crate::domain::error::Result;
use crate::gate::store::Commit;
use crate::gate::store::trees::Changed;
use gix::ObjectId;
use std::collections::HashMap;

/// How many commits since a change's base are looked at: beyond, it has to be reviewed again.
const SEARCHED: usize = 2_000;

/// How a commit's tree stands to a change, as far as its paths say without a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// All its paths are as before the change.
    Before,
    /// All its paths are as after the change.
    After,
    Other,
}

impl Judge<'_> {
    /// Whether the change came in before and is not there now.
    pub fn is_spent(&self, change: &Approved, now: ObjectId) -> Result<bool> {
        if self.objects.merge(change.base_tree, now, change.head_tree)? == Some(now) {
            return Ok(false);
        }
        if let Some(known) = change.has_landed.get() {
            return Ok(*known);
        }
        let has_landed = self.has_landed(change, self.old)?;
        Ok(*change.has_landed.get_or_init(|| has_landed))
    }

    /// Whether the change landed in, or came into, the history of that commit since the change began.
    pub fn has_landed(&self, change: &Approved, tip: ObjectId) -> Result<bool> {
        // In the common case the change begins at the tip, or behind it.
        if change.base.is_some_and(|base| base == tip || (tip == self.old && self.is_new_on_line(base))) {
            return Ok(false);
        }
        let Some(net) = change.net(&self.objects)? else { return Ok(true) };
        let since = change.base.filter(|base| self.objects.repo.has(*base));
        let mut history = History { judge: self, change, net: &net, states: HashMap::new() };
        let Some(commits) = self.history_since(since, tip)? else { return Ok(true) };
        for id in commits {
            let Some(commit) = self.objects.commit(id)? else { continue };
            if history.came_in(&commit)? || history.landed(&commit)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The commits that `tip` has and `since` has not; `None` if they are too many.
    fn history_since(&self, since: Option<ObjectId>, tip: ObjectId) -> Result<Option<Vec<ObjectId>>> {
        let walk = self.objects.repo.ids_between(since, tip, SEARCHED + 1)?;
        Ok((walk.len() <= SEARCHED).then_some(walk))
    }
}

/// The history of the branch as one change looks at it.
struct History<'h, 'a> {
    judge: &'h Judge<'a>,
    change: &'h Approved,
    net: &'h [Changed],
    states: HashMap<ObjectId, State>,
}

impl History<'_, '_> {
    /// Whether the commit has the change and a parent has it not, and they differ where the change does.
    fn came_in(&mut self, commit: &Commit) -> Result<bool> {
        for parent in &commit.parents {
            let Some(parent) = self.judge.objects.tree(*parent)? else { continue };
            if self.differ_at_its_paths(parent, commit.tree)?
                && !self.is_in(parent)?
                && self.is_in(commit.tree)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the commit is what merging the change onto an earlier one gives, up to as many steps before
    /// as the change has commits.
    fn landed(&mut self, commit: &Commit) -> Result<bool> {
        let objects = &self.judge.objects;
        for parent in &commit.parents {
            let mut at = Some(*parent);
            for _ in 0..self.change.commits.len().max(1) {
                let Some(before) = at.map(|at| objects.commit(at)).transpose()?.flatten() else { break };
                if before.tree != commit.tree && self.merged(before.tree, commit.tree)? == Some(commit.tree) {
                    return Ok(true);
                }
                at = before.parents.first().copied();
            }
        }
        Ok(false)
    }

    /// Whether merging the change onto that tree changes nothing.
    fn is_in(&mut self, tree: ObjectId) -> Result<bool> {
        Ok(match self.state(tree)? {
            State::Before => false,
            State::After => true,
            State::Other => self.merge(tree)? == Some(tree),
        })
    }

    /// What merging the change onto a tree gives, as far as it could be `expected`.
    fn merged(&mut self, onto: ObjectId, expected: ObjectId) -> Result<Option<ObjectId>> {
        match self.state(onto)? {
            State::After => Ok(Some(onto)),
            // Nothing was renamed, so each path simply becomes what it was judged to become.
            State::Before if self.state(expected)? != State::After => Ok(None),
            _ => self.merge(onto),
        }
    }

    fn merge(&self, onto: ObjectId) -> Result<Option<ObjectId>> {
        self.judge.objects.merge(self.change.base_tree, onto, self.change.head_tree)
    }

    fn differ_at_its_paths(&self, one: ObjectId, other: ObjectId) -> Result<bool> {
        if one == other {
            return Ok(false);
        }
        for changed in self.net {
            if self.entry(one, &changed.path)? != self.entry(other, &changed.path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn state(&mut self, tree: ObjectId) -> Result<State> {
        if let Some(known) = self.states.get(&tree) {
            return Ok(*known);
        }
        let (mut before, mut after) = (true, true);
        for changed in self.net {
            let entry = self.entry(tree, &changed.path)?;
            before &= entry == changed.old;
            after &= entry == changed.new;
            if !before && !after {
                break;
            }
        }
        let state = match (before, after) {
            (true, _) => State::Before,
            (_, true) => State::After,
            _ => State::Other,
        };
        self.states.insert(tree, state);
        Ok(state)
    }

    fn entry(&self, tree: ObjectId, path: &[u8]) -> Result<Option<Entry>> {
        self.judge.objects.entry(tree, path)
    }
}
