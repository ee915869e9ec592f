//! What an agent left in a worktree, as a tree.
//!
//! An agent can prepare its folder (`.git` file, nested repositories, submodule folders, hooks,
//! fsmonitor), so git is never run *by* that folder: it gets our own copy of the index from checkout
//! time, an explicit git directory, the settings of `view.rs`, and an explicit list of
//! paths. `git add` would not do: it asks `git status` inside every submodule folder, which runs what
//! that folder's config says. Files of nested repositories are collected like others, only their
//! `.git` is not. Attributes, filters, line ends and modes are as git has them.
//!
//! There are limits, because an agent knows none: a file of more than 100 MiB is left out and named (2 GiB
//! if the project has it already or a filter takes it, as for LFS), and more than 100,000 new files,
//! or five minutes of any git command, are an error ([`TooMuch`]) that fails the attempt and loses nothing.

use super::agent_refs::AgentRefs;
use super::contents::Contents;
use super::import::{self, AgentCommit};
use super::layers::Layers;
use super::left_out::{LARGEST, LARGEST_KNOWN, LeftOut, LeftOutReason, refuse_flood};
use super::scan::{self, PathKind, Scan, as_path, files_below, path_kind};
use super::scratch_index::ScratchIndex;
use super::upper::Upper;
use super::{TooMuch, Worktree, locate, repair, setup_changes, submodules};
use crate::domain::error::Result;
use crate::gate::store::{Repo, trees};
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;

/// The most bytes in files that are new or changed.
const TOTAL: u64 = 8 << 30;

/// What was found in a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// The tree of all that is not ignored, without what a setup changed.
    pub tree: ObjectId,
    /// How many paths differ from what the worktree was made from.
    pub changed: usize,
    /// What was left out and why.
    pub left_out: Vec<LeftOut>,
    /// What the agent has committed (or stashed) by itself, with content that the tree does not have.
    /// Keep them under a ref, or [`Worktree::mark_saved`] forgets them.
    pub commits: Vec<AgentCommit>,
    /// What the agent changed of that which decides about what git runs in the worktree, and was restored.
    pub repaired: Vec<String>,
    /// All tips of its own refs, which are settled once this is saved.
    pub(super) seen: Vec<ObjectId>,
}

type Paths = Vec<Vec<u8>>;

/// Writes its files into the object store.
pub(super) fn collect(worktree: &Worktree) -> Result<Collected> {
    if !worktree.is_there() {
        anyhow::bail!("its folder is gone");
    }
    if let Some(why) = locate::replaced(worktree)? {
        anyhow::bail!("{why}");
    }
    let repaired = repair::repair(worktree)?;
    let refs = match repaired.is_readable {
        true => import::import(worktree)?,
        false => AgentRefs { lost: vec![".git".into()], ..AgentRefs::default() },
    };
    let mut left_out: BTreeMap<Vec<u8>, LeftOutReason> =
        refs.lost.iter().map(|name| (name.clone().into_bytes(), LeftOutReason::Commits)).collect();
    let Found { index, odd, candidates, submodules } = match &worktree.layers {
        Some(layers) => found_in_layers(worktree, layers, refs.head)?,
        None => found_in_folder(worktree, refs.head)?,
    };
    let with_work = submodules::with_work(worktree, &submodules)?.into_iter();
    left_out.extend(with_work.map(|path| (path, LeftOutReason::InSubmodule)));
    left_out.extend(index.without_ignored(odd)?);
    let copied: HashSet<PathBuf> = worktree.record.copied()?.into_iter().collect();
    let (present, gone, unreadable) = sort(worktree, candidates, &copied);
    left_out.extend(unreadable.into_iter().map(|path| (path, LeftOutReason::Unreadable)));
    let (present, large) = within_limits(present, &index)?;
    left_out.extend(large.into_iter().map(|path| (path, LeftOutReason::TooLarge)));
    let (present, refused): (Paths, Paths) =
        present.into_iter().partition(|path| path != b".gitmodules" || submodules::are_sound(worktree));
    left_out.extend(refused.into_iter().map(|path| (path, LeftOutReason::Submodules)));
    // Before git reads them, so that what changes in between differs from this.
    let contents = Contents::read(&worktree.files(), present.iter().chain(&gone));
    // First what went: a file may have made room for a folder, or a folder for a file.
    index.update(&["--force-remove"], &gone)?;
    let mut failed = BTreeMap::new();
    for (path, reason, why) in index.update(&["--add", "--remove"], &present)? {
        left_out.insert(path.clone(), reason);
        failed.extend(why.map(|why| (path, why)));
    }
    let whole = index.write_tree()?;
    let repo = Repo::open(&worktree.parent.common)?;
    let commits = import::beyond(worktree, &refs, whole, &index, &copied)?;
    let tree = setup_changes::without(worktree, &repo, whole)?;
    let changed = trees::changed(&repo, repo.tree_of(worktree.base)?, tree)?.len();
    index.keep()?;
    // What is simple can be compared later without being collected again, see `unsaved`.
    let is_whole = left_out.is_empty() && submodules.is_empty();
    worktree.record.set_collected(contents.filter(|_| is_whole).map(|contents| (tree, contents)))?;
    let left_out =
        left_out.into_iter().map(|(path, reason)| LeftOut::new(&path, reason, failed.remove(&path)));
    let left_out = left_out.collect();
    let seen = refs.new.into_keys().collect();
    Ok(Collected { tree, changed, left_out, commits, repaired: repaired.changed, seen })
}

