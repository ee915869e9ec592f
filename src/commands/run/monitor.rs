//! Listens to an agent at work: tells what it does, calls it quiet when nothing comes, and stops it when
//! the person wants that or its budget is spent.

use super::task::TaskRunner;
use crate::agents::cli::{AgentReport, summary};
use crate::domain::error::Result;
use crate::domain::event::{Activity, State, What};
use crate::domain::text::units::duration;
use crate::system::process::stop::Stopper;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// An agent that says nothing for so long is called quiet, long before its silence ends it.
const QUIET: Duration = Duration::from_secs(60);

impl TaskRunner<'_> {
    /// Waits for the agent, tells when it has not been heard of for a while, and stops it when the person
    /// wants that or the task's budget is spent; what of the budget, where that was so.
    pub(super) async fn listen(
        &self,
        work: impl Future<Output = Result<AgentReport>>,
        heard: &OutputMonitor,
        stopper: &Stopper,
    ) -> Result<(AgentReport, Option<String>)> {
        let patience = QUIET.min(self.run.loaded.config.run.silence / 2);
        let time_left = self.run.budget.time_left(&self.task.id, self.since);
        let deadline = time_left.map(|left| Instant::now() + left);
        let mut stop = self.run.stop.clone();
        let mut work = pin!(work);
        let mut told = None;
        let mut spent = None;
        loop {
            let last = heard.at.get();
            let due = if told == Some(last) { Instant::now() } else { last } + patience;
            let stopping = spent.is_some();
            if self.run.stop.is_set() {
                stopper.stop();
            }
            tokio::select! {
                report = &mut work => return Ok((report?, spent)),
                () = sleep_until(due) => {}
                () = heard.more.notified(), if !stopping => {}
                () = sleep_until(deadline.unwrap_or(due)), if deadline.is_some() && !stopping => {}
                () = stop.wait(), if !self.run.stop.is_set() => {}
            }
            if !stopping && !self.run.stop.is_set() {
                spent = self.run.budget.spent_by(&self.task.id, self.since);
                if spent.is_some() {
                    stopper.stop();
                }
            }
            if heard.at.get() == last && told != Some(last) && last.elapsed() >= patience {
                told = Some(last);
                self.unsettled.set(true);
                self.tell(State::Quiet, &heard.evidence());
            }
        }
    }

    /// Tells what the agent does, and the state that it shows.
    pub(super) fn pass_on(&self, activity: Activity) {
        let state = match &activity {
            Activity::Waiting { what } => Some((State::WaitingForPerson, what.clone())),
            Activity::RateLimited { seconds, limit } => {
                let limit = limit.map(|limit| limit.to_string()).unwrap_or_default();
                let time = seconds.map(|seconds| format!("for {seconds} seconds")).unwrap_or_default();
                let separator = if limit.is_empty() || time.is_empty() { "" } else { ", " };
                Some((State::RateLimited, format!("{limit}{separator}{time}")))
            }
            _ => None,
        };
        if state.is_none() && self.unsettled.replace(false) {
            self.tell(State::Working, "");
        }
        self.events.send(What::Activity(activity));
        if let Some((state, detail)) = state {
            self.unsettled.set(true);
            self.tell(state, &detail);
        }
    }
}

/// What was heard of an agent last, and when.
pub(super) struct OutputMonitor {
    at: Cell<Instant>,
    last: RefCell<Option<String>>,
    /// Somebody should look whether it may go on.
    more: Notify,
}

impl OutputMonitor {
    pub fn new() -> OutputMonitor {
        OutputMonitor { at: Cell::new(Instant::now()), last: RefCell::default(), more: Notify::new() }
    }

    pub fn take(&self, activity: &Activity) {
        self.at.set(Instant::now());
        if let Some(what) = summary(activity) {
            self.last.replace(Some(what));
        }
        if matches!(activity, Activity::Usage(_)) {
            self.more.notify_one();
        }
    }

    /// Why it is called quiet.
    fn evidence(&self) -> String {
        let time = duration(self.at.get().elapsed());
        match &*self.last.borrow() {
            Some(last) => format!("nothing heard for {time}, last: {last}"),
            None => format!("nothing heard for {time} since it was started"),
        }
    }
}
