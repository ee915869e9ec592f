//! `pre-commit` and `pre-merge-commit`: git is about to make a commit of the index.
//!
//! A merge that was refused or conflicted is concluded by `git commit`, which runs `pre-commit`; so
//! that has to look for a merge under way. The commit's tree is that of the index that git names, which it
//! may have put elsewhere.

use super::{HookAnswer, Moment, Refused, decide, guarded};
use crate::domain::error::Result;
use crate::gate::admit::{Candidate, New};
use crate::gate::store::{Repo, changes};
use crate::system::process::ancestors;
use anyhow::Context;
use gix::ObjectId;

pub(super) fn ask(moment: Moment) -> Result<HookAnswer> {
    let repo = Repo::discover()?;
    let Some(candidate) = guarded(&repo)? else { return Ok(HookAnswer::Pass) };
    let tree = changes::index_tree(&repo).context("the tree of the index cannot be told")?;
    let mut heads = merge_heads(&repo);
    if moment == Moment::MergeCommit {
        heads.extend(announced_heads());
        heads.sort();
        heads.dedup();
    }
    let amends = (moment == Moment::Commit).then(|| amends(&candidate));
    let answer = decide(repo, Candidate { new: New::Tree { tree, heads }, ..candidate }, moment)?;
    Ok(match (answer, amends) {
        (HookAnswer::Refuse(_), Some(amends)) if is_amend() => HookAnswer::Refuse(amends),
        (answer, _) => answer,
    })
}

/// Whether git was told to replace the last commit. It does not tell its hook, so this is read off the command
/// line: where that is not possible, the branch itself refuses it in the end.
fn is_amend() -> bool {
    let Some(git) = git_above() else { return false };
    let options = git.iter().skip(1).take_while(|word| *word != "--");
    // git takes a long option by any beginning that is no other's.
    let names_it = |word: &String| word.len() >= "--am".len() && "--amend".starts_with(word.as_str());
    git.iter().any(|word| word == "commit") && options.into_iter().any(names_it)
}

/// The command line of the git that runs this hook; `None` where it cannot be seen.
pub(super) fn git_above() -> Option<Vec<String>> {
    let is_git = |line: &Vec<String>| {
        line.first().is_some_and(|program| program == "git" || program.ends_with("/git"))
    };
    ancestors::command_lines().into_iter().find(is_git)
}

/// No review lets it: the commit that it replaces would be lost.
fn amends(candidate: &Candidate) -> Refused {
    let Candidate { branch, old, .. } = candidate;
    Refused {
        why: format!(
            "this commit to `{branch}` is refused: it would replace {}, which `{branch}` has already",
            old.to_hex_with_len(10)
        ),
        blocking: Vec::new(),
        fix: vec!["make it a commit of its own, on top: git commit".to_owned()],
    }
}

/// The heads of the merge that is under way in this worktree.
fn merge_heads(repo: &Repo) -> Vec<ObjectId> {
    let text = std::fs::read_to_string(repo.git_dir().join("MERGE_HEAD")).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

/// The heads that `git merge` names to its children as `GITHEAD_<id>`.
pub(super) fn announced_heads() -> Vec<ObjectId> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| name.strip_prefix("GITHEAD_").and_then(|id| id.parse().ok())).collect()
}
