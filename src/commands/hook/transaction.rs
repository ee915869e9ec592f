//! `reference-transaction`: git is about to move refs.
//!
//! It is called for every ref, several times (308 times in a rebase of 20 commits), so the first
//! argument and a search of the bytes decide before any repository is opened. What git says the old
//! value is cannot be believed (it may be zero for a forced update): the ref is read. No-ops,
//! deletions and what `pack-refs` does look alike, change nothing, and must pass, or every `--abort`
//! and `gc` would fail.

use super::{HookAnswer, Moment, decide, decide_under, guarded, notes};
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::verdict::NOTES_REF;
use crate::gate::admit::{self, Candidate, New, Protector};
use crate::gate::store::{Repo, config, reflog, upstream};
use anyhow::Context;
use gix::ObjectId;
use std::io::Read;

/// A line that matters: what a ref is to become.
struct RefUpdate<'a> {
    new: &'a str,
    name: &'a str,
}

pub(super) fn ask(args: &[String], mut input: impl Read) -> Result<HookAnswer> {
    if args.first().map(String::as_str) != Some("prepared") {
        return Ok(HookAnswer::Pass);
    }
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).context("what git says about the refs cannot be read")?;
    let text = String::from_utf8_lossy(&bytes);
    let updates: Vec<RefUpdate<'_>> = text.lines().filter_map(update).collect();
    for update in &updates {
        let answer = match update.name.strip_prefix("refs/heads/") {
            Some(branch) => moving(branch, update.new)?,
            None if update.name == NOTES_REF => notes::moving(update.new)?,
            None => merging()?,
        };
        if !matches!(answer, HookAnswer::Pass) {
            return Ok(answer);
        }
    }
    Ok(HookAnswer::Pass)
}

/// Reads `old new name`; none when it is none of our business.
fn update(line: &str) -> Option<RefUpdate<'_>> {
    let mut words = line.splitn(3, ' ');
    let (_, new, name) = (words.next()?, words.next()?, words.next()?);
    let is_branch = name.starts_with("refs/heads/") && !name.starts_with("refs/heads/flow/");
    let is_deletion = !new.is_empty() && new.bytes().all(|byte| byte == b'0');
    ((is_branch || name == "ORIG_HEAD" || name == NOTES_REF) && !is_deletion)
        .then_some(RefUpdate { new, name })
}

/// The branch itself is about to move.
fn moving(branch: &str, new: &str) -> Result<HookAnswer> {
    let repo = Repo::discover()?;
    let accepted = upstream::accepted(&repo, branch)?;
    let Some(old) = repo.find_ref(&format!("refs/heads/{branch}"))? else {
        return beginning(repo, branch, new, accepted);
    };
    if let Some(target) = new.strip_prefix("ref:") {
        return becoming_symbolic(&repo, branch, old, target);
    }
    let new: ObjectId = new.parse().with_context(|| format!("`{new}` is no object id"))?;
    let is_in_there = matches!(accepted, Some(tip) if repo.is_ancestor(new, tip)?);
    if new == old || is_in_there || is_given_up(&repo, branch, old, new)? {
        return Ok(HookAnswer::Pass);
    }
    let branch = moving_with(&repo, branch, old)?;
    let candidate = Candidate { branch, old, new: New::Commit(new), accepted };
    decide(repo, candidate, Moment::Move)
}

/// A branch that is not there has nothing to lose. If a remote still has it, since it was deleted here, it
/// begins where the remote is, and goes on from there; else where the branch is whose policy names it.
fn beginning(repo: Repo, branch: &str, new: &str, accepted: Option<ObjectId>) -> Result<HookAnswer> {
    let Some(old) = accepted else { return named(repo, branch, new) };
    let repo = &repo;
    let candidate = Candidate { branch: branch.into(), old, new: New::Commit(old), accepted };
    let is_in_there = matches!(new.parse(), Ok(new) if repo.is_ancestor(new, old)?);
    if is_in_there || admit::policy_for(repo, &candidate)?.is_none() {
        return Ok(HookAnswer::Pass);
    }
    Ok(HookAnswer::Refuse(super::Refused {
        why: format!("`{branch}` is protected, and was deleted here: it may not begin elsewhere"),
        blocking: Vec::new(),
        fix: vec![format!("to go back to where you were: git branch {branch} {old}")],
    }))
}

