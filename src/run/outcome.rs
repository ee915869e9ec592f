//! How a task, and a run, can end: every way, each with a sentence and the way out.

use crate::event::Usage;
use crate::spec::Slug;
use crate::verdict::Finding;
use gix::ObjectId;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// How a task ended in this run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Verified, and approved by rivals.
    Done,
    /// Verified; nobody was to review it.
    Unreviewed,
    /// It had reached the result before.
    MergedBefore,
    /// The agent changed nothing.
    NoChange,
    /// The agent failed as often as it may; why the last time.
    AgentFailed {
        /// In one sentence.
        why: String,
    },
    /// The agent asked a person something that nobody answers during a run.
    WaitingForPerson {
        /// What it asked.
        what: String,
    },
    /// The agent's limit will not end soon enough.
    RateLimited {
        /// After how many seconds it said it would.
        seconds: Option<u64>,
    },
    /// The set-up command failed, so that no agent was started.
    SetupFailed {
        /// How, with the last lines of what it printed.
        how: String,
    },
    /// Verification failed as often as the agent may try.
    VerifyFailed {
        /// How, with the last lines of what it printed.
        how: String,
    },
    /// A rival's findings block it, as often as the agent may try.
    Rejected {
        /// The findings that block.
        findings: Vec<Finding>,
    },
    /// No rival gave a verdict.
    NoVerdict {
        /// Why.
        why: String,
    },
    /// It does not merge with what others made.
    Conflict {
        /// With what.
        with: String,
    },
    /// It cannot begin: the work of what it depends on does not merge.
    DependencyConflict {
        /// The first that does not merge with those before it.
        with: String,
    },
    /// Something that it depends on did not get done.
    Blocked {
        /// The tasks that it waits for.
        by: Vec<String>,
    },
    /// The person stopped the run.
    Stopped,
    /// Something broke that is nobody's fault in the project: a full disk, a branch moved by hand.
    Broken {
        /// What.
        why: String,
    },
}

impl Outcome {
    /// Whether the task's work can be merged, or is.
    pub fn is_success(&self) -> bool {
        matches!(self, Outcome::Done | Outcome::Unreviewed | Outcome::MergedBefore)
    }

    /// In one or two words, for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Unreviewed => "done, not reviewed",
            Outcome::MergedBefore => "merged before",
            Outcome::NoChange => "changed nothing",
            Outcome::AgentFailed { .. } => "agent failed",
            Outcome::WaitingForPerson { .. } => "waits for a person",
            Outcome::RateLimited { .. } => "rate limited",
            Outcome::SetupFailed { .. } => "set-up failed",
            Outcome::VerifyFailed { .. } => "verification failed",
            Outcome::Rejected { .. } => "rejected",
            Outcome::NoVerdict { .. } => "no verdict",
            Outcome::Conflict { .. } | Outcome::DependencyConflict { .. } => "conflict",
            Outcome::Blocked { .. } => "blocked",
            Outcome::Stopped => "stopped",
            Outcome::Broken { .. } => "broken",
        }
    }

    /// What happened, in a sentence; none where the word says it all.
    pub fn sentence(&self) -> Option<String> {
        Some(match self {
            Outcome::Done | Outcome::MergedBefore => return None,
            Outcome::Unreviewed => "nobody has reviewed it, so the gate will refuse it".into(),
            Outcome::NoChange => "the agent ended without changing a file".into(),
            Outcome::AgentFailed { why } => format!("its agent failed: {why}"),
            Outcome::WaitingForPerson { what } => format!("its agent waits for a person: {what}"),
            Outcome::RateLimited { seconds: Some(seconds) } => {
                format!("its agent's limit ends in {seconds} seconds")
            }
            Outcome::RateLimited { seconds: None } => "its agent met a limit that does not end soon".into(),
            Outcome::SetupFailed { how } => format!("the set-up command failed: {how}"),
            Outcome::VerifyFailed { how } => format!("verification fails: {how}"),
            Outcome::Rejected { findings } => match findings.first() {
                Some(first) if findings.len() == 1 => {
                    format!("a rival's finding blocks it: {}", brief(first))
                }
                Some(first) => {
                    format!("{} findings of a rival block it, the first: {}", findings.len(), brief(first))
                }
                None => "a rival requests changes".into(),
            },
            Outcome::NoVerdict { why } => format!("no rival gave a verdict: {why}"),
            Outcome::Conflict { with } => format!("it does not merge with {with}"),
            Outcome::DependencyConflict { with } => {
                format!("it cannot begin: {with} does not merge with what else it depends on")
            }
            Outcome::Blocked { by } => format!("it waits for {}", by.join(", ")),
            Outcome::Stopped => "stopped; what it had made is on its branch".into(),
            Outcome::Broken { why } => why.clone(),
        })
    }

    /// What a person can do about it; none where there is nothing to do.
    pub fn way_out(&self, slug: &Slug, task: &str) -> Option<String> {
        let again = format!("git flow-ai run {slug}");
        let fresh = format!("git flow-ai run {slug} --task {task} --retry");
        let log = format!("git flow-ai log {slug} {task}");
        Some(match self {
            Outcome::Done | Outcome::MergedBefore | Outcome::Blocked { .. } => return None,
            Outcome::Unreviewed => again,
            Outcome::NoChange => format!(
                "{log} shows why; say it more plainly in the plan (git flow-ai plan {slug}) and run again with --retry, or tick its box"
            ),
            Outcome::AgentFailed { .. } => format!("{log} shows what it did; then {fresh}"),
            Outcome::WaitingForPerson { .. } => {
                format!("run the agent once by hand to answer it (a login, a permission), then {fresh}")
            }
            Outcome::RateLimited { .. } => {
                format!("later: {fresh}; or now with another agent: {fresh} --agent NAME")
            }
            Outcome::SetupFailed { .. } => {
                format!("mend `setup` under [run] in .zenflow/config.toml, then {again}")
            }
            Outcome::VerifyFailed { .. } => {
                format!("for more attempts: {fresh}; or mend it by hand on flow/{slug}/{task}, then {again}")
            }
            Outcome::Rejected { .. } => format!(
                "{log} --review shows the findings; for more attempts: {fresh}; or mend it by hand on flow/{slug}/{task}, then {again}"
            ),
            Outcome::NoVerdict { .. } => format!("git flow-ai doctor examines the reviewers; then {again}"),
            Outcome::Conflict { .. } => format!(
                "resolve it by hand: git switch flow/{slug}/result && git merge flow/{slug}/{task}; then go back to your branch and {again}"
            ),
            Outcome::DependencyConflict { .. } => {
                format!(
                    "make one of them depend on the other (git flow-ai plan {slug}), then run it again with --retry"
                )
            }
            Outcome::Broken { why } if why.contains("No space left") => {
                format!("make room on the disk, then {again}")
            }
            Outcome::Stopped | Outcome::Broken { .. } => again,
        })
    }
}

