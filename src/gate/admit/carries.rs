//! The rule: does an approved change carry a step of the branch?
//!
//! A verdict is about a change from a base to a head, and the author of a change chooses the base. So it
//! carries a step `from → to` only if the step is the clean merge of the change onto the branch, touches no
//! path that was not shown, and each path is exactly what was shown; or it is a text whose base the
//! branch has seen, and each line lands where it was shown. What came in before and was taken out again is
//! not carried a second time. Whether that holds is decided by the commits and the notes alone: it is the
//! same later, and on every clone.

use super::approved::Approved;
use super::judge::Judge;
use super::objects::find;
use super::reason::{Answer, Reason};
use crate::domain::error::Result;
use crate::domain::text::placed::Difference;
use crate::gate::store::trees::{Changed, Entry, is_regular};
use gix::ObjectId;

/// How many commits are searched for the base of a path.
const SEARCHED: usize = 20_000;

/// Among how many changes it is searched for one that would land on another path.
const EXPLAINED: usize = 64;

impl Judge<'_> {
    /// Whether the change carries the step from one tree to another, on a line that so many merges lead to.
    pub fn carries(&self, change: &Approved, from: ObjectId, to: ObjectId, depth: usize) -> Result<Answer> {
        let ends = (change.base_tree, change.head_tree);
        if let Err(reason) = self.lands(change, ends, from, to)? {
            return Ok(Err(reason));
        }
        if !change.parts.is_empty()
            && let Some(policy) = self.first_exact_path(from, to)?
        {
            return Ok(Err(Reason::PolicyByStack(policy)));
        }
        self.is_new(change, from, depth)
    }

    /// Whether the change was not in the branch before, or is there still. What a side line does again is
    /// nothing to the branch, unless it comes into the branch's own tree by the merge: that is asked there.
    pub fn is_new(&self, change: &Approved, from: ObjectId, depth: usize) -> Result<Answer> {
        for part in change.judged() {
            if part.net(&self.objects)?.is_none() {
                return Ok(Err(Reason::Absent));
            }
            if depth == 0 && self.is_spent(part, from)? {
                return Ok(Err(Reason::Spent));
            }
        }
        Ok(Ok(()))
    }

    /// Whether the step is what the change, or one of its commits, comes to there. The cheap questions come
    /// first: most changes that are asked about are about something else.
    pub fn lands(
        &self,
        change: &Approved,
        (base, head): (ObjectId, ObjectId),
        from: ObjectId,
        to: ObjectId,
    ) -> Result<Answer> {
        if (from, to) == (base, head) {
            return Ok(Ok(()));
        }
        let Some(shown) = self.objects.difference(base, head)? else { return Ok(Err(Reason::Other)) };
        let Some(landing) = self.objects.difference(from, to)? else { return Ok(Err(Reason::Other)) };
        let mut moved = Vec::new();
        for path in landing.iter() {
            let Some(shown) = find(&shown, &path.path) else {
                return self.elsewhere(path, base, head, from, to);
            };
            if (path.old, path.new) != (shown.old, shown.new) {
                moved.push((path, shown));
            }
        }
        for (path, shown) in &moved {
            if let Err(reason) = self.lands_in_place(change, path, shown)? {
                let is_meant = self.objects.merge(base, from, head)? == Some(to);
                return Ok(Err(if is_meant { reason } else { Reason::Other }));
            }
        }
        if self.objects.merge(base, from, head)? != Some(to) {
            return Ok(Err(Reason::Other));
        }
        for (path, shown) in moved {
            if !self.has_seen(change, base, &path.path, shown.old)? {
                return Ok(Err(Reason::UnknownBase(path.display())));
            }
        }
        Ok(Ok(()))
    }

    /// A path that was not shown: the change is meant only if git would merge it to exactly that.
    fn elsewhere(
        &self,
        path: &Changed,
        base: ObjectId,
        head: ObjectId,
        from: ObjectId,
        to: ObjectId,
    ) -> Result<Answer> {
        // Only where git could take one file for another is it worth a merge to say so.
        let is_meant =
            self.may_follow_a_rename(base, head, from)? && self.objects.merge(base, from, head)? == Some(to);
        Ok(Err(if is_meant { Reason::LandsElsewhere(path.display()) } else { Reason::Other }))
    }

    /// Whether a file that the change is about is not where it was; no where so many changes are looked at
    /// that asking costs more than the word is worth.
    fn may_follow_a_rename(&self, base: ObjectId, head: ObjectId, from: ObjectId) -> Result<bool> {
        if self.approved.len() > EXPLAINED {
            return Ok(false);
        }
        for shown in self.objects.difference(base, head)?.unwrap_or_default().iter() {
            if shown.old.is_some() && self.objects.entry(from, &shown.path)?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a path that is not exactly as shown lands line by line in the places that were shown.
    fn lands_in_place(&self, change: &Approved, landing: &Changed, shown: &Changed) -> Result<Answer> {
        let not_exact = || Ok(Err(Reason::NotExact(landing.display())));
        let (Some(before), Some(after)) = (shown.old, shown.new) else { return not_exact() };
        let (Some(from), Some(to)) = (landing.old, landing.new) else { return not_exact() };
        let keeps_mode = from.0 == to.0 || (from.0, to.0) == (before.0, after.0);
        let are_regular = [before, after, from, to].iter().all(|(mode, _)| is_regular(*mode));
        if change.is_backport || self.policy.lands_exactly(&landing.path) || !keeps_mode || !are_regular {
            return not_exact();
        }
        let text = |entry: Entry| self.objects.text(entry);
        let (Some(before), Some(after)) = (text(before)?, text(after)?) else { return not_exact() };
        let (Some(from), Some(to)) = (text(from)?, text(to)?) else { return not_exact() };
        let Some(shown) = Difference::between(&before, &after) else { return not_exact() };
        let Some(lands) = Difference::between(&from, &to) else { return not_exact() };
        Ok(if lands.is_within(&shown) { Ok(()) } else { Err(Reason::OtherPlace(landing.display())) })
    }

    /// Whether the branch has had the path as it was before the change: the change began at a commit of
    /// the branch, or some commit of the branch has that entry.
    fn has_seen(
        &self,
        change: &Approved,
        base_tree: ObjectId,
        path: &[u8],
        entry: Option<Entry>,
    ) -> Result<bool> {
        if let Some(base) = change.base
            && self.objects.tree(base)? == Some(change.base_tree)
            && self.objects.is_ancestor(base, self.old)?
            && (base_tree == change.base_tree || self.is_on_the_way_to(base_tree, change, base)?)
        {
            return Ok(true);
        }
        let Some(entry) = entry else { return Ok(false) };
        let key = (path.to_vec(), entry);
        if let Some(known) = self.seen.borrow().get(&key) {
            return Ok(*known);
        }
        let mut has_seen = false;
        for id in self.ancestors()?.iter().take(SEARCHED) {
            let Some(tree) = self.objects.tree(*id)? else { continue };
            if self.objects.entry(tree, path)? == Some(entry) {
                has_seen = true;
                break;
            }
        }
        self.seen.borrow_mut().insert(key, has_seen);
        Ok(has_seen)
    }

    /// Whether the tree is that of a commit of the branch from which a commit of the change parted.
    fn is_on_the_way_to(&self, tree: ObjectId, change: &Approved, base: ObjectId) -> Result<bool> {
        for commit in change.read(&self.objects)? {
            for fork in self.objects.repo.merge_bases(base, &[commit.id])? {
                if self.objects.tree(fork)? == Some(tree) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The first path between two trees that has to land exactly.
    fn first_exact_path(&self, from: ObjectId, to: ObjectId) -> Result<Option<String>> {
        let changed = self.objects.difference(from, to)?.unwrap_or_default();
        let exact = changed.iter().find(|changed| self.policy.lands_exactly(&changed.path));
        Ok(exact.map(Changed::display))
    }
}
