//! Whose policy protects a branch that is not there yet, and where it may begin.
//!
//! Never the policy at the commit that the branch is to begin with: it would be the accused's. A branch that is
//! there already has to name it. Anybody may bring a branch whose config says what they like, so that the usual
//! ones go before all others, and of several each has to agree.

use super::{Candidate, New, policy_for};
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::gate::store::{Repo, in_force, trees, upstream};
use gix::ObjectId;

/// A branch whose policy protects another one.
#[derive(Debug, Clone)]
pub struct Protector {
    /// Its short name.
    pub branch: String,
    /// The commit whose policy is in force for it: its tip, or what its remote has if it lags behind that.
    pub tip: ObjectId,
    /// What its remote has accepted; `None` on a server.
    pub accepted: Option<ObjectId>,
    pub policy: Policy,
}

/// What a protector says of where a branch is to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// With what the protector has.
    Within,
    /// With more on top of that commit, which has to be judged from there.
    OnTop(ObjectId),
    /// With what the protector has, and a policy, or a list of signers, that is not the one in force there.
    OtherPolicy,
    /// With commits that it does not have, and without some that it has.
    Elsewhere,
}

impl Protector {
    /// The branches whose policies name that one: each of them has to let it begin. The usual ones (the
    /// default branch, `main`, `master`) count whether they protect themselves or not; only where none of these
    /// has a policy, all others that protect themselves. `accepted` says what a branch's remote has of it.
    pub fn all(
        repo: &Repo,
        branch: &str,
        usual: &[String],
        others: &[String],
        accepted: &dyn Fn(&str) -> Result<Option<ObjectId>>,
    ) -> Result<Vec<Protector>> {
        let mut found = Protector::having_a_say(repo, usual, others, accepted)?;
        found.retain(|protector| protector.policy.protects(branch));
        Ok(found)
    }

    /// The branches of which that is asked, whatever their policies name.
    pub fn having_a_say(
        repo: &Repo,
        usual: &[String],
        others: &[String],
        accepted: &dyn Fn(&str) -> Result<Option<ObjectId>>,
    ) -> Result<Vec<Protector>> {
        for (places, are_usual) in [(usual, true), (others, false)] {
            let mut found: Vec<Protector> = Vec::new();
            for place in places {
                // The usual ones are often one: it is read once.
                if found.iter().any(|known| known.branch == *place) {
                    continue;
                }
                let Some(one) = Protector::new(repo, place, accepted(place)?)? else { continue };
                if are_usual || one.policy.protects(place) {
                    found.push(one);
                }
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// That branch, if it is there and its policy protects any.
    pub fn new(repo: &Repo, branch: &str, accepted: Option<ObjectId>) -> Result<Option<Protector>> {
        let tip = match repo.find_ref(&format!("refs/heads/{branch}"))? {
            Some(tip) => upstream::policy_commit(repo, tip, accepted)?,
            None => match accepted {
                Some(accepted) => accepted,
                None => return Ok(None),
            },
        };
        let Some((_, workable)) = in_force::at(repo, tip)?.found else { return Ok(None) };
        let policy = workable.config.gate;
        let branch = branch.to_owned();
        Ok((!policy.branches.is_empty()).then_some(Protector { branch, tip, accepted, policy }))
    }

    /// Whether a branch may begin at that commit. From then on the policy there would be the one in force, and
    /// an old one may be laxer, or trust a key that was taken out since.
    pub fn beginning(&self, repo: &Repo, branch: &str, new: ObjectId) -> Result<Beginning> {
        let tips = || [Some(self.tip), self.accepted].into_iter().flatten();
        for tip in tips() {
            if repo.is_ancestor(new, tip)? {
                let is_other = self.has_other_policy(repo, branch, new)?;
                return Ok(if is_other { Beginning::OtherPolicy } else { Beginning::Within });
            }
        }
        for tip in tips() {
            if repo.is_ancestor(tip, new)? {
                return Ok(Beginning::OnTop(tip));
            }
        }
        Ok(Beginning::Elsewhere)
    }

    /// Whether the policy there protects the branch and is not this one, or other signers count.
    fn has_other_policy(&self, repo: &Repo, branch: &str, new: ObjectId) -> Result<bool> {
        let candidate =
            Candidate { branch: branch.to_owned(), old: new, new: New::Commit(new), accepted: None };
        let own = policy_for(repo, &candidate)?;
        let then = self.signers(repo, new)?;
        Ok(own.is_some_and(|own| own != self.policy)
            || then.is_some() && then != self.signers(repo, self.tip)?)
    }

    /// Whether that commit has the very policy and the very signers of this branch.
    pub fn is_the_same_at(&self, repo: &Repo, commit: ObjectId) -> Result<bool> {
        let Some((_, found)) = in_force::at(repo, commit)?.found else { return Ok(false) };
        Ok(found.config.gate == self.policy && self.signers(repo, commit)? == self.signers(repo, self.tip)?)
    }

    /// The list of those whose signatures count there.
    fn signers(&self, repo: &Repo, commit: ObjectId) -> Result<Option<Vec<u8>>> {
        trees::file(repo, repo.tree_of(commit)?, &self.policy.allowed_signers)
    }
}
