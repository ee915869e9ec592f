//! The gate: admit(ref, old, new) → allow, refuse or cannot tell.
//!
//! Admission by replay: `old → new` is let in if every first-parent step's tree is the clean
//! three-way merge of reviewed changes (base tree, head tree) onto what was there: true after rebase,
//! squash, reword, cherry-pick and clean merges, false after any edit of content. The policy is the
//! one at `old`. This only looks verdicts up; it never asks a reviewer and needs no network.

use crate::error::Result;
use crate::policy::Policy;
use crate::store::Repo;
use crate::verdict::Verdict;
use gix::ObjectId;

/// What the gate is asked about.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The branch's short name.
    pub branch: String,
    /// Its tip now.
    pub old: ObjectId,
    /// What it is to become: a commit, or (before git has made the merge commit) a tree.
    pub new: New,
}

/// What a branch is to become.
#[derive(Debug, Clone)]
pub enum New {
    /// That commit.
    Commit(ObjectId),
    /// A commit yet to be made of that tree, with these heads merged in (none for a plain commit).
    Tree { tree: ObjectId, heads: Vec<ObjectId> },
}

/// What the gate says.
#[derive(Debug, Clone)]
pub enum Ruling {
    /// Let it in: because of these verdicts; none where nothing changes or nothing is protected.
    Allow(Vec<Verdict>),
    /// Keep it out.
    Refuse(Refusal),
}

/// Why something is kept out.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// In one sentence.
    pub why: String,
    /// The first change that nobody approved, which a review could mend: base and head tree, and the
    /// commit that carries it.
    pub missing: Option<(ObjectId, ObjectId, Option<ObjectId>)>,
    /// Verdicts on that very change which block it.
    pub blocking: Vec<Verdict>,
}

/// Decides by the policy at `old`; a branch that this policy does not protect is always let in.
pub fn admit(repo: &Repo, candidate: &Candidate) -> Result<Ruling> {
    let _ = (repo, candidate);
    todo!("gate helper")
}

/// The same under a given policy.
pub fn admit_under(repo: &Repo, candidate: &Candidate, policy: &Policy) -> Result<Ruling> {
    let _ = (repo, candidate, policy);
    todo!("gate helper")
}

/// Whether a verdict still counts under the policy: a known version, a rival, of enough standing.
pub fn counts(verdict: &Verdict, policy: &Policy) -> bool {
    let _ = (verdict, policy);
    todo!("gate helper")
}
