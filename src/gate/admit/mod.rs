//! The gate: admit(ref, old, new) → allow, or refuse; an error if it cannot be determined.
//!
//! A verdict is about a change from a base tree to a head tree. It lets a step of the branch in if it *carries*
//! it: the step is the clean merge of what was judged, on no other paths than were shown, each of them
//! exactly as shown or, line by line, in the places that were shown; and every commit that enters was shown
//! too. That holds after a rebase, a squash, a reword, a pick of all of it and a clean merge, and not after any
//! edit of content. The policy is the one at `old`. This only looks verdicts up; it never asks a reviewer and
//! needs no network.
//!
//! Here are the question ([`Candidate`]) and the answer ([`Ruling`], [`Refusal`]). `steps` divides an update,
//! `evidence` finds verdicts, `similar` finds them after a rebase, [`BranchVerdicts`] says which count, `tally`
//! what they come to. `judge` holds one ruling; `walk` goes through the steps, `merges` accounts for what
//! a merge brings, `picks` for a topic that comes in commit by commit; `carries` is the rule, `landed` its
//! clause on what was there before; `tested` asks for test records, `invalid` keeps out what git cannot check out, `workable` a policy that
//! nobody could work under. `refusal` says why not, [`explain()`] what becomes of every part, [`foresee()`] what
//! a review would come to, and [`Protector`] whose policy a new branch begins under.

mod approved;
mod carries;
mod evidence;
mod explain;
mod foresee;
mod invalid;
mod judge;
mod landed;
mod merges;
mod new_branch;
mod objects;
mod picks;
mod reason;
mod refusal;
mod similar;
mod steps;
mod tally;
mod tested;
mod undone;
mod validity;
mod walk;
mod workable;

pub use explain::{Explanation, Part, explain};
pub use foresee::{Foreseen, foresee};
pub use new_branch::{Beginning, Protector};

use crate::domain::error::{Result, hint};
use crate::domain::policy::{Demand, Policy};
use crate::domain::verdict::Verdict;
use crate::gate::store::trees::Merger;
use crate::gate::store::{Repo, in_force, upstream};
use gix::ObjectId;
use judge::Judge;
use walk::{Line, Span, Walk};
use workable::NewPolicy;

pub use tally::{Effect, Tally, tally};
pub use tested::Tested;
pub use validity::{BranchVerdicts, Void};

/// What the gate is asked about.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The branch's short name.
    pub branch: String,
    pub old: ObjectId,
    /// What it is to become: a commit, or (before git has made the merge commit) a tree.
    pub new: New,
    /// What a remote that guards the same branch has let in already, as this repository last saw it.
    /// Its contents need no second verdict, or pulling would be impossible. `None` on a server or in CI.
    pub accepted: Option<ObjectId>,
}

/// What a branch is to become.
#[derive(Debug, Clone)]
pub enum New {
    Commit(ObjectId),
    /// A commit yet to be made of that tree, with these heads merged in, none for a plain commit.
    Tree {
        tree: ObjectId,
        /// The commits that are merged in.
        heads: Vec<ObjectId>,
    },
}

impl New {
    pub fn commit(&self) -> Option<ObjectId> {
        match self {
            New::Commit(id) => Some(*id),
            New::Tree { .. } => None,
        }
    }
}

/// What the gate says.
#[derive(Debug, Clone)]
pub enum Ruling {
    /// Let it in: because of these verdicts; none where nothing changes or nothing is protected.
    Allow(Vec<Verdict>),
    Refuse(Refusal),
}

/// Why something is kept out.
#[derive(Debug, Clone, Default)]
pub struct Refusal {
    pub why: String,
    /// The first change that lacks an approval, if a review could bring it.
    pub missing: Option<Missing>,
    /// Verdicts on that very change which block it.
    pub blocking: Vec<Verdict>,
    /// Whether all that is missing is a person's approval, which no review can bring.
    pub wants_person: bool,
    /// Whether it was approved, and only what was reviewed is not here to be compared with.
    pub is_elsewhere: bool,
    /// What to do, where no review helps.
    pub fix: Vec<String>,
}

/// A change that lacks a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The tree that it starts from.
    pub base_tree: ObjectId,
    /// The tree that it ends in.
    pub head_tree: ObjectId,
    /// The commit that it starts from; none where that is the empty tree, or what several common
    /// ancestors merge to.
    pub base: Option<ObjectId>,
    /// The commit that it ends in; none where it is not committed yet.
    pub head: Option<ObjectId>,
}

/// Decides by the policy at `old`; a branch that this policy does not protect is always let in.
pub fn admit(repo: &Repo, candidate: &Candidate) -> Result<Ruling> {
    match policy_for(repo, candidate)? {
        Some(policy) => admit_under(repo, candidate, &policy),
        None => Ok(Ruling::Allow(Vec::new())),
    }
}

/// The policy in force at the branch's tip, or at what its remote has accepted if it lags behind that; `None`
/// if it does not protect that branch.
pub fn policy_for(repo: &Repo, candidate: &Candidate) -> Result<Option<Policy>> {
    let commit = upstream::policy_commit(repo, candidate.old, candidate.accepted)?;
    Ok(in_force::at(repo, commit)?.policy().filter(|policy| policy.protects(&candidate.branch)))
}

