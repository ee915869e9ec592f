//! A worktree with layers becomes a folder like any other, for people to look at and to go on in.

use super::{Worktree, bounded, layers};
use crate::agents::sandbox::SandboxedCommand;
use crate::domain::error::Result;
use crate::system::fs::remove_tree;
use crate::system::program;
use anyhow::{Context, bail};
use gix::ObjectId;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file in the record that says that what is at the worktree's path may be half a copy.
const HALF: &str = "dissolving";

/// Copies all of its files to its path, and only then forgets the layers. A copy that fails goes again.
pub(super) fn dissolve(worktree: &mut Worktree) -> Result<()> {
    if worktree.layers.is_none() {
        return Ok(());
    }
    if let Some(name) = layers::foreign(worktree) {
        bail!("somebody put {name} into {}", worktree.path.display());
    }
    fs::write(half(worktree), "").context("cannot note that its files are being copied")?;
    if let Err(error) = copy(worktree) {
        clear(worktree)?;
        let upper = worktree.record.upper();
        return Err(error).with_context(|| format!("what was written in it is in {}", upper.display()));
    }
    worktree.layers = None;
    refresh(worktree)?;
    worktree.record.forget_layers()?;
    fs::remove_file(half(worktree)).context("cannot note that its files were copied")
}

/// Takes away what is left of a copy that was not finished.
pub(super) fn undo(worktree: &Worktree) -> Result<()> {
    match half(worktree).exists() {
        true => clear(worktree),
        false => Ok(()),
    }
}

fn copy(worktree: &Worktree) -> Result<()> {
    let Some(layers) = &worktree.layers else { return Ok(()) };
    let context = || format!("cannot copy its files to {}", worktree.path.display());
    empty(worktree).with_context(context)?;
    let mut copy = Command::new(program::own("cp"));
    copy.arg("-a").arg("--").arg(worktree.record.view().join(".")).arg(&worktree.path).current_dir("/");
    let launcher = worktree.parent.launcher.as_ref().context("only git-flow-ai itself can do that")?;
    let mut copy = launcher.in_overlays(&[layers.view(&worktree.record)], &copy)?;
    let output = copy.stdin(Stdio::null()).output().with_context(context)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", context(), text.lines().next().unwrap_or_default());
    }
    Ok(())
}

/// Leaves nothing at its path but the note.
fn clear(worktree: &Worktree) -> Result<()> {
    empty(worktree)?;
    layers::write_note(&worktree.path)?;
    fs::remove_file(half(worktree)).context("cannot note that its path is clear")
}

fn empty(worktree: &Worktree) -> Result<()> {
    fs::create_dir_all(&worktree.path)?;
    for entry in fs::read_dir(&worktree.path)?.flatten() {
        remove_tree(&entry.path())?;
    }
    Ok(())
}

fn half(worktree: &Worktree) -> PathBuf {
    worktree.record.scratch(HALF)
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
