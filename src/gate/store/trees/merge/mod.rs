//! Clean three-way merges of trees, each made once in a process.
//!
//! Where git's answer follows from the entries alone, it is read off them ([`entries`]); everything else is
//! git's own (`git merge-tree`), asked many at a time ([`by_git`]), with the built-in attributes of the tree
//! that is merged into ([`attributes`]). What merges make is written into the [`Sealed`] directory.

mod attributes;
mod by_git;
mod entries;

use super::Sealed;
use crate::domain::error::Result;
use anyhow::anyhow;
use entries::Merged;
use gix::ObjectId;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};

/// The trees of a merge: what the change starts from, what it goes onto, what it ends in.
pub type Triple = [ObjectId; 3];

/// The merges that were made; `None` is a conflict.
pub(super) type Merges = RefCell<HashMap<Triple, Option<ObjectId>>>;

/// See [`Sealed::merge`].
pub(super) fn one(sealed: &Sealed, triple: Triple) -> Result<Option<ObjectId>> {
    if let Some(known) = known(sealed, triple) {
        return Ok(known);
    }
    let merged = match entries::merge(sealed, triple)? {
        Merged::Clean(tree) => Some(tree),
        Merged::NeedsGit(paths) => {
            let attributes = attributes::of(sealed, triple[1], &paths)?;
            let answers = by_git::ask(sealed, attributes, &[triple])?;
            match (answers.made.first(), answers.error) {
                (Some(merged), _) => *merged,
                (None, error) => return Err(error.unwrap_or_else(|| anyhow!("git merge-tree said nothing"))),
            }
        }
    };
    sealed.merges.borrow_mut().insert(triple, merged);
    Ok(merged)
}

/// See [`Sealed::merge_all`].
pub(super) fn all(sealed: &Sealed, triples: &[Triple]) -> Result<()> {
    let mut by_attributes: BTreeMap<Option<ObjectId>, Vec<Triple>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for triple in triples.iter().copied() {
        if !seen.insert(triple) || known(sealed, triple).is_some() {
            continue;
        }
        // What cannot be read is reported to whoever asks for that very merge.
        match entries::merge(sealed, triple) {
            Ok(Merged::Clean(tree)) => {
                sealed.merges.borrow_mut().insert(triple, Some(tree));
            }
            Ok(Merged::NeedsGit(paths)) => {
                if let Ok(attributes) = attributes::of(sealed, triple[1], &paths) {
                    by_attributes.entry(attributes).or_default().push(triple);
                }
            }
            Err(_) => {}
        }
    }
    for (attributes, triples) in by_attributes {
        let answers = by_git::ask(sealed, attributes, &triples)?;
        sealed.merges.borrow_mut().extend(triples.into_iter().zip(answers.made));
    }
    Ok(())
}

/// A merge that was made, or that needs no making.
fn known(sealed: &Sealed, triple: Triple) -> Option<Option<ObjectId>> {
    let [base, ours, theirs] = triple;
    if base == ours || ours == theirs {
        return Some(Some(theirs));
    }
    if base == theirs {
        return Some(Some(ours));
    }
    sealed.merges.borrow().get(&triple).copied()
}
