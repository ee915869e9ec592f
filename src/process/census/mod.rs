//! Which processes of a tree are alive, wherever they have gone.
//!
//! On Linux we are made the one that orphans are handed to, so that whatever an agent starts, in
//! whatever session, stays a descendant of ours, and finding it costs a look at our own children
//! instead of a search through all processes. Whose an orphan is, its mark tells, its group or its
//! session. Elsewhere `ps` is asked.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{alive, prepare};

#[cfg(not(target_os = "linux"))]
mod ps;
#[cfg(not(target_os = "linux"))]
pub use ps::{alive, prepare};

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A process id, as the system's tables write it.
pub type Pid = i32;

/// What a tree's processes are known by.
#[derive(Debug, Clone, Copy)]
pub struct Signs<'a> {
    /// The process that we started; it leads a group of its own.
    pub root: Pid,
    /// Whether that one has ended and was waited for, so that its number may be somebody else's.
    pub reaped: bool,
    /// `NAME=value` as it begins in the environment.
    pub mark: &'a str,
}

static ROOTS: Mutex<BTreeSet<Pid>> = Mutex::new(BTreeSet::new());

/// The processes that we started ourselves and that are not over: no orphans.
pub fn roots() -> MutexGuard<'static, BTreeSet<Pid>> {
    ROOTS.lock().unwrap_or_else(PoisonError::into_inner)
}
