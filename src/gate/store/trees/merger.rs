//! The merges of one question, and where two histories part.
//!
//! Criss-crossed histories have several best common ancestors, and git compares both sides with the merge
//! of these; so do we, or say that it cannot be told.

use super::Sealed;
use super::merge::Triple;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use gix::ObjectId;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// How many common ancestors are merged for one question, before it counts as one without an answer.
const MOST: usize = 64;

/// Merges of one question.
#[derive(Debug)]
pub struct Merger<'a> {
    repo: &'a Repo,
    forks: RefCell<HashMap<[ObjectId; 2], Option<Fork>>>,
    joined: Cell<usize>,
    lacks: Cell<bool>,
}

/// Where two histories part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fork {
    /// What a merge compares both sides with: the tree of the common ancestor; of several, what they
    /// merge to (then perhaps only in the [`Sealed`] directory); the empty tree where there is none.
    pub tree: ObjectId,
    /// The best common ancestors.
    pub commits: Vec<ObjectId>,
}

impl Fork {
    /// The common ancestor, where there is exactly one.
    pub fn commit(&self) -> Option<ObjectId> {
        match self.commits[..] {
            [commit] => Some(commit),
            _ => None,
        }
    }
}

impl<'a> Merger<'a> {
    /// One that has merged nothing yet.
    pub fn new(repo: &'a Repo) -> Merger<'a> {
        Merger { repo, forks: RefCell::default(), joined: Cell::default(), lacks: Cell::default() }
    }

    /// `base → theirs` onto `ours`; none on a conflict. Without a process wherever two of the three trees are
    /// the same: the common case, in which the target has not moved since the review.
    pub fn merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Option<ObjectId>> {
        if base == ours || ours == theirs {
            return Ok(Some(theirs));
        }
        if base == theirs {
            return Ok(Some(ours));
        }
        if !self.has_change(base, theirs) {
            self.lacks.set(true);
            return Ok(None);
        }
        self.sealed()?.merge(base, ours, theirs)
    }

    /// Makes all these merges (base, ours, theirs) with as few processes as it can, for [`Merger::merge`] to
    /// answer at once.
    pub fn merge_all(&self, triples: &[Triple]) -> Result<()> {
        let here = triples.iter().filter(|[base, _, theirs]| self.has_change(*base, *theirs));
        let here: Vec<Triple> = here.copied().collect();
        if here.is_empty() { Ok(()) } else { self.sealed()?.merge_all(&here) }
    }

    /// What was reviewed may be gone (garbage collection, a shallow clone): then it proves nothing.
    fn has_change(&self, base: ObjectId, head: ObjectId) -> bool {
        self.has(base) && self.has(head)
    }

    /// Whether something could not be merged because it is not here.
    pub fn lacks(&self) -> bool {
        self.lacks.get()
    }

    /// What a commit brings since that fork onto `ours`; none on a conflict.
    pub fn bring(&self, fork: &Fork, head: ObjectId, ours: ObjectId) -> Result<Option<ObjectId>> {
        self.merge(fork.tree, ours, self.repo.commit(head)?.tree)
    }

    /// Where two histories part; none where their common ancestors contradict each other, or are too
    /// many, so that there is nothing to compare both sides with.
    pub fn fork(&self, one: ObjectId, two: ObjectId) -> Result<Option<Fork>> {
        if let Some(known) = self.forks.borrow().get(&[one, two]) {
            return Ok(known.clone());
        }
        let fork = self.fork_of(one, &[two])?;
        self.forks.borrow_mut().insert([one, two], fork.clone());
        Ok(fork)
    }

    /// The same of one commit and the merge, made or not, of some others: git's recursive strategy.
    fn fork_of(&self, one: ObjectId, others: &[ObjectId]) -> Result<Option<Fork>> {
        let commits = self.repo.merge_bases(one, others)?;
        let Some(oldest) = commits.last() else {
            return Ok(Some(Fork { tree: self.repo.empty_tree(), commits }));
        };
        let mut tree = self.repo.commit(*oldest)?.tree;
        // As git does it, the oldest first.
        let in_order: Vec<ObjectId> = commits.iter().rev().copied().collect();
        for (at, next) in in_order.iter().enumerate().skip(1) {
            self.joined.set(self.joined.get() + 1);
            if self.joined.get() > MOST {
                return Ok(None);
            }
            let Some(fork) = self.fork_of(*next, &in_order[..at])? else { return Ok(None) };
            let Some(joined) = self.bring(&fork, *next, tree)? else { return Ok(None) };
            tree = joined;
        }
        Ok(Some(Fork { tree, commits }))
    }

    /// Whether that object is in the repository, or was made by a merge.
    pub fn has(&self, id: ObjectId) -> bool {
        super::objects(self.repo).has_object(id)
    }

    /// The git directory of our own, made when first needed.
    pub fn sealed(&self) -> Result<&'a Sealed> {
        Sealed::over(self.repo)
    }
}
