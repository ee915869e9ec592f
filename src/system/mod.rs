//! The machine: processes, files, and the git executable.
//!
//! [`git`], [`fs`], [`mark`] and [`program`] need no async runtime, so that a program which embeds the gate
//! brings none; only [`process`] does.

pub mod fs;
pub mod git;
pub(crate) mod mark;
pub mod process;
pub(crate) mod program;
