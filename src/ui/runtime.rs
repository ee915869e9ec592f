//! The async runtime of commands that wait for agents and servers, with Ctrl-C as the way to stop them.
//!
//! Ctrl-C and TERM set the [`Stop`] of the command: it stops what it has started, keeps what is done and
//! returns. A second Ctrl-C kills all that was started and ends us at once; what it had made stays in
//! its worktree, and the next run takes it in.

use crate::domain::error::{Exit, Result};
use crate::domain::event::Events;
use crate::system::process::stop::Stop;
use crate::system::process::tree;
use crate::system::secrets;
use crate::ui::report::{self, EventStyle};
use anyhow::Context;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

/// Signals that come so close together are one.
const SAME: Duration = Duration::from_millis(250);

fn block_on<T>(work: impl AsyncFnOnce(Stop) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot make the runtime that waits for agents and servers")?;
    runtime.block_on(async {
        let (stopper, stop) = Stop::pair();
        let mut signals = Signals::new().context("cannot listen for Ctrl-C")?;
        tokio::spawn(async move {
            signals.next().await;
            stopper.stop();
            // A terminal that is closed, and `timeout`, send their signal to us and to our group: that is
            // one decision.
            let same = sleep(SAME);
            tokio::pin!(same);
            loop {
                tokio::select! {
                    () = signals.next() => {}
                    () = &mut same => break,
                }
            }
            signals.next().await;
            tree::kill_all();
            std::process::exit(Exit::Interrupted.code().into());
        });
        work(stop).await
    })
}

/// Runs the work to its end on this thread while its events are printed.
pub fn block_on_watched<T>(
    style: EventStyle,
    work: impl AsyncFnOnce(&Events, Stop) -> Result<T>,
) -> Result<T> {
    let (events, receiver) = Events::channel(secrets::redact_event);
    let watcher = report::watch(receiver, style);
    let result = block_on(async |stop| work(&events, stop).await);
    drop(events);
    // Progress that could not be printed does not cost the result.
    let _ = watcher.join();
    result
}

/// What asks us to stop.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
