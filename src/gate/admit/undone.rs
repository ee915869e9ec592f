//! What the branch did of a change since the change began and took back: a line that came and went again, or
//! went and came again.
//!
//! An approval may be of more than what came in under another one. Where a revert took that back, the older
//! and larger approval must not bring it in again.

use super::objects::{Objects, find};
use crate::domain::error::Result;
use crate::domain::text::placed::Difference;
use crate::gate::store::trees::{Changed, Entry};
use std::collections::{HashMap, HashSet};

/// How many lines are looked back for one that says something: a text may consist of others.
const MOST_SILENT: usize = 8;

/// Whether a line is added or removed, and what it is known by ([`lines`]).
type Line = (bool, Vec<u8>);

/// What the branch did of one change and took back, by path.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// Files that are as before the change again, or of which something is not here.
    whole: HashSet<Vec<u8>>,
    /// Files whose mode is as before the change again.
    modes: HashSet<Vec<u8>>,
    files: HashMap<Vec<u8>, File>,
}

/// Lines of one file that a change and the branch are about.
#[derive(Debug, Default)]
struct File {
    of_change: HashSet<Line>,
    done: HashSet<Line>,
    undone: HashSet<Line>,
}

/// Whose commit a step of the branch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// One of the change's own, which came in as it is: it does, and takes nothing back.
    Change,
    Branch,
}

impl Undone {
    /// All of the change, where the branch cannot be looked at.
    pub fn all(net: &[Changed]) -> Undone {
        Undone { whole: net.iter().map(|shown| shown.path.clone()).collect(), ..Undone::default() }
    }

    /// Notes what a step of the branch does of a change, and takes back.
    pub fn note(
        &mut self,
        objects: &Objects<'_>,
        net: &[Changed],
        step: &[Changed],
        whose: Whose,
    ) -> Result<()> {
        for step in step {
            if let Some(shown) = find(net, &step.path) {
                self.note_file(objects, shown, step, whose)?;
            }
        }
        Ok(())
    }

    fn note_file(
        &mut self,
        objects: &Objects<'_>,
        shown: &Changed,
        step: &Changed,
        whose: Whose,
    ) -> Result<()> {
        let path = || shown.path.clone();
        let takes_back = whose == Whose::Branch;
        if (takes_back && (step.old, step.new) == (shown.new, shown.old)) || !objects.has_both(step) {
            self.whole.insert(path());
        }
        if takes_back && modes(step).is_some_and(|(old, new)| modes(shown) == Some((new, old))) {
            self.modes.insert(path());
        }
        if !self.files.contains_key(&shown.path) {
            self.files.insert(path(), File { of_change: lines(objects, shown)?, ..File::default() });
        }
        let Some(file) = self.files.get_mut(&shown.path) else { return Ok(()) };
        for (is_added, line) in lines(objects, step)? {
            let (same, opposite) = ((is_added, line.clone()), (!is_added, line));
            if file.of_change.contains(&same) {
                file.done.insert(same);
            }
            if takes_back && file.of_change.contains(&opposite) {
                file.undone.insert(opposite);
            }
        }
        Ok(())
    }

    /// Whether a step of the branch does again what was done and taken back.
    pub fn is_redone(&self, objects: &Objects<'_>, step: &[Changed]) -> Result<bool> {
        for step in step {
            if self.whole.contains(&step.path) || (self.modes.contains(&step.path) && modes(step).is_some()) {
                return Ok(true);
            }
            let Some(file) = self.files.get(&step.path) else { continue };
            let is_undone = |line: &Line| file.done.contains(line) && file.undone.contains(line);
            if file.undone.iter().any(is_undone) && lines(objects, step)?.iter().any(is_undone) {
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

/// The lines that a step of one file adds or removes; none of what is no text, which lands only as a whole. A
/// line that only moves is both added and removed. One that says nothing, as a bracket, is anywhere: it is
/// known by the last line before it that says something.
fn lines(objects: &Objects<'_>, step: &Changed) -> Result<HashSet<Line>> {
    let text = |entry: Option<Entry>| match entry {
        Some(entry) => objects.text(entry),
        None => Ok(Some(Vec::new())),
    };
    let (Some(old), Some(new)) = (text(step.old)?, text(step.new)?) else { return Ok(HashSet::new()) };
    let Some(difference) = Difference::between(&old, &new) else { return Ok(HashSet::new()) };
    let known_by = |text: &[&[u8]]| {
        let mut near = text.iter().rev().take(MOST_SILENT).copied();
        let telling = near.clone().find(|line| says_something(line));
        let silent = near.next().filter(|line| !says_something(line));
        telling.into_iter().chain(silent).collect::<Vec<_>>().join(&b'\n')
    };
    Ok(difference.changed().map(|(is_added, text)| (is_added, known_by(text))).collect())
}

fn says_something(line: &[u8]) -> bool {
    line.iter().any(u8::is_ascii_alphanumeric) || !line.is_ascii()
}
