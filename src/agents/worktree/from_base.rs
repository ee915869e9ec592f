//! A new worktree's files copied from a clean checkout, where there are no overlays.
//!
//! A copy costs half of what a checkout does, since nothing is inflated and no filter runs, and shares blocks where the
//! file system can. Only files that are still as git wrote them are copied; git checks out the others. The index gets
//! the new files' times and inodes, so that git takes them for unchanged, as it would those that it wrote itself.

use super::bases::Base;
use super::bounded::{input, run};
use super::{Worktree, aged, filters, scan};
use crate::agents::sandbox::SandboxedCommand;
use crate::domain::error::Result;
use crate::gate::store::{CheckoutIndex, IndexedKind, Remembered};
use anyhow::Context;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Copies the files, and writes the worktree's index.
pub(super) fn copy(worktree: &Worktree, base: &Base) -> Result<()> {
    let own = worktree.parent.own_dir();
    let known = own.join(base.git()).join("index");
    let (mut index, is_aged) =
        (CheckoutIndex::read(&known, worktree.base.kind())?, aged::is_worth_it(&known)?);
    let from = base.files().pop().map(|files| own.join(files)).context("a clean checkout has no files")?;
    let mut copying = Copying { from, to: worktree.path.clone(), folder: PathBuf::new(), is_aged };
    // Whatever keeps one from being copied, git says it if it cannot write it either.
    let left = index.renew(|path, kind, known| copying.take(scan::as_path(path), kind, known).ok().flatten());
    let path = worktree.git_dir().join("index");
    index.write(&path)?;
    if !left.is_empty() {
        check_out(worktree, &path, &left)?;
    }
    if is_aged {
        aged::wait_for_next_second();
    }
    Ok(())
}

/// Has git write these files.
fn check_out(worktree: &Worktree, index: &Path, paths: &[Vec<u8>]) -> Result<()> {
    let mut checkout = worktree.git();
    checkout.env("GIT_INDEX_FILE", index).args(["checkout-index", "--force", "--index", "-z", "--stdin"]);
    let SandboxedCommand { mut command, guard: _guard, .. } =
        worktree.start_git(filters::heard(checkout), true)?;
    run("checkout-index", command.stdin(input(paths)?), &[0]).map(drop)
}

/// A copy under way.
struct Copying {
    from: PathBuf,
    to: PathBuf,
    /// The folder that was made last, relative to both.
    folder: PathBuf,
    /// Whether copies get the times of what they are copies of, which is older: see [`aged`].
    is_aged: bool,
}

impl Copying {
    /// Copies what the index has there. Returns what to remember of it; `None` if it is not as git wrote it.
    fn take(&mut self, path: &Path, kind: IndexedKind, known: Remembered) -> Result<Option<Remembered>> {
        self.enter(path.parent().unwrap_or(Path::new("")))?;
        let (from, to) = (self.from.join(path), self.to.join(path));
        if kind == IndexedKind::Submodule {
            fs::create_dir(&to)?;
            return Remembered::of(&to).map(Some);
        }
        if !Remembered::of(&from)?.is(&known) {
            return Ok(None);
        }
        match kind {
            IndexedKind::Symlink => symlink(fs::read_link(&from)?, &to)?,
            IndexedKind::File | IndexedKind::Submodule => drop(fs::copy(&from, &to)?),
        }
        if self.is_aged {
            aged::date(&to, known.written())?;
        }
        Remembered::of(&to).map(Some)
    }

    /// Makes the folder, unless it was made just now.
    fn enter(&mut self, folder: &Path) -> Result<()> {
        if self.folder != folder {
            fs::create_dir_all(self.to.join(folder))?;
            folder.clone_into(&mut self.folder);
        }
        Ok(())
    }
}
