//! What the branch took back of a change since the change began: a line that it had and removed again, or
//! removed and has again.
//!
//! An approval may be of more than what came in under another one. Where a revert took that back, the older
//! and larger approval must not bring it in again.

use super::approved::find;
use super::objects::{Entry, Objects};
use crate::domain::error::Result;
use crate::domain::text::placed::Difference;
use crate::gate::store::trees::Changed;
use std::collections::{HashMap, HashSet};

/// Whether a line is added or removed, and the line.
type Line = (bool, Vec<u8>);

/// What was taken back of one change, by path.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// Files that are as before the change again, or that nobody can compare line by line.
    whole: HashSet<Vec<u8>>,
    /// Files whose mode is as before the change again.
    modes: HashSet<Vec<u8>>,
    /// Lines that the change adds or removes, and the branch removed or added.
    lines: HashMap<Vec<u8>, HashSet<Line>>,
    /// What the change does itself, of the files that the branch changed too.
    of_change: HashMap<Vec<u8>, Option<HashSet<Line>>>,
}

impl Undone {
    /// All of the change, where the branch cannot be looked at.
    pub fn all(net: &[Changed]) -> Undone {
        Undone { whole: net.iter().map(|shown| shown.path.clone()).collect(), ..Undone::default() }
    }

    /// Notes what a step of the branch takes back of a change.
    pub fn note(&mut self, objects: &Objects<'_>, net: &[Changed], step: &[Changed]) -> Result<()> {
        for step in step {
            if let Some(shown) = find(net, &step.path) {
                self.note_file(objects, shown, step)?;
            }
        }
        Ok(())
    }

    fn note_file(&mut self, objects: &Objects<'_>, shown: &Changed, step: &Changed) -> Result<()> {
        let path = || shown.path.clone();
        if (step.old, step.new) == (shown.new, shown.old) {
            self.whole.insert(path());
        }
        if modes(step).is_some_and(|(old, new)| modes(shown) == Some((new, old))) {
            self.modes.insert(path());
        }
        if !self.of_change.contains_key(&shown.path) {
            self.of_change.insert(path(), lines(objects, shown)?);
        }
        match (self.of_change.get(&shown.path), lines(objects, step)?) {
            (Some(Some(of_change)), Some(step)) => {
                let back = step.into_iter().map(|(is_added, line)| (!is_added, line));
                let undone = back.filter(|line| of_change.contains(line));
                self.lines.entry(path()).or_default().extend(undone);
            }
            _ => drop(self.whole.insert(path())),
        }
        Ok(())
    }

    /// Whether a step of the branch does again what was taken back.
    pub fn is_redone(&self, objects: &Objects<'_>, step: &[Changed]) -> Result<bool> {
        for step in step {
            let has_lines = self.lines.get(&step.path).filter(|undone| !undone.is_empty());
            let is_redone = self.whole.contains(&step.path)
                || (self.modes.contains(&step.path) && modes(step).is_some())
                || match has_lines {
                    Some(undone) => lines(objects, step)?.is_none_or(|lines| !lines.is_disjoint(undone)),
                    None => false,
                };
            if is_redone {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The mode of a file before and after, if it was there, is there, and has another.
fn modes(step: &Changed) -> Option<(u32, u32)> {
    let ((old, _), (new, _)) = (step.old?, step.new?);
    (old != new).then_some((old, new))
}

/// The lines that a step of one file adds or removes, without those that only moved within it, and without
/// those that say nothing, as a bracket. `None` where it is no text, or not here.
fn lines(objects: &Objects<'_>, step: &Changed) -> Result<Option<HashSet<Line>>> {
    let text = |entry: Option<Entry>| match entry {
        Some(entry) => objects.text(entry),
        None => Ok(Some(Vec::new())),
    };
    let (Some(old), Some(new)) = (text(step.old)?, text(step.new)?) else { return Ok(None) };
    let Some(difference) = Difference::between(&old, &new) else { return Ok(None) };
    let mut count: HashMap<&[u8], i64> = HashMap::new();
    for line in difference.added() {
        *count.entry(line).or_default() += 1;
    }
    for line in difference.removed() {
        *count.entry(line).or_default() -= 1;
    }
    let says_something = |line: &[u8]| line.iter().any(u8::is_ascii_alphanumeric) || !line.is_ascii();
    let changed = count.into_iter().filter(|(line, count)| *count != 0 && says_something(line));
    Ok(Some(changed.map(|(line, count)| (count > 0, line.to_vec())).collect()))
}
