//! One task, from start to end: judge what is on its branch, else have its agent try, until it is
//! approved or no attempt is left.
//!
//! The same loop serves a fresh start and a resumed one, because it only looks at the branch and the
//! notes: work that an earlier run left is judged like work that was made just now.

use super::attempt::{self, AttemptEnd};
use super::base::{self, Base};
use super::branch::{self, AttemptState, ReviewStatus, TaskBranch};
use super::clean_test::{self, TestEnd, Testing};
use super::context::{TaskContext, announce_end};
use super::outcome::TaskOutcome;
use super::prompt::Feedback;
use super::review::{self, Review, describe};
use super::summary::TaskReport;
use super::verify::{self, Verification};
use super::workspace::Workspace;
use super::{Run, not_run};
use crate::domain::config::FilesMode;
use crate::domain::error::Result;
use crate::domain::event::{Events, TaskState};
use crate::domain::plan::Task;
use crate::gate::store::changes;
use gix::ObjectId;
use std::fs;
use std::rc::Rc;
use std::time::Instant;

/// How often test commands may change the files that they test, before that counts as their failure.
const REWRITES: usize = 3;

/// One task's state machine.
pub(super) struct TaskRunner<'a> {
    context: &'a TaskContext<'a>,
    workspace: Workspace<'a>,
    /// The verdict on the work, in words.
    verdict: Option<String>,
}

/// What was wrong the last time: with the change, and with the attempt.
#[derive(Debug, Default)]
struct Problems {
    change: Option<Feedback>,
    attempt: Option<Feedback>,
}

/// What judging the work came to.
enum Assessment {
    /// The task is over.
    Final(TaskOutcome),
    /// The agent has to fix something.
    Retry(Feedback),
}

