//! The machine: processes, files, the git executable, and the secrets that we were given.
//!
//! [`git`], [`fs`], [`mark`], [`program`] and [`secrets`] need no async runtime, so that a program which embeds the gate
//! brings none; only [`process`] does.

pub mod fs;
pub mod git;
pub(crate) mod mark;
pub mod process;
pub(crate) mod program;
pub mod secrets;