/// `src/a.rs:7: P1 the message's first line`.
fn brief(finding: &Finding) -> String {
    let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    let body = finding.body.lines().next().unwrap_or_default();
    format!("{}{line}: {} {body}", finding.path, finding.severity)
}

/// What became of one task.
#[derive(Debug, Clone, Serialize)]
pub struct TaskReport {
    /// Its id.
    pub task: String,
    /// The agent that is to do it.
    pub agent: String,
    /// How many attempts ended in this run.
    pub attempts: u32,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long this run took for it.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
    /// What its agent used in this run.
    pub usage: Usage,
    /// The verdict on its head, in words: `APPROVE by codex (openai)`.
    pub verdict: Option<String>,
    /// Where its branch is.
    #[serde(skip)]
    pub head: Option<ObjectId>,
    /// The worktree that was kept, since it holds something that is nowhere else, or was asked for.
    pub kept: Option<PathBuf>,
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
    Approved {
        /// In words.
        verdict: String,
    },
    /// Complete and verified; no rival stands outside all authors, so that the gate lets it in task by
    /// task only.
    TaskByTask {
        /// Why nobody could judge it as a whole.
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
    NoVerdict {
        /// Why.
        why: String,
    },
    /// It is in the target branch already.
    Merged,
    /// The person stopped the run before it was judged.
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

    /// What there is to say about it, and what a person can do next.
    pub fn sentences(&self, slug: &Slug) -> Option<(String, String)> {
        let again = format!("mend it on flow/{slug}/result, then git flow-ai run {slug}");
        Some(match self {
            ResultReport::Nothing => return None,
            ResultReport::Partial => (
                format!("what is done is merged into flow/{slug}/result; the rest is not done yet"),
                format!("git flow-ai run {slug}"),
            ),
            ResultReport::Approved { verdict } => {
                (format!("flow/{slug}/result is complete: {verdict}"), format!("git flow-ai merge {slug}"))
            }
            ResultReport::TaskByTask { why } => (
                format!(
                    "flow/{slug}/result is complete; not judged as a whole: {why}; the gate lets it in task by task"
                ),
                format!("git flow-ai merge {slug}"),
            ),
            ResultReport::Unreviewed => (
                format!("flow/{slug}/result is complete; nobody has reviewed it, so the gate will refuse it"),
                format!("git flow-ai run {slug}"),
            ),
            ResultReport::VerifyFailed { how } => {
                (format!("the tasks are merged, and together they fail verification: {how}"), again)
            }
            ResultReport::Rejected { findings } => {
                let found: Vec<String> = findings.iter().map(brief).collect();
                (format!("a rival requests changes to the whole:\n  {}", found.join("\n  ")), again)
            }
            ResultReport::NoVerdict { why } => {
                (format!("no rival gave a verdict on the whole: {why}"), format!("git flow-ai run {slug}"))
            }
            ResultReport::Merged => {
                ("the result is merged already".into(), format!("git flow-ai clean {slug}"))
            }
            ResultReport::Stopped => {
                ("stopped before the result was judged".into(), format!("git flow-ai run {slug}"))
            }
        })
    }
}

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The run's id.
    pub run: String,
    /// The spec's slug.
    pub spec: String,
    /// The tasks, in the plan's order.
    pub tasks: Vec<TaskReport>,
    /// The result branch.
    pub result: ResultReport,
    /// Whether the person stopped it.
    pub stopped: bool,
    /// How long it took.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
}

impl Summary {
    /// Whether everything that was asked for is done.
    pub fn is_success(&self) -> bool {
        self.tasks.iter().all(|task| task.outcome.is_success()) && self.result.is_good()
    }

    /// What all agents used.
    pub fn usage(&self) -> Usage {
        self.tasks.iter().fold(Usage::default(), |sum, task| sum.plus(task.usage))
    }
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}
