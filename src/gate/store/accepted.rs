//! What the remote that a branch follows has let in already, as last fetched, and whose law holds.
//!
//! A branch may be put back to anything that its remote has, since that brings nothing in. The law does
//! not go back with it: an old commit may be from before there was one.

use super::Repo;
use crate::domain::error::Result;
use gix::ObjectId;

impl Repo {
    /// The tip of that branch on the remote that it follows; none where it follows none, or a branch of
    /// another name, which guards something else.
    pub fn accepted(&self, branch: &str) -> Result<Option<ObjectId>> {
        let configured = self.git_config(&format!("branch.{branch}.remote"));
        let remote = configured.unwrap_or_else(|| "origin".into());
        let merged = self.git_config(&format!("branch.{branch}.merge"));
        let follows_itself = merged.is_none_or(|name| name == format!("refs/heads/{branch}"));
        if remote == "." || !follows_itself {
            return Ok(None);
        }
        self.find_ref(&format!("refs/remotes/{remote}/{branch}"))
    }

    /// The commit whose law a branch is under: its tip, or what its remote has where it lags behind that.
    pub fn law(&self, tip: ObjectId, accepted: Option<ObjectId>) -> Result<ObjectId> {
        match accepted {
            Some(accepted) if self.is_ancestor(tip, accepted)? => Ok(accepted),
            _ => Ok(tip),
        }
    }
}