/// What was found to look at.
struct Found<'a> {
    index: ScratchIndex<'a>,
    /// What no tree can hold, and why; ignored or not.
    odd: BTreeMap<Vec<u8>, LeftOutReason>,
    /// Every path that may differ from the checkout.
    candidates: BTreeSet<Vec<u8>>,
    submodules: BTreeSet<Vec<u8>>,
}

/// What is changed, gone, new, and in nested repositories of a folder with all of the worktree's files.
fn found_in_folder(worktree: &Worktree, head: Option<ObjectId>) -> Result<Found<'_>> {
    let index = ScratchIndex::of_checkout(worktree)?;
    let submodules = index.submodules()?;
    let scan = Scan::new(&worktree.path, &submodules)?;
    // git would open them, and perhaps wait.
    for path in scan::traps(&scan.odd) {
        repair::set_aside(worktree, &worktree.path.join(as_path(path)))?;
    }
    let new = index.new_files()?;
    refuse_flood(new.len())?;
    let mut paths: BTreeSet<Vec<u8>> = index.changed_files()?.into_iter().collect();
    let mut nested = Vec::new();
    for path in new {
        match path.strip_suffix(b"/") {
            Some(repository) => nested.push(repository.to_vec()),
            None => drop(paths.insert(path)),
        }
    }
    for repository in nested {
        let files = files_below(&worktree.path, &repository)?;
        paths.extend(index.without_ignored(files.into_iter().map(|path| (path, ())).collect())?.into_keys());
    }
    paths.extend(committed(worktree, head)?);
    paths.retain(|path| !submodules.contains(path) && !submodules.iter().any(|sub| is_below(path, sub)));
    Ok(Found { index, odd: scan.odd, candidates: paths, submodules })
}

/// The same of a worktree with layers.
fn found_in_layers<'a>(worktree: &'a Worktree, layers: &Layers, head: Option<ObjectId>) -> Result<Found<'a>> {
    let Upper { touched, odd, .. } = Upper::of(worktree, layers)?;
    let candidates = touched.into_iter().chain(committed(worktree, head)?).collect();
    let index = ScratchIndex::of_paths(worktree, layers.base.tree()?, &candidates)?;
    Ok(Found { index, odd, candidates, submodules: BTreeSet::new() })
}

/// What the agent committed by itself, although it may be ignored.
fn committed(worktree: &Worktree, head: Option<ObjectId>) -> Result<Vec<Vec<u8>>> {
    let Some(head) = head else { return Ok(Vec::new()) };
    let repo = Repo::open(&worktree.parent.common)?;
    // A tag of a file leads to no tree.
    let Ok(tree) = repo.tree_of(head) else { return Ok(Vec::new()) };
    let changed = trees::changed(&repo, repo.tree_of(worktree.base)?, tree)?.into_iter();
    Ok(changed.filter(|one| one.status == 'A').map(|one| one.path).collect())
}

/// The files that are there with their sizes, what is gone, and what cannot be read.
fn sort(
    worktree: &Worktree,
    candidates: BTreeSet<Vec<u8>>,
    copied: &HashSet<PathBuf>,
) -> (Vec<(Vec<u8>, u64)>, Paths, Paths) {
    let (mut present, mut gone, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    let (files, mut real_folders) = (worktree.files(), HashSet::new());
    for path in candidates.into_iter().filter(|path| !copied.contains(as_path(path))) {
        match path_kind(&files, as_path(&path), &mut real_folders) {
            PathKind::File { size } => present.push((path, size)),
            PathKind::Unreadable => unreadable.push(path),
            PathKind::Nothing => gone.push(path),
        }
    }
    (present, gone, unreadable)
}

/// The files that are taken, and those that are too large for that.
fn within_limits(files: Vec<(Vec<u8>, u64)>, index: &ScratchIndex<'_>) -> Result<(Paths, Paths)> {
    let large: Paths =
        files.iter().filter(|(_, size)| *size > LARGEST).map(|(path, _)| path.clone()).collect();
    let mut known = BTreeSet::new();
    if !large.is_empty() {
        known = index.filtered(&large)?;
        known.extend(index.tracked(&large)?);
    }
    let (mut taken, mut left, mut total) = (Vec::new(), Vec::new(), 0);
    for (path, size) in files {
        if size <= if known.contains(&path) { LARGEST_KNOWN } else { LARGEST } {
            total += size;
            taken.push(path);
        } else {
            left.push(path);
        }
    }
    if total > TOTAL {
        let text = format!("{} GiB in new files; is something missing in .gitignore?", total >> 30);
        return Err(TooMuch(text).into());
    }
    Ok((taken, left))
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}
