//! Parse, dispatch, print the error, choose the status.

use clap::Parser;
use git_flow_ai::{cli, error::Exit, report};
use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = cli::run(cli::Cli::parse()).unwrap_or_else(|error| {
        report::error(&error);
        Exit::of(&error)
    });
    ExitCode::from(exit.code())
}
