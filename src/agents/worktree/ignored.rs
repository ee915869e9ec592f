//! Ignored files that may have been written by hand: `.env`, notes, a local override.
//!
//! git will never commit them, so a removal would take them along. Build output is ignored as well, and
//! keeping it would fill the disk, so what is kept is decided by cost: an ignored path of up to 2000 files
//! and 16 MB is kept for a while in the trash, unless it says itself that it can be made again
//! (`CACHEDIR.TAG`, `node_modules`, `__pycache__`). What was there when the setup was done, and was not
//! changed since, is no loss: setup makes it again, or it was copied from the main worktree. The time of
//! each file's last change of any kind decides, which no program can set.

use super::Worktree;
use super::scan::as_path;
use super::upper::Upper;
use crate::domain::error::Result;
use crate::system::git;
use anyhow::Context;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How much one ignored path may hold to count as written by hand.
const FILES: usize = 2000;
const BYTES: u64 = 16 << 20;

/// How much is kept of one worktree.
const ALL: u64 = 64 << 20;

/// Folders that tools make again.
const MADE_AGAIN: [&str; 2] = ["node_modules", "__pycache__"];

/// The ignored files of a worktree that are kept, and what they take.
#[derive(Debug, Default)]
pub(super) struct IgnoredFiles {
    /// Relative to the worktree; folders if all in them is ignored.
    pub paths: Vec<PathBuf>,
    pub bytes: u64,
}

/// Remembers that the ignored files which are there now were not written by hand. Returns when whatever is
/// written from now on bears a later time: clocks of file systems go by some milliseconds.
pub(super) fn mark_set_up(worktree: &Worktree) -> Result<()> {
    let mark = worktree.record.scratch("ready");
    let beside = worktree.record.scratch("ready.next");
    let write = |path: &Path| {
        fs::write(path, b"")?;
        path.symlink_metadata().map(|data| changed(&data))
    };
    let context = || format!("cannot write {}", mark.display());
    let marked = write(&mark).with_context(context)?;
    for _ in 0..1000 {
        if write(&beside).with_context(context)? > marked {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    fs::remove_file(&beside).with_context(context)
}

/// What of its ignored files is to be kept when it goes.
pub(super) fn worth_keeping(worktree: &Worktree) -> Result<IgnoredFiles> {
    let mut kept = IgnoredFiles::default();
    if !worktree.is_complete() || !worktree.is_there() {
        return Ok(kept);
    }
    let since = ready(worktree);
    for path in ignored_paths(worktree)? {
        let path = as_path(&path);
        let Some(bytes) = written_by_hand(&worktree.files().join(path), since) else { continue };
        if kept.bytes + bytes <= ALL {
            kept.bytes += bytes;
            kept.paths.push(path.to_owned());
        }
    }
    Ok(kept)
}

/// The ignored paths; folders if all in them is ignored.
fn ignored_paths(worktree: &Worktree) -> Result<Vec<Vec<u8>>> {
    if let Some(layers) = &worktree.layers {
        return Ok(Upper::of(worktree, layers)?.ignored);
    }
    let mut command = worktree.git();
    command.env("GIT_INDEX_FILE", worktree.record.index());
    command.args(["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"]);
    let listed = git::output_bytes(&mut command)?;
    let paths = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    Ok(paths.map(|path| path.strip_suffix(b"/").unwrap_or(path).to_vec()).collect())
}

/// The bytes of an ignored path if it may be written by hand; `None` for what can be made again, and
/// what is too much.
fn written_by_hand(path: &Path, since: Option<(i64, i64)>) -> Option<u64> {
    let (mut files, mut bytes, mut is_new) = (0, 0, false);
    let mut open = vec![path.to_owned()];
    while let Some(path) = open.pop() {
        let data = path.symlink_metadata().ok()?;
        if data.is_dir() {
            let name = path.file_name().unwrap_or_default();
            if MADE_AGAIN.iter().any(|made| name == *made) || path.join("CACHEDIR.TAG").is_file() {
                return None;
            }
            open.extend(fs::read_dir(&path).ok()?.flatten().map(|entry| entry.path()));
        } else {
            files += 1;
            bytes += data.blocks() * 512;
            is_new |= self::is_new(&data, since);
        }
        if files > FILES || bytes > BYTES || open.len() > FILES {
            return None;
        }
    }
    is_new.then_some(bytes)
}

/// When the setup was done; before that, every file is new.
pub(super) fn ready(worktree: &Worktree) -> Option<(i64, i64)> {
    worktree.record.scratch("ready").symlink_metadata().ok().map(|data| changed(&data))
}

/// Whether a file was changed in any way since then.
pub(super) fn is_new(data: &Metadata, since: Option<(i64, i64)>) -> bool {
    since.is_none_or(|since| changed(data) > since)
}

/// When a file was last changed in any way, by the system's own clock.
fn changed(data: &Metadata) -> (i64, i64) {
    (data.ctime(), data.ctime_nsec())
}
