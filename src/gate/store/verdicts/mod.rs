//! Verdicts in `refs/notes/flow-ai`: append-only records, read as the union of all copies.
//!
//! A note hangs on the reviewed commit, or on the head tree where there is no commit; where it hangs
//! proves nothing, the record's own trees do. What people write into the same note is kept and means
//! nothing. Besides the local notes those are read that were last fetched from each remote
//! ([`COPIES`]), so that deleting a local note undoes nothing that a pushed copy knows. What is no note (see
//! `layout` and `content`) is skipped and named: whoever may write notes must not be able to make others'
//! unreadable.

mod compare;
mod content;
mod gist;
mod heal;
mod index;
mod join;
mod layout;
mod log;
mod order;
mod write;

pub use compare::{Lost, faults, lost, missing};
pub use gist::Gists;
pub use heal::heal;
pub use join::join;
pub use log::{LOG_PATTERN, LOG_REF, show_in_log};
pub use write::{append, append_test, pause, room};

use super::Repo;
use crate::domain::error::Result;
use crate::domain::verdict::{NOTES_REF, TestRecord, Unreadable, Verdict, record, test_record};
use anyhow::{Context, bail};
use content::Content;
use gix::ObjectId;
use gix::note::plumbing::State;
use gix::objs::Kind;
use layout::{Lookup, walk};
use std::collections::{BTreeSet, HashSet};

/// Where the notes of each remote are kept as they were last fetched: `refs/flow-ai/notes/<remote>`.
/// Outside `refs/notes/`, where `git log --notes=*` would show them twice, and where refspecs of
/// people's own go.
pub const COPIES: &str = "refs/flow-ai/notes/";

/// The notes to read: the repository's own, the remotes' as last fetched, and those of a push that is
/// being judged.
pub struct Notes<'a> {
    repo: &'a Repo,
    trees: Vec<ObjectId>,
    lookup: Lookup,
}

impl std::fmt::Debug for Notes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notes")
    }
}

/// Every note there is.
#[derive(Debug, Default)]
pub struct AllNotes {
    /// The records, each with the object that it hangs on.
    pub verdicts: Vec<(ObjectId, Verdict)>,
    /// The lines that cannot be read, likewise.
    pub unreadable: Vec<(ObjectId, Unreadable)>,
    /// What else is in the trees of notes or in notes, with its place, and is skipped.
    pub faults: BTreeSet<String>,
}

impl<'a> Notes<'a> {
    /// As they stand now.
    pub fn read(repo: &'a Repo) -> Result<Notes<'a>> {
        Ok(Notes { repo, trees: trees(repo)?, lookup: Lookup::default() })
    }

    /// The records on that object, and the lines that cannot be read.
    pub fn on(&self, object: ObjectId) -> Result<(Vec<Verdict>, Vec<Unreadable>)> {
        Ok(record::decode(&self.text(object)?, self.repo.object_format()))
    }

    /// The test records on that tree, the newest last.
    pub fn tests_on(&self, tree: ObjectId) -> Result<Vec<TestRecord>> {
        Ok(test_record::decode(&self.text(tree)?, self.repo.object_format()))
    }

    /// The lines of that object's note; of several copies each line once.
    fn text(&self, object: ObjectId) -> Result<String> {
        let mut blobs: Vec<ObjectId> = Vec::new();
        for tree in &self.trees {
            let notes = self.lookup.on(self.repo, *tree, object);
            let notes = notes.with_context(|| format!("the note of {object} cannot be read"))?;
            blobs.extend(notes);
        }
        let mut seen = HashSet::new();
        blobs.retain(|blob| seen.insert(*blob));
        let texts = blobs.into_iter().map(|blob| text(self.repo, blob)).collect::<Result<Vec<_>>>()?;
        Ok(once(texts.iter().flat_map(|text| text.lines())))
    }
}

/// The records of that object's note, and the lines that cannot be read.
pub fn on(repo: &Repo, object: ObjectId) -> Result<(Vec<Verdict>, Vec<Unreadable>)> {
    Notes::read(repo)?.on(object)
}

/// Every record and every line that cannot be read, in one pass over each notes' tree, whatever its
/// fan-out (`ab/cd/…`). What several copies share is read once.
pub fn all(repo: &Repo) -> Result<AllNotes> {
    let mut found = AllNotes::default();
    let mut seen = HashSet::new();
    let mut lines = HashSet::new();
    let trees = trees(repo)?;
    for tree in &trees {
        let faults = walk(repo, *tree, |object, blob| {
            if !seen.insert((object, blob)) {
                return Ok(());
            }
            let Content { text, fault } = Content::read(repo, blob)?;
            found.faults.extend(fault.map(|why| format!("{object}: {why}")));
            let text = once(text.lines().filter(|line| lines.insert((object, (*line).to_owned()))));
            let (verdicts, unreadable) = record::decode(&text, repo.object_format());
            found.verdicts.extend(verdicts.into_iter().map(|verdict| (object, verdict)));
            found.unreadable.extend(unreadable.into_iter().map(|line| (object, line)));
            Ok(())
        })?;
        found.faults.extend(faults.into_iter().map(|fault| format!("{}: {}", fault.path, fault.why)));
    }
    Ok(found)
}

/// Reads the notes at that tip as well: those that a push brings are in no ref yet while it is judged.
pub fn also_read(repo: &mut Repo, tip: ObjectId) {
    repo.more_notes.push(tip);
}

/// The trees of all notes that count, each once.
fn trees(repo: &Repo) -> Result<Vec<ObjectId>> {
    let copies = repo.refs(COPIES)?.into_iter().map(|(_, tip)| tip);
    let tips = repo.find_ref(NOTES_REF)?.into_iter().chain(copies).chain(repo.more_notes.iter().copied());
    let mut trees = Vec::new();
    for tip in tips {
        let Some(tree) = notes_tree(repo, tip)? else { continue };
        if !trees.contains(&tree) {
            trees.push(tree);
        }
    }
    Ok(trees)
}

/// The tree of the notes at that tip; `None` if what is there cannot be notes.
fn notes_tree(repo: &Repo, tip: ObjectId) -> Result<Option<ObjectId>> {
    let header = repo.gix.try_find_header(tip).context("the notes cannot be read")?;
    match header.map(|header| header.kind()) {
        Some(Kind::Commit) => Ok(Some(repo.tree_of(tip).context("the notes cannot be read")?)),
        Some(_) => Ok(None),
        None => bail!("the notes cannot be read: {tip} is not here"),
    }
}

fn state_of(repo: &Repo, tree: ObjectId) -> Result<State> {
    State::new(tree, &repo.gix.objects).context("the notes cannot be read")
}

fn text(repo: &Repo, blob: ObjectId) -> Result<String> {
    Ok(Content::read(repo, blob)?.text)
}

/// These lines as a text, each once.
fn once<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut seen = HashSet::new();
    let mut text = String::new();
    for line in lines.filter(|line| seen.insert(*line)) {
        text.push_str(line);
        text.push('\n');
    }
    text
}
