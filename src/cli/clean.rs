//! `git flow-ai clean`.

use crate::error::{Exit, Result};
use clap::Args;

/// Remove what is merged, and only that
#[derive(Debug, Args)]
pub struct CleanArgs {}

/// Runs the command.
pub fn run(args: CleanArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
