//! `git flow-ai completions`.

use crate::error::{Exit, Result};
use clap::Args;

/// Print shell completions
#[derive(Debug, Args)]
pub struct CompletionsArgs {}

/// Runs the command.
pub fn run(args: CompletionsArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
