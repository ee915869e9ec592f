//! Notes whose tree git or its libraries refuse, or that are partly no text, in a form that every reader takes.
//!
//! Every record stays: what two notes on one object say becomes one note, and what no reader takes for a note
//! is left out. A tree that is in order stays as it is.

use super::compare::whole;
use super::content::Content;
use super::layout::walk;
use super::state_of;
use crate::domain::error::Result;
use crate::gate::store::Repo;
use anyhow::Context;
use gix::ObjectId;
use std::collections::{BTreeMap, BTreeSet};

/// The same notes in a tree that every reader takes. Only on demand is each note read.
pub(super) fn in_order(repo: &Repo, tree: ObjectId, reads_all: bool) -> Result<ObjectId> {
    let mut notes: BTreeMap<ObjectId, Vec<ObjectId>> = BTreeMap::new();
    let faults = walk(repo, tree, |on, blob| {
        notes.entry(on).or_default().push(blob);
        Ok(())
    })?;
    let mut is_in_order = faults.is_empty();
    let mut ordered = Vec::new();
    for (on, blobs) in notes {
        let is_broken = |blob: &ObjectId| {
            Ok::<_, anyhow::Error>(reads_all && Content::read(repo, *blob)?.fault.is_some())
        };
        match &blobs[..] {
            [only] if !is_broken(only)? => ordered.push((on, *only)),
            _ => {
                is_in_order = false;
                let text = union(&whole(repo, &blobs)?);
                if !text.is_empty() {
                    let blob = repo.gix.write_blob(&text).context("a note cannot be written")?;
                    ordered.push((on, blob.detach()));
                }
            }
        }
    }
    if is_in_order {
        return Ok(tree);
    }
    let mut state = state_of(repo, repo.empty_tree())?;
    for (on, blob) in ordered {
        state.edit(on, Some(blob), &repo.gix.objects).context("the notes cannot be written")?;
    }
    state.write(&repo.gix.objects).context("the notes cannot be written")
}

/// Each line once, in an order that does not depend on who joins.
fn union(text: &str) -> String {
    let lines: BTreeSet<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    lines.into_iter().fold(String::new(), |text, line| text + line + "\n")
}
