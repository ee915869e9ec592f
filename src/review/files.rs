//! The changed files of a review: what happened to each, and what it holds afterwards.
//!
//! Blobs are read by one process in the sealed git directory, whatever their number. A blob that is
//! very large is not read; it cannot be shown anyway, and a finding on it can name no line.

use super::visible;
use crate::error::Result;
use crate::git;
use crate::store::trees::{Changed, Sealed};
use anyhow::{Context, bail};
use gix::ObjectId;
use std::collections::HashMap;
use std::fmt;
use std::io::{Seek, Write};

/// A larger blob is not read, in bytes.
const LARGEST: u64 = 8 << 20;

/// The mode of a symbolic link.
const LINK: u32 = 0o120_000;

/// The mode of a submodule's commit.
const SUBMODULE: u32 = 0o160_000;

/// One changed file.
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
    Text(String),
    /// No text: its size in bytes.
    Binary(u64),
    /// Too large to be read: its size in bytes.
    Large(u64),
    /// A commit of another repository.
    Submodule,
}

impl File {
    /// How many lines it has after the change; none where a line means nothing.
    pub fn lines(&self) -> Option<u32> {
        match &self.content {
            Content::Text(text) => Some(u32::try_from(text.lines().count().max(1)).unwrap_or(u32::MAX)),
            _ => None,
        }
    }

    /// What the difference does not show of it: the whole text of a modified file.
    pub fn context(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) if self.status == 'M' && self.modes.1 != Some(LINK) => Some(text),
            _ => None,
        }
    }
}

impl fmt::Display for File {
    /// A line for reviewers: what happened, modes where they matter, what kind of content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
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
            Content::Gone => Ok(()),
            Content::Text(_) if self.modes.1 == Some(LINK) => f.write_str(", a symbolic link"),
            Content::Text(_) => Ok(()),
            Content::Binary(size) => write!(f, ", binary, {size} bytes, content not shown"),
            Content::Large(size) => write!(f, ", {size} bytes"),
            Content::Submodule => f.write_str(", a submodule"),
        }
    }
}

/// The files that differ between two trees, sorted by their displayed path.
pub fn changed(sealed: &Sealed, base: ObjectId, head: ObjectId) -> Result<Vec<File>> {
    let changed = sealed.changed(base, head)?;
    let blobs: Vec<ObjectId> = changed
        .iter()
        .filter_map(|file| file.new)
        .filter(|(mode, _)| *mode != SUBMODULE)
        .map(|(_, id)| id)
        .collect();
    let contents = contents(sealed, &blobs)?;
    let mut files: Vec<File> = changed.iter().map(|file| as_file(file, &contents)).collect::<Result<_>>()?;
    files.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(files)
}

fn as_file(changed: &Changed, contents: &HashMap<ObjectId, Blob>) -> Result<File> {
    let content = match changed.new {
        None => Content::Gone,
        Some((SUBMODULE, _)) => Content::Submodule,
        Some((_, id)) => match contents.get(&id) {
            Some(Blob::Read(bytes)) if is_binary(bytes) => Content::Binary(bytes.len() as u64),
            Some(Blob::Read(bytes)) => Content::Text(visible::shown(bytes).0),
            Some(Blob::Large(size)) => Content::Large(*size),
            None => bail!("the content of {} was not read", changed.display()),
        },
    };
    Ok(File {
        path: changed.display(),
        status: changed.status,
        modes: (changed.old.map(|(mode, _)| mode), changed.new.map(|(mode, _)| mode)),
        content,
    })
}

/// git's own rule: a NUL byte early on.
fn is_binary(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(8000)].contains(&0)
}

/// A blob as far as we read it.
enum Blob {
    Read(Vec<u8>),
    Large(u64),
}

/// The contents of blobs, by two processes: first the sizes, then those that are not too large.
fn contents(sealed: &Sealed, ids: &[ObjectId]) -> Result<HashMap<ObjectId, Blob>> {
    let mut found = HashMap::new();
    let sizes = ask(sealed, "--batch-check", ids)?;
    let mut wanted = Vec::new();
    for line in String::from_utf8_lossy(&sizes).lines() {
        let (id, size) = header(line)?;
        if size > LARGEST {
            found.insert(id, Blob::Large(size));
        } else {
            wanted.push(id);
        }
    }
    let batch = ask(sealed, "--batch", &wanted)?;
    let mut rest = batch.as_slice();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (id, size) = header(&String::from_utf8_lossy(&rest[..end]))?;
        let from = end + 1;
        let to = from + usize::try_from(size)?;
        let bytes = rest.get(from..to).context("git cat-file was cut off")?;
        found.insert(id, Blob::Read(bytes.to_vec()));
        rest = rest.get(to + 1..).context("git cat-file was cut off")?;
    }
    Ok(found)
}

/// Runs `git cat-file` on a list of objects. The list goes through a file: a pipe could fill up while
/// git waits for us to read.
fn ask(sealed: &Sealed, how: &str, ids: &[ObjectId]) -> Result<Vec<u8>> {
    let mut list = tempfile::tempfile().context("cannot make a temporary file")?;
    for id in ids {
        writeln!(list, "{id}")?;
    }
    list.rewind()?;
    git::output_bytes(sealed.git().args(["cat-file", how]).stdin(list))
}

/// Reads `<id> <type> <size>`.
fn header(line: &str) -> Result<(ObjectId, u64)> {
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(id), Some("blob"), Some(size)) => Ok((ObjectId::from_hex(id.as_bytes())?, size.parse()?)),
        _ => bail!("an object of the change cannot be read: git cat-file says `{line}`"),
    }
}
