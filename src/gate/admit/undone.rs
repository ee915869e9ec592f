//! What the branch took back of a change since the change began: a line that it had and removed again, or
//! removed and has again.
//!
//! An approval may be of more than what came in under another one. Where a revert took that back, the older
//! and larger approval must not bring it in again.

use super::approved::find;
use super::objects::{Entry, Objects};
use crate::domain::error::Result;
use crate::domain::text::placed::Difference;
use crate::gate::store::Commit;
use crate::gate::store::trees::Changed;
use gix::ObjectId;
use std::collections::{HashMap, HashSet};

/// Whether a line is added or removed, and the line.
type Line = (bool, Vec<u8>);

/// What was taken back of one change, by path.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// Files that are as before the change again.
    whole: HashSet<Vec<u8>>,
    /// Files whose mode is as before the change again.
    modes: HashSet<Vec<u8>>,
    /// Lines that the change adds or removes, and the branch removed or added.
    lines: HashMap<Vec<u8>, HashSet<Line>>,
}

impl Undone {
    /// Notes what a commit of the branch takes back of a change against one of its parents.
    pub fn note(
        &mut self,
        objects: &Objects<'_>,
        net: &[Changed],
        parent: ObjectId,
        commit: &Commit,
    ) -> Result<()> {
        for shown in net {
            let (old, new) = (objects.entry(parent, &shown.path)?, objects.entry(commit.tree, &shown.path)?);
            if old == new {
                continue;
            }
            if (old, new) == (shown.new, shown.old) {
                self.whole.insert(shown.path.clone());
            }
            if modes((old, new)).is_some_and(|(old, new)| modes((shown.old, shown.new)) == Some((new, old))) {
                self.modes.insert(shown.path.clone());
            }
            let back = lines(objects, new, old)?;
            if back.is_empty() {
                continue;
            }
            let of_change = lines(objects, shown.old, shown.new)?;
            let undone = back.into_iter().filter(|line| of_change.contains(line));
            self.lines.entry(shown.path.clone()).or_default().extend(undone);
        }
        Ok(())
    }

    /// Whether a step of the branch does again what was taken back.
    pub fn is_redone(&self, objects: &Objects<'_>, step: &[Changed]) -> Result<bool> {
        for path in self.whole.iter().chain(&self.modes).chain(self.lines.keys()) {
            let Some(step) = find(step, path) else { continue };
            let changes_mode = modes((step.old, step.new)).is_some();
            if self.whole.contains(path) || (changes_mode && self.modes.contains(path)) {
                return Ok(true);
            }
            let Some(undone) = self.lines.get(path).filter(|undone| !undone.is_empty()) else { continue };
            if lines(objects, step.old, step.new)?.iter().any(|line| undone.contains(line)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The mode of a file before and after, if it was there, is there, and has another.
fn modes((old, new): (Option<Entry>, Option<Entry>)) -> Option<(u32, u32)> {
    let ((old, _), (new, _)) = (old?, new?);
    (old != new).then_some((old, new))
}

/// The lines that a step of one file adds or removes, without those that only moved within it, and without
/// those that say nothing, as a bracket.
fn lines(objects: &Objects<'_>, old: Option<Entry>, new: Option<Entry>) -> Result<HashSet<Line>> {
    let text = |entry| objects.text(entry);
    let old = old.map(text).transpose()?.flatten().unwrap_or_default();
    let new = new.map(text).transpose()?.flatten().unwrap_or_default();
    let Some(difference) = Difference::between(&old, &new) else { return Ok(HashSet::new()) };
    let mut count: HashMap<&[u8], i64> = HashMap::new();
    for line in difference.added() {
        *count.entry(line).or_default() += 1;
    }
    for line in difference.removed() {
        *count.entry(line).or_default() -= 1;
    }
    let says_something = |line: &[u8]| line.iter().any(u8::is_ascii_alphanumeric) || !line.is_ascii();
    let changed = count.into_iter().filter(|(line, count)| *count != 0 && says_something(line));
    Ok(changed.map(|(line, count)| (count > 0, line.to_vec())).collect())
}
