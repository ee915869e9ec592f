//! `git flow-ai init`.

use crate::error::{Exit, Result};
use clap::Args;

/// Put the gate, the config and an example workflow into this repository
#[derive(Debug, Args)]
pub struct InitArgs {}

/// Runs the command.
pub fn run(args: InitArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
