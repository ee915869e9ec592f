//! Files and directories: what only their owner may read, what vanishes, what a killed process left.

pub mod half_written;
pub mod private;
pub mod temporary;
