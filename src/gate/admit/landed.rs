//! Whether a change was in the branch before: then it is spent, and what took it out holds.
//!
//! A revert says that a change shall not be there. An approval from before it must not bring the change back
//! by a pick or a merge, whichever way it came in.

use super::approved::Approved;
use super::judge::Judge;
use super::objects::find;
use super::undone::{Undone, Whose};
use crate::domain::error::Result;
use crate::gate::store::Commit;
use crate::gate::store::trees::{Changed, Entry};
use gix::ObjectId;
use std::collections::HashMap;
use std::rc::Rc;

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
    /// Whether the change came in before and is not there now, or would bring in again what was taken back of
    /// it.
    pub fn is_spent(&self, change: &Approved, now: ObjectId) -> Result<bool> {
        let landed = self.objects.merge(change.base_tree, now, change.head_tree)?;
        if landed == Some(now) {
            return Ok(false);
        }
        Ok(self.landed_before(change)? || self.brings_back(change, now, landed)?)
    }

    /// Whether the change came into the branch before.
    fn landed_before(&self, change: &Approved) -> Result<bool> {
        if let Some(known) = change.has_landed.get() {
            return Ok(*known);
        }
        let has_landed = self.has_landed(change, self.old)?;
        Ok(*change.has_landed.get_or_init(|| has_landed))
    }

    /// Whether the step that the change comes to now, or the change where it conflicts, does again what the
    /// branch undid.
    fn brings_back(&self, change: &Approved, now: ObjectId, landed: Option<ObjectId>) -> Result<bool> {
        let step = match landed {
            Some(landed) => self.objects.difference(now, landed)?,
            None => change.net(&self.objects)?,
        };
        self.undone(change)?.is_redone(&self.objects, &step.unwrap_or_default())
    }

    /// What commits of the branch took back of the change since it began.
    fn undone<'c>(&self, change: &'c Approved) -> Result<&'c Undone> {
        if let Some(known) = change.undone.get() {
            return Ok(known);
        }
        let undone = self.find_undone(change)?;
        Ok(change.undone.get_or_init(|| undone))
    }

    fn find_undone(&self, change: &Approved) -> Result<Undone> {
        let mut undone = Undone::default();
        if self.begins_at(change, self.old) {
            return Ok(undone);
        }
        let Some(net) = change.net(&self.objects)? else { return Ok(undone) };
        let Some(commits) = self.history_since(change, self.old)? else { return Ok(Undone::all(&net)) };
        for id in commits.iter() {
            let Some(commit) = self.objects.commit(*id)? else { continue };
            // What it takes back of itself on its way says nothing of the branch.
            let whose = if change.has_commit(*id) { Whose::Change } else { Whose::Branch };
            for parent in &commit.parents {
                let Some(parent) = self.objects.tree(*parent)? else { continue };
                let Some(step) = self.objects.difference(parent, commit.tree)? else {
                    return Ok(Undone::all(&net));
                };
                undone.note(&self.objects, &net, &step, whose)?;
            }
        }
        Ok(undone)
    }

    /// Whether the change begins at the tip, or on the branch behind it, as most do.
    fn begins_at(&self, change: &Approved, tip: ObjectId) -> bool {
        change.base.is_some_and(|base| base == tip || (tip == self.old && self.is_new_on_line(base)))
    }

    /// Whether the change landed in, or came into, the history of that commit since the change began.
    pub fn has_landed(&self, change: &Approved, tip: ObjectId) -> Result<bool> {
        if self.begins_at(change, tip) {
            return Ok(false);
        }
        let Some(net) = change.net(&self.objects)? else { return Ok(true) };
        let mut history = History { judge: self, change, net: &net, states: HashMap::new() };
        let Some(commits) = self.history_since(change, tip)? else { return Ok(true) };
        for id in commits.iter() {
            let Some(commit) = self.objects.commit(*id)? else { continue };
            if history.came_in(&commit)? || history.landed(&commit)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The commits that `tip` has and the change's base has not; `None` if they are too many, or the clone is
    /// too shallow to have them all. Where the base is a commit of the update with one parent, they are those
    /// since that: a long topic has one history to be looked for in.
    fn history_since(&self, change: &Approved, tip: ObjectId) -> Result<Option<Rc<[ObjectId]>>> {
        let mut since = change.base.filter(|base| self.objects.repo.has(*base));
        while let Some(id) = since.filter(|id| tip == self.old && self.is_entering(*id)) {
            match self.objects.commit(id)?.map(|commit| commit.parents.clone()).as_deref() {
                Some([parent]) if self.objects.repo.has(*parent) => since = Some(*parent),
                _ => break,
            }
        }
        if let Some(known) = self.histories.borrow().get(&(since, tip)) {
            return Ok(known.clone());
        }
        let walk = self.objects.repo.ids_between(since, tip, SEARCHED + 1)?;
        let is_cut_off = walk.len() <= SEARCHED && self.objects.repo.is_cut_off(&walk)?;
        if is_cut_off {
            self.objects.note_lack();
        }
        let history = (walk.len() <= SEARCHED && !is_cut_off).then(|| Rc::from(walk));
        self.histories.borrow_mut().insert((since, tip), history.clone());
        Ok(history)
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
                if before.tree != commit.tree
                    && self.may_be_its_merge(before.tree, commit.tree)?
                    && self.merged(before.tree, commit.tree)? == Some(commit.tree)
                {
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
        // Each difference is read once for all changes that are looked at.
        let Some(between) = self.judge.objects.difference(one, other)? else { return Ok(true) };
        Ok(self.net.iter().any(|changed| find(&between, &changed.path).is_some()))
    }

    /// Whether one tree could be the other with the change merged onto it, as far as the paths say. Where the
    /// change has no path, it gets to that only by a file or folder that was renamed since its base, which has no
    /// such path then; and nothing is added there, taken away or edited but by a change that does so.
    fn may_be_its_merge(&self, from: ObjectId, to: ObjectId) -> Result<bool> {
        let Some(between) = self.judge.objects.difference(from, to)? else { return Ok(true) };
        for path in between.iter().filter(|path| find(self.net, &path.path).is_none()) {
            let does_so = self.net.iter().any(|changed| kind(changed) == kind(path));
            if !does_so || self.entry(self.change.base_tree, &path.path)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
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

/// Whether a path was there, and whether it is there now.
fn kind(changed: &Changed) -> (bool, bool) {
    (changed.old.is_some(), changed.new.is_some())
}
