//! Files and directories: what only their owner may read, what vanishes, what a killed process left, and
//! what `std` does not do safely with files that another program prepared.

pub mod full;
pub mod half_written;
pub mod home;
pub mod lock;
pub mod private;
mod remove;
pub mod temporary;

pub use remove::{move_to, move_within, remove_tree};
