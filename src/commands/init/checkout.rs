//! The checkouts of a repository, and git's settings as they hold in each.
//!
//! Settings that come with one command (`git -c`) are left out: they hold for no other.

use super::installed::HOOKS_PATH;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::system::git;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A worktree, or a bare repository itself.
pub(super) struct Checkout {
    pub dir: PathBuf,
    git_dir: PathBuf,
}

impl Checkout {
    /// The settings that only this one has, relative to the repository's git directory.
    pub fn config_file(&self, repo: &Repo) -> String {
        let own = self.git_dir.strip_prefix(repo.common_dir()).unwrap_or(Path::new(""));
        own.join("config.worktree").to_string_lossy().into_owned()
    }
}

/// The repository's checkouts that are there, that of `first` before the others.
pub(super) fn checkouts(repo: &Repo, first: &Path) -> Result<Vec<Checkout>> {
    let listed = git::output(command(repo.common_dir()).args(["worktree", "list", "--porcelain", "-z"]))?;
    let dirs = listed.split('\0').filter_map(|line| line.strip_prefix("worktree ")).map(PathBuf::from);
    let mut found = Vec::new();
    for dir in [first.to_path_buf()].into_iter().chain(dirs.filter(|dir| dir != first)) {
        // One that was moved or is half gone is no checkout until git has repaired it.
        let git_dir = git::output(command(&dir).args(["rev-parse", "--absolute-git-dir"]));
        if let Ok(git_dir) = git_dir.map(PathBuf::from).and_then(|git_dir| Ok(git_dir.canonicalize()?))
            && git_dir.starts_with(repo.common_dir())
        {
            found.push(Checkout { dir, git_dir });
        }
    }
    Ok(found)
}

/// Each setting of `core.hooksPath` that holds there, with its scope; git goes by the last one.
pub(super) fn hooks_paths(dir: &Path) -> Result<Vec<(String, String)>> {
    let mut config = command(dir);
    config.args(["config", "--show-scope", "-z", "--type=path", "--get-all", HOOKS_PATH]);
    let output = config.output().context("git config cannot be asked")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut words = text.split_terminator('\0').map(str::to_owned);
    let mut settings = Vec::new();
    while let (Some(scope), Some(value)) = (words.next(), words.next()) {
        if !value.is_empty() {
            settings.push((scope, value));
        }
    }
    Ok(settings)
}

/// A setting as it stands in that file; `None` if it is not there.
pub(super) fn setting(file: &Path, key: &str) -> Result<Option<String>> {
    let folder = file.parent().unwrap_or(Path::new("/"));
    let output = command(folder).args(["config", "--file"]).arg(file).args(["--get", key]).output();
    let output = output.context("git config cannot be asked")?;
    let value = String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned();
    Ok((output.status.success() && !value.is_empty()).then_some(value))
}

/// The folder in which git looks for hooks, from there.
pub fn folder(dir: &Path) -> Result<PathBuf> {
    Ok(dir.join(git::output(command(dir).args(["rev-parse", "--git-path", "hooks"]))?))
}

/// git as it is without what came with one command.
pub(super) fn command(dir: &Path) -> Command {
    let mut command = git::command(dir);
    command.env_remove("GIT_CONFIG_PARAMETERS").env_remove("GIT_CONFIG_COUNT");
    command
}
