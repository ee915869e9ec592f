//! A new worktree's files copied from a clean checkout, where there are no overlays.
//!
//! A copy costs half of what a checkout does, since nothing is inflated and no filter runs, and shares blocks where the
//! file system can. Only files that are still as git wrote them are copied; git checks out the others. The index gets
//! the new files' times and inodes, so that git takes them for unchanged, as it would those that it wrote itself.

use super::bases::Base;
use super::bounded::{input, run};
use super::{Worktree, filters, scan};
use crate::agents::sandbox::SandboxedCommand;
use crate::domain::error::Result;
use anyhow::Context;
use gix::index::File;
use gix::index::entry::{Mode, Stat};
use gix::index::fs::Metadata;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Copies the files, and writes the worktree's index.
pub(super) fn copy(worktree: &Worktree, base: &Base) -> Result<()> {
    let own = worktree.parent.own_dir();
    let mut index = read_index(&own.join(base.git()).join("index"), worktree)?;
    let from = base.files().pop().map(|files| own.join(files)).context("a clean checkout has no files")?;
    let mut copying = Copying { from, to: worktree.path.clone(), folder: PathBuf::new() };
    let mut left = Vec::new();
    for (entry, path) in index.entries_mut_with_paths() {
        match copying.take(scan::as_path(path), entry.mode, &entry.stat) {
            Ok(Some(stat)) => entry.stat = stat,
            // Whatever keeps it from being copied, git says it if it cannot write it either.
            Ok(None) | Err(_) => {
                entry.stat = Stat::default();
                left.push(path.to_vec());
            }
        }
    }
    let path = worktree.git_dir().join("index");
    index.set_path(&path);
    index.write(gix::index::write::Options::default()).context("cannot write the index")?;
    if left.is_empty() { Ok(()) } else { check_out(worktree, &path, &left) }
}

fn read_index(path: &Path, worktree: &Worktree) -> Result<File> {
    let options = gix::index::decode::Options::default();
    File::at(path, worktree.base.kind(), false, options)
        .with_context(|| format!("cannot read {}", path.display()))
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
}

impl Copying {
    /// Copies what the index has there. Returns what to remember of it; `None` if it is not as git wrote it.
    fn take(&mut self, path: &Path, mode: Mode, known: &Stat) -> Result<Option<Stat>> {
        self.enter(path.parent().unwrap_or(Path::new("")))?;
        let (from, to) = (self.from.join(path), self.to.join(path));
        if mode == Mode::COMMIT {
            fs::create_dir(&to)?;
            return Ok(Some(stat(&to)?));
        }
        let is_as_written = stat(&from)?.matches(known, Default::default());
        match mode {
            _ if !is_as_written => return Ok(None),
            Mode::FILE | Mode::FILE_EXECUTABLE => drop(fs::copy(&from, &to)?),
            Mode::SYMLINK => symlink(fs::read_link(&from)?, &to)?,
            _ => return Ok(None),
        }
        date(&to, known)?;
        Ok(Some(stat(&to)?))
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

/// Gives a copy the time of what it is a copy of. One from this second would not do: git, which by default compares
/// seconds, would read each file again that is not older than its index.
fn date(path: &Path, known: &Stat) -> Result<()> {
    let time = Timespec { tv_sec: known.mtime.secs.into(), tv_nsec: known.mtime.nsecs.into() };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn stat(path: &Path) -> Result<Stat> {
    let data = Metadata::from_path_no_follow(path)?;
    Ok(Stat::from_fs(&data)?)
}
