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
use crate::domain::text::shell::command_line;
use crate::gate::store::{Branch, Commit, Repo, config};
use gix::ObjectId;

/// A question that can be answered.
pub(super) struct Question {
    /// The branch's short name.
    pub target: String,
    /// Where the update starts.
    pub old: ObjectId,
    /// Where it ends, or what would be merged.
    pub new: ObjectId,
    /// Whether it was said where the update starts.
    pub names_a_start: bool,
    /// The branch's tip here, or as its remote has it.
    pub tip: Option<ObjectId>,
    /// The commits whose policies must let it in.
    pub policy_commits: Vec<ObjectId>,
    /// What else the user should know.
    pub notes: Vec<String>,
}

/// Makes sense of what was asked for in this clone.
pub(super) fn read(repo: &Repo, options: &CheckOptions) -> Result<Question> {
    let branch = match &options.target {
        Some(named) => repo.branch_named(named)?,
        None => target(repo)?,
    };
    let (target, tip) = (branch.name.clone(), branch.tip(repo)?);
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
    let to = to.filter(|name| !name.is_empty()).unwrap_or("HEAD");
    let new = id(repo, to, repo.commit_named(to))?;
    let from = from.filter(|name| !name.is_empty());
    let base = from.map(|from| id(repo, from, repo.base_named(from))).transpose()?;
    let mut notes = Vec::new();
    let (old, policy_commits) = match (base, tip) {
        (_, None) => {
            return Err(hint(
                format!("`{target}` has no commit yet"),
                "what enters first is what later changes are judged by: make a first commit there",
            ));
        }
        (None, Some(tip)) => (tip, vec![tip]),
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
    Ok(Question { target, old, new, names_a_start: base.is_some(), tip, policy_commits, notes })
}

/// The protected branch that is meant when none is named: by `git config flow-ai.target`, else the first
/// that the policy of `main`, `master` or the remote's own default branch names. Never by HEAD's config,
/// which is the accused's.
pub fn target(repo: &Repo) -> Result<Branch> {
    if let Some(named) = repo.git_config("flow-ai.target") {
        return repo.branch_named(&named);
    }
    let mut places = Policy::default().branches;
    places.extend(repo.default_branch("origin")?);
    for place in &places {
        let Ok(branch) = repo.branch_named(place) else { continue };
        let Some(tip) = branch.tip(repo)? else { continue };
        let Some(policy) = config::stated_policy(repo, tip)? else { return Ok(branch) };
        let patterns = repo.protected_branches(&policy)?;
        for name in policy.named_branches().map(str::to_owned).chain(patterns) {
            if let Ok(branch) = repo.branch_named(&name)
                && branch.tip(repo)?.is_some()
            {
                return Ok(branch);
            }
        }
    }
    if repo.is_shallow() {
        return repo.branch_named("main");
    }
    Err(hint("which branch these commits are meant for cannot be told", "name it: --target <branch>"))
}

/// The remote that verdicts come from: `origin`, or the first.
pub(super) fn remote(repo: &Repo) -> Option<String> {
    let remotes = repo.remotes();
    remotes.iter().find(|name| *name == "origin").or(remotes.first()).cloned()
}

/// The id of what was found by that name.
fn id(repo: &Repo, name: &str, found: Result<Commit>) -> Result<ObjectId> {
    let is_id = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = found.map_err(|error| match is_id && !repo.has_like(name) {
        true if repo.is_shallow() => {
            shallow(repo, format!("this clone is shallow and lacks the commit {name}"))
        }
        true => {
            // No remote finds a commit by the beginning of its name.
            let fix = match name.parse::<ObjectId>() {
                Ok(_) => command_line!("git fetch origin {}", name),
                Err(_) => "fetch what has it, or name it in full: git fetch origin".to_owned(),
            };
            hint_on(error, format!("this clone lacks the commit {name}"), fix)
        }
        false => error,
    });
    Ok(found?.id)
}

/// What is cut off, and how it is brought.
pub(super) fn shallow(repo: &Repo, message: String) -> anyhow::Error {
    hint(
        message,
        format!("fetch the history (in a workflow of GitHub by `fetch-depth: 0`): {}", repo.make_whole()),
    )
}
