//! How a task can end: every way, each with a sentence and a hint.

use super::chain;
use super::provider_limits::ActiveLimit;
use crate::domain::error::Hint;
use crate::domain::event::LimitKind;
use crate::domain::spec::Slug;
use crate::domain::text::shell::{Part, command_line};
use crate::domain::verdict::Finding;
use crate::system::fs::disk_full::is_disk_full;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt;

/// How a task ended in this run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum TaskOutcome {
    /// Verified, and approved by rivals.
    Done,
    /// Verified; the user wanted no review.
    Unreviewed,
    /// It had reached the result before.
    MergedBefore {
        /// Whether the user named it, so that it is said how to have it done again.
        asked: bool,
    },
    /// The agent changed nothing.
    NoChange {
        /// Whether it was to do again what is in the result, which it may have found to be right.
        redone: bool,
    },
    /// The agent failed as often as it may; why the last time.
    AgentFailed { why: String },
    /// The agent asked something that cannot be answered during a run.
    WaitingForPerson { what: String },
    /// The agent met a limit.
    RateLimited {
        /// After how many seconds it passes, when it was met.
        seconds: Option<u64>,
        limit: LimitKind,
        /// What the agent said.
        why: String,
        /// When it passes, and the task goes on; `None` if that is not waited for.
        until: Option<Timestamp>,
    },
    BudgetSpent {
        of: BudgetScope,
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
    /// It passes by itself, and fails with what it is merged into: other tasks, or what the target has become.
    FailsTogether {
        /// How, with the last lines of what the test printed.
        how: String,
    },
    /// A rival's findings block it, as often as the agent may try.
    Rejected {
        /// The findings that block.
        findings: Vec<Finding>,
    },
    /// No rival gave a verdict.
    NoVerdict { why: String },
    /// It does not merge with what others made.
    Conflict { with: String },
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
    /// The user stopped the run.
    Stopped,
    /// Something broke outside the project: a full disk, a branch moved by hand.
    Broken {
        why: String,
        /// What to do about it, if that is known.
        #[serde(skip)]
        fix: Option<String>,
    },
}

/// Whose budget it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BudgetScope {
    Run,
    Task,
}

impl fmt::Display for BudgetScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl TaskOutcome {
    /// A limit that holds the task up.
    pub(super) fn limited(limit: &ActiveLimit) -> TaskOutcome {
        let left = |until: Timestamp| until.duration_since(Timestamp::now()).as_secs();
        TaskOutcome::RateLimited {
            seconds: limit.until.and_then(|until| u64::try_from(left(until)).ok()),
            limit: limit.kind,
            why: limit.why.clone(),
            until: limit.until,
        }
    }

    /// An error that is not the agent's; its own hint goes with it.
    pub(super) fn broken(error: &anyhow::Error) -> TaskOutcome {
        let hint = || error.chain().find_map(|cause| cause.downcast_ref::<Hint>());
        let fix = match is_disk_full(error) {
            true => Some("make room on the disk".to_owned()),
            false => hint().map(|hint| hint.fix.clone()),
        };
        TaskOutcome::Broken { why: chain(error), fix }
    }

    /// Whether an outcome of that word is that of a task which only fresh attempts get on.
    pub fn wants_fresh_attempts(word: &str) -> bool {
        let attempts = [
            TaskOutcome::NoChange { redone: false },
            TaskOutcome::AgentFailed { why: String::new() },
            TaskOutcome::WaitingForPerson { what: String::new() },
            TaskOutcome::VerifyFailed { how: String::new() },
            TaskOutcome::Rejected { findings: Vec::new() },
        ];
        attempts.iter().any(|outcome| outcome.word() == word)
    }

    /// Whether an outcome of that word is that of a task which has to be done again.
    pub fn wants_redo(word: &str) -> bool {
        word == TaskOutcome::FailsTogether { how: String::new() }.word()
    }

    /// Whether the task goes on at a known time.
    pub fn is_parked(&self) -> bool {
        matches!(self, TaskOutcome::RateLimited { until: Some(_), .. })
    }

    /// Whether the task's work can be merged, or is.
    pub fn is_success(&self) -> bool {
        matches!(self, TaskOutcome::Done | TaskOutcome::Unreviewed | TaskOutcome::MergedBefore { .. })
    }

