//! Which paths differ between two trees: read by us, entry by entry, without a process.
//!
//! This list is what a reviewer must cover, so it is the authority: a path that it names and the
//! textual difference lacks is an error, never an omission. A tree that names an entry twice is
//! refused, since two programs would read it in two ways.

use crate::domain::error::Result;
use crate::domain::text::escape;
use anyhow::{Context, bail};
use gix::ObjectId;

/// The mode of a folder.
pub const FOLDER: u32 = 0o040_000;

/// The bits of a mode that tell a file, a link and a submodule apart.
const TYPE: u32 = 0o170_000;

/// The mode and object of an entry.
pub type Entry = (u32, ObjectId);

/// One path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The path as git has it; not always UTF-8.
    pub path: Vec<u8>,
    /// `A`, `M`, `D` or `T`.
    pub status: char,
    /// Mode and object before; none when added.
    pub old: Option<Entry>,
    /// Mode and object after; none when deleted.
    pub new: Option<Entry>,
}

impl Changed {
    /// The path for people and models, on one line: bytes that are no UTF-8 and characters that
    /// cannot be seen are written out (`<0xFF>`, `<U+202E>`).
    pub fn display(&self) -> String {
        display(&self.path)
    }

    fn new(path: Vec<u8>, old: Option<Entry>, new: Option<Entry>) -> Changed {
        let status = match (old, new) {
            (None, _) => 'A',
            (_, None) => 'D',
            (Some((before, _)), Some((after, _))) if before & TYPE != after & TYPE => 'T',
            _ => 'M',
        };
        Changed { path, status, old, new }
    }
}

/// Whether a mode is that of a regular file, the odd ones of old trees included.
pub fn is_regular(mode: u32) -> bool {
    mode & TYPE == 0o100_000
}

/// A path on one line with nothing hidden in it.
pub(super) fn display(path: &[u8]) -> String {
    escape::for_review(path).0.replace('\n', "<U+000A>").replace('\t', "<U+0009>")
}

/// The paths that differ, sorted.
pub(super) fn between(gix: &gix::Repository, base: ObjectId, head: ObjectId) -> Result<Vec<Changed>> {
    let mut changed = Vec::new();
    // Folders still to be compared; a stack of our own, since trees may be nested without limit.
    let mut folders = vec![(Vec::new(), Some(base), Some(head))];
    while let Some((path, old, new)) = folders.pop() {
        if old == new {
            continue;
        }
        let (old, new) = (tree(gix, old)?, tree(gix, new)?);
        for (name, before, after) in differing(&entries(old.as_ref())?, &entries(new.as_ref())?) {
            let path = join(&path, name);
            let folder = |entry: Option<Entry>| entry.filter(|(mode, _)| *mode == FOLDER);
            let file = |entry: Option<Entry>| entry.filter(|(mode, _)| *mode != FOLDER);
            if file(before).is_some() || file(after).is_some() {
                changed.push(Changed::new(path.clone(), file(before), file(after)));
            }
            if folder(before).is_some() || folder(after).is_some() {
                folders.push((path, folder(before).map(|(_, id)| id), folder(after).map(|(_, id)| id)));
            }
        }
    }
    changed.sort_by(|one, two| one.path.cmp(&two.path));
    Ok(changed)
}

fn tree(gix: &gix::Repository, id: Option<ObjectId>) -> Result<Option<gix::Tree<'_>>> {
    id.map(|id| gix.find_tree(id).with_context(|| format!("tree {id} cannot be read"))).transpose()
}

/// A folder's entries, sorted by name; git sorts folders as if their names ended with a slash.
fn entries<'t>(tree: Option<&'t gix::Tree<'_>>) -> Result<Vec<(&'t [u8], Entry)>> {
    let Some(tree) = tree else { return Ok(Vec::new()) };
    let read = gix::objs::TreeRefIter::from_bytes(&tree.data, tree.id.kind());
    let read = read.map(|entry| {
        let entry = entry.with_context(|| format!("tree {} cannot be read", tree.id))?;
        Ok((entry.filename.as_ref(), (u32::from(entry.mode.value()), entry.oid.to_owned())))
    });
    let mut entries = read.collect::<Result<Vec<(&[u8], Entry)>>>()?;
    entries.sort_unstable_by_key(|(name, _)| *name);
    if let Some(twice) = entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let name = display(twice[0].0);
        bail!("tree {} names {name} twice, so it cannot be told what it holds", tree.id);
    }
    Ok(entries)
}

/// By name, what two folders do not have alike.
fn differing<'t>(
    old: &[(&'t [u8], Entry)],
    new: &[(&'t [u8], Entry)],
) -> Vec<(&'t [u8], Option<Entry>, Option<Entry>)> {
    let (mut old, mut new) = (old.iter().peekable(), new.iter().peekable());
    let mut differing = Vec::new();
    while let Some(name) = [old.peek(), new.peek()].into_iter().flatten().map(|(name, _)| *name).min() {
        let before = old.next_if(|(one, _)| *one == name).map(|(_, entry)| *entry);
        let after = new.next_if(|(one, _)| *one == name).map(|(_, entry)| *entry);
        if before != after {
            differing.push((name, before, after));
        }
    }
    differing
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = folder.to_vec();
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}
