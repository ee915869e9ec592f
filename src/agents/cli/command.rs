//! Any command: the prompt on standard input, the answer on standard output, exit status 0 is done.

use super::Agent;
use crate::domain::error::{Result, hint};
use crate::domain::presets::{EventReader, FinalEvent, Mode, Observed};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;

/// The command for that mode, and its arguments.
pub fn command(agent: &Agent, mode: Mode) -> Result<(PathBuf, Vec<OsString>)> {
    let config = &agent.config;
    let review = config.review_command.as_ref().filter(|_| mode == Mode::Review);
    let words = review.or(config.command.as_ref()).map(Vec::as_slice).unwrap_or_default();
    let Some((program, args)) = words.split_first() else {
        return Err(hint("the command is empty", "name a program in the config"));
    };
    let program = agent.find_program(program, "install it, or mend the command in the config")?;
    Ok((program, args.iter().chain(&config.args).map(Into::into).collect()))
}

/// Takes the whole output for the text.
pub struct PlainOutput {
    pub mode: Mode,
}

impl EventReader for PlainOutput {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        observed.adds_line(line);
    }

    /// We do not know what such a tool means by what: none of it is taken for a question.
    fn error_line(&mut self, line: &str, observed: &mut Observed) {
        observed.aside(line);
    }

    fn ended(&mut self, status: ExitStatus, _: &[u8], observed: &mut Observed) {
        observed.final_event = Some(match (status.success(), self.mode) {
            // Files are the answer of one that edits.
            (true, Mode::Edit) => FinalEvent::Finished,
            (true, Mode::Review) => FinalEvent::Answered,
            (false, _) => {
                let said = observed.asides.last().map(|line| format!(": {line}")).unwrap_or_default();
                FinalEvent::Failed(format!("it failed ({status}){said}"))
            }
        });
    }
}
