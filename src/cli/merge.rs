//! `git flow-ai merge`.

use crate::error::{Exit, Result};
use clap::Args;

/// Merge a spec's result through the gate
#[derive(Debug, Args)]
pub struct MergeArgs {}

/// Runs the command.
pub fn run(args: MergeArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
