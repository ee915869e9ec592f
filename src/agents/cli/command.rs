//! Any command: the prompt on standard input, the answer on standard output, exit status 0 is done.

use super::{Call, Invocation, Listener, Reader};
use crate::agents::agent::observed::{End, Observed};
use crate::domain::error::{Result, hint};
use crate::system::program;
use std::process::ExitStatus;

/// The command for that mode with its arguments.
pub fn prepare(call: &Call, invocation: &mut Invocation) -> Result<Listener> {
    let reviews = call.config.review_command.as_ref().filter(|_| !call.edits());
    let words = reviews.or(call.config.command.as_ref()).map(Vec::as_slice).unwrap_or_default();
    let Some((program, args)) = words.split_first() else {
        return Err(hint("the command is empty", "name a program in the config"));
    };
    let path = call.config.env.get("PATH").map(String::as_str);
    invocation.program = program::find(program, path, "install it, or mend the command in the config")?;
    invocation.args.extend(args.iter().chain(&call.config.args).map(Into::into));
    Ok(Box::new(Plain { edits: call.edits() }))
}

/// Takes the whole output for the text.
struct Plain {
    edits: bool,
}

impl Reader for Plain {
    fn line(&mut self, line: &str, observed: &mut Observed) {
        observed.adds_line(line);
    }

    /// Nobody knows what such a tool means by what.
    fn error_line(&mut self, line: &str, observed: &mut Observed) {
        observed.aside(line);
    }

    fn ended(&mut self, status: ExitStatus, observed: &mut Observed) {
        observed.end = Some(if status.success() {
            // Files are the answer of one that edits.
            if self.edits { End::Done } else { End::Well }
        } else {
            let said = observed.asides.last().map(|line| format!(": {line}")).unwrap_or_default();
            End::Badly(format!("it failed ({status}){said}"))
        });
    }
}
