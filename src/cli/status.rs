//! `git flow-ai status`.

use crate::error::{Exit, Result};
use clap::Args;

/// Show every spec, its step, and what to do next
#[derive(Debug, Args)]
pub struct StatusArgs {}

/// Runs the command.
pub fn run(args: StatusArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
