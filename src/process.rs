//! Child processes as trees: started in a group of their own, stopped whole.
//!
//! Agents' tools run in sessions of their own, and some leave daemons, so killing the child or its
//! group is not enough. Every child carries a random mark in its environment; stopping means TERM to
//! the tree, a grace, KILL, and a search for whatever still carries the mark.

use crate::error::Result;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;

/// Whether we were told to stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// The other end of a [`Stop`].
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// A pair.
    pub fn pair() -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Stop(receiver))
    }

    /// Whether it is time to stop.
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is time to stop; for ever when it never is.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|set| *set).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    /// It is time to stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// How a shell command of the config (set-up, verification) ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellEnd {
    /// Exit status 0.
    Passed,
    /// Another status, or a signal; with the last lines of what it printed.
    Failed { status: String, tail: String },
    /// It took longer than allowed, and was stopped.
    TimedOut { tail: String },
    /// We were told to stop.
    Stopped,
}

/// Runs `sh -c command` in that folder; each line of its output goes to `line`. Nothing of it is
/// left alive afterwards.
pub async fn shell(
    command: &str,
    dir: &Path,
    env: &[(String, String)],
    timeout: Duration,
    stop: &Stop,
    line: impl FnMut(&str),
) -> Result<ShellEnd> {
    let _ = (command, dir, env, timeout, stop, line);
    todo!("agent helper")
}
