//! Trees as they are: files, differences and merges that no attribute, config, replace ref or
//! commit-graph of the repository can bend.
//!
//! Diffs and merges run git in a bare git directory of our own whose only tie to the repository is
//! `objects/info/alternates`, with an empty HOME: none of the known ways to blind a reviewer or to
//! run code as the gate's user works there.

use super::Repo;
use crate::error::Result;
use anyhow::Context;
use gix::ObjectId;

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
    /// The path for people and models: invalid UTF-8 and control characters escaped.
    pub fn display(&self) -> String {
        todo!("store helper")
    }
}

/// A bare git directory of our own over the repository's objects; removed on drop.
#[derive(Debug)]
pub struct Sealed {
    dir: tempfile::TempDir,
}

impl Sealed {
    /// Makes one. Sees quarantined objects too when we run in a hook.
    pub fn over(repo: &Repo) -> Result<Sealed> {
        let _ = repo;
        todo!("store helper")
    }

    /// A git command in it: no user or system config, no attributes, no replace refs, no hooks.
    pub fn git(&self) -> std::process::Command {
        let _ = &self.dir;
        todo!("store helper")
    }

    /// The paths that differ, sorted.
    pub fn changed(&self, base: ObjectId, head: ObjectId) -> Result<Vec<Changed>> {
        let _ = (base, head);
        todo!("store helper")
    }

    /// The whole textual difference of these paths (all of them when empty), binary files named by
    /// their sizes and ids.
    pub fn diff(&self, base: ObjectId, head: ObjectId, paths: &[&[u8]]) -> Result<Vec<u8>> {
        let _ = (base, head, paths);
        todo!("store helper")
    }

    /// The clean three-way merge of `theirs` onto `ours` over `base`, all trees; none on a conflict.
    pub fn merge(&self, base: ObjectId, ours: ObjectId, theirs: ObjectId) -> Result<Option<ObjectId>> {
        let _ = (base, ours, theirs);
        todo!("store helper")
    }
}

/// A file of a tree; none when there is none at that path.
pub fn file(repo: &Repo, tree: ObjectId, path: &str) -> Result<Option<Vec<u8>>> {
    let tree = repo.gix.find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let entry = tree.lookup_entry(path.split('/')).with_context(|| format!("{path} cannot be looked up"))?;
    let Some(entry) = entry.filter(|entry| entry.mode().is_blob()) else { return Ok(None) };
    let blob = entry.object().with_context(|| format!("{path} cannot be read"))?;
    Ok(Some(blob.detached().data))
}

/// The names in a folder of a tree, sorted; none when there is no such folder. Names that are not
/// UTF-8 are left out.
pub fn names(repo: &Repo, tree: ObjectId, path: &str) -> Result<Vec<String>> {
    let tree = repo.gix.find_tree(tree).with_context(|| format!("tree {tree} cannot be read"))?;
    let entry = tree.lookup_entry(path.split('/')).with_context(|| format!("{path} cannot be looked up"))?;
    let Some(entry) = entry.filter(|entry| entry.mode().is_tree()) else { return Ok(Vec::new()) };
    let folder = repo.gix.find_tree(entry.object_id()).with_context(|| format!("{path} cannot be read"))?;
    let mut names = Vec::new();
    for entry in folder.iter() {
        let entry = entry.with_context(|| format!("{path} cannot be read"))?;
        names.extend(String::from_utf8(entry.filename().to_vec()));
    }
    Ok(names)
}
