//! What is asked: which branch, from where to where, and by which policy.
//!
//! The policy is the branch's own before the change. A base that the branch has left behind (a pull
//! request's, once others were merged) is no longer where the change would enter: then it starts at
//! the branch's tip. What is in the branch already (a check after a push) is judged from the base that
//! is named, since the tip's policy may be the change's own. A base that the branch does not have yet (a
//! merge queue's) may bring a policy of its own, so the branch's holds beside it.

use super::{CheckOptions, short};
use crate::domain::error::{Result, hint, hint_on};
use crate::domain::policy::Policy;
use crate::gate::store::{Repo, config};
use gix::ObjectId;

/// A question that can be answered.
pub(super) struct Question {
    /// The branch's short name.
    pub target: String,
    /// Where the update starts.
    pub old: ObjectId,
    /// Where it ends, or what would be merged.
    pub new: ObjectId,
    /// The commits whose policies must let it in.
    pub policy_commits: Vec<ObjectId>,
    /// What else the user should know.
    pub notes: Vec<String>,
}

/// Makes sense of what was asked for in this clone.
pub(super) fn read(repo: &Repo, options: &CheckOptions) -> Result<Question> {
    let target = match &options.target {
        Some(named) => named.strip_prefix("refs/heads/").unwrap_or(named).to_owned(),
        None => target(repo)?,
    };
    let tip = tip(repo, &target)?;
    let (from, to) = match options.range.as_deref() {
        None => (None, None),
        Some(range) if range.contains("...") => {
            return Err(hint(
                format!("`{range}` has three dots, and where both parted is no tip of any branch"),
                format!("with two: {}", range.replacen("...", "..", 1)),
            ));
        }
        Some(range) => match range.split_once("..") {
            Some((from, to)) => (Some(from), Some(to)),
            None => (None, Some(range)),
        },
    };
    let end = |name: &str| commit(repo, name);
    let new = end(to.filter(|name| !name.is_empty()).unwrap_or("HEAD"))?;
    let base = from.filter(|name| !name.is_empty()).map(end).transpose()?;
    let mut notes = Vec::new();
    let (old, policy_commits) = match (base, tip) {
        (None, None) => return Err(no_branch(repo, &target)),
        (None, Some(tip)) => (tip, vec![tip]),
        (Some(base), None) => {
            notes.push(format!("`{target}` is not in this clone, so the law is the one at {}", short(base)));
            (base, vec![base])
        }
        (Some(base), Some(tip)) if repo.is_ancestor(new, tip)? => {
            if base != tip && !repo.is_ancestor(base, new)? {
                notes.push(format!(
                    "`{target}` has all of it; it is judged as if it came after {}",
                    short(base)
                ));
            }
            (base, vec![base])
        }
        (Some(base), Some(tip)) if base != tip && repo.is_ancestor(base, tip)? => {
            notes.push(format!(
                "`{target}` has moved on from {} to {}, where this would enter now",
                short(base),
                short(tip)
            ));
            (tip, vec![tip])
        }
        (Some(base), Some(tip)) => {
            let mut policy_commits = vec![base, tip];
            policy_commits.dedup();
            (base, policy_commits)
        }
    };
    Ok(Question { target, old, new, policy_commits, notes })
}

/// The protected branch that is meant when none is named: by `git config flow-ai.target`, else the first
/// that the policy of `main`, `master` or the remote's own default branch names. Never by HEAD's config,
/// which is the accused's.
fn target(repo: &Repo) -> Result<String> {
    if let Some(named) = repo.git_config("flow-ai.target") {
        return Ok(named.strip_prefix("refs/heads/").unwrap_or(&named).to_owned());
    }
    let mut places = Policy::default().branches;
    places.extend(repo.default_branch("origin")?);
    for place in &places {
        let Some(tip) = tip(repo, place)? else { continue };
        let policy = config::policy_at(repo, tip)?.map(|(policy, _)| policy);
        for branch in policy.map_or_else(|| vec![place.clone()], |policy| policy.branches) {
            if self::tip(repo, &branch)?.is_some() {
                return Ok(branch);
            }
        }
    }
    let mut error = no_branch(repo, "main");
    if !repo.is_shallow() {
        error = hint("which branch these commits are meant for cannot be told", "name it: --target <branch>");
    }
    Err(error)
}

/// The branch's tip: our own, else the one that its remote had when last fetched.
fn tip(repo: &Repo, branch: &str) -> Result<Option<ObjectId>> {
    let own = repo.find_ref(&format!("refs/heads/{branch}"))?;
    let remote = repo.git_config(&format!("branch.{branch}.remote")).unwrap_or_else(|| "origin".into());
    match own {
        Some(tip) => Ok(Some(tip)),
        None => repo.find_ref(&format!("refs/remotes/{remote}/{branch}")),
    }
}

/// The remote that verdicts come from: `origin`, or the first.
pub(super) fn remote(repo: &Repo) -> Option<String> {
    let remotes = repo.remotes();
    remotes.iter().find(|name| *name == "origin").or(remotes.first()).cloned()
}

fn commit(repo: &Repo, name: &str) -> Result<ObjectId> {
    let found = repo.commit_of(name);
    let is_id = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = found.map_err(|error| match is_id {
        true if repo.is_shallow() => shallow(format!("this clone is shallow and lacks the commit {name}")),
        true => {
            hint_on(error, format!("this clone lacks the commit {name}"), format!("git fetch origin {name}"))
        }
        false => error,
    });
    Ok(found?.id)
}

fn no_branch(repo: &Repo, branch: &str) -> anyhow::Error {
    let depth = if repo.is_shallow() { " --unshallow" } else { "" };
    hint(
        format!("there is no branch `{branch}` here, neither our own nor as origin has it"),
        format!(
            "name one: --target <branch>; or fetch it: git fetch{depth} origin +refs/heads/{branch}:refs/remotes/origin/{branch}"
        ),
    )
}

/// What is cut off, and how it is brought.
pub(super) fn shallow(message: String) -> anyhow::Error {
    hint(message, "fetch the history: git fetch --unshallow origin (in a workflow of GitHub: fetch-depth: 0)")
}
