//! Two states of the notes compared by their trees, whatever the fan-out of each: what they share is
//! not read, so that this costs what differs, not what there is.

use super::content::Content;
use super::layout::{Fault, Folder, SECOND, Visited};
use super::{index, notes_tree};
use crate::domain::error::Result;
use crate::domain::verdict::{Verdict, record};
use crate::gate::store::Repo;
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

impl Lost {
    /// It in a few words.
    pub fn headline(&self) -> String {
        match &self.verdict {
            Some(verdict) => record::headline(verdict),
            None if index::is_lasting(&self.line) => {
                "what leads to a record from a rebased change".to_owned()
            }
            None => "a record that cannot be told".to_owned(),
        }
    }
}

/// What the notes at the old tip have and those at the new one have not: records, and after them the pointers by
/// which records are found. Notes are only ever added to, so each of them was dropped: by a forced fetch, by `git notes
/// remove` or `prune`, by a race of `git notes add` with itself.
pub fn lost(repo: &Repo, old_tip: ObjectId, new_tip: ObjectId) -> Result<Vec<Lost>> {
    let is_wanted = |line: &str| is_record(line) || index::is_lasting(line);
    let mut lost = lacking(repo, Some(old_tip), Some(new_tip), is_wanted)?;
    lost.sort_by_key(|lost| !is_record(&lost.line));
    Ok(lost)
}

/// The records that the notes at one tip have and those at another have not; none is no notes at all.
pub fn missing(repo: &Repo, from: Option<ObjectId>, at: Option<ObjectId>) -> Result<Vec<Lost>> {
    lacking(repo, from, at, is_record)
}

fn is_record(line: &str) -> bool {
    line.starts_with('{')
}

/// The lines of that kind which the notes at one tip have and those at another have not.
fn lacking(
    repo: &Repo,
    from: Option<ObjectId>,
    at: Option<ObjectId>,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Lost>> {
    let tree = |tip: Option<ObjectId>| -> Result<ObjectId> {
        let tree = tip.map_or(Ok(None), |tip| notes_tree(repo, tip))?;
        Ok(tree.unwrap_or_else(|| repo.empty_tree()))
    };
    let mut found = Vec::new();
    let (old, new) = (tree(from)?, tree(at)?);
    for Difference { on, old, new } in differences(repo, old, new)? {
        // What is only added loses nothing, and need not be read.
        if old.is_empty() {
            continue;
        }
        let (old, new) = (whole(repo, &old)?, whole(repo, &new)?);
        let kept: HashSet<&str> = new.lines().collect();
        for line in old.lines().filter(|line| is_wanted(line) && !kept.contains(line)) {
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
    compare(repo, old, new).map(|(differences, _)| differences)
}

/// What the notes at the new tip have, and those at the old one have not, that no reader takes for a note, each
/// with its place: a tree in the wrong place, an id with two notes, a note that is not text.
pub fn faults(repo: &Repo, old_tip: Option<ObjectId>, new_tip: ObjectId) -> Result<Vec<String>> {
    let Some(new) = notes_tree(repo, new_tip)? else {
        return Ok(vec!["it is not a commit".to_owned()]);
    };
    let old = old_tip.map_or(Ok(None), |tip| notes_tree(repo, tip))?.unwrap_or_else(|| repo.empty_tree());
    let (differences, [old_faults, new_faults]) = compare(repo, old, new)?;
    let mut found: Vec<String> = new_faults
        .iter()
        .filter(|fault| !old_faults.contains(fault))
        .map(|fault| format!("{}: {}", fault.path, fault.why))
        .collect();
    for Difference { on, old, new } in differences {
        if new.len() > 1 && new.len() > old.len() {
            found.push(format!("{on}: {SECOND}"));
        }
        for blob in new.iter().filter(|blob| !old.contains(blob)) {
            found.extend(Content::read(repo, *blob)?.fault.map(|why| format!("{on}: {why}")));
        }
    }
    Ok(found)
}

/// The notes that differ between two trees, and what is in those folders that is not a note, on each side.
fn compare(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<(Vec<Difference>, [Vec<Fault>; 2])> {
    let mut notes: [BTreeMap<ObjectId, Vec<ObjectId>>; 2] = Default::default();
    let (mut faults, mut visited): ([Vec<Fault>; 2], [Visited; 2]) = Default::default();
    let mut folders = vec![(String::new(), [Some(old), Some(new)])];
    while let Some((prefix, sides)) = folders.pop() {
        if sides[0] == sides[1] {
            continue;
        }
        let mut below: BTreeMap<String, [Option<ObjectId>; 2]> = BTreeMap::new();
        for (side, id) in sides.into_iter().enumerate() {
            let Some(id) = id else { continue };
            if let Err(fault) = visited[side].first(id, &prefix) {
                faults[side].push(fault);
                continue;
            }
            let mut folder = Folder::read(repo, id, &prefix)?;
            faults[side].append(&mut folder.faults);
            for (rest, blobs) in folder.notes {
                if let Ok(on) = ObjectId::from_hex(format!("{prefix}{rest}").as_bytes()) {
                    notes[side].entry(on).or_default().extend(blobs);
                }
            }
            for (digits, id) in folder.folders {
                below.entry(prefix.clone() + &digits).or_default()[side] = Some(id);
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
    Ok((both.filter(|difference| difference.old != difference.new).collect(), faults))
}

/// The text of a note that may be in several blobs.
pub(super) fn whole(repo: &Repo, blobs: &[ObjectId]) -> Result<String> {
    let mut all = String::new();
    for blob in blobs {
        all.push_str(&Content::read(repo, *blob)?.text);
        if !all.is_empty() && !all.ends_with('\n') {
            all.push('\n');
        }
    }
    Ok(all)
}
