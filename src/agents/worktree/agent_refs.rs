//! What an agent's refs in its private repository lead to, read as files: git is never run there.

use super::private_git::parse_refs;
use super::repair::{is_plain_name, small};
use super::{TooMuch, Worktree};
use crate::domain::error::Result;
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The most tips that are taken in.
const MOST: usize = 1000;

/// The largest file of refs or of a log that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// The tips of an agent's own refs.
#[derive(Debug, Default)]
pub(super) struct AgentRefs {
    /// Its HEAD, if that is not where it was made.
    pub head: Option<ObjectId>,
    /// By id: its first name.
    pub new: BTreeMap<ObjectId, String>,
    /// The names of those that are broken.
    pub lost: Vec<String>,
}

/// The commits that it did not make: what its refs led to when it was made.
pub(super) fn known(worktree: &Worktree) -> Result<HashSet<ObjectId>> {
    let path = worktree.record.template().join("packed-refs");
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(parse_refs(&text).into_values().chain([worktree.base]).collect())
}

/// Whether all that its refs lead to is safe elsewhere already.
pub(super) fn are_settled(worktree: &Worktree) -> Result<bool> {
    let settled: HashSet<ObjectId> = worktree.record.settled()?.into_iter().collect();
    Ok(read(worktree, &known(worktree)?)?.new.keys().all(|id| settled.contains(id)))
}

/// Its HEAD, and what its branches, tags, notes and stashes lead to beyond what is known.
pub(super) fn read(worktree: &Worktree, known: &HashSet<ObjectId>) -> Result<AgentRefs> {
    let git = worktree.git_dir();
    let refs = named(&git, known.len() + MOST)?;
    let head = small(&git.join("HEAD")).unwrap_or_default();
    let head = match head.trim_ascii_end().strip_prefix(b"ref: ") {
        Some(name) => refs.get(name).copied(),
        None => id_in(&head),
    };
    let mut new = BTreeMap::new();
    let mut note = |name: String, id: ObjectId| {
        if !known.contains(&id) && id.kind() == worktree.base.kind() {
            new.entry(id).or_insert(name);
        }
    };
    if let Some(head) = head {
        note("HEAD".into(), head);
    }
    for (name, id) in refs {
        note(String::from_utf8_lossy(&name).into_owned(), id);
    }
    let log = bounded_text(&git.join("logs/refs/stash"))?;
    for (number, line) in log.split(|byte| *byte == b'\n').rev().skip(1).take(MOST).enumerate() {
        if let Some(id) = line.split(|byte| *byte == b' ').nth(1).and_then(id_in) {
            note(format!("refs/stash@{{{number}}}"), id);
        }
    }
    if new.len() > MOST {
        return Err(too_many());
    }
    Ok(AgentRefs { head: head.filter(|id| *id != worktree.base), new, lost: Vec::new() })
}

/// Its refs by name, packed or not.
fn named(git: &Path, most: usize) -> Result<BTreeMap<Vec<u8>, ObjectId>> {
    let mut refs = parse_refs(&bounded_text(&git.join("packed-refs"))?);
    let mut folders = vec![PathBuf::from("refs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(git.join(&folder)).into_iter().flatten().flatten() {
            let (path, kind) = (folder.join(entry.file_name()), entry.file_type()?);
            if !is_plain_name(&entry.file_name()) {
                continue;
            } else if kind.is_dir() {
                folders.push(path);
            } else if let Some(id) = small(&git.join(&path)).and_then(|text| id_in(&text)) {
                refs.insert(path.as_os_str().as_bytes().to_vec(), id);
            }
            if refs.len() > most {
                return Err(too_many());
            }
        }
    }
    Ok(refs)
}

fn too_many() -> anyhow::Error {
    TooMuch(format!("it has more than {MOST} refs of its own")).into()
}

/// The id at the beginning of a file or field.
fn id_in(text: &[u8]) -> Option<ObjectId> {
    ObjectId::from_hex(text.trim_ascii()).ok()
}

/// A plain file's text, unless it is absurdly large.
fn bounded_text(path: &Path) -> Result<Vec<u8>> {
    match path.symlink_metadata() {
        Ok(data) if data.is_file() && data.len() <= LARGEST => {
            fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        }
        Ok(data) if data.is_file() => {
            Err(TooMuch(format!("{} is larger than {} MiB", path.display(), LARGEST >> 20)).into())
        }
        _ => Ok(Vec::new()),
    }
}
