//! Whose policy protects a branch that is not there yet.
//!
//! Never the one at the commit that the branch is to begin with: it would be the accused's. A branch that is
//! there already has to name it. Anybody may bring a branch whose config says what they like, so that the usual
//! ones go before all others, and of several each has to agree.

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
    /// The branches whose policies name that one: each of them has to let it begin. The usual ones (the
    /// default branch, `main`, `master`) count whether they protect themselves or not; only where none of these
    /// has a policy, all others that protect themselves.
    pub fn all(repo: &Repo, branch: &str, usual: &[String], others: &[String]) -> Result<Vec<Protector>> {
        for (places, are_usual) in [(usual, true), (others, false)] {
            let mut found: Vec<Protector> = Vec::new();
            for place in places {
                let Some(tip) = repo.find_ref(&format!("refs/heads/{place}"))? else { continue };
                let Some((_, workable)) = in_force::at(repo, tip)?.found else { continue };
                let policy = workable.config.gate;
                let counts = if are_usual { !policy.branches.is_empty() } else { policy.protects(place) };
                if counts && found.iter().all(|one| one.branch != *place) {
                    found.push(Protector { branch: place.clone(), tip, policy });
                }
            }
            if !found.is_empty() {
                found.retain(|protector| protector.policy.protects(branch));
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }
}
