//! What git calls invalid never enters, whoever approved it: a reviewer reads a difference, and what a tree
//! with an entry called `..` does to a checkout is in none.

use super::{Candidate, New, Refusal};
use crate::domain::error::Result;
use crate::gate::store::Repo;
use crate::gate::store::trees::Validator;
use gix::ObjectId;

/// The refusal of an update that brings an invalid tree; none where it brings none. What the remote has
/// accepted is not looked at again.
pub(super) fn refusal(repo: &Repo, candidate: &Candidate) -> Result<Option<Refusal>> {
    let Candidate { old, accepted, .. } = candidate;
    let heads = match &candidate.new {
        New::Commit(new) => vec![*new],
        New::Tree { heads, .. } => heads.clone(),
    };
    let mut validator = Validator::new(repo);
    let known: Vec<ObjectId> = std::iter::once(*old).chain(*accepted).collect();
    for head in &heads {
        for commit in repo.commits_between(known.iter().copied(), *head)?.into_iter().rev() {
            let trees = parents_trees(repo, &commit.parents)?;
            if let Some(invalid) = validator.first_invalid(commit.tree, &trees)? {
                let what = format!("{} (\"{}\")", commit.id.to_hex_with_len(10), commit.subject());
                return Ok(Some(refused(&what, &invalid.path, invalid.why)));
            }
        }
    }
    if let New::Tree { tree, .. } = &candidate.new {
        let parents: Vec<ObjectId> = std::iter::once(*old).chain(heads).collect();
        if let Some(invalid) = validator.first_invalid(*tree, &parents_trees(repo, &parents)?)? {
            return Ok(Some(refused("the result", &invalid.path, invalid.why)));
        }
    }
    Ok(None)
}

/// The trees of those that are here: a shallow clone ends somewhere.
fn parents_trees(repo: &Repo, parents: &[ObjectId]) -> Result<Vec<ObjectId>> {
    parents.iter().filter(|parent| repo.has(**parent)).map(|parent| repo.tree_of(*parent)).collect()
}

fn refused(what: &str, path: &str, why: &str) -> Refusal {
    Refusal {
        why: format!("{what} has a tree that git calls invalid, which never enters: `{path}`, {why}"),
        ..Refusal::default()
    }
}
