//! Which processes of a tree are alive, wherever they have gone.
//!
//! On Linux we are made the one that orphans are handed to, so that whatever an agent starts, in
//! whatever session, stays a descendant of ours, and finding it costs a look at our own children
//! instead of a search through all processes. Whose an orphan is, its mark tells, its group or its
//! session. Elsewhere `ps` is asked.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{alive, below, children, is_child, prepare};

#[cfg(not(target_os = "linux"))]
mod ps;
#[cfg(not(target_os = "linux"))]
pub use ps::{alive, children, is_child, prepare};

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use super::table::Pid;

static ROOTS: Mutex<BTreeMap<Pid, String>> = Mutex::new(BTreeMap::new());

/// The processes that we started ourselves and that are not over, hence no orphans, and their marks.
pub fn roots() -> MutexGuard<'static, BTreeMap<Pid, String>> {
    ROOTS.lock().unwrap_or_else(PoisonError::into_inner)
}
