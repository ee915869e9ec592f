//! Child processes as trees: started in a group of their own, stopped whole.
//!
//! Agents' tools run in sessions of their own, and some leave daemons, so killing the child or its
//! group is not enough. Every child carries a random mark in its environment, and on Linux orphans are
//! handed to us. Stopping means TERM to the whole tree, a grace period, KILL, and looking again until
//! nothing is left. What a child prints is read in lines of a bounded length.

pub(crate) mod ancestors;
pub(crate) mod descendants;
pub(crate) mod identity;
pub(crate) mod lines;
pub(crate) mod orphans;
#[cfg(target_os = "linux")]
mod stat;
pub mod stop;
pub(crate) mod table;
pub(crate) mod terminal_prompt;
pub(crate) mod tree;
pub(crate) mod tty_wait;
pub(crate) mod unattended;

/// A process's number, as the system's tables write it.
pub type Pid = i32;
