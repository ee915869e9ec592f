//! What a run came to: each task, the result branch, and everything together.

use super::budget::BudgetReport;
use super::outcome::{TaskOutcome, brief};
use crate::domain::event::Usage;
use crate::domain::parse_units::seconds;
use crate::domain::spec::Slug;
use crate::domain::text::shell::command_line;
use crate::domain::verdict::Finding;
use gix::ObjectId;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// What became of one task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskReport {
    pub task: String,
    /// The agent that is to do it.
    pub agent: String,
    /// How many attempts ended in this run.
    pub attempts: u32,
    #[serde(flatten)]
    pub outcome: TaskOutcome,
    /// How long this run took for it.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
    /// What its agents and reviewers used in this run, as far as they reported it.
    pub usage: Usage,
    /// The verdict on its head, in words: `APPROVE by codex (openai)`.
    pub verdict: Option<String>,
    /// Where its branch is.
    #[serde(skip)]
    pub head: Option<ObjectId>,
    /// The worktree that was kept, since it holds something that is nowhere else, or was asked for.
    pub kept: Option<PathBuf>,
}

impl TaskReport {
    /// The report of a task that was parked, went on and came to that.
    pub(super) fn followed_by(self, later: TaskReport) -> TaskReport {
        TaskReport {
            attempts: self.attempts + later.attempts,
            duration: self.duration + later.duration,
            verdict: later.verdict.or(self.verdict),
            kept: later.kept.or(self.kept),
            head: later.head.or(self.head),
            ..later
        }
    }
}

/// What became of the merged result.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ResultReport {
    /// There is none yet.
    #[default]
    Nothing,
    /// Some tasks are merged, others not yet.
    Partial,
    /// Complete, verified, and approved as a whole, or exactly one approved change.
    Approved { verdict: String },
    /// Complete and verified; no rival stands outside all authors, so that the gate lets it in task by
    /// task only.
    TaskByTask {
        /// Why no reviewer could judge it as a whole.
        why: String,
    },
    /// Complete and verified; not to be reviewed.
    Unreviewed,
    /// Complete; together the tasks fail verification.
    VerifyFailed {
        /// How, with the last lines of what it printed.
        how: String,
    },
    /// Complete; a rival's findings block it as a whole.
    Rejected {
        /// The findings that block.
        findings: Vec<Finding>,
    },
    /// Complete; no rival gave a verdict on the whole.
    NoVerdict { why: String },
    /// It is in the target branch already.
    Merged,
    /// The user stopped the run before it was judged.
    Stopped,
}

impl ResultReport {
    /// Whether nothing is wrong with it.
    pub fn is_good(&self) -> bool {
        !matches!(
            self,
            ResultReport::VerifyFailed { .. }
                | ResultReport::Rejected { .. }
                | ResultReport::NoVerdict { .. }
        )
    }

    /// What there is to say about it, and what the user can do next.
    fn sentences(&self, slug: &Slug, rest: String) -> Option<(String, String)> {
        let again =
            format!("mend it on flow/{slug}/result, then {}", command_line!("git flow-ai run {}", slug));
        Some(match self {
            ResultReport::Nothing => return None,
            ResultReport::Partial => {
                (format!("what is done is merged into flow/{slug}/result; the rest is not done yet"), rest)
            }
            ResultReport::Approved { verdict } => (
                format!("flow/{slug}/result is complete: {verdict}"),
                command_line!("git flow-ai merge {}", slug),
            ),
            ResultReport::TaskByTask { why } => (
                format!(
                    "flow/{slug}/result is complete; not judged as a whole: {why}; the gate lets it in task by task"
                ),
                command_line!("git flow-ai merge {}", slug),
            ),
            ResultReport::Unreviewed => (
                format!("flow/{slug}/result is complete; nobody has reviewed it, so the gate will refuse it"),
                command_line!("git flow-ai run {}", slug),
            ),
            ResultReport::VerifyFailed { how } => {
                (format!("the tasks are merged, and together they fail verification: {how}"), again)
            }
            ResultReport::Rejected { findings } => {
                let found: Vec<String> = findings.iter().map(brief).collect();
                (format!("a rival requests changes to the whole:\n  {}", found.join("\n  ")), again)
            }
            ResultReport::NoVerdict { why } => (
                format!("no rival gave a verdict on the whole: {why}"),
                command_line!("git flow-ai run {}", slug),
            ),
            ResultReport::Merged => {
                ("the result is merged already".into(), command_line!("git flow-ai clean {}", slug))
            }
            ResultReport::Stopped => {
                ("stopped before the result was judged".into(), command_line!("git flow-ai run {}", slug))
            }
        })
    }
}

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub run: String,
    pub spec: String,
    /// The tasks, in the plan's order.
    pub tasks: Vec<TaskReport>,
    pub result: ResultReport,
    /// What all agents and reviewers used, as far as they reported it.
    pub usage: Usage,
    /// What became of the run's budget; `None` without a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetReport>,
    /// Whether the user stopped it.
    pub stopped: bool,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
}

impl Summary {
    /// What there is to say about the result, and what the user can do next.
    pub fn of_result(&self, slug: &Slug) -> Option<(String, String)> {
        let mut failed = self.tasks.iter().filter(|task| !task.outcome.is_success()).peekable();
        let spent = |task: &TaskReport| match &task.outcome {
            TaskOutcome::Blocked { .. } => true,
            outcome => TaskOutcome::wants_fresh_attempts(outcome.word()),
        };
        let is_spent = failed.peek().is_some() && failed.all(spent);
        let redone = self.tasks.iter().find(|task| TaskOutcome::wants_redo(task.outcome.word()));
        let rest = match redone {
            Some(task) => command_line!("git flow-ai run {} --redo {}", slug, task.task),
            None if is_spent => command_line!("git flow-ai run {} --retry", slug),
            None => command_line!("git flow-ai run {}", slug),
        };
        self.result.sentences(slug, rest)
    }

    /// Whether everything that was asked for is done.
    pub fn is_success(&self) -> bool {
        self.tasks.iter().all(|task| task.outcome.is_success()) && self.result.is_good()
    }
}
