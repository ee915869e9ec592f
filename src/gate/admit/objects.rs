//! What one ruling reads and merges, each thing once: commits, differences of trees, merges, texts.
//!
//! Objects may be missing: gone by garbage collection, cut off in a shallow clone, left out of a partial one.
//! A missing object proves nothing, and is remembered, since a ruling that lacks one in a clone that was
//! cut cannot say no.

use crate::domain::error::Result;
use crate::domain::text::opaque;
use crate::gate::store::trees::{self, Changed, Entry, Merger, is_regular};
use crate::gate::store::{Commit, Repo, changes};
use gix::ObjectId;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// The largest file that is compared by its lines.
const LARGEST_TEXT: u64 = 8 << 20;

/// The mode of a folder.
const FOLDER: u32 = 0o040_000;

pub(super) struct Objects<'a> {
    pub repo: &'a Repo,
    pub merger: Merger<'a>,
    commits: RefCell<HashMap<ObjectId, Option<Rc<Commit>>>>,
    differences: RefCell<HashMap<[ObjectId; 2], Rc<Vec<Changed>>>>,
    ancestors: RefCell<HashMap<[ObjectId; 2], bool>>,
    own_bases: RefCell<HashMap<ObjectId, ObjectId>>,
    lacks: Cell<bool>,
}

impl<'a> Objects<'a> {
    pub fn new(repo: &'a Repo, merger: Merger<'a>) -> Objects<'a> {
        Objects {
            repo,
            merger,
            commits: RefCell::default(),
            differences: RefCell::default(),
            ancestors: RefCell::default(),
            own_bases: RefCell::default(),
            lacks: Cell::default(),
        }
    }

    /// A commit; `None` if it is not here.
    pub fn commit(&self, id: ObjectId) -> Result<Option<Rc<Commit>>> {
        if let Some(known) = self.commits.borrow().get(&id) {
            return Ok(known.clone());
        }
        let commit = if self.repo.has(id) {
            Some(Rc::new(self.repo.commit(id)?))
        } else {
            self.note_lack();
            None
        };
        self.commits.borrow_mut().insert(id, commit.clone());
        Ok(commit)
    }

    /// The tree of a commit; `None` if it is not here.
    pub fn tree(&self, commit: ObjectId) -> Result<Option<ObjectId>> {
        Ok(self.commit(commit)?.map(|commit| commit.tree))
    }

    /// The paths that differ between two trees, sorted, without renames; `None` if a tree is not here.
    pub fn difference(&self, from: ObjectId, to: ObjectId) -> Result<Option<Rc<Vec<Changed>>>> {
        if let Some(known) = self.differences.borrow().get(&[from, to]) {
            return Ok(Some(known.clone()));
        }
        if !(self.merger.has(from) && self.merger.has(to)) {
            self.note_lack();
            return Ok(None);
        }
        let changed = Rc::new(trees::changed(self.repo, from, to)?);
        self.differences.borrow_mut().insert([from, to], changed.clone());
        Ok(Some(changed))
    }

    /// The file at a path of a tree: its mode and object; `None` if there is no file.
    pub fn entry(&self, tree: ObjectId, path: &[u8]) -> Result<Option<Entry>> {
        Ok(trees::entry(self.repo, tree, path)?.filter(|(mode, _)| *mode != FOLDER))
    }

    /// `base → theirs` onto `ours`; `None` on a conflict, or if a tree is not here.
    pub fn merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Option<ObjectId>> {
        self.merger.merge(base, ours, theirs)
    }

    /// Whether `old` is `new` or one of its ancestors; no if either is not here.
    pub fn is_ancestor(&self, old: ObjectId, new: ObjectId) -> Result<bool> {
        if let Some(known) = self.ancestors.borrow().get(&[old, new]) {
            return Ok(*known);
        }
        let are_here = self.commit(old)?.is_some() && self.commit(new)?.is_some();
        let is_ancestor = are_here && self.repo.is_ancestor(old, new)?;
        self.ancestors.borrow_mut().insert([old, new], is_ancestor);
        Ok(is_ancestor)
    }

    /// The tree that a commit's own difference starts from, see [`changes::own_base`]; `None` if a parent is
    /// not here.
    pub fn own_base(&self, commit: &Commit) -> Result<Option<ObjectId>> {
        if let Some(known) = self.own_bases.borrow().get(&commit.id) {
            return Ok(Some(*known));
        }
        for parent in &commit.parents {
            if self.commit(*parent)?.is_none() {
                return Ok(None);
            }
        }
        let base = changes::own_base(self.repo, &self.merger, commit)?;
        self.own_bases.borrow_mut().insert(commit.id, base);
        Ok(Some(base))
    }

    /// Whether both versions of a path are here.
    pub fn has_both(&self, changed: &Changed) -> bool {
        let here =
            |entry: Option<Entry>| entry.is_none_or(|(mode, id)| !is_regular(mode) || self.merger.has(id));
        here(changed.old) && here(changed.new)
    }

    /// A regular file's bytes if it is text that can be compared by its lines.
    pub fn text(&self, entry: Entry) -> Result<Option<Vec<u8>>> {
        let (mode, id) = entry;
        if !is_regular(mode) {
            return Ok(None);
        }
        if !self.merger.has(id) {
            self.note_lack();
            return Ok(None);
        }
        let sealed = self.merger.sealed()?;
        if sealed.size(id)? > LARGEST_TEXT {
            return Ok(None);
        }
        let bytes = sealed.blob(id)?;
        Ok((!opaque::has_early_nul(&bytes)).then_some(bytes))
    }

    /// Notes that something which was looked for is not here.
    pub fn note_lack(&self) {
        self.lacks.set(true);
    }

    /// Whether something that was looked for is not here.
    pub fn lacks(&self) -> bool {
        self.lacks.get() || self.merger.lacks()
    }
}

/// A path of a difference.
pub(super) fn find<'c>(changed: &'c [Changed], path: &[u8]) -> Option<&'c Changed> {
    changed.binary_search_by(|one| one.path.as_slice().cmp(path)).ok().map(|at| &changed[at])
}
