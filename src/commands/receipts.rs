//! The last tip of each protected branch that the gate has let in: `refs/flow-ai/admitted/<branch>`.
//!
//! Moved by compare-and-swap. Where there is none yet, it begins at what the guarding remote has
//! accepted, else at the branch as it is found: what was there before cannot be judged by us.

use crate::domain::error::Result;
use crate::gate::admit::{self, Candidate, New};
use crate::gate::store::{Expected, Repo, config, upstream};
use anyhow::Context;
use gix::ObjectId;
use std::collections::BTreeSet;

const RECEIPTS: &str = "refs/flow-ai/admitted/";

pub fn head(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// The full name of a branch's receipt.
pub fn name(branch: &str) -> String {
    format!("{RECEIPTS}{branch}")
}

/// Every receipt: branch and tip.
pub fn all(repo: &Repo) -> Result<Vec<(String, ObjectId)>> {
    let refs = repo.refs(RECEIPTS)?.into_iter();
    Ok(refs.filter_map(|(name, tip)| Some((name.strip_prefix(RECEIPTS)?.to_owned(), tip))).collect())
}

/// The branches that are protected, or were when the gate last looked.
pub fn branches(repo: &Repo) -> Result<Vec<String>> {
    let mut branches = BTreeSet::new();
    for (branch, tip) in all(repo)? {
        if repo.find_ref(&head(&branch))?.is_some() || protects(repo, &branch, tip).unwrap_or(true) {
            branches.insert(branch);
        }
    }
    for branch in named(repo)? {
        if let Some(tip) = repo.find_ref(&head(&branch))?
            && protects(repo, &branch, tip).unwrap_or(true)
        {
            branches.insert(branch);
        }
    }
    Ok(branches.into_iter().collect())
}

/// Whether the policy at that tip protects the branch. An error if it cannot be read.
pub fn protects(repo: &Repo, branch: &str, tip: ObjectId) -> Result<bool> {
    let candidate = Candidate { branch: branch.into(), old: tip, new: New::Commit(tip), accepted: None };
    Ok(admit::policy_for(repo, &candidate)?.is_some())
}

/// The branches that a policy here names, and the one that flows go to.
fn named(repo: &Repo) -> Result<Vec<String>> {
    let Ok(target) = repo.target() else { return Ok(Vec::new()) };
    let mut named = Vec::new();
    if let Some(tip) = repo.find_ref(&head(&target))?
        && let Ok(Some(policy)) = config::stated_policy(repo, tip)
    {
        named.extend(repo.protected_branches(&policy)?);
    }
    named.push(target);
    Ok(named)
}

/// Where a branch without a receipt begins.
pub fn start(repo: &Repo, branch: &str, tip: ObjectId) -> Result<ObjectId> {
    match upstream::accepted(repo, branch)? {
        Some(accepted) if repo.is_ancestor(accepted, tip)? => Ok(accepted),
        _ => Ok(tip),
    }
}

/// Moves the receipt on, or makes it.
pub fn write(repo: &Repo, branch: &str, was: Option<ObjectId>, tip: ObjectId) -> Result<()> {
    let expected = was.map_or(Expected::Missing, Expected::At);
    repo.set_ref(&name(branch), tip, expected, "admitted")
        .with_context(|| format!("that `{branch}` is well cannot be written down"))
}

/// Makes the receipts that are missing, for branches as they are found; also for one that nothing
/// protects yet, since its config may be about to be committed.
pub fn begin(repo: &Repo) -> Result<()> {
    for branch in named(repo)? {
        if repo.find_ref(&name(&branch))?.is_none()
            && let Some(tip) = repo.find_ref(&head(&branch))?
        {
            write(repo, &branch, None, start(repo, &branch, tip)?)?;
        }
    }
    Ok(())
}

pub fn forget(repo: &Repo) -> Result<()> {
    for (branch, tip) in all(repo)? {
        repo.delete_ref(&name(&branch), tip)?;
    }
    Ok(())
}
