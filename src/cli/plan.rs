//! `git flow-ai plan`.

use crate::error::{Exit, Result};
use clap::Args;

/// Draft or edit a spec's plan: its tasks
#[derive(Debug, Args)]
pub struct PlanArgs {}

/// Runs the command.
pub fn run(args: PlanArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
