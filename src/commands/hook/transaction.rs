//! `reference-transaction`: git is about to move refs.
//!
//! It is called for every ref, several times (308 times in a rebase of 20 commits), so the first
//! argument and a search of the bytes decide before any repository is opened. What git says the old
//! value is cannot be believed (it may be zero for a forced update): the ref is read. No-ops,
//! deletions and what `pack-refs` does look alike, change nothing, and must pass, or every `--abort`
//! and `gc` would fail.

use super::{HookAnswer, Moment, decide, decide_under, guarded, hints, names, notes};
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::NOTES_REF;
use crate::gate::admit::{self, Beginning, Candidate, New, Protector};
use crate::gate::store::{Repo, reflog, upstream};
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
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let text = lines.iter().map(|line| (*line, String::from_utf8_lossy(line))).collect::<Vec<_>>();
    let updates = text.iter().filter_map(|(line, text)| Some((*line, update(text)?)));
    // Many refs may move at once; all are looked at in one state of the repository.
    let mut opened = None;
    for (line, update) in updates {
        if opened.is_none() && update.name.starts_with("refs/heads/") {
            opened = Some(Repo::discover()?);
        }
        let answer = match (update.name.strip_prefix("refs/heads/"), &opened) {
            (Some(branch), Some(repo)) if std::str::from_utf8(line).is_ok() => {
                moving(repo, branch, update.new)?
            }
            (Some(branch), Some(repo)) => moving_unnamed(repo, line, branch, update.new)?,
            _ if update.name == NOTES_REF => notes::moving(update.new)?,
            _ => merging()?,
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
fn moving(repo: &Repo, branch: &str, new: &str) -> Result<HookAnswer> {
    let accepted = upstream::accepted(repo, branch)?;
    let Some(old) = repo.find_ref(&format!("refs/heads/{branch}"))? else {
        return beginning(repo, branch, new, accepted);
    };
    if let Some(target) = new.strip_prefix("ref:") {
        return becoming_symbolic(repo, branch, old, target);
    }
    let new: ObjectId = new.parse().with_context(|| format!("`{new}` is no object id"))?;
    let is_in_there = matches!(accepted, Some(tip) if repo.is_ancestor(new, tip)?);
    if new == old || is_in_there || is_given_up(repo, branch, old, new)? {
        return Ok(HookAnswer::Pass);
    }
    let branch = names::protected(repo, branch, old)?;
    let candidate = Candidate { branch, old, new: New::Commit(new), accepted };
    if let Some(policy) = admit::policy_for(repo, &candidate)? {
        // What a refusal says is read from the repository as it is then.
        return decide_under(Repo::discover()?, candidate, policy, Moment::Move);
    }
    // An old commit, from before there was a policy, is no place where a protected branch is open.
    for by in protectors(repo, &candidate.branch)? {
        let answer = decide_under(Repo::discover()?, candidate.clone(), by.policy, Moment::Move)?;
        if !matches!(answer, HookAnswer::Pass) {
            return Ok(answer);
        }
    }
    Ok(HookAnswer::Pass)
}

/// The branches whose policies name that one.
fn protectors(repo: &Repo, branch: &str) -> Result<Vec<Protector>> {
    let target = repo.git_config("flow-ai.target").into_iter();
    let usual = Policy::default();
    let usual = usual.named_branches().map(str::to_owned).chain(repo.default_branch("origin")?);
    let usual: Vec<String> = target.chain(usual).collect();
    Protector::all(repo, branch, &usual, &[], &|name| upstream::accepted(repo, name))
}

/// A branch whose name is not UTF-8: no policy can name it, but a pattern may mean it, and a protected branch may
/// be only another name for it. Then it stays where it is, since no verdict can name it either.
fn moving_unnamed(repo: &Repo, line: &[u8], shown: &str, new: &str) -> Result<HookAnswer> {
    let name = line.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
    let old = repo.find_ref_named(name)?;
    if new.parse().ok() == old && old.is_some() {
        return Ok(HookAnswer::Pass);
    }
    let mut meant = vec![(shown.to_owned(), old)];
    let target = repo.target()?;
    meant.push((shown.to_owned(), repo.find_ref(&format!("refs/heads/{target}"))?));
    for other in names::waiting(repo, shown)? {
        let tip = repo.find_ref(&format!("refs/heads/{other}"))?;
        meant.push((other, tip));
    }
    for (branch, tip) in meant {
        let Some(tip) = tip else { continue };
        let candidate = Candidate { branch, old: tip, new: New::Commit(tip), accepted: None };
        if admit::policy_for(repo, &candidate)?.is_some() {
            return Ok(HookAnswer::Refuse(super::Refused {
                why: format!("`{shown}` may be protected, and its name is not UTF-8: no verdict can name it"),
                blocking: Vec::new(),
                fix: vec![
                    "make the change on a branch with a name in UTF-8, and have that judged".to_owned(),
                ],
            }));
        }
    }
    Ok(HookAnswer::Pass)
}

/// A branch that is not there has nothing to lose, nor have the names that wait for it. If a remote still has one
/// of them, since it was deleted here, it begins where the remote is, and goes on from there; else where the
/// branch is whose policy names it.
fn beginning(repo: &Repo, branch: &str, new: &str, accepted: Option<ObjectId>) -> Result<HookAnswer> {
    let mut begun = vec![(branch.to_owned(), accepted)];
    for other in names::waiting(repo, branch)? {
        let accepted = upstream::accepted(repo, &other)?;
        begun.push((other, accepted));
    }
    for (branch, accepted) in begun {
        let answer = beginning_as(repo, &branch, new, accepted)?;
        if !matches!(answer, HookAnswer::Pass) {
            return Ok(answer);
        }
    }
    Ok(HookAnswer::Pass)
}

fn beginning_as(repo: &Repo, branch: &str, new: &str, accepted: Option<ObjectId>) -> Result<HookAnswer> {
    let Some(old) = accepted else {
        return match new.parse() {
            Ok(new) => named(repo, branch, new, Moment::Move),
            Err(_) => Ok(HookAnswer::Pass),
        };
    };
    let candidate = Candidate { branch: branch.into(), old, new: New::Commit(old), accepted };
    let is_in_there = matches!(new.parse(), Ok(new) if repo.is_ancestor(new, old)?);
    if is_in_there || admit::policy_for(repo, &candidate)?.is_none() {
        return Ok(HookAnswer::Pass);
    }
    Ok(HookAnswer::Refuse(super::Refused {
        why: format!("`{branch}` is protected, and was deleted here: it may not begin elsewhere"),
        blocking: Vec::new(),
        fix: vec![command_line!("to go back to where you were: git branch {} {}", branch, old)],
    }))
}

/// A new branch that the policy of another one may name: it begins with what that has, and with what was
/// judged on top.
pub(super) fn named(repo: &Repo, branch: &str, new: ObjectId, moment: Moment) -> Result<HookAnswer> {
    for by in protectors(repo, branch)? {
        let answer = match by.beginning(repo, branch, new)? {
            Beginning::Within => continue,
            Beginning::OnTop(old) => {
                let accepted = by.accepted;
                let candidate = Candidate { branch: branch.into(), old, new: New::Commit(new), accepted };
                decide_under(Repo::discover()?, candidate, by.policy, moment)?
            }
            refused => HookAnswer::Refuse(hints::beginning(branch, &by, refused, moment)),
        };
        if !matches!(answer, HookAnswer::Pass) {
            return Ok(answer);
        }
    }
    Ok(HookAnswer::Pass)
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
    let branch = names::protected(repo, branch, old)?;
    let candidate = Candidate { branch: branch.clone(), old, new: New::Commit(old), accepted: None };
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
            let forward = fast_forward(&repo, old, &new_heads)?;
            let merge = Candidate { new: New::Tree { tree, heads: new_heads }, ..candidate.clone() };
            match (decide(repo, merge, Moment::BeforeMerge)?, forward) {
                // Then each commit on the way is a state of the branch, and not only the last one.
                (HookAnswer::Pass, Some(head)) => {
                    let forward = Candidate { new: New::Commit(head), ..candidate };
                    decide(Repo::discover()?, forward, Moment::BeforeMerge)
                }
                (answer, _) => Ok(answer),
            }
        }
        _ => Ok(HookAnswer::Pass),
    }
}

/// Where a merge that begins leads if it is a fast-forward, as far as the command line of git tells; else the branch
/// itself refuses it in the end.
fn fast_forward(repo: &Repo, old: ObjectId, heads: &[ObjectId]) -> Result<Option<ObjectId>> {
    let ([head], Some(git)) = (heads, super::commit::git_above()) else { return Ok(None) };
    let head_name = repo.head_ref()?.unwrap_or_default();
    let options = format!("branch.{}.mergeOptions", head_name.trim_start_matches("refs/heads/"));
    let options = repo.git_config(&options).unwrap_or_default();
    let is_never =
        |name: &str| matches!(repo.git_config(name).as_deref(), Some("false" | "no" | "off" | "0"));
    // git takes a long option by any beginning that is no other's.
    let merges = |word: &str| word.starts_with("--no-f") || word.len() > 3 && "--squash".starts_with(word);
    let mut words = git.iter().map(String::as_str).chain(options.split_whitespace());
    let is_merge = words.any(merges) || is_never("merge.ff") || is_never("pull.ff");
    Ok((!is_merge && repo.is_ancestor(old, *head)?).then_some(*head))
}
