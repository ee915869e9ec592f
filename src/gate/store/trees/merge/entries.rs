//! A merge that follows from the entries of the trees alone, made without git.
//!
//! That is so where no file was changed by both sides in two ways, and where no rename that git could
//! detect matters: a side that takes files away and brings others may have renamed some, but that says
//! nothing new unless the other side changed one of those or brings files itself (which a renamed folder
//! would draw along). Anything else, and any tree that git would write differently, is left to git.

use super::{Sealed, Triple};
use crate::domain::error::Result;
use anyhow::Context;
use gix::ObjectId;
use gix::objs::tree::{Entry, EntryMode};
use std::collections::{BTreeMap, BTreeSet};

/// The modes that git writes itself, by their length in octal digits.
const MODES: [(u32, usize); 5] = [(TREE, 5), (0o100_644, 6), (0o100_755, 6), (0o120_000, 6), (0o160_000, 6)];

const TREE: u32 = 0o040_000;

/// How deep folders are merged here.
const DEEPEST: usize = 256;

/// What can be said without git.
pub(super) enum Merged {
    Clean(ObjectId),
    /// git has to be asked; these paths differ on one side or the other.
    NeedsGit(BTreeSet<Vec<u8>>),
}

/// A mode and an object, or nothing there.
type Slot = Option<(u32, ObjectId)>;

/// Merges these trees.
pub(super) fn merge(sealed: &Sealed, [base, ours, theirs]: Triple) -> Result<Merged> {
    let (left, right) = (Side::between(sealed, base, ours)?, Side::between(sealed, base, theirs)?);
    if left.is_odd || right.is_odd || left.may_rename(&right) || right.may_rename(&left) {
        return Ok(Merged::NeedsGit(left.paths(right)));
    }
    match join(sealed, Some(base), Some(ours), Some(theirs), 0)? {
        Some(tree) => Ok(Merged::Clean(tree.unwrap_or_else(|| sealed.gix.empty_tree().id))),
        None => Ok(Merged::NeedsGit(left.paths(right))),
    }
}

/// What one side does to the base.
#[derive(Default)]
struct Side {
    added: BTreeSet<Vec<u8>>,
    deleted: BTreeSet<Vec<u8>>,
    modified: BTreeSet<Vec<u8>>,
    /// Whether a tree that differs is not as git would write it.
    is_odd: bool,
}

impl Side {
    fn between(sealed: &Sealed, base: ObjectId, head: ObjectId) -> Result<Side> {
        let mut side = Side::default();
        // A stack of our own, since trees may be nested without limit.
        let mut folders = vec![(Vec::new(), Some(base), Some(head))];
        while let Some((path, old, new)) = folders.pop() {
            let (old, new) = (Folder::read(sealed, old)?, Folder::read(sealed, new)?);
            side.is_odd |= old.is_odd || new.is_odd;
            for name in
                old.entries.keys().chain(new.entries.keys().filter(|name| !old.entries.contains_key(*name)))
            {
                let (before, after) = (old.get(name), new.get(name));
                if before == after {
                    continue;
                }
                let path = [&path[..], name].concat();
                match (file(before), file(after)) {
                    (None, None) => {}
                    (None, Some(_)) => drop(side.added.insert(path.clone())),
                    (Some(_), None) => drop(side.deleted.insert(path.clone())),
                    (Some(_), Some(_)) => drop(side.modified.insert(path.clone())),
                }
                if folder(before).is_some() || folder(after).is_some() {
                    folders.push(([&path[..], b"/"].concat(), folder(before), folder(after)));
                }
            }
        }
        Ok(side)
    }

    /// Whether it may have renamed what concerns the other side.
    fn may_rename(&self, other: &Side) -> bool {
        let could = !self.added.is_empty() && !self.deleted.is_empty();
        let concerns = |path| other.modified.contains(path) || other.deleted.contains(path);
        could && (!other.added.is_empty() || self.deleted.iter().any(concerns))
    }

