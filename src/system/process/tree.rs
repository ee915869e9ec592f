//! One process and everything that it starts, from its first moment to its last.

use super::Pid;
use super::descendants::{adopt_orphans, alive, children, is_child, roots};
use super::identity::Identity;
use super::lines::{LONGEST_LINE, Lines};
use super::tty_wait::{self, Waiter};
use crate::domain::error::Result;
use crate::system::mark::{MARK, next_mark};
use anyhow::Context;
use rustix::process::{Resource, Signal, getrlimit, kill_process, setrlimit};
use std::collections::BTreeSet;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Once;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// The grace period: how long a tree may take to end by itself after TERM.
const GRACE: Duration = Duration::from_secs(2);

/// How often a tree that forks while we kill is killed again.
const KILLS: u32 = 100;

/// How many files we want to be allowed to have open: enough for some thousand agents.
const FILES: u64 = 16_384;

/// How long pipes are read when nothing of the tree is left.
const DRAIN: Duration = Duration::from_secs(1);

/// A running process with its descendants. Dropping it kills them.
#[derive(Debug)]
pub struct Tree {
    child: Child,
    root: Pid,
    holders: usize,
    reaped: bool,
    over: bool,
    writer: Option<JoinHandle<()>>,
}

/// What a process prints.
#[derive(Debug)]
pub struct Output {
    out: Option<Lines<ChildStdout>>,
    err: Option<Lines<ChildStderr>>,
}

impl Tree {
    /// Starts it in a group of its own, with `input` on its standard input, which ends then: an open one would
    /// make four agents wait for ever.
    ///
    /// The first `holders` processes of it, each started by the one before, only hold the rest (a sandbox):
    /// TERM to one of them ends everything at once, so they are asked last.
    pub fn start(
        command: std::process::Command,
        input: Option<String>,
        holders: usize,
    ) -> Result<(Tree, Output)> {
        let mut command = Command::from(command);
        adopt_orphans();
        raise_file_limit();
        let mark = next_mark()?;
        command
            .env(MARK, &mark)
            .process_group(0)
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A holder ends the others first.
            .kill_on_drop(holders == 0);
        let mut child = spawn(&mut command)?;
        let root = child.id().and_then(|id| Pid::try_from(id).ok()).context("it ended before it began")?;
        roots().insert(root, format!("{MARK}={mark}"));
        let writer = child.stdin.take().zip(input).map(|(mut pipe, text)| {
            tokio::spawn(async move {
                // It need not read its input.
                let _ = pipe.write_all(text.as_bytes()).await;
            })
        });
        let output = Output {
            out: child.stdout.take().map(|pipe| Lines::new(pipe, LONGEST_LINE)),
            err: child.stderr.take().map(|pipe| Lines::new(pipe, LONGEST_LINE)),
        };
        Ok((Tree { child, root, holders, reaped: false, over: false, writer }, output))
    }

    /// The identity of the process itself; `None` if it has ended already.
    pub fn identity(&self) -> Option<Identity> {
        Identity::read(self.root)
    }

