//! `git flow-ai hook`.

use crate::error::{Exit, Result};
use clap::Args;

/// Called by git's hooks
#[derive(Debug, Args)]
pub struct HookArgs {}

/// Runs the command.
pub fn run(args: HookArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
