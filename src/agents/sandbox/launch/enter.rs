//! Becomes the command, with its access restricted.

use super::{Instructions, landlock};
use crate::agents::sandbox::capabilities;
use crate::domain::error::Result;
use crate::system::overlay;
use anyhow::{Context, bail};
use rustix::process::{
    Resource, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit, setsid,
};
use std::convert::Infallible;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// How many processes and threads one command may have beside those that its user has already. A parallel
/// build has some hundreds; what forks without end stops here instead of taking the machine along.
const PROCESSES: u64 = 4096;

/// Becomes that command: in a session of its own, so that it has no terminal to ask or to write to, and
/// restricted as instructed, and to that port, if it is given. When the process that called is gone, so is the command.
pub fn enter(
    parent: i32,
    instructions: Option<&Path>,
    port: Option<u16>,
    command: &[OsString],
) -> Result<Infallible> {
    let instructions = instructions.map(Instructions::read).transpose()?;
    let Some((program, args)) = command.split_first() else { bail!("there is no command") };
    // One that leads a group cannot take a session, and has one already.
    let _ = setsid();
    limit_processes();
    close_inherited();
    if let Some(instructions) = &instructions {
        overlay::enter(&instructions.overlays)?;
    }
    if let Some(paths) = instructions.and_then(|instructions| instructions.paths) {
        capabilities::drop_others()?;
        landlock::restrict(&paths, port)?;
    }
    set_parent_process_death_signal(Some(Signal::KILL)).context("cannot tie the command to its parent")?;
    if getppid().map(|parent| parent.as_raw_nonzero().get()) != Some(parent) {
        bail!("the parent process is gone");
    }
    let error = Command::new(program).args(args).exec();
    Err(error).with_context(|| format!("cannot start {}", Path::new(program).display()))
}

/// Closes what our parent had left open beside the standard streams: through an open folder the
/// command would get at all that is in there, past every rule.
fn close_inherited() {
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let open: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in open.into_iter().filter(|number| *number > 2) {
        // What listed them is closed by now.
        let _ = nix::unistd::close(number);
    }
}

/// Limits what the user of the command may have at once. The kernel lets root go past that.
fn limit_processes() {
    let own = rustix::process::getuid().as_raw();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes =
        entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()));
    let theirs = processes.filter(|entry| entry.metadata().is_ok_and(|found| found.uid() == own));
    let threads = theirs.map(|entry| fs::read_dir(entry.path().join("task")).map_or(1, Iterator::count));
    let wanted = threads.sum::<usize>() as u64 + PROCESSES;
    let mut limit = getrlimit(Resource::Nproc);
    limit.maximum = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
    limit.current = limit.maximum;
    // If that is refused, the limit is what it was.
    let _ = setrlimit(Resource::Nproc, limit);
}
