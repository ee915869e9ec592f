//! Joining notes: the union of their lines, note by note, as git's `cat_sort_uniq` makes it.
//!
//! Not by `git notes merge`: with a common ancestor it would take a deletion on one side for the wish
//! of both, and records are only ever added. Two clones that join the same notes get the same tree.

use super::compare::{Difference, differences, whole};
use super::content::Content;
use super::order::in_order;
use super::write::in_turn;
use super::{index, notes_tree, state_of};
use crate::domain::error::Result;
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::{Expected, Repo};
use anyhow::Context;
use gix::ObjectId;
use gix::note::plumbing::State;
use std::collections::BTreeSet;

/// Takes what the notes at those tips have into the repository's own, and returns their tip; none where
/// there are no notes at all.
pub fn join(repo: &Repo, tips: &[ObjectId], reason: &str) -> Result<Option<ObjectId>> {
    in_turn(repo, || try_join(repo, tips, reason)).context("the notes cannot be joined")
}

fn try_join(repo: &Repo, tips: &[ObjectId], reason: &str) -> Result<Option<ObjectId>> {
    let own = repo.find_ref(NOTES_REF)?;
    let found = own.map_or(Ok(None), |tip| notes_tree(repo, tip))?;
    // What others could not take must not go to them.
    let mut state = state_of(repo, in_order(repo, found.unwrap_or_else(|| repo.empty_tree()), false)?)?;
    let mut parents: Vec<ObjectId> = own.filter(|_| found.is_some()).into_iter().collect();
    for tip in tips {
        // What is not notes at all has nothing to take.
        let Some(theirs) = notes_tree(repo, *tip)? else { continue };
        take(repo, &mut state, theirs)?;
        state.write(&repo.gix.objects).context("the notes cannot be written")?;
        let is_new = |parent: &ObjectId| Ok::<_, anyhow::Error>(!repo.is_ancestor(*tip, *parent)?);
        if parents.iter().map(is_new).collect::<Result<Vec<_>>>()?.into_iter().all(|is_new| is_new) {
            parents.push(*tip);
        }
    }
    let tree = state.root_tree_id();
    let new = match &parents[..] {
        [] => return Ok(None),
        // Nothing came.
        [only] if repo.tree_of(*only)? == tree => *only,
        // Nothing was here that they have not.
        [own, theirs] if repo.tree_of(*theirs)? == tree && repo.is_ancestor(*own, *theirs)? => *theirs,
        _ => repo.write_commit(tree, &parents, &format!("{reason}\n"))?,
    };
    if own != Some(new) {
        repo.set_ref(NOTES_REF, new, own.map_or(Expected::Missing, Expected::At), reason)?;
    }
    Ok(Some(new))
}

/// Takes what a tree of notes has and these notes lack.
fn take(repo: &Repo, state: &mut State, theirs: ObjectId) -> Result<()> {
    for Difference { on, old, new } in differences(repo, state.root_tree_id(), theirs)? {
        let is_text = |blob: &ObjectId| Ok::<_, anyhow::Error>(Content::read(repo, *blob)?.fault.is_none());
        let (old_text, new_text) = (whole(repo, &old)?, whole(repo, &new)?);
        let lines = |text: &str| -> BTreeSet<String> {
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
        };
        let (ours, theirs) = (lines(&old_text), lines(&new_text));
        let union = index::trimmed(&ours.union(&theirs).fold(String::new(), |text, line| text + line + "\n"));
        let union_lines = lines(&union);
        let blob = match (&old[..], &new[..]) {
            ([only], _) if union_lines == ours && is_text(only)? => continue,
            (_, [only]) if union_lines == theirs && is_text(only)? => *only,
            _ if union.is_empty() => continue,
            _ => repo.put_blob(union.as_ref()).context("a note cannot be written")?,
        };
        state.edit(on, Some(blob), &repo.gix.objects).context("the notes cannot be written")?;
    }
    Ok(())
}
