//! What `git log` shows of verdicts: the lines for people, without the records, as notes of their own.
//!
//! They are derived from the notes that hold the records, by this clone alone and only where git is told
//! to show them: no ref of them is pushed, and deleting it loses nothing. A line is made from its record, and
//! says so where that counts for nothing; what else stands in a note is called a remark, whatever it looks like.

use super::compare::{differences, whole};
use super::order::in_order;
use super::{index, notes_tree, state_of};
use crate::domain::error::Result;
use crate::domain::verdict::{NOTES_REF, Verdict, record};
use crate::gate::store::objects::nameless;
use crate::gate::store::{Conflict, Expected, Repo};
use anyhow::Context;
use gix::ObjectId;

/// The notes with the lines for people.
pub const LOG_REF: &str = "refs/notes/flow-ai-log";

/// What `notes.displayRef` has to be for `git log` to show them; a pattern, since git warns of a ref that is not
/// there yet.
pub const LOG_PATTERN: &str = "refs/notes/flow-ai-log*";

/// What the commit of these notes says before the tip that they were made from.
const FROM: &str = "From ";

/// Brings the lines for people in step with the records, where git shows them; `doubt` says of a record why it counts
/// for nothing.
pub fn show_in_log(repo: &Repo, doubt: impl Fn(&Verdict) -> Option<&'static str>) -> Result<()> {
    let Some(tip) = repo.find_ref(NOTES_REF)?.filter(|_| is_shown(repo)) else { return Ok(()) };
    let Some(new) = notes_tree(repo, tip)? else { return Ok(()) };
    let shown = repo.find_ref(LOG_REF)?;
    let tree = shown.map_or(Ok(None), |shown| notes_tree(repo, shown))?;
    let (from, old) = match shown.zip(tree) {
        // A fetch of all notes may have brought anything there.
        Some((shown, tree)) => (made_from(repo, shown)?, in_order(repo, tree, false)?),
        None => (None, repo.empty_tree()),
    };
    if from == Some(tip) {
        return Ok(());
    }
    let (from, old) = match from {
        Some(from) => (repo.tree_of(from)?, old),
        // Not made by us, or from what is gone: all of it anew.
        None => (repo.empty_tree(), repo.empty_tree()),
    };
    let mut state = state_of(repo, old)?;
    for difference in differences(repo, from, new)? {
        let lines = for_people(repo, &whole(repo, &difference.new)?, &doubt);
        let blob = match lines.is_empty() {
            true => None,
            false => Some(repo.put_blob(lines.as_ref()).context("a note cannot be written")?),
        };
        state.edit(difference.on, blob, &repo.gix.objects).context("the notes cannot be written")?;
    }
    let tree = state.write(&repo.gix.objects).context("the notes cannot be written")?;
    let commit = write(repo, tree, tip)?;
    match repo.set_ref(
        LOG_REF,
        commit,
        shown.map_or(Expected::Missing, Expected::At),
        "show verdicts in the log",
    ) {
        // Another process has brought them in step.
        Err(error) if error.chain().any(|cause| cause.is::<Conflict>()) => Ok(()),
        other => other,
    }
}

/// Whether git's configuration asks for them.
fn is_shown(repo: &Repo) -> bool {
    let snapshot = repo.gix.config_snapshot();
    let values = snapshot.plumbing().strings("notes.displayRef").unwrap_or_default();
    values.iter().any(|value| value.as_slice() == LOG_PATTERN.as_bytes())
}

/// The tip of the records that these notes were made from, if it is still here.
fn made_from(repo: &Repo, shown: ObjectId) -> Result<Option<ObjectId>> {
    let commit = repo.commit(shown)?;
    let from = commit.subject().strip_prefix(FROM).and_then(|id| id.parse().ok());
    Ok(from.filter(|tip| repo.has(*tip)))
}

/// A line for each record of a note, and behind them what is neither a record nor a pointer to one.
fn for_people(repo: &Repo, note: &str, doubt: impl Fn(&Verdict) -> Option<&'static str>) -> String {
    let (verdicts, _) = record::decode(note, repo.object_format());
    let headlines: Vec<String> = verdicts.iter().map(record::headline).collect();
    let of_records = verdicts.iter().zip(&headlines).map(|(verdict, headline)| match doubt(verdict) {
        Some(why) => format!("{why}: {headline}"),
        None => headline.clone(),
    });
    let is_remark = |line: &&str| {
        !line.is_empty()
            && !line.starts_with('{')
            && !index::is_pointer(line)
            && !headlines.iter().any(|headline| headline == line)
    };
    let remarks = note.lines().filter(is_remark).map(|line| format!("remark: {line}"));
    of_records.chain(remarks).fold(String::new(), |text, line| text + &line + "\n")
}

/// A commit of nobody: what it holds is others' words, and nothing of it is kept.
fn write(repo: &Repo, tree: ObjectId, from: ObjectId) -> Result<ObjectId> {
    let commit = nameless(tree, None, 0, &format!("{FROM}{from}\n"));
    repo.put(&commit).context("a commit cannot be written")
}
