//! A worktree with layers becomes a folder like any other, for people to look at and to go on in.

use super::{Worktree, bounded};
use crate::agents::sandbox::SandboxedCommand;
use crate::domain::error::Result;
use crate::system::fs::remove_tree;
use crate::system::program;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::fs;
use std::path::Path;
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

/// Has its indexes say what the copied files are like, so that they do not look changed: the one of the checkout, and
/// one of what was saved last, if anything was.
fn refresh(worktree: &Worktree) -> Result<()> {
    let index = worktree.record.index();
    write_index(worktree, &index, worktree.base)?;
    if let Some(saved) = worktree.record.saved()? {
        write_index(worktree, &worktree.record.last_index(), saved)?;
    }
    let own = worktree.git_dir().join("index");
    if own.symlink_metadata().is_err() {
        fs::copy(&index, own).context("cannot copy the index")?;
    }
    Ok(())
}

/// Writes an index of that tree's files as they are in the folder.
fn write_index(worktree: &Worktree, to: &Path, tree: ObjectId) -> Result<()> {
    let aside = worktree.record.scratch("index.new");
    fs::copy(worktree.record.index(), &aside).context("cannot copy the index")?;
    let tree = tree.to_string();
    let steps: [&[&str]; 2] =
        [&["read-tree", "--reset", &tree], &["update-index", "-q", "--ignore-submodules", "--refresh"]];
    for args in steps {
        let mut command = worktree.git();
        command.env("GIT_INDEX_FILE", &aside).args(args);
        let SandboxedCommand { mut command, guard: _guard, .. } = worktree.start_git(command, false)?;
        // The second one fails to say that files differ.
        bounded::run(args.first().unwrap_or(&""), command.stdin(Stdio::null()), &[0, 1])?;
    }
    fs::rename(&aside, to).context("cannot keep the index")
}
