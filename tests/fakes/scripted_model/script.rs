//! A script: what the "model" does, one step a line, read from the prompt itself or chosen by URL.
//!
//! ```text
//! write PATH TEXT        write a file, with whichever tool the client advertises (\n is a newline)
//! run COMMAND            run a shell command
//! call TOOL JSON         call that very tool
//! say TEXT               answer with text; this ends the turn
//! verdict [JSON]         answer a review request; JSON is its findings, or an object laid over the answer
//! fault KIND [N|*] [k=v] misbehave on the next N requests (default 1, * for ever), then go on
//! when WORD STEP         STEP, but only where the rest of the prompt holds WORD
//! unless WORD STEP       STEP, but only where it does not
//! ```
//!
//! Fault kinds: an HTTP status (`429`, `500`, `401`, …; `retry=SECONDS`), `slow` (`delay=SECONDS` before each
//! event), `cut`, `malformed`, `refuse`, `empty`, `hang`, `huge` (`bytes=N`).

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// One thing that the model does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Write { path: String, text: String },
    Run(String),
    Call { tool: String, arguments: Value },
    Say(String),
    Verdict(Value),
}

impl Step {
    /// Whether it is done with a tool.
    pub fn needs_tool(&self) -> bool {
        matches!(self, Step::Write { .. } | Step::Run(_) | Step::Call { .. })
    }
}

/// One way to misbehave.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub kind: Kind,
    /// On how many requests; none: on all.
    pub times: Option<u32>,
    /// Before which step.
    pub before: usize,
    /// The number after `=`: seconds or bytes.
    pub amount: Option<u64>,
}

/// What can be wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Status(u16),
    Slow,
    Cut,
    Malformed,
    Refuse,
    Empty,
    Hang,
    Huge,
}

/// A whole script.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    pub steps: Vec<Step>,
    pub faults: Vec<Fault>,
}

impl Script {
    /// Reads a script's lines; `rest` is what `when` and `unless` look at.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>, rest: &str) -> Result<Script> {
        let mut script = Script::default();
        for line in lines.into_iter().map(str::trim).filter(|line| !line.is_empty()) {
            script.add(line, rest).with_context(|| format!("in the script's line `{line}`"))?;
        }
        Ok(script)
    }

    fn add(&mut self, line: &str, rest: &str) -> Result<()> {
        let (verb, tail) = split(line);
        let step = match verb {
            "when" | "unless" => {
                let (word, step) = split(tail);
                return if rest.contains(word) == (verb == "when") { self.add(step, rest) } else { Ok(()) };
            }
            "fault" => {
                self.faults.push(fault(tail, self.steps.len())?);
                return Ok(());
            }
            "write" => {
                let (path, text) = split(tail);
                Step::Write { path: path.to_owned(), text: unescaped(text) }
            }
            "run" => Step::Run(tail.to_owned()),
            "call" => {
                let (tool, arguments) = split(tail);
                Step::Call { tool: tool.to_owned(), arguments: serde_json::from_str(arguments)? }
            }
            "say" => Step::Say(unescaped(tail)),
            "verdict" if tail.is_empty() => Step::Verdict(Value::Null),
            "verdict" => Step::Verdict(serde_json::from_str(tail)?),
            _ => bail!("no such step"),
        };
        self.steps.push(step);
        Ok(())
    }
}

/// The lines that start with `mark`, without it. A reviewer is shown a task's text with `| ` before
/// every line.
pub fn directives<'a>(text: &'a str, mark: &'a str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix("| ").unwrap_or(line).strip_prefix(mark)).collect()
}

fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn unescaped(text: &str) -> String {
    text.replace("\\n", "\n")
}

fn fault(text: &str, before: usize) -> Result<Fault> {
    let mut words = text.split(' ');
    let kind = match words.next().unwrap_or_default() {
        "slow" => Kind::Slow,
        "cut" => Kind::Cut,
        "malformed" => Kind::Malformed,
        "refuse" => Kind::Refuse,
        "empty" => Kind::Empty,
        "hang" => Kind::Hang,
        "huge" => Kind::Huge,
        status => Kind::Status(status.parse().context("no such fault")?),
    };
    let mut fault = Fault { kind, times: Some(1), before, amount: None };
    for word in words {
        match word.split_once('=') {
            Some((_, amount)) => fault.amount = Some(amount.parse()?),
            None if word == "*" => fault.times = None,
            None => fault.times = Some(word.parse()?),
        }
    }
    Ok(fault)
}
