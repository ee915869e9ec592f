//! Watches an agent at work: announces what it does, calls it quiet when nothing comes, and stops it when
//! the user wants that or its budget is spent.

use super::context::TaskContext;
use crate::agents::cli::{AgentReport, summary};
use crate::domain::error::Result;
use crate::domain::event::{Activity, TaskState, What};
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

/// What was last observed of an agent's output, and when.
pub(super) struct OutputMonitor<'a> {
    context: &'a TaskContext<'a>,
    heard_at: Cell<Instant>,
    last: RefCell<Option<String>>,
    /// The agent has reported what it used, so that its budget may be spent.
    used_more: Notify,
    /// Whether the agent was last announced as starting, quiet, limited or waiting, so that its next
    /// activity is news.
    is_unsettled: Cell<bool>,
}

impl<'a> OutputMonitor<'a> {
    pub fn new(context: &'a TaskContext<'a>) -> OutputMonitor<'a> {
        OutputMonitor {
            context,
            heard_at: Cell::new(Instant::now()),
            last: RefCell::default(),
            used_more: Notify::new(),
            is_unsettled: Cell::new(true),
        }
    }

    /// Takes note of what the agent does, and announces it.
    pub fn take(&self, activity: Activity) {
        self.heard_at.set(Instant::now());
        if let Some(what) = summary(&activity) {
            self.last.replace(Some(what));
        }
        if matches!(activity, Activity::Usage(_)) {
            self.used_more.notify_one();
        }
        self.announce(activity);
    }

    /// Waits for the agent and stops it when the user wants that or the task's budget is spent. Returns
    /// its report, and what of the budget is spent if that was why.
    pub async fn watch(
        &self,
        work: impl Future<Output = Result<AgentReport>>,
        stopper: &Stopper,
    ) -> Result<(AgentReport, Option<String>)> {
        let run = self.context.run;
        let patience = QUIET.min(run.loaded.config.run.silence / 2);
        let deadline = self.context.time_left().map(|left| Instant::now() + left);
        let mut stop = run.stop.clone();
        let mut work = pin!(work);
        let mut quiet_since = None;
        let mut spent = None;
        loop {
            let last = self.heard_at.get();
            let due = if quiet_since == Some(last) { Instant::now() } else { last } + patience;
            let stopping = spent.is_some();
            if run.stop.is_set() {
                stopper.stop();
            }
            tokio::select! {
                report = &mut work => return Ok((report?, spent)),
                () = sleep_until(due) => {}
                () = self.used_more.notified(), if !stopping => {}
                () = sleep_until(deadline.unwrap_or(due)), if deadline.is_some() && !stopping => {}
                () = stop.wait(), if !run.stop.is_set() => {}
            }
            if !stopping && !run.stop.is_set() {
                spent = self.context.budget_spent();
                if spent.is_some() {
                    stopper.stop();
                }
            }
            if self.heard_at.get() == last && quiet_since != Some(last) && last.elapsed() >= patience {
                quiet_since = Some(last);
                self.is_unsettled.set(true);
                self.context.announce(TaskState::Quiet, &self.silence());
            }
        }
    }

    /// Announces what the agent does, and the state that it shows.
    fn announce(&self, activity: Activity) {
        let state = match &activity {
            Activity::Waiting { what } => Some((TaskState::WaitingForPerson, what.clone())),
            Activity::RateLimited { seconds, limit } => {
                let limit = limit.map(|limit| limit.to_string()).unwrap_or_default();
                let time = seconds.map(|seconds| format!("for {seconds} seconds")).unwrap_or_default();
                let separator = if limit.is_empty() || time.is_empty() { "" } else { ", " };
                Some((TaskState::RateLimited, format!("{limit}{separator}{time}")))
            }
            _ => None,
        };
        if state.is_none() && self.is_unsettled.replace(false) {
            self.context.announce(TaskState::Working, "");
        }
        self.context.events.send(What::Activity(activity));
        if let Some((state, detail)) = state {
            self.is_unsettled.set(true);
            self.context.announce(state, &detail);
        }
    }

    /// Why it is called quiet.
    fn silence(&self) -> String {
        let time = duration(self.heard_at.get().elapsed());
        match &*self.last.borrow() {
            Some(last) => format!("nothing heard for {time}, last: {last}"),
            None => format!("nothing heard for {time} since it was started"),
        }
    }
}