    /// In one or two words, for tables.
    pub fn word(&self) -> &'static str {
        match self {
            TaskOutcome::Done => "done",
            TaskOutcome::Unreviewed => "done, not reviewed",
            TaskOutcome::MergedBefore { .. } => "merged before",
            TaskOutcome::NoChange { .. } => "changed nothing",
            TaskOutcome::AgentFailed { .. } => "agent failed",
            TaskOutcome::WaitingForPerson { .. } => "waits for a person",
            TaskOutcome::RateLimited { .. } => "rate limited",
            TaskOutcome::BudgetSpent { .. } => "budget spent",
            TaskOutcome::SetupFailed { .. } => "set-up failed",
            TaskOutcome::VerifyFailed { .. } => "verification failed",
            TaskOutcome::FailsTogether { .. } => "fails with others",
            TaskOutcome::Rejected { .. } => "rejected",
            TaskOutcome::NoVerdict { .. } => "no verdict",
            TaskOutcome::Conflict { .. } | TaskOutcome::DependencyConflict { .. } => "conflict",
            TaskOutcome::Blocked { .. } => "blocked",
            TaskOutcome::Stopped => "stopped",
            TaskOutcome::Broken { .. } => "broken",
        }
    }

    /// What happened, in a sentence; `None` if the word says it all.
    pub fn sentence(&self) -> Option<String> {
        Some(match self {
            TaskOutcome::Done | TaskOutcome::MergedBefore { asked: false } => return None,
            TaskOutcome::MergedBefore { asked: true } => "it is in the result already".into(),
            TaskOutcome::Unreviewed => "nobody has reviewed it, so the gate will refuse it".into(),
            TaskOutcome::NoChange { .. } => "the agent ended without changing a file".into(),
            TaskOutcome::AgentFailed { why } => format!("its agent failed: {why}"),
            TaskOutcome::WaitingForPerson { what } => format!("its agent waits for a person: {what}"),
            TaskOutcome::RateLimited { limit, why, until: Some(until), .. } => {
                format!("its agent met {limit}, which passes at {until:.0}: {why}")
            }
            TaskOutcome::RateLimited { limit, why, .. } => {
                format!("its agent met {limit} that is not waited for: {why}")
            }
            TaskOutcome::BudgetSpent { of, why } => {
                format!("the budget of the {of} is spent: {why}; what it had made is on its branch")
            }
            TaskOutcome::SetupFailed { how } => format!("the set-up command failed: {how}"),
            TaskOutcome::VerifyFailed { how } => format!("verification fails: {how}"),
            TaskOutcome::FailsTogether { how } => {
                format!("it passes by itself, and fails together with what it is merged into: {how}")
            }
            TaskOutcome::Rejected { findings } => match findings.first() {
                Some(first) if findings.len() == 1 => {
                    format!("a rival's finding blocks it: {}", brief(first))
                }
                Some(first) => {
                    format!("{} findings of a rival block it, the first: {}", findings.len(), brief(first))
                }
                None => "a rival requests changes".into(),
            },
            TaskOutcome::NoVerdict { why } => format!("no rival gave a verdict: {why}"),
            TaskOutcome::Conflict { with } => format!("it does not merge with {with}"),
            TaskOutcome::DependencyConflict { with } => {
                format!("it cannot begin: {with} does not merge with what else it depends on")
            }
            TaskOutcome::Blocked { by } => format!("it waits for {}", by.join(", ")),
            TaskOutcome::Stopped => "stopped; whatever it had made is on its branch".into(),
            TaskOutcome::Broken { why, .. } => why.clone(),
        })
    }

    /// What the user can do about it; `None` if there is nothing to do.
    pub fn fix(&self, slug: &Slug, task: &str) -> Option<String> {
        let again = command_line!("git flow-ai run {}", slug);
        let fresh = command_line!("git flow-ai run {} --task {} --retry", slug, task);
        let log = command_line!("git flow-ai log {} {}", slug, task);
        Some(match self {
            TaskOutcome::Done | TaskOutcome::MergedBefore { asked: false } | TaskOutcome::Blocked { .. } => {
                return None;
            }
            TaskOutcome::MergedBefore { asked: true } => {
                command_line!("git flow-ai run {} --redo {}", slug, task)
            }
            TaskOutcome::Unreviewed => again,
            TaskOutcome::NoChange { redone: true } => command_line!(
                "git flow-ai run {} --accept {} keeps what is in the result; or for another attempt: {}",
                slug,
                task,
                Part(&fresh)
            ),
            TaskOutcome::NoChange { redone: false } => command_line!(
                "{} shows why; say it more plainly in the plan (git flow-ai plan {}) and run again with \
                 --retry, or tick its box",
                Part(&log),
                slug
            ),
            TaskOutcome::AgentFailed { .. } => format!("{log} shows what it did; then {fresh}"),
            TaskOutcome::WaitingForPerson { .. } => {
                format!("run the agent once by hand to answer it (a login, a permission), then {fresh}")
            }
            TaskOutcome::RateLimited { .. } => format!(
                "later: {again} goes on where it was; or now: {again} --retry, or with another agent: {again} --agent NAME"
            ),
            TaskOutcome::BudgetSpent { of: BudgetScope::Task, .. } => {
                format!("{again} gives it another `task_budget` of that size, and goes on where it was")
            }
            TaskOutcome::BudgetSpent { .. } => {
                format!(
                    "{again} has a budget of its own and goes on where it was; for another one: {again} --budget cost=10"
                )
            }
            TaskOutcome::SetupFailed { .. } => {
                format!("mend `setup` under [run] in .zenflow/config.toml, then {again}")
            }
            TaskOutcome::VerifyFailed { .. } => {
                format!("for more attempts: {fresh}; or mend it by hand on flow/{slug}/{task}, then {again}")
            }
            TaskOutcome::FailsTogether { .. } => {
                command_line!("git flow-ai run {} --redo {}", slug, task)
            }
            TaskOutcome::Rejected { .. } => format!(
                "{log} --review shows the findings; for more attempts: {fresh}; or mend it by hand on flow/{slug}/{task}, then {again}"
            ),
            TaskOutcome::NoVerdict { .. } => {
                command_line!("git flow-ai doctor examines the reviewers; then {}", Part(&again))
            }
            TaskOutcome::Conflict { .. } => command_line!(
                "resolve it by hand: git switch flow/{}/result && git merge flow/{}/{}; then go back to \
                 your branch and {}; or have it done again on what is there: git flow-ai run {} --redo {}",
                slug,
                slug,
                task,
                Part(&again),
                slug,
                task
            ),
            TaskOutcome::DependencyConflict { .. } => {
                command_line!(
                    "make one of them depend on the other (git flow-ai plan {}), then run it again with \
                     --retry",
                    slug
                )
            }
            TaskOutcome::Broken { fix: Some(fix), .. } => format!("{fix}; then {again}"),
            TaskOutcome::Stopped | TaskOutcome::Broken { .. } => again,
        })
    }
}

/// `src/a.rs:7: P1 the message's first line`.
pub(super) fn brief(finding: &Finding) -> String {
    let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
    let body = finding.body.lines().next().unwrap_or_default();
    format!("{}{line}: {} {body}", finding.path, finding.severity)
}
