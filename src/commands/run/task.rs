//! One task's life: judge what is on its branch, else have its agent try, until it is approved or no
//! attempt is left.
//!
//! The same loop serves a fresh start and a resumed one, because it only ever looks at the branch and
//! the notes: work that an earlier run left is judged like work that was made just now.

use super::attempt::Attempted;
use super::base::{self, Start};
use super::branch::{self, Judged, State as AttemptState, TaskBranch};
use super::checkout::Checkout;
use super::limits::Under;
use super::outcome::{Outcome, TaskReport};
use super::prompt::Feedback;
use super::review::words;
use super::verify::{self, Verified};
use super::{Run, chain, not_run};
use crate::agents::cli::Agent;
use crate::domain::error::Result;
use crate::domain::event::{Events, State, What};
use crate::domain::plan::Task;
use crate::gate::store::changes;
use anyhow::anyhow;
use gix::ObjectId;
use jiff::Timestamp;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

/// A task under way.
pub(super) struct TaskRunner<'a> {
    pub run: &'a Run,
    pub task: Task,
    pub agent: &'a Agent,
    pub events: Events,
    /// The commit that it begins from.
    pub base: ObjectId,
    /// What is on its branch.
    pub work: Option<TaskBranch>,
    /// Its worktree, when there is one.
    pub place: Option<Checkout>,
    /// The number of the attempt under way, or of the last one.
    pub number: u32,
    /// How many attempts ended in this run.
    pub attempts: u32,
    /// Since when it is at work.
    pub since: Instant,
    /// Whether the agent was last seen quiet, limited or waiting, so that its next word is news.
    pub unsettled: Cell<bool>,
    /// What was warned of.
    pub warned: RefCell<BTreeSet<String>>,
    pub verdict: Option<String>,
}

/// What was wrong the last time: with the change, and with the attempt.
#[derive(Debug, Default)]
struct Trouble {
    fault: Option<Feedback>,
    mishap: Option<Feedback>,
}

/// What judging the work came to.
pub(super) enum Judgement {
    /// The task is over.
    Over(Outcome),
    /// The agent has to mend something.
    Again(Feedback),
}

/// Lives it to its end. Nothing that goes wrong here stops the others.
pub(super) async fn live(run: Rc<Run>, task: Task) -> TaskReport {
    let begin = Instant::now();
    let events = run.events.of_task(&task.id);
    let Some(agent) = run.agents.get(&task.id) else {
        return not_run(&run, &task, Outcome::broken(&anyhow!("it has no agent")));
    };
    let (base, work) = match begin_from(&run, &task) {
        Ok(Ok(found)) => found,
        Ok(Err(outcome)) => return finished(&events, 1, not_run(&run, &task, outcome)),
        Err(error) => {
            return finished(&events, 1, not_run(&run, &task, Outcome::broken(&error)));
        }
    };
    let number = run.history.borrow().next(&task.id).saturating_sub(1).max(1);
    let mut life = TaskRunner {
        run: &run,
        agent,
        events: events.clone(),
        base,
        work,
        place: None,
        number,
        attempts: 0,
        since: begin,
        unsettled: Cell::new(false),
        warned: RefCell::default(),
        verdict: None,
        task,
    };
    let outcome = match life.go_on().await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::broken(&error),
    };
    let (outcome, kept) = life.leave(outcome).await;
    run.budget.worked(&life.task.id, begin.elapsed());
    let report = TaskReport {
        task: life.task.id.clone(),
        agent: agent.name.clone(),
        attempts: life.attempts,
        outcome,
        duration: begin.elapsed(),
        usage: run.budget.used_by(&life.task.id),
        verdict: life.verdict,
        head: life.work.map(|work| work.head),
        kept,
    };
    finished(&events, life.number, report)
}

