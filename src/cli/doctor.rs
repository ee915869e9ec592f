//! `git flow-ai doctor`.

use crate::error::{Exit, Result};
use clap::Args;

/// Check git, hooks, agents, reviewers and leftovers
#[derive(Debug, Args)]
pub struct DoctorArgs {}

/// Runs the command.
pub fn run(args: DoctorArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
