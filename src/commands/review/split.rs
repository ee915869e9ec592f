//! A change that no reviewer can judge as a whole, since reviewers of all vendors had a hand in it, divided by
//! its commits into parts that each have a rival. On a line of commits each part begins where the one before
//! it ends; a merge that is git's own ends a part, brings in its side lines as parts of their own, and the
//! next part begins there. What was taken from the target's branch is judged already.

use crate::domain::change::Change;
use crate::domain::error::Result;
use crate::gate::store::trees::Merger;
use crate::gate::store::{Repo, changes};
use gix::ObjectId;

/// How deep side lines of side lines are followed.
const DEEPEST: usize = 16;

/// The parts, oldest first; `None` if the whole has a rival, or the commits cannot be divided so.
pub fn by_authors(
    repo: &Repo,
    change: &Change,
    has_rival: impl Fn(&Change) -> bool,
) -> Result<Option<Vec<Change>>> {
    let (Some(base), Some(head)) = (change.base_commit, change.head_commit) else { return Ok(None) };
    // Of a change as it would land no commit holds the trees.
    if has_rival(change) || repo.tree_of(head)? != change.head_tree {
        return Ok(None);
    }
    let mut lines = Vec::new();
    if !(Lines { repo, merger: Merger::new(repo) }).gather(&[base], head, DEEPEST, &mut lines)? {
        return Ok(None);
    }
    let mut parts = Vec::new();
    for line in lines {
        let Some(more) = parts_of(repo, &line, &has_rival)? else { return Ok(None) };
        parts.extend(more);
    }
    Ok((parts.len() > 1).then_some(parts))
}

/// The parts of one line of commits, each as long as it has a rival; `None` if a commit has none.
fn parts_of(repo: &Repo, line: &Line, has_rival: impl Fn(&Change) -> bool) -> Result<Option<Vec<Change>>> {
    let mut parts: Vec<Change> = Vec::new();
    let mut start = line.start;
    let mut part: Option<Change> = None;
    for commit in &line.commits {
        let longer = changes::between(repo, start, *commit)?;
        if has_rival(&longer) {
            part = Some(longer);
            continue;
        }
        let Some(ended) = part.take() else { return Ok(None) };
        start = ended.head_commit.unwrap_or(start);
        parts.push(ended);
        let first = changes::between(repo, start, *commit)?;
        if !has_rival(&first) {
            return Ok(None);
        }
        part = Some(first);
    }
    parts.extend(part);
    Ok(Some(parts))
}

/// Commits with one parent each, that follow one on another.
struct Line {
    start: ObjectId,
    /// Oldest first.
    commits: Vec<ObjectId>,
}

struct Lines<'a> {
    repo: &'a Repo,
    merger: Merger<'a>,
}

impl Lines<'_> {
    /// Adds the lines that a head has and none of the known commits has, oldest first; no if they are not made of
    /// single commits and git's own merges.
    fn gather(
        &self,
        known: &[ObjectId],
        head: ObjectId,
        depth: usize,
        lines: &mut Vec<Line>,
    ) -> Result<bool> {
        let (mut newest_first, mut commits, mut at) = (Vec::new(), Vec::new(), head);
        while !self.is_known(known, at)? {
            let commit = self.repo.commit(at)?;
            let Some((&parent, others)) = commit.parents.split_first() else { return Ok(false) };
            if !self.repo.has(parent) {
                return Ok(false);
            }
            if others.is_empty() {
                commits.push(at);
            } else {
                if depth == 0 || changes::own_base(self.repo, &self.merger, &commit)? != commit.tree {
                    return Ok(false);
                }
                newest_first.push((at, std::mem::take(&mut commits), others.to_vec(), parent));
            }
            at = parent;
        }
        commits.reverse();
        lines.push(Line { start: at, commits });
        for (merge, mut commits, others, parent) in newest_first.into_iter().rev() {
            let mut known = [known, &[parent]].concat();
            for other in others {
                if !self.gather(&known, other, depth - 1, lines)? {
                    return Ok(false);
                }
                known.push(other);
            }
            commits.reverse();
            lines.push(Line { start: merge, commits });
        }
        Ok(true)
    }

    fn is_known(&self, known: &[ObjectId], commit: ObjectId) -> Result<bool> {
        for tip in known {
            if self.repo.is_ancestor(commit, *tip)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