/// The commit that the task began or begins from, and its work so far; an outcome when it cannot begin.
fn begin_from(run: &Run, task: &Task) -> Result<Result<(ObjectId, Option<TaskBranch>), Outcome>> {
    let work = branch::read(&run.repo, run.slug(), task, run.base, &mut run.history.borrow_mut())?;
    if let Some(work) = work {
        return Ok(Ok((work.base, Some(work))));
    }
    Ok(match base::of(run, task)? {
        Start::At(base) => Ok((base, None)),
        Start::Conflict(with) => Err(Outcome::DependencyConflict { with }),
    })
}

/// Tells that it is over, or has to wait.
fn finished(events: &Events, attempt: u32, report: TaskReport) -> TaskReport {
    if !report.outcome.is_parked() {
        tell_over(events, attempt, &report);
    }
    report
}

/// Tells that a task waits for its agent's limit to pass.
pub(super) fn tell_parked(events: &Events, attempt: u32, agent: &str, under: &Under, until: Timestamp) {
    let detail = format!("until {until:.0}: {}: {}", under.kind, under.why);
    events.send(What::State { state: State::RateLimited, attempt, agent: agent.to_owned(), detail });
    let (agent, why) = (agent.to_owned(), under.why.clone());
    events.send(What::Parked { attempt, agent, limit: under.kind, why, until });
}

