//! A change that reviewers approved, as the rule [`carries`](super::carries) looks at it: where it starts
//! and ends, and which commits its reviewers were shown.
//!
//! Several changes that follow one on another (a stack) are one as well: what they come to together.

use super::objects::{Objects, find};
use super::undone::Undone;
use crate::domain::error::Result;
use crate::domain::text::placed::Difference;
use crate::domain::text::shown::ShownLines;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::store::Commit;
use crate::gate::store::trees::Changed;
use gix::ObjectId;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// How many commits of one change, or of an update, are looked at.
pub(super) const MOST_COMMITS: usize = 10_000;

#[derive(Debug)]
pub(super) struct Approved {
    pub base_tree: ObjectId,
    pub head_tree: ObjectId,
    /// The commit that it starts from.
    pub base: Option<ObjectId>,
    /// The commit that it ends in.
    pub head: Option<ObjectId>,
    /// The commits that were shown, parents before children.
    pub commits: Vec<ObjectId>,
    pub verdicts: Vec<Verdict>,
    /// The changes that it consists of, oldest first; empty if it was judged as one.
    pub parts: Vec<Rc<Approved>>,
    /// Whether it was judged for another branch, so that only an exact pick of what landed there counts.
    pub is_backport: bool,
    /// Whether it only stands for what a review of it could come to.
    pub is_supposed: bool,
    set: HashSet<ObjectId>,
    touched: OnceCell<HashSet<Vec<u8>>>,
    shown: RefCell<HashMap<Vec<u8>, Rc<ShownLines>>>,
    /// Whether it came into the branch before, see [`landed`](super::landed).
    pub has_landed: OnceCell<bool>,
    /// What the branch took back of it, see [`landed`](super::landed).
    pub undone: OnceCell<Undone>,
    /// Whether its verdicts, signatures included, are what every change needs.
    pub is_approved: OnceCell<bool>,
}

impl Approved {
    /// The change that these verdicts approve.
    pub fn new(
        objects: &Objects<'_>,
        verdicts: Vec<Verdict>,
        approvals: usize,
        branch: &str,
    ) -> Result<Option<Approved>> {
        let Some(first) = verdicts.first() else { return Ok(None) };
        let trees = (first.base_tree, first.head_tree);
        let ends = (
            verdicts.iter().find_map(|verdict| verdict.base_commit),
            verdicts.iter().find_map(|verdict| verdict.head_commit),
        );
        let set = shown_to_enough(&verdicts, approvals);
        // What was judged before it was committed has no head, and brings in what it merges.
        let commits = match ends.1 {
            Some(_) => in_order(objects, &set, verdicts.iter().filter_map(|verdict| verdict.head_commit))?,
            None => in_order(objects, &set, verdicts.iter().flat_map(|verdict| verdict.commits().to_vec()))?,
        };
        let is_backport = verdicts.iter().any(|verdict| verdict.target != branch);
        Ok(Some(Approved { verdicts, is_backport, ..Approved::between(trees, ends, commits, set) }))
    }

    /// A change as if reviewers had approved it as it is.
    pub fn supposed(
        objects: &Objects<'_>,
        trees: (ObjectId, ObjectId),
        ends: (Option<ObjectId>, Option<ObjectId>),
        commits: impl IntoIterator<Item = ObjectId>,
    ) -> Result<Approved> {
        let set: HashSet<ObjectId> = commits.into_iter().collect();
        let commits = in_order(objects, &set, ends.1)?;
        Ok(Approved { is_supposed: true, ..Approved::between(trees, ends, commits, set) })
    }

    /// These changes, each of which starts where the one before it ends, as one.
    pub fn joined(objects: &Objects<'_>, parts: Vec<Rc<Approved>>) -> Result<Option<Approved>> {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(None) };
        let set: HashSet<ObjectId> = parts.iter().flat_map(|part| part.set.iter().copied()).collect();
        let commits = in_order(objects, &set, last.head)?;
        let (trees, ends) = ((first.base_tree, last.head_tree), (first.base, last.head));
        Ok(Some(Approved {
            verdicts: parts.iter().flat_map(|part| part.verdicts.clone()).collect(),
            is_backport: parts.iter().any(|part| part.is_backport),
            parts,
            ..Approved::between(trees, ends, commits, set)
        }))
    }

    /// A change from one tree to another, of which nothing else is known yet.
    fn between(
        (base_tree, head_tree): (ObjectId, ObjectId),
        (base, head): (Option<ObjectId>, Option<ObjectId>),
        commits: Vec<ObjectId>,
        set: HashSet<ObjectId>,
    ) -> Approved {
        Approved {
            base_tree,
            head_tree,
            base,
            head,
            commits,
            verdicts: Vec::new(),
            parts: Vec::new(),
            is_backport: false,
            is_supposed: false,
            set,
            touched: OnceCell::new(),
            shown: RefCell::default(),
            has_landed: OnceCell::new(),
            undone: OnceCell::new(),
            is_approved: OnceCell::new(),
        }
    }

    /// The changes that were judged: its parts, or itself.
    pub fn judged(&self) -> impl Iterator<Item = &Approved> {
        let itself = self.parts.is_empty().then_some(self);
        self.parts.iter().map(AsRef::as_ref).chain(itself)
    }

