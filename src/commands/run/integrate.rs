//! The result branch: finished tasks merged in the plan's order.
//!
//! A merge is the clean three-way merge of the task's own change (from where it began to its head)
//! into the result, which is exactly what the gate replays; a conflict is the task's outcome, and so is
//! a test that fails with what was merged before. The plan's box is ticked when the task is in.

use super::branch;
use super::clean_test::{self, TestEnd, Testing};
use super::context::{announce_end, environment};
use super::journal::Effect;
use super::outcome::TaskOutcome;
use super::summary::TaskReport;
use super::{Run, base, verify};
use crate::domain::change::Change;
use crate::domain::config::MergeTest;
use crate::domain::error::Result;
use crate::domain::event::What;
use crate::domain::plan::{self, Plan, Schedule, Task, TaskStatus};
use crate::domain::text::shell::command_line;
use crate::gate::store::changes::{self, trailer};
use crate::gate::store::{Conflict, Expected, specs};
use gix::ObjectId;
use std::collections::HashMap;
use std::fmt::Write;

/// How often a tick is tried again when the spec's branch moves under us.
const RETRIES: usize = 20;

/// The merging of a run.
#[derive(Debug)]
pub(super) struct Merging {
    /// The tasks in an order in which each comes after what it depends on; else as in the plan.
    order: Vec<Task>,
    merged: Vec<String>,
    /// The result's tip; `None` if there is no branch.
    tip: Option<ObjectId>,
}

impl Merging {
    /// Looks at what is merged already.
    pub fn begin(run: &Run, plan: &Plan) -> Result<Merging> {
        let tip = run.repo.find_ref(&run.slug().result_ref())?;
        let mut merged = Vec::new();
        for task in &plan.tasks {
            if task.done || is_in(run, tip, task)? {
                merged.push(task.id.clone());
            }
        }
        let mut merging = Merging { order: in_order(plan), merged, tip };
        // Killed between merge and tick: the merge is what counts.
        for task in plan.tasks.iter().filter(|task| !task.done) {
            if merging.merged.contains(&task.id) {
                merging.tick(run, &task.id)?;
            }
        }
        Ok(merging)
    }

    /// The ids of the tasks that are in.
    pub fn merged(&self) -> &[String] {
        &self.merged
    }

    /// Merges what is done and whose turn it is: a task waits for those before it that are still under
    /// way, so that the order does not depend on who was fast.
    pub async fn merge(&mut self, run: &Run, schedule: &Schedule, reports: &mut HashMap<String, TaskReport>) {
        if run.stop.is_set() {
            return;
        }
        for task in self.order.clone() {
            if self.merged.contains(&task.id) {
                continue;
            }
            let status = schedule.statuses().find(|(other, _)| other.id == task.id).map(|(_, status)| status);
            match status {
                Some(TaskStatus::Waiting | TaskStatus::Ready | TaskStatus::Running | TaskStatus::Parked) => {
                    return;
                }
                Some(TaskStatus::Done) => {
                    let waits = task.after.iter().any(|id| !self.merged.contains(id));
                    // One that did not come in before would not now: that is tried once.
                    let waits = |report: &&mut TaskReport| waits || !report.outcome.is_success();
                    let Some(report) = reports.get_mut(&task.id).filter(|report| !waits(report)) else {
                        continue;
                    };
                    match self.merge_one(run, &task).await {
                        Ok(Ok(())) => {}
                        Ok(Err(outcome)) => end_otherwise(run, report, outcome),
                        // Others are still at work, and what they make must be taken in.
                        Err(error) => end_otherwise(run, report, TaskOutcome::broken(&error)),
                    }
                }
                Some(TaskStatus::Failed | TaskStatus::Blocked) | None => {}
            }
        }
    }

    async fn merge_one(&mut self, run: &Run, task: &Task) -> Result<Result<(), TaskOutcome>> {
        let found = branch::read(&run.repo, run.slug(), task, run.base, &mut run.history.borrow_mut())?;
        let Some(branch) = found else { return Ok(Ok(())) };
        // The user may have fixed the result meanwhile: what they made stays below.
        self.tip = run.repo.find_ref(&run.slug().result_ref())?;
        // The branch may have been merged into the target, which has gone on since.
        let onto = match self.tip {
            Some(tip) if run.repo.is_ancestor(tip, run.base)? => run.base,
            Some(tip) => tip,
            None => run.base,
        };
        let Some(tree) = base::merge_trees(&run.repo, branch.base, onto, branch.head)? else {
            let with = format!("what is in flow/{}/result already", run.slug());
            return Ok(Err(TaskOutcome::Conflict { with }));
        };
        let message = message(run, task, &changes::between(&run.repo, branch.base, branch.head)?);
        let commit = run.repo.write_commit(tree, &[onto, branch.head], &message)?;
        if let Some(outcome) = self.test(run, task, commit).await? {
            return Ok(Err(outcome));
        }
        run.journal.before(&task.id, Effect::Merge { commit: commit.to_string() })?;
        let expected = self.tip.map_or(Expected::Missing, Expected::At);
        run.repo.set_ref(&run.slug().result_ref(), commit, expected, &format!("merge {}", task.id))?;
        self.tip = Some(commit);
        self.tick(run, &task.id)?;
        warn_if_changed(run, task)?;
        self.merged.push(task.id.clone());
        run.events.send(What::Merged { commit: commit.to_string(), tasks: vec![task.id.clone()] });
        Ok(Ok(()))
    }

