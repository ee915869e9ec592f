//! `git flow-ai approve`.

use crate::error::{Exit, Result};
use clap::Args;

/// Approve a spec's document as it stands
#[derive(Debug, Args)]
pub struct ApproveArgs {}

/// Runs the command.
pub fn run(args: ApproveArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