    /// Whether its reviewers were shown that commit.
    pub fn has_commit(&self, commit: ObjectId) -> bool {
        self.set.contains(&commit)
    }

    /// Whether all commits of this change are commits of the other, which has more.
    pub fn is_less_than(&self, other: &Approved) -> bool {
        self.set.len() < other.set.len() && self.set.is_subset(&other.set)
    }

    /// The net difference; `None` if a tree is not here.
    pub fn net(&self, objects: &Objects<'_>) -> Result<Option<Rc<Vec<Changed>>>> {
        objects.difference(self.base_tree, self.head_tree)
    }

    /// Its commits that are on the first-parent line of its head, oldest first.
    pub fn line(&self, objects: &Objects<'_>) -> Result<Vec<ObjectId>> {
        let mut line = Vec::new();
        let mut at = self.head.filter(|head| self.has_commit(*head));
        while let Some(id) = at {
            line.push(id);
            let parent = objects.commit(id)?.and_then(|commit| commit.parents.first().copied());
            at = parent.filter(|parent| self.has_commit(*parent));
        }
        line.reverse();
        Ok(line)
    }

    /// Its commits as far as they are here, parents before children.
    pub fn read(&self, objects: &Objects<'_>) -> Result<Vec<Rc<Commit>>> {
        let commits = self.commits.iter().map(|id| objects.commit(*id));
        Ok(commits.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The paths that it or one of its commits touches.
    pub fn touched(&self, objects: &Objects<'_>) -> Result<&HashSet<Vec<u8>>> {
        if let Some(known) = self.touched.get() {
            return Ok(known);
        }
        let mut touched = HashSet::new();
        for (from, to) in self.shown_pairs(objects)? {
            let changed = objects.difference(from, to)?.unwrap_or_default();
            touched.extend(changed.iter().map(|changed| changed.path.clone()));
        }
        Ok(self.touched.get_or_init(|| touched))
    }

    /// Whether reviewers were shown exactly that step of a path.
    pub fn has_step(&self, objects: &Objects<'_>, step: &Changed) -> Result<bool> {
        for (from, to) in self.shown_pairs(objects)? {
            let shown = objects.difference(from, to)?.unwrap_or_default();
            if find(&shown, &step.path) == Some(step) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What reviewers were shown: the net difference, and each commit's own.
    fn shown_pairs(&self, objects: &Objects<'_>) -> Result<Vec<(ObjectId, ObjectId)>> {
        let mut pairs = vec![(self.base_tree, self.head_tree)];
        for commit in self.read(objects)? {
            pairs.extend(objects.own_base(&commit)?.map(|base| (base, commit.tree)));
        }
        Ok(pairs)
    }

    /// The lines of a file that reviewers were shown: of the net difference, and of each commit's own.
    pub fn shown(&self, objects: &Objects<'_>, path: &[u8]) -> Result<Rc<ShownLines>> {
        if let Some(known) = self.shown.borrow().get(path) {
            return Ok(known.clone());
        }
        let mut shown = ShownLines::default();
        for (from, to) in self.shown_pairs(objects)? {
            let Some(changed) = objects.difference(from, to)? else { continue };
            let Some(changed) = find(&changed, path) else { continue };
            let text = |entry| objects.text(entry);
            let old = changed.old.map(text).transpose()?.flatten().unwrap_or_default();
            let new = changed.new.map(text).transpose()?.flatten().unwrap_or_default();
            if let Some(difference) = Difference::between(&old, &new) {
                shown.add(&difference);
            }
        }
        let shown = Rc::new(shown);
        self.shown.borrow_mut().insert(path.to_vec(), shown.clone());
        Ok(shown)
    }
}

/// The commits that reviewers of so many vendors were shown, or whoever waived.
fn shown_to_enough(verdicts: &[Verdict], approvals: usize) -> HashSet<ObjectId> {
    let all: HashSet<ObjectId> = verdicts.iter().flat_map(|verdict| verdict.commits().to_vec()).collect();
    if approvals < 2 || verdicts.iter().any(|verdict| verdict.decision == Decision::Waive) {
        return all;
    }
    let vendors_of = |commit: &ObjectId| {
        let shown = verdicts.iter().filter(|verdict| verdict.commits().contains(commit));
        shown.map(|verdict| &verdict.reviewer.vendor).collect::<BTreeSet<_>>().len()
    };
    all.into_iter().filter(|commit| vendors_of(commit) >= approvals).collect()
}

/// These commits, parents before children, as they are reached from the heads.
fn in_order(
    objects: &Objects<'_>,
    set: &HashSet<ObjectId>,
    heads: impl IntoIterator<Item = ObjectId>,
) -> Result<Vec<ObjectId>> {
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    let mut stack: Vec<(ObjectId, bool)> = heads.into_iter().map(|head| (head, false)).collect();
    while let Some((id, is_done)) = stack.pop() {
        if is_done {
            order.push(id);
            continue;
        }
        if !set.contains(&id) || !seen.insert(id) || seen.len() > MOST_COMMITS {
            continue;
        }
        stack.push((id, true));
        if let Some(commit) = objects.commit(id)? {
            stack.extend(commit.parents.iter().rev().map(|parent| (*parent, false)));
        }
    }
    Ok(order)
}
