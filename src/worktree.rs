//! A temporary worktree's life: make, harvest, keep or remove.
//!
//! The admin folder is built aside and renamed into `.git/worktrees/` in one step, so that no other
//! git process ever reads a half-made one. What an agent left is committed with our own index and an
//! explicit git directory: git never runs *inside* a folder that an agent could have prepared. A
//! worktree is removed only when its files are safely committed.

use crate::error::Result;
use crate::store::Repo;
use gix::ObjectId;
use std::path::{Path, PathBuf};

/// A temporary worktree.
#[derive(Debug)]
pub struct Worktree {
    path: PathBuf,
    admin: PathBuf,
    base: ObjectId,
}

/// What was found in a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harvest {
    /// The tree of all that is not ignored.
    pub tree: ObjectId,
    /// How many paths differ from what the worktree was made from.
    pub changed: usize,
    /// What was left out and why, for the report: nested repositories, special files, copied files.
    pub left_out: Vec<String>,
}

impl Worktree {
    /// Makes one named `name`, with that commit's files, on no branch.
    pub fn make(repo: &Repo, root: &Path, name: &str, commit: ObjectId) -> Result<Worktree> {
        let _ = (repo, root, name, commit);
        todo!("run helper")
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The commit that it was made from.
    pub fn base(&self) -> ObjectId {
        self.base
    }

    /// Writes its files into the object store; `copied` are the paths that we brought in ourselves.
    pub fn harvest(&self, repo: &Repo, copied: &[PathBuf]) -> Result<Harvest> {
        let _ = (repo, copied, &self.admin);
        todo!("run helper")
    }

    /// Removes it at once for the person, in the background for the disk.
    pub fn remove(self) -> Result<()> {
        todo!("run helper")
    }
}
