//! `git flow-ai spec`.

use crate::error::{Exit, Result};
use clap::Args;

/// Begin, show, edit or approve a spec
#[derive(Debug, Args)]
pub struct SpecArgs {}

/// Runs the command.
pub fn run(args: SpecArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
