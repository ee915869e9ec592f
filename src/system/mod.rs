//! The machine: processes, files, and the git executable.

pub mod git;
pub mod private;
pub mod process;
