//! The parent of a command and of every orphan of it, until none is left.

use super::{Instructions, Network, OWN, stage};
use crate::agents::sandbox::hosts::proxy::Proxy;
use crate::agents::sandbox::hosts::{self, bridge};
use crate::domain::error::Result;
use crate::system::process::Pid;
use crate::system::process::descendants::below;
use anyhow::Context;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid as SystemPid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, getppid, kill_process, pidfd_open,
    set_child_subreaper, set_parent_process_death_signal, wait,
};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long killed processes may take to be gone. One that waits for a broken disk never is.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often we look for what was started meanwhile before we kill what stands still.
const ROUNDS: u32 = 50;

/// Starts the command by [`super::enter()`], and returns the status to exit with when nothing of it is left:
/// its own, or 128 and the signal's number. TERM, INT or HUP ends it at once, and so does the end of the
/// parent process.
pub fn guard(parent: i32, instructions: Option<&Path>, command: &[OsString]) -> Result<i32> {
    set_child_subreaper(Some(getpid())).context("the system does not hand us orphans")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot wait for the command")?;
    let status = runtime.block_on(watch(parent, instructions, command))?;
    Ok(status.map_or(128 + Signal::KILL.as_raw(), number))
}

/// Waits for its end. `None`: it was we who ended it.
async fn watch(parent: i32, instructions: Option<&Path>, command: &[OsString]) -> Result<Option<WaitStatus>> {
    let mut ended = signal(SignalKind::child())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut parent = Parent::new(parent);
    let given = instructions.map(Instructions::read).transpose()?;
    let (network, stopped) = given.map(|given| (given.network, given.stopped)).unwrap_or_default();
    let open = |network| open_proxy(network, stopped.into());
    let OpenNetwork { variables, port } = network.map(open).transpose()?.unwrap_or_default();
    let mut own = Command::new(OWN);
    own.arg0("git-flow-ai").args(stage("enter", instructions, port)).envs(variables).arg("--").args(command);
    let child = own.spawn().context("cannot start the command")?;
    let child = Pid::try_from(child.id()).context("the system gave it no number")?;
    let status = loop {
        tokio::select! {
            _ = ended.recv() => if let Some(status) = reap(child) { break Some(status) },
            () = parent.is_gone() => break None,
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            _ = hang_up.recv() => break None,
        }
    };
    Ok(status.or(end_all(child)))
}

/// The network that the command gets.
#[derive(Default)]
struct OpenNetwork {
    /// What leads programs to it.
    variables: Vec<(&'static str, String)>,
    /// The proxy's port, if the kernel lets the command connect only to that.
    port: Option<u16>,
}

/// Opens the only way out.
fn open_proxy(network: Network, stopped: PathBuf) -> Result<OpenNetwork> {
    let proxy = Proxy::new(network.hosts.clone(), stopped);
    if let Some(socket) = network.socket {
        let listener = UnixListener::bind(socket).context("cannot open the proxy's socket")?;
        tokio::spawn(proxy.serve_socket(listener));
        return Ok(OpenNetwork {
            variables: hosts::variables(&network.hosts, bridge::PORT, true),
            port: None,
        });
    }
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("cannot open the proxy's port")?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    tokio::spawn(proxy.serve_port(TcpListener::from_std(listener)?));
    Ok(OpenNetwork { variables: hosts::variables(&network.hosts, port, false), port: Some(port) })
}

/// Waits for all that have ended; the status of the child if it was among them.
fn reap(child: Pid) -> Option<WaitStatus> {
    let mut status = None;
    while let Ok(Some((pid, found))) = wait(WaitOptions::NOHANG) {
        if pid.as_raw_nonzero().get() == child {
            status = Some(found);
        }
    }
    status
}

/// Ends all that is below us. What forks fast is stopped first, until nothing new appears: a process that
/// stands still starts no other.
fn end_all(child: Pid) -> Option<WaitStatus> {
    let own = getpid().as_raw_nonzero().get();
    let deadline = Instant::now() + PATIENCE;
    let mut status = None;
    loop {
        let mut stopped = BTreeSet::new();
        for _ in 0..ROUNDS {
            let moving: Vec<Pid> = below(own).into_iter().filter(|pid| stopped.insert(*pid)).collect();
            if moving.is_empty() {
                break;
            }
            send(moving, Signal::STOP);
        }
        send(stopped, Signal::KILL);
        status = status.or(reap(child));
        if below(own).is_empty() || Instant::now() >= deadline {
            return status.or(reap(child));
        }
        sleep(Duration::from_millis(2));
    }
}

fn send(pids: impl IntoIterator<Item = Pid>, signal: Signal) {
    for pid in pids.into_iter().filter_map(SystemPid::from_raw) {
        // It may have ended in this moment.
        let _ = kill_process(pid, signal);
    }
}

fn number(status: WaitStatus) -> i32 {
    status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// The process that called.
enum Parent {
    Watched(oneshot::Receiver<()>),
    /// The kernel is too old to watch it, and sends TERM.
    Signals,
    Gone,
}

impl Parent {
    fn new(pid: i32) -> Parent {
        let watched = SystemPid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let parent = match watched {
            Some(fd) => Parent::Watched(end_of(fd)),
            None => {
                let _ = set_parent_process_death_signal(Some(Signal::TERM));
                Parent::Signals
            }
        };
        // Only now, since it could have gone before we looked.
        let is_there = getppid().is_some_and(|parent| parent.as_raw_nonzero().get() == pid);
        if is_there { parent } else { Parent::Gone }
    }

    async fn is_gone(&mut self) {
        match self {
            // An error means that it cannot be known any more.
            Parent::Watched(end) => drop(end.await),
            Parent::Signals => std::future::pending().await,
            Parent::Gone => {}
        }
    }
}

/// Resolves when that process ends; a thread waits for it.
fn end_of(process: OwnedFd) -> oneshot::Receiver<()> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut watched = [PollFd::new(&process, PollFlags::IN)];
        while poll(&mut watched, None) == Err(Errno::INTR) {}
        drop(sender);
    });
    receiver
}
