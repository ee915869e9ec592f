//! What a refusal says to do: how to get the verdict that is missing, or whom to ask.

use super::independence::{self, can_be_reviewed};
use super::way_back::back_command;
use super::{Moment, Refused};
use crate::commands::human_review;
use crate::commands::review::persons_way;
use crate::domain::error::Result;
use crate::domain::policy::Policy;
use crate::domain::text::shell::{Part, command_line, join};
use crate::domain::verdict::Verdict;
use crate::gate::admit::{self, Beginning, BranchVerdicts, Candidate, Missing, New, Protector, Ruling};
use crate::gate::store::Repo;
use gix::ObjectId;

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
    Ok(command_line!(
        "a person who did not write it approves it: git flow-ai review {} --approve",
        Part(&what)
    ))
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
            command_line!(
                "git flow-ai review {}..{}{} && ",
                short(candidate.old),
                short(new),
                Part(&target(repo, candidate))
            )
        }
        Ruling::Refuse(_) => return Ok(None),
    };
    let (branch, merge) = (&candidate.branch, command_line!("git merge --no-ff --no-edit {}", short(new)));
    Ok(Some(match moment {
        Moment::Push | Moment::Receive => format!(
            "push it as one step: {first}{}",
            command_line!(
                "git switch --detach {} && {} && git flow-ai push HEAD:{}",
                short(candidate.old),
                Part(&merge),
                branch
            )
        ),
        _ => {
            let back = back_command(repo, candidate, moment).map(|back| back + " && ").unwrap_or_default();
            let is_there = repo.head_ref()? == Some(format!("refs/heads/{}", candidate.branch));
            let switch = if is_there { String::new() } else { command_line!("git switch {} && ", branch) };
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
        false => format!("{only}: {}", command_line!("git flow-ai review --again {}", Part(&what))),
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
                let review =
                    |head: &ObjectId| command_line!("git flow-ai review {}{}", short(*head), Part(&target));
                let each: Vec<String> = heads.iter().map(review).collect();
                format!("have it judged: {}", each.join(" && "))
            }
            _ => staged(repo, candidate),
        });
    };
    let what = named(repo, candidate, missing.base, head, moment)?;
    Ok(command_line!("have it judged: git flow-ai review {}{}", what, Part(&target(repo, candidate))))
}

/// Whether that tree is what git itself makes of these heads, so that the heads can be judged.
fn is_gits_own(repo: &Repo, candidate: &Candidate, tree: ObjectId, heads: &[ObjectId]) -> Result<bool> {
    Ok(heads.len() > 1 || !heads.is_empty() && admit::predict(repo, candidate.old, heads)? == Some(tree))
}

/// The option that names the branch, where it is not the one that is meant without.
fn target(repo: &Repo, candidate: &Candidate) -> String {
    match repo.target() {
        Ok(usual) if usual == candidate.branch => String::new(),
        _ => command_line!(" --target {}", candidate.branch),
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
    let branch = format!("pick-{first}");
    Some(command_line!(
        "pick them onto a branch of their own, and have that judged: git cherry-pick --abort && git switch \
         -c {} && git cherry-pick {} && git flow-ai review{} && git switch {} && git merge --ff-only {}",
        branch,
        Part(&join(commits)),
        Part(&target(repo, candidate)),
        candidate.branch,
        branch
    ))
}

/// Why a branch may not begin there, and where it may.
pub(super) fn beginning(branch: &str, by: &Protector, refused: Beginning, moment: Moment) -> Refused {
    let place = &by.branch;
    let at_place = command_line!("begin with what is in it: git branch {} {}", branch, place);
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
    Ok(Some(command_line!(
        "or let it in unjudged, and say why: git flow-ai waive {} --reason \"…\"",
        Part(&what)
    )))
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
    let review = command_line!("git flow-ai review --staged{}", Part(&target(repo, candidate)));
    match repo.index_file().file_name().and_then(|name| name.to_str()) {
        Some("index.lock") => {
            command_line!(
                "have it judged: git add --update && {}, then commit; or commit it on a branch",
                Part(&review)
            )
        }
        Some("index") => format!("have it judged: {review}, then commit; or commit it on a branch"),
        _ => format!("stage what is to be committed and nothing else, then: {review}"),
    }
}
