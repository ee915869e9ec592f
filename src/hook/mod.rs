//! What git's hooks ask: may this go on?
//!
//! `reference-transaction` is the fence: it sees nearly every way a branch can move. At `ORIG_HEAD` it
//! comes before a merge or pull has touched anything, so a refusal leaves nothing to undo, and only
//! `ORIG_HEAD` is locked: the one place, besides `pre-merge-commit`, where a missing review may be had
//! on the spot. At the branch itself everything is locked: there a verdict is looked up, never made.
//! `pre-merge-commit`, `pre-commit` and `pre-push` refuse the same things earlier, with better words.

mod commit;
mod notes;
mod push;
pub mod spot;
mod transaction;

use crate::error::{Result, hint};
use crate::gate::{self, Candidate, Missing, New, Refusal, Ruling};
use crate::git;
use crate::store::Repo;
use crate::verdict::Verdict;
use gix::ObjectId;
use spot::Pending;
use std::process::Stdio;

/// What a hook answers.
#[derive(Debug)]
pub enum Answer {
    /// Go on.
    Pass,
    /// Stop.
    Refuse(Refused),
    /// Nobody has judged it yet, and here a rival may be asked: see [`spot::settle`].
    Review(Box<Pending>),
}

/// Why git is stopped, and what a person can do about it.
#[derive(Debug)]
pub struct Refused {
    /// In one sentence.
    pub why: String,
    /// The verdicts that block it, with their findings.
    pub blocking: Vec<Verdict>,
    /// What to do, one sentence each.
    pub way_out: Vec<String>,
}

/// What a person was about to do, which decides what a refusal says and whether to ask a rival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before a merge or pull has touched anything.
    BeforeMerge,
    /// A merge that is made, and not committed yet.
    MergeCommit,
    /// A commit on the branch itself, or one that concludes a merge.
    Commit,
    /// The branch itself moves.
    Move,
    /// A push to the branch on a remote.
    Push,
    /// `git flow-ai merge`, before anything is done.
    FlowMerge,
}

impl Moment {
    /// Whether nothing is locked that others need, so that a review may take its time.
    fn may_wait(self) -> bool {
        matches!(self, Moment::BeforeMerge | Moment::MergeCommit | Moment::FlowMerge)
    }
}

/// Answers a hook by looking only: `args` are the hook's own, `input` is what git writes to it.
/// Hooks that we do not know pass, so that an older program never stops a newer git.
pub fn ask(name: &str, args: &[String], input: impl std::io::Read) -> Result<Answer> {
    match name {
        "reference-transaction" => transaction::ask(args, input),
        "pre-merge-commit" => commit::ask(Moment::MergeCommit),
        "pre-commit" => commit::ask(Moment::Commit),
        "pre-push" => push::ask(args, input),
        // A server that called these and heard yes would believe itself guarded.
        "pre-receive" | "update" => Err(hint(
            format!("`{name}` is a server's hook, and none is there yet"),
            "guard the branch by whom you let push, or in CI",
        )),
        _ => Ok(Answer::Pass),
    }
}

/// Asks the gate, and makes an answer of its ruling.
pub(crate) fn decide(repo: Repo, candidate: Candidate, moment: Moment) -> Result<Answer> {
    let Some(policy) = gate::policy_for(&repo, &candidate)? else { return Ok(Answer::Pass) };
    match gate::admit_under(&repo, &candidate, &policy)? {
        Ruling::Allow(_) => Ok(Answer::Pass),
        Ruling::Refuse(refusal) => {
            let waits = moment.may_wait() && policy.review_on_merge && !is_inside_agent();
            match &refusal.missing {
                Some(missing) if waits && refusal.blocking.is_empty() && !refusal.wants_person => {
                    let missing = missing.clone();
                    Ok(Answer::Review(Box::new(Pending { repo, candidate, policy, missing, moment })))
                }
                _ => Ok(Answer::Refuse(refused(&repo, &candidate, refusal, moment)?)),
            }
        }
    }
}

/// An agent or reviewer of ours that moves the branch must not start another review.
fn is_inside_agent() -> bool {
    std::env::var_os("GIT_FLOW_AI_MODE").is_some()
}