    /// Tests what the result would be; the task's outcome if it does not become that.
    async fn test(&self, run: &Run, task: &Task, commit: ObjectId) -> Result<Option<TaskOutcome>> {
        let commands = verify::commands(run, [task]);
        if run.loaded.config.merge.verify == MergeTest::End || commands.is_empty() {
            return Ok(None);
        }
        let events = run.events.for_task(&task.id);
        let (name, env) = (clean_test::name(run.slug().as_str(), &task.id), environment(run, &task.id, 1));
        let testing = Testing {
            commit,
            target: &run.target,
            commands: &commands,
            env: &env,
            name: &name,
            again: false,
        };
        Ok(match clean_test::test(&run.checkouts, testing, &events).await? {
            TestEnd::Passed { .. } => None,
            TestEnd::Failed(how) => Some(TaskOutcome::FailsTogether { how }),
            TestEnd::SetupFailed(how) => Some(TaskOutcome::SetupFailed { how }),
            TestEnd::Stopped => Some(TaskOutcome::Stopped),
        })
    }

    /// Ticks the task's box on the spec's branch, whatever else is written there meanwhile.
    fn tick(&mut self, run: &Run, task: &str) -> Result<()> {
        for _ in 0..RETRIES {
            let spec = specs::read(&run.repo, run.slug())?;
            let before = spec.document(plan::DOCUMENT).unwrap_or_default();
            let after = match plan::tick(before, task) {
                Ok(after) if after != before => after,
                // The plan was changed under way and no longer has the task, or it was ticked by hand.
                _ => return Ok(()),
            };
            let document = (plan::DOCUMENT.to_owned(), after);
            let subject = format!("Tick {task}");
            let expected = Expected::At(spec.commit);
            match specs::write(&run.repo, run.slug(), expected, &[document], &spec.workflow, &[], &subject) {
                Err(error) if error.chain().any(|cause| cause.is::<Conflict>()) => {}
                other => return other.map(drop),
            }
        }
        run.events.warn(format!(
            "the box of {task} could not be ticked: the spec's branch is being written all the time"
        ));
        Ok(())
    }
}

/// Announces that a task, which was done, does not come into the result.
fn end_otherwise(run: &Run, report: &mut TaskReport, outcome: TaskOutcome) {
    report.outcome = outcome;
    announce_end(&run.events.for_task(&report.task), report.attempts.max(1), report);
}

/// Warns if the task was rewritten while it was being done: its tick is for the text before.
fn warn_if_changed(run: &Run, task: &Task) -> Result<()> {
    let spec = specs::read(&run.repo, run.slug())?;
    let Ok(plan) = plan::parse(spec.document(plan::DOCUMENT).unwrap_or_default()) else { return Ok(()) };
    let now = plan.tasks.iter().find(|now| now.id == task.id);
    if now.is_some_and(|now| (&now.title, &now.instruction) != (&task.title, &task.instruction)) {
        run.events.warn(command_line!(
            "the text of {} was changed during the run, and what is merged was made from the text before; the next run \
             does it again: git flow-ai run {}",
            task.id,
            run.slug()
        ));
    }
    Ok(())
}

/// Whether the task's branch is part of the result.
fn is_in(run: &Run, result: Option<ObjectId>, task: &Task) -> Result<bool> {
    let head = run.repo.find_ref(&run.slug().task_ref(&task.id))?;
    match (result, head) {
        (Some(result), Some(head)) => run.repo.is_ancestor(head, result),
        _ => Ok(false),
    }
}

/// The plan's tasks, each after those that it depends on.
fn in_order(plan: &Plan) -> Vec<Task> {
    let mut order: Vec<Task> = Vec::new();
    let mut left: Vec<&Task> = plan.tasks.iter().collect();
    while !left.is_empty() {
        let is_free = |task: &&Task| {
            task.after
                .iter()
                .all(|id| order.iter().any(|done| done.id == *id) || !plan.tasks.iter().any(|t| t.id == *id))
        };
        // A parsed plan has no cycle; if one had, its tasks would come as they are.
        let place = left.iter().position(is_free).unwrap_or(0);
        order.push(left.remove(place).clone());
    }
    order
}

/// The merge commit's message. The authors are those of what it brings in: it adds nothing itself.
fn message(run: &Run, task: &Task, change: &Change) -> String {
    let mut text = format!("Merge {}: {}\n\n", trailer::one_line(&task.id), trailer::one_line(&task.title));
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}: {}", trailer::SPEC, run.slug());
    let _ = writeln!(text, "{}: {}", trailer::RUN, run.id);
    for author in change.authors.iter().filter(|author| !author.vendor.is_person()) {
        let _ = writeln!(text, "{}: {}", trailer::AGENT, trailer::one_line(&author.name));
        let _ = writeln!(text, "{}: {}", trailer::VENDOR, author.vendor);
        if let Some(model) = &author.model {
            let _ = writeln!(text, "{}: {}", trailer::MODEL, trailer::one_line(model));
        }
    }
    text
}
