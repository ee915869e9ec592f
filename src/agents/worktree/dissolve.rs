//! A worktree with layers becomes a folder like any other, for people to look at and to go on in.

use super::Worktree;
use crate::domain::error::Result;
use crate::system::fs::remove_tree;
use crate::system::program;
use anyhow::{Context, bail};
use std::fs;
use std::process::{Command, Stdio};

/// Copies all of its files to its path, and only then forgets the layers.
pub(super) fn dissolve(worktree: &mut Worktree) -> Result<()> {
    let Some(layers) = &worktree.layers else { return Ok(()) };
    let context = || format!("cannot copy its files to {}", worktree.path.display());
    fs::create_dir_all(&worktree.path).with_context(context)?;
    // What an earlier try left.
    for entry in fs::read_dir(&worktree.path).with_context(context)?.flatten() {
        remove_tree(&entry.path()).with_context(context)?;
    }
    let mut copy = Command::new(program::own("cp"));
    copy.arg("-a").arg("--").arg(worktree.record.view().join(".")).arg(&worktree.path).current_dir("/");
    let view = [layers.view(&worktree.record)];
    let launcher = worktree.parent.launcher.as_ref().context("only git-flow-ai itself can do that")?;
    let mut copy = launcher.in_overlays(&view, &copy)?;
    let output = copy.stdin(Stdio::null()).output().with_context(context)?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{}: {}; they are in {}", context(), why.trim(), worktree.record.upper().display());
    }
    worktree.layers = None;
    refresh(worktree)?;
    worktree.record.forget_layers()
}

/// Has the indexes say what the copied files are like, so that they do not look changed.
fn refresh(worktree: &Worktree) -> Result<()> {
    let aside = worktree.record.scratch("index.new");
    fs::copy(worktree.record.index(), &aside).context("cannot copy the index")?;
    let mut command = worktree.git();
    command.env("GIT_INDEX_FILE", &aside).args(["update-index", "-q", "--ignore-submodules", "--refresh"]);
    let mut command = worktree.start_git(command, false)?.command;
    // It fails to say that files differ.
    command.stdin(Stdio::null()).output().context("cannot refresh the index")?;
    fs::rename(&aside, worktree.record.index()).context("cannot keep the index")?;
    let own = worktree.git_dir().join("index");
    if own.symlink_metadata().is_err() {
        fs::copy(worktree.record.index(), own).context("cannot copy the index")?;
    }
    Ok(())
}
