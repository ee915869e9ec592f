//! Trees that git itself calls invalid, in what an update brings.
//!
//! `git fsck` complains of them and a checkout refuses them, or worse, writes outside of the working tree:
//! entries called `..`, `.git` in any disguise of a file system, `a/b`, nothing at all, twice or out of
//! order; an object of no id; a `.gitmodules` that is a link, or gives git options and commands. Odd modes of
//! old programs are none of these. Only what is new is looked at: a repository that has had such an entry
//! for years is not locked by it.

mod modules;

pub use modules::is_submodule_name;

use super::objects;
use crate::domain::error::Result;
use crate::domain::text::escape;
use crate::gate::store::Repo;
use anyhow::Context;
use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::objs::TreeRef;
use gix::objs::tree::{EntryRef, name_order};
use gix::validate::path::component::{self, Mode, Options};
use std::cmp::Ordering;
use std::collections::HashSet;

/// As git asks everywhere: a repository is cloned to other systems. Names that only Windows cannot have
/// (`aux`) are no fault for git.
const NAMES: Options = Options { protect_windows: false, protect_hfs: true, protect_ntfs: true };

/// The longest line, and the largest file, of attributes that git reads.
const ATTRIBUTES: (usize, u64) = (2048, 100 << 20);

/// Something that git calls invalid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The path, as it can be shown.
    pub path: String,
    pub why: &'static str,
}

/// Looks at trees, at each once.
#[derive(Debug)]
pub struct Validator<'a> {
    repo: &'a Repo,
    seen: HashSet<ObjectId>,
}

impl<'a> Validator<'a> {
    /// One that has seen nothing yet.
    pub fn new(repo: &'a Repo) -> Validator<'a> {
        Validator { repo, seen: HashSet::new() }
    }

    /// The first thing that is invalid in a tree and in none of those that it was made from.
    pub fn first_invalid(&mut self, tree: ObjectId, from: &[ObjectId]) -> Result<Option<Invalid>> {
        // A stack of our own, since trees may be nested without limit.
        let mut folders = vec![(Vec::new(), tree, from.to_vec())];
        while let Some((path, id, from)) = folders.pop() {
            if from.contains(&id) || !self.seen.insert(id) {
                continue;
            }
            let read = |id: ObjectId| {
                let tree = objects(self.repo).find_tree(id);
                Ok::<_, anyhow::Error>(
                    tree.with_context(|| format!("tree {id} cannot be read"))?.detach().data,
                )
            };
            let data = read(id)?;
            let entries = decode(id, &data)?;
            if let Some(why) = disorder(&entries) {
                return Ok(Some(Invalid { path: shown(&path, b""), why }));
            }
            let before = from.iter().map(|id| read(*id)).collect::<Result<Vec<_>>>()?;
            let before: Vec<Vec<EntryRef<'_>>> =
                from.iter().zip(&before).map(|(id, data)| decode(*id, data)).collect::<Result<_>>()?;
            for entry in new(&entries, &before) {
                let was: Vec<&EntryRef<'_>> =
                    before.iter().filter_map(|folder| find(folder, entry)).collect();
                if let Some(why) = self.fault(entry, &was)? {
                    return Ok(Some(Invalid { path: shown(&path, entry.filename), why }));
                }
                if entry.mode.is_tree() {
                    let below = was.iter().filter(|was| was.mode.is_tree()).map(|was| was.oid.to_owned());
                    let path = [&path[..], entry.filename, b"/"].concat();
                    folders.push((path, entry.oid.to_owned(), below.collect()));
                }
            }
        }
        Ok(None)
    }

    /// What is wrong with an entry that differs from those of its name before.
    fn fault(&self, entry: &EntryRef<'_>, was: &[&EntryRef<'_>]) -> Result<Option<&'static str>> {
        if entry.oid.is_null() {
            return Ok(Some("it has no object"));
        }
        if was.is_empty()
            && let Some(why) = name_fault(entry.filename)
        {
            return Ok(Some(why));
        }
        if is_modules(entry.filename) {
            return match (entry.mode.is_link(), entry.mode.is_blob()) {
                (true, _) if was.iter().any(|was| was.mode.is_link()) => Ok(None),
                (true, _) => Ok(Some("git reads no `.gitmodules` that is a symbolic link")),
                (_, true) => Ok(modules::fault(&self.blob(entry)?)),
                _ => Ok(Some("git reads no `.gitmodules` but a file")),
            };
        }
        if entry.mode.is_blob() && entry.filename.eq_ignore_ascii_case(b".gitattributes") {
            let text = self.blob(entry)?;
            let is_long =
                text.len() as u64 > ATTRIBUTES.1 || text.lines().any(|line| line.len() > ATTRIBUTES.0);
            return Ok(is_long.then_some("git does not read attributes of that length"));
        }
        Ok(None)
    }

    fn blob(&self, entry: &EntryRef<'_>) -> Result<Vec<u8>> {
        let blob = objects(self.repo).find_blob(entry.oid);
        Ok(blob.with_context(|| format!("blob {} cannot be read", entry.oid))?.detach().data)
    }
}

