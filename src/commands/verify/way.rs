//! The way of a branch from one tip to another, gone as it may have been made: in many updates, each under
//! the policy that its first commit stood on.
//!
//! A window ends where the config changes, or after so many commits, and the next begins where verdicts
//! cease to cover it: so a long way costs as much as its commits do, and no update is too long to be judged.

use crate::domain::config;
use crate::domain::error::Result;
use crate::gate::admit::{self, Candidate, New};
use crate::gate::store::{Repo, trees};
use gix::ObjectId;

/// How many commits are judged as one update.
const WINDOW: usize = 256;

/// One commit on the way.
struct Stop {
    commit: ObjectId,
    changes_config: bool,
}

/// How far a branch comes from a commit by updates that the gate would have let in.
pub(super) fn follow(
    repo: &Repo,
    branch: &str,
    accepted: Option<ObjectId>,
    from: ObjectId,
    tip: ObjectId,
) -> Result<ObjectId> {
    let (mut reached, way) = (from, line(repo, from, tip)?);
    let mut ahead = &way[..];
    while !ahead.is_empty() {
        let most = ahead.len().min(WINDOW);
        let cut = ahead[..most].iter().position(|stop| stop.changes_config).map_or(most, |at| at + 1);
        let mut came = update(repo, branch, accepted, reached, &ahead[..cut])?;
        // A change that was judged as a whole may have the config's in its middle.
        if came == 0 && cut < most {
            came = update(repo, branch, accepted, reached, &ahead[..most])?;
        }
        let Some(last) = came.checked_sub(1) else { break };
        (reached, ahead) = (ahead[last].commit, &ahead[came..]);
    }
    Ok(reached)
}

/// How many of these commits would have been let in onto that one.
fn update(
    repo: &Repo,
    branch: &str,
    accepted: Option<ObjectId>,
    old: ObjectId,
    way: &[Stop],
) -> Result<usize> {
    let Some(last) = way.last() else { return Ok(0) };
    let candidate = Candidate { branch: branch.to_owned(), old, new: New::Commit(last.commit), accepted };
    match admit::policy_for(repo, &candidate) {
        Ok(Some(policy)) => admit::reach(repo, &candidate, &policy),
        Ok(None) => Ok(way.len()),
        // That it cannot be read here is one way less.
        Err(_) => Ok(0),
    }
}

/// The first-parent line, oldest first; empty where it does not lead there.
fn line(repo: &Repo, from: ObjectId, tip: ObjectId) -> Result<Vec<Stop>> {
    let mut commits = Vec::new();
    let mut at = tip;
    while at != from {
        if !repo.has(at) {
            return Ok(Vec::new());
        }
        let (tree, parents) = repo.tree_and_parents(at)?;
        commits.push((at, tree));
        let Some(parent) = parents.first() else { return Ok(Vec::new()) };
        at = *parent;
    }
    let config = |tree| trees::entry(repo, tree, config::PATH.as_bytes());
    let mut before = config(repo.tree_of(from)?)?;
    let mut way = Vec::new();
    for (commit, tree) in commits.into_iter().rev() {
        let now = config(tree)?;
        way.push(Stop { commit, changes_config: now != before });
        before = now;
    }
    Ok(way)
}