/// The refusal in words for people.
fn refused(repo: &Repo, candidate: &Candidate, refusal: Refusal, moment: Moment) -> Result<Refused> {
    let branch = &candidate.branch;
    let what = match moment {
        Moment::BeforeMerge => format!("this merge into `{branch}` is refused, and nothing was touched"),
        Moment::MergeCommit => format!("this merge into `{branch}` is refused"),
        Moment::Commit => format!("this commit to `{branch}` is refused"),
        Moment::Move => format!("`{branch}` may not move to this"),
        Moment::Push => format!("this push to `{branch}` is refused"),
        Moment::FlowMerge => format!("the merge into `{branch}` is refused, and nothing was touched"),
    };
    let mut way_out = Vec::new();
    match (&refusal.missing, refusal.blocking.is_empty()) {
        (Some(missing), true) if refusal.wants_person => way_out.push(approve_it(missing)),
        (_, false) => way_out.push("mend what is found, then have it judged again".to_owned()),
        (Some(missing), true) => way_out.push(have_it_reviewed(repo, candidate, missing)?),
        (None, true) => way_out
            .push(format!("only add to `{branch}`: make the change on a branch of its own and merge that")),
    }
    way_out.extend(way_back(repo, candidate, moment));
    Ok(Refused { why: format!("{what}: {}", refusal.why), blocking: refusal.blocking, way_out })
}

/// How a person's approval is given.
fn approve_it(missing: &Missing) -> String {
    match missing.head {
        Some(head) => format!(
            "a person who did not write it approves it: git flow-ai review {} --approve",
            head.to_hex_with_len(10)
        ),
        None => "a person who did not write it approves it: git flow-ai review --staged --approve".into(),
    }
}

/// How to get the verdict that is missing.
fn have_it_reviewed(repo: &Repo, candidate: &Candidate, missing: &Missing) -> Result<String> {
    let Some(head) = missing.head else {
        return Ok(
            "have it judged: git flow-ai review --staged, then commit; or commit it on a branch".into()
        );
    };
    let short = |id: ObjectId| id.to_hex_with_len(10).to_string();
    let from_target = repo.merge_base(candidate.old, head)?;
    Ok(match missing.base {
        Some(base) if from_target != Some(base) || head == candidate.old => {
            format!("have it judged: git flow-ai review {}..{}", short(base), short(head))
        }
        _ => format!("have it judged: git flow-ai review {}", short(head)),
    })
}

/// How to get back to where one was, where git has changed files already.
fn way_back(repo: &Repo, candidate: &Candidate, moment: Moment) -> Option<String> {
    if !matches!(moment, Moment::MergeCommit | Moment::Commit | Moment::Move) {
        return None;
    }
    let under_way = |name: &str| repo.git_dir().join(name).exists();
    let abort = if moment == Moment::MergeCommit || under_way("MERGE_HEAD") {
        "git merge --abort".to_owned()
    } else if under_way("CHERRY_PICK_HEAD") {
        "git cherry-pick --abort".to_owned()
    } else if under_way("rebase-apply/applying") {
        "git am --abort".to_owned()
    } else if under_way("rebase-apply") && !under_way("rebase-apply/head-name") {
        // Without that name `--abort` does not know where to go: so `git rebase --apply` leaves it.
        format!("git rebase --quit && git switch {}", candidate.branch)
    } else if under_way("rebase-merge") || under_way("rebase-apply") {
        "git rebase --abort".to_owned()
    } else if under_way("sequencer") {
        "git revert --abort".to_owned()
    } else if moment != Moment::Move {
        return None;
    } else if was_checked_out(repo, candidate) && !is_new_commit(repo, candidate) {
        "git reset --merge HEAD".to_owned()
    } else if was_rebased(repo, candidate) {
        format!("git switch {}", candidate.branch)
    } else {
        return None;
    };
    Some(format!("to go back to where you were: {abort}"))
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

/// The branch that HEAD is on, as it stands; none where nothing protects it.
fn guarded(repo: &Repo) -> Result<Option<Candidate>> {
    let Some((branch, old)) = current_branch(repo)? else { return Ok(None) };
    let accepted = accepted(repo, &branch)?;
    let candidate = Candidate { branch, old, new: New::Commit(old), accepted };
    Ok(gate::policy_for(repo, &candidate)?.map(|_| candidate))
}

/// The branch that HEAD is on and its tip; none when detached or without a commit.
fn current_branch(repo: &Repo) -> Result<Option<(String, ObjectId)>> {
    let Some(head) = repo.head_ref()? else { return Ok(None) };
    let Some(branch) = head.strip_prefix("refs/heads/") else { return Ok(None) };
    Ok(repo.find_ref(&head)?.map(|tip| (branch.to_owned(), tip)))
}

/// What the remote that this branch follows has let in already, as last fetched.
pub(crate) fn accepted(repo: &Repo, branch: &str) -> Result<Option<ObjectId>> {
    let configured = repo.git_config(&format!("branch.{branch}.remote"));
    let remote = configured.unwrap_or_else(|| "origin".into());
    let merged = repo.git_config(&format!("branch.{branch}.merge"));
    // A branch that follows a local one, or one of another name, follows nothing that is guarded.
    let follows_itself = merged.is_none_or(|name| name == format!("refs/heads/{branch}"));
    if remote == "." || !follows_itself {
        return Ok(None);
    }
    repo.find_ref(&format!("refs/remotes/{remote}/{branch}"))
}
