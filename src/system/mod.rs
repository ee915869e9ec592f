//! The machine: processes, files, the git executable, and the secrets that we were given.
//!
//! Only [`process`] needs an async runtime, so that a program which embeds the gate brings none.

pub(crate) mod fs;
pub mod git;
pub(crate) mod mark;
pub(crate) mod memory;
pub mod overlay;
pub mod process;
pub(crate) mod program;
pub(crate) mod secrets;
