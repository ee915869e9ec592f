//! The oracle: does all that came in stand in a request that was approved? It knows nothing of the gate's
//! rule, only the objects and the text of the requests.
//!
//! Lines are compared by the function that they stand in and counted, not aligned: whichever way a
//! difference is computed, it shows at least what there is more of afterwards, and less.

use super::repository::{Held, Repository};
use super::shown::{Lines, OfPath, Placed, Shown, UNENDED, enter, is_head};
use gix::ObjectId;
use gix::objs::tree::EntryKind;

/// What came in, by a move from one tip to another, and nobody was shown; empty if all was.
pub fn unseen(repository: &Repository, shown: &Shown, old: ObjectId, new: ObjectId) -> Vec<String> {
    let mut unseen = Vec::new();
    let mut look = |what: String, from: ObjectId, to: ObjectId| {
        for path in repository.changed(from, to) {
            let (old, new) = (repository.state(from), repository.state(to));
            if let Some(why) = unseen_of(repository, shown.of(&path), old.get(&path), new.get(&path)) {
                unseen.push(format!("{what}: {path}: {why}"));
            }
        }
    };
    look("in the end".into(), repository.tree(old), repository.tree(new));
    let line = repository.line(new);
    let line: &[ObjectId] = line.iter().position(|id| *id == old).map_or(&[], |at| &line[..at]);
    for commit in repository.between(old, new) {
        // Of a merge on the branch itself the branch gets what differs from before. It may take less than it
        // merges: that is left out, and what stood there stays.
        let from = match repository.at(commit).parents.first() {
            Some(before) if line.contains(&commit) => repository.tree(*before),
            _ => repository.own_base(commit),
        };
        look(format!("commit {}", commit.to_hex_with_len(8)), from, repository.tree(commit));
    }
    unseen
}

/// What nobody was shown of one path's change.
fn unseen_of(
    repository: &Repository,
    shown: Option<&OfPath>,
    old: Option<&Held>,
    new: Option<&Held>,
) -> Option<String> {
    let Some(shown) = shown else { return Some("the path was never shown".into()) };
    let Some((kind, bytes)) = new else {
        return (!shown.is_deleted).then(|| "its deletion was never shown".into());
    };
    let old_kind = old.map(|(kind, _)| kind);
    let mode = format!("{:06o}", gix::objs::tree::EntryMode::from(*kind).value());
    if old_kind != Some(kind) && !shown.modes.contains(&mode) {
        return Some(format!("the mode {mode} was never shown"));
    }
    let of_text = |held: Option<&Held>| match held {
        Some((EntryKind::Blob | EntryKind::BlobExecutable, bytes)) => {
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        }
        _ => None,
    };
    if let Some(new) = of_text(new) {
        let (old, new) = (lines(&of_text(old).unwrap_or_default()), lines(&new));
        // What was shown to come on the way, and is not there in the end, goes.
        let mut removed = shown.removed.clone();
        shown.added.iter().for_each(|(line, count)| *removed.entry(line.clone()).or_default() += count);
        return lacking("added", &old, &new, &shown.added, shown)
            .or_else(|| lacking("removed", &new, &old, &removed, shown));
    }
    let id = match kind {
        EntryKind::Commit => String::from_utf8_lossy(bytes).into_owned(),
        _ => repository.blob_id(bytes).to_string(),
    };
    (!shown.contents.contains(&id)).then(|| format!("the content {id} was never shown"))
}

/// The first line of which there is more in one text than in another, and more than was shown.
fn lacking(what: &str, less: &Lines, more: &Lines, of_them: &Lines, shown: &OfPath) -> Option<String> {
    let count = |lines: &Lines, line: &Placed| lines.get(line).copied().unwrap_or_default();
    let plain = |lines: &Lines, line: &Placed| {
        lines.iter().filter(|(other, _)| other.1 == line.1).map(|(_, count)| count).sum::<usize>()
    };
    // Where the line that begins a function comes or goes, the lines below it are in another one, unshown.
    let is_about_heads = shown.added.keys().chain(shown.removed.keys()).any(|line| is_head(&line.1));
    let exceeds = |line: &Placed| match is_about_heads {
        true => plain(more, line).saturating_sub(plain(less, line)) > plain(of_them, line),
        false => count(more, line).saturating_sub(count(less, line)) > count(of_them, line),
    };
    let line = more.keys().filter(|line| exceeds(line)).min()?;
    Some(format!("{:?} in {:?} was never shown as {what}", line.1, line.0))
}

fn lines(text: &str) -> Lines {
    let mut lines = Lines::new();
    let mut within = String::new();
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').map_or_else(|| format!("{line}{UNENDED}"), str::to_owned);
        enter(&mut within, &line);
        *lines.entry((within.clone(), line)).or_default() += 1;
    }
    lines
}
