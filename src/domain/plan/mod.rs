//! The tasks of the implementation, with their dependencies, and the schedule that they make.
//!
//! `plan.md` has the workflow's format; its implementation steps are the tasks. A step with an `id`
//! and no `after` depends on nothing; a step without an `id` (a Zenflow plan) comes after the step
//! before it. Cycles, unknown and double ids are refused with the line. [`Schedule`] is a pure state
//! machine: all of `run --parallel` except waiting.

mod cycles;
mod ids;
mod parse;
mod schedule;
mod text;

pub use parse::parse;
pub use schedule::{Schedule, TaskStatus};
pub use text::{essence, tick, untick};

use globset::{Glob, GlobSetBuilder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The document that holds the plan.
pub const DOCUMENT: &str = "plan.md";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The tasks, in the file's order.
    pub tasks: Vec<Task>,
    /// What is most probably a mistake and does not stop us.
    pub warnings: Vec<String>,
}

/// One coherent unit that one agent does in one worktree on one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its id: the branch is `flow/<slug>/<id>`. `spec` and `result` are reserved.
    pub id: String,
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

impl Task {
    /// Which of these paths its `files:` do not name; none if it names no files.
    pub fn outside<'a>(&self, paths: impl IntoIterator<Item = &'a [u8]>) -> Vec<&'a [u8]> {
        let mut globs = GlobSetBuilder::new();
        for pattern in self.files.iter().filter_map(|pattern| Glob::new(pattern).ok()) {
            globs.add(pattern);
        }
        match globs.build() {
            Ok(globs) if !self.files.is_empty() => {
                let is_outside = |path: &&[u8]| !globs.is_match(Path::new(OsStr::from_bytes(path)));
                paths.into_iter().filter(is_outside).collect()
            }
            _ => Vec::new(),
        }
    }
}