    fn paths(mut self, other: Side) -> BTreeSet<Vec<u8>> {
        let others = [self.deleted, self.modified, other.added, other.deleted, other.modified];
        self.added.extend(others.into_iter().flatten());
        self.added
    }
}

/// The merge of three folders, none of which has to be there: `None` where git has to be asked, an inner
/// `None` where nothing is left.
fn join(
    sealed: &Sealed,
    base: Option<ObjectId>,
    ours: Option<ObjectId>,
    theirs: Option<ObjectId>,
    depth: usize,
) -> Result<Option<Option<ObjectId>>> {
    if depth > DEEPEST {
        return Ok(None);
    }
    let [base, mut left, right] =
        [Folder::read(sealed, base)?, Folder::read(sealed, ours)?, Folder::read(sealed, theirs)?];
    let names: BTreeSet<&Vec<u8>> = base.entries.keys().chain(right.entries.keys()).collect();
    for name in names {
        let (was, one, two) = (base.get(name), left.get(name), right.get(name));
        let merged = if one == two || was == two {
            one
        } else if was == one {
            two
        } else if [was, one, two].into_iter().any(|slot| file(slot).is_some()) {
            return Ok(None);
        } else {
            match join(sealed, folder(was), folder(one), folder(two), depth + 1)? {
                Some(tree) => tree.map(|tree| (TREE, tree)),
                None => return Ok(None),
            }
        };
        match merged {
            Some(entry) => drop(left.entries.insert(name.clone(), entry)),
            None => drop(left.entries.remove(name)),
        }
    }
    left.write(sealed).map(Some)
}

/// A folder's entries by name.
#[derive(Default)]
struct Folder {
    entries: BTreeMap<Vec<u8>, (u32, ObjectId)>,
    is_odd: bool,
}

impl Folder {
    fn read(sealed: &Sealed, id: Option<ObjectId>) -> Result<Folder> {
        let Some(id) = id else { return Ok(Folder::default()) };
        let tree = sealed.gix.find_tree(id).with_context(|| format!("tree {id} cannot be read"))?;
        let mut folder = Folder::default();
        let (mut length, mut last) = (0, None);
        for entry in tree.iter() {
            let entry = entry.with_context(|| format!("tree {id} cannot be read"))?;
            let mode = u32::from(entry.mode().value());
            let digits = MODES.iter().find(|(known, _)| *known == mode).map(|(_, digits)| digits);
            folder.is_odd |= digits.is_none() || last.is_some_and(|last| last >= entry.inner);
            length += digits.unwrap_or(&6) + entry.filename().len() + 2 + id.as_bytes().len();
            last = Some(entry.inner);
            let slot = (mode, entry.object_id());
            folder.is_odd |= folder.entries.insert(entry.filename().to_vec(), slot).is_some();
        }
        // Else a mode has zeros before it.
        folder.is_odd |= length != tree.data.len();
        Ok(folder)
    }

    fn get(&self, name: &[u8]) -> Slot {
        self.entries.get(name).copied()
    }

    /// Its tree; none where it is empty.
    fn write(self, sealed: &Sealed) -> Result<Option<ObjectId>> {
        if self.entries.is_empty() {
            return Ok(None);
        }
        let mut entries = Vec::with_capacity(self.entries.len());
        for (name, (mode, oid)) in self.entries {
            let mode = EntryMode::try_from(mode).ok().context("a tree has an entry of no known mode")?;
            entries.push(Entry { mode, filename: name.into(), oid });
        }
        entries.sort();
        let tree =
            sealed.gix.write_object(gix::objs::Tree { entries }).context("a tree cannot be written")?;
        Ok(Some(tree.detach()))
    }
}

fn folder(slot: Slot) -> Option<ObjectId> {
    slot.filter(|(mode, _)| *mode == TREE).map(|(_, id)| id)
}

fn file(slot: Slot) -> Slot {
    slot.filter(|(mode, _)| *mode != TREE)
}
