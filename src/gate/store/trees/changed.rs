//! Which paths differ between two trees: read by us, entry by entry, without a process.
//!
//! This list is what a reviewer must cover, so it is the authority: a path that it names and the
//! textual difference lacks is an error, never an omission. A tree that names an entry twice is
//! refused, since two programs would read it in two ways.

use crate::domain::error::Result;
use crate::domain::text::escape;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::collections::BTreeMap;

/// The mode of a folder.
const TREE: u32 = 0o040_000;

/// The bits of a mode that tell a file, a link and a submodule apart.
const TYPE: u32 = 0o170_000;

/// One path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The path as git has it; not always UTF-8.
    pub path: Vec<u8>,
    /// `A`, `M`, `D` or `T`.
    pub status: char,
    /// Mode and object before; none when added.
    pub old: Option<(u32, ObjectId)>,
    /// Mode and object after; none when deleted.
    pub new: Option<(u32, ObjectId)>,
}

impl Changed {
    /// The path for people and models, on one line: bytes that are no UTF-8 and characters that
    /// cannot be seen are written out (`<0xFF>`, `<U+202E>`).
    pub fn display(&self) -> String {
        display(&self.path)
    }

    fn new(path: Vec<u8>, old: Option<(u32, ObjectId)>, new: Option<(u32, ObjectId)>) -> Changed {
        let status = match (old, new) {
            (None, _) => 'A',
            (_, None) => 'D',
            (Some((before, _)), Some((after, _))) if before & TYPE != after & TYPE => 'T',
            _ => 'M',
        };
        Changed { path, status, old, new }
    }
}

/// Whether a mode is that of a regular file, the odd ones of old trees included.
pub fn is_regular(mode: u32) -> bool {
    mode & TYPE == 0o100_000
}

/// A path on one line with nothing hidden in it.
pub(super) fn display(path: &[u8]) -> String {
    escape::for_review(path).0.replace('\n', "<U+000A>").replace('\t', "<U+0009>")
}

/// A folder's entries by name: mode and object.
type Entries = BTreeMap<Vec<u8>, (u32, ObjectId)>;

/// The paths that differ, sorted.
pub(super) fn between(gix: &gix::Repository, base: ObjectId, head: ObjectId) -> Result<Vec<Changed>> {
    let mut changed = Vec::new();
    // Folders still to be compared; a stack of our own, since trees may be nested without limit.
    let mut folders = vec![(Vec::new(), Some(base), Some(head))];
    while let Some((path, old, new)) = folders.pop() {
        if old == new {
            continue;
        }
        let (old, new) = (entries(gix, old)?, entries(gix, new)?);
        for name in old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))) {
            let (before, after) = (old.get(name).copied(), new.get(name).copied());
            if before == after {
                continue;
            }
            let path = join(&path, name);
            let folder = |entry: Option<(u32, ObjectId)>| entry.filter(|(mode, _)| *mode == TREE);
            let file = |entry: Option<(u32, ObjectId)>| entry.filter(|(mode, _)| *mode != TREE);
            if file(before).is_some() || file(after).is_some() {
                changed.push(Changed::new(path.clone(), file(before), file(after)));
            }
            if folder(before).is_some() || folder(after).is_some() {
                folders.push((path, folder(before).map(|(_, id)| id), folder(after).map(|(_, id)| id)));
            }
        }
    }
    changed.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(changed)
}

fn entries(gix: &gix::Repository, tree: Option<ObjectId>) -> Result<Entries> {
    let mut entries = Entries::new();
    let Some(id) = tree else { return Ok(entries) };
    let tree = gix.find_tree(id).with_context(|| format!("tree {id} cannot be read"))?;
    for entry in tree.iter() {
        let entry = entry.with_context(|| format!("tree {id} cannot be read"))?;
        let mode = u32::from(entry.mode().value());
        if entries.insert(entry.filename().to_vec(), (mode, entry.object_id())).is_some() {
            bail!("tree {id} names {} twice, so it cannot be told what it holds", display(entry.filename()));
        }
    }
    Ok(entries)
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
