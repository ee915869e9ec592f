//! Who works when: starts what is ready, parks what has to wait for a limit to pass, holds back what
//! the budget does not allow, merges what is done, until nothing is left to do.
//!
//! A parked task has given its place away and lives on in its branch alone: it goes on as it would in
//! another run.

use super::integrate::Merging;
use super::limits::Under;
use super::outcome::{Outcome, TaskReport};
use super::{Run, not_run, task};
use crate::domain::error::Result;
use crate::domain::event::{State, What};
use crate::domain::plan::{Plan, Schedule, Standing, Task};
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
    /// What was told of tasks that wait: each thing once.
    told: HashSet<(String, Option<Timestamp>)>,
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
            return Ok(scheduler.end());
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
            told: HashSet::new(),
            pressed: false,
        })
    }

    /// Those whose limit has passed could go on; those whose limit is not waited for any more are over.
    fn unpark(&mut self) {
        for task in self.standing(Standing::Parked) {
            match self.limit(&task) {
                None => self.schedule.unpark(&task.id),
                Some(Under { until: None, .. }) => self.schedule.finish(&task.id, false),
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
            self.running.spawn_local(task::live(run.clone(), task));
        }
    }

    /// Whether the machine is short of something, so that no more is started beside what runs already. Told
    /// when it begins.
    fn is_pressed(&mut self) -> bool {
        let run = self.run;
        let could = |schedule: &Schedule| {
            let mut tasks = schedule.standings();
            tasks.any(|(task, standing)| standing == Standing::Ready && limit(run, task).is_none())
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

    /// Tells which tasks wait for a free place or a limit, each once.
    fn announce(&mut self) {
        if self.run.stop.is_set() {
            return;
        }
        for task in self.standing(Standing::Ready) {
            let agent = agent(self.run, &task);
            let events = self.run.events.of_task(&task.id);
            match self.limit(&task) {
                None => {
                    if self.told.insert((task.id.clone(), None)) {
                        let detail = String::new();
                        events.send(What::State { state: State::Queued, attempt: 1, agent, detail });
                    }
                }
                Some(under) => {
                    if let Some(until) =
                        under.until.filter(|at| self.told.insert((task.id.clone(), Some(*at))))
                    {
                        let attempt = self.run.history.borrow().next(&task.id);
                        task::tell_parked(&events, attempt, &agent, &under, until);
                    }
                }
            }
        }
    }

    /// Waits until something happens; false when nothing will any more.
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
            self.take(report);
        }
        Ok(true)
    }

    /// How long until a task that waits for a limit could go on; none where that is not waited for.
    fn due(&self) -> Option<Duration> {
        if self.run.stop.is_set() || self.run.budget.spent().is_some() {
            return None;
        }
        let now = Timestamp::now();
        let waits = |standing| matches!(standing, Standing::Parked | Standing::Ready);
        let tasks = self.schedule.standings().filter(|(_, standing)| waits(*standing));
        let next = tasks.filter_map(|(task, _)| limit(self.run, task)?.until).min();
        let left = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        let left = left.map(|left| (left + Duration::from_millis(10)).min(LOOK_AGAIN));
        left.into_iter().chain(self.pressed.then_some(PRESSED)).min()
    }

    /// Takes in what a task came to.
    fn take(&mut self, report: TaskReport) {
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
        self.merging.merge(self.run, &self.schedule, &mut self.reports);
    }

    /// What became of every task.
    fn end(mut self) -> Vec<TaskReport> {
        for task in self.standing(Standing::Parked) {
            self.schedule.finish(&task.id, false);
        }
        for report in self.reports.values_mut().filter(|report| report.outcome.is_parked()) {
            // It was told as parked, not as over.
            if let Some(why) = self.run.budget.spent() {
                report.outcome = Outcome::BudgetSpent { of: "run", why };
            }
            task::tell_over(&self.run.events.of_task(&report.task), report.attempts.max(1), report);
        }
        self.merging.merge(self.run, &self.schedule, &mut self.reports);
        let mut all = Vec::new();
        for (task, standing) in self.schedule.standings() {
            let report = match self.reports.remove(&task.id) {
                Some(report) => report,
                None => not_run(self.run, task, self.outcome_of(task, standing)),
            };
            all.push(TaskReport { usage: self.run.budget.used_by(&task.id), ..report });
        }
        all
    }

    /// How a task ended that was not started in this run.
    fn outcome_of(&self, task: &Task, standing: Standing) -> Outcome {
        match standing {
            Standing::Done => Outcome::MergedBefore,
            _ if self.run.stop.is_set() => Outcome::Stopped,
            Standing::Ready => match (self.limit(task), self.run.budget.spent()) {
                (Some(under), _) => Outcome::limited(&under),
                (None, why) => Outcome::BudgetSpent { of: "run", why: why.unwrap_or_default() },
            },
            _ => {
                let missing = |id: &&String| {
                    let mut others = self.schedule.standings();
                    others.any(|(other, standing)| other.id == **id && standing != Standing::Done)
                };
                Outcome::Blocked { by: task.after.iter().filter(missing).cloned().collect() }
            }
        }
    }

    fn standing(&self, wanted: Standing) -> Vec<Task> {
        let tasks = self.schedule.standings().filter(|(_, standing)| *standing == wanted);
        tasks.map(|(task, _)| task.clone()).collect()
    }

    fn limit(&self, task: &Task) -> Option<Under> {
        limit(self.run, task)
    }
}

/// The limit that a task's agent is under.
fn limit(run: &Run, task: &Task) -> Option<Under> {
    run.limits.borrow().of(&agent(run, task), Timestamp::now()).cloned()
}

fn agent(run: &Run, task: &Task) -> String {
    run.agents.get(&task.id).map(|agent| agent.name.clone()).unwrap_or_default()
}
