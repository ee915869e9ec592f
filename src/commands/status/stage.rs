//! How far a spec is: what its step says, then what its branches and verdicts say. Pure.

use crate::commands::documents::{DocumentState, StepStatus};
use crate::domain::plan::{self, Plan};
use crate::domain::text::shell::command_line;
use crate::gate::admit::Tally;
use gix::ObjectId;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// How far a spec is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum Stage {
    /// A step's document is to be written.
    Write {
        step: String,
        /// The document's file name.
        document: String,
    },
    /// A step's document waits for approval.
    Approve {
        step: String,
        /// The document's file name.
        document: String,
    },
    /// The tasks are to be done.
    Implementation,
    Running,
    /// All tasks are done; the result as it stands has no verdict.
    Unjudged,
    /// Models approve the result, and a rule wants a person's approval as well.
    NeedsPerson,
    /// A reviewer requests changes of the result.
    Rejected,
    /// The result is known to fail its test.
    Failing {
        /// The command.
        command: String,
    },
    /// The result is approved and can be merged.
    Mergeable,
    /// The result is in the target branch.
    Merged,
    /// Its plan cannot be read.
    Broken {
        /// Why, with the line.
        why: String,
    },
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Write { step, document } => write!(f, "{step}: {document} to write"),
            Stage::Approve { step, document } => write!(f, "{step}: {document} to approve"),
            Stage::Implementation => f.write_str("implementation"),
            Stage::Running => f.write_str("running"),
            Stage::Unjudged => f.write_str("to review"),
            Stage::NeedsPerson => f.write_str("for a person to approve"),
            Stage::Rejected => f.write_str("changes requested"),
            Stage::Failing { .. } => f.write_str("fails its test"),
            Stage::Mergeable => f.write_str("approved"),
            Stage::Merged => f.write_str("merged"),
            Stage::Broken { .. } => f.write_str("plan cannot be read"),
        }
    }
}

impl Stage {
    /// The command that comes next for that spec, if it is not what its step says.
    pub(super) fn next(&self, slug: &str) -> Option<String> {
        match self {
            Stage::Write { .. } | Stage::Approve { .. } | Stage::Broken { .. } | Stage::Implementation => {
                None
            }
            Stage::Rejected | Stage::Failing { .. } => Some(command_line!("git flow-ai run {}", slug)),
            Stage::Running => Some(command_line!("git flow-ai status {}", slug)),
            Stage::Unjudged => Some(command_line!("git flow-ai review flow/{}/result", slug)),
            Stage::NeedsPerson => Some(command_line!("git flow-ai review flow/{}/result --approve", slug)),
            Stage::Mergeable => Some(command_line!("git flow-ai merge {}", slug)),
            Stage::Merged => Some("git flow-ai clean".into()),
        }
    }
}

/// How far a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskStatus {
    /// Waits for a task that it depends on.
    Waiting,
    Ready,
    /// Its agent's work is on its branch, not yet in the result.
    Committed,
    /// It is done, and what it was made from has been changed since.
    Stale,
    Done,
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TaskStatus::Waiting => "waiting",
            TaskStatus::Ready => "ready",
            TaskStatus::Committed => "committed",
            TaskStatus::Stale => "stale",
            TaskStatus::Done => "done",
        })
    }
}

/// What the spec's own branch says; what its result says comes after, see [`from_result`].
pub(super) fn from_step(status: &StepStatus) -> Stage {
    match (status.document(), &status.stage) {
        (Some(open), _) => {
            let (step, document) = (open.title.clone(), open.document.clone());
            match &open.state {
                DocumentState::Missing => Stage::Write { step, document },
                DocumentState::Invalid(why) => Stage::Broken { why: why.clone() },
                _ => Stage::Approve { step, document },
            }
        }
        (None, _) => Stage::Implementation,
    }
}

/// How far the tasks of a plan are.
pub(super) fn tasks<'a>(
    plan: &'a Plan,
    branches: &BTreeMap<String, ObjectId>,
    stale: &[String],
) -> Vec<(&'a str, TaskStatus)> {
    let done = |id: &String| plan.tasks.iter().any(|task| task.id == *id && task.done);
    let status = |task: &plan::Task| match () {
        () if stale.contains(&task.id) => TaskStatus::Stale,
        () if task.done => TaskStatus::Done,
        () if branches.contains_key(&task.id) => TaskStatus::Committed,
        () if task.after.iter().all(done) => TaskStatus::Ready,
        () => TaskStatus::Waiting,
    };
    plan.tasks.iter().map(|task| (task.id.as_str(), status(task))).collect()
}

/// The stage of a spec with a result branch.
pub(super) fn from_result(tasks: &[(&str, TaskStatus)], tally: &Tally, merged: bool) -> Stage {
    let all_done = tasks.iter().all(|(_, status)| *status == TaskStatus::Done);
    match () {
        () if !all_done => Stage::Implementation,
        () if merged => Stage::Merged,
        () => match tally {
            Tally::Blocked(_) => Stage::Rejected,
            Tally::Approved(_) => Stage::Mergeable,
            Tally::NeedsPerson(_) => Stage::NeedsPerson,
            Tally::Unjudged | Tally::Short(_) => Stage::Unjudged,
        },
    }
}
