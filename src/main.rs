//! Parse, dispatch, print the error, choose the status.

use clap::{CommandFactory, FromArgMatches};
use git_flow_ai::domain::error::Exit;
use git_flow_ai::ui::{cli, report};
use std::process::ExitCode;

fn main() -> ExitCode {
    let parsed = cli::Cli::command().try_get_matches();
    let parsed = parsed.and_then(|given| Ok((cli::Cli::from_arg_matches(&given)?, given)));
    let (cli, given) = match parsed {
        Ok(parsed) => parsed,
        Err(answer) => return ExitCode::from(report::usage(&answer)),
    };
    let exit = cli::run(cli).unwrap_or_else(|error| {
        report::error(&error);
        if cli::wants_json(&given) && Exit::from_error(&error) != Exit::Interrupted {
            report::error_as_json(&error);
        }
        Exit::from_error(&error)
    });
    ExitCode::from(exit.code())
}
