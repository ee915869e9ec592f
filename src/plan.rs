//! The tasks of the implementation, with their dependencies, and the schedule that they make.
//!
//! `plan.md` has the workflow's format; its implementation steps are the tasks. A step with an `id`
//! and no `after` depends on nothing; a step without an `id` (a Zenflow plan) comes after the step
//! before it. Cycles, unknown and double ids are refused with the line. [`Schedule`] is a pure state
//! machine: all of `run --parallel` except waiting.

use crate::error::Result;

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The tasks, in the file's order.
    pub tasks: Vec<Task>,
}

/// One coherent unit that one agent does in one worktree on one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id: the branch is `flow/<slug>/<id>`. `spec` and `result` are reserved.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// The agent that is to do it; none: the first of the config.
    pub agent: Option<String>,
    /// The ids that it depends on.
    pub after: Vec<String>,
    /// Globs of the files that it means to touch, for the agent and the reviewer to know.
    pub files: Vec<String>,
    /// A command that must pass, besides the config's.
    pub verify: Option<String>,
    /// What to do, in Markdown.
    pub instruction: String,
    /// Whether its box is ticked: it has reached the result.
    pub done: bool,
    /// The heading's line in `plan.md`, from 1.
    pub line: usize,
}

/// Reads the tasks of a `plan.md`.
pub fn parse(text: &str) -> Result<Plan> {
    let _ = text;
    todo!("spec helper")
}

/// The plan's text without what changes while it is carried out (ticks, `chat-id` comments): what an
/// approval is bound to.
pub fn essence(text: &str) -> String {
    let _ = text;
    todo!("spec helper")
}

/// The same text with that task's box ticked.
pub fn tick(text: &str, task: &str) -> Result<String> {
    let _ = (text, task);
    todo!("spec helper")
}

/// Where a task stands in a [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Waits for its dependencies.
    Waiting,
    /// Could start.
    Ready,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// Over without a result.
    Failed,
    /// Cannot start, since a dependency failed or cannot start.
    Blocked,
}

/// Which task may start when. Pure: nothing here waits or runs.
#[derive(Debug, Clone)]
pub struct Schedule {
    tasks: Vec<(Task, Standing)>,
    parallel: usize,
}

impl Schedule {
    /// All tasks waiting, those in `done` done.
    pub fn new(plan: &Plan, done: &[String], parallel: usize) -> Schedule {
        let _ = (plan, done, parallel);
        todo!("spec helper")
    }

    /// The next task that is ready, if a place is free, in the plan's order; it then counts as running.
    pub fn start_next(&mut self) -> Option<Task> {
        todo!("spec helper")
    }

    /// A running task is over.
    pub fn finish(&mut self, id: &str, success: bool) {
        let _ = (id, success);
        todo!("spec helper")
    }

    /// Whether nothing runs and nothing can start.
    pub fn is_over(&self) -> bool {
        todo!("spec helper")
    }

    /// Where each task stands, in the plan's order.
    pub fn standings(&self) -> impl Iterator<Item = (&Task, Standing)> {
        self.tasks.iter().map(|(task, standing)| (task, *standing))
    }

    /// How many run.
    pub fn running(&self) -> usize {
        self.tasks.iter().filter(|(_, standing)| *standing == Standing::Running).count().min(self.parallel)
    }
}