fn decode(id: ObjectId, data: &[u8]) -> Result<Vec<EntryRef<'_>>> {
    Ok(TreeRef::from_bytes(data, id.kind()).with_context(|| format!("tree {id} cannot be read"))?.entries)
}

/// What is wrong with the entries as a whole.
fn disorder(entries: &[EntryRef<'_>]) -> Option<&'static str> {
    let mut names = HashSet::new();
    if !entries.iter().all(|entry| names.insert(entry.filename)) {
        return Some("the folder names an entry twice");
    }
    let in_order = entries.windows(2).all(|pair| order(&pair[0], &pair[1]) == Ordering::Less);
    (!in_order).then_some("the folder's entries are not sorted")
}

/// The entries that are not the same in one of the folders before. All are sorted, as a rule: where one is
/// not, more entries are taken for new.
fn new<'e, 't>(entries: &'e [EntryRef<'t>], before: &[Vec<EntryRef<'_>>]) -> Vec<&'e EntryRef<'t>> {
    let mut left: Vec<&EntryRef<'_>> = entries.iter().collect();
    for folder in before {
        let mut folder = folder.iter().peekable();
        left.retain(|entry| {
            while folder.next_if(|was| order(was, entry) == Ordering::Less).is_some() {}
            folder.peek().is_none_or(|was| was != entry)
        });
    }
    left
}

/// What had that name in a folder, whatever it was.
fn find<'e, 't>(folder: &'e [EntryRef<'t>], entry: &EntryRef<'_>) -> Option<&'e EntryRef<'t>> {
    folder.iter().find(|was| was.filename == entry.filename)
}

fn order(one: &EntryRef<'_>, other: &EntryRef<'_>) -> Ordering {
    name_order(one.filename, one.mode.is_tree(), other.filename, other.mode.is_tree())
}

fn name_fault(name: &BStr) -> Option<&'static str> {
    // NTFS reads what follows a backslash as a name of its own.
    let parts = name.split(|byte| *byte == b'\\').enumerate();
    for (at, part) in parts {
        match gix::validate::path::component(part.as_bstr(), None, NAMES) {
            Err(component::Error::DotGitDir) => return Some("a file system takes it for `.git`"),
            Err(_) if at > 0 || part.len() != name.len() => {}
            Err(component::Error::Empty) => return Some("it has no name"),
            Err(component::Error::Relative) => return Some("it leads to another folder"),
            Err(component::Error::PathSeparator) => return Some("it is a path instead of a name"),
            Err(_) => return Some("no entry can have that name"),
            Ok(_) => {}
        }
    }
    if name.contains(&b'/') {
        return Some("it is a path instead of a name");
    }
    None
}

/// Whether a file of a tree can have that name.
pub fn is_name(name: &[u8]) -> bool {
    name_fault(name.as_bstr()).is_none()
}

/// The first entry of a folder that git would not check out, and why.
pub(super) fn not_checked_out<'t>(entries: &[EntryRef<'t>]) -> Option<(&'t [u8], &'static str)> {
    if let Some(why) = disorder(entries) {
        return Some((b"", why));
    }
    let fault = |entry: &EntryRef<'_>| match name_fault(entry.filename) {
        None if entry.mode.is_link() && is_modules(entry.filename) => {
            Some("git reads no `.gitmodules` that is a symbolic link")
        }
        fault => fault,
    };
    entries.iter().find_map(|entry| Some((entry.filename.as_bytes(), fault(entry)?)))
}

/// Whether a file system takes that name for `.gitmodules`.
fn is_modules(name: &BStr) -> bool {
    let as_link = gix::validate::path::component(name, Some(Mode::Symlink), NAMES);
    matches!(as_link, Err(component::Error::SymlinkedGitModules))
}

fn shown(folder: &[u8], name: &[u8]) -> String {
    let path = [folder, name].concat();
    let path = if path.is_empty() { b"/".to_vec() } else { path };
    escape::for_review(&path).0.replace('\n', "<U+000A>").replace('\t', "<U+0009>")
}
