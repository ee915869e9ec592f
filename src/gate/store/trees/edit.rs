//! A tree with some paths changed.

use super::{Entry, objects};
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::gate::store::written::again_if_gone;
use anyhow::Context;
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryMode;
use std::collections::BTreeMap;

/// The tree with these paths as given: an entry, or nothing. Folders of which nothing is left go. What is taken out
/// goes first, since a folder may make room for a file.
pub fn edit(repo: &Repo, tree: ObjectId, paths: &BTreeMap<Vec<u8>, Option<Entry>>) -> Result<ObjectId> {
    again_if_gone(|| edit_once(repo, tree, paths))
}

fn edit_once(repo: &Repo, tree: ObjectId, paths: &BTreeMap<Vec<u8>, Option<Entry>>) -> Result<ObjectId> {
    let mut editor = repo.gix.edit_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    for path in paths.iter().filter(|(_, entry)| entry.is_none()).map(|(path, _)| path) {
        editor.remove(path.as_bstr()).context("a path cannot be taken out of a tree")?;
    }
    for (path, entry) in paths {
        let Some((mode, id)) = entry else { continue };
        let kind = EntryMode::try_from(*mode).ok().context("a mode is none of git's")?.kind();
        editor.upsert(path.as_bstr(), kind, *id).context("a path cannot be put into a tree")?;
    }
    Ok(editor.write().context("a tree cannot be written")?.detach())
}

/// What a folder of a tree holds, by name.
pub fn entries(repo: &Repo, tree: ObjectId) -> Result<BTreeMap<Vec<u8>, Entry>> {
    let context = || format!("tree {tree} cannot be read");
    let folder = objects(repo).find_tree(tree).with_context(context)?;
    let mut entries = BTreeMap::new();
    for entry in folder.iter() {
        let entry = entry.with_context(context)?;
        entries.insert(entry.filename().to_vec(), (u32::from(entry.mode().value()), entry.object_id()));
    }
    Ok(entries)
}