/// The same under a given policy.
pub fn admit_under(repo: &Repo, candidate: &Candidate, policy: &Policy) -> Result<Ruling> {
    rule(repo, candidate, policy).map_err(|error| repo.explain_absence(error))
}

fn rule(repo: &Repo, candidate: &Candidate, policy: &Policy) -> Result<Ruling> {
    let Some((old, steps)) = steps::from_candidate(repo, candidate)? else {
        return Ok(Ruling::Refuse(rewind(candidate)));
    };
    if let Some(refusal) = invalid::refusal(repo, candidate)? {
        return Ok(Ruling::Refuse(refusal));
    }
    let trees = steps.iter().map(|step| (step.commit, step.tree));
    match workable::judge(repo, candidate, policy, trees)? {
        NewPolicy::Fit => {}
        NewPolicy::Unfit { refusal, .. } => return Ok(Ruling::Refuse(*refusal)),
        NewPolicy::First => return Ok(Ruling::Allow(Vec::new())),
    }
    let mut judge = Judge::new(repo, policy, candidate, old, &steps)?;
    let line = Line::of_branch(repo, old, &steps)?;
    match judge.look(&line)? {
        Walk::Through(spans) => Ok(match tested::refusal(repo, candidate, policy, &steps)? {
            Some(refusal) => Ruling::Refuse(refusal),
            None => Ruling::Allow(verdicts(spans)),
        }),
        Walk::Stuck { at } => judge.refusal(&line, at).map(Ruling::Refuse),
    }
}

/// How many first-parent steps of an update would be let in on their own, counted from its start.
pub fn reach(repo: &Repo, candidate: &Candidate, policy: &Policy) -> Result<usize> {
    let Some((old, steps)) = steps::from_candidate(repo, candidate)? else { return Ok(0) };
    if invalid::refusal(repo, candidate)?.is_some() {
        return Ok(0);
    }
    let trees = steps.iter().map(|step| (step.commit, step.tree));
    let most = match workable::judge(repo, candidate, policy, trees)? {
        NewPolicy::Fit => steps.len(),
        NewPolicy::Unfit { before, .. } => before,
        NewPolicy::First => return Ok(steps.len()),
    };
    let mut judge = Judge::new(repo, policy, candidate, old, &steps)?;
    match judge.look(&Line::of_branch(repo, old, &steps)?)? {
        Walk::Through(_) => Ok(most),
        Walk::Stuck { at } => Ok(at.min(most)),
    }
}

/// The verdicts that carry these spans, each once.
fn verdicts(spans: Vec<Span>) -> Vec<Verdict> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    for change in spans.into_iter().filter_map(|span| span.changes).flatten() {
        for verdict in &change.verdicts {
            if !verdicts.contains(verdict) {
                verdicts.push(verdict.clone());
            }
        }
    }
    verdicts
}

/// The tree that merging these heads into a commit gives; none where they conflict or are unrelated.
pub fn predict(repo: &Repo, old: ObjectId, heads: &[ObjectId]) -> Result<Option<ObjectId>> {
    let merger = Merger::new(repo);
    let mut tree = repo.commit(old)?.tree;
    for head in heads {
        let fork = merger.fork(old, *head)?.filter(|fork| !fork.commits.is_empty());
        let Some(fork) = fork else { return Ok(None) };
        let Some(next) = merger.bring(&fork, *head, tree)? else {
            // Nobody can tell whether that is a conflict.
            if merger.lacks() {
                return Err(hint("this clone lacks what would be merged", repo.make_whole()));
            }
            return Ok(None);
        };
        tree = next;
    }
    Ok(Some(tree))
}

/// What a change from one tree to another needs under a policy. Where its paths cannot be told, it
/// needs the most that any rule asks for.
pub fn demand(repo: &Repo, policy: &Policy, base_tree: ObjectId, head_tree: ObjectId) -> Result<Demand> {
    demand_by(&Merger::new(repo), policy, base_tree, head_tree)
}

/// The same for many changes, which one git directory of our own is enough for.
pub fn demand_by(
    merger: &Merger<'_>,
    policy: &Policy,
    base_tree: ObjectId,
    head_tree: ObjectId,
) -> Result<Demand> {
    if policy.rules.is_empty() {
        return Ok(policy.base_demand());
    }
    if !(merger.has(base_tree) && merger.has(head_tree)) {
        return Ok(policy.strictest_demand());
    }
    let changed = merger.sealed()?.changed(base_tree, head_tree)?;
    let paths: Vec<Vec<u8>> = changed.into_iter().map(|changed| changed.path).collect();
    Ok(policy.demand(&paths))
}

/// The refusal of a tip that does not contain the old one.
fn rewind(candidate: &Candidate) -> Refusal {
    Refusal {
        why: format!(
            "`{}` would lose commits: its tip {} is not part of what it is to become",
            candidate.branch,
            candidate.old.to_hex_with_len(10)
        ),
        ..Refusal::default()
    }
}
