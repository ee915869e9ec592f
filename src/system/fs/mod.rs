//! Files and directories: what only their owner may read, what vanishes, what a killed process left, and
//! what `std` does not do safely with files that another program prepared.

pub mod disk_full;
pub mod disk_usage;
pub mod half_written;
pub mod home;
mod inside;
pub mod lock;
pub mod locked_dir;
pub mod private;
mod remove;
mod rename;
pub mod temporary;

pub use inside::Inside;
pub use remove::remove_tree;
pub use rename::{move_new, rename_new};
