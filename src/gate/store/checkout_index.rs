//! git's index of a checkout, so that copies of its files count as unchanged.
//!
//! An index remembers of each file when it was written and what its inode is (`gitformat-index(5)`): git reads one
//! again that differs in that.

use crate::domain::error::Result;
use anyhow::Context;
use gix::hash::Kind;
use gix::index::File;
use gix::index::entry::{Mode, Stat};
use gix::index::fs::Metadata;
use std::path::Path;

/// An index, read into memory.
pub struct CheckoutIndex(File);

/// What an index has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexedKind {
    File,
    Symlink,
    Submodule,
}

/// What an index remembers of a file.
#[derive(Debug, Clone, Copy)]
pub struct Remembered(Stat);

impl Remembered {
    /// Of the file at that path, as it is now; a link is not followed.
    pub fn of(path: &Path) -> Result<Remembered> {
        Ok(Remembered(Stat::from_fs(&Metadata::from_path_no_follow(path)?)?))
    }

    /// Whether it is still the same file, unchanged.
    pub fn is(&self, other: &Remembered) -> bool {
        self.0.matches(&other.0, Default::default())
    }

    /// When it was written: seconds since 1970, and nanoseconds.
    pub fn written(&self) -> (u32, u32) {
        (self.0.mtime.secs, self.0.mtime.nsecs)
    }
}

impl CheckoutIndex {
    pub fn read(path: &Path, format: Kind) -> Result<CheckoutIndex> {
        let file = File::at(path, format, false, gix::index::decode::Options::default());
        Ok(CheckoutIndex(file.with_context(|| format!("cannot read {}", path.display()))?))
    }

    /// Remembers of each file what `remember` returns for it. Returns the paths of those for which that is nothing.
    pub fn renew(
        &mut self,
        mut remember: impl FnMut(&[u8], IndexedKind, Remembered) -> Option<Remembered>,
    ) -> Vec<Vec<u8>> {
        let mut left = Vec::new();
        for (entry, path) in self.0.entries_mut_with_paths() {
            let kind = match entry.mode {
                Mode::SYMLINK => IndexedKind::Symlink,
                Mode::COMMIT => IndexedKind::Submodule,
                _ => IndexedKind::File,
            };
            match remember(path, kind, Remembered(entry.stat)) {
                Some(Remembered(stat)) => entry.stat = stat,
                None => {
                    entry.stat = Stat::default();
                    left.push(path.to_vec());
                }
            }
        }
        left
    }

    /// Writes it there.
    pub fn write(mut self, to: &Path) -> Result<()> {
        self.0.set_path(to);
        let written = self.0.write(gix::index::write::Options::default());
        written.with_context(|| format!("cannot write {}", to.display()))
    }
}
