//! Two states of the notes compared by their trees, whatever the fan-out of each: what they share is
//! not read, so that this costs what differs, not what there is.

use super::text;
use crate::domain::error::Result;
use crate::domain::verdict::{Verdict, record};
use crate::gate::store::Repo;
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, HashSet};

/// A record that notes had and have no more.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    /// What it hung on.
    pub on: ObjectId,
    /// The record as it was written.
    pub line: String,
    /// What it says; none where it cannot be told, which a newer version may.
    pub verdict: Option<Verdict>,
}

/// The records that the notes at the old tip have and those at the new one have not. Notes are only
/// ever added to, so each of them was dropped: by a forced fetch, by `git notes remove` or `prune`, by
/// a race of `git notes add` with itself.
pub fn lost(repo: &Repo, old_tip: ObjectId, new_tip: ObjectId) -> Result<Vec<Lost>> {
    missing(repo, Some(old_tip), Some(new_tip))
}

/// The records that the notes at one tip have and those at another have not; none is no notes at all.
pub fn missing(repo: &Repo, from: Option<ObjectId>, at: Option<ObjectId>) -> Result<Vec<Lost>> {
    let tree = |tip: Option<ObjectId>| match tip {
        Some(tip) => repo.tree_of(tip).context("the notes cannot be read"),
        None => Ok(repo.empty_tree()),
    };
    let mut found = Vec::new();
    let (old, new) = (tree(from)?, tree(at)?);
    for Difference { on, old, new } in differences(repo, old, new)? {
        let (old, new) = (whole(repo, &old)?, whole(repo, &new)?);
        let kept: HashSet<&str> = new.lines().collect();
        for line in old.lines().filter(|line| line.starts_with('{') && !kept.contains(line)) {
            let verdict = record::decode(line, repo.object_format()).0.pop();
            found.push(Lost { on, line: line.to_owned(), verdict });
        }
    }
    Ok(found)
}

/// A note that is not the same in two states of the notes. Each side is a list, because nothing stops
/// a tree from having the same note at two places (`ab…` and `ab/…`): git reads it as both.
#[derive(Debug)]
pub(super) struct Difference {
    /// What it hangs on.
    pub on: ObjectId,
    pub old: Vec<ObjectId>,
    pub new: Vec<ObjectId>,
}

/// The notes that differ between two trees, by the objects that they hang on.
pub(super) fn differences(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<Vec<Difference>> {
    let mut notes: [BTreeMap<ObjectId, Vec<ObjectId>>; 2] = Default::default();
    let mut folders = vec![(String::new(), [Some(old), Some(new)])];
    while let Some((prefix, sides)) = folders.pop() {
        if sides[0] == sides[1] {
            continue;
        }
        let mut below: BTreeMap<String, [Option<ObjectId>; 2]> = BTreeMap::new();
        for (side, folder) in sides.into_iter().enumerate() {
            let Some(folder) = folder else { continue };
            for entry in entries(repo, folder, &prefix)? {
                match entry {
                    NotesEntry::Note(on, blob) => notes[side].entry(on).or_default().push(blob),
                    NotesEntry::Folder(name, id) => below.entry(name).or_default()[side] = Some(id),
                }
            }
        }
        folders.extend(below);
    }
    let [mut old, mut new] = notes;
    let objects: Vec<ObjectId> =
        old.keys().chain(new.keys().filter(|on| !old.contains_key(*on))).copied().collect();
    let both = objects.into_iter().map(|on| Difference {
        on,
        old: old.remove(&on).unwrap_or_default(),
        new: new.remove(&on).unwrap_or_default(),
    });
    Ok(both.filter(|difference| difference.old != difference.new).collect())
}

/// Calls with every note in a tree: what it hangs on, and its blob.
pub(super) fn walk(
    repo: &Repo,
    tree: ObjectId,
    mut each: impl FnMut(ObjectId, ObjectId) -> Result<()>,
) -> Result<()> {
    let mut folders = vec![(String::new(), tree)];
    while let Some((prefix, folder)) = folders.pop() {
        for entry in entries(repo, folder, &prefix)? {
            match entry {
                NotesEntry::Note(on, blob) => each(on, blob)?,
                NotesEntry::Folder(name, id) => folders.push((name, id)),
            }
        }
    }
    Ok(())
}

/// The text of a note that may be in several blobs.
pub(super) fn whole(repo: &Repo, blobs: &[ObjectId]) -> Result<String> {
    let mut all = String::new();
    for blob in blobs {
        all.push_str(&text(repo, *blob)?);
        if !all.is_empty() && !all.ends_with('\n') {
            all.push('\n');
        }
    }
    Ok(all)
}

enum NotesEntry {
    /// What a note hangs on, and its blob.
    Note(ObjectId, ObjectId),
    /// The hex digits so far, and the folder of that name.
    Folder(String, ObjectId),
}

/// What a folder of notes holds; anything else in it is none of our business.
fn entries(repo: &Repo, folder: ObjectId, prefix: &str) -> Result<Vec<NotesEntry>> {
    let length = folder.kind().len_in_hex();
    let tree = repo.gix.find_tree(folder).context("the notes cannot be read")?;
    let mut entries = Vec::new();
    for entry in tree.iter() {
        let entry = entry.context("the notes cannot be read")?;
        let name = format!("{prefix}{}", entry.filename());
        if entry.mode().is_tree() && name.len() < length {
            entries.push(NotesEntry::Folder(name, entry.object_id()));
        } else if entry.mode().is_blob()
            && name.len() == length
            && let Ok(object) = ObjectId::from_hex(name.as_bytes())
        {
            entries.push(NotesEntry::Note(object, entry.object_id()));
        }
    }
    Ok(entries)
}
