//! What every part of the work on one task shares: who works on what, since when, which attempt it is,
//! and how it is announced.

use super::Run;
use super::branch::recovery_ref;
use super::outcome::{BudgetScope, TaskOutcome};
use super::provider_limits::ActiveLimit;
use super::summary::TaskReport;
use crate::agents::cli::Agent;
use crate::domain::event::{AttemptEnding, Events, TaskState, What};
use crate::domain::plan::Task;
use gix::ObjectId;
use jiff::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A task under way.
pub(super) struct TaskContext<'a> {
    pub run: &'a Run,
    pub task: &'a Task,
    pub agent: &'a Agent,
    pub events: Events,
    since: Instant,
    /// The number of the attempt under way, or of the last one.
    attempt: Cell<u32>,
    /// How many attempts ended in this run.
    ended: Cell<u32>,
    warned: RefCell<BTreeSet<String>>,
}

impl<'a> TaskContext<'a> {
    pub fn new(run: &'a Run, task: &'a Task, agent: &'a Agent, since: Instant) -> TaskContext<'a> {
        let last = run.history.borrow().next(&task.id).saturating_sub(1).max(1);
        TaskContext {
            run,
            task,
            agent,
            events: run.events.for_task(&task.id),
            since,
            attempt: Cell::new(last),
            ended: Cell::default(),
            warned: RefCell::default(),
        }
    }

    pub fn attempt(&self) -> u32 {
        self.attempt.get()
    }

    pub fn ended_attempts(&self) -> u32 {
        self.ended.get()
    }

    pub fn begin_attempt(&self) {
        self.attempt.set(self.run.history.borrow().next(&self.task.id));
    }

    /// The attempt counts from here on.
    pub fn end_attempt(&self, ending: AttemptEnding, commit: Option<ObjectId>) {
        let attempt = self.attempt();
        let commit = commit.map(|id| id.to_string());
        self.events.send(What::AttemptFinished { attempt, ending, commit });
        self.run.history.borrow_mut().ended(&self.task.id, attempt);
        self.ended.set(self.ended.get() + 1);
    }

    /// Why nothing new may be started for the task.
    pub fn must_stop(&self) -> Option<TaskOutcome> {
        if self.run.stop.is_set() {
            return Some(TaskOutcome::Stopped);
        }
        if let Some(why) = self.run.budget.spent() {
            return Some(TaskOutcome::BudgetSpent { of: BudgetScope::Run, why });
        }
        self.budget_spent().map(|why| TaskOutcome::BudgetSpent { of: BudgetScope::Task, why })
    }

    /// What of the task's own budget is spent.
    pub fn budget_spent(&self) -> Option<String> {
        self.run.budget.spent_by(&self.task.id, self.since)
    }

    /// How much longer the task may take; `None` if nothing limits it.
    pub fn time_left(&self) -> Option<Duration> {
        self.run.budget.time_left(&self.task.id, self.since)
    }

    /// The outcome of a task whose agent changed nothing.
    pub fn no_change(&self) -> TaskOutcome {
        let earlier = self.run.repo.refs(&recovery_ref(self.run.slug(), &self.task.id, ""));
        let was_redone = earlier.is_ok_and(|refs| !refs.is_empty());
        TaskOutcome::NoChange { redone: was_redone || self.run.redone.contains(&self.task.id) }
    }

    pub fn announce(&self, state: TaskState, detail: &str) {
        let agent = self.agent.name.clone();
        self.events.send(What::State { state, attempt: self.attempt(), agent, detail: detail.to_owned() });
    }

    pub fn warn_once(&self, message: String) {
        if self.warned.borrow_mut().insert(message.clone()) {
            self.events.warn(message);
        }
    }

    /// The variables that commands and agents get.
    pub fn env(&self) -> Vec<(String, String)> {
        environment(self.run, &self.task.id, self.attempt())
    }
}

/// The variables that say which task of which spec this is.
pub(super) fn environment(run: &Run, task: &str, attempt: u32) -> Vec<(String, String)> {
    vec![
        ("GIT_FLOW_AI_SPEC".into(), run.slug().to_string()),
        ("GIT_FLOW_AI_TASK".into(), task.to_owned()),
        ("GIT_FLOW_AI_ATTEMPT".into(), attempt.to_string()),
    ]
}

/// Announces that a task waits for its agent's limit to pass.
pub(super) fn announce_parked(
    events: &Events,
    attempt: u32,
    agent: &str,
    limit: &ActiveLimit,
    until: Timestamp,
) {
    let detail = format!("until {until:.0}: {}: {}", limit.kind, limit.why);
    events.send(What::State { state: TaskState::RateLimited, attempt, agent: agent.to_owned(), detail });
    let (agent, why) = (agent.to_owned(), limit.why.clone());
    events.send(What::Parked { attempt, agent, limit: limit.kind, why, until });
}

/// Announces that a task is over for this run.
pub(super) fn announce_end(events: &Events, attempt: u32, report: &TaskReport) {
    let state = match &report.outcome {
        outcome if outcome.is_success() => TaskState::Done,
        TaskOutcome::Stopped | TaskOutcome::BudgetSpent { .. } | TaskOutcome::RateLimited { .. } => {
            TaskState::Stopped
        }
        _ => TaskState::Failed,
    };
    let detail = report.outcome.sentence().unwrap_or_default();
    let agent = report.agent.clone();
    events.send(What::State { state, attempt, agent, detail });
    events.send(What::TaskFinished {
        outcome: report.outcome.word().to_owned(),
        attempts: report.attempts,
        seconds: report.duration.as_secs(),
        usage: report.usage,
        verdict: report.verdict.clone(),
    });
}
