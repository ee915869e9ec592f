//! `git flow-ai verdict`.

use crate::error::{Exit, Result};
use clap::Args;

/// List or show verdicts
#[derive(Debug, Args)]
pub struct VerdictArgs {}

/// Runs the command.
pub fn run(args: VerdictArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
