//! How many files a tree unpacks to.
//!
//! A tree of a few folders that hold each other ten times over unpacks to more files than any disk holds
//! (a "git bomb"), and a program that lists them runs out of memory. Here each folder is read once, however
//! often it is there.

use crate::domain::error::Result;
use crate::gate::store::Repo;
use anyhow::Context;
use gix::ObjectId;
use std::collections::HashMap;

/// The number of files, links and submodules in a tree, folders in folders included.
pub fn files(repo: &Repo, tree: ObjectId) -> Result<u64> {
    let mut counts: HashMap<ObjectId, u64> = HashMap::new();
    // A stack of our own, since trees may be nested without limit.
    let mut folders = vec![tree];
    while let Some(&id) = folders.last() {
        if counts.contains_key(&id) {
            folders.pop();
            continue;
        }
        let folder =
            super::objects(repo).find_tree(id).with_context(|| format!("tree {id} cannot be read"))?;
        let (mut count, before) = (0_u64, folders.len());
        for entry in folder.iter() {
            let entry = entry.with_context(|| format!("tree {id} cannot be read"))?;
            let inside = match entry.mode().is_tree() {
                true => counts.get(&entry.object_id()).copied(),
                false => Some(1),
            };
            match inside {
                Some(inside) => count = count.saturating_add(inside),
                None => folders.push(entry.object_id()),
            }
        }
        // Else those inside come first, and this one once more.
        if folders.len() == before {
            counts.insert(id, count);
        }
    }
    Ok(counts.get(&tree).copied().unwrap_or_default())
}
