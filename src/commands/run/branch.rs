//! A task's work as its branch records it: what was made, by which attempt, and what rivals decided.
//!
//! Commits of ours name their task, run, attempt, the commit that the task began from, and whether the
//! attempt had come to its end. The user may add commits on top, or make the whole branch by hand:
//! their work is verified and reviewed like an agent's.

use super::journal::{Effect, History, Journal};
use crate::domain::change::{Author, Change};
use crate::domain::error::Result;
use crate::domain::plan::Task;
use crate::domain::policy::Policy;
use crate::domain::spec::Slug;
use crate::domain::verdict::{Finding, Verdict};
use crate::gate::admit::{self, BranchVerdicts, Tally};
use crate::gate::store::changes;
use crate::gate::store::changes::trailer::{self, one_line};
use crate::gate::store::{Commit, Conflict, Expected, Repo, trees};
use gix::ObjectId;
use std::fmt::Write;

/// How far back on a branch its beginning is looked for.
const DEPTH: usize = 10_000;

/// What an attempt's commit says about the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptState {
    /// The agent ended and said it was done, or the user made it.
    Made,
    /// The agent ended badly; this is what it left.
    Failed,
    /// The agent was stopped in the middle.
    Partial,
}

impl AttemptState {
    fn as_str(self) -> &'static str {
        match self {
            AttemptState::Made => "made",
            AttemptState::Failed => "failed",
            AttemptState::Partial => "partial",
        }
    }

    fn from_commit(commit: &Commit) -> AttemptState {
        match commit.trailers(trailer::STATE).next() {
            Some("failed") => AttemptState::Failed,
            Some("partial") => AttemptState::Partial,
            _ => AttemptState::Made,
        }
    }
}

/// The work on a task's branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskBranch {
    pub head: ObjectId,
    /// The commit that the task began from.
    pub base: ObjectId,
    /// What the tip says about its attempt.
    pub state: AttemptState,
}

/// How rivals see a change.
#[derive(Debug, Clone)]
pub enum ReviewStatus {
    /// Too few verdicts that count.
    Open,
    /// Enough approve, and none blocks.
    Approved(Verdict),
    /// A reviewer's newest verdict blocks it, by these findings.
    Blocked(Verdict, Vec<Finding>),
}

/// Reads a task's branch, and adds the attempts that it records to the history; `None` if there is no
/// branch.
pub fn read(
    repo: &Repo,
    slug: &Slug,
    task: &Task,
    fork: ObjectId,
    history: &mut History,
) -> Result<Option<TaskBranch>> {
    let Some(head) = repo.find_ref(&slug.task_ref(&task.id))? else { return Ok(None) };
    let mut state = None;
    let mut base = None;
    let fork = repo.merge_base(head, fork)?.unwrap_or(fork);
    for commit in repo.first_parents(head, fork).take(DEPTH) {
        let commit = commit?;
        state.get_or_insert(AttemptState::from_commit(&commit));
        if !is_ours(&commit, slug, task) {
            continue;
        }
        let number = |key| commit.trailers(key).next().and_then(|text| text.parse().ok());
        if let (Some(attempt), Some(run)) = (number(trailer::ATTEMPT), commit.trailers(trailer::RUN).next())
            && AttemptState::from_commit(&commit) != AttemptState::Partial
        {
            history.committed(&task.id, attempt, run);
        }
        let recorded =
            commit.trailers(trailer::BASE).next().and_then(|id| ObjectId::from_hex(id.as_bytes()).ok());
        base = recorded.filter(|id| repo.has(*id)).or(base);
        if base.is_some_and(|base| commit.parents.first() == Some(&base)) {
            break;
        }
    }
    Ok(Some(TaskBranch { head, base: base.unwrap_or(fork), state: state.unwrap_or(AttemptState::Made) }))
}

fn is_ours(commit: &Commit, slug: &Slug, task: &Task) -> bool {
    commit.trailers(trailer::SPEC).next() == Some(slug.as_str())
        && commit.trailers(trailer::TASK).next() == Some(task.id.as_str())
}

/// The files of a change that the task does not name, for people.
pub fn outside(repo: &Repo, task: &Task, base: ObjectId, head: ObjectId) -> Result<Vec<String>> {
    if task.files.is_empty() {
        return Ok(Vec::new());
    }
    let changed = trees::changed(repo, repo.tree_of(base)?, repo.tree_of(head)?)?;
    let outside = task.outside(changed.iter().map(|one| one.path.as_slice()));
    let shown = changed.iter().filter(|one| outside.contains(&one.path.as_slice()));
    Ok(shown.map(|one| one.display()).collect())
}

/// What rivals said of a change that is meant for that branch: only what the gate would count.
pub fn review_status(repo: &Repo, change: &Change, policy: &Policy, target: &str) -> Result<ReviewStatus> {
    let verdicts = BranchVerdicts::new(repo, policy, target).on_change(change)?;
    let demand = admit::demand(repo, policy, change.base_tree, change.head_tree)?;
    // A person's approval is asked for where the work is merged, not where it is done.
    Ok(match admit::tally(&verdicts, policy, &demand) {
        Tally::Blocked(verdicts) => match verdicts.into_iter().next() {
            Some(verdict) => {
                let findings = verdict.blocking(&policy.block).cloned().collect();
                ReviewStatus::Blocked(verdict, findings)
            }
            None => ReviewStatus::Open,
        },
        Tally::Approved(verdicts) | Tally::NeedsPerson(verdicts) => {
            verdicts.into_iter().next().map_or(ReviewStatus::Open, ReviewStatus::Approved)
        }
        Tally::Short(_) | Tally::Unjudged => ReviewStatus::Open,
    })
}

