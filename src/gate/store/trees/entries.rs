//! The files of a tree, one by one.

use crate::domain::error::Result;
use crate::gate::store::Repo;
use anyhow::Context;
use gix::ObjectId;

/// A regular file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub path: Vec<u8>,
    pub blob: ObjectId,
}

/// The regular files of a tree, but for what lies at or below names that `is_left_out` holds for; `None` if there
/// are more than `most`. Links and submodules are no files.
pub fn files_but(
    repo: &Repo,
    tree: ObjectId,
    most: usize,
    is_left_out: &dyn Fn(&[u8]) -> bool,
) -> Result<Option<Vec<FileEntry>>> {
    let mut files = Vec::new();
    let mut folders = vec![(Vec::new(), tree)];
    while let Some((path, id)) = folders.pop() {
        let folder =
            super::objects(repo).find_tree(id).with_context(|| format!("tree {id} cannot be read"))?;
        for entry in folder.iter() {
            let entry = entry.with_context(|| format!("tree {id} cannot be read"))?;
            if is_left_out(entry.filename()) {
                continue;
            }
            let path = [&path[..], entry.filename()].concat();
            if entry.mode().is_tree() {
                folders.push(([&path[..], b"/"].concat(), entry.object_id()));
            } else if entry.mode().is_blob() {
                files.push(FileEntry { path, blob: entry.object_id() });
            }
            // Folders count as well: a few that hold each other unpack to more than any memory holds.
            if files.len() + folders.len() > most {
                return Ok(None);
            }
        }
    }
    Ok(Some(files))
}

/// What a file holds; `None` if it is larger than that.
pub fn content(repo: &Repo, file: &FileEntry, largest: u64) -> Result<Option<Vec<u8>>> {
    let cannot = || format!("{} cannot be read", String::from_utf8_lossy(&file.path));
    let size = super::objects(repo).find_header(file.blob).with_context(cannot)?.size();
    if size > largest {
        return Ok(None);
    }
    Ok(Some(super::objects(repo).find_blob(file.blob).with_context(cannot)?.take_data()))
}
