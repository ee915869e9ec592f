//! What a command that agents steer or wrote may touch.
//!
//! A [`Scope`] says what one command needs beside what everybody may read; the worktree, the preset and
//! the reviewer each know their part of it.

use std::path::PathBuf;

/// What one command may touch beside what is common to all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The folder that it works in, absolute.
    pub dir: PathBuf,
    /// Whether it may write there.
    pub edits: bool,
    /// Other files and folders that it may write.
    pub write: Vec<PathBuf>,
    /// What stays read-only inside what it may write.
    pub protect: Vec<PathBuf>,
    /// What it may read although it lies in something hidden.
    pub read: Vec<PathBuf>,
    /// Variables of ours that it gets: names, or `PREFIX_*`.
    pub env: Vec<String>,
}
