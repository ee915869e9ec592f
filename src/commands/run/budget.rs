//! What a run and its tasks have used so far, against what they may.
//!
//! Counted from the run's own events: what agents and reviewers report while they work. The usage of those
//! that report nothing cannot be counted, and they are named. Time is time at work: what a run only waits, for a limit to
//! pass, is none.

use super::Run;
use crate::domain::config::{Budget, Config};
use crate::domain::event::{Activity, Event, TaskState, Usage, What};
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What has been used, by task; the empty name is work that belongs to none.
#[derive(Debug, Default)]
struct UsageByTask(BTreeMap<String, Used>);

/// What the processes before have used, and the one at work.
#[derive(Debug, Default, Clone, Copy)]
struct Used {
    before: Usage,
    now: Usage,
}

impl Used {
    fn all(self) -> Usage {
        self.before.plus(self.now)
    }
}

impl UsageByTask {
    /// Takes an event in.
    fn add(&mut self, event: &Event) {
        let used = self.0.entry(event.task.clone().unwrap_or_default()).or_default();
        match &event.what {
            // A process reports the sum since its start, again and again; these events begin another one.
            What::Activity(Activity::Started { .. })
            | What::State { state: TaskState::Starting | TaskState::InReview, .. } => {
                *used = Used { before: used.all(), now: Usage::default() };
            }
            What::Activity(Activity::Usage(usage)) => used.now = *usage,
            _ => {}
        }
    }

    fn used_by(&self, task: &str) -> Usage {
        self.0.get(task).map(|used| used.all()).unwrap_or_default()
    }

    fn all(&self) -> Usage {
        self.0.values().map(|used| used.all()).fold(Usage::default(), Usage::plus)
    }
}

/// What a run may use, and has used.
#[derive(Debug)]
pub struct BudgetTracker {
    usage: Arc<Mutex<UsageByTask>>,
    budget: Budget,
    task_budget: Budget,
    begun: Instant,
    /// How long it did nothing but wait.
    waited: Cell<Duration>,
    /// How long each task was at work before now.
    worked: RefCell<BTreeMap<String, Duration>>,
    /// Who did not report what the budgets count.
    unreported: RefCell<BTreeSet<String>>,
}

/// What became of a run's budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BudgetReport {
    pub budget: Budget,
    /// What of it is used, in words.
    pub used: String,
    /// Whether it is spent, so that nothing new was started.
    pub spent: bool,
    /// Who did not report what it used, so that it is more than is told here.
    pub unreported: Vec<String>,
}

impl BudgetTracker {
    /// Nothing is used yet. `asked` is what the user asked for in this run.
    pub fn new(config: &Config, asked: Budget) -> BudgetTracker {
        BudgetTracker {
            usage: Arc::default(),
            budget: config.run.budget.replaced_by(asked),
            task_budget: config.run.task_budget,
            begun: Instant::now(),
            waited: Cell::default(),
            worked: RefCell::default(),
            unreported: RefCell::default(),
        }
    }

    /// Receives the run's events.
    pub fn recorder(&self) -> impl Fn(&Event) + Send + Sync + 'static {
        let usage = self.usage.clone();
        move |event: &Event| usage.lock().unwrap_or_else(PoisonError::into_inner).add(event)
    }

    /// What a task has used, its reviews included.
    pub fn used_by(&self, task: &str) -> Usage {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).used_by(task)
    }

    /// What everything has used.
    pub fn used(&self) -> Usage {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner).all()
    }

    /// The run did nothing but wait for so long.
    pub fn waited(&self, time: Duration) {
        self.waited.set(self.waited.get() + time);
    }

    /// A task was at work for so long.
    pub fn worked(&self, task: &str, time: Duration) {
        *self.worked.borrow_mut().entry(task.to_owned()).or_default() += time;
    }

    /// What of the run's budget is spent; `None` while it may go on.
    pub fn spent(&self) -> Option<String> {
        self.budget.spent(self.used(), self.time())
    }

    /// The same for a task that has been at work again since then.
    pub fn spent_by(&self, task: &str, since: Instant) -> Option<String> {
        self.task_budget.spent(self.used_by(task), self.worked_by(task) + since.elapsed())
    }

    /// How much longer that task may work; `None` if nothing limits it.
    pub fn time_left(&self, task: &str, since: Instant) -> Option<Duration> {
        Some(self.task_budget.time?.saturating_sub(self.worked_by(task) + since.elapsed()))
    }

    /// An agent or reviewer has ended and reported that; warns once if it does not report what a budget counts.
    pub fn reported(&self, run: &Run, who: &str, usage: Usage) {
        let counts_cost = self.budget.cost.or(self.task_budget.cost).is_some();
        let counts_tokens = self.budget.tokens.or(self.task_budget.tokens).is_some();
        let missing = match (usage.cost, usage.input_tokens + usage.output_tokens) {
            (None, _) if counts_cost => "costs",
            (_, 0) if counts_tokens => "tokens",
            _ => return,
        };
        if self.unreported.borrow_mut().insert(who.to_owned()) {
            run.events.warn(format!("{who} reports no {missing}: the budget cannot count what it uses"));
        }
    }

    /// What became of the budget; `None` without a budget.
    pub fn report(&self) -> Option<BudgetReport> {
        (!self.budget.is_empty()).then(|| BudgetReport {
            budget: self.budget,
            used: self.budget.account(self.used(), self.time()),
            spent: self.spent().is_some(),
            unreported: self.unreported.borrow().iter().cloned().collect(),
        })
    }

    fn time(&self) -> Duration {
        self.begun.elapsed().saturating_sub(self.waited.get())
    }

    fn worked_by(&self, task: &str) -> Duration {
        self.worked.borrow().get(task).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn each_process_counts_once_however_often_it_tells() {
        let mut usage = UsageByTask::default();
        let mut tell = |task: &str, what| {
            usage.add(&Event { at: Timestamp::UNIX_EPOCH, task: Some(task.into()), what });
        };
        let state = |state| What::State { state, attempt: 1, agent: String::new(), detail: String::new() };
        let used = |input_tokens| {
            What::Activity(Activity::Usage(Usage { input_tokens, output_tokens: 1, cost: Some(0.5) }))
        };
        for what in [
            state(TaskState::Starting),
            What::Activity(Activity::Started { session: None, model: None }),
            used(10),
            state(TaskState::Quiet),
            state(TaskState::Working),
            used(30),
            state(TaskState::InReview),
            used(5),
            state(TaskState::InReview),
            used(5),
            state(TaskState::Starting),
            used(100),
        ] {
            tell("a", what);
        }
        tell("b", used(1000));
        assert_eq!(usage.used_by("a"), Usage { input_tokens: 140, output_tokens: 4, cost: Some(2.0) });
        assert_eq!(usage.all().input_tokens, 1140);
        assert_eq!(usage.used_by("nobody"), Usage::default());
    }
}
