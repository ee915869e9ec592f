//! Child processes as trees: started in a group of their own, stopped whole.
//!
//! Agents' tools run in sessions of their own, and some leave daemons, so killing the child or its
//! group is not enough. Every child carries a random mark in its environment, and on Linux we are the
//! one that orphans are handed to; stopping means TERM to the whole tree, a grace, KILL, and looking
//! again until nothing is left. What it prints is read in lines of a bounded length.

mod descendants;
mod identity;
mod lines;
mod orphans;
mod pressure;
pub mod program;
mod stop;
mod table;
mod temporary;
mod tree;
mod tty_wait;
mod unattended;

#[cfg(target_os = "linux")]
pub(crate) use descendants::{Pid, below};
pub use identity::Identity;
pub use lines::Lines;
pub use orphans::{Traces, end_strays};
pub use pressure::pressure;
pub use stop::{Stop, Stopper};
pub use table::{Started, commands};
pub use temporary::{abandoned, is_half_written, sweep_temporary, temporary, temporary_root};
pub use tree::{MARK, Output, Tree, kill_all, mark, own_mark};
pub use tty_wait::{TtyWait, asks_person};
pub use unattended::unattended;

/// The longest line that is kept, in bytes. An agent's last event holds its whole answer in one line.
pub const LONGEST_LINE: usize = 4 << 20;