impl TaskRunner<'_> {
    /// Runs a task to its end. Nothing that goes wrong here stops the others.
    pub async fn run(run: Rc<Run>, task: Task) -> TaskReport {
        let begin = Instant::now();
        let events = run.events.for_task(&task.id);
        let Some(agent) = run.agents.get(&task.id) else {
            return not_run(&run, &task, TaskOutcome::broken(&anyhow::anyhow!("it has no agent")));
        };
        let (base, branch) = match begin_from(&run, &task) {
            Ok(Ok(found)) => found,
            Ok(Err(outcome)) => return finished(&events, 1, not_run(&run, &task, outcome)),
            Err(error) => {
                return finished(&events, 1, not_run(&run, &task, TaskOutcome::broken(&error)));
            }
        };
        let context = TaskContext::new(&run, &task, agent, begin);
        let workspace = Workspace::new(&context, base, branch);
        let mut runner = TaskRunner { context: &context, workspace, verdict: None };
        let outcome = runner.work().await.unwrap_or_else(|error| TaskOutcome::broken(&error));
        let keep =
            (run.options.keep && !outcome.is_parked()) || matches!(outcome, TaskOutcome::Broken { .. });
        let kept = runner.workspace.close(keep).await;
        run.budget.worked(&task.id, begin.elapsed());
        let report = TaskReport {
            task: task.id.clone(),
            agent: agent.name.clone(),
            attempts: context.ended_attempts(),
            outcome,
            duration: begin.elapsed(),
            usage: run.budget.used_by(&task.id),
            verdict: runner.verdict,
            head: runner.workspace.branch().map(|branch| branch.head),
            kept,
        };
        finished(&events, context.attempt(), report)
    }

    /// Judges, tries, and judges again until there is an outcome.
    async fn work(&mut self) -> Result<TaskOutcome> {
        let TaskContext { run, task, .. } = self.context;
        let mut problems = self.earlier_problems()?;
        loop {
            let is_made = self.workspace.branch().is_some_and(|branch| branch.state == AttemptState::Made);
            if is_made && self.workspace.has_work()? {
                match self.judge().await? {
                    Assessment::Final(outcome) => return Ok(outcome),
                    Assessment::Retry(feedback) => problems.change = Some(feedback),
                }
            }
            if let Some(outcome) = self.context.must_stop() {
                return Ok(outcome);
            }
            let made = run.history.borrow().made(&task.id);
            if made >= run.loaded.config.run.attempts {
                return Ok(problems.exhausted(made));
            }
            let feedback: Vec<Feedback> =
                [problems.change.clone(), problems.attempt.take()].into_iter().flatten().collect();
            self.leave_layers_if_needed().await?;
            match attempt::attempt(self.context, &mut self.workspace, &feedback).await? {
                AttemptEnd::Finished => {}
                AttemptEnd::Failed(why) => problems.attempt = Some(Feedback::Failed(why)),
                AttemptEnd::Final(outcome) => return Ok(outcome),
            }
        }
    }

    /// Looks whether the last attempt failed for want of files of its own.
    async fn leave_layers_if_needed(&mut self) -> Result<()> {
        let TaskContext { run, task, .. } = self.context;
        let transcript = run.journal.transcript(&task.id, self.context.attempt(), false);
        let Ok(said) = fs::read(transcript) else { return Ok(()) };
        self.workspace.leave_layers(&String::from_utf8_lossy(&said)).await.map(drop)
    }

    /// What an earlier run's attempt was stopped in.
    fn earlier_problems(&self) -> Result<Problems> {
        let run = self.context.run;
        let mut problems = Problems::default();
        if let Some(branch) = self.workspace.branch().filter(|branch| branch.state != AttemptState::Made) {
            let findings = branch::last_findings(&run.repo, &branch, &run.loaded.config.gate, &run.target)?;
            problems.change = findings.map(Feedback::Findings);
            problems.attempt = Some(match branch.state {
                AttemptState::Partial => Feedback::Interrupted,
                _ => Feedback::Failed("the agent ended before it was done".into()),
            });
        }
        Ok(problems)
    }

    /// Verifies the work and has it reviewed, unless that has been done.
    async fn judge(&mut self) -> Result<Assessment> {
        let run = self.context.run;
        let Some(branch) = self.workspace.branch() else {
            return Ok(Assessment::Final(self.context.no_change()));
        };
        if let Some(assessment) = self.check_files(branch)? {
            return Ok(assessment);
        }
        let change = changes::between(&run.repo, branch.base, branch.head)?;
        match branch::review_status(&run.repo, &change, &run.loaded.config.gate, &run.target)? {
            ReviewStatus::Approved(verdict) => {
                // An earlier run or a person had it reviewed; no note says whether it passes the checks.
                if let Some(assessment) = self.verify().await? {
                    return Ok(assessment);
                }
                if self.workspace.branch() == Some(branch) {
                    self.verdict = Some(describe(&verdict));
                    return Ok(Assessment::Final(TaskOutcome::Done));
                }
                return self.review_if_wanted().await;
            }
            ReviewStatus::Blocked(verdict, findings) => {
                self.verdict = Some(describe(&verdict));
                return Ok(Assessment::Retry(Feedback::Findings(findings)));
            }
            ReviewStatus::Open => {}
        }
        if let Some(assessment) = self.verify().await? {
            return Ok(assessment);
        }
        self.review_if_wanted().await
    }

    /// Looks whether it changes other files than the task names.
    fn check_files(&self, branch: TaskBranch) -> Result<Option<Assessment>> {
        let TaskContext { run, task, .. } = self.context;
        let outside = branch::outside(&run.repo, task, branch.base, branch.head)?;
        if outside.is_empty() {
            return Ok(None);
        }
        let what = format!("it changes files that the task does not name: {}", outside.join(", "));
        if run.loaded.config.run.files == FilesMode::Enforce {
            let why = format!("{what}; undo that, and keep to {}", task.files.join(", "));
            return Ok(Some(Assessment::Retry(Feedback::Failed(why))));
        }
        self.context.warn_once(what);
        Ok(None)
    }

    /// Runs the test commands; `None` if they pass on the branch as it is then.
    async fn verify(&mut self) -> Result<Option<Assessment>> {
        let commands = verify::commands(self.context.run, [self.context.task]);
        if commands.is_empty() {
            return Ok(None);
        }
        for _ in 0..REWRITES {
            self.context.announce(TaskState::Verifying, "");
            let Some(branch) = self.workspace.branch() else { return Ok(None) };
            let end = match self.context.run.checkouts.has_cheap_checkouts() {
                true => self.test_clean(branch.head, &commands).await?,
                false => self.test_in_place(branch.head, &commands).await?,
            };
            return Ok(Some(match end {
                // What they wrote is tested like everything else.
                TestEnd::Passed { rewritten: Some(_) } => continue,
                TestEnd::Passed { rewritten: None } => return Ok(None),
                TestEnd::Failed(how) => Assessment::Retry(Feedback::Verification(how)),
                TestEnd::SetupFailed(how) => Assessment::Final(TaskOutcome::SetupFailed { how }),
                TestEnd::Stopped => Assessment::Final(TaskOutcome::Stopped),
            }));
        }
        let how = format!("`{}` changes the project's files each time that it passes", commands.join("`, `"));
        Ok(Some(Assessment::Retry(Feedback::Verification(how))))
    }

    /// Runs them in a clean checkout of that commit, and commits what they change of its files.
    async fn test_clean(&mut self, commit: ObjectId, commands: &[String]) -> Result<TestEnd> {
        let TaskContext { run, task, agent, events, .. } = self.context;
        let (name, env) = (clean_test::name(run.slug().as_str(), &task.id), self.context.env());
        let testing = Testing { commit, target: &run.target, commands, env: &env, name: &name, again: false };
        let end = clean_test::test(&run.checkouts, testing, events).await?;
        if let TestEnd::Passed { rewritten: Some(tree) } = end {
            self.workspace.commit_rewritten(tree, &[agent.author()]).await?;
        }
        Ok(end)
    }

    /// Runs them where the agent worked. What is new afterwards, or gone, is left out from now on.
    async fn test_in_place(&mut self, commit: ObjectId, commands: &[String]) -> Result<TestEnd> {
        let context = self.context;
        let before = context.run.repo.tree_of(commit)?;
        let checkout = match self.workspace.open().await? {
            Ok(checkout) => checkout,
            Err(TaskOutcome::SetupFailed { how }) => return Ok(TestEnd::SetupFailed(how)),
            Err(_) => return Ok(TestEnd::Stopped),
        };
        let verified =
            verify::verify(context.run, commands, checkout, &context.env(), &context.events).await?;
        checkout.leave_out_since(before).await?;
        self.workspace.commit_files(&[context.agent.author()], AttemptState::Made).await?;
        let after = self.workspace.branch().map(|branch| branch.head).filter(|head| *head != commit);
        Ok(match verified {
            Verification::Passed => TestEnd::Passed { rewritten: after },
            Verification::Failed(how) => TestEnd::Failed(how),
            Verification::Stopped => TestEnd::Stopped,
        })
    }

    /// Has rivals judge the work, unless the user wants no review.
    async fn review_if_wanted(&mut self) -> Result<Assessment> {
        let context = self.context;
        if !context.run.options.review {
            return Ok(Assessment::Final(TaskOutcome::Unreviewed));
        }
        // A review costs as well.
        if let Some(outcome) = context.must_stop() {
            return Ok(Assessment::Final(outcome));
        }
        let Some(branch) = self.workspace.branch() else {
            return Ok(Assessment::Final(self.context.no_change()));
        };
        // Every author counts, agents of earlier runs too.
        let change = changes::between(&context.run.repo, branch.base, branch.head)?;
        let review =
            review::review(context.run, &change, Some(context.task), context.attempt(), &context.events);
        Ok(match review.await? {
            Review::Approved { verdict } => {
                self.verdict = Some(verdict);
                Assessment::Final(TaskOutcome::Done)
            }
            Review::Rejected { verdict, findings } => {
                self.verdict = Some(verdict);
                Assessment::Retry(Feedback::Findings(findings))
            }
            Review::NoRival { why } | Review::NoVerdict { why } => {
                Assessment::Final(TaskOutcome::NoVerdict { why })
            }
            Review::Stopped => Assessment::Final(TaskOutcome::Stopped),
        })
    }
}

