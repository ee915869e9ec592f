//! A change that no reviewer can judge as a whole, since reviewers of all vendors had a hand in it, divided by
//! its commits into parts that each have a rival. Each part begins where the one before it ends.

use super::reviewers::{reviewers, rivals};
use crate::domain::change::Change;
use crate::domain::config::Config;
use crate::domain::error::Result;
use crate::gate::store::{Repo, changes};
use gix::ObjectId;

/// The parts, oldest first; `None` if the whole has a rival, or the commits cannot be divided so.
pub fn by_authors(repo: &Repo, config: &Config, change: &Change) -> Result<Option<Vec<Change>>> {
    let (Some(base), Some(head)) = (change.base_commit, change.head_commit) else { return Ok(None) };
    let has_rival = |change: &Change| rivals(config, &config.gate, &change.authors).is_ok();
    // Of a change as it would land no commit holds the trees.
    if has_rival(change) || reviewers(config).0.is_empty() || repo.tree_of(head)? != change.head_tree {
        return Ok(None);
    }
    let Some(line) = line(repo, base, head)? else { return Ok(None) };
    let mut parts: Vec<Change> = Vec::new();
    let mut start = base;
    let mut part: Option<Change> = None;
    for commit in line {
        let longer = changes::between(repo, start, commit)?;
        if has_rival(&longer) {
            part = Some(longer);
            continue;
        }
        let Some(ended) = part.take() else { return Ok(None) };
        start = ended.head_commit.unwrap_or(start);
        parts.push(ended);
        let first = changes::between(repo, start, commit)?;
        if !has_rival(&first) {
            return Ok(None);
        }
        part = Some(first);
    }
    parts.extend(part);
    Ok((parts.len() > 1).then_some(parts))
}

/// The commits from a base to a head, oldest first; `None` if they are not one line without merges.
fn line(repo: &Repo, base: ObjectId, head: ObjectId) -> Result<Option<Vec<ObjectId>>> {
    let mut line = Vec::new();
    for commit in repo.first_parents(head, ObjectId::null(head.kind())) {
        let commit = commit?;
        if commit.id == base {
            line.reverse();
            return Ok(Some(line));
        }
        if commit.parents.len() != 1 {
            break;
        }
        line.push(commit.id);
    }
    Ok(None)
}
