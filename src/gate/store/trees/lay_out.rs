//! Laying out a tree as files in a folder, for whoever needs one outside of a checkout.
//!
//! Whoever pushes a branch chooses its trees, and can give an entry any name. What git would refuse to check
//! out is refused here: a name that is a path, leads elsewhere or passes for `.git` on some file system, a
//! name twice. So is a symbolic link that may lead out.

use super::invalid;
use crate::domain::error::Result;
use crate::domain::text::escape;
use crate::gate::store::Repo;
use crate::system::fs::Inside;
use anyhow::{Context, bail};
use gix::ObjectId;
use gix::bstr::ByteSlice;
use gix::objs::tree::EntryKind;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The most entries of a tree: folders that hold each other unpack to more than any memory holds.
const MOST: usize = 1_000_000;

/// Writes the files of a tree for which `is_wanted` holds (asked with their paths) below a folder that is there.
///
/// # Errors
/// If any entry of the tree is one that git would not check out, wanted or not: what else is wrong with such a
/// tree is not known.
pub fn lay_out(repo: &Repo, tree: ObjectId, to: &Path, is_wanted: impl Fn(&[u8]) -> bool) -> Result<()> {
    let inside = Inside::open(to).with_context(|| format!("cannot open {}", to.display()))?;
    for (path, kind, id) in entries(repo, tree)? {
        if !is_wanted(&path) {
            continue;
        }
        let at = Path::new(OsStr::from_bytes(&path));
        let written = match kind {
            EntryKind::Blob => inside.write(at, &blob(repo, id)?, 0o666),
            EntryKind::BlobExecutable => inside.write(at, &blob(repo, id)?, 0o777),
            EntryKind::Link => inside.link(at, Path::new(OsStr::from_bytes(&blob(repo, id)?))),
            // As git does with a submodule that is not filled.
            EntryKind::Commit | EntryKind::Tree => inside.create_dir(at),
        };
        written.with_context(|| format!("cannot write {} in {}", shown(&path), to.display()))?;
    }
    Ok(())
}

/// All that is in a tree but its folders, once it is known that git would check it out.
fn entries(repo: &Repo, tree: ObjectId) -> Result<Vec<(Vec<u8>, EntryKind, ObjectId)>> {
    let (mut entries, mut folders) = (Vec::new(), vec![(Vec::new(), tree)]);
    while let Some((folder, id)) = folders.pop() {
        let tree = super::objects(repo).find_tree(id).with_context(|| format!("tree {id} cannot be read"))?;
        let tree = tree.decode().with_context(|| format!("tree {id} cannot be read"))?;
        if let Some((name, why)) = invalid::not_checked_out(&tree.entries) {
            bail!("git would not check out {}: {why}", shown(&[&folder[..], name].concat()));
        }
        for entry in tree.entries {
            let path = [&folder[..], entry.filename.as_bytes()].concat();
            match entry.mode.kind() {
                EntryKind::Tree => folders.push(([&path[..], b"/"].concat(), entry.oid.to_owned())),
                kind => entries.push((path, kind, entry.oid.to_owned())),
            }
            if entries.len() + folders.len() > MOST {
                bail!("the tree has more than {MOST} entries");
            }
        }
    }
    Ok(entries)
}

fn blob(repo: &Repo, id: ObjectId) -> Result<Vec<u8>> {
    let blob = super::objects(repo).find_blob(id).with_context(|| format!("blob {id} cannot be read"))?;
    Ok(blob.detach().data)
}

/// A path as a message can hold it.
fn shown(path: &[u8]) -> String {
    format!("`{}`", escape::for_review(path).0)
}
