//! Parse, dispatch, print the error, choose the status.

use clap::{CommandFactory, FromArgMatches};
use git_flow_ai::domain::error::Exit;
use git_flow_ai::ui::{cli, report};
use std::process::ExitCode;

fn main() -> ExitCode {
    let given = cli::Cli::command().get_matches();
    let cli = cli::Cli::from_arg_matches(&given).unwrap_or_else(|error| error.exit());
    let exit = cli::run(cli).unwrap_or_else(|error| {
        report::error(&error);
        if cli::wants_json(&given) && Exit::from_error(&error) != Exit::Interrupted {
            report::error_as_json(&error);
        }
        Exit::from_error(&error)
    });
    ExitCode::from(exit.code())
}
