//! `git flow-ai man`.

use crate::error::{Exit, Result};
use clap::Args;

/// Write the man pages
#[derive(Debug, Args)]
pub struct ManArgs {}

/// Runs the command.
pub fn run(args: ManArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
