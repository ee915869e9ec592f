//! Trees as they are: files, differences and merges that no attribute, config, replace ref or
//! commit-graph of the repository can bend.
//!
//! Diffs and merges run git in a bare git directory of our own whose only tie to the repository is
//! `objects/info/alternates`, with an empty HOME: none of the known ways to blind a reviewer or to
//! run code as the gate's user works there.

mod changed;
mod diff;
mod edit;
mod entries;
mod invalid;
mod lay_out;
mod merge;
mod merger;
mod sealed;
mod size;

pub use changed::{Changed, Entry, FOLDER, is_regular};
pub use edit::{edit, entries};
pub use entries::{FileEntry, content, files_but};
pub use invalid::{Invalid, Validator, is_name, is_submodule_name};
pub use lay_out::lay_out;
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
pub fn entry(repo: &Repo, tree: ObjectId, path: &[u8]) -> Result<Option<Entry>> {
    let tree = objects(repo).find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let entry = tree.lookup_entry(path.split(|byte| *byte == b'/')).context("a path cannot be looked up")?;
    Ok(entry.map(|entry| (u32::from(entry.mode().value()), entry.object_id())))
}

/// A file of a tree; `None` if there is no file at that path.
pub fn file(repo: &Repo, tree: ObjectId, path: &str) -> Result<Option<Vec<u8>>> {
    Ok(match at_path(repo, tree, path)? {
        AtPath::File(bytes) => Some(bytes),
        AtPath::Nothing | AtPath::Odd(_) => None,
    })
}

/// What a path leads to in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtPath {
    Nothing,
    File(Vec<u8>),
    /// Something else stands there, or a part of the way is no folder: which part. A symbolic link works in
    /// a checkout; that we cannot follow it must not pass for nothing.
    Odd(String),
}

/// What is at that path of a tree.
pub fn at_path(repo: &Repo, tree: ObjectId, path: &str) -> Result<AtPath> {
    let tree = objects(repo).find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for part in ends.map(|end| &path[..end]) {
        let entry = tree.lookup_entry(part.split('/'));
        let Some(entry) = entry.with_context(|| format!("{part} cannot be looked up"))? else {
            return Ok(AtPath::Nothing);
        };
        if part == path && entry.mode().is_blob() {
            let blob = entry.object().with_context(|| format!("{path} cannot be read"))?;
            return Ok(AtPath::File(blob.detached().data));
        }
        if part == path || !entry.mode().is_tree() {
            return Ok(AtPath::Odd(part.to_owned()));
        }
    }
    Ok(AtPath::Nothing)
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
