//! Finding a verdict when its commit has another name: an index that travels inside the notes.
//!
//! With each record the same notes commit writes a pointer (`see 1 <time> <object>`) into the note of an
//! object that does not exist, known by its id alone: it stands for the paths that the change touches, which
//! a rebase, a squash or a cherry-pick leaves as they are. No cache beside the notes can be stale or poisoned, and a forged pointer only leads to a record, which is judged as any other. An index may
//! forget, so only the newest pointers stay: a file that every change touches does not make it long.

use super::{Notes, text};
use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use crate::gate::store::{Repo, trees};
use anyhow::Context;
use gix::ObjectId;
use gix::note::plumbing::State;
use gix::objs::Kind;
use std::collections::BTreeSet;

/// How a pointer begins: what it is, and its version.
const POINTER: &str = "see 1 ";

/// How many pointers stay in one note.
const KEPT: usize = 256;

impl Notes<'_> {
    /// The objects that verdicts on changes of exactly these paths hang on, the newest first.
    pub fn similar<'p>(&self, paths: impl IntoIterator<Item = &'p [u8]>) -> Result<Vec<ObjectId>> {
        self.pointed(key_of_paths(self.repo, paths)?)
    }

    fn pointed(&self, key: ObjectId) -> Result<Vec<ObjectId>> {
        let text = self.text(key)?;
        let pointers: BTreeSet<&str> = text.lines().filter(|line| line.starts_with(POINTER)).collect();
        let format = self.repo.object_format();
        let object =
            |line: &str| line.rsplit(' ').next()?.parse().ok().filter(|id: &ObjectId| id.kind() == format);
        let objects = pointers.into_iter().rev().filter_map(object);
        let mut newest: Vec<ObjectId> = Vec::new();
        for object in objects {
            if newest.len() < KEPT && !newest.contains(&object) {
                newest.push(object);
            }
        }
        Ok(newest)
    }
}

/// Whether a line of a note is a pointer.
pub(super) fn is_pointer(line: &str) -> bool {
    line.starts_with(POINTER)
}

/// Adds the pointer to a record that is about to hang on that object.
pub(super) fn add(repo: &Repo, state: &mut State, on: ObjectId, verdict: &Verdict) -> Result<()> {
    let pointer = format!("{POINTER}{} {on}", verdict.time);
    // What is not here (a shallow or partial clone) cannot be compared: others may have indexed it.
    if let Ok(changed) = trees::changed(repo, verdict.base_tree, verdict.head_tree) {
        let paths = changed.iter().map(|changed| changed.path.as_slice());
        add_pointer(repo, state, key_of_paths(repo, paths)?, &pointer)?;
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
    let blob = repo.gix.write_blob(trimmed(&note)).context("a note cannot be written")?.detach();
    state.edit(key, Some(blob), &repo.gix.objects).context("the notes cannot be written")?;
    Ok(())
}

/// The same note with only the newest of its pointers.
pub(super) fn trimmed(note: &str) -> String {
    let pointers: BTreeSet<&str> = note.lines().filter(|line| line.starts_with(POINTER)).collect();
    let others = note.lines().filter(|line| !line.starts_with(POINTER));
    let newest = pointers.iter().skip(pointers.len().saturating_sub(KEPT)).copied();
    others.chain(newest).fold(String::new(), |text, line| text + line + "\n")
}

/// What stands for a set of paths.
fn key_of_paths<'p>(repo: &Repo, paths: impl IntoIterator<Item = &'p [u8]>) -> Result<ObjectId> {
    let sorted: BTreeSet<&[u8]> = paths.into_iter().collect();
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
        let note = trimmed(&format!("a remark\n{pointers}{{\"statement\":1}}\n"));
        assert!(note.starts_with("a remark\n{\"statement\":1}\nsee 1 2026-0009 x\n"), "{note}");
        assert_eq!(note.lines().count(), KEPT + 2);
    }
}