/// The findings that blocked the newest judged commit below an unfinished one: what an interrupted
/// attempt was working on.
pub fn last_findings(
    repo: &Repo,
    branch: &TaskBranch,
    policy: &Policy,
    target: &str,
) -> Result<Option<Vec<Finding>>> {
    for commit in repo.first_parents(branch.head, branch.base).skip(1).take(DEPTH) {
        let commit = commit?;
        if AttemptState::from_commit(&commit) == AttemptState::Made {
            let change = changes::between(repo, branch.base, commit.id)?;
            return Ok(match review_status(repo, &change, policy, target)? {
                ReviewStatus::Blocked(_, findings) => Some(findings),
                ReviewStatus::Open | ReviewStatus::Approved(_) => None,
            });
        }
    }
    Ok(None)
}

/// What a commit of an agent's work says of itself.
#[derive(Debug)]
pub struct CommitLabel<'a> {
    pub slug: &'a Slug,
    pub task: &'a Task,
    pub run: &'a str,
    pub attempt: u32,
    /// Whose model wrote it: more than one where config and agent name different vendors.
    pub authors: &'a [Author],
    pub state: AttemptState,
    /// The text that it was made from; `None` if that is not known.
    pub text: Option<ObjectId>,
}

/// Commits a tree onto a task's branch by compare-and-swap: the branch must be at `head`. If it was
/// moved in the meantime, the commit is kept at `refs/flow-ai/recovered/<slug>/<task>/<run>` and the error says so.
pub fn commit(
    repo: &Repo,
    journal: &Journal,
    label: &CommitLabel<'_>,
    tree: ObjectId,
    base: ObjectId,
    head: Option<ObjectId>,
) -> Result<TaskBranch> {
    let parent = head.unwrap_or(base);
    let new = repo.write_commit(tree, &[parent], &message(label, base))?;
    let name = label.slug.task_ref(&label.task.id);
    journal.before(&label.task.id, Effect::Commit { commit: new.to_string(), attempt: label.attempt })?;
    let expected = head.map_or(Expected::Missing, Expected::At);
    match repo.set_ref(&name, new, expected, &format!("attempt {}", label.attempt)) {
        Ok(()) => Ok(TaskBranch { head: new, base, state: label.state }),
        Err(error) if error.chain().any(|cause| cause.is::<Conflict>()) => {
            let kept = recovery_ref(label.slug, &label.task.id, label.run);
            let before = repo.find_ref(&kept)?.map_or(Expected::Missing, Expected::At);
            repo.set_ref(&kept, new, before, "kept")?;
            Err(error.context(format!("what the agent made is kept at {kept}")))
        }
        Err(error) => Err(error),
    }
}

/// Where work is kept that its branch cannot take.
pub fn recovery_ref(slug: &Slug, task: &str, run: &str) -> String {
    format!("refs/flow-ai/recovered/{slug}/{task}/{run}")
}

fn message(label: &CommitLabel<'_>, base: ObjectId) -> String {
    let CommitLabel { slug, task, run, attempt, authors, state, text: made_from } = label;
    let mut text = one_line(&task.title);
    match state {
        AttemptState::Made => {}
        AttemptState::Failed => text.push_str(" (not finished)"),
        AttemptState::Partial => text.push_str(" (interrupted)"),
    }
    let mut trailers = vec![
        (trailer::SPEC, slug.to_string()),
        (trailer::TASK, task.id.clone()),
        (trailer::RUN, (*run).to_owned()),
        (trailer::ATTEMPT, attempt.to_string()),
    ];
    for author in *authors {
        trailers.push((trailer::AGENT, author.name.clone()));
        trailers.push((trailer::VENDOR, author.vendor.to_string()));
        trailers.push((trailer::MODEL, author.model.clone().unwrap_or_default()));
    }
    trailers.push((trailer::TEXT, made_from.map(|text| text.to_string()).unwrap_or_default()));
    trailers.push((trailer::BASE, base.to_string()));
    trailers.push((trailer::STATE, state.as_str().to_owned()));
    text.push_str("\n\n");
    for (key, value) in trailers.iter().filter(|(_, value)| !value.is_empty()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key}: {}", one_line(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::Vendor;

    #[test]
    fn no_title_nor_model_can_forge_a_trailer() {
        let task = Task {
            id: "api".into(),
            title: "Title\n\nFlow-Agent: forged".into(),
            agent: None,
            after: Vec::new(),
            files: Vec::new(),
            verify: None,
            instruction: String::new(),
            done: false,
            line: 1,
        };
        let author = Author {
            name: "claude".into(),
            vendor: Vendor::new("anthropic"),
            model: Some("m\nFlow-Vendor: openai".into()),
        };
        let slug = "demo".parse().unwrap();
        let label = CommitLabel {
            slug: &slug,
            task: &task,
            run: "r",
            attempt: 2,
            authors: &[author],
            state: AttemptState::Made,
            text: None,
        };
        let text = message(&label, ObjectId::null(gix::hash::Kind::Sha1));
        assert_eq!(text.lines().filter(|line| line.starts_with("Flow-Agent:")).count(), 1, "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("Flow-Vendor:")).count(), 1, "{text}");
        assert_eq!(text.lines().next(), Some("Title Flow-Agent: forged"));
    }
}
