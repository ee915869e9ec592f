//! The changed files of a review: what happened to each, and what it holds afterwards.
//!
//! A blob that is very large is not read; it cannot be shown anyway, and a finding on it can name no
//! line.

use crate::domain::error::Result;
use crate::domain::text::escape;
use crate::gate::store::trees::{Changed, Sealed};
use std::fmt;

/// A larger blob is not read, in bytes.
const LARGEST: u64 = 8 << 20;

/// The mode of a symbolic link.
const LINK: u32 = 0o120_000;

/// The mode of a submodule's commit.
pub(super) const SUBMODULE: u32 = 0o160_000;

/// Said of a file of which a request shows only some lines.
pub(super) const CUT: &str = ", only some of its lines here";

#[derive(Debug)]
pub struct File {
    /// The path as it is displayed, unique within the change.
    pub path: String,
    status: char,
    modes: (Option<u32>, Option<u32>),
    content: Content,
}

/// What a path holds after the change.
#[derive(Debug)]
enum Content {
    /// Nothing: it was deleted.
    Gone,
    /// Text, as shown to reviewers.
    Text { text: String, lines: usize },
    /// Data that is not shown: its size, and the lines that one could still point at.
    Opaque { bytes: u64, lines: Option<usize> },
    /// Too large to be read: its size in bytes.
    Large(u64),
    /// A commit of another repository, and whether its log is shown.
    Submodule { has_log: bool },
    /// What it held before: only commits on the way did something to it.
    AsBefore,
}

impl File {
    /// A file that is in the end as it was.
    pub fn as_before(path: String) -> File {
        File { path, status: 'M', modes: (None, None), content: Content::AsBefore }
    }

    /// How many lines it has after the change; none where a line means nothing.
    pub fn lines(&self) -> Option<u32> {
        match self.content {
            Content::Text { lines, .. } | Content::Opaque { lines: Some(lines), .. } => {
                // An empty file has a first line to point at as well.
                Some(u32::try_from(lines.max(1)).unwrap_or(u32::MAX))
            }
            Content::Opaque { lines: None, .. }
            | Content::Gone
            | Content::Large(_)
            | Content::Submodule { .. }
            | Content::AsBefore => None,
        }
    }

    /// More than it takes in a request beside its difference, in bytes.
    pub(super) fn cost(&self) -> usize {
        2 * self.path.len() + self.to_string().len() + CUT.len() + 20
    }

    /// What the difference does not show of it: the whole text of a modified file.
    pub fn context(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } if self.status == 'M' && self.modes.1 != Some(LINK) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
impl File {
    pub fn modified(path: &str, text: &str) -> File {
        let content = Content::Text { text: text.to_owned(), lines: text.lines().count() };
        File { path: path.to_owned(), status: 'M', modes: (Some(0o100_644), Some(0o100_644)), content }
    }
}

impl fmt::Display for File {
    /// A line for reviewers: what happened, modes where they matter, what kind of content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            _ if matches!(self.content, Content::AsBefore) => "as before in the end",
            'A' => "added",
            'D' => "deleted",
            'T' => "changed its type",
            _ => "modified",
        };
        write!(f, "{}: {status}", self.path)?;
        match self.modes {
            (Some(old), Some(new)) if old != new => write!(f, ", mode {old:06o} to {new:06o}")?,
            (None, Some(mode)) | (Some(mode), None) if mode != 0o100_644 => write!(f, ", mode {mode:06o}")?,
            _ => {}
        }
        match &self.content {
            Content::Gone | Content::AsBefore => Ok(()),
            Content::Text { .. } if self.modes.1 == Some(LINK) => f.write_str(", a symbolic link"),
            Content::Text { .. } => Ok(()),
            Content::Opaque { bytes, .. } => {
                write!(f, ", BINARY, {bytes} bytes, its content is NOT SHOWN")
            }
            Content::Large(size) => write!(f, ", {size} bytes"),
            Content::Submodule { has_log: true } => {
                f.write_str(", a submodule, opaque: only what its commits say is shown, with the messages")
            }
            Content::Submodule { has_log: false } => {
                f.write_str(", a submodule, opaque: only the ids of its commits are shown")
            }
        }
    }
}

/// These files as they are after the change; of which submodules the log is shown is known elsewhere.
pub fn read(sealed: &Sealed, changed: &[Changed], has_log: impl Fn(&Changed) -> bool) -> Result<Vec<File>> {
    changed.iter().map(|changed| read_one(sealed, changed, &has_log)).collect()
}

fn read_one(sealed: &Sealed, changed: &Changed, has_log: &impl Fn(&Changed) -> bool) -> Result<File> {
    let content = match changed.new {
        None => Content::Gone,
        Some((SUBMODULE, _)) => Content::Submodule { has_log: has_log(changed) },
        Some((mode, id)) => {
            let (bytes, is_opaque) = (sealed.size(id)?, sealed.is_opaque(&changed.path, (mode, id))?);
            if bytes > LARGEST {
                if is_opaque { Content::Opaque { bytes, lines: None } } else { Content::Large(bytes) }
            } else {
                let blob = sealed.blob(id)?;
                let lines = blob.split_inclusive(|byte| *byte == b'\n').count();
                match is_opaque {
                    true => Content::Opaque { bytes, lines: Some(lines) },
                    false => Content::Text { text: escape::for_review(&blob).0, lines },
                }
            }
        }
    };
    Ok(File {
        path: changed.display(),
        status: changed.status,
        modes: (changed.old.map(|(mode, _)| mode), changed.new.map(|(mode, _)| mode)),
        content,
    })
}
