//! Trees as they are: files, differences and merges that no attribute, config, replace ref or
//! commit-graph of the repository can bend.
//!
//! Diffs and merges run git in a bare git directory of our own whose only tie to the repository is
//! `objects/info/alternates`, with an empty HOME: none of the known ways to blind a reviewer or to
//! run code as the gate's user works there.

mod changed;
mod diff;
mod invalid;
mod merge;
mod merger;
mod sealed;
mod size;

pub use changed::Changed;
pub use invalid::{Invalid, Validator};
pub use merge::Triple;
pub use merger::{Fork, Merger};
pub use sealed::Sealed;
pub use size::files;

use super::Repo;
use crate::domain::error::Result;
use anyhow::Context;
use gix::ObjectId;
use std::collections::HashSet;

/// The repository's objects, and those that merges have made.
fn objects(repo: &Repo) -> &gix::Repository {
    repo.sealed.get().map_or(&repo.gix, |sealed| &sealed.gix)
}

/// The paths that differ between two trees, sorted.
pub fn changed(repo: &Repo, base: ObjectId, head: ObjectId) -> Result<Vec<Changed>> {
    changed::between(objects(repo), base, head)
}

/// What is at a path of a tree: its mode and object; none where there is nothing.
pub fn entry(repo: &Repo, tree: ObjectId, path: &[u8]) -> Result<Option<(u32, ObjectId)>> {
    let tree = objects(repo).find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let entry = tree.lookup_entry(path.split(|byte| *byte == b'/')).context("a path cannot be looked up")?;
    Ok(entry.map(|entry| (u32::from(entry.mode().value()), entry.object_id())))
}

/// A file of a tree; none when there is none at that path.
pub fn file(repo: &Repo, tree: ObjectId, path: &str) -> Result<Option<Vec<u8>>> {
    let tree = objects(repo).find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let entry = tree.lookup_entry(path.split('/')).with_context(|| format!("{path} cannot be looked up"))?;
    let Some(entry) = entry.filter(|entry| entry.mode().is_blob()) else { return Ok(None) };
    let blob = entry.object().with_context(|| format!("{path} cannot be read"))?;
    Ok(Some(blob.detached().data))
}

/// The first part of a path that is neither folder nor file there: a symbolic link, a submodule. None
/// where the path just ends.
pub fn leads_elsewhere(repo: &Repo, tree: ObjectId, path: &str) -> Result<Option<String>> {
    let tree = objects(repo).find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for part in ends.map(|end| &path[..end]) {
        let entry = tree.lookup_entry(part.split('/'));
        let entry = entry.with_context(|| format!("{part} cannot be looked up"))?;
        if entry.is_some_and(|entry| entry.mode().is_link() || entry.mode().is_commit()) {
            return Ok(Some(part.to_owned()));
        }
    }
    Ok(None)
}

/// Whether that object is the tree, or a folder or file anywhere in it.
pub fn holds(repo: &Repo, tree: ObjectId, wanted: ObjectId) -> Result<bool> {
    let mut folders = vec![tree];
    let mut seen = HashSet::new();
    while let Some(id) = folders.pop() {
        if id == wanted {
            return Ok(true);
        }
        if !seen.insert(id) {
            continue;
        }
        let folder = objects(repo).find_tree(id).with_context(|| format!("tree {id} cannot be read"))?;
        for entry in folder.iter() {
            let entry = entry.with_context(|| format!("tree {id} cannot be read"))?;
            if entry.mode().is_tree() {
                folders.push(entry.object_id());
            } else if entry.object_id() == wanted {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The names in a folder of a tree, sorted; none when there is no such folder. Names that are not
/// UTF-8 are left out.
pub fn names(repo: &Repo, tree: ObjectId, path: &str) -> Result<Vec<String>> {
    let tree = objects(repo).find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let entry = tree.lookup_entry(path.split('/')).with_context(|| format!("{path} cannot be looked up"))?;
    let Some(entry) = entry.filter(|entry| entry.mode().is_tree()) else { return Ok(Vec::new()) };
    let folder =
        objects(repo).find_tree(entry.object_id()).with_context(|| format!("{path} cannot be read"))?;
    let mut names = Vec::new();
    for entry in folder.iter() {
        let entry = entry.with_context(|| format!("{path} cannot be read"))?;
        names.extend(String::from_utf8(entry.filename().to_vec()));
    }
    Ok(names)
}
