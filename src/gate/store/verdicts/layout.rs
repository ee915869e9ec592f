//! How notes lie in a tree, read with suspicion: whoever may push notes can push any tree.
//!
//! A note is a file, `100644`, whose path is the id that it hangs on, with or without folders of two digits
//! (`ab/cd…`). Anything else is a [`Fault`]: it is named and skipped, and the notes beside it are read. An id
//! that has two notes, flat and in a folder, has both: git itself refuses such a tree, or reads one of them.

use super::Repo;
use crate::domain::error::Result;
use anyhow::Context;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// How many folders deep a note may lie: more than four digits a folder level no repository has use for.
const DEEPEST: usize = 4;

/// What is wrong with a note on an object that has one already.
pub(super) const SECOND: &str = "a second note on the same object";

/// Something in a tree of notes that is not a note.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fault {
    /// Where it is in the tree.
    pub path: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// What is there.
    id: ObjectId,
}

/// One folder of notes.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// By the digits that are left of what they hang on. A broken tree may have a name twice.
    pub notes: HashMap<String, Vec<ObjectId>>,
    /// By two digits.
    pub folders: HashMap<String, ObjectId>,
    pub faults: Vec<Fault>,
}

impl Folder {
    /// The folder with these digits before it.
    pub fn read(repo: &Repo, id: ObjectId, prefix: &str) -> Result<Folder> {
        let left = id.kind().len_in_hex().saturating_sub(prefix.len());
        let tree = repo.gix.find_tree(id).context("the notes cannot be read")?;
        let mut folder = Folder::default();
        for entry in tree.iter() {
            let entry = entry.context("the notes cannot be read")?;
            let (kind, id) = (entry.mode().kind(), entry.object_id());
            let name = entry.filename().to_string();
            let is_hex = name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let why = match kind {
                EntryKind::Blob if is_hex && name.len() == left => {
                    folder.notes.entry(name).or_default().push(id);
                    continue;
                }
                EntryKind::Tree if is_hex && name.len() == 2 && prefix.len() < 2 * DEEPEST => {
                    if folder.folders.insert(name.clone(), id).is_none() {
                        continue;
                    }
                    "a folder that is there twice"
                }
                EntryKind::Tree => "a folder whose name is not two digits of an id",
                EntryKind::Blob => "a file whose name is not an id",
                _ => "neither a plain file nor a folder",
            };
            folder.faults.push(Fault { path: path(prefix, &name), why, id });
        }
        Ok(folder)
    }
}

/// Looks notes up one by one, and reads no folder twice.
#[derive(Debug, Default)]
pub(super) struct Lookup(RefCell<HashMap<(ObjectId, usize), Rc<Folder>>>);

impl Lookup {
    /// The notes on that object in a tree of notes.
    pub fn on(&self, repo: &Repo, tree: ObjectId, object: ObjectId) -> Result<Vec<ObjectId>> {
        let hex = object.to_string();
        let (mut found, mut next, mut at) = (Vec::new(), Some(tree), 0);
        while let Some(id) = next {
            let folder = self.folder(repo, id, &hex[..at])?;
            found.extend(folder.notes.get(&hex[at..]).into_iter().flatten());
            next = hex.get(at..at + 2).and_then(|digits| folder.folders.get(digits)).copied();
            at += 2;
        }
        Ok(found)
    }

    fn folder(&self, repo: &Repo, id: ObjectId, prefix: &str) -> Result<Rc<Folder>> {
        let key = (id, prefix.len());
        if let Some(known) = self.0.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let folder = Rc::new(Folder::read(repo, id, prefix)?);
        self.0.borrow_mut().insert(key, Rc::clone(&folder));
        Ok(folder)
    }
}

/// The folders of a tree that have been gone through. Two with the same content cannot be honest, since the
/// same objects would have to begin with other digits; a few trees could so stand for more notes than any
/// disk holds.
#[derive(Debug, Default)]
pub(super) struct Visited(HashSet<ObjectId>);

impl Visited {
    /// Whether that folder comes for the first time; else why it is skipped.
    pub fn first(&mut self, id: ObjectId, prefix: &str) -> Result<(), Fault> {
        match self.0.insert(id) {
            true => Ok(()),
            false => {
                Err(Fault { path: path(prefix, ""), why: "a folder that stands in another place too", id })
            }
        }
    }
}

/// Calls with every note in a tree, what it hangs on and its blob, and returns what else is there.
pub(super) fn walk(
    repo: &Repo,
    tree: ObjectId,
    mut each: impl FnMut(ObjectId, ObjectId) -> Result<()>,
) -> Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let (mut visited, mut folders) = (Visited::default(), vec![(String::new(), tree)]);
    let mut noted = HashSet::new();
    while let Some((prefix, id)) = folders.pop() {
        if let Err(fault) = visited.first(id, &prefix) {
            faults.push(fault);
            continue;
        }
        let mut folder = Folder::read(repo, id, &prefix)?;
        faults.append(&mut folder.faults);
        for (rest, blobs) in folder.notes {
            let Ok(on) = ObjectId::from_hex(format!("{prefix}{rest}").as_bytes()) else { continue };
            for id in blobs {
                if !noted.insert(on) {
                    faults.push(Fault { path: path(&prefix, &rest), why: SECOND, id });
                }
                each(on, id)?;
            }
        }
        folders.extend(folder.folders.into_iter().map(|(digits, id)| (prefix.clone() + &digits, id)));
    }
    Ok(faults)
}

/// `ab/cd/name`
pub(super) fn path(prefix: &str, name: &str) -> String {
    let digits = prefix.as_bytes().chunks(2).map(String::from_utf8_lossy);
    let mut path: String = digits.map(|digits| format!("{digits}/")).collect();
    path.push_str(name);
    path
}
