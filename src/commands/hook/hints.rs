//! What a refusal says to do: how to get the verdict that is missing, and how to get back to where one
//! was, where git has changed files before it asked.

use super::independence::{self, can_be_reviewed};
use super::{Moment, Refused};
use crate::commands::human_review;
use crate::commands::review::persons_way;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::text::shell::quote;
use crate::domain::verdict::Verdict;
use crate::gate::admit::{self, Beginning, BranchVerdicts, Candidate, Missing, New, Protector, Ruling};
use crate::gate::store::{Repo, reflog};
use crate::system::git;
use gix::ObjectId;
use std::process::Stdio;

/// How a person's approval is given.
pub(super) fn approval(
    repo: &Repo,
    candidate: &Candidate,
    missing: &Missing,
    moment: Moment,
) -> Result<String> {
    let what = match (missing.head, &candidate.new) {
        (Some(head), _) => named(repo, candidate, missing.base, head, moment)? + &target(repo, candidate),
        (None, New::Tree { tree, heads })
            if heads.len() == 1 && is_gits_own(repo, candidate, *tree, heads)? =>
        {
            short(heads[0])
        }
        (None, _) => format!("--staged{}", target(repo, candidate)),
    };
    Ok(format!("a person who did not write it approves it: git flow-ai review {what} --approve"))
}

/// How what cannot enter commit by commit enters as one step, where that would be let in or needs no more than a
/// review. `None` if it would not.
pub(super) fn as_one_step(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    moment: Moment,
) -> Result<Option<String>> {
    let New::Commit(new) = candidate.new else { return Ok(None) };
    if !repo.is_ancestor(candidate.old, new)? || repo.commit(new)?.parents.contains(&candidate.old) {
        return Ok(None);
    }
    let step =
        Candidate { new: New::Tree { tree: repo.tree_of(new)?, heads: vec![new] }, ..candidate.clone() };
    let first = match admit::admit_under(repo, &step, policy)? {
        Ruling::Allow(_) => String::new(),
        Ruling::Refuse(refusal) if refusal.missing.is_some() && refusal.blocking.is_empty() => {
            format!(
                "git flow-ai review {}..{}{} && ",
                short(candidate.old),
                short(new),
                target(repo, candidate)
            )
        }
        Ruling::Refuse(_) => return Ok(None),
    };
    let (branch, merge) = (quote(&candidate.branch), format!("git merge --no-ff --no-edit {}", short(new)));
    Ok(Some(match moment {
        Moment::Push | Moment::Receive => format!(
            "push it as one step: {first}git switch --detach {} && {merge} && git flow-ai push HEAD:{branch}",
            short(candidate.old)
        ),
        _ => {
            let back = back_command(repo, candidate, moment).map(|back| back + " && ").unwrap_or_default();
            let is_there = repo.head_ref()? == Some(format!("refs/heads/{}", candidate.branch));
            let switch = if is_there { String::new() } else { format!("git switch {branch} && ") };
            format!("let it in as one step: {first}{back}{switch}{merge}")
        }
    }))
}

/// How a rejection is answered that was given to another commit with the same change: its message may have been
/// what was wrong, or its way. `None` if it was given to this one, which has to be mended.
pub(super) fn again(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    (missing, blocking): (&Missing, &[Verdict]),
    moment: Moment,
) -> Result<Option<String>> {
    let Some(head) = missing.head else { return Ok(None) };
    let of_another = |verdict: &Verdict| verdict.head_commit.filter(|judged| *judged != head);
    let Some(other) = blocking.iter().find_map(of_another) else { return Ok(None) };
    let what = named(repo, candidate, missing.base, head, moment)? + &target(repo, candidate);
    let change = super::review::change(repo, candidate, missing)?;
    let verdicts = BranchVerdicts::new(repo, policy, &candidate.branch);
    let mut may_not_answer = false;
    for verdict in blocking {
        may_not_answer |= policy.was_asked_enough(verdicts.answers(&change, &verdict.reviewer)?);
    }
    let only =
        format!("or, if only the message of {} was wrong, or its way to the same change", short(other));
    Ok(Some(match may_not_answer {
        false => format!("{only}: git flow-ai review --again {what}"),
        true => format!("{only}: edit this one, which makes it another, {}", persons_way(policy, &what)),
    }))
}

