//! What is known from the journals of a spec's earlier runs.
//!
//! Killed runs leave half a line, full disks leave garbage, and newer versions write what we do not know:
//! a line that cannot be read is passed over, and hides nothing of the rest.

use super::super::provider_limits::Limits;
use super::{AnyHead, Before, Effect, Head, Line, VERSION, begun, runs};
use crate::domain::error::Result;
use crate::domain::event::{AttemptEnding, Event, LimitKind, TaskState, What};
use crate::domain::spec::Spec;
use crate::gate::store::Repo;
use gix::ObjectId;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The attempts of a spec's tasks that ended since the user last asked for fresh ones, and what else only
/// journals know.
#[derive(Debug, Default, Clone)]
pub struct History {
    ended: BTreeMap<String, BTreeSet<u32>>,
    /// Per task, the run since which attempts count.
    since: BTreeMap<String, String>,
    /// Per task, the highest number of an attempt that ever ended.
    highest: BTreeMap<String, u32>,
    /// Per task, the attempt of which the last word was that it had ended and its files were being
    /// committed, with its ending.
    harvesting: BTreeMap<String, (u32, AttemptEnding)>,
    /// Per agent, the limit that it met last: its kind, what the agent said, when it passes.
    limits: BTreeMap<String, (LimitKind, String, Timestamp)>,
    /// Per task, the commit that its branch was last moved to, or was to be.
    heads: BTreeMap<String, ObjectId>,
    /// The runs in the order in which they were.
    runs: Vec<String>,
    last_order: u64,
    /// How many journals were written by a newer version.
    newer: usize,
}

impl History {
    /// Reads the journals of the spec's earlier runs.
    pub fn read(repo: &Repo, spec: &Spec) -> Result<History> {
        let mut history = History::default();
        let begun = begun(repo, spec)?;
        for run in runs(repo, &spec.slug)? {
            history.add(&run, &begun);
        }
        Ok(history)
    }

    fn add(&mut self, run: &Path, begun: &str) {
        let Ok(file) = File::open(run.join("events.jsonl")) else { return };
        let mut lines = BufReader::new(file).split(b'\n').map_while(|line| line.ok());
        let Some(first) = lines.next() else { return };
        let Ok(AnyHead { version, order }) = serde_json::from_slice(&first) else { return };
        self.last_order = self.last_order.max(order);
        self.newer += usize::from(version > VERSION);
        let Ok(head) = serde_json::from_slice::<Head>(&first) else { return };
        if head.version != VERSION {
            return;
        }
        self.follows(&head.run);
        if head.begun != begun {
            return;
        }
        self.forget(&head.retry, &head.run);
        if !head.retry.is_empty() {
            self.limits.clear();
        }
        for line in lines {
            if let Ok(line) = serde_json::from_slice::<Line>(&line) {
                self.add_line(line, &head.run);
            }
        }
    }

    fn add_line(&mut self, line: Line, run: &str) {
        match line {
            Line::Before(Before { task, effect, .. }) => self.add_effect(&task, effect, run),
            Line::Event(Event { task: Some(task), what, .. }) => self.add_event(&task, what),
            Line::Event(_) => {}
        }
    }

    fn add_effect(&mut self, task: &str, effect: Effect, run: &str) {
        match effect {
            Effect::Commit { commit, .. } => self.moved(task, &commit),
            Effect::Fresh => self.begin_anew(task, run),
            Effect::SetUp { .. } | Effect::Merge { .. } | Effect::Remove { .. } => {}
        }
    }

    fn add_event(&mut self, task: &str, what: What) {
        let says_no_more = matches!(
            what,
            What::Activity(_) | What::Output { .. } | What::Warning { .. } | What::Progress { .. }
        );
        // What its agent says after it has ended does not undo that it has.
        if !says_no_more {
            self.harvesting.remove(task);
        }
        match what {
            What::AttemptFinished { attempt, commit, .. } => {
                self.ended(task, attempt);
                if let Some(commit) = commit {
                    self.moved(task, &commit);
                }
            }
            What::State { state: TaskState::Harvesting, attempt, detail, .. } => {
                if let Ok(ending) = detail.parse() {
                    self.harvesting.insert(task.to_owned(), (attempt, ending));
                }
            }
            What::Parked { agent, limit, why, until, .. } => {
                self.limits.insert(agent, (limit, why, until));
            }
            _ => {}
        }
    }

