//! Everything a person or a script reads: errors, tables, progress, JSON.
//!
//! Commands write by [`out`] and [`err`], never by `println!`, which panics when the reader has gone.
//! Text of agents, models and repositories goes through [`plain()`] first.

mod bars;
pub(crate) mod check;
mod findings;
mod lines;
mod next;
mod output;
mod progress;
pub(crate) mod refusal;
pub(crate) mod review;
pub(crate) mod summary;
mod system_hints;
pub(crate) mod table;

pub(crate) use crate::domain::text::escape::{first_line, for_terminal as plain};
pub(crate) use findings::findings;
pub(crate) use next::next_commands;
pub(crate) use output::{err, out, raw_out};

use crate::domain::error::{Result, fixes, messages};
use crate::domain::event::{Event, TaskState, What};
use crate::domain::text::escape;
use crate::system::secrets;
use anstyle::{AnsiColor, Style};
use std::io::{IsTerminal, Write};
use std::sync::mpsc::Receiver;
use std::thread::{self, JoinHandle};

/// Prints an error, what it came from, and the way out, on standard error.
pub fn error(error: &anyhow::Error) {
    let red = AnsiColor::Red.on_default().bold();
    let mut links = messages(error).into_iter().map(|link| plain(&secrets::redacted(&link)));
    let mut text = format!("{red}error:{red:#} {}\n", links.next().unwrap_or_default());
    for link in links {
        text.push_str(&format!("  because: {link}\n"));
    }
    let hints: Vec<&str> = fixes(error).collect();
    let general = if hints.is_empty() { system_hints::fix(error) } else { None };
    for fix in hints.into_iter().chain(general) {
        text.push_str(&hint_line(&secrets::redacted(fix)));
    }
    // With nowhere left to complain, the exit status has to do.
    let _ = err().write_all(text.as_bytes());
}

/// Prints help, or what is wrong with the arguments, which it repeats; returns the exit status.
pub fn usage(answer: &clap::Error) -> u8 {
    let text = answer.render().ansi().to_string();
    // With nowhere left to complain, the exit status has to do.
    let _ = match answer.use_stderr() {
        true => err().write_all(text.as_bytes()),
        false => out().write_all(text.as_bytes()),
    };
    u8::try_from(answer.exit_code()).unwrap_or(2)
}

/// Prints an error as one line of JSON on standard output: a script that asked for JSON reads JSON,
/// whatever happened.
pub fn error_as_json(error: &anyhow::Error) {
    let fix: Vec<&str> = fixes(error).collect();
    // With nowhere left to complain, the exit status has to do.
    let _ = json(&serde_json::json!({ "error": messages(error), "fix": fix }));
}

/// A hint as a line of its own.
pub(crate) fn hint_line(fix: &str) -> String {
    let cyan = AnsiColor::Cyan.on_default().bold();
    format!("{cyan}hint:{cyan:#} {}\n", plain(fix))
}

/// The beginning of an object's id, as git shows it.
pub(crate) fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

pub(crate) fn warning(message: &str) {
    let yellow = AnsiColor::Yellow.on_default().bold();
    let _ = writeln!(err(), "{yellow}warning:{yellow:#} {}", plain(&secrets::redacted(message)));
}

/// Prints a value as one line of JSON on standard output.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<()> {
    let mut line = serde_json::to_string(value)?;
    if secrets::holds_secret(&line) {
        let mut value = serde_json::to_value(value)?;
        secrets::redact_json(&mut value);
        line = value.to_string();
    }
    let line = escape::for_json(&line) + "\n";
    Ok(out().write_all(line.as_bytes())?)
}

/// How events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventStyle {
    /// A line per running task that changes in place, on standard error.
    Bars,
    /// A prefixed line per event, on standard error.
    Lines,
    /// A line of JSON per event, on standard output.
    Json,
    WarningsOnly,
}

impl EventStyle {
    /// JSON when asked for, bars on a terminal that can, else lines.
    pub fn choose(json: bool) -> EventStyle {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if json {
            EventStyle::Json
        } else if std::io::stderr().is_terminal() && !dumb {
            EventStyle::Bars
        } else {
            EventStyle::Lines
        }
    }
}

/// Shows events as they come, on a thread of its own, until every sender has gone. Join it before
/// printing anything else.
pub(crate) fn watch(events: Receiver<Event>, style: EventStyle) -> JoinHandle<()> {
    thread::spawn(move || match style {
        EventStyle::Bars => bars::show(&events),
        EventStyle::Lines => lines::show(&events),
        EventStyle::Json => {
            for event in events {
                // A full disk under the log must not stop the agents: the journal has it all.
                let _ = json(&event);
            }
        }
        EventStyle::WarningsOnly => {
            for event in events {
                if let What::Warning { message } = event.what {
                    warning(&message);
                }
            }
        }
    })
}

fn state_style(state: TaskState) -> Style {
    match state {
        TaskState::Done => AnsiColor::Green.on_default(),
        TaskState::Failed => AnsiColor::Red.on_default(),
        TaskState::Quiet | TaskState::WaitingForPerson | TaskState::RateLimited | TaskState::Stopped => {
            AnsiColor::Yellow.on_default()
        }
        TaskState::Working | TaskState::InReview => AnsiColor::Cyan.on_default(),
        TaskState::Queued
        | TaskState::Preparing
        | TaskState::Starting
        | TaskState::Verifying
        | TaskState::Harvesting => Style::new(),
    }
}
