//! `git flow-ai review`.

use crate::error::{Exit, Result};
use clap::Args;

/// Have a rival review a change
#[derive(Debug, Args)]
pub struct ReviewArgs {}

/// Runs the command.
pub fn run(args: ReviewArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
