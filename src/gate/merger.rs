//! Clean three-way merges of trees, each made once, and without a process wherever two of the three
//! trees are the same: the common case, in which the target has not moved since the review.

use crate::error::Result;
use crate::store::Repo;
use crate::store::trees::Sealed;
use gix::ObjectId;
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

/// Merges of one ruling.
pub(super) struct Merger<'a> {
    pub repo: &'a Repo,
    sealed: OnceCell<Sealed>,
    made: RefCell<HashMap<[ObjectId; 3], Option<ObjectId>>>,
}

impl<'a> Merger<'a> {
    /// One that has merged nothing yet.
    pub fn new(repo: &'a Repo) -> Merger<'a> {
        Merger { repo, sealed: OnceCell::new(), made: RefCell::default() }
    }

    /// `base → theirs` onto `ours`; none on a conflict.
    pub fn merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Option<ObjectId>> {
        if base == ours || ours == theirs {
            return Ok(Some(theirs));
        }
        if base == theirs {
            return Ok(Some(ours));
        }
        let key = [base, ours, theirs];
        if let Some(known) = self.made.borrow().get(&key) {
            return Ok(*known);
        }
        // What was reviewed may be gone (garbage collection, a shallow clone): then it proves nothing.
        let merged = if self.repo.has(base) && self.repo.has(theirs) {
            self.sealed()?.merge(base, ours, theirs)?
        } else {
            None
        };
        self.made.borrow_mut().insert(key, merged);
        Ok(merged)
    }

    /// What a commit brings, by their trees, onto `ours`; none on a conflict.
    pub fn bring(&self, fork: ObjectId, head: ObjectId, ours: ObjectId) -> Result<Option<ObjectId>> {
        self.merge(self.repo.commit(fork)?.tree, ours, self.repo.commit(head)?.tree)
    }

    /// The git directory of our own, made when first needed.
    pub fn sealed(&self) -> Result<&Sealed> {
        if let Some(sealed) = self.sealed.get() {
            return Ok(sealed);
        }
        let sealed = Sealed::over(self.repo)?;
        Ok(self.sealed.get_or_init(|| sealed))
    }
}
