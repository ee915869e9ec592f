//! `git flow-ai demo`.

use crate::error::{Exit, Result};
use clap::Args;

/// Play the whole story in a temporary repository, without network or keys
#[derive(Debug, Args)]
pub struct DemoArgs {}

/// Runs the command.
pub fn run(args: DemoArgs) -> Result<Exit> {
    let _ = args;
    todo!()
}
