//! Shell commands of the config: setup and verification.

use super::SandboxedCommand;
use crate::domain::error::Result;
use crate::gate::signing;
use crate::system::git;
use crate::system::process::stop::Stop;
use crate::system::process::tree::{Output, Tree};
use crate::system::process::tty_wait::TtyWait;
use crate::system::process::unattended::unattended;
use crate::system::program;
use crate::system::secrets::LineRedactor;
use std::collections::VecDeque;
use std::process::{Command, ExitStatus};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// One that prints nothing for so long may be waiting for an answer.
const QUIET: Duration = Duration::from_secs(60);

/// How many of its last lines are shown with a command's failure, at most.
const TAIL_LINES: usize = 200;

/// How many bytes they may be.
const TAIL_BYTES: usize = 16 << 10;

/// How a shell command of the config (setup, verification) ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellEnd {
    /// Exit status 0.
    Passed,
    /// Another status, or a signal.
    Failed {
        status: String,
        /// The last lines of what it printed.
        tail: String,
    },
    /// It took longer than allowed, and was stopped.
    TimedOut {
        /// The last lines of what it printed.
        tail: String,
    },
    /// It prompted for input, and was stopped.
    Asked {
        /// What, and which command.
        what: String,
        /// The last lines of what it printed.
        tail: String,
    },
    Stopped,
}

/// Why we no longer wait.
enum Over {
    Ended(ExitStatus),
    TimedOut,
    Asked(String),
    Stopped,
}

/// A command line for `sh`, with variables that say where it is.
pub fn shell(command: &str, env: &[(String, String)]) -> Command {
    let mut sh = Command::new(program::SHELL);
    // A check that agents could replace by a file of its name would check nothing.
    sh.env("PATH", program::path());
    git::forget_repository(&mut sh);
    unattended(&mut sh);
    // It runs what agents wrote: their tests, their build scripts.
    for name in signing::AGENT {
        sh.env_remove(name);
    }
    sh.arg("-c").arg(command).envs(env.iter().map(|(name, value)| (name, value)));
    sh
}

/// Runs a command to its end; each line of its output goes to `line`. Nothing of it is left alive
/// afterwards.
pub async fn run(
    sandboxed: SandboxedCommand,
    timeout: Duration,
    stop: &Stop,
    mut line: impl FnMut(&str),
) -> Result<ShellEnd> {
    let SandboxedCommand { command, wrappers, guard } = sandboxed;
    let (mut tree, mut output) = Tree::start(command, None, wrappers)?;
    let mut tail = Tail::default();
    let mut stream = LineRedactor::default();
    let mut report = |text: String, from_err: bool| {
        // Agents and their models read how a command failed, beside files and terminals.
        let text = stream.line(text, from_err);
        line(&text);
        tail.push(text);
    };
    let over = watch(&mut tree, &mut output, Instant::now() + timeout, stop, &mut report).await?;
    tree.finish(&mut output, &mut report).await;
    for what in guard.stopped() {
        report(what, true);
    }
    if !matches!(&over, Over::Ended(status) if status.success()) {
        let guess = tail.lines.iter().rev().find_map(|line| guard.guess(line));
        tail.lines.extend(guess);
    }
    Ok(match over {
        Over::Stopped => ShellEnd::Stopped,
        Over::Asked(what) => ShellEnd::Asked { what, tail: tail.text() },
        Over::TimedOut => ShellEnd::TimedOut { tail: tail.text() },
        Over::Ended(status) if status.success() => ShellEnd::Passed,
        Over::Ended(status) => ShellEnd::Failed { status: status.to_string(), tail: tail.text() },
    })
}

async fn watch(
    tree: &mut Tree,
    output: &mut Output,
    deadline: Instant,
    stop: &Stop,
    report: &mut impl FnMut(String, bool),
) -> Result<Over> {
    let mut stop = stop.clone();
    let mut open = true;
    let mut tty_wait = TtyWait::new(QUIET.min(deadline.saturating_duration_since(Instant::now()) / 4));
    loop {
        tokio::select! {
            line = output.next(), if open => match line {
                Some((text, from_err)) => {
                    tty_wait.printed(&text);
                    report(text, from_err);
                }
                None => open = false,
            },
            () = sleep_until(tty_wait.due()) => if let Some(what) = tty_wait.look(tree.waiter(), output.unfinished()) {
                return Ok(Over::Asked(what));
            },
            status = tree.ended() => return Ok(Over::Ended(status?)),
            () = sleep_until(deadline) => return Ok(Over::TimedOut),
            () = stop.wait() => return Ok(Over::Stopped),
        }
    }
}

/// The last lines of an output.
#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, mut line: String) {
        if line.len() > TAIL_BYTES {
            line.truncate(line.floor_char_boundary(TAIL_BYTES));
        }
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.lines.len() > TAIL_LINES || self.bytes > TAIL_BYTES + 1 {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.len() + 1);
        }
    }

    fn text(self) -> String {
        self.lines.into_iter().collect::<Vec<_>>().join("\n")
    }
}
