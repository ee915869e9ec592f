//! How far a spec is: from its documents, its plan and its branches. Pure but for reading blobs.

use super::Judgement;
use crate::plan::{self, Plan};
use crate::store::Repo;
use crate::store::specs::{Summary, text_id};
use crate::verdict::Decision;
use crate::workflow;
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
        /// The step's title.
        step: String,
        /// The document's file name.
        document: String,
    },
    /// A step's document waits for approval.
    Approve {
        /// The step's title.
        step: String,
        /// The document's file name.
        document: String,
    },
    /// The tasks are to be done.
    Implementation,
    /// A run is under way.
    Running,
    /// All tasks are done; nobody has judged the result as it stands.
    Unjudged,
    /// A reviewer requests changes of the result.
    Rejected,
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
            Stage::Rejected => f.write_str("changes requested"),
            Stage::Mergeable => f.write_str("approved"),
            Stage::Merged => f.write_str("merged"),
            Stage::Broken { .. } => f.write_str("plan cannot be read"),
        }
    }
}

impl Stage {
    /// The command that comes next for that spec.
    pub(super) fn next(&self, slug: &str, no_tasks: bool) -> Option<String> {
        Some(match self {
            Stage::Write { document, .. } => format!("git flow-ai spec edit {slug} {document}"),
            Stage::Approve { document, .. } => format!("git flow-ai approve {slug} {document}"),
            Stage::Implementation if no_tasks => format!("git flow-ai plan {slug}"),
            Stage::Implementation | Stage::Rejected => format!("git flow-ai run {slug}"),
            Stage::Running => format!("git flow-ai status {slug}"),
            Stage::Unjudged => format!("git flow-ai review flow/{slug}/result"),
            Stage::Mergeable => format!("git flow-ai merge {slug}"),
            Stage::Merged => format!("git flow-ai clean {slug}"),
            Stage::Broken { .. } => format!("git flow-ai plan {slug}"),
        })
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Waits for a task that it depends on.
    Waiting,
    /// Could be started.
    Ready,
    /// Its agent's work is on its branch, not yet in the result.
    Committed,
    /// In the result.
    Done,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Waiting => "waiting",
            Standing::Ready => "ready",
            Standing::Committed => "committed",
            Standing::Done => "done",
        })
    }
}

/// The first step whose document is missing or not approved as it stands; the implementation when
/// there is none. `plan` is the text of the plan, which begins as a copy of the workflow.
pub(super) fn of_documents(repo: &Repo, summary: &Summary, plan: Option<&str>) -> Stage {
    let Some(text) = plan else {
        return Stage::Write { step: "Plan".into(), document: plan::DOCUMENT.into() };
    };
    let workflow = match workflow::parse(&summary.workflow, text, plan::DOCUMENT) {
        Ok(workflow) => workflow,
        Err(error) => return Stage::Broken { why: error.to_string() },
    };
    for step in workflow.steps {
        let Some(document) = step.document.filter(|_| !step.done) else { continue };
        let Some((_, blob)) = summary.documents.iter().find(|(name, _)| *name == document) else {
            return Stage::Write { step: step.title, document };
        };
        if step.approval && !is_approved(repo, summary, &document, *blob, text) {
            return Stage::Approve { step: step.title, document };
        }
    }
    Stage::Implementation
}

/// Whether somebody has approved that document as it stands.
pub(super) fn is_approved(
    repo: &Repo,
    summary: &Summary,
    document: &str,
    blob: ObjectId,
    plan: &str,
) -> bool {
    let mut approvals = summary.approvals.iter().filter(|approval| approval.document == document).peekable();
    if approvals.peek().is_none() {
        return false;
    }
    let stands = if document == plan::DOCUMENT { text_id(repo, document, plan) } else { blob };
    approvals.any(|approval| approval.text == stands)
}

/// Where the tasks of a plan stand.
pub(super) fn tasks<'a>(plan: &'a Plan, branches: &BTreeMap<String, ObjectId>) -> Vec<(&'a str, Standing)> {
    let done = |id: &String| plan.tasks.iter().any(|task| task.id == *id && task.done);
    let standing = |task: &plan::Task| match () {
        () if task.done => Standing::Done,
        () if branches.contains_key(&task.id) => Standing::Committed,
        () if task.after.iter().all(done) => Standing::Ready,
        () => Standing::Waiting,
    };
    plan.tasks.iter().map(|task| (task.id.as_str(), standing(task))).collect()
}

/// The stage of a spec with a result branch.
pub(super) fn of_result(tasks: &[(&str, Standing)], judgements: &[Judgement], merged: bool) -> Stage {
    let all_done = tasks.iter().all(|(_, standing)| *standing == Standing::Done);
    match () {
        () if !all_done => Stage::Implementation,
        () if merged => Stage::Merged,
        () if judgements.is_empty() => Stage::Unjudged,
        () if judgements.iter().any(|judged| judged.decision == Decision::RequestChanges) => Stage::Rejected,
        () => Stage::Mergeable,
    }
}
