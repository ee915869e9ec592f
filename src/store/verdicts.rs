//! Verdicts in `refs/notes/flow-ai`: append-only, by compare-and-swap, so that no writer loses one.
//!
//! git's own `notes add` writes without an expected old value and loses most records of parallel
//! writers in silence; this never shells out to it. A note hangs on the reviewed commit, or on the
//! head tree where there is no commit; where it hangs proves nothing, the record's own trees do. What
//! people write into the same note is kept and means nothing.

use super::{Conflict, Expected, Repo};
use crate::error::{Hint, Result, hint_on};
use crate::verdict::{NOTES_REF, Unreadable, Verdict, record};
use anyhow::Context;
use gix::ObjectId;
use gix::note::plumbing::State;
use std::cell::RefCell;
use std::time::Duration;

/// How often a writer tries before it gives up. Eight writers at once needed 31 at most.
const TRIES: u32 = 50;

/// The notes as they were read last: the tip and its tree's parts that were looked at.
#[derive(Default)]
pub(super) struct Cache(RefCell<Option<(ObjectId, State)>>);

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

/// Every note there is.
#[derive(Debug, Default)]
pub struct Everything {
    /// The records, each with the object that it hangs on.
    pub verdicts: Vec<(ObjectId, Verdict)>,
    /// The lines that cannot be told, likewise.
    pub unreadable: Vec<(ObjectId, Unreadable)>,
}

/// Appends a record to the note of that object; a record that is there already is not repeated.
pub fn append(repo: &Repo, on: ObjectId, verdict: &Verdict) -> Result<()> {
    let text = record::encode(verdict, None)?;
    let reason = format!("{} on {}", verdict.decision, on.to_hex_with_len(12));
    let mut attempt = 1;
    loop {
        match try_append(repo, on, &text, &reason) {
            Err(error) if error.chain().any(|cause| cause.is::<Conflict>()) => {
                if attempt >= TRIES {
                    return Err(blocked(error));
                }
                std::thread::sleep(pause(attempt)?);
                attempt += 1;
            }
            other => return other.context("the verdict cannot be recorded"),
        }
    }
}

/// The records of that object's note, and the lines that cannot be told.
pub fn on(repo: &Repo, object: ObjectId) -> Result<(Vec<Verdict>, Vec<Unreadable>)> {
    let Some(tip) = repo.find_ref(NOTES_REF)? else { return Ok(Default::default()) };
    let mut cache = repo.notes.0.borrow_mut();
    let state = match cache.take() {
        Some((at, state)) if at == tip => state,
        _ => state_of(repo, repo.tree_of(tip)?)?,
    };
    let (_, state) = cache.insert((tip, state));
    let note = state.get(&object, &repo.gix.objects);
    match note.with_context(|| format!("the note of {object} cannot be read"))? {
        Some(blob) => Ok(record::decode(&text(repo, blob)?)),
        None => Ok(Default::default()),
    }
}

/// Every record that can be told, with the object it hangs on.
pub fn all(repo: &Repo) -> Result<Vec<(ObjectId, Verdict)>> {
    Ok(everything(repo)?.verdicts)
}

/// Every record and every line that cannot be told, in one pass over the notes' tree, whatever its
/// fan-out (`ab/cd/…`, `abcd…`).
pub fn everything(repo: &Repo) -> Result<Everything> {
    let mut found = Everything::default();
    let Some(tip) = repo.find_ref(NOTES_REF)? else { return Ok(found) };
    let length = tip.kind().len_in_hex();
    let mut folders = vec![(String::new(), repo.tree_of(tip)?)];
    while let Some((prefix, folder)) = folders.pop() {
        let folder = repo.gix.find_tree(folder).context("the notes cannot be read")?;
        for entry in folder.iter() {
            let entry = entry.context("the notes cannot be read")?;
            let name = format!("{prefix}{}", entry.filename());
            if entry.mode().is_tree() && name.len() < length {
                folders.push((name, entry.object_id()));
            } else if entry.mode().is_blob()
                && name.len() == length
                && let Ok(object) = ObjectId::from_hex(name.as_bytes())
            {
                let (verdicts, unreadable) = record::decode(&text(repo, entry.object_id())?);
                found.verdicts.extend(verdicts.into_iter().map(|verdict| (object, verdict)));
                found.unreadable.extend(unreadable.into_iter().map(|line| (object, line)));
            }
        }
    }
    Ok(found)
}

/// Reads the notes, adds the text, moves the ref if nobody else has.
fn try_append(repo: &Repo, on: ObjectId, text: &str, reason: &str) -> Result<()> {
    let tip = repo.find_ref(NOTES_REF)?;
    let tree = tip.map_or_else(|| Ok(repo.empty_tree()), |tip| repo.tree_of(tip))?;
    let mut state = state_of(repo, tree)?;
    let old = state.get(&on, &repo.gix.objects).context("the notes cannot be read")?;
    let mut note = match old {
        Some(blob) => repo.gix.find_blob(blob).context("a note cannot be read")?.detach().data,
        None => Vec::new(),
    };
    let lines = |text: &[u8], wanted: &[u8]| text.split(|byte| *byte == b'\n').any(|line| line == wanted);
    let record = text.trim_end().rsplit('\n').next().unwrap_or_default();
    if lines(&note, record.as_bytes()) {
        return Ok(());
    }
    if !note.is_empty() && !note.ends_with(b"\n") {
        note.push(b'\n');
    }
    note.extend_from_slice(text.as_bytes());
    let blob = repo.gix.write_blob(&note).context("a note cannot be written")?.detach();
    let edit = state.replace(on, blob, &repo.gix.objects).context("the notes cannot be written")?;
    let parents: Vec<ObjectId> = tip.into_iter().collect();
    let commit = repo.write_commit(edit.tree, &parents, &format!("{reason}\n"))?;
    repo.set_ref(NOTES_REF, commit, tip.map_or(Expected::Missing, Expected::At), reason)
}

fn state_of(repo: &Repo, tree: ObjectId) -> Result<State> {
    State::new(tree, &repo.gix.objects).context("the notes cannot be read")
}

fn text(repo: &Repo, blob: ObjectId) -> Result<String> {
    let blob = repo.gix.find_blob(blob).with_context(|| format!("note {blob} cannot be read"))?;
    Ok(String::from_utf8_lossy(&blob.data).into_owned())
}

/// A random pause, longer with each attempt, so that writers do not meet again.
fn pause(attempt: u32) -> Result<Duration> {
    let most = u64::from(attempt.min(20)) * 8;
    let mut random = [0; 8];
    getrandom::fill(&mut random).context("no random numbers")?;
    Ok(Duration::from_millis(1 + u64::from_le_bytes(random) % most))
}

/// Why a writer never got its turn.
fn blocked(error: anyhow::Error) -> anyhow::Error {
    // A lock that a killed git has left is named already, with the way out.
    if error.chain().any(|link| link.is::<Hint>()) {
        return error.context("the verdict cannot be recorded");
    }
    hint_on(error, "the verdict cannot be recorded: others write all the time", "try again")
}