/// How to get the verdict that is missing, or whom to ask where no reviewer of the policy may give it.
pub(super) fn verdict(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    missing: &Missing,
    moment: Moment,
) -> Result<String> {
    let change = super::review::change(repo, candidate, missing)?;
    if can_be_reviewed(repo, policy, &change)? {
        return review(repo, candidate, missing, moment);
    }
    let mut way = independence::lack(policy, &change, &candidate.branch);
    // Who may let it in is told how already.
    if !human_review::user(repo).is_ok_and(|person| policy.may_waive(&person)) {
        let what = match missing.head {
            Some(head) => named(repo, candidate, missing.base, head, moment)?,
            None => "--staged".to_owned(),
        };
        way = format!("{way}, {}", persons_way(policy, &(what + &target(repo, candidate))));
    }
    Ok(way)
}

fn review(repo: &Repo, candidate: &Candidate, missing: &Missing, moment: Moment) -> Result<String> {
    let Some(head) = missing.head else {
        return Ok(match &candidate.new {
            New::Tree { tree, heads } if is_gits_own(repo, candidate, *tree, heads)? => {
                let target = target(repo, candidate);
                let review = |head: &ObjectId| format!("git flow-ai review {}{target}", short(*head));
                let each: Vec<String> = heads.iter().map(review).collect();
                format!("have it judged: {}", each.join(" && "))
            }
            _ => staged(repo, candidate),
        });
    };
    let what = named(repo, candidate, missing.base, head, moment)?;
    Ok(format!("have it judged: git flow-ai review {what}{}", target(repo, candidate)))
}

/// Whether that tree is what git itself makes of these heads, so that the heads can be judged.
fn is_gits_own(repo: &Repo, candidate: &Candidate, tree: ObjectId, heads: &[ObjectId]) -> Result<bool> {
    Ok(heads.len() > 1 || !heads.is_empty() && admit::predict(repo, candidate.old, heads)? == Some(tree))
}

/// The option that names the branch, where it is not the one that is meant without.
fn target(repo: &Repo, candidate: &Candidate) -> String {
    match repo.target() {
        Ok(usual) if usual == candidate.branch => String::new(),
        _ => format!(" --target {}", quote(&candidate.branch)),
    }
}

pub(super) fn short(id: ObjectId) -> String {
    id.to_hex_with_len(10).to_string()
}

/// How several picks are done where they are refused one by one: on a branch of their own, which is judged as
/// a whole. `None` if no more than one is left.
pub(super) fn picks(repo: &Repo, candidate: &Candidate) -> Option<String> {
    let todo = std::fs::read_to_string(repo.git_dir().join("sequencer/todo")).ok()?;
    let commits: Vec<&str> =
        todo.lines().filter_map(|line| line.strip_prefix("pick ")?.split(' ').next()).collect();
    let [first, _, ..] = commits[..] else { return None };
    let (branch, main) = (format!("pick-{first}"), quote(&candidate.branch));
    Some(format!(
        "pick them onto a branch of their own, and have that judged: git cherry-pick --abort && \
         git switch -c {branch} && git cherry-pick {} && git flow-ai review{} && git switch {main} && \
         git merge --ff-only {branch}",
        commits.join(" "),
        target(repo, candidate)
    ))
}

/// Why a branch may not begin there, and where it may.
pub(super) fn beginning(branch: &str, by: &Protector, refused: Beginning, moment: Moment) -> Refused {
    let place = &by.branch;
    let at_place = format!("begin with what is in it: git branch {} {}", quote(branch), quote(place));
    let (why, fix) = match refused {
        Beginning::OtherPolicy => (
            format!(
                "`{branch}` would begin with an older policy than the one in force at `{place}`, or another"
            ),
            format!("begin it at a commit of `{place}` that has the policy of today"),
        ),
        _ => (
            format!(
                "`{branch}` is protected by `{place}`, and may not begin with commits that are not in it"
            ),
            format!("push a commit of `{place}` to `{branch}` first, then what comes on top"),
        ),
    };
    let fix = if moment == Moment::Move { at_place } else { fix };
    Refused { why, blocking: Vec::new(), fix: vec![fix] }
}

