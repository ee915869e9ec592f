//! The notes are about to move: verdicts are only ever added, so a state that has lost one is refused, and so
//! is one that holds what is no note.
//!
//! A forced fetch, `git notes remove`, `git notes prune` and two `git notes add` at once lose records
//! without a word. That the whole ref is deleted cannot be told from its being packed, and passes; what
//! was pushed is then still read from the copy (see [`crate::gate::store::verdicts`]).

use super::{HookAnswer, Refused};
use crate::domain::error::Result;
use crate::domain::verdict::NOTES_REF;
use crate::gate::store::Repo;
use crate::gate::store::verdicts::{self, Lost};
use anyhow::Context;
use gix::ObjectId;

/// What a refusal says of notes that lack a record.
pub(crate) const LOSES: &str = "would lose what was decided";

/// How many lost verdicts are named.
const NAMED: usize = 5;

/// Whether the notes may become that.
pub(super) fn moving(new: &str) -> Result<HookAnswer> {
    let repo = Repo::discover()?;
    let new: ObjectId = new.parse().with_context(|| format!("`{new}` is no object id"))?;
    let old = repo.find_ref(NOTES_REF)?;
    Ok(refused(&repo, old, new)?.map_or(HookAnswer::Pass, HookAnswer::Refuse))
}

/// Why the notes may not become that; `None` if they may.
pub(super) fn refused(repo: &Repo, old: Option<ObjectId>, new: ObjectId) -> Result<Option<Refused>> {
    if let Some(old) = old
        && let Some(refused) = losing(repo, old, new)?
    {
        return Ok(Some(refused));
    }
    malformed(repo, old, new)
}

/// What nobody can read as notes stays out: some readers stop at it, and then no verdict is found.
fn malformed(repo: &Repo, old: Option<ObjectId>, new: ObjectId) -> Result<Option<Refused>> {
    let faults = verdicts::faults(repo, old, new)?;
    if faults.is_empty() {
        return Ok(None);
    }
    let named = some_of(faults.iter().cloned());
    Ok(Some(Refused {
        why: format!("{NOTES_REF} would hold what is no note: {named}"),
        blocking: Vec::new(),
        fix: vec![
            "to put your own in order: git flow-ai clean".to_owned(),
            "to exchange verdicts with a remote: git flow-ai sync".to_owned(),
        ],
    }))
}

/// Why the notes may not go from one tip to another; none where nothing is lost.
fn losing(repo: &Repo, old: ObjectId, new: ObjectId) -> Result<Option<Refused>> {
    let lost = verdicts::lost(repo, old, new)?;
    if lost.is_empty() {
        return Ok(None);
    }
    let named = some_of(lost.iter().map(describe));
    Ok(Some(Refused {
        why: format!("{NOTES_REF} {LOSES}: {named}"),
        blocking: Vec::new(),
        fix: vec![
            "to take in a remote's verdicts and keep your own: git flow-ai sync".to_owned(),
            "to take a verdict back, have the change judged again: the newest of a reviewer counts"
                .to_owned(),
        ],
    }))
}

/// The first of these, and how many more there are.
fn some_of(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let mut named: Vec<String> = all.take(NAMED).collect();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join("; ")
}

/// `REQUEST CHANGES by codex (openai) on 3 files, …, on 1234567890`
fn describe(lost: &Lost) -> String {
    format!("{}, on {}", lost.headline(), lost.on.to_hex_with_len(10))
}
