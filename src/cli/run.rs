//! `git flow-ai run`.

use crate::error::{Exit, Result};
use clap::Args;

/// Run a plan's tasks with agents in parallel worktrees
#[derive(Debug, Args)]
pub struct RunArgs {}

/// Runs the command.
pub fn run(args: RunArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
