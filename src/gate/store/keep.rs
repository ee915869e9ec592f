//! What was reviewed is kept from garbage collection until it is let in: `refs/flow-ai/keep/<id>`.
//!
//! A verdict is about two trees, and the gate merges them again when the topic was rebased: the branch
//! may be long gone by then. So each verdict has a commit of its own, made of nothing but what was
//! judged (its head tree; its parents the head commit and a commit of the base tree) and named by its
//! own id: every clone makes the same, and two never contradict each other.

use super::objects::nameless;
use super::{Expected, Repo};
use crate::domain::error::Result;
use crate::domain::verdict::Verdict;
use anyhow::Context;
use gix::ObjectId;
use std::collections::HashSet;

pub const KEPT: &str = "refs/flow-ai/keep/";

/// Something that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The full name of its ref.
    pub name: String,
    /// The commit that the ref is at.
    pub id: ObjectId,
    /// The commit that was judged, where there was one; and one of the base tree.
    pub parents: Vec<ObjectId>,
    /// When it was judged, in seconds since 1970.
    pub time: i64,
}

/// Keeps what a verdict is about. What is not here as a whole (a partial clone) cannot be kept.
pub fn keep(repo: &Repo, verdict: &Verdict) -> Result<()> {
    let Some(kept) = commit_of(repo, verdict)? else { return Ok(()) };
    let name = format!("{KEPT}{kept}");
    match repo.find_ref(&name)? {
        Some(_) => Ok(()),
        None => repo.set_ref(&name, kept, Expected::Missing, "keep what was judged"),
    }
}

/// The commit of what a verdict is about; `None` if that is not here as a whole.
fn commit_of(repo: &Repo, verdict: &Verdict) -> Result<Option<ObjectId>> {
    let (base, head, time) = (verdict.base_tree, verdict.head_tree, verdict.time.as_second());
    if repo.is_partial() || !(repo.has(base) && repo.has(head)) || head == repo.empty_tree() {
        return Ok(None);
    }
    let commit = verdict.head_commit.filter(|id| repo.has(*id));
    let mut parents: Vec<ObjectId> = commit.into_iter().collect();
    // The empty tree is known to git though it is not there: a commit of it would be broken.
    if base != repo.empty_tree() {
        parents.push(write(repo, base, Vec::new(), time, "The base of what was judged\n")?);
    }
    write(repo, head, parents, time, "What was judged\n").map(Some)
}

/// The refs of what belongs to these tips and these verdicts: what was judged of the tips' own history, unless
/// it is in what the other side has, and what the verdicts are about, whatever commits carry it by now.
pub fn belonging(
    repo: &Repo,
    tips: &[ObjectId],
    known: &[ObjectId],
    verdicts: &[Verdict],
) -> Result<Vec<String>> {
    let mut wanted = HashSet::new();
    for verdict in verdicts {
        wanted.extend(commit_of(repo, verdict)?);
    }
    let mut own = HashSet::new();
    for tip in tips {
        own.extend(repo.commits_between(known.iter().copied(), *tip)?.into_iter().map(|commit| commit.id));
    }
    let all = all(repo)?.into_iter();
    let belongs = |kept: &Kept| {
        wanted.contains(&kept.id) || kept.parents.first().is_some_and(|head| own.contains(head))
    };
    Ok(all.filter(belongs).map(|kept| kept.name).collect())
}

/// Everything that is kept; what stands among it and is nothing of the kind is left out.
pub fn all(repo: &Repo) -> Result<Vec<Kept>> {
    let mut all = Vec::new();
    for (name, id) in repo.refs(KEPT)? {
        if may_be_at(repo, &name, id)? {
            let commit = repo.commit(id)?;
            all.push(Kept { name, id, parents: commit.parents, time: commit.time });
        }
    }
    Ok(all)
}

/// Whether a ref may be there among what is kept: it is called by the id of a commit, and is at it.
pub fn may_be_at(repo: &Repo, name: &str, id: ObjectId) -> Result<bool> {
    Ok(name.strip_prefix(KEPT) == Some(&id.to_string()) && !repo.is_no_commit(id)?)
}

/// The refs among what is kept that may not be there.
pub fn misplaced(repo: &Repo) -> Result<Vec<(String, ObjectId)>> {
    let mut found = Vec::new();
    for (name, id) in repo.refs(KEPT)? {
        if !may_be_at(repo, &name, id)? {
            found.push((name, id));
        }
    }
    Ok(found)
}

/// Removes them.
pub fn remove_misplaced(repo: &Repo) -> Result<()> {
    let misplaced = misplaced(repo)?;
    match misplaced.is_empty() {
        true => Ok(()),
        // Another process may have done it.
        false => repo.delete_refs(&misplaced).or_else(|error| match self::misplaced(repo)?.is_empty() {
            true => Ok(()),
            false => Err(error),
        }),
    }
}

fn write(repo: &Repo, tree: ObjectId, parents: Vec<ObjectId>, time: i64, message: &str) -> Result<ObjectId> {
    let commit = nameless(tree, parents, time, message);
    repo.put(&commit).context("a commit cannot be written")
}
