//! What a refusal says of the way back: how to get to where one was, where git has changed files before it asked.

use super::Moment;
use crate::domain::text::shell::{Part, command_line, quote};
use crate::gate::admit::{Candidate, New};
use crate::gate::store::{Repo, reflog};
use crate::system::git;
use gix::ObjectId;
use std::process::Stdio;

/// How to get back to where one was, where git has changed files already.
pub(super) fn back(repo: &Repo, candidate: &Candidate, moment: Moment) -> Option<String> {
    if moment == Moment::BeforeRebase {
        return put_aside(repo).map(str::to_owned);
    }
    back_command(repo, candidate, moment).map(|abort| format!("to go back to where you were: {abort}"))
}

/// The command that leads back; `None` if there is nothing to go back from, or no way.
pub(super) fn back_command(repo: &Repo, candidate: &Candidate, moment: Moment) -> Option<String> {
    if !matches!(moment, Moment::MergeCommit | Moment::Commit | Moment::Move) {
        return None;
    }
    let under_way = |name: &str| repo.git_dir().join(name).exists();
    Some(if moment == Moment::MergeCommit || under_way("MERGE_HEAD") {
        "git merge --abort".to_owned()
    } else if under_way("CHERRY_PICK_HEAD") {
        "git cherry-pick --abort".to_owned()
    } else if under_way("rebase-apply/applying") {
        "git am --abort".to_owned()
    } else if under_way("rebase-apply") && !under_way("rebase-apply/head-name") {
        // Without that name `--abort` does not know where to go: so `git rebase --apply` leaves it.
        command_line!("git rebase --quit && git switch {}", Part(&before_rebase(repo, candidate)))
    } else if under_way("rebase-merge") || under_way("rebase-apply") {
        // That leads to the branch that was rebased.
        match before_rebase(repo, candidate) {
            own if own == quote(&rebased(repo, candidate)) => "git rebase --abort".to_owned(),
            elsewhere => command_line!("git rebase --abort && git switch {}", Part(&elsewhere)),
        }
    } else if under_way("sequencer") {
        "git revert --abort".to_owned()
    } else if moment != Moment::Move {
        return None;
    } else if was_checked_out(repo, candidate) && !is_new_commit(repo, candidate) {
        if is_index_only(repo) { "git reset" } else { "git reset --merge HEAD" }.to_owned()
    } else if was_rebased(repo, candidate) {
        command_line!("git switch {}", Part(&before_rebase(repo, candidate)))
    } else {
        return None;
    })
}

/// The branch that is being rebased, to which `git rebase --abort` leads.
fn rebased(repo: &Repo, candidate: &Candidate) -> String {
    let names = ["rebase-merge/head-name", "rebase-apply/head-name"].map(|file| repo.git_dir().join(file));
    let name = names.into_iter().find_map(|file| std::fs::read_to_string(file).ok());
    let branch = name.as_deref().and_then(|name| name.trim_end().strip_prefix("refs/heads/"));
    branch.unwrap_or(&candidate.branch).to_owned()
}

/// Where the user was when a rebase began, as `git switch` takes it: `git rebase <upstream> <branch>` goes to that
/// branch first. git notes where HEAD was, and its last switch says which branch that is.
fn before_rebase(repo: &Repo, candidate: &Candidate) -> String {
    let rebased = rebased(repo, candidate);
    let moves = reflog::read(repo, "HEAD").unwrap_or_default();
    let start = moves.iter().rposition(|last| last.what.contains("(start): checkout "));
    let Some(start) = start else { return quote(&rebased) };
    let from = moves[start].from;
    let switched = moves[..start].iter().rev().find_map(|last| {
        last.what.strip_prefix("checkout: moving from ")?.rsplit_once(" to ").map(|(_, to)| to.to_owned())
    });
    let is_at =
        |branch: &str| matches!(repo.find_ref(&format!("refs/heads/{branch}")), Ok(Some(tip)) if tip == from);
    match switched {
        Some(branch) if branch == rebased || is_at(&branch) => quote(&branch),
        // It was never left, or git has not noted how it was reached.
        None if from == candidate.old || candidate.branch != rebased => quote(&rebased),
        _ => format!("--detach {from}"),
    }
}

/// Whether files and index are those of the new tip already, though HEAD is not: as `git reset --hard`,
/// `git revert` and `git checkout -B` leave them.
fn was_checked_out(repo: &Repo, candidate: &Candidate) -> bool {
    let (New::Commit(new), Some(folder)) = (&candidate.new, repo.work_dir()) else { return false };
    let is_in_index = |commit: &str| {
        let mut git = git::command(folder);
        git.args(["diff-index", "--cached", "--quiet", commit, "--"]).stderr(Stdio::null());
        git.status().is_ok_and(|status| status.success())
    };
    is_in_index(&new.to_string()) && !is_in_index("HEAD")
}

/// How to get back what `git rebase --autostash` has put aside: before 2.47 git forgets it when its hook
/// says no.
pub(super) fn put_aside(repo: &Repo) -> Option<&'static str> {
    let is_there = |name: &str| repo.git_dir().join(name).exists();
    let is_put_aside = is_there("rebase-merge/autostash") || is_there("rebase-apply/autostash");
    let forgets = is_put_aside && git::version().is_ok_and(|version| version < (2, 47));
    forgets.then_some("to go back to where you were: git rebase --quit && git stash pop")
}

/// Whether the index has gone ahead without the files, as `git reset --mixed` leaves them.
fn is_index_only(repo: &Repo) -> bool {
    let names = |args: &[&str]| {
        let folder = repo.work_dir().unwrap_or(repo.common_dir());
        git::output(git::command(folder).args(args).args(["--name-only", "-z"])).unwrap_or_default()
    };
    let (unlike_head, unlike_files) = (names(&["diff-index", "--cached", "HEAD"]), names(&["diff-files"]));
    let unlike_head: Vec<&str> = unlike_head.split_terminator('\0').collect();
    unlike_files.split_terminator('\0').any(|name| unlike_head.contains(&name))
}

/// Whether `git commit` has just made the new tip: then the index holds a person's work, which no way
/// back may take away. Commits that git moves to are known by some ref; a revert leaves its message
/// elsewhere.
fn is_new_commit(repo: &Repo, candidate: &Candidate) -> bool {
    let New::Commit(new) = &candidate.new else { return false };
    let written = |name: &str| std::fs::metadata(repo.git_dir().join(name)).and_then(|file| file.modified());
    if let Ok(revert) = written("MERGE_MSG")
        && written("COMMIT_EDITMSG").is_ok_and(|commit| commit < revert)
    {
        return false;
    }
    let mut git = git::command(repo.common_dir());
    git.args(["for-each-ref", "--count=1", "--contains", &new.to_string()]);
    git::output(&mut git).map_or(true, |refs| refs.is_empty())
}

/// Whether `git rebase --apply` is about to end: it has taken its own state away already.
fn was_rebased(repo: &Repo, candidate: &Candidate) -> bool {
    let is_at = |name: &str, id: ObjectId| matches!(repo.find_ref(name), Ok(Some(at)) if at == id);
    matches!((&candidate.new, repo.head_ref()), (New::Commit(new), Ok(None)) if is_at("HEAD", *new))
        && is_at("ORIG_HEAD", candidate.old)
}
