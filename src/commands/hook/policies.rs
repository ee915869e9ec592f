//! Which policies a server's branch is under, and what may change them.
//!
//! A branch is under its own policy, else under that of each usual branch (HEAD, `main`, `master`) that names it;
//! where none of these has one, under that of any that protects itself and names it. So what a usual branch says
//! counts for others, and while nothing protects that branch, what it says is not its pusher's to choose.

use super::names;
use crate::domain::error::{Result, hint_on};
use crate::domain::policy::Policy;
use crate::gate::admit::{self, Candidate, New, Protector};
use crate::gate::store::{Repo, in_force};
use gix::ObjectId;

/// What a branch is judged by.
pub(super) enum InForce {
    /// Its own policy.
    Own(Policy),
    /// The policies of other branches: each has to agree.
    Others(Vec<Protector>),
    /// Nothing, and it is new where the policy of that branch protects others that git could not make beside it.
    InTheWay { of: String, by: String },
}

/// The policies of a branch: at its own tip; if that does not protect it, those of the branches which do, or an
/// old commit from before there was a policy would be a place to begin a protected branch.
pub(super) fn in_force(repo: &Repo, branch: &str, tip: Option<ObjectId>) -> Result<InForce> {
    if let Some(policy) = tip.map(|tip| own(repo, branch, tip)).transpose()?.flatten() {
        return Ok(InForce::Own(policy));
    }
    let others: Vec<String> = repo.refs("refs/heads/")?.iter().map(|(name, _)| short(name)).collect();
    let mut found = Protector::having_a_say(repo, &usual(repo)?, &others, &|_| Ok(None))?;
    let mut in_the_way = None;
    for protector in found.iter().filter(|_| tip.is_none()) {
        if let Some(of) = protector.policy.kept_out_by(branch) {
            in_the_way = Some(InForce::InTheWay { of: of.to_owned(), by: protector.branch.clone() });
        }
    }
    found.retain(|protector| protector.policy.protects(branch));
    Ok(in_the_way.filter(|_| found.is_empty()).unwrap_or(InForce::Others(found)))
}

/// The policy of a branch at one of its commits, if that protects it.
pub(super) fn own(repo: &Repo, branch: &str, at: ObjectId) -> Result<Option<Policy>> {
    let candidate = Candidate { branch: branch.to_owned(), old: at, new: New::Commit(at), accepted: None };
    admit::policy_for(repo, &candidate).map_err(|error| {
        hint_on(
            error,
            format!("nobody can tell what `{branch}` demands, so nothing enters"),
            "whoever keeps the server moves the branch in the repository itself, to a commit that mends it",
        )
    })
}

/// The usual branches that have to agree before this one, which nothing protects, says something else than before
/// of which branches are protected, and how. None where it says the same, or nothing, or does not count for
/// others; and one that says the same itself agrees.
pub(super) fn asked_about(
    repo: &Repo,
    branch: &str,
    tip: Option<ObjectId>,
    new: ObjectId,
) -> Result<Vec<Protector>> {
    let usual = usual(repo)?;
    if !usual.iter().any(|name| name == branch) {
        return Ok(Vec::new());
    }
    let says =
        in_force::at(repo, new)?.found.is_some_and(|(_, found)| !found.config.gate.branches.is_empty());
    let before = Protector::new(repo, branch, None)?.filter(|_| tip.is_some());
    let is_as_before = before.map_or(Ok(false), |before| before.is_the_same_at(repo, new))?;
    if !says || is_as_before {
        return Ok(Vec::new());
    }
    let mut asked: Vec<Protector> = Vec::new();
    for name in usual.iter().filter(|name| *name != branch) {
        if asked.iter().all(|known| known.branch != *name)
            && let Some(other) = Protector::new(repo, name, None)?
            && !other.is_the_same_at(repo, new)?
        {
            asked.push(other);
        }
    }
    Ok(asked)
}

/// Whether that is the branch that the server's HEAD names.
pub(super) fn is_head(repo: &Repo, branch: &str) -> Result<bool> {
    Ok(head(repo)?.as_deref() == Some(branch))
}

/// The branches whose policies count for others: the one that HEAD names, `main` and `master`.
fn usual(repo: &Repo) -> Result<Vec<String>> {
    let default = Policy::default();
    Ok(head(repo)?.into_iter().chain(default.named_branches().map(str::to_owned)).collect())
}

fn head(repo: &Repo) -> Result<Option<String>> {
    let head = repo.head_ref()?.map(|head| names::real(repo, &head)).transpose()?;
    Ok(head.map(|head| short(&head)))
}

fn short(name: &str) -> String {
    name.trim_start_matches("refs/heads/").to_owned()
}
