//! What the remote that a branch follows has accepted already, as last fetched, and which commit's policy
//! is in force.
//!
//! A branch may be put back to anything that its remote has, since that brings nothing in. The policy does
//! not go back with it: an old commit may be from before there was one.

use super::Repo;
use crate::domain::error::Result;
use gix::ObjectId;

/// The tip of that branch on the remote that it follows; `None` if it follows none, or a branch of
/// another name, which guards something else.
pub fn accepted(repo: &Repo, branch: &str) -> Result<Option<ObjectId>> {
    let remote = repo.remote_of(branch);
    let merged = repo.git_config(&format!("branch.{branch}.merge"));
    let follows_itself = merged.is_none_or(|name| name == format!("refs/heads/{branch}"));
    if remote == "." || !follows_itself {
        return Ok(None);
    }
    repo.find_ref(&format!("refs/remotes/{remote}/{branch}"))
}

/// The commit whose policy is in force for a branch: its tip, or what its remote has if it lags behind that.
pub fn policy_commit(repo: &Repo, tip: ObjectId, accepted: Option<ObjectId>) -> Result<ObjectId> {
    match accepted {
        Some(accepted) if repo.is_ancestor(tip, accepted)? => Ok(accepted),
        _ => Ok(tip),
    }
}

/// The same for a branch as it is now; `None` if there is no such branch, here or on its remote.
pub fn current_policy_commit(repo: &Repo, branch: &str) -> Result<Option<ObjectId>> {
    let accepted = accepted(repo, branch)?;
    match repo.find_ref(&format!("refs/heads/{branch}"))? {
        Some(tip) => policy_commit(repo, tip, accepted).map(Some),
        None => Ok(accepted),
    }
}