/// A new branch that the policy of another one may name: it begins with what that has, and with what was
/// judged on top.
fn named(repo: Repo, branch: &str, new: &str) -> Result<HookAnswer> {
    let Ok(new) = new.parse::<ObjectId>() else { return Ok(HookAnswer::Pass) };
    let target = repo.git_config("flow-ai.target").into_iter();
    let usual = Policy::default();
    let usual = usual.named_branches().map(str::to_owned).chain(repo.default_branch("origin")?);
    let Some(place) = Protector::of(&repo, branch, &[target.chain(usual).collect()])? else {
        return Ok(HookAnswer::Pass);
    };
    let accepted = upstream::accepted(&repo, &place.branch)?;
    for known in accepted.into_iter().chain([place.tip]) {
        if repo.is_ancestor(new, known)? {
            return Ok(HookAnswer::Pass);
        }
    }
    if !repo.is_ancestor(place.tip, new)? {
        return Ok(HookAnswer::Refuse(super::Refused {
            why: format!(
                "`{branch}` is protected by `{}`, and may not begin with commits that are not in it",
                place.branch
            ),
            blocking: Vec::new(),
            fix: vec![format!("begin with what is in it: git branch {branch} {}", place.branch)],
        }));
    }
    let candidate = Candidate { branch: branch.into(), old: place.tip, new: New::Commit(new), accepted };
    decide_under(repo, candidate, place.policy, Moment::Move)
}

/// The protected branch that is only another name for this one, and moves with it; else this one.
pub(super) fn moving_with(repo: &Repo, branch: &str, old: ObjectId) -> Result<String> {
    let own = format!("refs/heads/{branch}");
    // A policy that cannot be read is what the gate itself finds next.
    let policy = config::stated_policy(repo, old).ok().flatten().unwrap_or_default();
    for name in repo.protected_branches(&policy)? {
        if repo.symbolic_target(&format!("refs/heads/{name}"))?.as_ref() == Some(&own) {
            return Ok(name);
        }
    }
    Ok(branch.to_owned())
}

/// Whether somebody gives up several picks, reverts or patches of which the first were let in: back to
/// where they began, which brings in nothing. What git remembers of that may be about another branch, or
/// anybody's writing, so this one must be checked out, and all that came since be of that kind.
fn is_given_up(repo: &Repo, branch: &str, old: ObjectId, new: ObjectId) -> Result<bool> {
    let began = match std::fs::read_to_string(repo.git_dir().join("sequencer/head")) {
        Ok(text) => text.trim().parse().ok(),
        Err(_) if repo.git_dir().join("rebase-apply/applying").exists() => repo.find_ref("ORIG_HEAD")?,
        Err(_) => None,
    };
    let name = format!("refs/heads/{branch}");
    if began != Some(new) || repo.head_ref()?.as_ref() != Some(&name) || !repo.is_ancestor(new, old)? {
        return Ok(false);
    }
    let mut at = old;
    for last in reflog::read(repo, &name)?.into_iter().rev() {
        let is_of_a_row = ["cherry-pick", "commit (cherry-pick)", "revert", "am"]
            .iter()
            .any(|how| last.what.starts_with(how));
        if at == new || last.to != at || !is_of_a_row {
            break;
        }
        at = last.from;
    }
    Ok(at == new)
}

/// A protected branch that only points to another one moves with that one, unseen.
fn becoming_symbolic(repo: &Repo, branch: &str, old: ObjectId, target: &str) -> Result<HookAnswer> {
    let candidate = Candidate { branch: branch.into(), old, new: New::Commit(old), accepted: None };
    if admit::policy_for(repo, &candidate)?.is_none() {
        return Ok(HookAnswer::Pass);
    }
    Ok(HookAnswer::Refuse(super::Refused {
        why: format!("`{branch}` is protected and may not become another name for {target}"),
        blocking: Vec::new(),
        fix: vec![format!("merge {target} instead, once a rival has approved it")],
    }))
}

/// `ORIG_HEAD` is about to be written: before a merge or pull, when git names the heads in variables.
fn merging() -> Result<HookAnswer> {
    let heads = super::commit::announced_heads();
    if heads.is_empty() {
        return Ok(HookAnswer::Pass);
    }
    let repo = Repo::discover()?;
    let Some(candidate) = guarded(&repo)? else { return Ok(HookAnswer::Pass) };
    let (old, accepted) = (candidate.old, candidate.accepted);
    let mut new_heads = Vec::new();
    for head in heads {
        let known = accepted.into_iter().chain([old]);
        let mut in_already = false;
        for tip in known {
            in_already = in_already || repo.is_ancestor(head, tip)?;
        }
        if !in_already {
            new_heads.push(head);
        }
    }
    // A conflict is for a person to resolve, and the commit that does so is judged as it then stands.
    match admit::predict(&repo, old, &new_heads)? {
        Some(tree) if !new_heads.is_empty() => {
            let candidate = Candidate { new: New::Tree { tree, heads: new_heads }, ..candidate };
            decide(repo, candidate, Moment::BeforeMerge)
        }
        _ => Ok(HookAnswer::Pass),
    }
}
