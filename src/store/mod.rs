//! The repository as data: discovery, refs, objects, specs, verdict notes, by gix.
//!
//! gix stays inside this folder, since its API changes every few weeks. Writes of refs are
//! compare-and-swap. gix runs no hooks, so nothing here ever moves a protected branch. A repository
//! with reftable storage is refused in one sentence, because gix would list no refs at all.

pub mod changes;
pub mod config;
pub mod specs;
pub mod trees;
pub mod verdicts;

use crate::error::Result;
use gix::ObjectId;
use std::path::{Path, PathBuf};

/// An opened repository.
#[derive(Debug)]
pub struct Repo {
    gix: gix::Repository,
}

/// What a ref is expected to be before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Missing,
    /// It must be at that commit.
    At(ObjectId),
}

/// Somebody else moved a ref in between: read again and retry.
#[derive(Debug, thiserror::Error)]
#[error("{name} was changed by somebody else in the meantime")]
pub struct Conflict {
    /// The full name of the ref.
    pub name: String,
}

/// A commit as far as we read it.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Its id.
    pub id: ObjectId,
    /// Its tree.
    pub tree: ObjectId,
    /// Its parents.
    pub parents: Vec<ObjectId>,
    /// Its message.
    pub message: String,
    /// Its author: name and address.
    pub author: String,
    /// Seconds since 1970.
    pub time: i64,
}

impl Commit {
    /// The first line of the message.
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }

    /// The values of that trailer in the message's last paragraph, in order (`git-interpret-trailers(1)`).
    pub fn trailers<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let last = self.message.trim_end().rsplit("\n\n").next().unwrap_or_default();
        last.lines().filter_map(move |line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(key).then(|| value.trim())
        })
    }
}

impl Repo {
    /// The repository that the current directory (or `GIT_DIR`) is in. Honours what git sets for hooks.
    pub fn discover() -> Result<Repo> {
        todo!("store helper")
    }

    /// The repository at that path (a worktree or a git directory), ignoring the environment.
    pub fn open(path: &Path) -> Result<Repo> {
        let _ = path;
        todo!("store helper")
    }

    /// The folder that all worktrees share: `.git` of the main worktree, absolute.
    pub fn common_dir(&self) -> &Path {
        todo!("store helper")
    }

    /// The git directory of this very worktree, absolute.
    pub fn git_dir(&self) -> &Path {
        todo!("store helper")
    }

    /// The root of this worktree; none in a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        todo!("store helper")
    }

    /// Our own folder: `<common git dir>/flow-ai`, made when missing.
    pub fn own_dir(&self) -> Result<PathBuf> {
        todo!("store helper")
    }

    /// The full name of the branch that HEAD is on; none when detached.
    pub fn head_ref(&self) -> Result<Option<String>> {
        todo!("store helper")
    }

    /// What a revision (`main~2`, `HEAD`, an id) names, peeled to a commit.
    pub fn commit_of(&self, revision: &str) -> Result<Commit> {
        let _ = revision;
        todo!("store helper")
    }

    /// What a full ref name points to; none when it does not exist.
    pub fn find_ref(&self, name: &str) -> Result<Option<ObjectId>> {
        let _ = name;
        todo!("store helper")
    }

    /// All refs below a prefix (`refs/heads/flow/`), sorted by name, in one pass.
    pub fn refs(&self, prefix: &str) -> Result<Vec<(String, ObjectId)>> {
        let _ = prefix;
        todo!("store helper")
    }

    /// Reads a commit.
    pub fn commit(&self, id: ObjectId) -> Result<Commit> {
        let _ = id;
        todo!("store helper")
    }

    /// The best common ancestor; none when the histories are unrelated.
    pub fn merge_base(&self, one: ObjectId, two: ObjectId) -> Result<Option<ObjectId>> {
        let _ = (one, two);
        todo!("store helper")
    }

    /// Writes a commit object, no ref. Author and committer are the person's identity.
    pub fn write_commit(&self, tree: ObjectId, parents: &[ObjectId], message: &str) -> Result<ObjectId> {
        let _ = (tree, parents, message);
        todo!("store helper")
    }

    /// Sets a ref by compare-and-swap; the error's chain holds [`Conflict`] when it was not as expected.
    pub fn set_ref(&self, name: &str, new: ObjectId, expected: Expected, reason: &str) -> Result<()> {
        let _ = (name, new, expected, reason);
        todo!("store helper")
    }

    /// Deletes a ref if it still is at `expected`.
    pub fn delete_ref(&self, name: &str, expected: ObjectId) -> Result<()> {
        let _ = (name, expected);
        todo!("store helper")
    }

    /// The short name of the branch that flows go to: `git config flow-ai.target`, else the first
    /// branch of the policy that exists, else the current one.
    pub fn target(&self) -> Result<String> {
        todo!("store helper")
    }

    /// A value of git's configuration (`flow-ai.parallel`), the last one, as text.
    pub fn git_config(&self, key: &str) -> Option<String> {
        let _ = key;
        todo!("store helper")
    }

    /// The person's identity as `Name <address>`; an error says how to set one.
    pub fn identity(&self) -> Result<String> {
        todo!("store helper")
    }
}
