//! A task's work as its branch tells it: what was made, by which attempt, and what rivals said of it.
//!
//! Commits of ours name their task, run, attempt, the commit that the task began from, and whether the
//! attempt had come to its end. A person may add commits on top, or make the whole branch by hand:
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
use crate::gate::store::{Commit, Conflict, Expected, Repo};
use gix::ObjectId;
use std::fmt::Write;

/// How far back on a branch its beginning is looked for.
const DEPTH: usize = 10_000;

/// What an attempt's commit says about the attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The agent ended and said it was done (or a person made it).
    Made,
    /// The agent ended badly; this is what it left.
    Failed,
    /// The agent was stopped in the middle.
    Partial,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Made => "made",
            State::Failed => "failed",
            State::Partial => "partial",
        }
    }

    fn of(commit: &Commit) -> State {
        match commit.trailers(trailer::STATE).next() {
            Some("failed") => State::Failed,
            Some("partial") => State::Partial,
            _ => State::Made,
        }
    }
}

/// The work on a task's branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskBranch {
    /// The branch's tip.
    pub head: ObjectId,
    /// The commit that the task began from.
    pub base: ObjectId,
    /// What the tip says about its attempt.
    pub state: State,
}

/// How rivals see a change.
#[derive(Debug, Clone)]
pub enum Judged {
    /// Nobody whose word counts has judged it enough.
    Not,
    /// Enough approve, and none blocks.
    Approved(Verdict),
    /// Somebody's newest word blocks it, by these findings.
    Blocked(Verdict, Vec<Finding>),
}

/// Reads a task's branch, and tells the attempts that it knows of; none when there is no branch.
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
        state.get_or_insert(State::of(&commit));
        if !is_ours(&commit, slug, task) {
            continue;
        }
        let number = |key| commit.trailers(key).next().and_then(|text| text.parse().ok());
        if let (Some(attempt), Some(run)) = (number(trailer::ATTEMPT), commit.trailers(trailer::RUN).next())
            && State::of(&commit) != State::Partial
        {
            history.committed(&task.id, attempt, run);
        }
        let told =
            commit.trailers(trailer::BASE).next().and_then(|id| ObjectId::from_hex(id.as_bytes()).ok());
        base = told.filter(|id| repo.has(*id)).or(base);
        if base.is_some_and(|base| commit.parents.first() == Some(&base)) {
            break;
        }
    }
    Ok(Some(TaskBranch { head, base: base.unwrap_or(fork), state: state.unwrap_or(State::Made) }))
}

fn is_ours(commit: &Commit, slug: &Slug, task: &Task) -> bool {
    commit.trailers(trailer::SPEC).next() == Some(slug.as_str())
        && commit.trailers(trailer::TASK).next() == Some(task.id.as_str())
}

/// What rivals said of a change that is meant for that branch: only what the gate would count.
pub fn judged(repo: &Repo, change: &Change, policy: &Policy, target: &str) -> Result<Judged> {
    let verdicts = BranchVerdicts::new(repo, policy, target).on_change(change)?;
    let demand = admit::demand(repo, policy, change.base_tree, change.head_tree)?;
    // A person's approval is asked for where the work is merged, not where it is done.
    Ok(match admit::tally(&verdicts, policy, &demand) {
        Tally::Blocked(verdicts) => match verdicts.into_iter().next() {
            Some(verdict) => {
                let findings = verdict.blocking(&policy.block).cloned().collect();
                Judged::Blocked(verdict, findings)
            }
            None => Judged::Not,
        },
        Tally::Approved(verdicts) | Tally::NeedsPerson(verdicts) => {
            verdicts.into_iter().next().map_or(Judged::Not, Judged::Approved)
        }
        Tally::Short(_) | Tally::Unjudged => Judged::Not,
    })
}

/// The findings that blocked the newest judged commit below an unfinished one: what an interrupted
/// attempt was working on.
pub fn last_findings(
    repo: &Repo,
    work: &TaskBranch,
    policy: &Policy,
    target: &str,
) -> Result<Option<Vec<Finding>>> {
    for commit in repo.first_parents(work.head, work.base).skip(1).take(DEPTH) {
        let commit = commit?;
        if State::of(&commit) == State::Made {
            let change = changes::between(repo, work.base, commit.id)?;
            return Ok(match judged(repo, &change, policy, target)? {
                Judged::Blocked(_, findings) => Some(findings),
                Judged::Not | Judged::Approved(_) => None,
            });
        }
    }
    Ok(None)
}

/// What a commit of an agent's work says of itself.
#[derive(Debug)]
pub struct Label<'a> {
    pub slug: &'a Slug,
    pub task: &'a Task,
    pub run: &'a str,
    pub attempt: u32,
    /// Whose model wrote it: more than one where config and agent name different vendors.
    pub authors: &'a [Author],
    pub state: State,
}

/// Commits a tree onto a task's branch by compare-and-swap: the branch must be at `head`. When somebody
/// moved it in the meantime, the commit is kept at `refs/flow-ai/recovered/<slug>/<task>/<run>` and the error says so.
pub fn commit(
    repo: &Repo,
    journal: &Journal,
    label: &Label<'_>,
    tree: ObjectId,
    base: ObjectId,
    head: Option<ObjectId>,
) -> Result<TaskBranch> {
    let parent = head.unwrap_or(base);
    let new = repo.write_commit(tree, &[parent], &message(label, base))?;
    let name = label.slug.task_ref(&label.task.id);
    journal.before(&label.task.id, &Effect::Commit { commit: new.to_string(), attempt: label.attempt })?;
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

fn message(label: &Label<'_>, base: ObjectId) -> String {
    let Label { slug, task, run, attempt, authors, state } = label;
    let mut text = one_line(&task.title);
    match state {
        State::Made => {}
        State::Failed => text.push_str(" (not finished)"),
        State::Partial => text.push_str(" (interrupted)"),
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
    trailers.push((trailer::BASE, base.to_string()));
    trailers.push((trailer::STATE, state.word().to_owned()));
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
        let label =
            Label { slug: &slug, task: &task, run: "r", attempt: 2, authors: &[author], state: State::Made };
        let text = message(&label, ObjectId::null(gix::hash::Kind::Sha1));
        assert_eq!(text.lines().filter(|line| line.starts_with("Flow-Agent:")).count(), 1, "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("Flow-Vendor:")).count(), 1, "{text}");
        assert_eq!(text.lines().next(), Some("Title Flow-Agent: forged"));
    }
}
