//! git commands on what an agent left, with an end: of time and of output.
//!
//! An agent can leave a million files, patterns on which git's matching takes hours, or data that unpacks
//! without end. Output goes to files, so that no process waits for another to read.

use super::TooMuch;
use crate::domain::error::Result;
use crate::system::git;
use crate::system::git::error::GitError;
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long one command may take: reading a large worktree afresh takes seconds.
pub(super) const LIMIT: Duration = Duration::from_secs(300);

/// The most that is read of a command's output, in bytes: a hundred thousand paths of the usual length are
/// a tenth of it.
const LONGEST: u64 = 64 << 20;

/// How much room on the disk a message may need, in bytes.
const ROOM: usize = 64 << 10;

pub(super) struct GitOutput {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl GitOutput {
    /// The items of the output, which are separated by NUL.
    pub fn items(&self) -> Vec<Vec<u8>> {
        self.stdout.split(|byte| *byte == 0).filter(|item| !item.is_empty()).map(<[u8]>::to_vec).collect()
    }

    /// What it wrote to its standard error, for messages.
    pub fn errors(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().to_owned()
    }
}

/// Runs that subcommand of git to its end, which must be one of these exit codes.
pub(super) fn run(what: &str, command: &mut Command, codes: &[i32]) -> Result<GitOutput> {
    let (mut out, mut err) = (scratch()?, scratch()?);
    command.stdout(out.try_clone()?).stderr(err.try_clone()?);
    let status = wait(start(command)?, what)?;
    let (stdout, stderr) = (read(&mut out, what)?, read(&mut err, what)?);
    let output = GitOutput { status, stdout, stderr };
    if !output.status.code().is_some_and(|code| codes.contains(&code)) {
        if output.stderr.is_empty() {
            // It had something to say: if it cannot be written down, that is the cause.
            let room = err.write_all(&[0; ROOM]);
            room.with_context(|| format!("git {what} failed ({}), unheard", output.status))?;
        }
        // Our settings would only hide the cause.
        let command = format!("git {what}");
        return Err(GitError { command, status: output.status, stderr: output.errors() }.into());
    }
    Ok(output)
}

/// Starts it in a process group of its own: filters end with it.
pub(super) fn start(command: &mut Command) -> Result<Child> {
    command.process_group(0).spawn().with_context(|| format!("cannot run {}", git::describe(command)))
}

/// Waits for its end, and ends it when that takes too long.
pub(super) fn wait(mut child: Child, what: &str) -> Result<ExitStatus> {
    let (done, timer) = mpsc::channel::<()>();
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let watch = thread::spawn(move || {
        let is_late = timer.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
        if let Some(group) = group.filter(|_| is_late) {
            // It may just have output.
            let _ = kill_process_group(group, Signal::KILL);
        }
        is_late
    });
    let status = child.wait().with_context(|| format!("cannot wait for git {what}"));
    drop(done);
    if watch.join().unwrap_or(false) {
        return Err(TooMuch(format!("git {what} took longer than {} minutes", LIMIT.as_secs() / 60)).into());
    }
    status
}

/// Paths as a command's input, separated by NUL.
pub(super) fn input<'a>(paths: impl IntoIterator<Item = &'a Vec<u8>>) -> Result<Stdio> {
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend_from_slice(path);
        bytes.push(0);
    }
    text(&bytes)
}

/// Text as a command's input.
pub(super) fn text(bytes: &[u8]) -> Result<Stdio> {
    let mut file = scratch()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file.into())
}

/// A file without a name.
pub(super) fn scratch() -> Result<File> {
    tempfile::tempfile().context("cannot make a temporary file")
}

/// What a command wrote into that file.
fn read(file: &mut File, what: &str) -> Result<Vec<u8>> {
    if file.metadata()?.len() > LONGEST {
        return Err(TooMuch(format!("git {what} lists more than {} MiB", LONGEST >> 20)).into());
    }
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
