//! Which processes of a tree are alive, wherever they have gone.
//!
//! On Linux we have the kernel hand orphans to us, so that everything that an agent starts, in any
//! session, stays a descendant of ours, and finding it costs a look at our own children instead of a
//! search through all processes. An orphan's tree is known by its mark, its group or its session.
//! Elsewhere `ps` lists all processes.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{adopt_orphans, alive, below, children, is_child};

#[cfg(not(target_os = "linux"))]
mod ps;
#[cfg(not(target_os = "linux"))]
pub use ps::{adopt_orphans, alive, children, is_child};

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Pid;

static ROOTS: Mutex<BTreeMap<Pid, String>> = Mutex::new(BTreeMap::new());

/// The processes that we started ourselves and that have not ended, so not orphans, and their marks.
pub fn roots() -> MutexGuard<'static, BTreeMap<Pid, String>> {
    ROOTS.lock().unwrap_or_else(PoisonError::into_inner)
}
