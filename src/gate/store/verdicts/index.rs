//! Finding a verdict when its commit has another name: an index that travels inside the notes.
//!
//! With each record the same notes commit writes two pointers into the notes of objects that do not exist,
//! known by their ids alone. One (`same 1 <time> <object>`) stands for what the change comes to (see `gist`), which
//! a rebase, a squash or a cherry-pick leaves as it is; few records share that, all of its pointers stay, and notes
//! that lack one are refused as if a record were lost. So nobody can crowd out what leads to another's
//! verdict. The other (`see 1 …`) stands for the paths alone, for what the branch has in part already: of these the
//! newest stay, and a file that every change touches does not make them long. No cache beside the notes can be stale
//! or poisoned, and a forged pointer only leads to a record, which is judged as any other.

use super::gist::Gists;
use super::{Notes, text};
use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use crate::gate::store::trees::Changed;
use crate::gate::store::{Repo, trees};
use anyhow::Context;
use gix::ObjectId;
use gix::note::plumbing::State;
use gix::objs::Kind;
use indexmap::IndexSet;
use std::collections::BTreeSet;

/// How a pointer from a set of paths begins: what it is, and its version.
const BY_PATHS: &str = "see 1 ";

/// How a pointer from what a change comes to begins.
const BY_GIST: &str = "same 1 ";

/// How many pointers from a set of paths stay in one note.
const KEPT: usize = 256;

impl Notes<'_> {
    /// The objects that verdicts on changes like this one hang on: first those on changes that come to the same,
    /// then the newest on changes of exactly these paths.
    pub fn similar(&self, changed: &[Changed], gists: &mut Gists<'_>) -> Result<Vec<ObjectId>> {
        let mut found = match gists.of(changed)? {
            Some(gist) => self.pointed(pseudo(self.repo, &gist)?, BY_GIST, usize::MAX)?,
            None => Vec::new(),
        };
        found.extend(self.pointed(key_of_paths(self.repo, changed)?, BY_PATHS, KEPT)?);
        Ok(found)
    }

    /// Where the pointers of that kind lead, the newest first.
    fn pointed(&self, key: ObjectId, kind: &str, most: usize) -> Result<Vec<ObjectId>> {
        let text = self.text(key)?;
        let pointers: BTreeSet<&str> = text.lines().filter(|line| line.starts_with(kind)).collect();
        let format = self.repo.object_format();
        let object =
            |line: &str| line.rsplit(' ').next()?.parse().ok().filter(|id: &ObjectId| id.kind() == format);
        let newest: IndexSet<ObjectId> = pointers.into_iter().rev().filter_map(object).collect();
        Ok(newest.into_iter().take(most).collect())
    }
}

/// Whether a line of a note is a pointer.
pub(super) fn is_pointer(line: &str) -> bool {
    line.starts_with(BY_PATHS) || is_lasting(line)
}

/// Whether a line of a note is a pointer that stays.
pub(super) fn is_lasting(line: &str) -> bool {
    line.starts_with(BY_GIST)
}

/// Adds the pointers to a record that is about to hang on that object.
pub(super) fn add(repo: &Repo, state: &mut State, on: ObjectId, verdict: &Verdict) -> Result<()> {
    // What is not here (a shallow or partial clone) cannot be compared: others may have indexed it.
    if let Ok(changed) = trees::changed(repo, verdict.base_tree, verdict.head_tree) {
        let pointer = |kind: &str| format!("{kind}{} {on}", verdict.time);
        add_pointer(repo, state, key_of_paths(repo, &changed)?, &pointer(BY_PATHS))?;
        if let Some(gist) = Gists::new(repo).of(&changed)? {
            add_pointer(repo, state, pseudo(repo, &gist)?, &pointer(BY_GIST))?;
        }
    }
    Ok(())
}

fn add_pointer(repo: &Repo, state: &mut State, key: ObjectId, pointer: &str) -> Result<()> {
    let old = state.get(&key, &repo.gix.objects).context("the notes cannot be read")?;
    let mut note = old.map_or_else(|| Ok(String::new()), |blob| text(repo, blob))?;
    if !note.is_empty() && !note.ends_with('\n') {
        note.push('\n');
    }
    note.push_str(pointer);
    let blob = repo.put_blob(trimmed(&note).as_ref()).context("a note cannot be written")?;
    state.edit(key, Some(blob), &repo.gix.objects).context("the notes cannot be written")?;
    Ok(())
}

/// The same note with only the newest of its pointers from a set of paths.
pub(super) fn trimmed(note: &str) -> String {
    let pointers: BTreeSet<&str> = note.lines().filter(|line| line.starts_with(BY_PATHS)).collect();
    let others = note.lines().filter(|line| !line.starts_with(BY_PATHS));
    let newest = pointers.iter().skip(pointers.len().saturating_sub(KEPT)).copied();
    others.chain(newest).fold(String::new(), |text, line| text + line + "\n")
}

/// What stands for a set of paths.
fn key_of_paths(repo: &Repo, changed: &[Changed]) -> Result<ObjectId> {
    let sorted: BTreeSet<&[u8]> = changed.iter().map(|changed| changed.path.as_slice()).collect();
    let mut text = b"flow-ai paths 1\n".to_vec();
    for path in sorted {
        text.extend_from_slice(path);
        text.push(0);
    }
    pseudo(repo, &text)
}

/// The id that a blob of that content would have; it is never written.
fn pseudo(repo: &Repo, text: &[u8]) -> Result<ObjectId> {
    gix::objs::compute_hash(repo.gix.object_hash(), Kind::Blob, text).context("no id can be told")
}

#[cfg(test)]
mod tests {
    use super::{KEPT, trimmed};

    #[test]
    fn only_the_newest_pointers_stay_and_everything_else_does() {
        let pointers: String = (0..KEPT + 9).rev().map(|n| format!("see 1 2026-{n:04} x\n")).collect();
        let note = trimmed(&format!("a remark\n{pointers}{{\"statement\":1}}\nsame 1 0 x\n"));
        assert!(note.starts_with("a remark\n{\"statement\":1}\nsame 1 0 x\nsee 1 2026-0009 x\n"), "{note}");
        assert_eq!(note.lines().count(), KEPT + 3);
    }
}
