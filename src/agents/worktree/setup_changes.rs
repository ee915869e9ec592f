//! What a setup or a test command changed in a worktree, which is not the work of its agent.
//!
//! `setup` in the worktree's record says that a setup is under way, then which paths it changed and how. Collected is
//! what differs from that: a path that is still as the command left it counts as if it had not been touched.

use super::Worktree;
use super::scan::as_path;
use crate::domain::error::Result;
use crate::gate::store::trees::{self, Entry};
use crate::gate::store::{Repo, trees::Changed};
use anyhow::Context;
use gix::ObjectId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

const FILE: &str = "setup";

/// How far the setup of a worktree is.
#[derive(Debug, Serialize, Deserialize)]
enum Setup {
    /// What is there may be half made, and nobody has worked in it.
    Begun,
    Done(Vec<Change>),
}

/// A path that the setup changed. Objects are named in hex, and need not be there any more.
#[derive(Debug, Serialize, Deserialize)]
struct Change {
    path: Vec<u8>,
    before: Option<(u32, String)>,
    after: Option<(u32, String)>,
}

/// Remembers that a setup is about to run.
pub(super) fn begin(worktree: &Worktree) -> Result<()> {
    write(worktree, &Setup::Begun)
}

/// Whether a setup was begun that did not end.
pub(super) fn is_under_way(worktree: &Worktree) -> bool {
    !matches!(read(worktree), Ok(None | Some(Setup::Done(_))))
}

/// Remembers what the setup has changed. Returns the files of the commit among that.
pub(super) fn end(worktree: &Worktree) -> Result<Vec<PathBuf>> {
    let collected = worktree.collect().context("cannot tell what the setup changed")?;
    let repo = Repo::open(&worktree.parent.common)?;
    let changed = trees::changed(&repo, repo.tree_of(worktree.base)?, collected.tree)?;
    let known = changed.iter().filter(|one| one.old.is_some()).map(|one| as_path(&one.path).to_owned());
    let known = known.collect();
    write(worktree, &Setup::Done(changed.into_iter().map(Change::from).collect()))?;
    worktree.mark_saved(&collected)?;
    // What is saved is compared with what is collected from now on, which has nothing of it.
    worktree.record.set_saved(repo.tree_of(worktree.base)?)?;
    Ok(known)
}

/// Remembers what came and went between these trees of the worktree's files, by a command that is not the agent's.
pub(super) fn add(worktree: &Worktree, from: ObjectId, to: ObjectId) -> Result<()> {
    let repo = Repo::open(&worktree.parent.common)?;
    let changed = trees::changed(&repo, from, to)?.into_iter();
    let new: Vec<Change> =
        changed.filter(|one| one.old.is_none() || one.new.is_none()).map(Change::from).collect();
    if new.is_empty() {
        return Ok(());
    }
    let mut changes = match read(worktree)? {
        Some(Setup::Done(changes)) => changes,
        Some(Setup::Begun) | None => Vec::new(),
    };
    changes.retain(|known| !new.iter().any(|one| one.path == known.path));
    changes.extend(new);
    write(worktree, &Setup::Done(changes))
}

/// Forgets that one is under way: what it made is elsewhere.
pub(super) fn forget(worktree: &Worktree) -> Result<()> {
    write(worktree, &Setup::Done(Vec::new()))
}

/// That tree of the worktree's files without what is still as the setup left it.
pub(super) fn without(worktree: &Worktree, repo: &Repo, tree: ObjectId) -> Result<ObjectId> {
    let Some(Setup::Done(changes)) = read(worktree)? else { return Ok(tree) };
    let mut back: BTreeMap<Vec<u8>, Option<Entry>> = BTreeMap::new();
    for Change { path, before, after } in changes {
        let now = trees::entry(repo, tree, &path)?;
        if now.map(named) == after {
            back.insert(path, before.map(entry).transpose()?);
        }
    }
    if back.is_empty() { Ok(tree) } else { trees::edit(repo, tree, &back) }
}

impl From<Changed> for Change {
    fn from(changed: Changed) -> Change {
        Change { path: changed.path, before: changed.old.map(named), after: changed.new.map(named) }
    }
}

fn named((mode, id): Entry) -> (u32, String) {
    (mode, id.to_string())
}

fn entry((mode, id): (u32, String)) -> Result<Entry> {
    Ok((mode, ObjectId::from_hex(id.as_bytes())?))
}

fn read(worktree: &Worktree) -> Result<Option<Setup>> {
    let path = worktree.record.scratch(FILE);
    match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        text => {
            let context = || format!("cannot read {}", path.display());
            serde_json::from_slice(&text.with_context(context)?).map(Some).with_context(context)
        }
    }
}

/// Written aside and renamed, so that a reader after a kill sees all of it or nothing.
fn write(worktree: &Worktree, setup: &Setup) -> Result<()> {
    let (path, aside) = (worktree.record.scratch(FILE), worktree.record.scratch("setup.new"));
    let written = fs::write(&aside, serde_json::to_vec(setup)?).and_then(|()| fs::rename(&aside, &path));
    written.with_context(|| format!("cannot write {}", path.display()))
}
