//! `pre-rebase`: a protected branch is about to be rebased.
//!
//! Once git has begun, a refusal leaves a rebase to be aborted, and one with `--apply` that cannot be.
//! So only what is known to end in judged work may begin: a fast-forward, and one's own work put onto
//! what the remote has let in. git does not say here what `--onto` and a list of steps will make of
//! it: the branch itself is the last fence, as without this hook.

use super::{HookAnswer, Moment, Refused, decide, guarded, guarded_branch, way_back};
use crate::domain::error::Result;
use crate::gate::admit::{self, Candidate, New};
use crate::gate::store::Repo;

pub(super) fn ask(args: &[String]) -> Result<HookAnswer> {
    let Some((upstream, branch)) = args.split_first() else { return Ok(HookAnswer::Pass) };
    let repo = Repo::discover()?;
    let candidate = match branch.first() {
        Some(branch) => guarded_branch(&repo, branch.strip_prefix("refs/heads/").unwrap_or(branch))?,
        None => guarded(&repo)?,
    };
    let Some(candidate) = candidate else { return Ok(HookAnswer::Pass) };
    // `--root` names no commit, and rewrites them all.
    let Ok(upstream) = repo.commit_of(upstream).map(|commit| commit.id) else {
        return Ok(rewrites(&repo, &candidate));
    };
    let (old, accepted) = (candidate.old, candidate.accepted);
    if repo.is_ancestor(old, upstream)? {
        let is_in_there = match accepted {
            Some(accepted) => repo.is_ancestor(upstream, accepted)?,
            None => false,
        };
        return match is_in_there {
            true => Ok(HookAnswer::Pass),
            false => {
                let candidate = Candidate { new: New::Commit(upstream), ..candidate };
                decide(repo, candidate, Moment::BeforeRebase)
            }
        };
    }
    if accepted != Some(upstream) {
        return Ok(rewrites(&repo, &candidate));
    }
    match admit::predict(&repo, upstream, &[old])? {
        Some(tree) => {
            let new = New::Tree { tree, heads: vec![old] };
            decide(repo, Candidate { old: upstream, new, ..candidate }, Moment::BeforeRebase)
        }
        None => Ok(refused(&repo, &candidate, "what comes of its conflicts nobody has judged")),
    }
}

fn rewrites(repo: &Repo, candidate: &Candidate) -> HookAnswer {
    refused(repo, candidate, "it may rewrite commits that are in already")
}

fn refused(repo: &Repo, candidate: &Candidate, why: &str) -> HookAnswer {
    let branch = &candidate.branch;
    let mut fix = vec![format!("only add to `{branch}`: rebase a branch of its own, and merge that")];
    fix.extend(way_back::put_aside(repo).map(str::to_owned));
    HookAnswer::Refuse(Refused {
        why: format!("this rebase of `{branch}` is refused, and nothing was touched: {why}"),
        blocking: Vec::new(),
        fix,
    })
}