/// How this person lets it in unjudged; none where the policy does not name them.
pub(super) fn waiver(
    repo: &Repo,
    candidate: &Candidate,
    policy: &Policy,
    missing: &Missing,
    moment: Moment,
) -> Result<Option<String>> {
    // Who has no name cannot be named.
    if !human_review::user(repo).is_ok_and(|person| policy.may_waive(&person)) {
        return Ok(None);
    }
    let what = match (missing.head, &candidate.new) {
        (Some(head), _) => named(repo, candidate, missing.base, head, moment)? + &target(repo, candidate),
        (None, New::Tree { heads, .. }) if heads.len() > 1 => return Ok(None),
        (None, New::Tree { tree, heads }) if is_gits_own(repo, candidate, *tree, heads)? => {
            short(heads[0]) + &target(repo, candidate)
        }
        (None, _) => format!("--staged{}", target(repo, candidate)),
    };
    Ok(Some(format!("or let it in unjudged, and say why: git flow-ai waive {what} --reason \"…\"")))
}

/// A change as `review` and `waive` take it.
fn named(
    repo: &Repo,
    candidate: &Candidate,
    base: Option<ObjectId>,
    head: ObjectId,
    moment: Moment,
) -> Result<String> {
    // Whoever pushes may have it on the branch itself, where a commit alone stands for its own change.
    if let (Some(base), Moment::Push | Moment::Receive) = (base, moment) {
        return Ok(format!("{}..{}", short(base), short(head)));
    }
    // The branch's own commits are nothing new to it: what they bring has to be named as a range.
    let tip = repo.find_ref(&format!("refs/heads/{}", candidate.branch))?.unwrap_or(candidate.old);
    let from_target = repo.merge_base(tip, head)?;
    Ok(match base {
        Some(base) if from_target != Some(base) || head == tip => {
            format!("{}..{}", short(base), short(head))
        }
        _ => short(head),
    })
}

/// How to get a verdict on what is about to be committed. `commit -a` and `commit <path>` make the
/// commit of an index of their own, which is gone when they are refused.
fn staged(repo: &Repo, candidate: &Candidate) -> String {
    let review = format!("git flow-ai review --staged{}", target(repo, candidate));
    match repo.index_file().file_name().and_then(|name| name.to_str()) {
        Some("index.lock") => {
            format!("have it judged: git add --update && {review}, then commit; or commit it on a branch")
        }
        Some("index") => format!("have it judged: {review}, then commit; or commit it on a branch"),
        _ => format!("stage what is to be committed and nothing else, then: {review}"),
    }
}

/// How to get back to where one was, where git has changed files already.
pub(super) fn back(repo: &Repo, candidate: &Candidate, moment: Moment) -> Option<String> {
    if moment == Moment::BeforeRebase {
        return put_aside(repo).map(str::to_owned);
    }
    back_command(repo, candidate, moment).map(|abort| format!("to go back to where you were: {abort}"))
}

fn back_command(repo: &Repo, candidate: &Candidate, moment: Moment) -> Option<String> {
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
        format!("git rebase --quit && git switch {}", before_rebase(repo, candidate))
    } else if under_way("rebase-merge") || under_way("rebase-apply") {
        // That leads to the branch that was rebased.
        match before_rebase(repo, candidate) {
            own if own == quote(&rebased(repo, candidate)) => "git rebase --abort".to_owned(),
            elsewhere => format!("git rebase --abort && git switch {elsewhere}"),
        }
    } else if under_way("sequencer") {
        "git revert --abort".to_owned()
    } else if moment != Moment::Move {
        return None;
    } else if was_checked_out(repo, candidate) && !is_new_commit(repo, candidate) {
        if is_index_only(repo) { "git reset" } else { "git reset --merge HEAD" }.to_owned()
    } else if was_rebased(repo, candidate) {
        format!("git switch {}", before_rebase(repo, candidate))
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