    /// The task's branch was moved to that commit, or was to be.
    fn moved(&mut self, task: &str, commit: &str) {
        if let Ok(commit) = ObjectId::from_hex(commit.as_bytes()) {
            self.heads.insert(task.to_owned(), commit);
        }
    }

    /// That run is the latest.
    fn follows(&mut self, run: &str) {
        if !self.runs.iter().any(|known| known == run) {
            self.runs.push(run.to_owned());
        }
    }

    /// The task begins anew in that run: its branch is gone.
    pub fn begin_anew(&mut self, task: &str, run: &str) {
        self.forget(&[task.to_owned()], run);
        self.heads.remove(task);
    }

    /// Attempts of these tasks count from that run on.
    pub fn forget(&mut self, tasks: &[String], run: &str) {
        self.follows(run);
        for task in tasks {
            self.ended.remove(task);
            self.since.insert(task.clone(), run.to_owned());
        }
    }

    pub fn ended(&mut self, task: &str, attempt: u32) {
        self.ended.entry(task.to_owned()).or_default().insert(attempt);
        let highest = self.highest.entry(task.to_owned()).or_default();
        *highest = (*highest).max(attempt);
    }

    /// The same for an attempt that a commit of that run records; it does not count when the run was
    /// before the fresh start.
    pub fn committed(&mut self, task: &str, attempt: u32, run: &str) {
        let counts = self.since.get(task).is_none_or(|since| !self.was_before(run, since));
        self.ended(task, attempt);
        if !counts && let Some(ended) = self.ended.get_mut(task) {
            ended.remove(&attempt);
        }
    }

    /// Whether one run was before another: by the order that journals tell, else by the time in their ids.
    fn was_before(&self, run: &str, other: &str) -> bool {
        let place = |id: &str| self.runs.iter().position(|known| known == id);
        match (place(run), place(other)) {
            (Some(run), Some(other)) => run < other,
            _ => run < other,
        }
    }

    /// The attempt that had ended when the run was killed before its files were committed, and how it
    /// had ended.
    pub fn harvesting(&self, task: &str) -> Option<(u32, AttemptEnding)> {
        self.harvesting.get(task).copied()
    }

    /// Adds the limits that are still in force.
    pub fn recall_limits(&self, limits: &mut Limits, now: Timestamp) {
        for (agent, (kind, why, until)) in &self.limits {
            limits.recall(agent, *kind, why, *until, now);
        }
    }

    /// How many attempts ended.
    pub fn made(&self, task: &str) -> u32 {
        self.ended.get(task).map_or(0, |ended| u32::try_from(ended.len()).unwrap_or(u32::MAX))
    }

    /// The number of the next attempt. One that was interrupted has not ended, so its number is given
    /// again.
    pub fn next(&self, task: &str) -> u32 {
        self.highest.get(task).map_or(1, |highest| highest + 1)
    }

    /// The commit that the task's branch was last moved to, or was about to be.
    pub fn head(&self, task: &str) -> Option<ObjectId> {
        self.heads.get(task).copied()
    }

    /// The highest place that a journal has among the spec's runs; 0 if there is none.
    pub fn last_order(&self) -> u64 {
        self.last_order
    }

    /// How many journals a newer version wrote, which tell us nothing.
    pub fn newer(&self) -> usize {
        self.newer
    }
}

#[cfg(test)]
mod tests {
    use super::History;

    #[test]
    fn an_attempt_counts_once_whoever_tells_of_it_and_not_after_a_fresh_start() {
        let mut history = History::default();
        assert_eq!((history.made("a"), history.next("a")), (0, 1));
        history.ended("a", 1);
        history.committed("a", 1, "20260101");
        assert_eq!((history.made("a"), history.next("a")), (1, 2));
        history.ended("a", 2);
        history.forget(&["a".into()], "20260102");
        assert_eq!((history.made("a"), history.next("a")), (0, 3));
        history.committed("a", 2, "20260101");
        history.committed("a", 3, "20260102");
        assert_eq!((history.made("a"), history.next("a")), (1, 4));
        assert_eq!(history.made("b"), 0);
    }
}
