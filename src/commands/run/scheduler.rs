//! Who works when: starts what is ready, parks what has to wait for a limit to pass, holds back what
//! the budget does not allow, merges what is done, until nothing is left to do.
//!
//! A parked task has given its place away and lives on in its branch alone: it goes on as it would in
//! another run.

use super::context::{announce_end, announce_parked};
use super::integrate::Merging;
use super::outcome::{BudgetScope, TaskOutcome};
use super::provider_limits::ActiveLimit;
use super::summary::TaskReport;
use super::task::TaskRunner;
use super::{Run, not_run};
use crate::domain::error::Result;
use crate::domain::event::{TaskState, What};
use crate::domain::plan::{Plan, Schedule, Task, TaskStatus};
use crate::system::memory;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long the clock is trusted: it may be set, and a laptop may sleep.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// How long until the machine is looked at again that had no room for more.
const PRESSED: Duration = Duration::from_secs(2);

/// The tasks of a run, under way.
struct Scheduler<'a> {
    run: &'a Rc<Run>,
    schedule: Schedule,
    merging: Merging,
    running: JoinSet<TaskReport>,
    reports: HashMap<String, TaskReport>,
    /// What was announced of tasks that wait: each thing once.
    announced: HashSet<(String, Option<Timestamp>)>,
    /// Whether the machine has no room for more.
    pressed: bool,
}

/// Carries a plan out until nothing runs, nothing can start and nothing is worth waiting for.
pub(super) async fn run_plan(run: &Rc<Run>, plan: &Plan, chosen: &Plan) -> Result<Vec<TaskReport>> {
    let mut scheduler = Scheduler::begin(run, plan, chosen)?;
    loop {
        scheduler.unpark();
        scheduler.start();
        scheduler.announce();
        if !scheduler.wait().await? {
            return Ok(scheduler.end().await);
        }
    }
}

