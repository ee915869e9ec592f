//! Whose policy protects a branch that is not there yet.
//!
//! Never the one at the commit that the branch is to begin with: it would be the accused's. A branch that is
//! there already has to name it, and to protect itself: anybody may bring a branch whose config says what
//! they like.

use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::gate::store::{Repo, in_force};
use gix::ObjectId;

/// A branch whose policy protects another one.
#[derive(Debug, Clone)]
pub struct Protector {
    /// Its short name.
    pub branch: String,
    pub tip: ObjectId,
    pub policy: Policy,
}

impl Protector {
    /// The branch whose policy names that one. The first group of places is the repository's default branch,
    /// whose policy counts whether it protects itself or not; of each further group those count that protect
    /// themselves. The first group that has any decides.
    pub fn of(repo: &Repo, branch: &str, places: &[Vec<String>]) -> Result<Option<Protector>> {
        for (at, group) in places.iter().enumerate() {
            let mut protectors = Vec::new();
            for place in group {
                let Some(tip) = repo.find_ref(&format!("refs/heads/{place}"))? else { continue };
                let Some((_, found)) = in_force::at(repo, tip)?.found else { continue };
                let policy = found.config.gate;
                let is_default = at == 0 && !policy.branches.is_empty();
                if is_default || policy.protects(place) {
                    protectors.push(Protector { branch: place.clone(), tip, policy });
                }
            }
            if !protectors.is_empty() {
                return Ok(protectors.into_iter().find(|protector| protector.policy.protects(branch)));
            }
        }
        Ok(None)
    }
}