    /// Waits until the process itself has ended; others of its tree may live on. The wait may be dropped and
    /// begun again.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.reaped = true;
        Ok(status)
    }

    /// The process of the tree that waits for a user at a terminal.
    pub fn waiter(&mut self) -> Option<Waiter> {
        tty_wait::find(&self.left())
    }

    /// Ends what is left of the tree, passes on what it still prints, and returns when nothing of it is left.
    /// Cheap if nothing was. Each line comes with whether it is from standard error.
    pub async fn finish(&mut self, output: &mut Output, mut print: impl FnMut(String, bool)) {
        let end = self.end();
        tokio::pin!(end);
        let mut open = true;
        loop {
            tokio::select! {
                line = output.next(), if open => match line {
                    Some((text, from_err)) => print(text, from_err),
                    None => open = false,
                },
                () = &mut end => break,
            }
        }
        let rest = async {
            while let Some((text, from_err)) = output.next().await {
                print(text, from_err);
            }
        };
        // A process outside the tree may hold a pipe open; what it prints is not the tree's.
        let _ = timeout(DRAIN, rest).await;
    }

    /// TERM, a grace period, KILL, until nothing is left.
    async fn end(&mut self) {
        let mut asked = BTreeSet::new();
        let mut pause = Duration::from_millis(2);
        let deadline = Instant::now() + GRACE;
        loop {
            let left = self.left();
            if left.is_empty() {
                return self.mark_over();
            }
            let holders = self.holders();
            let held: Vec<Pid> = left.into_iter().filter(|pid| !holders.contains(pid)).collect();
            if held.is_empty() || Instant::now() >= deadline {
                break;
            }
            for pid in held.into_iter().filter(|pid| asked.insert(*pid)) {
                signal(pid, Signal::TERM);
                // A stopped process gets no other signal until it continues.
                signal(pid, Signal::CONT);
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
        self.let_holders_end().await;
        for _ in 0..KILLS {
            for pid in self.left() {
                signal(pid, Signal::KILL);
            }
            sleep(Duration::from_millis(10)).await;
            if self.left().is_empty() {
                break;
            }
        }
        self.mark_over();
    }

    /// Has the holders end what they hold, and waits for it. They see more of it than we do.
    async fn let_holders_end(&mut self) {
        let deadline = Instant::now() + GRACE;
        while self.holders > 0 && !self.reaped && Instant::now() < deadline {
            signal(self.root, Signal::TERM);
            sleep(Duration::from_millis(5)).await;
            self.left();
        }
    }

    /// The living processes that only hold the others.
    fn holders(&self) -> Vec<Pid> {
        let mut holders = Vec::new();
        let mut next = (!self.reaped).then_some(self.root);
        while let Some(pid) = next.filter(|_| holders.len() < self.holders) {
            holders.push(pid);
            next = children(pid).first().copied();
        }
        holders
    }

    /// The living processes of the tree.
    fn left(&mut self) -> Vec<Pid> {
        if !self.reaped && matches!(self.child.try_wait(), Ok(Some(_))) {
            self.reaped = true;
        }
        alive(self.root, self.reaped)
    }

    fn mark_over(&mut self) {
        self.over = true;
        roots().remove(&self.root);
        if let Some(writer) = self.writer.take() {
            writer.abort();
        }
    }
}

impl Drop for Tree {
    /// Without a grace period, since nothing waits any more.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        for _ in 0..3 {
            let left = self.left();
            for pid in left {
                let how = if self.holders > 0 && pid == self.root { Signal::TERM } else { Signal::KILL };
                signal(pid, how);
            }
        }
        self.mark_over();
    }
}

impl Output {
    /// What has come of lines that have not ended: a question often stands there.
    pub fn unfinished(&self) -> String {
        let out = self.out.as_ref().map(Lines::unfinished).unwrap_or_default();
        out + &self.err.as_ref().map(Lines::unfinished).unwrap_or_default()
    }

    /// The next line, of either pipe, and whether it came from standard error; `None` when both are closed.
    /// Nothing is lost if the caller stops waiting.
    pub async fn next(&mut self) -> Option<(String, bool)> {
        loop {
            let (line, from_err) = tokio::select! {
                line = next_of(&mut self.out), if self.out.is_some() => (line, false),
                line = next_of(&mut self.err), if self.err.is_some() => (line, true),
                else => return None,
            };
            match line {
                Some(line) => return Some((line, from_err)),
                None if from_err => self.err = None,
                None => self.out = None,
            }
        }
    }
}

/// Kills everything that we have started, before we exit at once.
pub fn kill_all() {
    let all: Vec<Pid> = roots().keys().copied().collect();
    // One that forks while it is killed is found in the next round.
    for _ in 0..3 {
        for root in &all {
            alive(*root, !is_child(*root)).into_iter().for_each(|pid| signal(pid, Signal::KILL));
        }
    }
}

async fn next_of<R: tokio::io::AsyncRead + Unpin>(lines: &mut Option<Lines<R>>) -> Option<String> {
    lines.as_mut()?.next().await
}

/// Starts it. A program that is being replaced at this moment is started again.
fn spawn(command: &mut Command) -> Result<Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && tries < 20 => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            outcome => {
                let program = command.as_std().get_program().to_string_lossy().into_owned();
                return outcome.with_context(|| format!("cannot start {program}"));
            }
        }
    }
}

fn signal(pid: Pid, signal: Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        // It may have ended in this moment.
        let _ = kill_process(pid, signal);
    }
}

/// Raises the limit of open files: each child takes three of ours, and the usual 1,024 are meant for `select`.
/// Not higher than needed, since our children inherit it, and some programs close every file up to the limit.
fn raise_file_limit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(FILES, |most| most.min(FILES));
        limit.current = limit.current.map(|current| current.max(wanted));
        // Some systems refuse "without limit" here; then the limit stays.
        let _ = setrlimit(Resource::Nofile, limit);
    });
}