/// Tells that it is over.
pub(super) fn tell_over(events: &Events, attempt: u32, report: &TaskReport) {
    let state = match &report.outcome {
        outcome if outcome.is_success() => State::Done,
        Outcome::Stopped | Outcome::BudgetSpent { .. } | Outcome::RateLimited { .. } => State::Stopped,
        _ => State::Failed,
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

impl TaskRunner<'_> {
    async fn go_on(&mut self) -> Result<Outcome> {
        let mut trouble = self.old_trouble()?;
        loop {
            if self.work.is_some_and(|work| work.state == AttemptState::Made) && self.has_work()? {
                match self.judge().await? {
                    Judgement::Over(outcome) => return Ok(outcome),
                    Judgement::Again(fault) => trouble.fault = Some(fault),
                }
            }
            if let Some(outcome) = self.may_not_go_on() {
                return Ok(outcome);
            }
            let made = self.run.history.borrow().made(&self.task.id);
            if made >= self.run.loaded.config.run.attempts {
                return Ok(exhausted(trouble, made));
            }
            let feedback: Vec<Feedback> =
                [trouble.fault.clone(), trouble.mishap.take()].into_iter().flatten().collect();
            match self.attempt(&feedback).await? {
                Attempted::Ended => {}
                Attempted::Failed(why) => trouble.mishap = Some(Feedback::Failed(why)),
                Attempted::Over(outcome) => return Ok(outcome),
            }
        }
    }

    /// Why nothing new may be started for it.
    pub(super) fn may_not_go_on(&self) -> Option<Outcome> {
        if self.run.stop.is_set() {
            return Some(Outcome::Stopped);
        }
        if let Some(why) = self.run.budget.spent() {
            return Some(Outcome::BudgetSpent { of: "run", why });
        }
        let spent = self.run.budget.spent_by(&self.task.id, self.since);
        spent.map(|why| Outcome::BudgetSpent { of: "task", why })
    }

    /// What an earlier run's attempt was stopped in.
    fn old_trouble(&self) -> Result<Trouble> {
        let mut trouble = Trouble::default();
        if let Some(work) = self.work.filter(|work| work.state != AttemptState::Made) {
            let findings =
                branch::last_findings(&self.run.repo, &work, &self.run.loaded.config.gate, &self.run.target)?;
            trouble.fault = findings.map(Feedback::Findings);
            trouble.mishap = Some(match work.state {
                AttemptState::Partial => Feedback::Interrupted,
                _ => Feedback::Failed("the agent ended before it was done".into()),
            });
        }
        Ok(trouble)
    }

    /// Whether its branch differs from where it began.
    pub(super) fn has_work(&self) -> Result<bool> {
        let Some(work) = self.work else { return Ok(false) };
        Ok(self.run.repo.tree_of(work.head)? != self.run.repo.tree_of(work.base)?)
    }

    /// Verifies the work and has it reviewed, unless that has been done.
    async fn judge(&mut self) -> Result<Judgement> {
        let policy = &self.run.loaded.config.gate;
        let Some(work) = self.work else { return Ok(Judgement::Over(Outcome::NoChange)) };
        let change = changes::between(&self.run.repo, work.base, work.head)?;
        match branch::judged(&self.run.repo, &change, policy, &self.run.target)? {
            Judged::Approved(verdict) => {
                // An earlier run or a person had it reviewed; whether it passes the checks, no note tells.
                if let Some(judgement) = self.verify().await? {
                    return Ok(judgement);
                }
                if self.work == Some(work) {
                    self.verdict = Some(words(&verdict));
                    return Ok(Judgement::Over(Outcome::Done));
                }
                return self.review_or_not().await;
            }
            Judged::Blocked(verdict, findings) => {
                self.verdict = Some(words(&verdict));
                return Ok(Judgement::Again(Feedback::Findings(findings)));
            }
            Judged::Not => {}
        }
        if let Some(judgement) = self.verify().await? {
            return Ok(judgement);
        }
        self.review_or_not().await
    }

    /// Runs the checks; none when they pass.
    async fn verify(&mut self) -> Result<Option<Judgement>> {
        let commands = verify::commands(self.run, [&self.task]);
        if commands.is_empty() {
            return Ok(None);
        }
        if let Some(outcome) = self.settle_in().await? {
            return Ok(Some(Judgement::Over(outcome)));
        }
        let Some(place) = &self.place else { return Ok(Some(Judgement::Over(Outcome::Stopped))) };
        self.tell(State::Verifying, "");
        let verified = verify::verify(self.run, &commands, place, &self.env(), &self.events).await?;
        // Checks may write: lock files, snapshots. What they leave belongs to the change.
        self.commit_files(self.number, &[self.agent.author()], AttemptState::Made).await?;
        Ok(match verified {
            Verified::Passed => None,
            Verified::Failed(how) => Some(Judgement::Again(Feedback::Verification(how))),
            Verified::Stopped => Some(Judgement::Over(Outcome::Stopped)),
        })
    }

    /// Puts the worktree away; what it holds and no commit has stays, and is named.
    async fn leave(&mut self, outcome: Outcome) -> (Outcome, Option<PathBuf>) {
        let Some(place) = self.place.take() else { return (outcome, None) };
        let path = place.path().to_owned();
        if (self.run.options.keep && !outcome.is_parked()) || matches!(outcome, Outcome::Broken { .. }) {
            if let Err(error) = place.leave().await {
                self.events.warn(format!("{} is not safe to look at: {}", path.display(), chain(&error)));
            }
            return (outcome, Some(path));
        }
        match place.put_away().await {
            Ok(None) => (outcome, None),
            Ok(Some((path, why))) => {
                self.events.warn(format!("{} is kept: {why}", path.display()));
                (outcome, Some(path))
            }
            Err(error) => {
                self.events.warn(format!("{} is kept: {}", path.display(), chain(&error)));
                (outcome, Some(path))
            }
        }
    }

    /// Tells its state.
    pub(super) fn tell(&self, state: State, detail: &str) {
        let agent = self.agent.name.clone();
        self.events.send(What::State { state, attempt: self.number, agent, detail: detail.to_owned() });
    }

    /// What commands and agents are told about where they are.
    pub(super) fn env(&self) -> Vec<(String, String)> {
        environment(self.run, &self.task.id, self.number)
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

/// How it ends when no attempt is left.
fn exhausted(trouble: Trouble, made: u32) -> Outcome {
    match (trouble.mishap, trouble.fault) {
        (Some(Feedback::Failed(why)), _) => Outcome::AgentFailed { why },
        (_, Some(Feedback::Verification(how))) => Outcome::VerifyFailed { how },
        (_, Some(Feedback::Findings(findings))) => Outcome::Rejected { findings },
        _ => Outcome::AgentFailed { why: format!("none of its {made} attempts came to anything") },
    }
}
