//! How a task can end: every way, each with a sentence and the way out.

use super::chain;
use super::limits::Under;
use crate::domain::error::Hint;
use crate::domain::event::{LimitKind, Usage};
use crate::domain::spec::Slug;
use crate::domain::verdict::Finding;
use crate::system::fs::full::is_disk_full;
use gix::ObjectId;
use jiff::Timestamp;
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
    /// The agent met a limit.
    RateLimited {
        /// After how many seconds it passes, when it was met.
        seconds: Option<u64>,
        /// What kind it is.
        limit: LimitKind,
        /// What the agent said.
        why: String,
        /// When it passes, and the task goes on; none where that is not waited for.
        until: Option<Timestamp>,
    },
    /// A budget is spent.
    BudgetSpent {
        /// Whose: `run` or `task`.
        of: &'static str,
        /// What of it: `$5.12 of $5.00`.
        why: String,
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
        /// What to do about it, if that is known.
        #[serde(skip)]
        fix: Option<String>,
    },
}

impl Outcome {
    /// A limit that holds the task up.
    pub(super) fn limited(under: &Under) -> Outcome {
        let left = |until: Timestamp| until.duration_since(Timestamp::now()).as_secs();
        Outcome::RateLimited {
            seconds: under.until.and_then(|until| u64::try_from(left(until)).ok()),
            limit: under.kind,
            why: under.why.clone(),
            until: under.until,
        }
    }

    /// Something broke; what its error says to do goes with it.
    pub(super) fn broken(error: &anyhow::Error) -> Outcome {
        let hint = || error.chain().find_map(|cause| cause.downcast_ref::<Hint>());
        let fix = match is_disk_full(error) {
            true => Some("make room on the disk".to_owned()),
            false => hint().map(|hint| hint.fix.clone()),
        };
        Outcome::Broken { why: chain(error), fix }
    }

    /// Whether the task goes on at a known time.
    pub fn is_parked(&self) -> bool {
        matches!(self, Outcome::RateLimited { until: Some(_), .. })
    }

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
            Outcome::BudgetSpent { .. } => "budget spent",
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
            Outcome::RateLimited { limit, why, until: Some(until), .. } => {
                format!("its agent met {limit}, which passes at {until:.0}: {why}")
            }
            Outcome::RateLimited { limit, why, .. } => {
                format!("its agent met {limit} that is not waited for: {why}")
            }
            Outcome::BudgetSpent { of, why } => {
                format!("the budget of the {of} is spent: {why}; what it had made is on its branch")
            }
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
            Outcome::Stopped => "stopped; whatever it had made is on its branch".into(),
            Outcome::Broken { why, .. } => why.clone(),
        })
    }

    /// What a person can do about it; none where there is nothing to do.
    pub fn fix(&self, slug: &Slug, task: &str) -> Option<String> {
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
            Outcome::RateLimited { .. } => format!(
                "later: {again} goes on where it was; or now: {again} --retry, or with another agent: {again} --agent NAME"
            ),
            Outcome::BudgetSpent { of: "task", .. } => {
                format!("{again} gives it another `task_budget` of that size, and goes on where it was")
            }
            Outcome::BudgetSpent { .. } => {
                format!(
                    "{again} has a budget of its own and goes on where it was; for another one: {again} --budget cost=10"
                )
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
            Outcome::Broken { fix: Some(fix), .. } => format!("{fix}; then {again}"),
            Outcome::Stopped | Outcome::Broken { .. } => again,
        })
    }
}

/// `src/a.rs:7: P1 the message's first line`.
pub(super) fn brief(finding: &Finding) -> String {
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

pub(super) fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}
