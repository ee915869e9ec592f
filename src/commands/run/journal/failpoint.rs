//! Dying on purpose, so that tests can kill a run at exactly the places that matter.
//!
//! With `GIT_FLOW_AI_DIE_AT=<n>` in its environment, a binary built for debugging kills itself with
//! SIGKILL at the n-th point, counted from 0: each line of the journal has one before it is written and
//! one after. Released binaries have no such thing.

use rustix::process::{Signal, getpid, kill_process};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// The variable that names the point.
const AT: &str = "GIT_FLOW_AI_DIE_AT";

/// Ends this process here, if this is the point.
pub fn point() {
    static WANTED: LazyLock<Option<u64>> = LazyLock::new(|| std::env::var(AT).ok()?.parse().ok());
    static PASSED: AtomicU64 = AtomicU64::new(0);
    if *WANTED == Some(PASSED.fetch_add(1, Ordering::SeqCst)) {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