impl<'a> Scheduler<'a> {
    fn begin(run: &'a Rc<Run>, plan: &Plan, chosen: &Plan) -> Result<Scheduler<'a>> {
        let merging = Merging::begin(run, plan)?;
        let done = merging.merged().to_vec();
        let parallel = run.options.parallel.unwrap_or(run.loaded.config.run.parallel);
        let to_do = |id: &String| !done.contains(id);
        run.events.send(What::RunStarted {
            run: run.id.clone(),
            spec: run.slug().to_string(),
            base: run.base.to_string(),
            tasks: chosen.tasks.iter().map(|task| task.id.clone()).filter(to_do).collect(),
            parallel,
        });
        Ok(Scheduler {
            run,
            schedule: Schedule::new(chosen, &done, parallel),
            merging,
            running: JoinSet::new(),
            reports: HashMap::new(),
            announced: HashSet::new(),
            pressed: false,
        })
    }

    /// Those whose limit has passed could go on; those whose limit is not waited for any more are over.
    fn unpark(&mut self) {
        for task in self.tasks_in(TaskStatus::Parked) {
            match self.limit(&task) {
                None => self.schedule.unpark(&task.id),
                Some(ActiveLimit { until: None, .. }) => self.schedule.finish(&task.id, false),
                Some(_) => {}
            }
        }
    }

    /// Starts what may start.
    fn start(&mut self) {
        let run = self.run;
        while !run.stop.is_set()
            && !self.is_pressed()
            && run.budget.spent().is_none()
            && let Some(task) = self.schedule.start_next(|task| limit(run, task).is_none())
        {
            self.running.spawn_local(TaskRunner::run(run.clone(), task));
        }
    }

    /// Whether the machine is short of something, so that no more is started beside what runs already. Told
    /// when it begins.
    fn is_pressed(&mut self) -> bool {
        let run = self.run;
        let could = |schedule: &Schedule| {
            let mut tasks = schedule.statuses();
            tasks.any(|(task, status)| status == TaskStatus::Ready && limit(run, task).is_none())
        };
        let is_asked = run.loaded.config.run.pressure
            && !self.running.is_empty()
            && self.schedule.has_room()
            && could(&self.schedule);
        let why = if is_asked { memory::shortage() } else { None };
        if let Some(why) = why.as_ref().filter(|_| !self.pressed) {
            run.events.progress(format!("no more is started for now: {why}"));
        }
        self.pressed = why.is_some();
        self.pressed
    }

    /// Announces which tasks wait for a free place or a limit, each once.
    fn announce(&mut self) {
        if self.run.stop.is_set() {
            return;
        }
        for task in self.tasks_in(TaskStatus::Ready) {
            let agent = agent(self.run, &task);
            let events = self.run.events.for_task(&task.id);
            match self.limit(&task) {
                None => {
                    if self.announced.insert((task.id.clone(), None)) {
                        let detail = String::new();
                        events.send(What::State { state: TaskState::Queued, attempt: 1, agent, detail });
                    }
                }
                Some(limit) => {
                    if let Some(until) =
                        limit.until.filter(|at| self.announced.insert((task.id.clone(), Some(*at))))
                    {
                        let attempt = self.run.history.borrow().next(&task.id);
                        announce_parked(&events, attempt, &agent, &limit, until);
                    }
                }
            }
        }
    }

    /// Waits until something happens; false if nothing will any more.
    async fn wait(&mut self) -> Result<bool> {
        let (idle, stopped) = (self.running.is_empty(), self.run.stop.is_set());
        let due = self.due();
        if idle && due.is_none() {
            return Ok(false);
        }
        let begun = Instant::now();
        let mut stop = self.run.stop.clone();
        let ended = tokio::select! {
            Some(ended) = self.running.join_next(), if !idle => Some(ended?),
            () = sleep(due.unwrap_or_default()), if due.is_some() => None,
            () = stop.wait(), if !stopped => None,
        };
        if idle {
            self.run.budget.waited(begun.elapsed());
        }
        if let Some(report) = ended {
            self.take(report).await;
        }
        Ok(true)
    }

    /// How long until a task that waits for a limit could go on; `None` if that is not waited for.
    fn due(&self) -> Option<Duration> {
        if self.run.stop.is_set() || self.run.budget.spent().is_some() {
            return None;
        }
        let now = Timestamp::now();
        let waits = |status| matches!(status, TaskStatus::Parked | TaskStatus::Ready);
        let tasks = self.schedule.statuses().filter(|(_, status)| waits(*status));
        let next = tasks.filter_map(|(task, _)| limit(self.run, task)?.until).min();
        let left = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        let left = left.map(|left| (left + Duration::from_millis(10)).min(LOOK_AGAIN));
        left.into_iter().chain(self.pressed.then_some(PRESSED)).min()
    }

    /// Takes in what a task came to.
    async fn take(&mut self, report: TaskReport) {
        let id = report.task.clone();
        let goes_on = report.outcome.is_parked() && !self.run.stop.is_set();
        let success = report.outcome.is_success();
        let report = match self.reports.remove(&id) {
            Some(before) => before.followed_by(report),
            None => report,
        };
        self.reports.insert(id.clone(), report);
        if goes_on {
            self.schedule.park(&id);
        } else {
            self.schedule.finish(&id, success);
        }
        self.merging.merge(self.run, &self.schedule, &mut self.reports).await;
    }

    /// What became of every task.
    async fn end(mut self) -> Vec<TaskReport> {
        for task in self.tasks_in(TaskStatus::Parked) {
            self.schedule.finish(&task.id, false);
        }
        for report in self.reports.values_mut().filter(|report| report.outcome.is_parked()) {
            // It was announced as parked, not as over.
            if let Some(why) = self.run.budget.spent() {
                report.outcome = TaskOutcome::BudgetSpent { of: BudgetScope::Run, why };
            }
            announce_end(&self.run.events.for_task(&report.task), report.attempts.max(1), report);
        }
        self.merging.merge(self.run, &self.schedule, &mut self.reports).await;
        let mut all = Vec::new();
        for (task, status) in self.schedule.statuses() {
            let report = match self.reports.remove(&task.id) {
                Some(report) => report,
                None => not_run(self.run, task, self.outcome_of(task, status)),
            };
            all.push(TaskReport { usage: self.run.budget.used_by(&task.id), ..report });
        }
        all
    }

    /// How a task ended that was not started in this run.
    fn outcome_of(&self, task: &Task, status: TaskStatus) -> TaskOutcome {
        match status {
            TaskStatus::Done => {
                TaskOutcome::MergedBefore { asked: self.run.options.tasks.contains(&task.id) }
            }
            _ if self.run.stop.is_set() => TaskOutcome::Stopped,
            TaskStatus::Ready => match (self.limit(task), self.run.budget.spent()) {
                (Some(limit), _) => TaskOutcome::limited(&limit),
                (None, why) => {
                    TaskOutcome::BudgetSpent { of: BudgetScope::Run, why: why.unwrap_or_default() }
                }
            },
            _ => {
                let missing = |id: &&String| {
                    let mut others = self.schedule.statuses();
                    others.any(|(other, status)| other.id == **id && status != TaskStatus::Done)
                };
                TaskOutcome::Blocked { by: task.after.iter().filter(missing).cloned().collect() }
            }
        }
    }

    fn tasks_in(&self, wanted: TaskStatus) -> Vec<Task> {
        let tasks = self.schedule.statuses().filter(|(_, status)| *status == wanted);
        tasks.map(|(task, _)| task.clone()).collect()
    }

    fn limit(&self, task: &Task) -> Option<ActiveLimit> {
        limit(self.run, task)
    }
}

/// The limit that a task's agent is under.
fn limit(run: &Run, task: &Task) -> Option<ActiveLimit> {
    run.limits.borrow().active(&agent(run, task), Timestamp::now()).cloned()
}

fn agent(run: &Run, task: &Task) -> String {
    run.agents.get(&task.id).map(|agent| agent.name.clone()).unwrap_or_default()
}
