//! Writing verdicts: by compare-and-swap, in turn, so that no writer of many loses one.
//!
//! git's own `notes add` writes without an expected old value and loses most records of parallel
//! writers in silence; this never shells out to it. Writers of ours wait for each other at a file
//! lock, which dies with its process; only one that does not know it can still come between, and then
//! the compare-and-swap fails and is tried again.

use super::content::{Content, LARGEST};
use super::order::in_order;
use super::{index, notes_tree, state_of};
use crate::domain::error::{Hint, Result, hint, hint_on};
use crate::domain::verdict::{NOTES_REF, TestRecord, Verdict, record, test_record};
use crate::gate::store::written::again_if_gone;
use crate::gate::store::{Conflict, Expected, Repo, keep};
use crate::system::fs::lock;
use anyhow::Context;
use gix::ObjectId;
use gix::note::plumbing::State;
use std::time::Duration;

/// How often a writer tries before it gives up, where others write that know no turns.
const TRIES: u32 = 50;

/// How long a writer waits for its turn before it tries without: the lock is a courtesy, and whoever
/// holds it for so long has been stopped.
const TURN: Duration = Duration::from_secs(60);

/// How much room a note has to have before somebody is paid for a record on it.
const ROOM: usize = 1 << 20;

/// How much longer a writer waits with each attempt, in milliseconds.
const ONE_MORE: u64 = 8;

/// Appends a record to the note of that object, and keeps what it is about; a record that is there
/// already is not repeated.
pub fn append(repo: &Repo, on: ObjectId, verdict: &Verdict) -> Result<()> {
    let text = record::encode(verdict)?;
    let reason = format!("{} on {}", verdict.decision, on.to_hex_with_len(12));
    let append = || {
        keep::keep(repo, verdict)?;
        in_turn(repo, || try_append(repo, on, &text, &reason, |state| index::add(repo, state, on, verdict)))
    };
    append().context("the verdict cannot be recorded")
}

/// Appends a test record to the note of its tree.
pub fn append_test(repo: &Repo, record: &TestRecord) -> Result<()> {
    let text = test_record::encode(record)?;
    let outcome = if record.passed() { "passed" } else { "failed" };
    let reason = format!("Test {outcome} on {}", record.tree.to_hex_with_len(12));
    in_turn(repo, || try_append(repo, record.tree, &text, &reason, |_| Ok(())))
        .context("the test record cannot be written")
}

/// Does a change of the notes, again while others come between.
pub(super) fn in_turn<T>(repo: &Repo, mut change: impl FnMut() -> Result<T>) -> Result<T> {
    // No spec's name begins with a dot. Some file systems have no locks: then compare-and-swap alone must do.
    let _turn = lock::try_take(&repo.own_dir()?.join("locks/.notes.lock"), TURN);
    let mut attempt = 1;
    loop {
        match again_if_gone(&mut change) {
            Err(error) if error.chain().any(|cause| cause.is::<Conflict>()) => {
                if attempt >= TRIES {
                    return Err(blocked(error));
                }
                std::thread::sleep(pause(attempt, ONE_MORE)?);
                attempt += 1;
            }
            other => return other,
        }
    }
}

/// Reads the notes, adds the text and what leads to it, moves the ref unless another process has.
fn try_append(
    repo: &Repo,
    on: ObjectId,
    text: &str,
    reason: &str,
    lead: impl FnOnce(&mut State) -> Result<()>,
) -> Result<()> {
    let tip = repo.find_ref(NOTES_REF)?;
    let found = tip.map_or(Ok(None), |tip| notes_tree(repo, tip))?;
    let tree = found.unwrap_or_else(|| repo.empty_tree());
    // A tree that is not in order may be one whose writing never ends.
    let Some(tree) = with(repo, in_order(repo, tree, false)?, on, text, lead)? else { return Ok(()) };
    let parents: Vec<ObjectId> = tip.filter(|_| found.is_some()).into_iter().collect();
    let commit = repo.write_commit(tree, &parents, &format!("{reason}\n"))?;
    repo.set_ref(NOTES_REF, commit, tip.map_or(Expected::Missing, Expected::At), reason)
}

/// The tree with that text added, and what leads to it; `None` if it is there already.
fn with(
    repo: &Repo,
    tree: ObjectId,
    on: ObjectId,
    text: &str,
    lead: impl FnOnce(&mut State) -> Result<()>,
) -> Result<Option<ObjectId>> {
    let mut state = state_of(repo, tree)?;
    let old = state.get(&on, &repo.gix.objects).context("the notes cannot be read")?;
    let mut note = match old {
        // Behind what is no text, or too much, a record would not be read.
        Some(blob) => Content::read(repo, blob)?.text.into_bytes(),
        None => Vec::new(),
    };
    let lines = |text: &[u8], wanted: &[u8]| text.split(|byte| *byte == b'\n').any(|line| line == wanted);
    let record = text.trim_end().rsplit('\n').next().unwrap_or_default();
    if lines(&note, record.as_bytes()) {
        return Ok(None);
    }
    if !note.is_empty() && !note.ends_with(b"\n") {
        note.push(b'\n');
    }
    note.extend_from_slice(text.as_bytes());
    if note.len() > LARGEST {
        return Err(full(on));
    }
    let blob = repo.put_blob(&note).context("a note cannot be written")?;
    lead(&mut state)?;
    state.edit(on, Some(blob), &repo.gix.objects).context("the notes cannot be written")?;
    state.write(&repo.gix.objects).map(Some).context("the notes cannot be written")
}

/// Whether there is room on that object for a record of a usual size: an error where there is none.
pub fn room(repo: &Repo, on: ObjectId) -> Result<()> {
    let Some(tip) = repo.find_ref(NOTES_REF)? else { return Ok(()) };
    let Some(tree) = notes_tree(repo, tip)? else { return Ok(()) };
    let mut state = state_of(repo, in_order(repo, tree, false)?)?;
    let found = state.get(&on, &repo.gix.objects).context("the notes cannot be read")?;
    let length = found.map_or(Ok(0), |blob| Content::read(repo, blob).map(|note| note.text.len()))?;
    if length + ROOM > LARGEST { Err(full(on)) } else { Ok(()) }
}

/// A note whose end nobody would read.
fn full(on: ObjectId) -> anyhow::Error {
    let short = on.to_hex_with_len(10);
    hint(
        format!("the note of {short} is full: a record behind its first 32 MiB would be read by nobody"),
        "have the change judged as another commit: git commit --amend --no-edit --date=now",
    )
}

/// A random pause of up to so many milliseconds an attempt, so that writers do not meet again.
pub fn pause(attempt: u32, each: u64) -> Result<Duration> {
    let most = u64::from(attempt.min(20)) * each;
    let mut random = [0; 8];
    getrandom::fill(&mut random).context("no random numbers")?;
    Ok(Duration::from_millis(1 + u64::from_le_bytes(random) % most))
}

/// Why a writer never got its turn.
fn blocked(error: anyhow::Error) -> anyhow::Error {
    // A lock that a killed git has left is named already, with the way out.
    if error.chain().any(|link| link.is::<Hint>()) {
        return error;
    }
    hint_on(error, "others write to the notes all the time", "try again")
}