impl Problems {
    /// The task's outcome when no attempt is left.
    fn exhausted(self, made: u32) -> TaskOutcome {
        match (self.attempt, self.change) {
            (Some(Feedback::Failed(why)), _) => TaskOutcome::AgentFailed { why },
            (_, Some(Feedback::Verification(how))) => TaskOutcome::VerifyFailed { how },
            (_, Some(Feedback::Findings(findings))) => TaskOutcome::Rejected { findings },
            _ => TaskOutcome::AgentFailed { why: format!("none of its {made} attempts came to anything") },
        }
    }
}

/// The commit that the task began or begins from, and its work so far; an outcome if it cannot begin.
fn begin_from(run: &Run, task: &Task) -> Result<Result<(ObjectId, Option<TaskBranch>), TaskOutcome>> {
    let branch = branch::read(&run.repo, run.slug(), task, run.base, &mut run.history.borrow_mut())?;
    if let Some(branch) = branch {
        return Ok(Ok((branch.base, Some(branch))));
    }
    Ok(match base::find(run, task)? {
        Base::At(base) => Ok((base, None)),
        Base::Conflict(with) => Err(TaskOutcome::DependencyConflict { with }),
    })
}

/// Announces the end, unless the task has to wait.
fn finished(events: &Events, attempt: u32, report: TaskReport) -> TaskReport {
    if !report.outcome.is_parked() {
        announce_end(events, attempt, &report);
    }
    report
}
