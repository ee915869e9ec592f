//! `git flow-ai log`.

use crate::error::{Exit, Result};
use clap::Args;

/// Show an agent's transcript
#[derive(Debug, Args)]
pub struct LogArgs {}

/// Runs the command.
pub fn run(args: LogArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
