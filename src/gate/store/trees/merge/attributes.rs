//! The attributes by which git would merge into a tree: its own `.gitattributes`, of the folders that
//! matter, as a tree of their own.
//!
//! Built-in ones (`merge=union`, `binary`, `-merge`, `conflict-marker-size`) run nothing, and whoever merges
//! on that branch gets them. A driver that a `.gitattributes` only names is defined nowhere here, so git
//! merges such a file as text. As in a checkout, a symbolic link of that name is no attributes.

use super::Sealed;
use crate::domain::error::Result;
use anyhow::{Context, bail};
use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind};
use std::collections::{BTreeMap, BTreeSet};

/// How deep git itself reads trees.
const DEEPEST: usize = 2048;

pub(super) const NAME: &str = ".gitattributes";

/// The attributes in a tree for these paths, as a tree that holds nothing else; none where there are none.
pub(super) fn of(sealed: &Sealed, tree: ObjectId, paths: &BTreeSet<Vec<u8>>) -> Result<Option<ObjectId>> {
    let mut wanted = Wanted::default();
    for path in paths {
        if path.iter().filter(|byte| **byte == b'/').count() > DEEPEST {
            bail!("tree {tree} is nested too deep");
        }
        let mut folder = &mut wanted;
        let mut names = path.split(|byte| *byte == b'/').peekable();
        while let Some(name) = names.next().filter(|_| names.peek().is_some()) {
            folder = folder.folders.entry(name.to_vec()).or_default();
        }
    }
    only(sealed, tree, &wanted)
}

/// Folders whose attributes are wanted.
#[derive(Default)]
struct Wanted {
    folders: BTreeMap<Vec<u8>, Wanted>,
}

fn only(sealed: &Sealed, tree: ObjectId, wanted: &Wanted) -> Result<Option<ObjectId>> {
    let folder = sealed.gix.find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let mut entries = Vec::new();
    for entry in folder.iter() {
        let entry = entry.with_context(|| format!("tree {tree} cannot be read"))?;
        let (filename, oid) = (entry.filename().to_owned(), entry.object_id());
        if entry.mode().is_blob() && filename == NAME {
            entries.push(Entry { mode: EntryKind::Blob.into(), filename, oid });
        } else if entry.mode().is_tree()
            && let Some(wanted) = wanted.folders.get(filename.as_slice())
            && let Some(oid) = only(sealed, oid, wanted)?
        {
            entries.push(Entry { mode: EntryKind::Tree.into(), filename, oid });
        }
    }
    if entries.is_empty() {
        return Ok(None);
    }
    entries.sort();
    let tree = sealed.gix.write_object(gix::objs::Tree { entries }).context("a tree cannot be written")?;
    Ok(Some(tree.detach()))
}
