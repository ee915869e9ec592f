//! A temporary worktree's life: make, harvest, keep or remove.
//!
//! The admin folder is built aside and renamed into `.git/worktrees/` in one step, so that no other
//! git process ever reads a half-made one. What an agent left is committed with our own index and an
//! explicit git directory: git never runs *inside* a folder that an agent could have prepared. A
//! worktree is removed only when its files are safely committed.

use crate::config::Config;
use crate::error::{Result, hint};
use crate::git;
use crate::store::Repo;
use gix::ObjectId;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
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

/// The folder for worktrees: the config's, else `.<repository>.flow-ai` beside the main worktree.
pub fn root(repo: &Repo, config: &Config) -> Result<PathBuf> {
    // The common directory is `.git` of the main worktree, or the bare repository itself.
    let common = repo.common_dir();
    let main = if common.ends_with(".git") { common.parent().unwrap_or(common) } else { common };
    if let Some(configured) = &config.run.worktrees {
        return Ok(main.join(configured));
    }
    match (main.parent(), main.file_name()) {
        (Some(parent), Some(name)) => Ok(parent.join(format!(".{}.flow-ai", name.to_string_lossy()))),
        _ => Err(hint(
            format!("there is no folder beside {} for worktrees", main.display()),
            "name one: `worktrees` under [run] in .zenflow/config.toml",
        )),
    }
}

/// The folders of all worktrees that the repository knows, whether they still exist or not.
pub fn registered(repo: &Repo) -> Result<Vec<PathBuf>> {
    let dir = repo.work_dir().unwrap_or(repo.git_dir());
    let list = git::output_bytes(git::command(dir).args(["worktree", "list", "--porcelain", "-z"]))?;
    let paths = list.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"worktree "));
    Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
}
